//! Rows 22 and 23: the intervals that clients are given.

use kmspec_runner::case;

use super::configure::unchanged;
use super::{asked, set, then};

case! {
    /// Answers carry the activation interval that was set, and the renewal interval as it was.
    ACTIVATION { id: "deployment.activation-interval", needs: [Kms, Own, Alone] }
    for minutes in [("shortest", 15), ("hour", 60), ("longest", 43_200)];
    async fn(peer) {
        let before = asked(&peer).await?;
        let story = async {
            set(&peer, "sai", &format!("{minutes}")).await?;
            let after = asked(&peer).await?;
            after.field("activation interval", after.activation_interval).is(minutes)?;
            after.field("renewal interval", after.renewal_interval).is(before.renewal_interval)
        };
        then(story.await, set(&peer, "sai", &before.activation_interval.to_string()).await)
    }
}

case! {
    /// An activation interval out of range is refused and changes nothing.
    ACTIVATION_RANGE { id: "deployment.activation-interval/out-of-range", needs: [Kms, Own, Alone] }
    for minutes in [("zero", "0"), ("14", "14"), ("43201", "43201"), ("word", "soon")];
    async fn(peer) {
        let before = asked(&peer).await?;
        let story = unchanged(&peer, "sai", minutes).await;
        let after = asked(&peer).await?;
        let same = after.field("activation interval", after.activation_interval).is(before.activation_interval);
        then(same.and(story), set(&peer, "sai", &before.activation_interval.to_string()).await)
    }
}

case! {
    /// Answers carry the renewal interval that was set, and the activation interval as it was.
    RENEWAL { id: "deployment.renewal-interval", needs: [Kms, Own, Alone] }
    for minutes in [("shortest", 15), ("fortnight", 20_160), ("longest", 43_200)];
    async fn(peer) {
        let before = asked(&peer).await?;
        let story = async {
            set(&peer, "sri", &format!("{minutes}")).await?;
            let after = asked(&peer).await?;
            after.field("renewal interval", after.renewal_interval).is(minutes)?;
            after.field("activation interval", after.activation_interval).is(before.activation_interval)
        };
        then(story.await, set(&peer, "sri", &before.renewal_interval.to_string()).await)
    }
}

case! {
    /// A renewal interval out of range is refused and changes nothing.
    RENEWAL_RANGE { id: "deployment.renewal-interval/out-of-range", needs: [Kms, Own, Alone] }
    for minutes in [("zero", "0"), ("14", "14"), ("43201", "43201"), ("word", "soon")];
    async fn(peer) {
        let before = asked(&peer).await?;
        let story = unchanged(&peer, "sri", minutes).await;
        let after = asked(&peer).await?;
        let same = after.field("renewal interval", after.renewal_interval).is(before.renewal_interval);
        then(same.and(story), set(&peer, "sri", &before.renewal_interval.to_string()).await)
    }
}

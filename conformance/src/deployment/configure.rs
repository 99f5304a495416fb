//! Rows 17 to 21: settings, their restart, port, DNS publishing, priority.

use kmspec_runner::check::Field;
use kmspec_runner::{Peer, Stop, case};

use super::{asked, report, restart, served, service, set, then};

case! {
    /// What is set is not effective before the service restarts, is afterwards, and stays so with the next restart.
    AFTER_RESTART { id: "deployment.host-configure/after-restart", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let before = asked(&peer).await?;
        let minutes = if before.activation_interval == 60 { 90 } else { 60 };
        let story = async {
            peer.control("sai", &minutes.to_string()).await?;
            let waiting = asked(&peer).await?;
            waiting.field("activation interval before the restart", waiting.activation_interval)
                .is(before.activation_interval)?;
            restart(&peer).await?;
            let effective = asked(&peer).await?;
            effective.field("activation interval after the restart", effective.activation_interval).is(minutes)?;
            restart(&peer).await?;
            let kept = asked(&peer).await?;
            kept.field("activation interval after another restart", kept.activation_interval).is(minutes)
        };
        then(story.await, set(&peer, "sai", &before.activation_interval.to_string()).await)
    }
}

case! {
    /// Without elevation a setting is refused and nothing changes; showing needs none.
    ELEVATION { id: "deployment.host-configure/elevation", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let before = asked(&peer).await?.activation_interval;
        let minutes = if before == 60 { 90 } else { 60 };
        let tried = peer.try_control("unelevated", &format!("-sai {minutes}")).await?;
        let shown = peer.try_control("unelevated", "-dli").await?;
        restart(&peer).await?;
        let after = asked(&peer).await?;
        let story = after.field("activation interval", after.activation_interval).is(before)
            .and(Field::derived("whether -sai is done without elevation", tried.is_ok()).is(false))
            .and(Field::derived("whether -dli is done without elevation", shown.is_ok()).is(true));
        then(story, set(&peer, "sai", &before.to_string()).await)
    }
}

case! {
    /// After the restart the host answers at the new port and shows it, and nobody accepts connections at the old one.
    PORT { id: "deployment.port", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let old = peer.endpoint().address.port();
        let new = peer.free_port().await;
        let story = async {
            peer.control("sprt", &new.to_string()).await?;
            served(&peer).await?;
            restart(&peer).await?;
            let there = peer.at_port(new);
            Field::derived("whether the new port takes connections", there.accepts().await).is(true)?;
            served(&there).await?;
            Field::derived("-dli: Listening on Port", service(&peer).await?.port).is(new)?;
            Field::derived("whether the old port takes connections", peer.accepts().await).is(false)
        };
        then(story.await, set(&peer, "sprt", &old.to_string()).await)
    }
}

case! {
    /// What is no port is refused with a message, and nothing changes.
    PORT_REFUSED { id: "deployment.port/refused", needs: [Kms, Own, Alone] }
    for port in [("zero", "0"), ("too-large", "65536"), ("word", "kms")];
    async fn(peer) {
        let before = service(&peer).await?.port;
        let tried = peer.try_control("sprt", port).await?;
        Field::derived("whether it is taken for a port", tried.is_ok()).is(false)?;
        restart(&peer).await?;
        Field::derived("-dli: Listening on Port", service(&peer).await?.port).is(before)?;
        served(&peer).await
    }
}

case! {
    /// Publishing in DNS is shown disabled once it is switched off, and enabled once it is on again.
    PUBLISHING { id: "deployment.dns", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let story = async {
            set(&peer, "cdns", "").await?;
            Field::derived("-dli: DNS publishing after -cdns", service(&peer).await?.publishing).is(false)?;
            set(&peer, "sdns", "").await?;
            Field::derived("-dli: DNS publishing after -sdns", service(&peer).await?.publishing).is(true)
        };
        then(story.await, set(&peer, "sdns", "").await)
    }
}

case! {
    /// The priority is shown low after -cpri, and normal after -spri.
    PRIORITY { id: "deployment.priority", needs: [Kms, Own, Alone] }
    async fn(peer) {
        let story = async {
            for (verb, normal) in [("cpri", false), ("spri", true)] {
                set(&peer, verb, "").await?;
                let shown = service(&peer).await?.normal_priority;
                Field::derived(format!("-dli: whether the priority is normal after -{verb}"), shown).is(normal)?;
            }
            Ok(())
        };
        then(story.await, set(&peer, "spri", "").await)
    }
}

/// A setting that is refused changes nothing that is shown.
pub(super) async fn unchanged(peer: &Peer, verb: &str, value: &str) -> Result<(), Stop> {
    let before = report(peer, "dli", "").await?;
    let tried = peer.try_control(verb, value).await?;
    restart(peer).await?;
    let after = report(peer, "dli", "").await?;
    Field::derived(format!("whether -{verb} {value} is done"), tried.is_ok()).is(false)?;
    Field::derived("whether -dli shows the same afterwards", before == after).is(true)
}

//! Rows 27 to 29: activation by script.

use std::collections::BTreeSet;

use kmspec_runner::check::Field;
use kmspec_runner::listener::{Query, reports};
use kmspec_runner::{Link, Listener, Stop, case};
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::HResult;

use super::{asks, counts};

case! {
    /// Too low a count is reported by exit status and code, and so is success.
    TELLS { id: "deployment.activate-script" }
    async as_host(listener) {
        let (mut link, query) = asks(&mut listener).await?;
        let needed = query.body().n_policy;
        counts(&mut link, &query, needed.saturating_sub(1)).await?;
        let end = listener.rejects(link).await?;
        reports(&end, HResult::NOT_ENOUGH_COUNT)?;
        let (mut link, query) = asks(&mut listener).await?;
        counts(&mut link, &query, needed).await?;
        listener.accepts(link).await
    }
}

case! {
    /// All machines but the last one that is needed fail with 0xC004F038, that one is activated, and so are the others at
    /// their next try.
    TWENTY_FIVE { id: "deployment.activate-script/twenty-five" }
    async as_host(listener) {
        let mut host = Counting::default();
        let (mut link, query) = asks(&mut listener).await?;
        host.answers(&mut link, &query).await?;
        let needed = needed(&query)?;
        reports(&listener.rejects(link).await?, HResult::NOT_ENOUGH_COUNT)?;
        let mut others = listener.spares(needed - 1)?;
        for (nth, other) in others.iter_mut().enumerate() {
            listener.change_places(other);
            let (mut link, query) = asks(&mut listener).await?;
            host.answers(&mut link, &query).await?;
            host.has_counted(nth + 2)?;
            if nth + 2 < needed {
                reports(&listener.rejects(link).await?, HResult::NOT_ENOUGH_COUNT)?;
            } else {
                listener.accepts(link).await?;
            }
            listener.change_places(other);
        }
        is_served(&mut listener, &mut host).await?;
        others.pop();
        for other in &mut others {
            listener.change_places(other);
            is_served(&mut listener, &mut host).await?;
            listener.change_places(other);
        }
        Field::derived("machines counted in the end", host.0.len()).is(needed)
    }
}

/// A machine asks once more, and is activated.
async fn is_served(listener: &mut Listener, host: &mut Counting) -> Result<(), Stop> {
    let (mut link, query) = asks(listener).await?;
    host.answers(&mut link, &query).await?;
    listener.accepts(link).await
}

/// A host that counts machines by their ids.
#[derive(Default)]
struct Counting(BTreeSet<Guid>);

impl Counting {
    /// Counts whoever asks, and says how many there are.
    async fn answers(&mut self, link: &mut Link, query: &Query) -> Result<(), Stop> {
        self.0.insert(query.body().cmid);
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        counts(link, query, count).await
    }

    /// So many machines were counted.
    fn has_counted(&self, machines: usize) -> Result<(), Stop> {
        if self.0.len() == machines {
            return Ok(());
        }
        let reason = "needs a client that has an id of its own on each machine";
        Err(Stop::Skip(reason.to_owned()))
    }
}

/// The machines that the client's product needs.
fn needed(query: &Query) -> Result<usize, Stop> {
    let needed = usize::try_from(query.body().n_policy).unwrap_or(usize::MAX);
    if (2..=MOST).contains(&needed) {
        return Ok(needed);
    }
    Err(Stop::Skip(format!(
        "needs a client with an N policy from 2 to {MOST}: it has {needed}"
    )))
}

/// More machines are more than a case should start.
const MOST: usize = 50;

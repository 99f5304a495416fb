//! What a client makes of the count.

use kmspec_runner::listener::reports;
use kmspec_runner::{Link, Listener, Stop, case};
use kmspec_wire::kms::HResult;
use kmspec_wire::kms::envelope::Content;

use super::first_call;

case! {
    /// The client is activated from its N policy on, and not before.
    THRESHOLD { id: "client.activates-at-threshold" }
    for count in [
        ("0", (|_| 0) as Count),
        ("one-less", |needed| needed.saturating_sub(1)),
        ("exactly", |needed| needed),
        ("one-more", |needed| needed.saturating_add(1)),
        ("most", |_| u32::MAX),
    ];
    async as_host(listener) {
        let (link, count, needed) = counts(&mut listener, count).await?;
        if count >= needed {
            listener.accepts(link).await
        } else {
            listener.rejects(link).await.map(drop)
        }
    }
}

case! {
    /// A count below the threshold is reported with its result code.
    COUNT_TOO_LOW { id: "client.count-too-low-reported" }
    for count in [("0", (|_| 0) as Count), ("one-less", |needed| needed.saturating_sub(1))];
    async as_host(listener) {
        let (link, _, _) = counts(&mut listener, count).await?;
        let end = listener.rejects(link).await?;
        reports(&end, HResult::NOT_ENOUGH_COUNT)
    }
}

/// What a host has counted, by what the client needs.
type Count = fn(u32) -> u32;

/// A good answer with this count, the count, and what the client needs.
async fn counts(listener: &mut Listener, count: Count) -> Result<(Link, u32, u32), Stop> {
    let (mut link, query) = first_call(listener).await?;
    let needed = query.body().n_policy;
    let count = count(needed);
    let message = link.sealed(&query, |parts| {
        if let Content::Fields(body) = &mut parts.body {
            body.count = count;
        }
    });
    link.reply(&query, &message).await?;
    Ok((link, count, needed))
}

//! Recorded exchanges.

use std::sync::LazyLock;

use kmspec_runner::replay::{Cmid, Difference, Mode, Recorded, Status, play, read};
use kmspec_runner::verdict::Failure;
use kmspec_runner::{Peer, Stop, Suite, case};
use kmspec_wire::keys::KeySet;

pub(crate) static REPLAY: Suite = Suite::new("replay", &[&VERBATIM, &REFRESH]);

case! {
    /// The recorded bytes of a client are answered as they were when they were recorded.
    VERBATIM { id: "replay.verbatim", needs: [Kms, Own] }
    for recorded in exchanges();
    async fn(peer) { replayed(&peer, recorded, Mode::Verbatim).await }
}

case! {
    /// A recorded request with a new time and IV is answered as it was when it was recorded.
    REFRESH { id: "replay.refresh", needs: [Kms, Clock, Own] }
    for recorded in exchanges().filter(|(_, recorded)| recorded.call.is_some());
    async fn(peer) { replayed(&peer, recorded, Mode::Refresh(Cmid::Recorded)).await }
}

/// Every exchange of every embedded recording, by its name.
fn exchanges() -> impl Iterator<Item = (&'static str, &'static Recorded)> {
    EXCHANGES
        .iter()
        .map(|(name, recorded)| (name.as_str(), recorded))
}

static EXCHANGES: LazyLock<Vec<(String, Recorded)>> = LazyLock::new(|| {
    let captures = kmspec_captures::all().iter();
    let recordings = captures.map(|capture| read(capture.file, capture.bytes));
    let exchanges = recordings.flat_map(|recording| recording.exchanges);
    exchanges
        .map(|recorded| (recorded.name(), recorded))
        .collect()
});

/// The keys of every embedded recording.
static KEYS: LazyLock<KeySet> = LazyLock::new(KeySet::lab);

async fn replayed(peer: &Peer, recorded: &'static Recorded, mode: Mode) -> Result<(), Stop> {
    let played = play(peer, recorded, mode, &KEYS).await?;
    for note in &played.notes {
        peer.record().note(note.clone());
    }
    for difference in &played.differences {
        if let Status::Explained(reason) = &difference.status {
            let Difference {
                field,
                recorded,
                got,
                ..
            } = difference;
            peer.record().note(format!(
                "explained: {field}: recorded {recorded}, got {got}: {reason}"
            ));
        }
    }
    let Some(wrong) = played.wrong() else {
        return Ok(());
    };
    let Difference {
        field,
        recorded,
        got,
        ..
    } = wrong.clone();
    Err(Failure {
        step: 0,
        field,
        expected: recorded,
        got,
        evidence: played.evidence,
    }
    .into())
}

//! Properties of sessions, of their text form and, with the feature `plays`, of those who take part in them under a virtual
//! clock: plain functions that unit tests, the replay of seeds and the fuzz targets call.
//!
//! Each returns if the property holds and panics, with what it found, if not. Nothing waits and nothing is sent: the
//! reference host and client are asked in memory.

#[cfg(feature = "plays")]
mod client;
#[cfg(feature = "plays")]
mod host;

#[cfg(feature = "plays")]
pub use {client::client_session, host::host_session, host::host_stream};

use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

use crate::{Session, Surroundings, shrunk};

/// When every session begins: 2026-11-22.
#[cfg(feature = "plays")]
const NOW: FileTime = FileTime(134_400_000_000_000_000);
#[cfg(feature = "plays")]
const PORT: u16 = 1688;

#[cfg(feature = "plays")]
static KEYS: std::sync::LazyLock<std::sync::Arc<KeySet>> =
    std::sync::LazyLock::new(|| std::sync::Arc::new(KeySet::lab()));

/// Octets that one sending may become at most: what bounds memory in a campaign.
const MOST_OCTETS: usize = 1 << 20;

/// A text that is read is written so that it reads the same; what it sends is bounded; and every smaller session is one.
pub fn text(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else {
        return;
    };
    let Ok(session) = Session::parse(text) else {
        return;
    };
    let written = session.to_string();
    assert_eq!(Session::parse(&written).as_ref(), Ok(&session), "{written}");
    let keys = KeySet::lab();
    let around = Surroundings {
        keys: &keys,
        now: FileTime(134_398_416_170_000_000),
        mark: 1,
        groups: &[],
    };
    for sending in session.sendings() {
        let len = sending.render(&around).len();
        assert!(len <= MOST_OCTETS, "{len} octets\n{written}");
    }
    for smaller in shrunk(&session).into_iter().take(64) {
        assert_ne!(smaller, session, "{written}");
    }
}

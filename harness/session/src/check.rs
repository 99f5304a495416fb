//! Properties of the text form, as plain functions over octets: unit tests and the fuzz target call them.

use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

use crate::{Session, Surroundings, shrunk};

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

use std::fmt::Debug;

use kmspec_model::{Host, Settings};

use super::{HostState, Kept, print, whole};
use crate::client::ClientState;

/// A file that is read is written so that it reads the same, and whoever remembers it remembers all of it. The octets are a
/// file, or what a file keeps behind a first line that is right.
pub fn file(octets: &[u8]) {
    if let Some(state) = read::<HostState>(octets) {
        let mut host = Host::new(Settings::default());
        state.clone().recall(&mut host);
        // A host may drop what it has no use for; what it keeps it keeps for good.
        let kept = HostState::of(&host);
        let mut again = Host::new(Settings::default());
        kept.clone().recall(&mut again);
        assert_eq!(HostState::of(&again), kept);
    }
    if let Some(written) = read::<ClientState>(octets)
        && let Ok(state) = written.state()
    {
        let written = ClientState::of(&state);
        let again = written.clone().state();
        let again = again.map(|state| ClientState::of(&state));
        assert_eq!(again.as_ref(), Ok(&written));
    }
}

/// The state in these octets; written, it reads the same.
fn read<T: Kept + PartialEq + Debug>(octets: &[u8]) -> Option<T> {
    let state: T = parsed(octets).or_else(|| {
        let file = whole(T::KIND, T::VERSION, octets);
        parsed(&file.ok()?)
    })?;
    let written = print(&state);
    let again: Option<T> = written.ok().and_then(|written| parsed(&written));
    assert_eq!(again.as_ref(), Some(&state));
    Some(state)
}

fn parsed<T: Kept>(octets: &[u8]) -> Option<T> {
    super::parse(octets).ok()
}

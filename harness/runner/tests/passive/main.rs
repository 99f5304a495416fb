//! The rules on recorded traffic.

mod recordings;
mod reports;
mod spoilt;

use std::sync::Arc;

use kmspec_runner::passive::{Checked, check};
use kmspec_wire::keys::KeySet;

/// A shipped recording by its number.
fn recording(number: &str) -> (&'static str, &'static [u8]) {
    let all = kmspec_captures::all();
    let found = all.iter().find(|capture| capture.file.starts_with(number));
    let found = found.unwrap();
    (found.file, found.bytes)
}

/// What the rules say of a file under the lab keys.
fn checked(file: &str, octets: &[u8]) -> Checked {
    check(file, octets, &Arc::new(KeySet::lab()))
}

/// What the rules say of a shipped recording.
fn of(number: &str) -> Checked {
    let (file, octets) = recording(number);
    checked(file, octets)
}

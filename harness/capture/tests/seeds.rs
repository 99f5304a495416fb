//! The fuzz seeds of this crate's targets, on stable.

use std::path::Path;

use kmspec_capture::check;

/// Runs a property over every seed of a target; there is at least one.
#[track_caller]
fn replay(target: &str, property: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/seeds")
        .join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let seed = std::fs::read(&path).unwrap();
        assert!(
            std::panic::catch_unwind(|| property(&seed)).is_ok(),
            "{}",
            path.display()
        );
        seeds += 1;
    }
    assert!(seeds > 0, "no seeds in {}", folder.display());
}

#[test]
fn capture_file() {
    replay("capture_file", check::file);
}

#[test]
fn capture_packets() {
    replay("capture_packets", check::packets);
}

//! Files of reports when there is nothing to report.

use std::fs;

use crate::kit::{folder, put, say};

/// Commands that cannot be done, up to their report.
const CANNOT: [&str; 3] = [
    "run none.toml --report json=",
    "check none.pcap --report json=",
    "bench none.toml --report json=",
];

#[test]
fn an_earlier_report_is_kept_if_there_is_nothing_to_write() {
    for cannot in CANNOT {
        let folder = folder();
        put(
            folder.path(),
            "none.toml",
            "[target]\nstart = [\"./none\"]\n",
        );
        let old = put(folder.path(), "old.json", "what took an hour");
        let said = say(folder.path(), &format!("{cannot}old.json"));
        assert_eq!(said.code, Some(2), "{cannot}: {said:?}");
        let kept = fs::read_to_string(old).unwrap();
        assert_eq!(kept, "what took an hour", "{cannot}: {said:?}");
    }
}

#[test]
fn no_empty_report_is_left() {
    for cannot in CANNOT {
        let folder = folder();
        put(
            folder.path(),
            "none.toml",
            "[target]\nstart = [\"./none\"]\n",
        );
        let said = say(folder.path(), &format!("{cannot}new.json"));
        assert_eq!(said.code, Some(2), "{cannot}: {said:?}");
        assert!(!folder.path().join("new.json").exists(), "{cannot}");
    }
}

#[test]
fn a_shorter_report_leaves_nothing_of_a_longer_one() {
    let folder = folder();
    let old = put(folder.path(), "old.json", "x".repeat(1 << 20));
    let said = say(
        folder.path(),
        "run --only rpc.header* --report json=old.json --report junit=/dev/null",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = fs::read(old).unwrap();
    assert!(report.len() < 1 << 20, "{}", report.len());
    serde_json::from_slice::<serde_json::Value>(&report).unwrap();
}

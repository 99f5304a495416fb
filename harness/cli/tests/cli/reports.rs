//! Files of reports when there is nothing to report.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::kit::{folder, put, say};

/// Runs commands that cannot be done, each in a folder of its own that is made ready first; what is in their report then.
fn cannot(prepare: impl Fn(&Path)) -> Vec<(&'static str, io::Result<String>)> {
    let commands = ["run none.toml", "check none.pcap", "bench none.toml"];
    let left = commands.into_iter().map(|command| {
        let folder = folder();
        put(
            folder.path(),
            "none.toml",
            "[target]\nstart = [\"./none\"]\n",
        );
        prepare(folder.path());
        let line = format!("{command} --report json=report.json");
        let said = say(folder.path(), &line);
        assert_eq!(said.code, Some(2), "{command}: {said:?}");
        let left = fs::read_to_string(folder.path().join("report.json"));
        (command, left)
    });
    left.collect()
}

#[test]
fn an_earlier_report_is_kept_if_there_is_nothing_to_write() {
    let earlier = |folder: &Path| {
        put(folder, "report.json", "what took an hour");
    };
    for (command, left) in cannot(earlier) {
        assert_eq!(left.unwrap(), "what took an hour", "{command}");
    }
}

#[test]
fn no_empty_report_is_left() {
    for (command, left) in cannot(|_| ()) {
        let missing = left.unwrap_err().kind() == ErrorKind::NotFound;
        assert!(missing, "{command}");
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

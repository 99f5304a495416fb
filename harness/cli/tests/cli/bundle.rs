//! Bundles: what a failed case leaves, and what `replay` makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::kit::{Lab, OTHER_KEYS, Refusing, folder, put, recording, say, spoiling};

/// A case of which everything follows from the seed.
const CASE: &str = "rpc.bind.flags-others-ignored/0x20";

/// A folder with the bundles of a run against a host that sets a flag which is not in use.
fn left(lab: &Lab) -> TempDir {
    let folder = folder();
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    let line = format!(
        "run {host} --only {CASE} --only rpc.bind.ack-basic --level may --seed 7 --transcripts out"
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    folder
}

fn bundles(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("out")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.to_string_lossy().ends_with(".bundle.json"));
    files.sort();
    files
}

/// The first bundle that tells of an answer to any case, and the first that tells of a case.
fn both_kinds(folder: &Path) -> [PathBuf; 2] {
    let all = bundles(folder);
    let of_all = |file: &&PathBuf| file.to_string_lossy().contains("every-answer");
    let one = all.iter().find(of_all).expect("one on every answer");
    let other = all
        .iter()
        .find(|file| !of_all(file))
        .expect("one of a case");
    [one.clone(), other.clone()]
}

#[test]
fn what_failed_fails_again_and_is_fixed_elsewhere() {
    let lab_folder = folder();
    let lab = Lab::serve(lab_folder.path(), "");
    let folder = left(&lab);
    let still = spoiling(lab.address, |octets| octets[3] |= 0x08);
    let otherwise = spoiling(lab.address, |octets| octets[3] |= 0x40);
    for bundle in both_kinds(folder.path()) {
        let bundle = bundle.display();
        for (target, code, says) in [
            (still.to_string(), 1, ": the same failure\n"),
            (otherwise.to_string(), 1, "by another value\n"),
            (lab.address.to_string(), 0, ": it holds now\n"),
            (String::new(), 0, " on lab host: it holds now\n"),
        ] {
            let said = say(folder.path(), &format!("replay {bundle} {target}"));
            assert_eq!(said.code, Some(code), "{bundle} {target}: {said:?}");
            assert!(said.stdout.contains(says), "{bundle} {target}: {said:?}");
            let word = if code == 0 { "FIXED  " } else { "FAILED  " };
            assert!(said.stdout.starts_with(word), "{bundle} {target}: {said:?}");
            assert!(said.stdout.contains("seed 7: "), "{said:?}");
        }
    }
}

#[test]
fn who_cannot_be_judged_is_an_error() {
    let lab_folder = folder();
    let lab = Lab::serve(lab_folder.path(), "");
    let folder = left(&lab);
    let refusing = Refusing::new();
    for bundle in both_kinds(folder.path()) {
        let line = format!("replay {} {}", bundle.display(), refusing.address);
        let said = say(folder.path(), &line);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stdout.starts_with("ERROR  "), "{said:?}");
        assert!(said.stdout.contains("Connection refused"), "{said:?}");
    }
}

#[test]
fn a_case_is_repeated_octet_by_octet_at_the_recorded_time() {
    let lab_folder = folder();
    let lab = Lab::serve(lab_folder.path(), "");
    let folder = folder();
    put(folder.path(), "other.toml", OTHER_KEYS);
    let line = format!(
        "run {} --only crypto.v6-hmac/over-hours/now --seed 7 --keys other.toml --transcripts out",
        lab.address
    );
    assert_eq!(say(folder.path(), &line).code, Some(1));
    let bundle = bundles(folder.path()).remove(0);
    let again = |options: &str| {
        let (bundle, host) = (bundle.display(), lab.address);
        let line = format!("replay {bundle} {host} --keys other.toml {options}");
        let said = say(folder.path(), &line);
        assert_eq!(said.code, Some(1), "{said:?}");
        said.stdout
    };
    let same = "the tester sent the same octets as then";
    assert!(again("--recorded-time --transcripts again").contains(same));
    assert!(again("--recorded-time --seed 8").contains("the tester sent other octets than then"));
    assert!(!again("").contains("the tester sent"));
    let read = |file: &Path| -> Value { serde_json::from_slice(&fs::read(file).unwrap()).unwrap() };
    let left = read(
        &folder
            .path()
            .join("again")
            .join(bundle.file_name().unwrap()),
    );
    let first = read(&bundle);
    for same in ["id", "case", "seed", "client_time", "settings", "verdict"] {
        assert_eq!(left[same], first[same], "{same}");
    }
    // Under the host's own keys it holds, and it is told which keys were meant.
    let line = format!(
        "replay {} {} --recorded-time",
        bundle.display(),
        lab.address
    );
    assert_eq!(say(folder.path(), &line).code, Some(0));
}

#[test]
fn a_bundle_that_cannot_be_read_is_one_line() {
    let lab_folder = folder();
    let lab = Lab::serve(lab_folder.path(), "");
    let folder = left(&lab);
    let good = fs::read_to_string(&both_kinds(folder.path())[1]).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let in_the_transcript = |from: &str, to: &str| {
        let (before, after) = good.rsplit_once(from).expect("both ways");
        format!("{before}{to}{after}")
    };
    #[rustfmt::skip]
    let bad = [
        ("cut short", good[..good.len() / 2].to_owned(), "no bundle: EOF while parsing"),
        ("of another kind", changed("kmspec-bundle", "kmspec-run"), "no bundle, but \"kmspec-run\""),
        ("of nobody", "{}".to_owned(), "no bundle: missing field `format`"),
        ("too new", changed("\"version\": 1", "\"version\": 2"), "a bundle of version 2; this kmspec reads version 1"),
        ("of an unknown case", good.replace("rpc.bind.", "rpc.gone."), "has no case rpc.gone."),
        ("with a stranger's field", changed("\"seed\"", "\"sead\""), "no bundle: unknown field `sead`"),
        ("with damaged octets", in_the_transcript("\"octets\": \"", "\"octets\": \"0"), "octets are pairs of hexadecimal digits"),
        ("with no interface", changed("51c82175", "interface"), "is no UUID of an interface"),
    ];
    for (name, content, says) in bad {
        put(folder.path(), "b.json", &content);
        let said = say(folder.path(), &format!("replay b.json {}", lab.address));
        assert_eq!(said.code, Some(2), "{name}: {said:?}");
        let complaints = said.complaints();
        let [line] = complaints.as_slice() else {
            panic!("{name}: {said:?}");
        };
        assert!(
            line.starts_with("kmspec: b.json: ") && line.contains(says),
            "{name}: {line}"
        );
    }
}

#[test]
fn bundles_and_captures_are_not_mixed_up() {
    let lab_folder = folder();
    let lab = Lab::serve(lab_folder.path(), "");
    let folder = left(&lab);
    let [one, other] = both_kinds(folder.path());
    let (one, other) = (one.display(), other.display());
    put(folder.path(), "v6.pcap", recording("03"));
    #[rustfmt::skip]
    let lines = [
        (format!("replay {one} {other}"), 0, ""),
        (format!("replay {one} v6.pcap"), 2, "captures and bundles are played apart"),
        (format!("replay {one} none.json"), 2, "captures and bundles are played apart"),
        (format!("replay {one} --new-cmids"), 2, "are for captures; these are bundles"),
        ("replay v6.pcap --recorded-time".to_owned(), 2, "are for bundles; these are captures"),
        (format!("replay {one} --transcripts v6.pcap"), 2, "v6.pcap: cannot write it"),
    ];
    for (line, code, says) in lines {
        let said = say(folder.path(), &line);
        assert_eq!(said.code, Some(code), "{line}: {said:?}");
        let complaints = said.complaints().join("\n");
        assert!(complaints.contains(says), "{line}: {said:?}");
    }
}

//! `kmspec fuzz`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::kit::{folder, kmspec, put, recording, say};

/// Folders of findings, those of unfinished ones aside.
fn findings(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder.join("kmspec-findings")) else {
        return Vec::new();
    };
    let paths = entries.flatten().map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        path.is_dir() && !path.file_name().unwrap().to_str().unwrap().starts_with('.')
    };
    let mut all: Vec<PathBuf> = paths.filter(is_one).collect();
    all.sort();
    all
}

#[test]
fn a_crash_is_found_kept_repeated_and_gone_without_the_fault() {
    let folder = folder();
    let fault = "--fault crash-on-foreign-octets";
    let line = format!(
        "fuzz {fault} --until-finding --duration 60s --jobs 8 --report sarif=a.sarif --report junit=a.xml --states a.dot"
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let found = findings(folder.path());
    let [one] = found.as_slice() else {
        panic!("{found:?} {said:?}");
    };
    for file in [
        "README.md",
        "finding.json",
        "session.txt",
        "original.txt",
        "log.txt",
        "traffic.pcapng",
    ] {
        assert!(one.join(file).is_file(), "{file}");
    }
    let name = one.file_name().unwrap().to_str().unwrap();
    let page = fs::read_to_string(one.join("README.md")).unwrap();
    assert!(
        page.contains(&format!("kmspec fuzz {fault} --repro {name}")),
        "{page}"
    );
    assert!(
        fs::read_to_string(folder.path().join("a.sarif"))
            .unwrap()
            .contains("fuzz.crash")
    );
    assert!(
        fs::read_to_string(folder.path().join("a.xml"))
            .unwrap()
            .contains("failure")
    );
    assert!(
        fs::read_to_string(folder.path().join("a.dot"))
            .unwrap()
            .starts_with("digraph")
    );
    let again = say(folder.path(), &format!("fuzz {fault} --repro {name}"));
    assert_eq!(again.code, Some(1), "{again:?}");
    let mended = say(folder.path(), &format!("fuzz --repro {name}"));
    assert_eq!(mended.code, Some(0), "{mended:?}");
}

/// However suddenly the fuzzer ends: what it said it had found is there and whole, and so is everything else that is there.
#[test]
fn no_finding_is_lost_to_a_kill_at_any_moment() {
    for round in 0..50u64 {
        let folder = folder();
        let said = fs::File::create(folder.path().join("said")).unwrap();
        let mut child = kmspec(folder.path())
            .args([
                "fuzz",
                "--fault",
                "v4-mac-zero,crash-on-unknown-type",
                "--jobs",
                "4",
                "--duration",
                "20s",
            ])
            .args(["--seed", &round.to_string()])
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .unwrap();
        // Every moment from the start on comes up; once something is found, some way into what follows.
        let patience = Duration::from_millis(round * 37 % 400);
        let until = Instant::now() + Duration::from_secs(15);
        let text = || fs::read_to_string(folder.path().join("said")).unwrap();
        while round % 5 != 0 && !text().contains("found ") && Instant::now() < until {
            std::thread::yield_now();
        }
        let end = Instant::now() + patience;
        while Instant::now() < end {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        for line in text().lines().filter(|line| line.starts_with("found ")) {
            let path = folder.path().join(line.rsplit(": ").next().unwrap());
            // A crash's first folder makes way for its final one.
            let is_there =
                path.is_dir() || line.contains("crash") && findings(folder.path()).len() > 1;
            assert!(is_there, "round {round}: {line}");
        }
        for one in findings(folder.path()) {
            let facts = fs::read_to_string(one.join("finding.json")).unwrap();
            let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
            assert!(facts["signature"].is_string(), "round {round}: {facts}");
            let session = fs::read_to_string(one.join("session.txt")).unwrap();
            assert!(
                session.starts_with("kmspec session 1\n"),
                "round {round}: {session}"
            );
        }
    }
}

#[test]
fn what_cannot_be_fuzzed_is_said_in_one_line() {
    let folder = folder();
    for (line, expected) in [
        (
            "fuzz 192.0.2.1:1688",
            "192.0.2.1:1688 is not on loopback; fuzzing it may break it and what it serves: allow it with --allow-remote",
        ),
        (
            "fuzz --report html=a.html",
            "a campaign is reported as sarif or junit",
        ),
        (
            "fuzz --repro none",
            "kmspec-findings/none/finding.json: No such file or directory (os error 2)",
        ),
        (
            "fuzz promote none",
            "none/finding.json: No such file or directory (os error 2)",
        ),
    ] {
        let said = say(folder.path(), line);
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert_eq!(said.complaints(), [format!("kmspec: {expected}")], "{line}");
    }
}

#[test]
fn captures_become_seeds_and_corpora_one() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("01"));
    let said = say(folder.path(), "fuzz --seeds a.pcap --corpus seeds");
    assert_eq!(said.code, Some(0), "{said:?}");
    for name in ["sessions", "pdu", "sealed"] {
        assert!(
            fs::read_dir(folder.path().join("seeds").join(name))
                .unwrap()
                .count()
                > 0,
            "{name}"
        );
    }
    let words = fs::read_to_string(folder.path().join("seeds/kmspec.dict")).unwrap();
    assert!(words.contains("\\x75\\x21\\xc8\\x51"), "{words}");
    let said = say(folder.path(), "fuzz --merge seeds/sessions --corpus all");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stdout.starts_with('0'), "{said:?}");
}

#[test]
fn two_machines_are_compared() {
    let folder = folder();
    for (name, fault) in [("a", ""), ("b", "--fault opnum-ignored")] {
        let line = format!("fuzz {fault} --max-execs 600 --jobs 8 --states {name}.json");
        let said = say(folder.path(), &line);
        assert_ne!(said.code, Some(2), "{said:?}");
    }
    let same = say(folder.path(), "fuzz --diff-states a.json a.json");
    assert_eq!(
        (same.code, same.stdout.as_str()),
        (Some(0), "0 steps lead elsewhere\n")
    );
    let other = say(folder.path(), "fuzz --diff-states a.json b.json");
    assert_ne!(other.code, Some(2), "{other:?}");
}

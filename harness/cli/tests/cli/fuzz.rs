//! `kmspec fuzz`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kmspec_session::{Choices, Dice};

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

/// Where the moments of kills come from: the variable `KILL_SEED`, or the clock.
fn kill_seed() -> u64 {
    let given = std::env::var("KILL_SEED").ok();
    given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        u64::from(since.subsec_nanos())
    })
}

/// However suddenly the fuzzer ends: what it said it had found is there and whole, and so is everything else that is there.
#[test]
fn no_finding_is_lost_to_a_kill_at_any_moment() {
    let seed = kill_seed();
    for round in 0..50u64 {
        let mut dice = Dice::new(seed, round);
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
        // A moment from the start on, or, more often, one from the first finding on: that is when files are written.
        let from_start = dice.once_in(5);
        let patience = Duration::from_micros(dice.below(400_000).into());
        let until = Instant::now() + Duration::from_secs(15);
        let text = || fs::read_to_string(folder.path().join("said")).unwrap();
        while !from_start && !text().contains("found ") && Instant::now() < until {
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
            let is_crash = |path: &PathBuf| path.to_str().unwrap().contains("/crash-");
            let is_there = path.is_dir()
                || line.contains("crash") && findings(folder.path()).iter().any(is_crash);
            assert!(is_there, "seed {seed} round {round}: {line}");
        }
        for one in findings(folder.path()) {
            let facts = fs::read_to_string(one.join("finding.json")).unwrap();
            let facts: serde_json::Value = serde_json::from_str(&facts).unwrap();
            assert!(
                facts["signature"].is_string(),
                "seed {seed} round {round}: {facts}"
            );
            let session = fs::read_to_string(one.join("session.txt")).unwrap();
            assert!(
                session.starts_with("kmspec session 1\n"),
                "seed {seed} round {round}: {session}"
            );
        }
        // What is there is good enough to go on from, now and then looked at.
        if round % 10 == 7 {
            let on = say(folder.path(), "fuzz --max-execs 20 --jobs 4 --seed 77");
            assert!(
                matches!(on.code, Some(0 | 1)),
                "seed {seed} round {round}: {on:?} {:?}",
                findings(folder.path())
            );
        }
    }
}

#[test]
fn a_finding_is_kept_although_the_disk_is_full_and_a_full_disk_is_said_at_once() {
    let folder = folder();
    let script = "mount -t tmpfs -o size=1200k none kmspec-findings || exit 89
        fill() { dd if=/dev/zero of=kmspec-findings/ballast bs=4k 2>/dev/null; }
        $0 fuzz --max-execs 1 || exit 3
        fill
        $0 fuzz --fault v4-mac-zero --until-finding --duration 60s --jobs 4
        test $? = 1 || exit 4
        test -s kmspec-findings/rule-*/finding.json || exit 5
        test -s kmspec-findings/rule-*/session.txt || exit 6
        fill
        $0 fuzz --max-execs 1
        test $? = 2 || exit 7";
    fs::create_dir(folder.path().join("kmspec-findings")).unwrap();
    let mut unshared = std::process::Command::new("unshare");
    unshared.args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_kmspec")]);
    let Ok(said) = unshared.current_dir(folder.path()).output() else {
        writeln!(io::stderr(), "skipped: needs unshare").unwrap();
        return;
    };
    let said = crate::kit::Said::from(said);
    if said.code == Some(89) || said.stderr.contains("unshare") {
        writeln!(
            io::stderr(),
            "skipped: needs a right to mount: {}",
            said.stderr
        )
        .unwrap();
        return;
    }
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("No space left on device"), "{said:?}");
}

#[test]
fn a_campaign_goes_on_where_it_was_and_several_share_a_corpus() {
    let folder = folder();
    let next = |seed: u32| -> u64 {
        let file = folder.path().join(format!("corpus/seed-{seed}.next"));
        fs::read_to_string(file).unwrap().trim().parse().unwrap()
    };
    let line = "fuzz --corpus corpus --max-execs 600 --jobs 4";
    assert_eq!(say(folder.path(), line).code, Some(0));
    let first = next(0);
    assert!(first >= 600, "{first}");
    assert_eq!(say(folder.path(), line).code, Some(0));
    assert!(next(0) >= first + 600, "{first} {}", next(0));
    // Two at the same time, on seeds of their own.
    let mut others: Vec<_> = ["1", "2"]
        .map(|seed| {
            let mut command = kmspec(folder.path());
            command.args(line.split(' ')).args(["--seed", seed]);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .into();
    for other in &mut others {
        assert_eq!(other.wait().unwrap().code(), Some(0));
    }
    assert!(next(1) >= 600 && next(2) >= 600);
    let merged = say(folder.path(), "fuzz --merge corpus --corpus all");
    assert!(!merged.stdout.starts_with('0'), "{merged:?}");
}

#[test]
fn a_finding_is_promoted_to_a_case_and_seeds_once() {
    let folder = folder();
    let line = "fuzz --fault v4-mac-zero --until-finding --duration 60s --jobs 4";
    assert_eq!(say(folder.path(), line).code, Some(1));
    let found = findings(folder.path());
    let name = found[0].file_name().unwrap().to_str().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let list = "conformance/src/robust/regressions.rs";
    for below in [
        "conformance/regressions",
        "conformance/src/robust",
        "fuzz/seeds/pdu",
        "fuzz/seeds/stream",
    ] {
        fs::create_dir_all(folder.path().join("tree").join(below)).unwrap();
    }
    let copy = folder.path().join("tree").join(list);
    fs::copy(root.join(list), &copy).unwrap();
    for _ in 0..2 {
        let said = say(
            folder.path(),
            &format!("fuzz promote kmspec-findings/{name} --to tree"),
        );
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let text = fs::read_to_string(&copy).unwrap();
    assert_eq!(text.matches(&format!("\"{name}\"")).count(), 1, "{text}");
    assert!(text.contains("\"crash-many-contexts\""), "{text}");
    let regression = format!("tree/conformance/regressions/{name}.session");
    let regression = fs::read_to_string(folder.path().join(regression)).unwrap();
    assert!(regression.contains("kmspec session 1\n"), "{regression}");
    for target in ["pdu", "stream"] {
        let seed = folder
            .path()
            .join("tree/fuzz/seeds")
            .join(target)
            .join(name);
        assert!(seed.is_file(), "{}", seed.display());
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
    for name in [
        "sessions",
        "pdu",
        "stream",
        "host_stream",
        "stubs",
        "opened_request",
        "opened_response",
        "session_text",
    ] {
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

/// A fuzzer that was killed cannot end the lab host that it had started.
#[test]
fn a_lab_host_ends_by_itself_when_its_parent_is_gone() {
    let folder = folder();
    let of_nobody = u32::MAX;
    let ended = say(
        folder.path(),
        &format!("lab serve --port 0 --parent {of_nobody}"),
    );
    assert_eq!(ended.code, Some(0), "{ended:?}");
}

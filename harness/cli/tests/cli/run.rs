//! What `run` prints and leaves behind.

use std::fs;
use std::process::Stdio;
use std::sync::mpsc;

use crate::kit::{Lab, OTHER_KEYS, Said, accepting, folder, kmspec, put, say, signal_to, spoiling};

#[test]
fn the_lab_host_holds() {
    let folder = folder();
    let said = say(folder.path(), "run");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.contains(" on lab host: "), "{said:?}");
}

#[test]
fn a_failure_says_how_to_see_it_again() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    put(folder.path(), "other keys.toml", OTHER_KEYS);
    let line = format!(
        "run {} --only crypto.v6-hmac/over-hours/now --seed 7 --keys 'other keys.toml'",
        lab.address
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let again = format!(
        "  again: kmspec run {} --keys 'other keys.toml' --only crypto.v6-hmac/over-hours/now --seed 7",
        lab.address
    );
    assert!(said.stdout.contains(&again), "{said:?}");
    let same = say(
        folder.path(),
        again.trim().strip_prefix("again: kmspec ").unwrap(),
    );
    assert_eq!(same.code, Some(1), "{same:?}");
}

#[test]
fn a_should_counts_only_at_its_level() {
    /// Another context id in every response. Source: C706 12.6.4.10.
    fn context_id(octets: &mut [u8]) {
        if octets.len() > 24 && octets[2] == 2 {
            octets[20] ^= 0x40;
        }
    }
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, context_id);
    let line = format!("run {host} --suite message");
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("WARN   rpc.response.context-id"),
        "{said:?}"
    );
    let said = say(folder.path(), &format!("{line} --level should"));
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout.contains("FAIL   rpc.response.context-id"),
        "{said:?}"
    );
}

#[test]
fn reports_and_transcripts_are_left_behind() {
    let folder = folder();
    put(folder.path(), "other.toml", OTHER_KEYS);
    let lab = Lab::serve(folder.path(), "");
    let line = format!(
        "run {} --suite crypto --keys other.toml --report json=a.json --report junit=b.xml --transcripts out/deep",
        lab.address
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let report = fs::read_to_string(folder.path().join("a.json")).unwrap();
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["version"], &report["exit"]),
        (&1.into(), &1.into())
    );
    let junit = fs::read_to_string(folder.path().join("b.xml")).unwrap();
    assert!(junit.starts_with("<?xml"), "{junit}");
    let transcripts = fs::read_dir(folder.path().join("out/deep")).unwrap();
    let paths = transcripts.map(|transcript| transcript.unwrap().path());
    for path in paths.filter(|path| path.extension().is_some_and(|it| it == "pcapng")) {
        let said = say(
            folder.path(),
            &format!("decode --structure {}", path.display()),
        );
        assert!(!said.stderr.contains("byte "), "{said:?}");
    }
}

#[test]
fn a_target_that_is_started_serves_each_case_that_needs_a_fresh_one() {
    let folder = folder();
    let program = env!("CARGO_BIN_EXE_kmspec");
    let file = format!(
        "[target]\naddress = \"127.0.0.1:1688\"\nstart = ['{program}', 'lab', 'serve', '--port', '{{port}}']\n"
    );
    put(folder.path(), "host.toml", file);
    let said = say(folder.path(), "run host.toml --only policy.count-distinct");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stdout.contains("SKIP"), "{said:?}");
    let file = format!(
        "[target]\naddress = \"127.0.0.1:1688\"\nstart = ['{program}', 'lab', 'sevre', '{{port}}']\n"
    );
    put(folder.path(), "host.toml", file);
    let said = say(folder.path(), "run host.toml --suite crypto");
    assert_eq!(said.code, Some(2), "{said:?}");
    let complaint = said.complaints().concat();
    assert!(
        complaint.contains("unrecognized subcommand 'sevre'"),
        "{said:?}"
    );
}

/// The block of `conformance/spec/hosts.md` that begins with this table.
fn documented(table: &str) -> String {
    let page = include_str!("../../../../conformance/spec/hosts.md");
    let (_, rest) = page.split_once(&format!("```toml\n{table}\n")).unwrap();
    format!("{table}\n{}", rest.split_once("```").unwrap().0)
}

#[test]
fn the_documented_files_of_a_gate_are_read() {
    let folder = folder();
    let file = documented("[target]");
    put(folder.path(), "host.toml", &file);
    let said = say(folder.path(), "run host.toml --suite nak");
    assert!(
        said.complaints().concat().contains("my-keys.toml"),
        "{said:?}"
    );
    let started =
        "\"sh\", \"-c\", \"echo a line of its own >&2; exec \\\"$0\\\" lab serve --port {port}\", ";
    let program = format!("{started}{:?}", env!("CARGO_BIN_EXE_kmspec"));
    let file = file.replace("\"my-kms-host\", \"--port\", \"{port}\"", &program);
    put(folder.path(), "host.toml", file.replace("keys ", "# keys "));
    put(folder.path(), "known.toml", documented("[[deviation]]"));
    let line = "run host.toml --suite btfn --expect known.toml --report json=a.json --report junit=a.xml --report html=a.html";
    let said = say(folder.path(), line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let stale = "known.toml: line 2: \"rpc.btfn.*\" is stale";
    assert!(said.stdout.contains(stale), "{said:?}");
    for report in ["a.json", "a.xml", "a.html"] {
        let report = fs::read_to_string(folder.path().join(report)).unwrap();
        assert!(report.contains("a line of its own"), "{report}");
    }
}

#[test]
fn annotations_and_a_summary_are_for_github() {
    let folder = folder();
    put(folder.path(), "other.toml", OTHER_KEYS);
    let lab = Lab::serve(folder.path(), "");
    let output = kmspec(folder.path())
        .args(["run", &lab.address.to_string(), "--suite", "crypto"])
        .args([
            "--keys",
            "other.toml",
            "--report",
            "github",
            "--report",
            "html=a.html",
        ])
        .args(["--report", "sarif=a.sarif"])
        .env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"))
        .output();
    let said = Said::from(output.unwrap());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("::error"), "{said:?}");
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
    assert!(read("summary.md").contains("crypto."));
    assert!(read("a.html").starts_with("<!"));
    let sarif: serde_json::Value = serde_json::from_str(&read("a.sarif")).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
}

#[test]
fn two_runs_with_one_seed_give_one_report() {
    let folder = folder();
    let report = |name: &str, jobs: usize| {
        let line = format!("run --suite crypto --seed 5 --jobs {jobs} --report json={name}");
        assert_eq!(say(folder.path(), &line).code, Some(0));
        let text = fs::read_to_string(folder.path().join(name)).unwrap();
        let mut report: serde_json::Value = serde_json::from_str(&text).unwrap();
        report["times"].take();
        report
    };
    assert_eq!(report("a.json", 1), report("b.json", 8));
}

#[test]
fn ctrl_c_prints_what_is_known_so_far() {
    let folder = folder();
    let (arrived, arrival) = mpsc::channel();
    let host = accepting(move |mut stream| {
        arrived.send(()).unwrap();
        drop(std::io::copy(&mut stream, &mut std::io::sink()));
    });
    let child = kmspec(folder.path())
        .args([
            "run",
            &host.to_string(),
            "--suite",
            "crypto",
            "--timeout",
            "10m",
        ])
        .args(["--report", "json=a.json", "--report", "junit=a.xml"])
        .args(["--report", "html=a.html", "--report", "sarif=a.sarif"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    arrival.recv().unwrap();
    signal_to(&child, "INT");
    let said = Said::from(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("the run was interrupted"), "{said:?}");
    for report in ["a.json", "a.xml", "a.html", "a.sarif"] {
        let text = fs::read_to_string(folder.path().join(report)).unwrap();
        assert!(text.contains("the run was interrupted"), "{report}: {text}");
    }
}

#[test]
fn a_run_that_takes_too_long_leaves_its_reports() {
    let folder = folder();
    let host = accepting(|mut stream| drop(std::io::copy(&mut stream, &mut std::io::sink())));
    let line = format!(
        "run {host} --suite crypto --timeout 10m --run-timeout 300ms --report json=a.json --report junit=a.xml"
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stdout.contains("the run took longer than 300ms"),
        "{said:?}"
    );
    for report in ["a.json", "a.xml"] {
        let text = fs::read_to_string(folder.path().join(report)).unwrap();
        assert!(
            text.contains("the run took longer than 300ms"),
            "{report}: {text}"
        );
    }
}

#[test]
fn a_mature_endpoint_of_another_interface_can_be_judged() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    // The lab host has no such interface: the run says so rather than passing.
    let line = format!(
        "run {} --interface afa8bd80-7d8a-11c9-bef4-08002b102989/1.0 --stub ''",
        lab.address
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(2), "{said:?}");
}

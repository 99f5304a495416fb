//! Load: reports, conditions, comparing, merging, and a host that stands still.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::kit::{Lab, Said, folder, kmspec, say, signal_to};

/// A short run that a busy machine can carry out.
const SHORT: &str = "--warm-up 100ms --late 60s --timeout 30s";

fn json(folder: &Path, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}

#[test]
fn a_run_leaves_its_reports() {
    let folder = folder();
    let line = format!(
        "bench --rate 100 --duration 1s {SHORT} --versions v4,v5,v6 --syntaxes ndr32,ndr64 --fragments 64,5840 \
         --connection new --report json=a.json --report html=a.html --report hlog=a.hlog --fail-if errors>0 --fail-if p50>20s"
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout
            .contains("100 due, 100 sent, 100 answered, 100 verified"),
        "{said:?}"
    );
    let report = json(folder.path(), "a.json");
    assert_eq!(report["counts"]["answered"], 100);
    assert_eq!(report["counts"]["connected"], 100);
    let page = fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(page.contains("<svg"), "{page}");
    let log = fs::read_to_string(folder.path().join("a.hlog")).unwrap();
    assert!(log.contains("HISTF"), "{log}");
    // Two of them are as many again.
    let said = say(
        folder.path(),
        "bench --merge a.json a.json --report json=sum.json",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(json(folder.path(), "sum.json")["corrected"]["count"], 200);
    // A second is no time to compare by.
    let said = say(folder.path(), "bench --compare a.json a.json");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("comparing needs 8 at least"),
        "{said:?}"
    );
}

/// Ten seconds of a second run, by its report: `change` is told the number of each.
fn stretched(report: &Value, change: impl Fn(u64, &mut Value)) -> String {
    let mut report = report.clone();
    report["elapsed_ns"] = 10_000_000_000_u64.into();
    report["generator"]["busy"] = serde_json::json!([0.5]);
    let seconds = (0..10).map(|number| {
        let mut second = report["series"][0].clone();
        second["second"] = number.into();
        (second["p50_ns"], second["p99_ns"]) = (1_000_000.into(), 2_000_000.into());
        change(number, &mut second);
        second
    });
    report["series"] = seconds.collect();
    report.to_string()
}

/// This command ends with this code and this complaint.
fn ends(folder: &Path, line: &str, code: i32, complaint: &str) -> Said {
    let said = say(folder, line);
    assert_eq!(said.code, Some(code), "{line}: {said:?}");
    assert!(said.stderr.contains(complaint), "{line}: {said:?}");
    said
}

#[test]
fn comparing_has_its_exit_codes() {
    let folder = folder();
    let line = format!("bench --rate 50 --duration 1s {SHORT} --report json=short.json");
    assert_eq!(say(folder.path(), &line).code, Some(0));
    let report = json(folder.path(), "short.json");
    let of_all = |second: &mut Value, factor: u64| {
        for name in ["p50_ns", "p99_ns"] {
            second[name] = (second[name].as_u64().unwrap() * factor / 10).into();
        }
        let answered = second["counts"]["answered"].as_u64().unwrap();
        second["counts"]["answered"] = (answered * 10 / factor).into();
    };
    let mut busy: Value = serde_json::from_str(&stretched(&report, |_, _| ())).unwrap();
    busy["generator"]["busy"] = serde_json::json!([1.0]);
    let mut other = busy.clone();
    other["generator"]["busy"] = serde_json::json!([0.5]);
    other["plan"]["connections"] = 77.into();
    for (name, text) in [
        ("a.json", stretched(&report, |_, _| ())),
        (
            "slow.json",
            stretched(&report, |_, second| of_all(second, 12)),
        ),
        (
            "wild.json",
            stretched(&report, |number, second| {
                of_all(second, if number < 5 { 2 } else { 40 });
            }),
        ),
        ("busy.json", busy.to_string()),
        ("other.json", other.to_string()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    for (files, code, complaint) in [
        ("a.json a.json", 0, ""),
        ("slow.json a.json", 0, ""),
        ("a.json slow.json", 1, "slow.json is slower than a.json"),
        (
            "a.json wild.json",
            2,
            "not judged: the seconds of these runs differ too much",
        ),
        (
            "a.json busy.json",
            2,
            "not judged: busy.json: the generator is the bottleneck",
        ),
        (
            "a.json other.json",
            2,
            "did not do the same: the number of connections is",
        ),
        ("a.json short.json", 2, "comparing needs 8 at least"),
        ("a.json none.json", 2, "none.json: cannot read it"),
    ] {
        let said = ends(
            folder.path(),
            &format!("bench --compare {files}"),
            code,
            complaint,
        );
        assert_eq!(said.complaints().is_empty(), code == 0, "{files}: {said:?}");
    }
}

#[test]
fn conditions_have_their_exit_codes() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    for (condition, code, complaint) in [
        ("p99>60s", 0, ""),
        ("throughput<1", 0, ""),
        ("p50>1ns", 1, "kmspec: p50>1ns: it is "),
        (
            "throughput<1000000",
            1,
            "kmspec: throughput<1000000: it is ",
        ),
        (
            "p99>1",
            2,
            "p99 is compared with a duration, as in 5ms, 250us or 1.5s, not with \"1\"",
        ),
        ("speed>1", 2, "there is no figure \"speed\""),
    ] {
        let line = format!(
            "bench {} --rate 50 --duration 300ms {SHORT} --fail-if {condition}",
            lab.address
        );
        ends(folder.path(), &line, code, complaint);
    }
}

#[test]
fn a_generator_at_its_limit_does_not_blame_the_target() {
    let folder = folder();
    // No machine hands out a request within a nanosecond.
    let line = "bench --rate 200 --duration 500ms --warm-up 0 --late 0.001ms --fail-if p99>1ns";
    let said = say(folder.path(), line);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr
            .contains("not judged: the generator is the bottleneck: it sent"),
        "{said:?}"
    );
}

#[test]
fn the_highest_rate_is_searched_for() {
    let folder = folder();
    let line = format!("bench --find-max p50<10ns --rate 40 --duration 200ms {SHORT}");
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stdout
            .contains("p50<10ns does not even hold at 10 requests/s"),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_run_says_why() {
    let folder = folder();
    for (line, expected) in [
        (
            "bench 192.0.2.1:1688",
            "192.0.2.1:1688 is not on loopback; give --allow-remote if it is yours to put load on",
        ),
        ("bench --rate 0", "a rate is a number of requests a second"),
        (
            "bench --stage 10s",
            "a stage is DURATION@LEVEL or DURATION@FROM..TO",
        ),
        ("bench --versions v7", "versions are v4, v5 and v6"),
        (
            "bench --pipeline 1000",
            "pipeline is from 1 to 256, not 1000",
        ),
        ("bench --duration 4h", "a run takes at most 10800 s"),
        ("bench --closed --rate 5", "cannot be used with"),
        ("bench --verify some", "it is all, none, or a percentage"),
        (
            "bench --report xml=a",
            "a report is json=PATH, html=PATH or hlog=PATH",
        ),
        (
            "bench --report json=no/such/folder.json",
            "no/such/folder.json: cannot write it",
        ),
        ("bench --merge nothing.json", "nothing.json: cannot read it"),
        (
            "bench --locust-master nobody",
            "it is HOST:PORT, as in 127.0.0.1:5557",
        ),
    ] {
        let said = say(folder.path(), line);
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert_eq!(said.complaints().len(), 1, "{line}: {said:?}");
        assert!(said.stderr.contains(expected), "{line}: {said:?}");
    }
}

/// Ctrl-C in the middle of an hour.
#[test]
fn an_interrupted_run_tells_what_it_knows() {
    let folder = folder();
    let words = "bench --rate 50 --duration 1h --warm-up 0 --late 60s --report json=a.json";
    let mut child = kmspec(folder.path())
        .args(words.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The plan is told once Ctrl-C is heeded.
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    stderr.read_line(&mut line).unwrap();
    assert!(line.contains("requests/s 3600s@50"), "{line}");
    signal_to(&child, "INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("ended before its time"), "{text}");
    assert_eq!(json(folder.path(), "a.json")["interrupted"], true);
}

/// A process that stands still, for real. At 200 requests a second for 10 s, of which it sleeps 2, the 99th percentile is
/// by theory 2 s * (1 - 20/400) = 1.9 s; other programs of the machine may add to it.
#[test]
fn a_host_that_stands_still_for_two_seconds_has_the_latency_of_theory() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let line = format!(
        "bench {} --rate 200 --duration 10s --connections 4 {SHORT} --report json=a.json",
        lab.address
    );
    let running = kmspec(folder.path())
        .args(line.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = lab.id();
    let script = format!("sleep 3; kill -s STOP {id}; sleep 2; kill -s CONT {id}");
    assert!(
        Command::new("sh")
            .args(["-c", &script])
            .status()
            .unwrap()
            .success()
    );
    let said = Said::from(running.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let report = json(folder.path(), "a.json");
    assert_eq!(report["counts"]["answered"], 2000);
    let p99 = |which: &str| {
        let all = report[which]["percentiles"].as_array().unwrap();
        let found = all.iter().find(|row| row["percentile"] == 99.0).unwrap();
        found["ns"].as_f64().unwrap() / 1e9
    };
    let corrected = p99("corrected");
    assert!((1.88..2.2).contains(&corrected), "{corrected}");
    // Four connections had one request each on their way: that is all a naive generator sees.
    assert!(
        p99("uncorrected") < 0.5 * corrected,
        "{}",
        p99("uncorrected")
    );
}

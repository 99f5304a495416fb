//! Runs side by side, and runs in parts.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::{Value, json};

use crate::kit::{Lab, folder, kmspec, put, say, spoiling};

/// What a run of the fast suites gives that a target's answers decide.
const SUITES: &str = "--suite bind --suite response --suite crypto";

fn json_of(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// A host that sets flags which are not in use.
fn flagged(lab: &Lab) -> SocketAddr {
    spoiling(lab.address, |octets| octets[3] |= 0x08)
}

#[test]
fn the_parts_of_a_run_are_the_run() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = flagged(&lab);
    let run = |options: &str| {
        let line = format!("run {host} {SUITES} --seed 3 --level may {options}");
        let said = say(folder.path(), &line);
        assert_eq!(said.code, Some(1), "{said:?}");
    };
    run("--report json=whole.json");
    for index in 1..=3 {
        run(&format!("--shard {index}/3 --report json={index}.json"));
    }
    let said = say(
        folder.path(),
        "compare --merge 3.json 1.json 2.json -o merged.json",
    );
    assert_eq!(said.code, Some(1), "{said:?}");
    let [mut whole, mut merged] =
        ["whole.json", "merged.json"].map(|name| json_of(&folder.path().join(name)));
    let judged = |report: &Value| -> Vec<String> {
        let judged = report["times"]["judged"].as_object().unwrap();
        judged.keys().cloned().collect()
    };
    assert_eq!(judged(&whole), judged(&merged));
    let count = |report: &Value| report["times"]["results_ms"].as_array().unwrap().len();
    assert_eq!(count(&whole), count(&merged));
    for report in [&mut whole, &mut merged] {
        report["times"].take();
        // A host numbers its groups and salts its answers as they come.
        for result in report["results"].as_array_mut().unwrap() {
            if let Some(octets) = result.pointer_mut("/failure/evidence/octets") {
                octets.take();
            }
        }
    }
    assert_eq!(whole, merged);
    // What is joined is a report like any other.
    let said = say(folder.path(), "compare whole.json merged.json");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("\n0 regressions, 0 fixed, "),
        "{said:?}"
    );
}

#[test]
fn what_is_no_whole_is_not_joined() {
    let folder = folder();
    let run = |options: &str| {
        let said = say(folder.path(), &format!("run --suite crypto {options}"));
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    run("--shard 1/3 --report json=1.json");
    run("--shard 2/3 --report json=2.json");
    run("--shard 3/3 --report json=3.json");
    run("--shard 3/3 --seed 9 --report json=seed.json");
    run("--shard 3/3 --level may --report json=level.json");
    run("--shard 2/2 --report json=half.json");
    run("--shard 3/3 --skip crypto.v4-mac --report json=skip.json");
    run("--report json=whole.json");
    let mut other = json_of(&folder.path().join("3.json"));
    other["kmspec"] = json!("0.0.1");
    put(folder.path(), "version.json", other.to_string());
    let mut damaged = json_of(&folder.path().join("3.json"));
    damaged["results"].as_array_mut().unwrap().remove(0);
    put(folder.path(), "damaged.json", damaged.to_string());
    #[rustfmt::skip]
    let table = [
        ("1.json 2.json 3.json", 0, ""),
        ("1.json 2.json", 2, "part 3/3 is missing: "),
        ("1.json", 2, "parts 2/3, 3/3 are missing: "),
        ("1.json 2.json 3.json 2.json", 2, "2.json and 2.json overlap: both have crypto."),
        ("1.json 2.json seed.json", 2, "seed.json: seed 9, where 1.json has 0: not parts of one run"),
        ("1.json 2.json level.json", 2, "level.json: level may, where 1.json has must"),
        ("1.json 2.json half.json", 2, "half.json: a part of 2, where 1.json has 3"),
        ("1.json 2.json skip.json", 2, "skip.json: selection "),
        ("1.json 2.json version.json", 2, "version.json: kmspec 0.0.1, where 1.json has "),
        ("1.json 2.json damaged.json", 2, "damaged.json: damaged: "),
        ("1.json 2.json whole.json", 2, "whole.json: not the report of a part; it was run without --shard"),
        ("1.json 2.json none.json", 2, "none.json: cannot read it"),
    ];
    for (files, code, says) in table {
        let said = say(
            folder.path(),
            &format!("compare --merge {files} -o out.json"),
        );
        assert_eq!(said.code, Some(code), "{files}: {said:?}");
        let complaints = said.complaints().join("\n");
        assert!(complaints.contains(says), "{files}: {said:?}");
    }
}

#[test]
fn a_part_is_taken_from_the_environment_if_asked_for() {
    let folder = folder();
    let ids = |options: &[&str], variables: &[(&str, &str)]| -> Vec<Value> {
        let mut command = kmspec(folder.path());
        command.args(["run", "--suite", "crypto", "--report", "json=a.json"]);
        for name in ["CI_NODE_INDEX", "CI_NODE_TOTAL"] {
            command.env_remove(name);
        }
        let status = command
            .args(options)
            .envs(variables.iter().copied())
            .output();
        assert_eq!(status.unwrap().status.code(), Some(0));
        let report = json_of(&folder.path().join("a.json"));
        let rows = report["results"].as_array().unwrap();
        rows.iter().map(|row| row["id"].clone()).collect()
    };
    let set = [("CI_NODE_INDEX", "2"), ("CI_NODE_TOTAL", "3")];
    let second = ids(&["--shard", "2/3"], &[]);
    assert_eq!(ids(&["--shard", "auto"], &set), second);
    assert_eq!(
        ids(&[], &[set[0], set[1], ("KMSPEC_SHARD", "auto")]),
        second
    );
    // A part is never run by accident.
    assert_eq!(ids(&[], &set), ids(&[], &[]));
}

#[test]
fn what_became_worse_is_told() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = flagged(&lab);
    let run = |target: &str, options: &str| {
        let line = format!("run {target} {options} --timeout 2s");
        say(folder.path(), &line).code
    };
    let suites = "--only rpc.bind.ack-basic --only crypto.v6-hmac --seed 1";
    assert_eq!(
        run("", &format!("{suites} --report json=good.json")),
        Some(0)
    );
    assert_eq!(
        run(
            &host.to_string(),
            &format!("{suites} --report json=bad.json")
        ),
        Some(1)
    );
    assert_eq!(
        run("", "--only crypto.v6-hmac --report json=less.json"),
        Some(0)
    );
    assert_eq!(
        run("127.0.0.1:1", &format!("{suites} --report json=dead.json")),
        Some(2)
    );
    put(folder.path(), "list.json", "{\"version\": 1}");
    for name in ["good", "bad"] {
        let told = fs::read_to_string(folder.path().join(format!("{name}.json"))).unwrap();
        let lighter = told.replace("\"must\"", "\"should\"");
        put(folder.path(), &format!("{name}-light.json"), &lighter);
    }
    #[rustfmt::skip]
    let table = [
        ("good-light.json bad-light.json", 0, " became worse below must (--level), ", ""),
        ("good-light.json bad-light.json --level should", 1, " regressions, 0 fixed, 60 cases", ""),
        ("good.json good.json", 0, "0 regressions, 0 fixed", ""),
        ("good.json bad.json", 1, "rpc.bind.ack-basic  pass -> fail in B", ""),
        ("good.json good.json bad.json", 1, "rpc.bind.ack-basic  pass -> fail in C", ""),
        ("bad.json good.json", 0, "rpc.bind.ack-basic  fail -> pass in B", ""),
        ("good.json less.json", 2, "not judged: less.json: ", "cases of good.json are not in it, rpc.bind.ack-basic"),
        ("good.json less.json --common", 0, "0 regressions", ""),
        ("less.json good.json", 0, "0 regressions", ""),
        ("good.json dead.json", 2, "dead.json: at the start: ", "not judged: dead.json"),
        ("good.json", 2, "", "there is nothing to compare with"),
        ("good.json list.json", 2, "", "list.json: no report of a run: missing field `format`"),
        ("good.json none.json", 2, "", "none.json: cannot read it"),
        ("good.json bad.json --report junit=a", 2, "", "a report on a comparison is json=PATH or html=PATH"),
        ("good.json bad.json --merge", 2, "", "required arguments were not provided: --output <FILE>"),
    ];
    for (files, code, says, complains) in table {
        let said = say(folder.path(), &format!("compare {files}"));
        assert_eq!(said.code, Some(code), "{files}: {said:?}");
        assert!(said.stdout.contains(says), "{files}: {said:?}");
        let complaints = said.complaints().join("\n");
        assert!(complaints.contains(complains), "{files}: {said:?}");
    }
}

#[test]
fn a_comparison_is_left_for_programs_and_browsers() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = flagged(&lab);
    for (target, name) in [(String::new(), "a"), (host.to_string(), "b")] {
        let line = format!("run {target} --suite bind --report json={name}.json");
        say(folder.path(), &line);
    }
    let line = "compare a.json b.json --report json=c.json --report html=c.html --format json";
    let said = say(folder.path(), line);
    assert_eq!(said.code, Some(1), "{said:?}");
    let written = fs::read_to_string(folder.path().join("c.json")).unwrap();
    assert_eq!(said.stdout, written);
    let comparison: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(comparison["format"], "kmspec-compare");
    let page = fs::read_to_string(folder.path().join("c.html")).unwrap();
    assert!(page.contains("<b>Regressions: "), "{page}");
    let requirements = comparison["requirements"].as_array().unwrap();
    assert_eq!(page.matches("<tr data-suite=").count(), requirements.len());
}

#[test]
fn a_part_takes_no_entry_for_stale_whose_cases_are_elsewhere() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = flagged(&lab);
    put(
        folder.path(),
        "known.toml",
        "[[deviation]]\ncase = \"rpc.*\"\nverdict = \"fail\"\nreason = \"flags\"\n",
    );
    let mut stale = 0;
    for index in 1..=8 {
        let line = format!(
            "run {host} --only rpc.bind.ack-basic --only rpc.bind.ack-echoes-call-id --shard {index}/8 --expect known.toml"
        );
        let said = say(folder.path(), &line);
        stale += said.stdout.matches("is stale").count();
    }
    assert_eq!(stale, 0);
}

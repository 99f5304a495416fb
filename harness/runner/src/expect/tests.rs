use std::time::Duration;

use super::*;
use crate::verdict::{Failure, Level};

const TODAY: &str = "2026-11-22";

fn row(id: &str, verdict: Verdict) -> Row {
    let failure = Failure {
        step: 1,
        field: "result[0]".to_owned(),
        expected: "2".to_owned(),
        got: "0".to_owned(),
        evidence: None,
    };
    Row {
        id: id.to_owned(),
        requirement: id.to_owned(),
        suite: "a suite".to_owned(),
        level: Level::Must,
        role: "host",
        title: String::new(),
        sentence: String::new(),
        source: String::new(),
        verdict,
        shown_in: id.to_owned(),
        failure: (verdict == Verdict::Fail).then_some(failure),
        reason: None,
        notes: Vec::new(),
        broken_in: Vec::new(),
        tally: None,
        took: Duration::ZERO,
        transcript: Vec::new(),
    }
}

fn result(rows: Vec<Row>) -> RunResult {
    RunResult {
        target: "a host".to_owned(),
        seed: 0,
        now: kmspec_wire::filetime::FileTime::default(),
        level: Level::Must,
        unable: Vec::new(),
        rows,
        log: String::new(),
        took: Duration::ZERO,
        broken_expectations: Vec::new(),
        part: None,
    }
}

fn entry(case: &str, more: &str) -> String {
    format!("[[deviation]]\ncase = {case:?}\nverdict = \"fail\"\nreason = \"known\"\n{more}\n")
}

const IDS: [&str; 3] = ["rpc.bind.a/one", "rpc.bind.a/two", "crypto.b"];

fn run() -> RunResult {
    result(vec![
        row(IDS[0], Verdict::Fail),
        row(IDS[1], Verdict::Pass),
        row(IDS[2], Verdict::Pass),
    ])
}

fn problems(text: &str) -> Vec<String> {
    let expectations = Expectations::from_toml(text).unwrap();
    expectations
        .apply(&mut run(), IDS, TODAY)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_known_failure_is_marked_and_nothing_is_wrong() {
    for case in ["rpc.bind.a/one", "rpc.bind.a", "rpc.*"] {
        let expectations = Expectations::from_toml(&entry(case, "")).unwrap();
        let mut result = run();
        assert_eq!(expectations.apply(&mut result, IDS, TODAY), [], "{case}");
        assert_eq!(
            (result.rows[0].verdict, result.rows[0].reason.as_deref()),
            (Verdict::Deviation, Some("known")),
            "{case}"
        );
        assert_eq!(
            (result.rows[1].verdict, result.exit()),
            (Verdict::Pass, crate::exit::Exit::Holds)
        );
    }
}

#[test]
fn each_way_of_rotting_is_an_error_of_its_own_with_its_line() {
    let twice = entry("rpc.bind.a/one", "") + &entry("rpc.bind.a/one", "");
    let both = entry("rpc.bind.a/one", "") + &entry("rpc.bind.*", "");
    for (name, text, expected) in [
        (
            "stale",
            entry("crypto.b", ""),
            "line 2: \"crypto.b\" is stale: its cases no longer fail so; remove it",
        ),
        (
            "other failure",
            entry("rpc.bind.a", "signature = \"reason*\""),
            "line 2: \"rpc.bind.a\" is stale: its cases no longer fail so; remove it",
        ),
        (
            "unmatched",
            entry("rpc.bnid.a", ""),
            "line 2: \"rpc.bnid.a\" is unmatched: no case has such an id",
        ),
        (
            "duplicate",
            twice,
            "line 7: \"rpc.bind.a/one\" is a duplicate of line 2",
        ),
        (
            "overlapping",
            both,
            "line 7: \"rpc.bind.*\" overlaps with line 2: both cover rpc.bind.a/one",
        ),
        (
            "expired",
            entry("rpc.bind.a", "expires = 2026-11-21"),
            "line 2: \"rpc.bind.a\" expired on 2026-11-21: mend the target, or give it a new date",
        ),
    ] {
        assert_eq!(problems(&text), [expected], "{name}");
    }
}

#[test]
fn the_last_day_still_counts_and_what_did_not_run_is_left_in_peace() {
    assert_eq!(
        problems(&entry("rpc.bind.a", "expires = 2026-11-22")),
        [""; 0]
    );
    let expectations = Expectations::from_toml(&entry("crypto.b", "")).unwrap();
    for rows in [
        vec![row(IDS[0], Verdict::Pass)],
        vec![row(IDS[2], Verdict::Skip)],
        vec![row(IDS[2], Verdict::Error)],
    ] {
        assert_eq!(expectations.apply(&mut result(rows), IDS, TODAY), []);
    }
}

#[test]
fn an_expired_entry_expects_nothing() {
    let mut result = run();
    let text = entry("rpc.bind.a", "expires = 2026-11-21");
    Expectations::from_toml(&text)
        .unwrap()
        .apply(&mut result, IDS, TODAY);
    assert_eq!(result.rows[0].verdict, Verdict::Fail);
}

#[test]
fn what_cannot_be_expected_is_refused_with_line_and_column() {
    let with = |verdict: &str| {
        format!("# known\n[[deviation]]\ncase = \"a\"\nverdict = {verdict:?}\nreason = \"r\"\n")
    };
    for (text, expected) in [
        (
            with("error"),
            "line 4, column 11: error cannot be expected away; fail, warn, note and flaky can",
        ),
        (
            with("skip"),
            "line 4, column 11: skip cannot be expected away; fail, warn, note and flaky can",
        ),
        (
            with("fail").replace("\"r\"", "\" \""),
            "line 5, column 10: an expected failure needs a reason",
        ),
        (
            with("fail") + "expires = 2026-11-22T10:00:00Z\n",
            "line 6, column 11: a date is wanted, like 2027-06-30",
        ),
    ] {
        assert_eq!(
            Expectations::from_toml(&text).unwrap_err().to_string(),
            expected
        );
    }
    let unknown = Expectations::from_toml(&(with("fail") + "because = \"x\"\n")).unwrap_err();
    assert_eq!(unknown.line, 6, "{unknown}");
}

#[test]
fn an_update_removes_what_is_stale_adds_what_is_new_and_keeps_the_rest() {
    let text = format!(
        "# Known failures of the host.\n\n# mended in 1.3?\n{}# kept\n{}",
        "[[deviation]] # two\ncase = \"crypto.b\" # why\nverdict = \"fail\"\nreason = \"\"\"\nover\ntwo lines\"\"\"\n",
        "[[deviation]]\ncase = \"crypto.c\"   # odd   spacing stays\nverdict = 'fail'\nreason = \"known\"\n",
    );
    let expectations = Expectations::from_toml(&text).unwrap();
    let mut result = run();
    let problems = expectations.apply(&mut result, IDS, TODAY);
    assert_eq!(
        expectations.updated(&result, &problems),
        "# Known failures of the host.\n\n# mended in 1.3?\n# two\n# why\n# kept\n[[deviation]]\ncase = \"crypto.c\"   # odd   spacing \
         stays\nverdict = 'fail'\nreason = \"known\"\n\n[[deviation]]\ncase = \"rpc.bind.a/one\"\nverdict = \
         \"fail\"\nsignature = \"result[0]: *\"\nreason = \"not explained yet\"\n"
    );
}

#[test]
fn an_update_that_changes_nothing_keeps_every_byte() {
    let text =
        entry("rpc.bind.a", "# a comment\r\n\t# another") + "\n\n# the end, without a newline";
    let expectations = Expectations::from_toml(&text).unwrap();
    let mut result = run();
    let problems = expectations.apply(&mut result, IDS, TODAY);
    assert_eq!(expectations.updated(&result, &problems), text);
}

//! Known failures.

use std::fs;

use crate::kit::{Lab, OTHER_KEYS, folder, put, say};

const KNOWN: &str = "# the key is another one\n[[deviation]]\ncase = \"crypto.v6-hmac/over-hours/now\"\nverdict = \"fail\"\nreason = \"wrong keys\"\n";

#[test]
fn a_known_failure_does_not_fail_the_run_and_an_unknown_one_does() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    put(folder.path(), "keys.toml", OTHER_KEYS);
    put(folder.path(), "known.toml", KNOWN);
    let run = |rest: &str| {
        say(
            folder.path(),
            &format!(
                "run {} --keys keys.toml --expect known.toml {rest}",
                lab.address
            ),
        )
    };
    let said = run("--only crypto.v6-hmac/over-hours/now");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout
            .contains("crypto.v6-hmac/over-hours/now: wrong keys"),
        "{said:?}"
    );
    let more = run("--only crypto.v6-hmac/over-hours/*");
    assert_eq!(more.code, Some(1), "{more:?}");
}

#[test]
fn an_entry_that_no_longer_fails_fails_the_run_unless_it_may_be_stale() {
    let folder = folder();
    put(folder.path(), "known.toml", KNOWN);
    let run = |rest: &str| {
        say(
            folder.path(),
            &format!("run --only crypto.v6-hmac/* --expect known.toml {rest}"),
        )
    };
    let said = run("");
    assert_eq!(said.code, Some(1), "{said:?}");
    let line = "expectations: known.toml: line 3: \"crypto.v6-hmac/over-hours/now\" is stale: its cases no longer fail so; remove it";
    assert!(said.stdout.contains(line), "{said:?}");
    assert_eq!(run("--allow-stale").code, Some(0));
    assert_eq!(run("--update-expectations").code, Some(0));
    assert_eq!(
        fs::read_to_string(folder.path().join("known.toml")).unwrap(),
        "# the key is another one\n"
    );
}

#[test]
fn failures_are_written_down_with_their_signature() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    put(folder.path(), "keys.toml", OTHER_KEYS);
    let line = format!(
        "run {} --keys keys.toml --only crypto.v6-hmac/over-hours/now --expect new.toml --update-expectations",
        lab.address
    );
    assert_eq!(
        say(folder.path(), &line).code,
        Some(1),
        "what was not known still fails"
    );
    let written = fs::read_to_string(folder.path().join("new.toml")).unwrap();
    assert!(written.starts_with("[[deviation]]\ncase = \"crypto.v6-hmac/over-hours/now\"\nverdict = \"fail\"\nsignature = "), "{written}");
    assert_eq!(
        say(folder.path(), &line).code,
        Some(0),
        "what is known does not"
    );
}

#[test]
fn a_list_that_cannot_be_read_is_told_with_its_place() {
    let folder = folder();
    put(
        folder.path(),
        "known.toml",
        KNOWN.replace("\"fail\"", "\"error\""),
    );
    let said = say(folder.path(), "run --expect known.toml");
    assert_eq!(said.code, Some(2), "{said:?}");
    let place =
        "kmspec: known.toml:4:11: error cannot be expected away; fail, warn, note and flaky can";
    assert_eq!(said.complaints(), [place]);
    let missing = say(folder.path(), "run --expect nowhere.toml");
    assert_eq!(missing.code, Some(2), "{missing:?}");
}

#[test]
fn a_frozen_set_that_does_not_exist_is_named() {
    let folder = folder();
    let said = say(folder.path(), "run --requirements 1999-1");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.complaints()[0].contains("there is no requirement set \"1999-1\""),
        "{said:?}"
    );
    let known = say(
        folder.path(),
        "run --requirements 2026-1 --only crypto.padding",
    );
    assert_eq!(known.code, Some(0), "{known:?}");
}

//! Command line, environment, `kmspec.toml`, default: in this order.

use std::fs;
use std::path::Path;

use crate::kit::{Said, folder, kmspec, put, recording, say};

/// Decodes with the format set in all the places of `line`, `variable` and `file`, and tells which one took effect.
fn format(folder: &Path, line: &[&str], variable: Option<&str>, file: Option<&str>) -> Said {
    put(folder, "a.pcap", recording("01"));
    put(folder, "kmspec.toml", file.unwrap_or_default());
    let mut command = kmspec(folder);
    command.args(["decode", "a.pcap"]).args(line);
    if let Some(value) = variable {
        command.env("KMSPEC_FORMAT", value);
    }
    command.output().unwrap().into()
}

#[test]
fn the_line_beats_the_environment_which_beats_the_file() {
    let folder = folder();
    let json = |line: &[&str], variable, file| {
        let said = format(folder.path(), line, variable, file);
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout.starts_with('{')
    };
    let (to_json, to_table) = (
        "[decode]\nformat = \"json\"",
        "[decode]\nformat = \"table\"",
    );
    assert!(!json(&[], None, None));
    assert!(json(&[], None, Some(to_json)));
    assert!(json(&[], None, Some("format = \"json\"")));
    assert!(!json(&[], Some("table"), Some(to_json)));
    assert!(json(&[], Some("json"), Some(to_table)));
    assert!(json(&["--format", "json"], Some("table"), Some(to_table)));
    assert!(!json(&["--format", "table"], Some("json"), Some(to_json)));
}

#[test]
fn a_table_for_a_command_beats_the_top_of_the_file() {
    let folder = folder();
    let file = "format = \"table\"\n[decode]\nformat = \"json\"";
    let said = format(folder.path(), &[], None, Some(file));
    assert!(said.stdout.starts_with('{'), "{said:?}");
}

#[test]
fn the_file_is_found_upwards_and_its_paths_start_at_its_folder() {
    let folder = folder();
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    put(folder.path(), "other.toml", crate::kit::OTHER_KEYS);
    put(
        folder.path(),
        "kmspec.toml",
        "[decode]\nkeys = \"other.toml\"",
    );
    put(&below, "a.pcap", recording("03"));
    let said = say(&below, "decode a.pcap");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("is other its key set?"), "{said:?}");
}

#[test]
fn switches_and_lists_and_numbers_can_be_set() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("01"));
    let file = "[decode]\nstructure = true\n[run]\nsuite = [\"crypto\"]\nonly = [\"crypto.v6-*\"]\njobs = 0x2\nseed = 1_0\ntimeout = \"2s\"";
    put(folder.path(), "kmspec.toml", file);
    let said = say(folder.path(), "decode a.pcap --format json");
    assert!(said.stdout.contains("\"verified\":null"), "{said:?}");
    let said = say(folder.path(), "run");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stdout.starts_with("crypto"), "{said:?}");
    assert!(said.stdout.contains("seed 10"), "{said:?}");
}

#[test]
fn switches_can_be_set_in_the_environment() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("01"));
    for (value, structure) in [("1", true), ("true", true), ("0", false), ("no", false)] {
        let output = kmspec(folder.path())
            .args(["decode", "a.pcap", "--format", "json"])
            .env("KMSPEC_STRUCTURE", value)
            .output();
        let said = Said::from(output.unwrap());
        assert_eq!(
            said.stdout.contains("\"verified\":null"),
            structure,
            "{value}: {said:?}"
        );
    }
}

#[test]
fn a_bad_variable_is_named() {
    let folder = folder();
    let output = kmspec(folder.path())
        .arg("run")
        .env("KMSPEC_JOBS", "many")
        .output();
    let said = Said::from(output.unwrap());
    assert_eq!(said.code, Some(2));
    let expected = "kmspec: invalid value 'many' for '--jobs <NUMBER>': invalid digit found in string; it comes from KMSPEC_JOBS; see kmspec run --help";
    assert_eq!(said.complaints(), [expected]);
}

#[test]
fn every_mistake_has_its_place() {
    let folder = folder();
    for (file, expected) in [
        ("jobs = ", ":1:8: "),
        (
            "colour = \"never\"",
            ":1:1: unknown key `colour`: no command has an option of this name",
        ),
        (
            "[run]\njob = 1",
            ":2:1: unknown key `job`: `kmspec run` has no option of this name",
        ),
        ("[rum]\njobs = 1", ":1:2: unknown command `rum`"),
        ("[rum]", ":1:2: unknown command `rum`"),
        (
            "[run]\njobs = 0",
            ":2:8: invalid value '0' for '--jobs <NUMBER>': there must be one at least",
        ),
        ("[run]\nfail-fast = 1", ":2:13: expected true or false"),
        (
            "[run]\njobs = { a = 1 }",
            ":2:1: unknown command `run jobs`",
        ),
        (
            "[run]\njobs = 2026-01-01",
            ":2:8: expected a string, a number, a boolean or a list of these",
        ),
        ("[run]\njobs = [1, 2]", ":2:8: expected one value"),
        (
            "[lab.serve]\nport = \"http\"",
            ":2:8: invalid value 'http' for '--port <PORT>'",
        ),
        ("help = true", ":1:1: unknown key `help`"),
    ] {
        let path = put(folder.path(), "kmspec.toml", file);
        let said = say(folder.path(), "list");
        assert_eq!(said.code, Some(2), "{file}: {said:?}");
        let expected = format!(
            "kmspec: {}{expected}",
            path.canonicalize().unwrap().display()
        );
        let complaints = said.complaints();
        assert!(
            complaints.len() == 1 && complaints[0].starts_with(&expected),
            "{file}: {said:?}"
        );
    }
}

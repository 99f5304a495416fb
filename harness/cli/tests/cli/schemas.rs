//! What programs are given keeps its schema, and the rules of whoever else reads it.

use std::fs;
use std::path::Path;

use kmspec_runner::{bundle, compare, passive, report, selftest};
use serde_json::{Value, json};

use crate::kit::{Lab, folder, put, recording, say, spoiling};

const DECODE: &str = include_str!("../../schema/decode-1.schema.json");
const FLEET: &str = include_str!("../../schema/fleet-1.schema.json");
const LIST: &str = include_str!("../../schema/list-1.schema.json");

/// What is wrong with a document, by its schema.
fn problems(schema: &str, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let problems = validator.iter_errors(document);
    problems
        .map(|problem| format!("{}: {problem}", problem.instance_path()))
        .collect()
}

fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// Asserts that a document keeps its schema, and that the schema would notice a strange and a missing field.
fn keeps(name: &str, schema: &str, document: &Value) {
    assert_eq!(problems(schema, document), [""; 0], "{name}");
    let mut strange = document.clone();
    strange["surprise"] = json!(1);
    assert_ne!(problems(schema, &strange), [""; 0], "{name}");
    let required = serde_json::from_str::<Value>(schema).unwrap();
    for field in required["required"].as_array().unwrap() {
        let mut lacking = document.clone();
        lacking
            .as_object_mut()
            .unwrap()
            .remove(field.as_str().unwrap());
        assert_ne!(problems(schema, &lacking), [""; 0], "{name}: {field}");
    }
}

#[test]
fn every_document_for_programs_keeps_its_schema() {
    let folder = folder();
    let here = folder.path();
    let lab = Lab::serve(here, "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    say(here, "run --suite bind --report json=good.json");
    let line = format!("run {host} --suite bind --report json=bad.json --transcripts out");
    say(here, &line);
    say(
        here,
        &format!("run {host} --suite bind --shard 1/2 --report json=part.json"),
    );
    say(
        here,
        "compare good.json bad.json --report json=compare.json",
    );
    say(
        here,
        "self-test --suite bind --fault bind-any-* --report json=self-test.json",
    );
    put(here, "host.pcap", recording("21"));
    put(here, "odd.pcap", recording("31"));
    say(
        here,
        "decode --check host.pcap odd.pcap --level should --report json=check.json",
    );
    for (file, schema) in [
        ("good.json", report::json::SCHEMA),
        ("bad.json", report::json::SCHEMA),
        ("part.json", report::json::SCHEMA),
        ("compare.json", compare::SCHEMA),
        ("self-test.json", selftest::SCHEMA),
        ("check.json", passive::json::SCHEMA),
    ] {
        keeps(file, schema, &read(&here.join(file)));
    }
    let list = say(here, "list --format json").stdout;
    keeps("list", LIST, &serde_json::from_str(&list).unwrap());
    let fleet = say(
        here,
        "lab fleet --clients 30 --days 40 --down 5+10 --format json",
    )
    .stdout;
    keeps("fleet", FLEET, &serde_json::from_str(&fleet).unwrap());
    let mut bundles = 0;
    for entry in fs::read_dir(here.join("out")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            keeps("bundle", bundle::SCHEMA, &read(&path));
            bundles += 1;
        }
    }
    assert!(bundles > 10, "{bundles}");
}

#[test]
fn every_recorded_exchange_keeps_its_schema() {
    let folder = folder();
    let schema: Value = serde_json::from_str(DECODE).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let mut exchanges = 0;
    for capture in kmspec_captures::all() {
        put(folder.path(), "a.pcap", capture.bytes);
        for options in ["", "--structure"] {
            let said = say(
                folder.path(),
                &format!("decode a.pcap --format json {options}"),
            );
            for line in said.stdout.lines() {
                let exchange: Value = serde_json::from_str(line).unwrap();
                let wrong: Vec<String> = validator
                    .iter_errors(&exchange)
                    .map(|problem| format!("{}: {problem}", problem.instance_path()))
                    .collect();
                assert_eq!(wrong, [""; 0], "{}: {line}", capture.file);
                exchanges += 1;
            }
        }
    }
    assert!(exchanges > 1000, "{exchanges}");
}

/// What SARIF 2.1.0 asks of the objects we write.
const SARIF: &str = include_str!("schemas/sarif.json");

#[test]
fn sarif_keeps_the_rules_of_its_standard() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    for (target, code) in [(host.to_string(), 1), ("127.0.0.1:1".to_owned(), 2)] {
        let line = format!("run {target} --suite bind --report sarif=a.sarif --timeout 2s");
        assert_eq!(say(folder.path(), &line).code, Some(code));
        let log = read(&folder.path().join("a.sarif"));
        assert_eq!(problems(SARIF, &log), [""; 0]);
        let run = &log["runs"][0];
        assert_eq!(run["invocations"][0]["executionSuccessful"], code != 2);
        let ids = |list: &Value, key: &str| -> Vec<String> {
            let list = list.as_array().unwrap().iter();
            list.map(|one| one[key].as_str().unwrap().to_owned())
                .collect()
        };
        let rules = ids(&run["tool"]["driver"]["rules"], "id");
        for rule in ids(&run["results"], "ruleId") {
            assert!(rules.contains(&rule), "{rule}");
        }
        assert_eq!(run["results"].as_array().unwrap().is_empty(), code == 2);
    }
}

/// What the common `JUnit` schema allows: an element, its attributes (`!` where required), its children. Source: Jenkins
/// xunit-plugin, junit-10.xsd, and Apache Ant's `JUnit` task.
const JUNIT: &[(&str, &[&str], &[&str])] = &[
    (
        "testsuites",
        &[
            "name",
            "time",
            "tests",
            "failures",
            "disabled",
            "errors",
            "skipped",
            "uuid",
            "timestamp",
        ],
        &["testsuite"],
    ),
    (
        "testsuite",
        &[
            "name!",
            "tests!",
            "failures",
            "errors",
            "disabled",
            "skipped",
            "time",
            "timestamp",
            "hostname",
            "id",
            "package",
        ],
        &["properties", "testcase", "system-out", "system-err"],
    ),
    (
        "testcase",
        &[
            "name!",
            "classname!",
            "assertions",
            "time",
            "status",
            "timestamp",
        ],
        &[
            "properties",
            "skipped",
            "error",
            "failure",
            "system-out",
            "system-err",
        ],
    ),
    ("properties", &[], &["property"]),
    ("property", &["name!", "value!"], &[]),
    ("skipped", &["type", "message"], &[]),
    ("error", &["type", "message"], &[]),
    ("failure", &["type", "message"], &[]),
    ("system-out", &[], &[]),
    ("system-err", &[], &[]),
];

#[test]
fn junit_keeps_the_rules_of_the_common_schema() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let host = spoiling(lab.address, |octets| octets[3] |= 0x08);
    put(folder.path(), "odd.pcap", recording("31"));
    let mut kinds = Vec::new();
    for line in [
        format!("run {host} --suite bind --suite policy --report junit=a.xml"),
        "run 127.0.0.1:1 --suite bind --timeout 2s --report junit=a.xml".to_owned(),
        "decode --check odd.pcap --report junit=a.xml".to_owned(),
    ] {
        say(folder.path(), &line);
        let text = fs::read_to_string(folder.path().join("a.xml")).unwrap();
        assert!(
            text.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"),
            "{line}"
        );
        check_junit(&line, &text, &mut kinds);
    }
    for kind in ["failure", "error", "skipped", "system-out", "property"] {
        assert!(
            kinds.iter().any(|seen| seen == kind),
            "no {kind} in any of them"
        );
    }
}

/// Checks elements, attributes and counts; adds the names of the elements seen.
fn check_junit(line: &str, text: &str, kinds: &mut Vec<String>) {
    use quick_xml::events::Event;
    let mut reader = quick_xml::Reader::from_str(text);
    let mut path: Vec<String> = Vec::new();
    // Of the suite at hand: what it says, and what it has, of tests, failures, errors and skipped.
    let (mut said, mut seen) = ([0; 4], [0; 4]);
    loop {
        let event = reader.read_event().unwrap();
        let (start, empty) = match &event {
            Event::Start(start) => (start, false),
            Event::Empty(start) => (start, true),
            Event::End(_) => {
                if path.pop().as_deref() == Some("testsuite") {
                    assert_eq!(said, seen, "{line}: counts");
                }
                continue;
            }
            Event::Eof => break,
            _ => continue,
        };
        let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
        let (_, attributes, _) = JUNIT
            .iter()
            .find(|(known, ..)| *known == name)
            .unwrap_or_else(|| panic!("{line}: <{name}>"));
        if let Some(parent) = path.last() {
            let allowed = JUNIT.iter().find(|(known, ..)| known == parent).unwrap().2;
            assert!(
                allowed.contains(&name.as_str()),
                "{line}: <{name}> in <{parent}>"
            );
        }
        let mut there = Vec::new();
        for attribute in start.attributes() {
            let attribute = attribute.unwrap();
            let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
            let value = String::from_utf8(attribute.value.to_vec()).unwrap();
            let known = attributes
                .iter()
                .any(|known| known.trim_end_matches('!') == key);
            assert!(known, "{line}: {key} of <{name}>");
            if ["tests", "failures", "errors", "skipped", "disabled"].contains(&key.as_str()) {
                let count: usize = value.parse().unwrap();
                let place = ["tests", "failures", "errors"]
                    .iter()
                    .position(|one| *one == key);
                if name == "testsuite" {
                    said[place.unwrap_or(3)] = count;
                }
            }
            if key == "time" {
                assert!(
                    value.parse::<f64>().is_ok_and(|time| time >= 0.0),
                    "{line}: {value}"
                );
            }
            there.push(key);
        }
        for needed in attributes
            .iter()
            .filter_map(|known| known.strip_suffix('!'))
        {
            assert!(
                there.iter().any(|key| key == needed),
                "{line}: <{name}> has no {needed}"
            );
        }
        match name.as_str() {
            "testsuite" => seen = [0; 4],
            "testcase" => seen[0] += 1,
            "failure" => seen[1] += 1,
            "error" => seen[2] += 1,
            "skipped" => seen[3] += 1,
            _ => {}
        }
        kinds.push(name.clone());
        if !empty {
            path.push(name);
        }
    }
}

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::{envelope, verify};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::Pdu;

use super::{Group, Test, Value, Verdict, books, files};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors")
}

#[test]
fn the_tracked_files_are_what_the_command_makes() {
    for file in files() {
        let tracked = fs::read_to_string(folder().join(file.name)).unwrap_or_default();
        assert!(
            tracked == file.text,
            "{} differs: run `kmspec vectors --output conformance/vectors`",
            file.name
        );
    }
    let tracked = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "check.py" && name != "__pycache__")
        .collect::<BTreeSet<_>>();
    let made = files().iter().map(|file| file.name.to_owned()).collect();
    assert_eq!(tracked, made);
}

#[test]
fn every_flag_is_explained_and_every_explanation_is_of_a_flag() {
    for book in books() {
        let explained = book.notes.iter().map(|(flag, _)| *flag).collect();
        let tests = book.groups.iter().flat_map(|group| &group.tests);
        let used: BTreeSet<_> = tests.flat_map(|test| test.flags.clone()).collect();
        assert_eq!(used, explained, "{}", book.name);
    }
}

#[test]
fn every_group_has_tests_that_pass_and_tests_that_fail_and_none_twice() {
    for book in books() {
        for group in &book.groups {
            let of = |result| group.tests.iter().any(|test| test.result == result);
            assert!(of(Verdict::Valid), "{} {:?}", book.name, group.shared);
            let bare = format!("{:?}", group.shared).contains("orphaned");
            assert!(
                bare || of(Verdict::Invalid),
                "{} {:?}",
                book.name,
                group.shared
            );
            let mut seen = BTreeSet::new();
            for test in &group.tests {
                let data = format!("{:?}", test.data);
                assert!(seen.insert(data), "{}: {} twice", book.name, test.comment);
            }
        }
    }
}

#[test]
fn requests_break_the_rules_they_name() {
    let keys = KeySet::lab();
    for (_, test) in tests("kms_request.json") {
        let opened = envelope::open_request(&keys, &octets(&test, "message"));
        let broken: Vec<String> = match &opened {
            Ok(opened) => verify::request(opened)
                .iter()
                .map(|broken| broken.rule.to_owned())
                .collect(),
            Err(error) => size_or_noise(error.is_size()),
        };
        agrees(&test, &broken);
        if let (Ok(opened), Some(body)) = (opened, get(&test, "body")) {
            assert_eq!(
                &Value::from(&opened.body.to_bytes()[..]),
                body,
                "{}",
                test.comment
            );
        }
    }
}

#[test]
fn responses_break_the_rules_they_name() {
    let keys = KeySet::lab();
    for (group, test) in tests("kms_response.json") {
        let (_, request) = group
            .shared
            .0
            .iter()
            .find(|(name, _)| *name == "request")
            .unwrap();
        let request = envelope::open_request(&keys, &unhex(request)).unwrap();
        let (message, mut scratch) = (octets(&test, "message"), Vec::new());
        let broken = match envelope::open_response(&keys, &message, &mut scratch) {
            Ok(opened) => verify::response(&request, &opened)
                .iter()
                .map(|broken| broken.rule.to_owned())
                .collect(),
            Err(error) => size_or_noise(
                !get_flags(&test, &["WrongKey", "UntweakedSchedule"]) || error.is_size(),
            ),
        };
        agrees(&test, &broken);
    }
}

fn size_or_noise(size: bool) -> Vec<String> {
    vec![if size { "message.size" } else { "noise" }.to_owned()]
}

fn get_flags(test: &Test, flags: &[&str]) -> bool {
    test.flags.iter().any(|flag| flags.contains(flag))
}

/// The rules broken are those named; where noise was opened, any.
fn agrees(test: &Test, broken: &[String]) {
    let Some(Value::List(named)) = get(test, "rules") else {
        panic!("{} names no rules", test.comment)
    };
    let got: BTreeSet<_> = broken
        .iter()
        .map(|rule| format!("{:?}", Value::from(rule.as_str())))
        .collect();
    let named: BTreeSet<_> = named.iter().map(|rule| format!("{rule:?}")).collect();
    if get_flags(test, &["WrongKey", "UntweakedSchedule"]) {
        assert!(!got.is_empty(), "{}", test.comment);
    } else {
        assert_eq!(got, named, "{}", test.comment);
        assert_eq!(
            got.is_empty(),
            test.result == Verdict::Valid,
            "{}",
            test.comment
        );
    }
}

#[test]
fn stubs_decode_unless_they_are_invalid() {
    for (group, test) in tests("ndr_stubs.json") {
        let stub = octets(&test, "stub");
        let syntax = TransferSyntax::ALL
            .into_iter()
            .find(|syntax| format!("{:?}", group.shared).contains(syntax.name()))
            .unwrap();
        let accepted = if group.kind == "RequestStubTest" {
            RequestStub::decode(syntax, ByteOrder::Little, &stub).is_ok()
        } else {
            ResponseStub::decode(syntax, ByteOrder::Little, &stub).is_ok_and(|stub| {
                let null = stub.returned.is_none();
                null == (stub.return_value != 0) && !(null && stub.response_size != 0)
            })
        };
        assert_eq!(
            accepted,
            test.result != Verdict::Invalid,
            "{} {:?}",
            test.comment,
            group.shared
        );
    }
}

#[test]
fn pdus_decode_unless_they_are_invalid() {
    for (group, test) in tests("rpc_pdus.json") {
        let pdu = octets(&test, "pdu");
        let accepted = Pdu::decode(&pdu).is_ok_and(|pdu| pdu.header.rpc_vers == 5);
        assert_eq!(
            accepted,
            test.result != Verdict::Invalid,
            "{} {:?}",
            test.comment,
            group.shared
        );
    }
}

/// The second implementation: a script that shares nothing with this one.
#[test]
fn a_second_implementation_agrees() {
    let script = folder().join("check.py");
    let Ok(output) = Command::new("python3")
        .arg("-B")
        .arg(&script)
        .arg(folder())
        .output()
    else {
        writeln!(io::stderr(), "skipped: needs python3").unwrap();
        return;
    };
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    let tests: usize = files()
        .iter()
        .flat_map(|file| &file.groups)
        .map(|(_, tests)| tests)
        .sum();
    assert!(out.contains(&format!("{tests} tests agree")), "{out}");
}

#[test]
fn the_second_implementation_notices_a_changed_result() {
    let temporary = std::env::temp_dir().join(format!("kmspec-vectors-{}", std::process::id()));
    fs::create_dir_all(&temporary).unwrap();
    for file in files() {
        let text = file
            .text
            .replacen("\"result\": \"valid\"", "\"result\": \"invalid\"", 1);
        fs::write(temporary.join(file.name), text).unwrap();
    }
    let output = Command::new("python3")
        .arg("-B")
        .arg(folder().join("check.py"))
        .arg(&temporary)
        .output();
    fs::remove_dir_all(&temporary).unwrap();
    let Ok(output) = output else {
        writeln!(io::stderr(), "skipped: needs python3").unwrap();
        return;
    };
    assert_eq!(output.status.code(), Some(1));
    let out = String::from_utf8_lossy(&output.stdout);
    for book in books() {
        assert!(
            out.contains(&format!("{} 1:", book.name)),
            "{}: {out}",
            book.name
        );
    }
}

/// All tests of a file, each with its group.
fn tests(name: &str) -> Vec<(Group, Test)> {
    let book = books().into_iter().find(|book| book.name == name).unwrap();
    let groups = book.groups.into_iter();
    groups
        .flat_map(|group| {
            let tests = group.tests.clone();
            tests.into_iter().map(move |test| (group.clone(), test))
        })
        .collect()
}

fn get<'a>(test: &'a Test, name: &str) -> Option<&'a Value> {
    let found = test.data.0.iter().find(|(field, _)| *field == name);
    found.map(|(_, value)| value)
}

fn octets(test: &Test, name: &str) -> Vec<u8> {
    unhex(get(test, name).unwrap())
}

fn unhex(value: &Value) -> Vec<u8> {
    let Value::Text(text) = value else {
        panic!("{value:?} is no text")
    };
    let pairs = text.as_bytes().chunks(2);
    pairs
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

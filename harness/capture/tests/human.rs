//! What people read of a capture.

use std::fmt::Write;

use kmspec_capture::tcp::Limits;
use kmspec_capture::view::{HEADER, Item, Lines, decode};
use kmspec_wire::keys::{KeyMaterial, KeySet};

fn shown(file: &str, bytes: &[u8], keys: Option<&KeySet>) -> String {
    let mut text = format!("{HEADER}\n");
    let outcome = decode(file, bytes, Limits::default(), keys, |item| match item {
        Item::Exchange(exchange) => writeln!(text, "{exchange}").unwrap(),
        Item::Notice(notice) => writeln!(text, "note: {notice}").unwrap(),
    });
    if let Some(damage) = outcome.damage {
        writeln!(text, "{file}: {damage}").unwrap();
    }
    write!(text, "{}", outcome.summary).unwrap();
    text
}

fn capture(number: &str) -> kmspec_captures::Capture {
    let all = kmspec_captures::all();
    *all.iter()
        .find(|capture| capture.file.starts_with(number))
        .unwrap()
}

#[test]
fn people_read_a_line_an_exchange_and_a_summary() {
    let keys = KeySet::lab();
    for number in ["04", "12", "19", "28", "31", "34"] {
        let capture = capture(number);
        insta::assert_snapshot!(number, shown(capture.file, capture.bytes, Some(&keys)));
    }
}

#[test]
fn structure_alone_needs_no_keys() {
    let capture = capture("04");
    insta::assert_snapshot!(shown(capture.file, capture.bytes, None));
}

/// What a line shares with the one before it is not made again: opened or not, whatever comes after whatever.
#[test]
fn a_line_does_not_hang_on_those_before_it() {
    let lab = KeySet::lab();
    let mut lines = Lines::default();
    for capture in kmspec_captures::all() {
        for keys in [None, Some(&lab)] {
            decode(
                capture.file,
                capture.bytes,
                Limits::default(),
                keys,
                |item| {
                    let Item::Exchange(exchange) = item else {
                        return;
                    };
                    let mut line = String::new();
                    lines.write(&exchange, &mut line);
                    assert_eq!(line, exchange.to_string());
                },
            );
        }
    }
}

#[test]
fn programs_read_an_object_an_exchange() {
    let mut lines = String::new();
    let capture = capture("31");
    let keys = KeySet::lab();
    decode(
        capture.file,
        capture.bytes,
        Limits::default(),
        Some(&keys),
        |item| {
            if let Item::Exchange(exchange) = item {
                lines.push_str(&serde_json::to_string(&exchange).unwrap());
                lines.push('\n');
            }
        },
    );
    insta::assert_snapshot!(lines);
}

#[test]
fn wrong_keys_open_nothing_and_show_no_garbage() {
    let mut material = KeyMaterial::lab();
    material.v4_mac_key = [1; 20].into();
    material.v5_aes_key = [2; 16].into();
    material.v6_aes_key = [3; 16].into();
    let keys = KeySet::new(&material);
    for capture in kmspec_captures::all() {
        decode(
            capture.file,
            capture.bytes,
            Limits::default(),
            Some(&keys),
            |item| {
                let Item::Exchange(exchange) = item else {
                    return;
                };
                assert_eq!(exchange.verified, Some(false), "{exchange}");
                // Version 4 is not encrypted: its fields can be read, only its MACs are wrong.
                let plain = exchange.request.as_ref().is_some_and(|request| {
                    request.version.starts_with('4') || request.version.starts_with('3')
                });
                if !plain {
                    assert!(exchange.request.is_none(), "{exchange}");
                    assert!(exchange.response.is_none(), "{exchange}");
                    assert!(exchange.to_string().contains(", cannot "), "{exchange}");
                }
            },
        );
    }
    let capture = capture("03");
    let text = shown(capture.file, capture.bytes, Some(&keys));
    assert_eq!(
        text.matches(", cannot open v6 request: padding").count(),
        8,
        "{text}"
    );
}

#[test]
fn a_capture_without_kms_says_so() {
    let header = [
        0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
    ];
    insta::assert_snapshot!(shown("none.pcap", &header, None));
}

#[test]
fn a_damaged_capture_names_the_byte_and_keeps_what_was_before() {
    let capture = capture("04");
    let keys = KeySet::lab();
    let text = shown(
        capture.file,
        &capture.bytes[..capture.bytes.len() / 2],
        Some(&keys),
    );
    insta::assert_snapshot!(text);
}

#[test]
fn a_terminal_never_obeys_the_name_of_a_workstation() {
    let capture = capture("03");
    let keys = KeySet::lab();
    decode(
        capture.file,
        capture.bytes,
        Limits::default(),
        Some(&keys),
        |item| {
            if let Item::Exchange(mut exchange) = item {
                let request = exchange.request.as_mut().unwrap();
                request.workstation = "\u{1b}[2J\r\n".to_owned();
                let line = exchange.to_string();
                assert!(
                    line.contains(r"\u{1b}[2J\r\n") && !line.contains(char::is_control),
                    "{line}"
                );
            }
        },
    );
}

//! What `decode` prints.

use std::io::{Read, Write};
use std::process::Stdio;

use crate::kit::{folder, kmspec, put, recording, say};

#[test]
fn what_comes_before_the_damage_is_printed() {
    let folder = folder();
    let whole = recording("04");
    put(folder.path(), "half.pcap", &whole[..whole.len() / 2]);
    let said = say(folder.path(), "decode half.pcap --format json");
    assert_eq!(said.code, Some(2));
    assert_eq!(said.stdout.lines().count(), 7, "{}", said.stdout);
    let expected =
        "kmspec: half.pcap: byte 14758: the file ends inside a packet: 16 bytes are left of it";
    assert_eq!(said.complaints(), [expected]);
}

#[test]
fn every_line_for_programs_is_an_object_with_the_name_of_the_file() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("01"));
    put(folder.path(), "b.pcap", recording("03"));
    let said = say(folder.path(), "decode a.pcap b.pcap --format json");
    let files: Vec<String> = said
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|exchange| exchange["file"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(files, [["a.pcap"; 8], ["b.pcap"; 8]].concat());
}

#[test]
fn people_read_a_table_a_file() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("31"));
    put(folder.path(), "b.pcap", recording("28"));
    insta::assert_snapshot!(
        "decode-tables",
        say(folder.path(), "decode a.pcap b.pcap").stdout
    );
}

#[test]
fn a_summary_is_the_end_of_a_table() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("31"));
    let whole = say(folder.path(), "decode a.pcap --structure");
    let summary = say(folder.path(), "decode a.pcap --summary");
    assert_eq!(summary.code, whole.code);
    let notes = |line: &&str| line.starts_with("note: ");
    let expected: Vec<&str> = whole.stdout.lines().filter(notes).collect();
    let totals = whole
        .stdout
        .lines()
        .skip_while(|line| !line.contains(" packets in "));
    let expected = [expected, totals.collect()].concat();
    assert_eq!(summary.stdout.lines().collect::<Vec<_>>(), expected);
    let both = say(folder.path(), "decode a.pcap --summary --keys keys.toml");
    assert_eq!(both.code, Some(2));
}

#[test]
fn wrong_keys_show_no_garbage() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("03"));
    put(folder.path(), "keys.toml", crate::kit::OTHER_KEYS);
    let said = say(folder.path(), "decode a.pcap --keys keys.toml");
    assert_eq!(said.code, Some(2));
    assert_eq!(
        said.stdout
            .matches("cannot open v6 request: padding")
            .count(),
        8
    );
    assert!(!said.stdout.contains('\u{fffd}'));
}

#[test]
fn standard_input_is_a_capture_too() {
    let folder = folder();
    let mut child = kmspec(folder.path())
        .args(["decode", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(recording("01"))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert_eq!(stdout.lines().count(), 8);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let folder = folder();
    let mut child = kmspec(folder.path())
        .args(["decode", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // A capture without end: the decoder has to stop of its own accord.
    let mut stdin = child.stdin.take().unwrap();
    let (header, packets) = recording("01").split_at(24);
    let mut written = stdin.write_all(header);
    for number in 0_u16.. {
        if written.is_err() {
            break;
        }
        written = stdin.write_all(&from_port(packets, number));
    }
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert!(!stderr.contains("kmspec: "), "{stderr}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_a_failure() {
    let folder = folder();
    put(folder.path(), "a.pcap", recording("01"));
    let full = std::fs::File::create("/dev/full").unwrap();
    let output = kmspec(folder.path())
        .args(["decode", "a.pcap"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let expected = "kmspec: cannot write to standard output: No space left on device";
    assert!(stderr.starts_with(expected), "{stderr}");
}

/// The packets of recording 01 with another port of the client: another connection.
fn from_port(packets: &[u8], port: u16) -> Vec<u8> {
    let mut packets = packets.to_vec();
    let recorded = 57_282_u16.to_be_bytes();
    for at in 0..packets.len() - 1 {
        if packets[at..at + 2] == recorded {
            packets[at..at + 2].copy_from_slice(&port.to_be_bytes());
        }
    }
    packets
}

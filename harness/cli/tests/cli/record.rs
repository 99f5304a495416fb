//! `record`.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::kit::{Lab, Refusing, folder, kmspec, put, say, signal_to};

#[test]
fn a_recorded_run_decodes_and_holds() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "");
    let to = lab.address.to_string();
    let mut child = kmspec(folder.path())
        .args(["record", "--listen", "0", "--to", &to, "-o", "a.pcapng"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().strip_prefix("listening on ").unwrap();
    let run = say(folder.path(), &format!("run {address} --suite crypto"));
    assert_eq!(run.code, Some(0), "{run:?}");
    signal_to(&child, "INT");
    let mut stderr = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut stderr)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0), "{stderr}");
    assert!(stderr.starts_with("connection "), "{stderr}");
    let decoded = say(folder.path(), "decode a.pcapng --format json");
    assert!(decoded.stdout.lines().count() > 10, "{decoded:?}");
    let checked = say(folder.path(), "decode --check --role host a.pcapng");
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
}

#[test]
fn what_cannot_be_recorded_is_told_and_leaves_no_file() {
    let folder = folder();
    put(folder.path(), "there.pcapng", "precious");
    let refusing = Refusing::new();
    let taken = refusing.address;
    for (line, expected) in [
        (
            "--listen 0 --to 127.0.0.1:1 -o there.pcapng".to_owned(),
            "there.pcapng: there is such a file; give --force to overwrite it",
        ),
        (
            "--listen 0 --to 192.0.2.1:1688 -o a.pcapng".to_owned(),
            "--to 192.0.2.1:1688: 192.0.2.1:1688 is not on loopback; give --allow-remote if it is yours to use",
        ),
        (
            "--listen 0 --to 127.0.0.1 -o a.pcapng".to_owned(),
            "--to 127.0.0.1: invalid socket address; it is HOST:PORT",
        ),
        (
            format!("--listen {taken} --to 127.0.0.1:1 -o a.pcapng"),
            "cannot listen on 127.0.0.1:",
        ),
        (
            "--listen 0 --to 127.0.0.1:1 -o no/a.pcapng".to_owned(),
            "no/a.pcapng: cannot write it: ",
        ),
        (
            "--listen here --to 127.0.0.1:1 -o a.pcapng".to_owned(),
            "invalid value 'here' for '--listen <ADDR>': an address to listen on is IP:PORT",
        ),
    ] {
        let said = say(folder.path(), &format!("record {line}"));
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        let complaint = said.complaints().concat();
        let complaint = complaint.strip_prefix("kmspec: ").unwrap();
        assert!(complaint.starts_with(expected), "{line}: {complaint}");
    }
    assert!(!folder.path().join("a.pcapng").exists());
    let there = std::fs::read_to_string(folder.path().join("there.pcapng"));
    assert_eq!(there.unwrap(), "precious");
}

#[test]
fn a_recording_of_nothing_is_no_success() {
    let folder = folder();
    let line = "record --listen 0 --to 127.0.0.1:1 -o a.pcapng --duration 10ms";
    let said = say(folder.path(), line);
    assert_eq!(said.code, Some(2));
    assert_eq!(
        said.complaints(),
        ["kmspec: a.pcapng: nothing was recorded: no connection came"]
    );
}

//! What `lab serve` does.

use std::fs;
use std::net::TcpStream;

use crate::kit::{Lab, folder, say};

#[test]
fn it_ends_in_order_when_it_is_asked_to() {
    let folder = folder();
    for signal in ["INT", "TERM"] {
        let lab = Lab::serve(folder.path(), "");
        let address = lab.address;
        assert!(address.ip().is_loopback());
        let idle = TcpStream::connect(address).unwrap();
        let said = lab.end(signal);
        assert_eq!(said.code, Some(0), "{signal}: {said:?}");
        assert_eq!(said.complaints(), [""; 0]);
        assert!(TcpStream::connect(address).is_err());
        drop(idle);
    }
}

#[test]
fn its_state_is_there_from_the_start_and_one_that_was_there_is_left_alone() {
    let folder = folder();
    let state = folder.path().join("lab.state");
    let lab = Lab::serve(folder.path(), "--state lab.state");
    let written = fs::read(&state).unwrap();
    drop(lab);
    let shown = say(folder.path(), "lab slmgr --state lab.state --lang en -dli");
    assert!(
        shown.stdout.contains("Key Management Service is disabled"),
        "{shown:?}"
    );
    // It is that of a host with another port by now, and is not written for that.
    let before = fs::metadata(&state).unwrap().modified().unwrap();
    let lab = Lab::serve(folder.path(), "--state lab.state");
    assert_eq!(fs::read(&state).unwrap(), written);
    assert_eq!(fs::metadata(&state).unwrap().modified().unwrap(), before);
    // A host that cannot listen leaves nothing behind.
    let line = format!(
        "lab serve --port {} --state other.state",
        lab.address.port()
    );
    let said = say(folder.path(), &line);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(!folder.path().join("other.state").exists());
}

#[test]
fn it_says_what_it_was_told_to_say() {
    let folder = folder();
    let epid = "99999-00206-563-535837-03-1056-9200.0000-0732024";
    let options = format!(
        "--epid {epid} --hwid 0123456789ABCDEF --activation-interval 15 --renewal-interval 43200 --start-count 24"
    );
    let lab = Lab::serve(folder.path(), &options);
    let line = format!(
        "run {} --only policy.count-distinct --transcripts out -v",
        lab.address
    );
    let said = say(folder.path(), &line);
    assert!(said.stdout.contains(&lab.address.to_string()), "{said:?}");
    assert!(!said.stdout.contains("ERROR"), "{said:?}");
}

#[test]
fn it_listens_where_it_is_told_to() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "--listen ::1");
    assert!(lab.address.is_ipv6());
    let said = say(
        folder.path(),
        &format!("run {} --suite crypto", lab.address),
    );
    assert_eq!(said.code, Some(0), "{said:?}");
}

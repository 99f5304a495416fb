//! What `lab serve` does.

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

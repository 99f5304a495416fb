//! What `lab client` does.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use crate::kit::{Lab, folder, say};

/// The lines of a client that was started in a folder, and its exit code.
fn client(folder: &Path, options: &str) -> (Option<i32>, String) {
    let said = say(folder, &format!("lab client --once {options}"));
    (said.code, format!("{}{}", said.stdout, said.stderr))
}

#[test]
fn the_twenty_fifth_machine_activates_and_the_others_at_their_next_try() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "--start-count 22");
    let ask = |number| {
        let options = format!(
            "--edition vista-enterprise --host {} --state pc{number}.state",
            lab.address
        );
        client(folder.path(), &options)
    };
    for number in [1, 2] {
        let (code, said) = ask(number);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with("not activated: 0xC004F038, "), "{said}");
        assert!(
            said.contains(&format!("has counted {} of the 25 machines", 22 + number)),
            "{said}"
        );
        assert!(said.contains("in out-of-box grace until"), "{said}");
    }
    let (code, said) = ask(3);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(": 259200 minutes (180 days)"), "{said}");
    assert_eq!(ask(1).0, Some(0));
    // A copy of the file is a clone: it counts as the machine that is known.
    fs::copy(
        folder.path().join("pc1.state"),
        folder.path().join("pc4.state"),
    )
    .unwrap();
    let (code, said) = ask(4);
    assert_eq!(code, Some(0));
    assert!(said.contains("has counted 25 machines"), "{said}");
}

#[test]
fn bad_input_gets_one_line_and_changes_nothing() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "--start-count 25");
    let made = client(
        folder.path(),
        &format!(
            "--edition vista-enterprise --host {} --state pc.state",
            lab.address
        ),
    );
    assert_eq!(made.0, Some(0), "{}", made.1);
    let state = folder.path().join("pc.state");
    let before = fs::read(&state).unwrap();
    for (options, line) in [
        (
            "--host no-such-host.invalid",
            "--host no-such-host.invalid: the name does not resolve",
        ),
        ("--host 127.0.0.1:0", "\"0\" is no port"),
        ("--host 127.0.0.1:65536", "\"65536\" is no port"),
        (
            "--key MF9PG-RQK7R-26BPJ",
            "a product key is five groups of five",
        ),
        (
            "--key YVT36-YVCP2-J97GQ-7T22R-RWV8P",
            "the key is that of Windows(TM) Vista, Business",
        ),
        ("--key BBBBB-CCCCC-DDDDD-FFFFF-GGGGG", "a MAK is installed"),
        (
            "--edition lab-client-v6",
            "the machine of the state file has vista-enterprise",
        ),
        ("--protocol 7", "the versions are 4, 5 and 6"),
        ("--run", "cannot be used with"),
    ] {
        let (code, said) = client(folder.path(), &format!("--state pc.state {options}"));
        assert_eq!(code, Some(2), "{options}: {said}");
        assert!(
            said.contains(line) && said.trim_end().lines().count() == 1,
            "{options}: {said}"
        );
        assert_eq!(fs::read(&state).unwrap(), before, "{options}");
    }
    fs::write(&state, b"garbage").unwrap();
    let (code, said) = client(folder.path(), "--state pc.state");
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("damaged") && said.trim_end().lines().count() == 1,
        "{said}"
    );
}

#[test]
fn nobody_there_is_told_with_its_code() {
    let folder = folder();
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (code, said) = client(folder.path(), &format!("--host {gone}"));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("not activated: 0xC004F074, no host could be contacted"),
        "{said}"
    );
}

#[test]
fn a_machine_with_another_clock_is_refused_or_falls_back_in_its_licence() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "--start-count 25");
    let options = format!("--host {} --clock 1000000000", lab.address);
    let (code, said) = client(folder.path(), &options);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("0xC004F06C"), "{said}");
    let options = format!("--host {} --state pc.state", lab.address);
    assert_eq!(client(folder.path(), &options).0, Some(0));
    lab.end("TERM");
    for (days, standing) in [
        (181, "in out-of-tolerance grace until"),
        (211, "in notification (reduced functionality)"),
    ] {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs() + days * 86_400;
        let (code, said) = client(folder.path(), &format!("--state pc.state --clock {now}"));
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(standing), "{said}");
    }
}

//! What `lab client` does.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};

use crate::kit::{Lab, folder, kmspec, put, say, signal_to};

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

#[test]
fn a_machine_that_has_nothing_due_asks_nobody() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "--start-count 25");
    let due = |more: &str| {
        let line = format!(
            "lab client --due --host {} --state pc.state {more}",
            lab.address
        );
        let said = say(folder.path(), &line);
        (said.code, said.stdout)
    };
    let (code, said) = due("");
    assert!(
        code == Some(0) && said.starts_with("activated by "),
        "{said}"
    );
    let (code, said) = due("");
    assert!(
        code == Some(0) && said.starts_with("nothing is due until "),
        "{said}"
    );
    // A week later it asks. The host, whose clock was not driven, does not like the time.
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (code, said) = due(&format!("--clock {}", now + 7 * 86_400 + 60));
    assert!(code == Some(1) && said.contains("0xC004F06C"), "{said}");
}

#[test]
fn whatever_connects_is_told_where_to() {
    let folder = folder();
    let line = "run --role client --listen 0 --only rpc.client.bind-first --timeout 300ms --patience 300ms";
    let said = say(folder.path(), line);
    assert_eq!(said.code, Some(2), "{said:?}");
    let port = said
        .stderr
        .strip_prefix("waiting for the client at 127.0.0.1:")
        .and_then(|rest| rest.lines().next()?.parse::<u16>().ok());
    assert!(port.is_some_and(|port| port > 0), "{said:?}");
}

/// A client that runs until it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_client_that_runs_is_administered_over_its_control_connection() {
    let folder = folder();
    let lab = Lab::serve(folder.path(), "--start-count 25");
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = gone.local_addr().unwrap();
    drop(gone);
    let line = format!(
        "lab client --run --edition vista-enterprise --host {nobody} --state pc.state --control 127.0.0.1:0 --token-file token"
    );
    let mut child = kmspec(folder.path())
        .args(line.split(' '))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
    let running = Running(child);
    let mut next = move || printed.next().unwrap().unwrap();
    let control = next().strip_prefix("control on ").unwrap().to_owned();
    assert!(next().starts_with("tried "));
    assert!(next().starts_with("not activated: 0xC004F074"));

    let slmgr = |words: &str| {
        let line = format!("lab slmgr --control {control} --token-file token --lang en {words}");
        say(folder.path(), &line)
    };
    let shown = slmgr("/DLI").stdout;
    assert!(
        shown.contains("Key Management Service client information"),
        "{shown}"
    );
    let said = slmgr("-ato");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("0xC004F074"), "{said:?}");
    assert_eq!(slmgr(&format!("-skms {}", lab.address)).code, Some(0));
    let said = slmgr("/Ato");
    assert_eq!(said.code, Some(0), "{said:?}");
    let shown = slmgr("-dli").stdout;
    assert!(shown.contains("License Status: Licensed"), "{shown}");
    let kept = || fs::read(folder.path().join("pc.state")).unwrap();
    let before = kept();
    // Its file is in use, and one that asks with another token is turned away.
    let busy = say(folder.path(), "lab slmgr --state pc.state -dli");
    assert!(
        busy.code == Some(2) && busy.stderr.contains("tell that one by --control"),
        "{busy:?}"
    );
    put(folder.path(), "wrong", "0".repeat(64));
    fs::set_permissions(folder.path().join("wrong"), owners()).unwrap();
    let wrong = say(
        folder.path(),
        &format!("lab slmgr --control {control} --token-file wrong -rearm"),
    );
    assert_eq!(wrong.code, Some(2), "{wrong:?}");
    assert_eq!(wrong.complaints(), ["kmspec: the control token is wrong"]);
    for (words, why) in [
        ("-sai 60", "-sai is for hosts, and this is a client"),
        ("--not-elevated -ckms", "0x80070005"),
        ("-ipk BAD", "five groups of five"),
    ] {
        let refused = slmgr(words);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.complaints().concat().contains(why), "{refused:?}");
    }
    assert_eq!(kept(), before);
    // What it was told outlives it.
    signal_to(&running.0, "KILL");
    drop(running);
    let shown = say(folder.path(), "lab slmgr --state pc.state --lang en -dli");
    assert!(
        shown.stdout.contains("License Status: Licensed"),
        "{shown:?}"
    );
}

fn owners() -> fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o600)
}

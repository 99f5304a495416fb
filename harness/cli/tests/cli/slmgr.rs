//! What `lab slmgr` does to hosts and clients.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use crate::kit::{Lab, Said, folder, put, say};

const KEY: &str = "LABAA-BBBBB-CCCCC-DDDDD-EEEEE";

fn slmgr(folder: &Path, line: &str) -> Said {
    say(folder, &format!("lab slmgr --lang en {line}"))
}

/// One that must be done; what it prints.
fn done(folder: &Path, line: &str) -> String {
    let said = slmgr(folder, line);
    assert_eq!(said.code, Some(0), "{line}: {said:?}");
    said.stdout
}

#[test]
fn a_host_that_runs_is_installed_activated_and_configured() {
    let folder = folder();
    let folder = folder.path();
    let lab = Lab::serve(
        folder,
        "--state lab.state --control 127.0.0.1:0 --token-file token",
    );
    let there = format!("--control {} --token-file token", lab.control.unwrap());
    let served = |port: u16| {
        say(
            folder,
            &format!("run 127.0.0.1:{port} --only message.echo-cmid"),
        )
    };
    let port = lab.address.port();
    assert_eq!(served(port).code, Some(1), "a bare host serves nobody");
    let said = slmgr(folder, &format!("{there} -ato"));
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (Some(1), "Error: 0xC004F014 No product key is installed.\n")
    );
    done(folder, &format!("{there} /IPK {KEY}"));
    let text = done(folder, &format!("{there} -ato"));
    assert!(
        text.ends_with("Product activated successfully.\n"),
        "{text}"
    );
    assert_eq!(served(port).code, Some(0));

    let free = {
        let taken = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let free = taken.local_addr().unwrap().port();
        done(folder, &format!("{there} -sprt {free}"));
        let said = slmgr(folder, &format!("{there} restart"));
        assert_eq!(
            (said.code, said.complaints().len()),
            (Some(2), 1),
            "{said:?}"
        );
        assert!(
            said.complaints()[0].contains("Address already in use"),
            "{said:?}"
        );
        free
    };
    done(folder, &format!("{there} restart"));
    assert_eq!(served(free).code, Some(0));
    let shown = say(folder, &format!("lab slmgr --lang ja {there} -dli")).stdout;
    assert!(
        shown.contains(&format!("リッスンするポート : {free}")),
        "{shown}"
    );
    assert!(shown.contains("部分プロダクト キー : EEEEE"), "{shown}");

    // What was done is there after the end, without the host.
    let held = slmgr(folder, "--state lab.state -dli");
    assert!(
        held.complaints()[0].contains("in use by a process that runs"),
        "{held:?}"
    );
    lab.end("TERM");
    let text = done(folder, "--state lab.state -dlv");
    assert!(
        text.contains("License Status: Licensed") && text.contains("Installation ID: "),
        "{text}"
    );
    let again = Lab::start(folder, "lab serve --state lab.state");
    assert_eq!(again.address.port(), free);
}

#[test]
fn a_host_is_activated_by_telephone_through_its_state() {
    let folder = folder();
    let folder = folder.path();
    drop(Lab::serve(folder, "--state lab.state").end("TERM"));
    done(folder, &format!("--state lab.state -ipk {KEY}"));
    let text = done(folder, "--state lab.state -dti");
    assert_eq!(done(folder, "--state lab.state slui.exe 4"), text);
    let last = |text: &str| text.trim().rsplit(' ').next().unwrap().to_owned();
    let told = done(
        folder,
        &format!("--state lab.state confirmation {}", last(&text)),
    );
    assert!(told.starts_with("Confirmation ID: "), "{told}");
    let confirmation = last(&told);
    let other = kmspec_slmgr::ConfirmationId::lab(&kmspec_slmgr::InstallationId::lab("another"));
    let said = slmgr(folder, &format!("--state lab.state -atp {other}"));
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (
            Some(1),
            "Error: 0xC004F04D The confirmation ID is invalid.\n"
        )
    );
    done(folder, &format!("--state lab.state slui 4 {confirmation}"));
    assert!(done(folder, "--state lab.state -dli").contains("License Status: Licensed"));
}

/// Command lines that cannot be done, and what is said of each.
fn mistakes(there: &str, lab: &Lab, control: SocketAddr) -> Vec<(String, &'static str)> {
    vec![
        (
            format!("{there} -sprt 0"),
            "-sprt: \"0\" is no port: ports are 1 to 65535",
        ),
        (
            format!("{there} -sprt 65536"),
            "-sprt: \"65536\" is no port: ports are 1 to 65535",
        ),
        (
            format!("{there} -ipk LAB-1"),
            "-ipk: a product key is five groups of five letters or digits",
        ),
        (
            format!("{there} -sai 14"),
            "-sai: \"14\" is no interval: intervals are 15 to 43200 minutes",
        ),
        (
            format!("{there} -sri 43201"),
            "-sri: \"43201\" is no interval",
        ),
        (format!("{there} -xyz"), "there is no verb \"-xyz\""),
        (format!("{there} -dli all"), "-dli does not take \"all\""),
        (there.to_owned(), "a verb is missing"),
        (
            format!("{there} -skms kms03"),
            "-skms is for clients, and this is a host",
        ),
        (
            format!("--not-elevated {there} -sai 60"),
            "Error: 0x80070005 Access denied",
        ),
        (
            format!("--control {control} --token-file wrong -dli"),
            "the control token is wrong",
        ),
        (
            format!("--control {control} --token-file short -dli"),
            "short: this is no control token",
        ),
        (
            format!("--control {control} --token-file open -dli"),
            "open: others can read this control token",
        ),
        (
            format!("--control {} --token-file token -dli", lab.address),
            " is no lab of this version",
        ),
        (
            "--control 127.0.0.1:1 --token-file token -dli".to_owned(),
            "cannot ask the lab at 127.0.0.1:1: ",
        ),
    ]
}

/// What is shown, without the line that tells how many minutes are left.
fn timeless(shown: &str) -> String {
    let lines = shown.lines();
    let lasting = lines.filter(|line| !line.starts_with("Volume activation expiration"));
    lasting.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_cannot_be_done_is_one_line_and_changes_nothing() {
    let folder = folder();
    let folder = folder.path();
    let lab = Lab::serve(
        folder,
        "--state lab.state --control 127.0.0.1:0 --token-file token",
    );
    let control = lab.control.unwrap();
    let there = format!("--control {control} --token-file token");
    done(folder, &format!("{there} -ipk {KEY}"));
    let before = (
        timeless(&done(folder, &format!("{there} -dlv"))),
        fs::read(folder.join("lab.state")).unwrap(),
    );
    let wrong = put(folder, "wrong", format!("{:064x}\n", 7));
    put(folder, "short", "7");
    for file in [&wrong, &folder.join("short")] {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
    }
    put(folder, "open", format!("{:064x}\n", 7));
    for (line, says) in mistakes(&there, &lab, control) {
        let said = slmgr(folder, &line);
        let complaints = said.complaints();
        assert_eq!(
            (said.code, complaints.len()),
            (Some(2), 1),
            "{line}: {said:?}"
        );
        assert!(complaints[0].contains(says), "{line}: {complaints:?}");
    }
    let after = (
        timeless(&done(folder, &format!("{there} -dlv"))),
        fs::read(folder.join("lab.state")).unwrap(),
    );
    assert_eq!(after, before);
    let usage = slmgr(folder, &format!("{there} -xyz")).stdout;
    assert!(usage.starts_with("Usage: slmgr VERB"), "{usage}");
}

#[test]
fn a_damaged_state_is_told_of_and_set_aside() {
    let folder = folder();
    let folder = folder.path();
    for command in [
        "lab slmgr --state lab.state -dli",
        "lab serve --port 0 --state lab.state",
    ] {
        put(folder, "lab.state", "nonsense");
        let said = say(folder, command);
        assert_eq!(
            (said.code, said.complaints().len()),
            (Some(2), 1),
            "{said:?}"
        );
        assert!(
            said.complaints()[0].contains(
                "damaged (it breaks off in its first line); set aside as lab.state.damaged"
            ),
            "{said:?}"
        );
        assert!(!folder.join("lab.state").exists());
    }
    assert_eq!(
        fs::read_to_string(folder.join("lab.state.damaged")).unwrap(),
        "nonsense"
    );
    assert_eq!(
        fs::read_to_string(folder.join("lab.state.damaged-2")).unwrap(),
        "nonsense"
    );
}

#[test]
fn a_client_is_converted_registered_activated_and_rearmed() {
    let folder = folder();
    let folder = folder.path();
    let lab = Lab::serve(folder, "--start-count 23");
    let address = lab.address;
    say(
        folder,
        &format!("lab client --once --state pc.state --edition vista-enterprise --host {address}"),
    );
    let it = |line: &str| slmgr(folder, &format!("--state pc.state {line}"));
    // A MAK, which the setup key of the document replaces.
    assert_eq!(it("-ipk AAAAA-BBBBB-CCCCC-DDDDD-EEEEE").code, Some(0));
    let said = it("-ipk MF9PG-RQK7R-26BPJ-TWFYK-RHXCM");
    assert!(
        said.stdout
            .ends_with("Removed the multiple activation key.\n"),
        "{said:?}"
    );
    assert_eq!(it(&format!("-skms {address}")).code, Some(0));
    // 23 machines and this one: one is missing.
    let said = it("-ato");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("Error: 0xC004F038 "), "{said:?}");
    say(
        folder,
        &format!(
            "lab client --once --state other.state --edition vista-enterprise --host {address}"
        ),
    );
    let said = it("-ato");
    assert_eq!(
        (said.code, said.stdout.lines().last()),
        (Some(0), Some("Product activated successfully.")),
        "{said:?}"
    );
    let shown = it("-dli").stdout;
    let read = kmspec_slmgr::Report::read(&shown).unwrap().report;
    let client = read.client().unwrap().clone();
    assert_eq!(
        client.registered.as_ref().map(ToString::to_string),
        Some(address.to_string())
    );
    assert_eq!(read.licenses[0].partial_key.unwrap().to_string(), "RHXCM");
    assert!(read.licenses[0].expiry.unwrap().agrees());
    let all = it("/DLV All").stdout;
    let all = kmspec_slmgr::Report::read(&all).unwrap().report;
    let usable = all
        .licenses
        .iter()
        .filter(|license| license.partial_key.is_some());
    assert!(all.licenses.len() > 4 && usable.count() == 1, "{all:?}");
    let pid = all.licenses[0].extended_pid.unwrap();
    assert_eq!(pid.platform_id, 99_999, "of the lab");
    assert_eq!(it("-ckms").code, Some(0));
    assert_eq!(it("-rearm").code, Some(0));
    let rearmed = kmspec_slmgr::Report::read(&it("-dli").stdout)
        .unwrap()
        .report;
    assert_ne!(rearmed.client().unwrap().cmid, client.cmid);
    assert_eq!(rearmed.client().unwrap().registered, None);
    assert_eq!(
        rearmed.licenses[0].partial_key, read.licenses[0].partial_key,
        "the key stays"
    );
    let said = it("-sai 60");
    assert!(
        said.complaints()[0].contains("-sai is for hosts, and this is a client"),
        "{said:?}"
    );
}

#[test]
fn what_a_client_needs_is_switched_off_and_on() {
    let folder = folder();
    let folder = folder.path();
    let lab = Lab::serve(folder, "--start-count 25");
    let host = lab.address;
    let once = || {
        say(
            folder,
            &format!("lab client --once --state pc.state --host {host}"),
        )
    };
    assert_eq!(once().code, Some(0));
    let kept = || fs::read(folder.join("pc.state")).unwrap();
    let one_line = |said: &Said, says: &str| {
        assert_eq!(
            (said.code, said.complaints().len()),
            (Some(2), 1),
            "{said:?}"
        );
        assert!(said.complaints()[0].contains(says), "{said:?}");
    };
    for (state, code) in [("stopped", "0x80070426"), ("Disabled", "0x80070422")] {
        done(folder, &format!("--state pc.state service {state}"));
        let before = kept();
        for verb in ["-ato", "/SKMS kms01", "-dli", "-rearm"] {
            let said = slmgr(folder, &format!("--state pc.state {verb}"));
            one_line(&said, &format!("Error: {code} The licensing service "));
        }
        one_line(&once(), &format!("{code}, the licensing service is "));
        let said = say(folder, "lab slmgr --lang ja --state pc.state -ato");
        one_line(&said, &format!("エラー: {code} ライセンス サービスが"));
        assert_eq!(kept(), before);
    }
    done(folder, "--state pc.state service running");
    assert_eq!(once().code, Some(0));

    let standard = |line: &str| slmgr(folder, &format!("--not-elevated --state pc.state {line}"));
    one_line(&standard("-ato"), "0x80070005");
    done(folder, "--state pc.state standard-user on");
    assert_eq!(standard("-ato").code, Some(0));
    one_line(&standard("standard-user off"), "0x80070005");
    done(folder, "--state pc.state standard-user off");
    one_line(&standard("-ckms"), "0x80070005");
}

#[test]
fn a_target_file_drives_a_host_through_its_control_verbs() {
    let folder = folder();
    let folder = folder.path();
    let lab = Lab::serve(folder, "--control 127.0.0.1:0 --token-file token");
    let program = env!("CARGO_BIN_EXE_kmspec");
    let there = format!(
        "\"{program}\", \"lab\", \"slmgr\", \"--lang\", \"ja\", \"--control\", \"{}\", \"--token-file\", \"token\"",
        lab.control.unwrap()
    );
    let mut file = format!("[target]\naddress = \"{}\"\n[control]\n", lab.address);
    for verb in ["cdns", "sdns", "cpri", "spri", "dli"] {
        writeln!(file, "{verb} = [{there}, \"-{verb}\"]").unwrap();
    }
    for verb in ["sai", "sri", "sprt", "dlv"] {
        writeln!(file, "{verb} = [{there}, \"-{verb}\", \"{{value}}\"]").unwrap();
    }
    writeln!(file, "restart = [{there}, \"restart\"]").unwrap();
    put(folder, "host.toml", file);
    let said = say(
        folder,
        "run host.toml --suite deployment -v --report json=run.json",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("run.json")).unwrap()).unwrap();
    let rows = report["results"].as_array().unwrap();
    let verdicts = |id: &str| {
        let of = rows
            .iter()
            .filter(|row| row["id"].as_str().unwrap().starts_with(id));
        of.map(|row| {
            (
                row["verdict"].as_str().unwrap(),
                row["reason"].as_str().unwrap_or_default(),
            )
        })
        .collect::<Vec<_>>()
    };
    for id in [
        "deployment.port",
        "deployment.dns",
        "deployment.priority",
        "deployment.activation-interval",
        "deployment.renewal-interval",
        "deployment.support",
    ] {
        let found = verdicts(id);
        assert!(
            !found.is_empty() && found.iter().all(|(verdict, _)| *verdict == "pass"),
            "{id}: {found:?}"
        );
    }
    assert_eq!(
        verdicts("deployment.host-configure/elevation"),
        [("skip", "needs control verb unelevated")]
    );
    assert_eq!(
        verdicts("deployment.host-install/online"),
        [(
            "skip",
            "needs a target that starts anew: control verb reset or start"
        )]
    );
}

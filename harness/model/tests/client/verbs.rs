//! The verbs of the licence manager on a client.

use kmspec_model::client::{Client, Done, NotAsking, OtherEdition, Refusal};
use kmspec_slmgr::{Command, Language, Report, Service};
use kmspec_wire::kms::{HResult, LicenseStatus};

use crate::kit::{NOW, client, minutes};

fn command(line: &str) -> Command {
    let words: Vec<&str> = line.split_whitespace().collect();
    Command::parse(&words).unwrap()
}

fn does(client: &mut Client, line: &str) -> Result<Done, Refusal> {
    client.administer(NOW, true, &command(line), Language::English)
}

/// What a verb says, line by line.
fn said(client: &mut Client, line: &str) -> Vec<String> {
    match does(client, line) {
        Ok(Done::Said(notices)) => notices
            .iter()
            .map(|notice| notice.text(Language::English))
            .collect(),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_setup_key_tells_of_the_mak_that_it_removes() {
    let mut client = client("vista-enterprise", 1);
    let mak = said(&mut client, "-ipk BBBBB-CCCCC-DDDDD-FFFFF-GGGGG");
    assert_eq!(mak.len(), 1, "{mak:?}");
    let setup = said(&mut client, "-ipk MF9PG-RQK7R-26BPJ-TWFYK-RHXCM");
    assert_eq!(setup[1], "Removed the multiple activation key.");
    let again = said(&mut client, "-ipk MF9PG-RQK7R-26BPJ-TWFYK-RHXCM");
    assert_eq!(again.len(), 1, "there is none left: {again:?}");
}

#[test]
fn what_is_refused_changes_nothing_and_has_its_code() {
    let mut client = client("vista-enterprise", 1);
    for _ in 0..3 {
        said(&mut client, "-rearm");
    }
    client.start(NOW);
    let before = client.state().clone();
    for (line, elevated, code) in [
        ("-skms kms.corp.test", false, Some(0x8007_0005)),
        ("-ckms", false, Some(0x8007_0005)),
        ("-ato", false, Some(0x8007_0005)),
        ("-sai 60", true, None),
        ("-dti", true, None),
        ("restart", true, None),
        (
            "-ipk YVT36-YVCP2-J97GQ-7T22R-RWV8P",
            true,
            Some(OtherEdition::HRESULT.0),
        ),
        ("-rearm", true, Some(HResult::REARMS_EXHAUSTED.0)),
    ] {
        let refusal = client.administer(NOW, elevated, &command(line), Language::English);
        let refusal = refusal.expect_err(line);
        assert_eq!(
            refusal.hresult().map(|code| code.0),
            code,
            "{line}: {refusal}"
        );
        assert_eq!(client.state(), &before, "{line}");
    }
}

/// What the script does on a client, a line each.
const SCRIPT: [&str; 7] = [
    "-ipk MF9PG-RQK7R-26BPJ-TWFYK-RHXCM",
    "-ato",
    "-skms kms.corp.test",
    "-ckms",
    "-dli",
    "-dlv all",
    "-rearm",
];

#[test]
fn a_service_that_does_not_run_does_nothing_while_time_goes_on() {
    for (state, service, code) in [
        ("stopped", Service::Stopped, 0x8007_0426),
        ("disabled", Service::Disabled, 0x8007_0422),
    ] {
        let mut client = client("vista-enterprise", 1);
        assert!(client.due().is_some());
        said(&mut client, &format!("service {state}"));
        let before = client.state().clone();
        for line in SCRIPT {
            let refusal = does(&mut client, line).expect_err(line);
            assert_eq!(refusal.hresult(), Some(HResult(code)), "{line}");
            assert_eq!(client.state(), &before, "{line}");
        }
        let why = client.activate(NOW).unwrap_err();
        assert_eq!(why, NotAsking::Service(service));
        assert_eq!(
            why.to_string(),
            format!("0x{code:08X}, the licensing service is {state}")
        );
        assert_eq!(client.due(), None);
        let late = client.standing(minutes(30 * 24 * 60 + 1));
        assert_eq!(late.status, LicenseStatus::NOTIFICATION);
        said(&mut client, "service running");
        assert!(client.due().is_some() && client.activate(NOW).is_ok());
        for line in SCRIPT {
            assert!(does(&mut client, line).is_ok(), "{line}");
        }
    }
}

#[test]
fn standard_users_may_do_what_the_script_does_only_where_they_are_let() {
    let mut client = client("vista-enterprise", 1);
    let unelevated = |client: &mut Client, line: &str| {
        client.administer(NOW, false, &command(line), Language::English)
    };
    said(&mut client, "standard-user on");
    for line in SCRIPT {
        assert!(unelevated(&mut client, line).is_ok(), "{line}");
    }
    // Who may is still for administrators to say.
    for line in ["standard-user off", "standard-user on", "service disabled"] {
        assert_eq!(
            unelevated(&mut client, line),
            Err(Refusal::NotElevated),
            "{line}"
        );
    }
    said(&mut client, "standard-user off");
    for line in SCRIPT.into_iter().filter(|line| !line.starts_with("-dl")) {
        assert_eq!(
            unelevated(&mut client, line),
            Err(Refusal::NotElevated),
            "{line}"
        );
    }
}

#[test]
fn showing_needs_no_elevation_and_reads_back_in_both_languages() {
    let mut client = client("vista-enterprise", 1);
    said(&mut client, "-skms [2001:db8::7]:1700");
    for language in [Language::English, Language::Japanese] {
        for (line, details) in [("-dli", false), ("-dlv", true), ("-dlv all", true)] {
            // 38 minutes behind the installation the document's 43162 minutes are left, which are 29 days.
            let shown = client.administer(minutes(38), false, &command(line), language);
            let Ok(Done::Shown(report)) = shown else {
                panic!("{shown:?}")
            };
            let read = Report::read(&report.write(language)).unwrap();
            assert_eq!(read.report, *report);
            let license = report.usable().next().unwrap();
            let expiry = license.expiry.unwrap();
            assert_eq!((expiry.minutes, expiry.days), (43_162, 29));
            assert_eq!(license.status, LicenseStatus::OOB_GRACE);
            assert_eq!(license.partial_key.unwrap().to_string(), "RHXCM");
            assert_eq!(license.extended_pid.is_some(), details);
            let part = report.client().unwrap();
            assert_eq!(Some(part.cmid), client.state().identity);
            assert_eq!(
                part.registered.as_ref().unwrap().to_string(),
                "[2001:db8::7]:1700"
            );
        }
    }
}

#[test]
fn activating_is_left_to_whoever_has_a_network() {
    let mut client = client("vista-enterprise", 1);
    let before = client.state().clone();
    let Ok(Done::Asks(notice)) = does(&mut client, "/ATO") else {
        panic!()
    };
    let text = notice.text(Language::English);
    assert_eq!(text, "Activating Windows(TM) Vista, Enterprise edition ...");
    assert_eq!(client.state(), &before);
    assert!(said(&mut client, "-ckms")[0].contains("cleared"));
}

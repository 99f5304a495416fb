//! A host's administration under a virtual clock.

use kmspec_model::admin::{Administration, Configuration, Done, Refusal};
use kmspec_model::{Clock, Host, Settings};
use kmspec_slmgr::{Command, ConfirmationId, InstallationId, Notice};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, LicenseStatus, Version};
use kmspec_wire::ndr::TransferSyntax;

use crate::kit::{NOW, Pair, bind, request};

fn command(line: &str) -> Command {
    Command::parse(&line.split_whitespace().collect::<Vec<_>>()).unwrap()
}

fn bare() -> Host {
    let settings = Settings::default();
    let administration = Administration::bare(&settings, NOW);
    let mut host = Host::new(settings);
    host.resume(administration);
    host
}

fn say(host: &mut Host, now: FileTime, line: &str) -> Vec<Notice> {
    match host.administer(now, true, &command(line)) {
        Ok(Done::Said(notices)) => notices,
        other => panic!("{line}: {other:?}"),
    }
}

fn status(host: &mut Host, now: FileTime) -> (LicenseStatus, Option<u32>) {
    let Ok(Done::Shown(report)) = host.administer(now, false, &Command::Show) else {
        panic!("nothing is shown");
    };
    let license = &report.licenses[0];
    (license.status, license.expiry.map(|expiry| expiry.days))
}

#[test]
fn a_host_that_was_just_set_up_has_thirty_days_and_serves_nobody() {
    let mut pair = Pair {
        host: bare(),
        ..Pair::new()
    };
    pair.send(bind().encoded());
    let body = request(Version::V6, 1);
    assert_eq!(
        pair.activate(TransferSyntax::Ndr32, 0, &body),
        Err(HResult::HOST_NOT_ACTIVATED)
    );
    let host = &mut pair.host;
    for (day, expected) in [
        (0, (LicenseStatus::OOB_GRACE, Some(30))),
        (29, (LicenseStatus::OOB_GRACE, Some(1))),
        (30, (LicenseStatus::NOTIFICATION, None)),
    ] {
        assert_eq!(
            status(host, NOW.plus(day * FileTime::DAY)),
            expected,
            "day {day}"
        );
    }
    for line in ["-ato", "-dti"] {
        assert_eq!(
            host.administer(NOW, true, &command(line)),
            Err(Refusal::NoKey)
        );
    }
    say(host, NOW, "-ipk LABAA-BBBBB-CCCCC-DDDDD-EEEEE");
    say(host, NOW, "-ato");
    assert_eq!(status(host, NOW), (LicenseStatus::LICENSED, None));
    assert_eq!(pair.activate(TransferSyntax::Ndr32, 0, &body), Ok(1));
}

#[test]
fn the_epid_tells_the_day_of_the_first_activation() {
    let mut host = bare();
    host.set_clock(Clock::Fixed(NOW));
    say(&mut host, FileTime(0), "-ipk LABAA-BBBBB-CCCCC-DDDDD-EEEEE");
    say(&mut host, FileTime(0), "-ato");
    // NOW is 2026-11-22, day 326.
    let epid = host.settings().epid.to_string();
    assert!(epid.ends_with("-3262026"), "{epid}");
    host.set_clock(Clock::Fixed(NOW.plus(40 * FileTime::DAY)));
    say(&mut host, FileTime(0), "-ato");
    assert_eq!(host.settings().epid.to_string(), epid);
    let mut again = Host::new(Settings::default());
    again.resume(host.administration().clone());
    assert_eq!(again.settings().epid.to_string(), epid);
}

#[test]
fn what_is_set_waits_for_a_restart_and_is_resumed_by_the_next_start() {
    let mut host = Host::new(Settings::default());
    let before = Configuration::of(&Settings::default());
    for line in ["-sprt 1689", "-cdns", "-cpri", "-sai 15", "-sri 43200"] {
        assert_eq!(
            say(&mut host, NOW, line).last(),
            Some(&Notice::RestartNeeded)
        );
    }
    assert_eq!(host.administration().effective, before);
    assert_eq!(host.settings().activation_interval.minutes(), 120);
    let left = host.administration().clone();
    host.restart();
    let after = host.administration().effective;
    assert_eq!(after, left.configured);
    assert_eq!(
        (after.port, after.publishing, after.normal_priority),
        (Some(1689), false, false)
    );
    assert_eq!(host.settings().activation_interval.minutes(), 15);
    assert_eq!(host.settings().renewal_interval.minutes(), 43_200);
    let mut next = Host::new(Settings::default());
    next.resume(left);
    assert_eq!(next.administration().effective, after);
    for line in ["-sprt 1688", "-sdns", "-spri", "-sai 120", "-sri 10080"] {
        say(&mut host, NOW, line);
    }
    host.restart();
    assert_eq!(
        host.administration().effective,
        Configuration {
            port: Some(1688),
            ..before
        }
    );
}

#[test]
fn nothing_changes_when_a_command_is_refused() {
    let mut host = bare();
    let before = host.administration().clone();
    let wrong = format!("-atp {}", ConfirmationId::lab(&InstallationId::lab("")));
    for (elevated, line, refusal) in [
        (
            false,
            "-ipk LABAA-BBBBB-CCCCC-DDDDD-EEEEE",
            Refusal::NotElevated,
        ),
        (false, "-sai 60", Refusal::NotElevated),
        (
            true,
            "-ipk MF9PG-RQK7R-26BPJ-TWFYK-RHXCM",
            Refusal::ForeignKey,
        ),
        (
            true,
            "-skms kms03.site5.contoso.com",
            Refusal::ForClients("-skms"),
        ),
        (true, "-ckms", Refusal::ForClients("-ckms")),
        (true, "-rearm", Refusal::ForClients("-rearm")),
        (true, wrong.as_str(), Refusal::NoKey),
    ] {
        assert_eq!(
            host.administer(NOW, elevated, &command(line)),
            Err(refusal),
            "{line}"
        );
        assert_eq!(host.administration(), &before);
    }
    let codes = [
        Refusal::NotElevated,
        Refusal::NoKey,
        Refusal::ForeignKey,
        Refusal::Confirmation,
    ];
    let codes = codes.map(|refusal| refusal.code().unwrap().0);
    assert_eq!(codes, [0x8007_0005, 0xc004_f014, 0xc004_f050, 0xc004_f04d]);
    assert_eq!(Refusal::ForClients("-skms").code(), None);
}

#[test]
fn counted_clients_are_recalled() {
    let mut pair = Pair::new();
    pair.send(bind().encoded());
    for client in 1..=3 {
        pair.activate(TransferSyntax::Ndr32, 0, &request(Version::V6, client))
            .unwrap();
    }
    let counted = pair.host.counted();
    assert_eq!(
        (
            counted.len(),
            counted[0].clients.len(),
            counted[0].largest_n
        ),
        (1, 3, 25)
    );
    let mut next = Pair::new();
    next.host.recall(counted.clone());
    assert_eq!(next.host.counted(), counted);
    next.send(bind().encoded());
    assert_eq!(
        next.activate(TransferSyntax::Ndr32, 0, &request(Version::V6, 2)),
        Ok(3)
    );
    next.host.forget_clients();
    assert_eq!(
        next.activate(TransferSyntax::Ndr32, 0, &request(Version::V6, 2)),
        Ok(1)
    );
}

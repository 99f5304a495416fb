//! Licence states over time.

use kmspec_model::Settings;
use kmspec_model::client::{Client, Licence, Standing};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::LicenseStatus;

use crate::kit::{NOW, Organisation, client, days, minutes};

/// A host that has counted enough machines.
fn charged() -> Organisation {
    Organisation::with_host(Settings {
        start_count: 25,
        ..Settings::default()
    })
}

#[test]
fn a_machine_that_reaches_no_host_has_its_grace_and_then_reduced_functionality() {
    for (edition, grace) in [
        ("vista-business", 30),
        ("server-itanium", 30),
        ("vista-business-rc1", 14),
        ("longhorn-server-enterprise-rc1", 14),
    ] {
        let client = client(edition, 1);
        let status = |at: FileTime| client.standing(at).status;
        assert_eq!(status(NOW), LicenseStatus::OOB_GRACE, "{edition}");
        assert_eq!(
            status(days(grace).minus(1)),
            LicenseStatus::OOB_GRACE,
            "{edition}"
        );
        assert_eq!(
            status(days(grace)),
            LicenseStatus::NOTIFICATION,
            "{edition}"
        );
        assert_eq!(client.standing(NOW).until, Some(days(grace)));
        assert_eq!(client.standing(days(grace)).until, None);
    }
}

#[test]
fn an_activation_lasts_180_days_from_the_last_success_and_then_30_days_of_tolerance() {
    let (mut organisation, mut client) = (charged(), client("vista-enterprise", 1));
    assert!(
        organisation
            .activate(&mut client, NOW)
            .0
            .result
            .is_success()
    );
    assert_eq!(client.standing(NOW).until, Some(days(180)));
    let mut organisation = charged();
    assert!(
        organisation
            .activate(&mut client, days(90))
            .0
            .result
            .is_success()
    );
    for (day, status) in [
        (90, LicenseStatus::LICENSED),
        (269, LicenseStatus::LICENSED),
        (270, LicenseStatus::OOT_GRACE),
        (299, LicenseStatus::OOT_GRACE),
        (300, LicenseStatus::NOTIFICATION),
        (3000, LicenseStatus::NOTIFICATION),
    ] {
        assert_eq!(client.standing(days(day)).status, status, "day {day}");
    }
    // A host that answers later makes everything good again.
    let mut organisation = charged();
    assert!(
        organisation
            .activate(&mut client, days(3000))
            .0
            .result
            .is_success()
    );
    assert_eq!(client.standing(days(3000)).until, Some(days(3180)));
}

#[test]
fn the_documents_43162_minutes_are_29_days() {
    let licence = Licence::installed(NOW, 30);
    let now = minutes(43_200 - 43_162);
    let left = licence.standing(now).minutes_left(now);
    assert_eq!((left, Standing::whole_days(left)), (43_162, 29));
    // A minute that has begun counts until it is over.
    let left = |now: FileTime| licence.standing(now).minutes_left(now);
    assert_eq!(
        (left(now.plus(1)), left(now.plus(FileTime::MINUTE))),
        (43_162, 43_161)
    );
    assert_eq!(
        (left(minutes(43_200).minus(1)), left(minutes(43_200))),
        (1, 0)
    );
    assert_eq!(Standing::whole_days(43_200), 30);
}

#[test]
fn what_is_left_of_the_state_travels_in_the_request() {
    let (mut organisation, mut client) = (charged(), client("lab-client-v6", 1));
    let request = client.request(minutes(38)).unwrap();
    assert_eq!(request.license_status, LicenseStatus::OOB_GRACE);
    assert_eq!(request.binding_expiration, 43_162);
    organisation.activate(&mut client, NOW);
    let request = client.request(days(179)).unwrap();
    assert_eq!(request.license_status, LicenseStatus::LICENSED);
    assert_eq!(request.binding_expiration, 1440);
    let request = client.request(days(400)).unwrap();
    assert_eq!(request.license_status, LicenseStatus::NOTIFICATION);
    assert_eq!(request.binding_expiration, 0);
}

#[test]
fn intervals_are_those_of_the_last_good_response() {
    let interval = |minutes: u32| kmspec_model::Interval::from_minutes(minutes).unwrap();
    let mut slow = Organisation::with_host(Settings {
        activation_interval: interval(15),
        renewal_interval: interval(43_200),
        ..Settings::default()
    });
    let mut client = client("vista-enterprise", 1);
    assert_eq!(client.due(), Some(NOW), "a new machine asks at once");
    Organisation::default().activate(&mut client, NOW);
    assert_eq!(
        client.due(),
        Some(minutes(120)),
        "nobody has told it another interval"
    );
    slow.activate(&mut client, minutes(120));
    assert_eq!(
        client.due(),
        Some(minutes(135)),
        "a count too low is a good response"
    );
    charged().activate(&mut client, minutes(135));
    assert_eq!(client.due(), Some(minutes(135 + 10_080)));
    slow.activate(&mut client, days(8));
    assert_eq!(
        client.due(),
        Some(days(8).plus(15 * FileTime::MINUTE)),
        "a renewal that fails is tried again soon"
    );
    assert_eq!(client.standing(days(8)).status, LicenseStatus::LICENSED);
}

#[test]
fn a_rearm_resets_timer_and_identity_three_times() {
    let (mut organisation, mut client) = (charged(), client("vista-enterprise", 1));
    organisation.activate(&mut client, NOW);
    let mut seen = vec![client.state().identity.unwrap()];
    for round in 1..=3 {
        let now = days(200 * round);
        client.rearm(now).unwrap();
        assert_eq!(client.state().identity, None);
        client.start(now);
        let cmid = client.state().identity.unwrap();
        assert_eq!(client.state().previous_cmid, seen[seen.len() - 1]);
        assert!(cmid.is_random() && !seen.contains(&cmid));
        seen.push(cmid);
        assert_eq!(client.standing(now).status, LicenseStatus::OOB_GRACE);
        assert_eq!(
            client.standing(now).until,
            Some(now.plus(30 * FileTime::DAY))
        );
        assert_eq!(client.state().key.unwrap().partial.to_string(), "RHXCM");
    }
    let before = client.state().clone();
    let error = client.rearm(days(700)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the licence was reset 3 times already, and cannot be reset again"
    );
    assert_eq!(client.state(), &before);
}

#[test]
fn whatever_happens_the_state_follows_from_the_last_success_alone() {
    arbtest::arbtest(|u| {
        let mut licence = Licence::installed(NOW, 30);
        let (mut now, mut success) = (NOW, None);
        for _ in 0..u.int_in_range(0..=40)? {
            now = now.plus(u.int_in_range(0..=60 * FileTime::DAY)?);
            match u.int_in_range(0..=3)? {
                0 => licence.failed(now),
                1 => licence.too_few(now, 15, 43_200),
                2 => {
                    licence.activated(now, 120, 10_080);
                    success = Some(now);
                }
                _ => {}
            }
            let days_since = |since: FileTime| (now.0 - since.0) / FileTime::DAY;
            let expected = match success.map(days_since) {
                Some(..180) => LicenseStatus::LICENSED,
                Some(..210) => LicenseStatus::OOT_GRACE,
                None if days_since(NOW) < 30 => LicenseStatus::OOB_GRACE,
                Some(_) | None => LicenseStatus::NOTIFICATION,
            };
            let standing = licence.standing(now);
            assert_eq!(standing.status, expected);
            assert!(standing.until.is_none_or(|until| until > now));
            assert!(licence.due() >= licence.last.map(|last| last.at));
        }
        Ok(())
    });
}

#[test]
fn two_machines_of_one_seed_are_one_machine_and_of_two_seeds_are_two() {
    let cmid = |client: &Client| client.state().identity.unwrap();
    assert_eq!(
        cmid(&client("vista-enterprise", 1)),
        cmid(&client("vista-enterprise", 1))
    );
    assert_ne!(
        cmid(&client("vista-enterprise", 1)),
        cmid(&client("vista-enterprise", 2))
    );
}

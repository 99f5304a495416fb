//! Section 6 of kms-protocol under a virtual clock.

use kmspec_model::{After, Clock, Counters, Settings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, LicenseStatus, RequestBody, Version, ids};
use kmspec_wire::ndr::TransferSyntax;

use crate::kit::{NOW, Pair, bind, request};

/// A bound client that asks in version 6 at the host's own time.
struct Asking(Pair);

impl Asking {
    fn new(settings: Settings) -> Self {
        let mut pair = Pair::with(settings);
        assert_eq!(pair.send(bind().encoded()).after, After::Open);
        Self(pair)
    }

    fn ask(&mut self, body: &RequestBody) -> Result<u32, HResult> {
        self.0.activate(TransferSyntax::Ndr32, 0, body)
    }

    fn count(&mut self, client: u64, change: impl Fn(&mut RequestBody)) -> Result<u32, HResult> {
        let mut body = request(Version::V6, client);
        body.client_time = self.0.now;
        change(&mut body);
        self.ask(&body)
    }

    fn later(&mut self, units: u64) {
        self.0.now = self.0.now.plus(units);
    }
}

fn as_is(_: &mut RequestBody) {}

fn office(body: &mut RequestBody) {
    body.application_id = ids::OFFICE_2013;
    body.counted_id = Guid::from_u128(0x85b5_f61b_320b_4be3_814a_b76b_2bfa_fc82);
    body.n_policy = 5;
}

#[test]
fn each_new_client_raises_the_count_and_a_known_one_does_not() {
    let mut host = Asking::new(Settings::default());
    let counts = [1, 2, 2, 3, 1].map(|client| host.count(client, as_is).unwrap());
    assert_eq!(counts, [1, 2, 2, 3, 3]);
    assert_eq!(
        host.count(1, office),
        Ok(1),
        "each family counts for itself"
    );
}

#[test]
fn a_client_unseen_for_thirty_days_drops_out() {
    let mut host = Asking::new(Settings::default());
    assert_eq!((host.count(1, as_is), host.count(2, as_is)), (Ok(1), Ok(2)));
    host.later(29 * FileTime::DAY);
    assert_eq!(host.count(1, as_is), Ok(2));
    host.later(2 * FileTime::DAY);
    assert_eq!(host.count(3, as_is), Ok(2));
}

#[test]
fn a_client_seen_before_the_clock_was_set_back_stays_until_its_own_time() {
    let mut host = Asking::new(Settings::default());
    host.later(20 * FileTime::DAY);
    assert_eq!(host.count(1, as_is), Ok(1));
    host.0.now = NOW;
    assert_eq!(host.count(2, as_is), Ok(2));
    // 2 drops out first, though it asked last; then 1.
    host.later(31 * FileTime::DAY);
    assert_eq!(host.count(3, as_is), Ok(2));
    host.later(20 * FileTime::DAY);
    assert_eq!(host.count(3, as_is), Ok(1));
}

#[test]
fn counting_stops_at_twice_the_largest_n_policy() {
    let mut host = Asking::new(Settings::default());
    let small = |body: &mut RequestBody| body.n_policy = 5;
    let last = (1..=12)
        .map(|client| host.count(client, small).unwrap())
        .last();
    assert_eq!(last, Some(10));
    let last = (13..=72)
        .map(|client| host.count(client, as_is).unwrap())
        .last();
    assert_eq!(last, Some(50));
    assert_eq!(
        host.count(1, small),
        Ok(50),
        "the largest N policy ever seen decides"
    );
}

#[test]
fn a_table_that_is_full_below_the_cap_is_exhausted() {
    let mut settings = Settings::default();
    settings.limits.clients = 3;
    let mut host = Asking::new(settings);
    let counts = [1, 2, 3, 4, 3].map(|client| host.count(client, as_is));
    let full = Err(HResult::CMID_TABLE_EXHAUSTED);
    assert_eq!(counts, [Ok(1), Ok(2), Ok(3), full, Ok(3)]);
}

#[test]
fn a_charged_host_starts_higher() {
    let settings = Settings {
        start_count: 24,
        ..Settings::default()
    };
    let mut host = Asking::new(settings);
    assert_eq!(
        [1, 2].map(|client| host.count(client, as_is)),
        [Ok(25), Ok(26)]
    );
    assert_eq!(host.count(1, office), Ok(10));
}

#[test]
fn requests_are_refused_for_what_they_ask() {
    type Change = fn(&mut RequestBody);
    let rows: [(&str, Change, Result<u32, HResult>); 9] = [
        ("N policy 1000", |b| b.n_policy = 1000, Ok(1)),
        (
            "N policy 1001",
            |b| b.n_policy = 1001,
            Err(HResult::INVALID_DATA),
        ),
        (
            "counted id",
            |b| b.counted_id = Guid::NIL,
            Err(HResult::PRODUCT_NOT_COVERED),
        ),
        (
            "application id",
            |b| b.application_id = ids::OFFICE_2010,
            Err(HResult::PRODUCT_NOT_COVERED),
        ),
        ("activation id", |b| b.activation_id = Guid::NIL, Ok(1)),
        (
            "4 h early",
            |b| b.client_time = NOW.minus(4 * FileTime::HOUR),
            Ok(1),
        ),
        (
            "over 4 h early",
            |b| b.client_time = NOW.minus(4 * FileTime::HOUR + 1),
            Err(HResult::INVALID_TIMESTAMP),
        ),
        (
            "4 h late",
            |b| b.client_time = NOW.plus(4 * FileTime::HOUR),
            Ok(1),
        ),
        (
            "over 4 h late",
            |b| b.client_time = NOW.plus(4 * FileTime::HOUR + 1),
            Err(HResult::INVALID_TIMESTAMP),
        ),
    ];
    for (name, change, expected) in rows {
        let mut host = Asking::new(Settings::default());
        assert_eq!(host.count(1, change), expected, "{name}");
    }
}

#[test]
fn a_host_that_is_not_activated_refuses_everybody() {
    let settings = Settings {
        activated: false,
        ..Settings::default()
    };
    assert_eq!(
        Asking::new(settings).count(1, as_is),
        Err(HResult::HOST_NOT_ACTIVATED)
    );
}

#[test]
fn the_clock_of_a_capture_can_be_taken() {
    let settings = Settings {
        clock: Clock::Fixed(FileTime(NOW.0 / 2)),
        ..Settings::default()
    };
    let mut host = Asking::new(settings);
    assert_eq!(host.count(1, as_is), Err(HResult::INVALID_TIMESTAMP));
    host.0.host.set_clock(Clock::StartsAt(NOW));
    assert_eq!(host.count(1, as_is), Ok(1));
}

#[test]
fn requests_are_counted_by_license_status() {
    let mut host = Asking::new(Settings::default());
    for status in 0..=6 {
        host.count(1, |body| body.license_status = LicenseStatus(status))
            .unwrap();
    }
    host.count(1, |body| body.n_policy = 2000).unwrap_err();
    let expected = Counters {
        total: 8,
        failed: 1,
        unlicensed: 1,
        licensed: 1,
        oob_grace: 2,
        oot_grace: 1,
        non_genuine_grace: 1,
        notification: 1,
    };
    assert_eq!(host.0.host.counters(), &expected);
}

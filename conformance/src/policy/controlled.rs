//! What shows only on a host that the tester controls: its clock, its licence, its counters.

use std::collections::BTreeMap;

use kmspec_runner::check::Field;
use kmspec_runner::peer::Lawful;
use kmspec_runner::{Peer, Stop, case};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, LicenseStatus, RequestBody, Version};

use super::count;

case! {
    /// A machine that was not seen for 30 days is counted no longer; one that was seen again is.
    EXPIRE_30_DAYS { id: "policy.expire-30-days", needs: [Kms, Fresh] }
    async fn(peer) {
        let (a, b, c, d, e) = (peer.cmid(), peer.cmid(), peer.cmid(), peer.cmid(), peer.cmid());
        let mut counts = Vec::new();
        for (minutes, cmid) in [
            (0, a),
            (0, b),
            (29 * DAY, a),
            (30 * DAY - 10, c),
            (30 * DAY + 10, d),
            (59 * DAY + 10, e),
        ] {
            counts.push(counted_after(&peer, minutes, cmid).await?);
        }
        let what = "counts of A and B, of A after 29 days, of C and D ten minutes before and after 30, of E ten after 59";
        Field::derived(what, counts).is(vec![1, 2, 2, 3, 3, 3])
    }
}

case! {
    /// A host that is not activated itself refuses every request, and serves once it is.
    HOST_NOT_ACTIVATED { id: "policy.host-not-activated", needs: [Kms, Fresh] }
    async fn(peer) {
        peer.control("activated", "no").await?;
        let asked = peer.seal(&peer.request(Version::V6));
        let refused = Lawful::Refused(HResult::HOST_NOT_ACTIVATED);
        let outcome = peer.meets(&asked, &[refused], &[Lawful::AnyFailure]).await;
        peer.control("activated", "yes").await?;
        outcome?;
        peer.meets(&peer.seal(&peer.request(Version::V6)), &[Lawful::Answered], &[]).await
    }
}

case! {
    /// The host counts requests: all, those it refused, and by license status.
    REQUEST_COUNTERS { id: "policy.request-counters", needs: [Kms, Fresh] }
    async fn(peer) {
        let before = counters(&peer).await?;
        // Of each status another number, so that none can stand for another.
        for (times, (_, status)) in (1..).zip(STATUSES) {
            for _ in 0..times {
                peer.activate(&RequestBody { license_status: status, ..peer.request(Version::V6) }).await?;
            }
        }
        let uncounted = LicenseStatus::EXTENDED_GRACE;
        peer.activate(&RequestBody { license_status: uncounted, ..peer.request(Version::V6) }).await?;
        let refused = RequestBody { n_policy: 1001, license_status: LicenseStatus::LICENSED, ..peer.request(Version::V6) };
        peer.meets(&peer.seal(&refused), &[Lawful::AnyFailure], &[]).await?;
        let mut tampered = peer.seal(&peer.request(Version::V6)).message;
        tampered.truncate(tampered.len() - 16);
        peer.meets(&peer.message(tampered), &[Lawful::AnyFailure], &[Lawful::Fault]).await?;
        let after = counters(&peer).await?;
        let grew = |name: &str| after.get(name).copied().unwrap_or(0) - before.get(name).copied().unwrap_or(0);
        let by_status = STATUSES.map(|(name, _)| (name, grew(name)));
        let mut times = 0;
        let wanted = STATUSES.map(|(name, status)| {
            times += 1;
            (name, times + i64::from(status == LicenseStatus::LICENSED))
        });
        Field::derived("requests of each license status", by_status).is(wanted)?;
        Field::derived("requests, and those refused, one of them unreadable", (grew("total"), grew("failed"))).is((24, 2))
    }
}

/// The license statuses that have a counter, by its name.
const STATUSES: [(&str, LicenseStatus); 6] = [
    ("unlicensed", LicenseStatus::UNLICENSED),
    ("licensed", LicenseStatus::LICENSED),
    ("oob-grace", LicenseStatus::OOB_GRACE),
    ("oot-grace", LicenseStatus::OOT_GRACE),
    ("non-genuine-grace", LicenseStatus::NON_GENUINE_GRACE),
    ("notification", LicenseStatus::NOTIFICATION),
];

/// Minutes.
const DAY: u64 = 24 * 60;

/// The count that a machine is told so many minutes after now.
async fn counted_after(peer: &Peer, minutes: u64, cmid: Guid) -> Result<u32, Stop> {
    let now = peer.now().plus(minutes * FileTime::MINUTE);
    let seconds = now.to_unix_nanos() / 1_000_000_000;
    peer.control("clock", &seconds.to_string()).await?;
    let request = RequestBody {
        cmid,
        client_time: now,
        ..peer.request(Version::V6)
    };
    count(peer, &request).await
}

/// What the control verb `counters` prints: a name and a number a line.
async fn counters(peer: &Peer) -> Result<BTreeMap<String, i64>, Stop> {
    let text = peer.control("counters", "").await?;
    let pair = |line: &str| {
        let (name, number) = line.trim().rsplit_once(' ')?;
        Some((name.to_owned(), number.parse().ok()?))
    };
    let unreadable = || Stop::Error(format!("control verb counters printed {text:?}"));
    text.lines()
        .map(|line| pair(line).ok_or_else(unreadable))
        .collect()
}

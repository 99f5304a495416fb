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
        let (a, b, c) = (peer.cmid(), peer.cmid(), peer.cmid());
        let mut counts = Vec::new();
        for (day, cmid) in [(0, a), (0, b), (29, a), (31, c)] {
            counts.push(counted_on(&peer, day, cmid).await?);
        }
        Field::derived("counts of A and B, of A after 29 days, of C after 31", counts).is(vec![1, 2, 2, 2])
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
        for (_, status) in STATUSES {
            peer.activate(&RequestBody { license_status: status, ..peer.request(Version::V6) }).await?;
        }
        let refused = RequestBody { n_policy: 1001, license_status: LicenseStatus::LICENSED, ..peer.request(Version::V6) };
        peer.meets(&peer.seal(&refused), &[Lawful::AnyFailure], &[]).await?;
        let after = counters(&peer).await?;
        let grew = |name: &str| after.get(name).copied().unwrap_or(0) - before.get(name).copied().unwrap_or(0);
        let by_status = STATUSES.map(|(name, _)| (name, grew(name)));
        let wanted = STATUSES.map(|(name, status)| (name, 1 + i64::from(status == LicenseStatus::LICENSED)));
        Field::derived("requests of each license status", by_status).is(wanted)?;
        Field::derived("requests, and those refused", (grew("total"), grew("failed"))).is((7, 1))
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

/// The count that a machine is told on this day after today.
async fn counted_on(peer: &Peer, day: u64, cmid: Guid) -> Result<u32, Stop> {
    let now = peer.now().plus(day * FileTime::DAY);
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

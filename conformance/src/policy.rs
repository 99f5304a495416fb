//! Counting and granting: kms-protocol section 6.

mod controlled;
mod list;

use kmspec_runner::check::Field;
use kmspec_runner::peer::{Lawful, Outcome};
use kmspec_runner::{Peer, Stop, Suite, case};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, LicenseStatus, RequestBody, Version, ids};

use crate::kms::VERSIONS;
use list::rises;

/// What a host counts and whom it serves.
pub(crate) static POLICY: Suite = Suite::new(
    "policy",
    &[
        &COUNT_STARTS_AT_ONE,
        &COUNT_DISTINCT,
        &COUNT_DISTINCT_VERSIONS,
        &COUNT_PER_APPLICATION,
        &list::COUNT_ONE_OCTET,
        &list::COUNT_WHOEVER_ASKS,
        &list::COUNT_PREVIOUS_CMID,
        &list::COUNT_OVER_EDITIONS,
        &list::COUNT_OVER_PRODUCTS,
        &list::REFUSED_NOT_COUNTED,
        &DUPLICATE_NOT_COUNTED,
        &DUPLICATE_OTHER_NAME,
        &CAP_TWICE_THRESHOLD,
        &list::CAP_PER_APPLICATION,
        &list::CAP_OLDEST_MAKES_ROOM,
        &BELOW_THRESHOLD_IS_ANSWERED,
        &N_POLICY_SANE,
        &N_POLICY_LARGEST,
        &CLOCK_SKEW,
        &CLOCK_SKEW_BOTH_WAYS,
        &CLOCK_SKEW_FOUR_HOURS,
        &UNKNOWN_PRODUCT,
        &TABLE_FULL,
        &controlled::EXPIRE_30_DAYS,
        &controlled::HOST_NOT_ACTIVATED,
        &controlled::REQUEST_COUNTERS,
    ],
);

case! {
    /// The first client is told 1, the second 2.
    COUNT_STARTS_AT_ONE { id: "policy.count-starts-at-one", needs: [Kms, Fresh] }
    for version in VERSIONS;
    async fn(peer) {
        let counts = [count(&peer, &peer.request(version)).await?, count(&peer, &peer.request(version)).await?];
        Field::derived("counts of two new clients", counts).is([1, 2])
    }
}

case! {
    /// Each new CMID raises the count by one.
    COUNT_DISTINCT { id: "policy.count-distinct", needs: [Kms, Fresh] }
    async fn(peer) {
        let mut counts = Vec::new();
        for _ in 0..12 {
            counts.push(count(&peer, &peer.request(Version::V6)).await?);
        }
        rises("counts of twelve new clients", &counts)
    }
}

case! {
    /// The list is one for all versions: a CMID counts once, whichever version it speaks.
    COUNT_DISTINCT_VERSIONS { id: "policy.count-distinct/over-versions", needs: [Kms, Fresh] }
    async fn(peer) {
        let mut counts = Vec::new();
        for (_, version) in VERSIONS {
            counts.push(count(&peer, &peer.request(version)).await?);
        }
        rises("counts of a v4, a v5 and a v6 client", &counts)
    }
}

case! {
    /// Each application family is counted by itself.
    COUNT_PER_APPLICATION { id: "policy.count-distinct/per-application", needs: [Kms, Fresh] }
    async fn(peer) {
        for _ in 0..3 {
            count(&peer, &peer.request(Version::V6)).await?;
        }
        let office = count(&peer, &office(&peer)).await?;
        let windows = count(&peer, &peer.request(Version::V6)).await?;
        Field::derived("counts of the first Office and the fourth Windows client", (office, windows)).is((1, 4))
    }
}

case! {
    /// A known CMID does not raise the count: clones that share one count once.
    DUPLICATE_NOT_COUNTED { id: "policy.duplicate-not-counted", needs: [Kms, Fresh] }
    for version in VERSIONS;
    async fn(peer) {
        let request = peer.request(version);
        let first = count(&peer, &request).await?;
        let again = count(&peer, &request).await?;
        Field::derived("count at the second request", again).is(first)
    }
}

case! {
    /// A machine is known by its CMID alone, whatever else it says of itself.
    DUPLICATE_OTHER_NAME { id: "policy.duplicate-not-counted/cmid-alone", needs: [Kms, Fresh] }
    async fn(peer) {
        let request = peer.request(Version::V6);
        let first = count(&peer, &request).await?;
        let renamed = RequestBody { workstation: "clone".parse().unwrap_or_default(), is_client_vm: 1, ..request };
        let mut again = Vec::new();
        for other in [
            renamed,
            RequestBody { version: Version::V4.protocol(), ..renamed },
            RequestBody { license_status: LicenseStatus::NOTIFICATION, binding_expiration: 1, ..request },
            RequestBody { previous_cmid: peer.cmid(), ..request },
            RequestBody { activation_id: Guid::random(peer.random()), ..request },
            RequestBody { client_time: asked_at(&peer, Version::V6, -60).client_time, ..request },
        ] {
            again.push(count(&peer, &other).await?);
        }
        Field::derived("counts under another name, version, status, past, edition and time", again).is(vec![first; 6])
    }
}

case! {
    /// The host stops counting at twice the largest N policy it has seen.
    CAP_TWICE_THRESHOLD { id: "policy.cap-twice-threshold", needs: [Time, Kms, Fresh] }
    async fn(peer) {
        let mut link = peer.bound().await?;
        for (n_policy, clients, cap) in [(5, 12, 10), (25, 60, 50), (5, 3, 50)] {
            let mut last = 0;
            for _ in 0..clients {
                let request = RequestBody { n_policy, ..peer.request(Version::V6) };
                last = link.activate(&request).await?.count;
            }
            Field::derived(format!("count after {clients} clients of N policy {n_policy}"), last).is(cap)?;
        }
        Ok(())
    }
}

case! {
    /// Below the threshold the host answers with its count; comparing is the client's business.
    BELOW_THRESHOLD_IS_ANSWERED { id: "policy.below-threshold-is-answered", needs: [Kms, Fresh] }
    for n_policy in [("n-1", 1), ("n-5", 5), ("n-25", 25), ("n-1000", 1000)];
    async fn(peer) {
        for (_, version) in VERSIONS {
            count(&peer, &RequestBody { n_policy, ..peer.request(version) }).await?;
        }
        Ok(())
    }
}

case! {
    /// An N policy above 1000 is refused.
    N_POLICY_SANE { id: "policy.n-policy-sane", needs: [Kms] }
    for (n_policy, sane) in [
        ("0", (0, true)),
        ("1001", (1001, false)),
        ("sign-bit", (0x8000_0000, false)),
        ("max-less-1", (u32::MAX - 1, false)),
        ("max", (u32::MAX, false)),
    ];
    async fn(peer) {
        let expected = if sane { Lawful::Answered } else { Lawful::Refused(HResult::INVALID_DATA) };
        for (_, version) in VERSIONS {
            let asked = peer.seal(&RequestBody { n_policy, ..peer.request(version) });
            peer.meets(&asked, &[expected], &[]).await?;
        }
        Ok(())
    }
}

case! {
    /// The largest N policies are served, by a host of their own: they raise what it counts up to, so that another's table
    /// would overflow.
    N_POLICY_LARGEST { id: "policy.n-policy-sane/largest", needs: [Kms, Fresh] }
    for n_policy in [("999", 999), ("1000", 1000)];
    async fn(peer) {
        for (_, version) in VERSIONS {
            count(&peer, &RequestBody { n_policy, ..peer.request(version) }).await?;
        }
        Ok(())
    }
}

case! {
    /// A client whose clock is more than four hours off is refused.
    CLOCK_SKEW { id: "policy.clock-skew", needs: [Kms, Clock] }
    for (minutes, served) in [
        ("10-years-before", (-5_259_492, false)),
        ("5h-before", (-300, false)),
        ("241min-before", (-241, false)),
        ("239min-before", (-239, true)),
        ("3h-before", (-180, true)),
        ("now", (0, true)),
        ("3h-after", (180, true)),
        ("239min-after", (239, true)),
        ("241min-after", (241, false)),
        ("5h-after", (300, false)),
        ("10-years-after", (5_259_492, false)),
    ];
    async fn(peer) {
        let expected = if served { Lawful::Answered } else { Lawful::Refused(HResult::INVALID_TIMESTAMP) };
        for (_, version) in VERSIONS {
            let asked = peer.seal(&asked_at(&peer, version, minutes));
            peer.meets(&asked, &[expected], &[]).await?;
        }
        Ok(())
    }
}

case! {
    /// A host that looks at the time looks both ways.
    CLOCK_SKEW_BOTH_WAYS { id: "policy.clock-skew/both-ways", needs: [Kms, Clock] }
    for version in VERSIONS;
    async fn(peer) {
        let mut refused = Vec::new();
        for minutes in [-300, 300] {
            let outcome = peer.attempt(&peer.seal(&asked_at(&peer, version, minutes))).await?;
            refused.push(!Lawful::Answered.covers(&outcome));
        }
        Field::derived("whether clocks five hours behind and ahead are refused", refused)
            .one_of([vec![true, true], vec![false, false]])
    }
}

case! {
    /// A host that refuses a clock five hours off refuses one that is two minutes more than four hours off.
    CLOCK_SKEW_FOUR_HOURS { id: "policy.clock-skew/four-hours", needs: [Kms, Clock] }
    for (far, near) in [("before", (-300, -242)), ("after", (300, 242))];
    async fn(peer) {
        for (_, version) in VERSIONS {
            let outcome = peer.attempt(&peer.seal(&asked_at(&peer, version, far))).await?;
            if Lawful::Answered.covers(&outcome) {
                return Err(Stop::Skip("the host does not look at the time".to_owned()));
            }
            let asked = peer.seal(&asked_at(&peer, version, near));
            peer.meets(&asked, &[Lawful::Refused(HResult::INVALID_TIMESTAMP)], &[]).await?;
        }
        Ok(())
    }
}

case! {
    /// A product that the host's key does not cover is refused, and so is an application id that does not fit.
    UNKNOWN_PRODUCT { id: "policy.unknown-product", needs: [Kms] }
    for change in unknown_products();
    async fn(peer) {
        for (_, version) in VERSIONS {
            let asked = peer.seal(&change(peer.request(version), Guid::random(peer.random())));
            let refused = Lawful::Refused(HResult::PRODUCT_NOT_COVERED);
            peer.meets(&asked, &[refused], &[]).await?;
        }
        Ok(())
    }
}

case! {
    /// A host that has no room for another CMID says so; until then each one raises the count or takes an older one's place.
    TABLE_FULL { id: "policy.table-full", needs: [Time, Kms, Fresh] }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let mut last = None;
        // One more than a host that goes by the largest N policy keeps.
        for nth in 1..=2 * LARGEST_N_POLICY + 1 {
            let request = RequestBody { n_policy: LARGEST_N_POLICY, ..peer.request(Version::V4) };
            let asked = peer.seal(&request);
            let outcome = link.attempt(&asked).await?;
            let Outcome::Answered(answer) = &outcome else {
                let full = Lawful::Refused(HResult::CMID_TABLE_EXHAUSTED);
                return Field::derived(format!("answer to client {nth}"), outcome.to_string())
                    .satisfies("0xc004d104", |_| full.covers(&outcome));
            };
            let least = last.unwrap_or(answer.count);
            answer.field("count", answer.count).within(least..=least + 1)?;
            last = Some(answer.count);
        }
        Ok(())
    }
}

/// The largest N policy that is lawful.
const LARGEST_N_POLICY: u32 = 1000;

/// A good request of a client whose clock is this many minutes off the tester's.
pub(crate) fn asked_at(peer: &Peer, version: Version, minutes: i64) -> RequestBody {
    let off = FileTime::MINUTE * minutes.unsigned_abs();
    let now = peer.now();
    let client_time = if minutes < 0 {
        now.minus(off)
    } else {
        now.plus(off)
    };
    RequestBody {
        client_time,
        ..peer.request(version)
    }
}

/// A good request for an edition of Office. Source: observed, captures/04-vlmcs-vlmcsd-products.pcap.
fn office(peer: &Peer) -> RequestBody {
    RequestBody {
        application_id: ids::OFFICE_2013,
        activation_id: Guid::from_u128(0xd450_596f_894d_49e0_966a_fd39_ed4c_4c64),
        counted_id: Guid::from_u128(0x85b5_f61b_320b_4be3_814a_b76b_2bfa_fc82),
        n_policy: 5,
        ..peer.request(Version::V6)
    }
}

async fn count(peer: &Peer, request: &RequestBody) -> Result<u32, Stop> {
    Ok(peer.activate(request).await?.count)
}

type Change = fn(RequestBody, Guid) -> RequestBody;

fn unknown_products() -> Vec<(&'static str, Change)> {
    vec![
        ("counted-id", |r, random| RequestBody {
            counted_id: random,
            ..r
        }),
        ("counted-id-nil", |r, _| RequestBody {
            counted_id: Guid::NIL,
            ..r
        }),
        ("application-id", |r, random| RequestBody {
            application_id: random,
            ..r
        }),
        ("application-id-of-another-family", |r, _| RequestBody {
            application_id: ids::OFFICE_2013,
            ..r
        }),
    ]
}

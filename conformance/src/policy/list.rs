//! Whom the list of machines holds: who gets in, who does not, and who makes room.

use kmspec_runner::check::Field;
use kmspec_runner::peer::{Asked, Lawful, Outcome};
use kmspec_runner::{Peer, Stop, case};
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{LicenseStatus, RequestBody, Version};

use super::{asked_at, count, office};
use crate::kms::VERSIONS;

case! {
    /// Machines whose CMIDs differ in a single octet, whichever it is, are different machines.
    COUNT_ONE_OCTET { id: "policy.count-distinct/one-octet", needs: [Kms, Fresh] }
    async fn(peer) {
        let first = peer.request(Version::V6);
        let mut counts = vec![count(&peer, &first).await?];
        for octet in 0..16 {
            let cmid = Guid::from_u128(first.cmid.as_u128() ^ 1 << (8 * octet));
            counts.push(count(&peer, &RequestBody { cmid, ..first }).await?);
        }
        rises("counts of a machine and of sixteen that differ in one octet each", &counts)
    }
}

case! {
    /// What a machine says of itself decides nothing: each new one is counted.
    COUNT_WHOEVER_ASKS { id: "policy.count-distinct/whoever-asks", needs: [Kms, Fresh] }
    for version in VERSIONS;
    async fn(peer) {
        let mut counts = vec![count(&peer, &peer.request(version)).await?];
        for is_client_vm in [1, 0] {
            for status in 0..=LicenseStatus::EXTENDED_GRACE.0 {
                let license_status = LicenseStatus(status);
                let request = RequestBody { is_client_vm, license_status, ..peer.request(version) };
                counts.push(count(&peer, &request).await?);
            }
        }
        rises("counts of machines of every license status", &counts)
    }
}

case! {
    /// A machine that was another one before is counted for itself: the previous CMID is not what it is known by.
    COUNT_PREVIOUS_CMID { id: "policy.count-distinct/previous-cmid", needs: [Kms, Fresh] }
    async fn(peer) {
        let first = peer.request(Version::V6);
        let mut counts = vec![count(&peer, &first).await?];
        for _ in 0..3 {
            let renamed = RequestBody { previous_cmid: first.cmid, ..peer.request(Version::V6) };
            counts.push(count(&peer, &renamed).await?);
        }
        rises("counts of a machine and of three that name it as what they were", &counts)
    }
}

case! {
    /// Editions of one application share its list.
    COUNT_OVER_EDITIONS { id: "policy.count-distinct/over-editions", needs: [Kms, Fresh] }
    async fn(peer) {
        let mut counts = Vec::new();
        for _ in 0..3 {
            counts.push(count(&peer, &peer.request(Version::V6)).await?);
            let activation_id = Guid::random(peer.random());
            counts.push(count(&peer, &RequestBody { activation_id, ..peer.request(Version::V6) }).await?);
        }
        rises("counts of machines of several editions", &counts)
    }
}

case! {
    /// Products of one application share its list, too.
    COUNT_OVER_PRODUCTS { id: "policy.count-distinct/over-products", needs: [Kms, Fresh] }
    async fn(peer) {
        let mut counts = Vec::new();
        for counted_id in [None, Some(OTHER_PRODUCT), None, Some(OTHER_PRODUCT)] {
            let usual = peer.request(Version::V6);
            let request = RequestBody { counted_id: counted_id.unwrap_or(usual.counted_id), ..usual };
            match peer.attempt(&peer.seal(&request)).await? {
                Outcome::Answered(answer) => counts.push(answer.count),
                _ if counted_id.is_some() => return Err(Stop::Skip("the host does not cover both products".to_owned())),
                outcome => return Err(Stop::fail("answer", Lawful::Answered.to_string(), outcome.to_string())),
            }
        }
        rises("counts of machines of two products in turn", &counts)
    }
}

case! {
    /// A machine whose request is refused is not counted.
    REFUSED_NOT_COUNTED { id: "policy.count-distinct/refused", needs: [Kms, Fresh] }
    for refusable in [
        ("n-policy", (|peer, r| peer.seal(&RequestBody { n_policy: 1001, ..r })) as Refusable),
        ("clock", |peer, r| peer.seal(&RequestBody { client_time: asked_at(peer, Version::V6, -600).client_time, ..r })),
        ("product", |peer, r| peer.seal(&RequestBody { counted_id: Guid::random(peer.random()), ..r })),
        ("tampered", |peer, r| {
            let mut message = peer.seal(&r).message;
            message.truncate(message.len() - 16);
            peer.message(message)
        }),
    ];
    async fn(peer) {
        let mut counts = vec![count(&peer, &peer.request(Version::V6)).await?];
        for _ in 0..3 {
            let asked = refusable(&peer, peer.request(Version::V6));
            let outcome = peer.attempt(&asked).await?;
            if Lawful::Answered.covers(&outcome) {
                return Err(Stop::Skip("the host does not refuse this request".to_owned()));
            }
        }
        counts.push(count(&peer, &peer.request(Version::V6)).await?);
        rises("counts before and after three machines that were refused", &counts)
    }
}

case! {
    /// Each application has a cap of its own, by the largest N policy of its own machines.
    CAP_PER_APPLICATION { id: "policy.cap-twice-threshold/per-application", needs: [Kms, Fresh] }
    async fn(peer) {
        count(&peer, &peer.request(Version::V6)).await?;
        let mut counts = Vec::new();
        for _ in 0..12 {
            counts.push(count(&peer, &office(&peer)).await?);
        }
        let wanted = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10];
        let charged = is_charged(&counts);
        Field::derived("counts of twelve machines of N policy 5, beside one of 25", counts)
            .satisfies(format!("{wanted:?}"), |got| charged || *got == wanted)
    }
}

case! {
    /// At the cap the machine that was not seen for longest makes room, and no other.
    CAP_OLDEST_MAKES_ROOM { id: "policy.cap-twice-threshold/oldest-makes-room", needs: [Kms, Fresh] }
    async fn(peer) {
        let cmids: Vec<Guid> = (0..11).map(|_| peer.cmid()).collect();
        let told = async |machine: usize, n_policy| {
            count(&peer, &RequestBody { cmid: cmids[machine], n_policy, ..peer.request(Version::V6) }).await
        };
        for machine in 0..10 {
            told(machine, 5).await?;
        }
        let mut counts = Vec::new();
        // The first comes again before the eleventh needs room: the second is the oldest then. A larger N policy lifts
        // the cap, so that a machine that was let go shows: it raises the count.
        for (machine, n_policy) in [(0, 5), (10, 5), (0, 25), (10, 25), (2, 25), (9, 25), (1, 25)] {
            counts.push(told(machine, n_policy).await?);
        }
        let wanted = [10, 10, 10, 10, 10, 10, 11];
        let charged = is_charged(&counts);
        Field::derived("counts of machines that stayed, and at last of the one that made room", counts)
            .satisfies(format!("{wanted:?}"), |got| charged || *got == wanted)
    }
}

type Refusable = fn(&Peer, RequestBody) -> Asked;

/// Each count is one more than the one before; a host that was charged in advance tells the same throughout.
pub(super) fn rises(what: &str, counts: &[u32]) -> Result<(), Stop> {
    let rising = counts
        .windows(2)
        .all(|pair| pair[0].checked_add(1) == Some(pair[1]));
    let lawful = rising || is_charged(counts);
    Field::derived(what, counts).satisfies("each one more than the one before", |_| lawful)
}

/// Whether these are the counts of a host that does not count, but always tells enough machines for any client.
fn is_charged(counts: &[u32]) -> bool {
    counts
        .iter()
        .all(|count| *count == counts[0] && *count >= ENOUGH)
}

/// Another product of the application that [`Peer::request`] asks for.
/// Source: observed, captures/04-vlmcs-vlmcsd-products.pcap.
const OTHER_PRODUCT: Guid = Guid::from_u128(0x7fde_5219_fbfa_484a_82c9_34d1_ad53_e856);

/// Twice the N policy of clients, as much as a host that counts ever tells them. Source: kms-protocol 6.
const ENOUGH: u32 = 50;

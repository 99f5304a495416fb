//! What a response says: kms-protocol section 3.

use kmspec_runner::check::Field;
use kmspec_runner::peer::{Activation, Asked, Lawful, Link, both};
use kmspec_runner::{Peer, Stop, Suite, case};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::envelope::{Content, RequestParts};
use kmspec_wire::kms::{
    HResult, LicenseStatus, ProtocolVersion, RequestBody, Version, WorkstationName,
};

use crate::kms::{self, EXCHANGES, VERSIONS};

/// Messages as the host answers them.
pub(crate) static MESSAGE: Suite = Suite::new(
    "message",
    &[
        &ECHO_VERSION,
        &ECHO_CMID,
        &ECHO_CMID_BOUNDARIES,
        &ECHO_TIME,
        &ECHO_TIME_BITS,
        &PID_SIZE,
        &PID_TERMINATED,
        &PID_GRAMMAR,
        &PID_STABLE,
        &SIZE,
        &INTERVALS_RANGE,
        &INTERVALS_STABLE,
        &VERSION_AGREES,
        &VERSION_DISAGREES,
        &UNKNOWN_VERSION,
        &TOO_SHORT,
        &TOO_LONG,
        &FREE_FIELDS,
        &ODD_NAMES,
        &HWID_STABLE,
        &CLIENTS_NOT_MIXED,
    ],
);

case! {
    /// The response has the version of the request.
    ECHO_VERSION { id: "message.echo-version", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        let answer = kms::exchange(&peer, version, syntax).await?;
        answer.obeys("message.echo-version")?;
        answer.field("inner version", answer.inner_version).is(version.protocol())
    }
}

case! {
    /// The response carries the CMID of the request.
    ECHO_CMID { id: "message.echo-cmid", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.echo-cmid")
    }
}

case! {
    /// Whatever the CMID, the response carries it: the host judges no GUID.
    ECHO_CMID_BOUNDARIES { id: "message.echo-cmid/any-value", needs: [Kms] }
    for cmid in [
        ("nil", 0),
        ("one", 1),
        ("sign-bits", 0x8000_0000_8000_8000_8000_0000_0000_0000),
        ("all-but-one", u128::MAX - 1),
        ("ones", u128::MAX),
    ];
    async fn(peer) {
        for version in [Version::V4, Version::V5, Version::V6] {
            let request = RequestBody { cmid: Guid::from_u128(cmid), ..peer.request(version) };
            let answer = peer.activate(&request).await?;
            answer.field("cmid", answer.cmid).is(request.cmid)?;
        }
        Ok(())
    }
}

case! {
    /// The response carries the client time of the request.
    ECHO_TIME { id: "message.echo-time", needs: [Kms, Clock] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.echo-time")
    }
}

case! {
    /// All 64 bits of the client time come back, the lowest too.
    ECHO_TIME_BITS { id: "message.echo-time/all-bits", needs: [Kms, Clock] }
    for low_bits in [("zeros", 0_u64), ("one", 1), ("sign-bit", 0x8000_0000), ("all-but-one", 0xffff_fffe), ("ones", 0xffff_ffff)];
    async fn(peer) {
        for version in [Version::V4, Version::V5, Version::V6] {
            let client_time = FileTime(peer.now().0 & !0xffff_ffff | low_bits);
            let request = RequestBody { client_time, ..peer.request(version) };
            let answer = peer.activate(&request).await?;
            answer.field("client_time", answer.client_time).is(client_time)?;
        }
        Ok(())
    }
}

case! {
    /// PIDSize is even and from 4 to 128, and what stands behind the ePID fills the rest of the message.
    PID_SIZE { id: "message.pid-size", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys_all(&["message.pid-size", "message.size"])
    }
}

case! {
    /// The ePID ends with a zero unit and holds no other.
    PID_TERMINATED { id: "message.pid-terminated", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.pid-terminated")
    }
}

case! {
    /// The ePID follows the grammar of extended PIDs.
    PID_GRAMMAR { id: "message.pid-grammar", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.pid-grammar")
    }
}

case! {
    /// For one product the ePID is the same over connections and versions.
    PID_STABLE { id: "message.pid-stable", needs: [Kms] }
    async fn(peer) {
        let mut epids = Vec::new();
        for (_, version) in VERSIONS.into_iter().chain(VERSIONS) {
            epids.push(peer.activate(&peer.request(version)).await?.epid_text());
        }
        kms::all_equal("ePID", &epids)
    }
}

case! {
    /// Nothing stands behind the last field of a response but padding.
    SIZE { id: "message.size", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.size")
    }
}

case! {
    /// Both intervals are from 15 to 43200 minutes.
    INTERVALS_RANGE { id: "message.intervals-range", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.intervals-range")
    }
}

case! {
    /// A host has one pair of intervals, whichever version asks.
    INTERVALS_STABLE { id: "message.intervals-range/all-versions", needs: [Kms] }
    async fn(peer) {
        let mut intervals = Vec::new();
        for (_, version) in VERSIONS {
            let answer = peer.activate(&peer.request(version)).await?;
            intervals.push((answer.activation_interval, answer.renewal_interval));
        }
        kms::all_equal("activation and renewal interval", &intervals)
    }
}

case! {
    /// The version outside a response's envelope equals the one inside.
    VERSION_AGREES { id: "message.version-agrees", needs: [Kms] }
    for (version, syntax) in EXCHANGES;
    async fn(peer) {
        kms::exchange(&peer, version, syntax).await?.obeys("message.version-agrees")
    }
}

case! {
    /// A request whose inner version is not the outer one is refused.
    VERSION_DISAGREES { id: "message.version-agrees/request", needs: [Kms] }
    for (outer, inner) in [
        ("v5-holding-v6", (Version::V5, ProtocolVersion { major: 6, minor: 0 })),
        ("v6-holding-v5", (Version::V6, ProtocolVersion { major: 5, minor: 0 })),
        ("v5-holding-v4", (Version::V5, ProtocolVersion { major: 4, minor: 0 })),
        ("v6-holding-v4", (Version::V6, ProtocolVersion { major: 4, minor: 0 })),
        ("v6-holding-6.1", (Version::V6, ProtocolVersion { major: 6, minor: 1 })),
        ("v6-holding-0.0", (Version::V6, ProtocolVersion { major: 0, minor: 0 })),
    ];
    async fn(peer) {
        let honest = RequestParts::honest(peer.request(outer), peer.random());
        let body = RequestBody { version: inner, ..peer.request(outer) };
        let asked = peer.seal_parts(&RequestParts { body: Content::Fields(body), ..honest });
        peer.meets(&asked, &BAD_DATA, &[Lawful::Answered, Lawful::Fault]).await
    }
}

case! {
    /// A message of an unknown version is answered with a failure, and the connection stays usable.
    UNKNOWN_VERSION { id: "message.unknown-version", needs: [Kms, Probe] }
    for (major, minor) in [
        ("0.0", (0, 0)),
        ("1.0", (1, 0)),
        ("3.0", (3, 0)),
        ("4.1", (4, 1)),
        ("5.1", (5, 1)),
        ("6.1", (6, 1)),
        ("7.0", (7, 0)),
        ("32768.0", (0x8000, 0)),
        ("65534.65534", (0xfffe, 0xfffe)),
        ("65535.65535", (0xffff, 0xffff)),
    ];
    async fn(peer) {
        let version = ProtocolVersion { major, minor };
        let honest = RequestParts::honest(peer.request(version.layout()), peer.random());
        let body = RequestBody { version, ..peer.request(version.layout()) };
        let asked = peer.seal_parts(&RequestParts { version, body: Content::Fields(body), ..honest });
        refused_and_usable(&peer, &asked).await
    }
}

case! {
    /// A message that is too short is answered with a failure, and the connection stays usable.
    TOO_SHORT { id: "message.too-short", needs: [Kms, Probe] }
    for (version, len) in [
        ("empty", (Version::V6, 0)),
        ("half-a-version", (Version::V6, 2)),
        ("version-alone", (Version::V6, 4)),
        ("v4-of-16", (Version::V4, 16)),
        ("v4-without-mac", (Version::V4, 236)),
        ("v4-less-one", (Version::V4, 251)),
        ("v5-iv-alone", (Version::V5, 20)),
        ("v5-less-a-block", (Version::V5, 244)),
        ("v5-less-one", (Version::V5, 259)),
        ("v6-iv-alone", (Version::V6, 20)),
        ("v6-of-251", (Version::V6, 251)),
        ("v6-less-a-block", (Version::V6, 244)),
        ("v6-less-one", (Version::V6, 259)),
    ];
    async fn(peer) {
        let mut message = peer.seal(&peer.request(version)).message;
        message.truncate(len);
        refused_and_usable(&peer, &peer.message(message)).await
    }
}

case! {
    /// A message with octets to spare is refused: its length is fixed.
    TOO_LONG { id: "message.too-short/too-long", needs: [Kms, Probe] }
    for (version, surplus) in [
        ("v4-and-one", (Version::V4, 1)),
        ("v4-and-a-block", (Version::V4, 16)),
        ("v5-and-one", (Version::V5, 1)),
        ("v5-and-a-block", (Version::V5, 16)),
        ("v6-and-one", (Version::V6, 1)),
        ("v6-and-a-block", (Version::V6, 16)),
    ];
    async fn(peer) {
        let mut message = peer.seal(&peer.request(version)).message;
        message.extend(peer.random_octets(surplus));
        peer.meets(&peer.message(message), &BAD_DATA, &[Lawful::AnyFailure, Lawful::Fault]).await
    }
}

case! {
    /// Fields that the host does not judge may hold any value.
    FREE_FIELDS { id: "message.free-fields", needs: [Kms] }
    for change in [free_fields(), free_names_and_thresholds()].concat();
    async fn(peer) {
        for (_, version) in VERSIONS {
            let answer = peer.activate(&change(peer.request(version))).await?;
            answer.obeys_all(kms::RULES)?;
        }
        Ok(())
    }
}

case! {
    /// A workstation name that no client may send is answered or refused, and hurts nobody else.
    ODD_NAMES { id: "message.free-fields/odd-names", needs: [Kms, Probe] }
    for units in [
        ("unterminated", [0x77; WorkstationName::UNITS]),
        ("unterminated-not-ascii", [0xfffd; WorkstationName::UNITS]),
        ("lone-surrogate", padded(&[0x77, 0xd83d, 0x77])),
        ("surrogates-reversed", padded(&[0xdda5, 0xd83d])),
        ("surrogate-last", [0xd83d; WorkstationName::UNITS]),
        ("octets-behind-terminator", padded(&[0x77, 0, 0x77])),
    ];
    async fn(peer) {
        for (_, version) in VERSIONS {
            let workstation = WorkstationName::from_units(units);
            let asked = peer.seal(&RequestBody { workstation, ..peer.request(version) });
            peer.meets(&asked, &[Lawful::Answered], &[Lawful::AnyFailure, Lawful::Fault]).await?;
        }
        peer.fresh().await
    }
}

case! {
    /// The hardware id is the same in every v6 response for a product.
    HWID_STABLE { id: "message.v6-hwid-stable", needs: [Kms] }
    async fn(peer) {
        let mut ids = Vec::new();
        for _ in 0..2 {
            let mut link = peer.bound().await?;
            for _ in 0..3 {
                ids.push(link.activate(&peer.request(Version::V6)).await?.hardware_id());
            }
        }
        kms::all_equal("hardware id", &ids)
    }
}

case! {
    /// Two clients at once, of different versions, each get their own answer.
    CLIENTS_NOT_MIXED { id: "message.echo-cmid/two-clients", needs: [Kms] }
    for (first, second) in [
        ("v4-and-v5", (Version::V4, Version::V5)),
        ("v4-and-v6", (Version::V4, Version::V6)),
        ("v5-and-v6", (Version::V5, Version::V6)),
        ("v6-and-v6", (Version::V6, Version::V6)),
    ];
    async fn(peer) {
        let (mut one, mut two) = (peer.bound().await?, peer.bound().await?);
        for _ in 0..4 {
            let (ones, twos) = (peer.request(first), peer.request(second));
            let (a, b) = both(one.activate(&ones), two.activate(&twos)).await;
            own_answer(&a?, &ones)?;
            own_answer(&b?, &twos)?;
        }
        Ok(())
    }
}

/// What a strict host does with a message that cannot be understood.
const BAD_DATA: [Lawful; 1] = [Lawful::Refused(HResult::INVALID_DATA)];

fn own_answer(answer: &Activation, request: &RequestBody) -> Result<(), Stop> {
    answer.field("cmid", answer.cmid).is(request.cmid)?;
    answer
        .field("version", answer.version)
        .is(request.version)?;
    answer.obeys_all(kms::RULES)
}

/// A failure HRESULT, after which the same connection serves a good request; the end of the connection is tolerated.
async fn refused_and_usable(peer: &Peer, asked: &Asked) -> Result<(), Stop> {
    let mut link: Link = peer.bound().await?;
    link.meets(asked, &BAD_DATA, &[Lawful::AnyFailure, Lawful::Fault])
        .await?;
    let after = link.attempt(&peer.seal(&peer.request(Version::V6))).await?;
    Field::derived("the next call on the connection", after.to_string())
        .satisfies("a KMS response", |_| {
            Lawful::Answered.covers(&after) || Lawful::Ended.covers(&after)
        })
}

type Change = fn(RequestBody) -> RequestBody;

/// Unusual and lawful values of the fields that no host rule names.
fn free_fields() -> Vec<(&'static str, Change)> {
    vec![
        ("vm", |r| RequestBody {
            is_client_vm: 1,
            ..r
        }),
        ("status-unlicensed", |r| RequestBody {
            license_status: LicenseStatus(0),
            ..r
        }),
        ("status-licensed", |r| RequestBody {
            license_status: LicenseStatus(1),
            ..r
        }),
        ("status-out-of-box-grace", |r| RequestBody {
            license_status: LicenseStatus(2),
            ..r
        }),
        ("status-out-of-tolerance-grace", |r| RequestBody {
            license_status: LicenseStatus(3),
            ..r
        }),
        ("status-non-genuine-grace", |r| RequestBody {
            license_status: LicenseStatus(4),
            ..r
        }),
        ("status-notification", |r| RequestBody {
            license_status: LicenseStatus(5),
            ..r
        }),
        ("status-extended-grace", |r| RequestBody {
            license_status: LicenseStatus(6),
            ..r
        }),
        ("binding-expiration-0", |r| RequestBody {
            binding_expiration: 0,
            ..r
        }),
        ("binding-expiration-1", |r| RequestBody {
            binding_expiration: 1,
            ..r
        }),
        ("binding-expiration-sign-bit", |r| RequestBody {
            binding_expiration: 0x8000_0000,
            ..r
        }),
        ("binding-expiration-max-less-1", |r| RequestBody {
            binding_expiration: u32::MAX - 1,
            ..r
        }),
        ("binding-expiration-max", |r| RequestBody {
            binding_expiration: u32::MAX,
            ..r
        }),
        ("previous-cmid", |r| RequestBody {
            previous_cmid: Guid::random([0x5a; 16]),
            ..r
        }),
        ("previous-cmid-ones", |r| RequestBody {
            previous_cmid: Guid::from_u128(u128::MAX),
            ..r
        }),
    ]
}

fn free_names_and_thresholds() -> Vec<(&'static str, Change)> {
    vec![
        ("workstation-empty", |r| RequestBody {
            workstation: WorkstationName::default(),
            ..r
        }),
        ("workstation-1", |r| RequestBody {
            workstation: name(1),
            ..r
        }),
        ("workstation-62", |r| RequestBody {
            workstation: name(62),
            ..r
        }),
        ("workstation-63", |r| RequestBody {
            workstation: name(63),
            ..r
        }),
        ("workstation-not-ascii", |r| RequestBody {
            workstation: WorkstationName::new("b\u{fc}ro-\u{1f5a5}").unwrap_or_default(),
            ..r
        }),
        ("n-policy-1", |r| RequestBody { n_policy: 1, ..r }),
        ("n-policy-25", |r| RequestBody { n_policy: 25, ..r }),
    ]
}

fn name(len: usize) -> WorkstationName {
    WorkstationName::new(&"w".repeat(len)).unwrap_or_default()
}

/// These units, then zeros.
fn padded(units: &[u16]) -> [u16; WorkstationName::UNITS] {
    let mut padded = [0; WorkstationName::UNITS];
    padded[..units.len()].copy_from_slice(units);
    padded
}

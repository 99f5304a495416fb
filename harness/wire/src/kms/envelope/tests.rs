use arbitrary::Unstructured;
use arbtest::arbtest;

use super::*;
use crate::crypto::sha256;
use crate::filetime::FileTime;
use crate::guid::Guid;
use crate::keys::{KeyMaterial, KeySet, Slot};
use crate::kms::verify::{self, ResponseChecks, Violation};
use crate::kms::{
    Epid, LicenseStatus, ProtocolVersion, RequestBody, ResponseBody, Version, WorkstationName, ids,
};

const HARDWARE_ID: [u8; 8] = *b"hardware";
const SALTS: Salts = Salts {
    random: [0x11; 16],
    iv: [0x22; 16],
};

fn request_body(version: Version) -> RequestBody {
    RequestBody {
        version: version.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 43_200,
        application_id: ids::WINDOWS,
        activation_id: Guid::random([1; 16]),
        counted_id: Guid::random([2; 16]),
        cmid: Guid::random([3; 16]),
        n_policy: 25,
        client_time: FileTime(134_398_416_170_000_000),
        previous_cmid: Guid::NIL,
        workstation: WorkstationName::new("lab-client").unwrap(),
    }
}

/// Of every length modulo 16 that matters, this one leaves version 6 with ten bytes of padding.
fn epid() -> Vec<u8> {
    let text = "99999-00206-000-000000-03-1033-9600.0000-0012026";
    text.parse::<Epid>().unwrap().to_wire()
}

fn any_request(u: &mut Unstructured<'_>) -> arbitrary::Result<RequestBody> {
    Ok(RequestBody {
        version: u.arbitrary::<Version>()?.protocol(),
        ..u.arbitrary()?
    })
}

fn rules(violations: &[Violation]) -> Vec<&'static str> {
    violations.iter().map(|violation| violation.rule).collect()
}

#[test]
fn any_request_opens_to_what_was_sealed() {
    let keys = KeySet::lab();
    arbtest(|u| {
        let (body, iv, mut out) = (any_request(u)?, u.arbitrary()?, vec![0xee; 3]);
        let sent = seal_request(&keys, &body, iv, &mut out);
        let opened = open_request(&keys, &out[3..]).unwrap();
        assert_eq!(opened, sent);
        assert_eq!(opened.body, body);
        assert!(opened.checks.all_hold());
        Ok(())
    });
}

#[test]
fn any_honest_response_opens_to_what_was_sealed_and_every_proof_holds() {
    let keys = KeySet::lab();
    arbtest(|u| {
        let asked = any_request(u)?;
        let sent = seal_request(&keys, &asked, u.arbitrary()?, &mut Vec::new());
        let epid = u.arbitrary::<Epid>()?.to_wire();
        let body = ResponseBody::to_request(&asked, &epid, u.arbitrary()?);
        let mut salts = SALTS;
        salts.random = u.arbitrary()?;
        salts.iv[0] ^= u8::from(sent.iv == salts.iv);
        let mut out = Vec::new();
        seal_response(&keys, &sent, &body, u.arbitrary()?, &salts, &mut out);
        let mut scratch = Vec::new();
        let opened = open_response(&keys, &out, &mut scratch).unwrap();
        assert_eq!(opened.body, body);
        assert_eq!(verify::response(&sent, &opened), []);
        assert!(ResponseChecks::of(&sent, &opened).all_hold());
        Ok(())
    });
}

#[test]
fn a_response_is_taken_for_authentic_with_no_bit_flipped_only() {
    let (keys, epid, mut scratch) = (KeySet::lab(), epid(), Vec::new());
    for version in Version::ALL {
        let asked = request_body(version);
        let sent = seal_request(&keys, &asked, [7; 16], &mut Vec::new());
        let body = ResponseBody::to_request(&asked, &epid, 50);
        let mut message = Vec::new();
        seal_response(&keys, &sent, &body, HARDWARE_ID, &SALTS, &mut message);
        for bit in 0..message.len() * 8 {
            message[bit / 8] ^= 1 << (bit % 8);
            if let Ok(opened) = open_response(&keys, &message, &mut scratch) {
                let violations = verify::response(&sent, &opened);
                assert!(!violations.is_empty(), "{version}, bit {bit}: {opened:?}");
            }
            message[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[test]
fn every_prefix_is_an_error() {
    let (keys, epid, mut scratch) = (KeySet::lab(), epid(), Vec::new());
    for version in Version::ALL {
        let (asked, mut message) = (request_body(version), Vec::new());
        let sent = seal_request(&keys, &asked, [7; 16], &mut message);
        for len in 0..message.len() {
            assert!(open_request(&keys, &message[..len]).is_err(), "{len}");
        }
        message.clear();
        let body = ResponseBody::to_request(&asked, &epid, 50);
        seal_response(&keys, &sent, &body, HARDWARE_ID, &SALTS, &mut message);
        for len in 0..message.len() {
            let opened = open_response(&keys, &message[..len], &mut scratch);
            assert!(opened.is_err(), "{version}, {len}: {opened:?}");
        }
    }
}

#[test]
fn any_bytes_open_without_a_panic() {
    let keys = KeySet::lab();
    let sent = seal_request(&keys, &request_body(Version::V6), [7; 16], &mut Vec::new());
    arbtest(|u| {
        let mut message = u.arbitrary::<ProtocolVersion>()?.to_le_bytes().to_vec();
        message[2] &= 7;
        message[3] = 0;
        message.extend_from_slice(u.arbitrary()?);
        if u.arbitrary()? {
            message.resize(if message[2] < 5 { 252 } else { 260 }, 0x5a);
        }
        if let Ok(opened) = open_request(&keys, &message) {
            let _ = verify::request(&opened);
        }
        let mut scratch = Vec::new();
        if let Ok(opened) = open_response(&keys, &message, &mut scratch) {
            let _ = verify::response(&sent, &opened);
            let _ = ResponseChecks::of(&sent, &opened);
        }
        Ok(())
    });
}

#[test]
fn another_key_opens_nothing_but_v4() {
    let material = KeyMaterial {
        v4_mac_key: [1; 20].into(),
        v5_aes_key: [1; 16].into(),
        v6_aes_key: [1; 16].into(),
        ..KeyMaterial::lab()
    };
    let (lab, other) = (KeySet::lab(), KeySet::new(&material));
    for version in [Version::V5, Version::V6] {
        let (mut message, mut scratch) = (Vec::new(), Vec::new());
        let sent = seal_request(&other, &request_body(version), [7; 16], &mut message);
        let error = open_request(&lab, &message).unwrap_err();
        let text = format!("cannot open {version} request: padding");
        assert_eq!(error.to_string(), text);
        message.clear();
        let epid = epid();
        let body = ResponseBody::to_request(&sent.body, &epid, 50);
        seal_response(&other, &sent, &body, HARDWARE_ID, &SALTS, &mut message);
        let error = open_response(&lab, &message, &mut scratch).unwrap_err();
        let text = format!("cannot open {version} response: padding");
        assert_eq!(error.to_string(), text);
    }
    let mut message = Vec::new();
    seal_request(&other, &request_body(Version::V4), [0; 16], &mut message);
    let opened = open_request(&lab, &message).unwrap();
    assert_eq!(rules(&verify::request(&opened)), [verify::V4_MAC]);
}

/// What is done to an honest request, and the rules it then breaks.
type RequestFault = (
    &'static str,
    Version,
    fn(&mut RequestParts<'_>),
    &'static [&'static str],
);

const REQUEST_FAULTS: &[RequestFault] = &[
    ("nothing", Version::V6, |_| {}, &[]),
    (
        "mac",
        Version::V4,
        |p| p.mac = Mac::Xored([1; 16]),
        &[verify::V4_MAC],
    ),
    (
        "given mac",
        Version::V4,
        |p| p.mac = Mac::Given([0; 16]),
        &[verify::V4_MAC],
    ),
    (
        "padding",
        Version::V5,
        |p| p.padding = Padding::Given(&[0; 4]),
        &[verify::PADDING],
    ),
    (
        "outer version",
        Version::V6,
        |p| p.version.minor = 1,
        &[verify::VERSION_AGREES],
    ),
    (
        "vm flag",
        Version::V6,
        |p| change(p, |b| b.is_client_vm = 2),
        &[verify::VM_FLAG_RANGE],
    ),
    (
        "status",
        Version::V5,
        |p| change(p, |b| b.license_status = LicenseStatus(7)),
        &[verify::LICENSE_STATUS_RANGE],
    ),
    (
        "cmid",
        Version::V4,
        |p| change(p, |b| b.cmid = Guid::NIL),
        &[verify::CMID_V4],
    ),
    (
        "name",
        Version::V6,
        |p| change(p, |b| b.workstation = WorkstationName::from_units([1; 64])),
        &[verify::WORKSTATION_TERMINATED],
    ),
];

fn change(parts: &mut RequestParts<'_>, change: fn(&mut RequestBody)) {
    if let Content::Fields(body) = &mut parts.body {
        change(body);
    }
}

#[test]
fn each_fault_of_a_request_breaks_its_rule_alone() {
    let keys = KeySet::lab();
    for (name, version, fault, expected) in REQUEST_FAULTS {
        let mut parts = RequestParts::honest(request_body(*version), [7; 16]);
        fault(&mut parts);
        let mut message = Vec::new();
        parts.seal(&keys, &mut message);
        let opened = open_request(&keys, &message).unwrap();
        assert_eq!(rules(&verify::request(&opened)), *expected, "{name}");
    }
}

#[test]
fn requests_of_other_lengths_are_refused_by_size() {
    let keys = KeySet::lab();
    for (version, padding, got) in [
        (Version::V5, &[20; 20][..], 276),
        (Version::V6, &[][..], 256),
    ] {
        let mut parts = RequestParts::honest(request_body(version), [7; 16]);
        parts.padding = Padding::Given(padding);
        let mut message = Vec::new();
        parts.seal(&keys, &mut message);
        let (layout, expected) = (version, ENCRYPTED_REQUEST_SIZE);
        let size = OpenError::RequestSize {
            layout,
            expected,
            got,
        };
        assert_eq!(open_request(&keys, &message), Err(size));
    }
}

/// What is done to an honest response, and the rules it then breaks.
type ResponseFault = (
    &'static str,
    Version,
    fn(&mut ResponseParts<'_>),
    &'static [&'static str],
);

const RESPONSE_FAULTS: &[ResponseFault] = &[
    ("nothing in v4", Version::V4, |_| {}, &[]),
    ("nothing in v5", Version::V5, |_| {}, &[]),
    ("nothing in v6", Version::V6, |_| {}, &[]),
    (
        "v4 mac",
        Version::V4,
        |p| p.mac = Mac::Xored([1; 16]),
        &[verify::V4_MAC],
    ),
    (
        "v5 iv",
        Version::V5,
        |p| p.iv = [8; 16],
        &[verify::V5_IV_ECHO],
    ),
    ("v5 x", Version::V5, |p| p.x = [8; 16], &[verify::V5_HASH]),
    (
        "v5 hash",
        Version::V5,
        |p| p.hash = sha256(b""),
        &[verify::V5_HASH],
    ),
    (
        "v6 iv",
        Version::V6,
        |p| p.iv = [7; 16],
        &[verify::V6_IV_FRESH],
    ),
    (
        "v6 hash",
        Version::V6,
        |p| p.hash = sha256(b""),
        &[verify::V6_HASH],
    ),
    (
        "v6 iv proof",
        Version::V6,
        |p| p.iv_proof = [8; 16],
        &[verify::V6_IV_PROOF],
    ),
    (
        "v6 mac",
        Version::V6,
        |p| p.mac = Mac::Xored([1; 16]),
        &[verify::V6_HMAC],
    ),
    (
        "v6 slot before",
        Version::V6,
        |p| p.mac_slot = Slot::Before,
        &[],
    ),
    (
        "v6 slot after",
        Version::V6,
        |p| p.mac_slot = Slot::After,
        &[],
    ),
    (
        "v6 two slots after",
        Version::V6,
        |p| {
            p.mac_time = Some(
                request_body(Version::V6)
                    .client_time
                    .plus(2 * 144_000_000_000),
            );
        },
        &[verify::V6_HMAC],
    ),
    (
        "padding",
        Version::V6,
        |p| p.padding = Padding::Given(&[0; 10]),
        &[verify::PADDING],
    ),
    (
        "a block too much",
        Version::V6,
        |p| {
            p.padding = Padding::Given(&[
                0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16, 16,
                16, 16, 16,
            ]);
        },
        &[verify::SIZE],
    ),
    (
        "outer version",
        Version::V6,
        |p| p.version.minor = 1,
        &[verify::VERSION_AGREES, verify::ECHO_VERSION],
    ),
    (
        "inner version",
        Version::V5,
        |p| answer(p, |b| b.version.minor = 1),
        &[verify::VERSION_AGREES, verify::ECHO_VERSION],
    ),
    (
        "v4 version",
        Version::V4,
        |p| answer(p, |b| b.version.minor = 1),
        &[verify::ECHO_VERSION],
    ),
    (
        "cmid",
        Version::V6,
        |p| answer(p, |b| b.cmid = Guid::NIL),
        &[verify::ECHO_CMID],
    ),
    (
        "time",
        Version::V4,
        |p| answer(p, |b| b.client_time = FileTime(1)),
        &[verify::ECHO_TIME],
    ),
    (
        "v6 time",
        Version::V6,
        |p| answer(p, |b| b.client_time = FileTime(1)),
        &[verify::ECHO_TIME],
    ),
    (
        "activation interval",
        Version::V5,
        |p| answer(p, |b| b.activation_interval = 14),
        &[verify::INTERVALS_RANGE],
    ),
    (
        "both intervals",
        Version::V6,
        |p| {
            answer(p, |b| {
                (b.activation_interval, b.renewal_interval) = (0, 43_201);
            });
        },
        &[verify::INTERVALS_RANGE, verify::INTERVALS_RANGE],
    ),
    (
        "odd pid",
        Version::V6,
        |p| answer(p, |b| *b = b.with_epid(b"1\x002\x00\x00")),
        &[verify::PID_SIZE, verify::PID_TERMINATED],
    ),
    (
        "no terminator",
        Version::V6,
        |p| answer(p, |b| *b = b.with_epid(b"1\x002\x00")),
        &[verify::PID_TERMINATED],
    ),
    (
        "inner zero",
        Version::V4,
        |p| answer(p, |b| *b = b.with_epid(b"1\x00\x00\x00\x00\x00")),
        &[verify::PID_TERMINATED],
    ),
    (
        "no pid grammar",
        Version::V5,
        |p| answer(p, |b| *b = b.with_epid(b"1\x002\x00\x00\x00")),
        &[verify::PID_GRAMMAR],
    ),
];

fn answer(parts: &mut ResponseParts<'_>, change: fn(&mut ResponseBody<'_>)) {
    if let Content::Fields(body) = &mut parts.body {
        change(body);
    }
}

#[test]
fn each_fault_of_a_response_breaks_its_rule_alone() {
    let (keys, epid, mut scratch) = (KeySet::lab(), epid(), Vec::new());
    for (name, version, fault, expected) in RESPONSE_FAULTS {
        let asked = request_body(*version);
        let sent = seal_request(&keys, &asked, [7; 16], &mut Vec::new());
        let body = ResponseBody::to_request(&asked, &epid, 50);
        let mut parts = ResponseParts::honest(&sent, body, HARDWARE_ID, &SALTS);
        fault(&mut parts);
        let mut message = Vec::new();
        parts.seal(&keys, &mut message);
        let opened = open_response(&keys, &message, &mut scratch).unwrap();
        let violations = verify::response(&sent, &opened);
        assert_eq!(rules(&violations), *expected, "{name}: {violations:?}");
        for violation in violations {
            assert!(violation.at < message.len(), "{name}: {violation}");
        }
    }
}

#[test]
fn a_violation_says_where_and_what() {
    let (keys, epid, mut scratch) = (KeySet::lab(), epid(), Vec::new());
    let asked = request_body(Version::V6);
    let sent = seal_request(&keys, &asked, [7; 16], &mut Vec::new());
    let mut body = ResponseBody::to_request(&asked, &epid, 50);
    body.renewal_interval = 1;
    let mut message = Vec::new();
    seal_response(&keys, &sent, &body, HARDWARE_ID, &SALTS, &mut message);
    let opened = open_response(&keys, &message, &mut scratch).unwrap();
    assert_eq!(
        verify::response(&sent, &opened)[0].to_string(),
        "message.intervals-range: renewal_interval at byte 0x009e: expected 15 to 43200 minutes, got 1"
    );
}

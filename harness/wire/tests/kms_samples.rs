//! Messages that other implementations wrote, opened field by field. The key set is the lab's.

use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{self, OpenedRequest, Proof, RequestParts, ResponseParts, Salts};
use kmspec_wire::kms::verify::{self, ResponseChecks};
use kmspec_wire::kms::{ProtocolVersion, Version, ids};

/// The bytes of a sample: a comment that says where it is from, then hex.
macro_rules! sample {
    ($name:literal) => {
        unhex(include_str!(concat!("samples/", $name, ".hex")))
    };
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::chars)
        .map(|c| u8::try_from(c.to_digit(16).unwrap()).unwrap())
        .collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    assert!(rest.is_empty());
    pairs.iter().map(|[high, low]| high << 4 | low).collect()
}

fn request(bytes: &[u8]) -> OpenedRequest {
    envelope::open_request(&KeySet::lab(), bytes).unwrap()
}

fn failed(checks: impl Iterator<Item = (&'static str, bool)>) -> Vec<&'static str> {
    checks
        .filter_map(|(name, holds)| (!holds).then_some(name))
        .collect()
}

#[test]
fn exchanges_of_both_implementations_break_no_rule_and_seal_to_the_same_bytes() {
    let keys = KeySet::lab();
    for (name, asked, answered) in [
        ("v4", sample!("v4.request"), sample!("v4.response")),
        (
            "v4, full last block",
            sample!("v4-full-block.request"),
            sample!("v4-full-block.response"),
        ),
        ("v5", sample!("v5.request"), sample!("v5.response")),
        ("v6", sample!("v6.request"), sample!("v6.response")),
        (
            "py-kms v4",
            sample!("pykms-v4.request"),
            sample!("pykms-v4.response"),
        ),
        (
            "py-kms v5",
            sample!("pykms-v5.request"),
            sample!("pykms-v5.response"),
        ),
        (
            "py-kms v6",
            sample!("pykms-v6.request"),
            sample!("pykms-v6.response"),
        ),
    ] {
        let opened = request(&asked);
        assert_eq!(verify::request(&opened), [], "{name}");
        assert!(opened.checks.all_hold(), "{name}");
        let mut again = Vec::new();
        let sent = envelope::seal_request(&keys, &opened.body, opened.iv, &mut again);
        assert_eq!(again, asked, "{name}");
        assert_eq!(sent, opened, "{name}");

        let mut scratch = Vec::new();
        let response = envelope::open_response(&keys, &answered, &mut scratch).unwrap();
        assert_eq!(verify::response(&opened, &response), [], "{name}");
        assert!(ResponseChecks::of(&opened, &response).all_hold(), "{name}");
        let mut random = [0; 16];
        if let Proof::V5 { x, .. } | Proof::V6 { x, .. } = response.proof {
            random = kmspec_wire::crypto::xor(x, opened.decrypted_iv);
        }
        let salts = Salts {
            random,
            iv: response.iv,
        };
        let hardware_id = response.hardware_id().unwrap_or_default();
        let parts = ResponseParts::honest(&opened, response.body, hardware_id, &salts);
        again.clear();
        parts.seal(&keys, &mut again);
        assert_eq!(again, answered, "{name}");
    }
}

#[test]
fn the_fields_are_those_an_independent_decoder_read() {
    let opened = request(&sample!("v4.request"));
    let body = opened.body;
    assert_eq!(body.version, Version::V4.protocol());
    assert_eq!(body.application_id, ids::WINDOWS);
    assert_eq!(
        body.cmid.to_string(),
        "dd858b6c-992d-4299-9292-e2cffcd29863"
    );
    assert_eq!((body.n_policy, body.binding_expiration), (25, 43_200));
    assert_eq!(body.client_time.0, 134_398_416_170_000_000);
    assert_eq!(body.workstation.to_string(), "lab-client-v4");

    let mut scratch = Vec::new();
    let bytes = sample!("v6.response");
    let response = envelope::open_response(&KeySet::lab(), &bytes, &mut scratch).unwrap();
    let epid = kmspec_wire::kms::Epid::from_wire(response.body.epid).unwrap();
    assert_eq!(
        epid.to_string(),
        "55041-00206-554-961344-03-9225-6002.0000-3492018"
    );
    assert_eq!(
        response.hardware_id(),
        Some([0x3a, 0x1c, 0x04, 0x96, 0x00, 0xb6, 0x00, 0x76])
    );
    assert_eq!(
        (response.body.count, response.body.activation_interval),
        (50, 120)
    );
}

#[test]
fn odd_requests_are_opened_and_their_failed_checks_named() {
    for (name, bytes, workstation, version, expected) in [
        (
            "wrong MAC",
            sample!("wrong-mac.request"),
            "probe-wrong-mac",
            (4, 0),
            vec!["request_mac"],
        ),
        (
            "inner 5",
            sample!("inner-5.request"),
            "probe-inner-5",
            (5, 0),
            vec!["request_inner_version"],
        ),
        (
            "3.0",
            sample!("unknown-3.0.request"),
            "version-3.0",
            (3, 0),
            vec!["request_version_known"],
        ),
        (
            "7.0",
            sample!("unknown-7.0.request"),
            "version-7.0",
            (7, 0),
            vec!["request_version_known"],
        ),
        (
            "6.1",
            sample!("minor-6.1.request"),
            "version-6.1",
            (6, 1),
            vec![],
        ),
    ] {
        let opened = request(&bytes);
        assert_eq!(opened.body.workstation.to_string(), workstation, "{name}");
        let (major, minor) = version;
        assert_eq!(
            opened.body.version,
            ProtocolVersion { major, minor },
            "{name}"
        );
        assert_eq!(failed(opened.checks.named()), expected, "{name}");
        let mut parts = RequestParts::honest(opened.body, opened.iv);
        (parts.layout, parts.version) = (opened.layout, opened.version);
        if let Some(mac) = opened.mac {
            parts.mac = envelope::Mac::Given(mac.got);
        }
        let mut again = Vec::new();
        parts.seal(&KeySet::lab(), &mut again);
        assert_eq!(again, bytes, "{name}");
    }
}

#[test]
fn an_inner_version_that_differs_leaves_the_outer_ones_checks() {
    let asked = request(&sample!("inner-5.request"));
    let mut scratch = Vec::new();
    let bytes = sample!("inner-5.response");
    let response = envelope::open_response(&KeySet::lab(), &bytes, &mut scratch).unwrap();
    let checks = ResponseChecks::of(&asked, &response);
    assert_eq!(failed(checks.named()), ["response_inner_version"]);
    let mut names: Vec<_> = checks.named().map(|(name, _)| name).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "cmid_echo",
            "epid_form",
            "hmac",
            "iv_fresh",
            "response_inner_version",
            "response_padding",
            "response_size",
            "salt_hash",
            "time_echo",
            "version_echo",
            "xored_iv"
        ]
    );
}

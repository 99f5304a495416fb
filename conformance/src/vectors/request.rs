//! Requests in their envelopes.

use kmspec_wire::crypto::Block;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::{KeyMaterial, KeySet};
use kmspec_wire::kms::envelope::{Content, Mac, Padding, RequestParts};
use kmspec_wire::kms::{LicenseStatus, ProtocolVersion, RequestBody, Version, WorkstationName};

use super::sample::{block, name, octets, request};
use super::{Book, Fields, Group, Value, Verdict};

/// Requests of every version: good ones, and ones with a single defect.
pub(super) fn book() -> Book {
    let keys = KeySet::lab();
    let groups = Version::ALL.map(|version| {
        let mut group = Group::new("RequestTest", keys_of(version));
        good(&mut group, &keys, version);
        boundaries(&mut group, &keys, version);
        odd(&mut group, &keys, version);
        match version {
            Version::V4 => wrong_mac(&mut group, &keys),
            Version::V5 | Version::V6 => wrong_envelope(&mut group, &keys, version),
        }
        wrong_size(&mut group, &keys, version);
        group
    });
    Book {
        name: "kms_request.json",
        algorithm: "KMS request",
        header: &[
            "message is a sealed request, body the 236 octets inside it. rules names what an invalid or acceptable request",
            "breaks; a host may answer an acceptable one.",
        ],
        notes: &[
            ("Plain", "What a client sends."),
            ("Boundary", "A field at the end of its range."),
            (
                "OutOfRange",
                "A field that clients never send; hosts need not look at it.",
            ),
            ("ModifiedMac", "The MAC is not what it should be."),
            (
                "ModifiedBody",
                "The body was changed after the MAC was made.",
            ),
            ("WrongPadding", "The padding is not PKCS#7."),
            ("InnerVersion", "The version inside is not the one outside."),
            (
                "WrongKey",
                "Sealed with another key; what opens is noise, so rules is empty.",
            ),
            (
                "UntweakedSchedule",
                "Sealed without changing the key schedule; what opens is noise, so rules is empty.",
            ),
            ("WrongSize", "Octets are missing, or there are too many."),
        ],
        groups: groups.into(),
    }
}

/// The keys of a version, by their places in a key set.
pub(super) fn keys_of(version: Version) -> Fields {
    let material = KeyMaterial::lab();
    let shared = Fields::default().with("keySet", "lab");
    match version {
        Version::V4 => shared
            .with("version", 4_u8)
            .with("key", &material.v4_mac_key[..]),
        Version::V5 => shared
            .with("version", 5_u8)
            .with("key", &material.v5_aes_key[..]),
        Version::V6 => {
            let tweaks = material.v6_round_key_xor.iter().map(|tweak| {
                Value::Fields(
                    Fields::default()
                        .with("round", tweak.round())
                        .with("byte", tweak.byte())
                        .with("value", tweak.value()),
                )
            });
            let tweaks: Vec<Value> = tweaks.collect();
            let time = material.v6_hmac_time;
            shared
                .with("version", 6_u8)
                .with("key", &material.v6_aes_key[..])
                .with("roundKeyXor", tweaks)
                .with("divisor", time.divisor.to_string().as_str())
                .with("multiplier", time.multiplier.to_string().as_str())
                .with("addend", time.addend.to_string().as_str())
        }
    }
}

fn good(group: &mut Group, keys: &KeySet, version: Version) {
    let plain = request(version);
    let iv = block("request IV");
    let mut add = |comment: &str, body| {
        let parts = RequestParts::honest(body, iv);
        group.add(
            Verdict::Valid,
            comment,
            &["Plain"],
            sealed(keys, &parts, &[]),
        );
    };
    add("a Windows client", plain);
    add(
        "a server",
        RequestBody {
            n_policy: 5,
            workstation: name("SERVER"),
            ..plain
        },
    );
    add(
        "a virtual machine",
        RequestBody {
            is_client_vm: 1,
            ..plain
        },
    );
    add(
        "with a previous CMID",
        RequestBody {
            previous_cmid: Guid::random(block("previous")),
            ..plain
        },
    );
}

/// Fields at the ends of their ranges.
fn boundaries(group: &mut Group, keys: &KeySet, version: Version) {
    let plain = request(version);
    let mut full = [u16::from(b'a'); WorkstationName::UNITS];
    full[WorkstationName::MAX_UNITS] = 0;
    let iv = block("request IV");
    let mut add = |comment: &str, body, iv| {
        let parts = RequestParts::honest(body, iv);
        let data = sealed(keys, &parts, &[]);
        group.add(Verdict::Valid, comment, &["Boundary"], data);
    };
    for status in [0, 1, 3, 4, 5, 6] {
        let comment = format!("license status {status}");
        add(
            &comment,
            RequestBody {
                license_status: LicenseStatus(status),
                ..plain
            },
            iv,
        );
    }
    add(
        "the longest name",
        RequestBody {
            workstation: WorkstationName::from_units(full),
            ..plain
        },
        iv,
    );
    add(
        "no name",
        RequestBody {
            workstation: name(""),
            ..plain
        },
        iv,
    );
    for time in [0, 1, 0x7fff_ffff_ffff_ffff, u64::MAX] {
        let comment = format!("client time {time}");
        add(
            &comment,
            RequestBody {
                client_time: FileTime(time),
                ..plain
            },
            iv,
        );
    }
    for number in [0, u32::MAX] {
        let comment = format!("N policy and binding expiration {number}");
        let body = RequestBody {
            n_policy: number,
            binding_expiration: number,
            ..plain
        };
        add(&comment, body, iv);
    }
    if version != Version::V4 {
        add("IV all zero", plain, Block::default());
        add("IV all ones", plain, [0xff; 16]);
    }
}

fn odd(group: &mut Group, keys: &KeySet, version: Version) {
    let plain = request(version);
    let mut behind = *name("client").units();
    behind[20] = 0x41;
    let unterminated = WorkstationName::from_units([0x41; WorkstationName::UNITS]);
    let mut add = |comment: &str, rule: &str, body| {
        let parts = RequestParts::honest(body, block("request IV"));
        group.add(
            Verdict::Acceptable,
            comment,
            &["OutOfRange"],
            sealed(keys, &parts, &[rule]),
        );
    };
    for flag in [2, u32::MAX] {
        let comment = format!("VM flag {flag}");
        add(
            &comment,
            "message.vm-flag-range",
            RequestBody {
                is_client_vm: flag,
                ..plain
            },
        );
    }
    for status in [7, u32::MAX] {
        let comment = format!("license status {status}");
        let body = RequestBody {
            license_status: LicenseStatus(status),
            ..plain
        };
        add(&comment, "message.license-status-range", body);
    }
    add(
        "nil CMID",
        "message.cmid-v4",
        RequestBody {
            cmid: Guid::NIL,
            ..plain
        },
    );
    add(
        "CMID that is not random",
        "message.cmid-v4",
        RequestBody {
            cmid: Guid::from_u128(1),
            ..plain
        },
    );
    for (comment, workstation) in [
        ("name without terminator", unterminated),
        (
            "text behind the name's terminator",
            WorkstationName::from_units(behind),
        ),
    ] {
        add(
            comment,
            "message.workstation-terminated",
            RequestBody {
                workstation,
                ..plain
            },
        );
    }
}

fn wrong_mac(group: &mut Group, keys: &KeySet) {
    let honest = RequestParts::honest(request(Version::V4), Block::default());
    let rule = &["crypto.v4-mac"];
    for (comment, at, bits) in [("first", 0, 0x80), ("ninth", 8, 0x10), ("last", 15, 0x01)] {
        let mut mask = Block::default();
        mask[at] = bits;
        let parts = RequestParts {
            mac: Mac::Xored(mask),
            ..honest
        };
        let comment = format!("MAC changed in its {comment} octet or bit");
        group.add(
            Verdict::Invalid,
            comment,
            &["ModifiedMac"],
            sealed(keys, &parts, rule),
        );
    }
    for (comment, mac) in [
        ("MAC all zero", [0; 16]),
        ("MAC all ones", [0xff; 16]),
        ("MAC of chance", block("MAC")),
    ] {
        let parts = RequestParts {
            mac: Mac::Given(mac),
            ..honest
        };
        group.add(
            Verdict::Invalid,
            comment,
            &["ModifiedMac"],
            sealed(keys, &parts, rule),
        );
    }
    for (comment, at) in [
        ("binding expiration", 12),
        ("activation id", 32),
        ("N policy", 80),
        ("client time", 84),
        ("name", 108),
    ] {
        let mut message = Vec::new();
        honest.seal(keys, &mut message);
        message[at] ^= 1;
        let body = message[..RequestBody::SIZE].to_vec();
        let data = named(&message, rule).with("body", body.as_slice());
        group.add(
            Verdict::Invalid,
            format!("{comment} changed"),
            &["ModifiedBody"],
            data,
        );
    }
}

fn wrong_envelope(group: &mut Group, keys: &KeySet, version: Version) {
    let honest = RequestParts::honest(request(version), block("request IV"));
    for padding in [
        [4, 4, 4, 3],
        [3, 4, 4, 4],
        [0; 4],
        [1; 4],
        [5; 4],
        [0, 0, 0, 4],
        [0, 0, 0, 1],
        [0xff; 4],
    ] {
        let parts = RequestParts {
            padding: Padding::Given(&padding),
            ..honest
        };
        let comment = format!("padding {padding:02x?}");
        group.add(
            Verdict::Invalid,
            comment,
            &["WrongPadding"],
            sealed(keys, &parts, &["crypto.padding"]),
        );
    }
    let other = if version == Version::V5 {
        Version::V6
    } else {
        Version::V5
    };
    let third = ProtocolVersion {
        minor: 1,
        ..version.protocol()
    };
    for inner in [other.protocol(), Version::V4.protocol(), third] {
        let body = RequestBody {
            version: inner,
            ..request(version)
        };
        let parts = RequestParts {
            body: Content::Fields(body),
            ..honest
        };
        let comment = format!("version {inner} inside");
        group.add(
            Verdict::Invalid,
            comment,
            &["InnerVersion"],
            sealed(keys, &parts, &["message.version-agrees"]),
        );
    }
    let wrong = RequestParts {
        layout: other,
        ..honest
    };
    let data = noise(keys, &wrong);
    group.add(
        Verdict::Invalid,
        "sealed with the key of the other version",
        &["WrongKey"],
        data,
    );
    if version == Version::V6 {
        let untweaked = KeySet::new(&KeyMaterial {
            v6_round_key_xor: Vec::new(),
            ..KeyMaterial::lab()
        });
        group.add(
            Verdict::Invalid,
            "key schedule not changed",
            &["UntweakedSchedule"],
            noise(&untweaked, &honest),
        );
    }
}

fn wrong_size(group: &mut Group, keys: &KeySet, version: Version) {
    let mut message = Vec::new();
    RequestParts::honest(request(version), block("request IV")).seal(keys, &mut message);
    let whole = message.len();
    for len in [4, 20, 230, whole - 16, whole - 1, whole + 1, whole + 16] {
        let mut cut = message.clone();
        cut.extend_from_slice(&octets("behind", 16));
        cut.truncate(len);
        let comment = format!("{len} octets");
        group.add(
            Verdict::Invalid,
            comment,
            &["WrongSize"],
            named(&cut, &["message.size"]),
        );
    }
}

fn sealed(keys: &KeySet, parts: &RequestParts<'_>, rules: &[&str]) -> Fields {
    let mut message = Vec::new();
    parts.seal(keys, &mut message);
    let body = match parts.body {
        Content::Fields(body) => body.to_bytes(),
        Content::Given(body) => body.to_vec(),
    };
    named(&message, rules).with("body", body.as_slice())
}

/// A message that opens to noise.
fn noise(keys: &KeySet, parts: &RequestParts<'_>) -> Fields {
    let mut message = Vec::new();
    parts.seal(keys, &mut message);
    named(&message, &[])
}

fn named(message: &[u8], rules: &[&str]) -> Fields {
    let rules: Vec<Value> = rules.iter().map(|&rule| rule.into()).collect();
    Fields::default()
        .with("message", message)
        .with("rules", rules)
}

//! Responses in their envelopes, each to the same request of its version.

use kmspec_wire::crypto::{Block, xor};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::{KeyMaterial, KeySet, Slot};
use kmspec_wire::kms::envelope::{
    self, Content, Mac, OpenedRequest, Padding, ResponseParts, Salts,
};
use kmspec_wire::kms::{ProtocolVersion, ResponseBody, Version};

use super::request::keys_of;
use super::sample::{EPID, block, octets, request, utf16};
use super::{Book, Fields, Group, Value, Verdict};

const HARDWARE_ID: [u8; 8] = *b"LAB-HWID";

/// Responses of every version: good ones, and ones with a single defect.
pub(super) fn book() -> Book {
    let groups = Version::ALL.map(|version| Answers::new(version).group());
    Book {
        name: "kms_response.json",
        algorithm: "KMS response",
        header: &[
            "message is a sealed response to request, which is the same in a whole group; body is what is inside it. rules",
            "names what an invalid or acceptable response breaks; a client may take an acceptable one.",
        ],
        notes: &[
            ("Plain", "What a host answers."),
            ("Boundary", "A field at the end of its range."),
            (
                "NeighbourSlot",
                "The MAC was made in the slot before or after that of the time.",
            ),
            (
                "OutOfRange",
                "A field out of its range, which does not show a forgery.",
            ),
            ("Echo", "A field that should be the request's is not."),
            (
                "EpidForm",
                "The ePID is not a terminated text of a lawful size.",
            ),
            ("ModifiedMac", "The MAC is not what it should be."),
            (
                "ModifiedHash",
                "X and H do not belong together, or X not to the request.",
            ),
            (
                "WrongIv",
                "The IV is not the request's in version 5, or is in version 6, or its proof is wrong.",
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

/// The tests of one version.
struct Answers {
    version: Version,
    keys: KeySet,
    request: OpenedRequest,
    epid: Vec<u8>,
    group: Group,
}

impl Answers {
    fn new(version: Version) -> Self {
        let keys = KeySet::lab();
        let mut message = Vec::new();
        let body = request(version);
        let request = envelope::seal_request(&keys, &body, block("request IV"), &mut message);
        let shared = keys_of(version).with("request", message.as_slice());
        Self {
            version,
            keys,
            request,
            epid: utf16(EPID),
            group: Group::new("ResponseTest", shared),
        }
    }

    fn group(mut self) -> Group {
        self.good();
        self.epids();
        self.out_of_range();
        self.echoes();
        match self.version {
            Version::V4 => self.macs("crypto.v4-mac"),
            Version::V5 => {
                self.hashes("crypto.v5-hash");
                self.other_iv();
            }
            Version::V6 => {
                self.hashes("crypto.v6-hash");
                self.macs("crypto.v6-hmac");
                self.slots();
                self.same_iv();
            }
        }
        if self.version != Version::V4 {
            self.paddings();
            self.versions();
            self.keys();
        }
        self.sizes();
        self.group
    }

    fn body(&self) -> ResponseBody<'_> {
        ResponseBody::to_request(&self.request.body, &self.epid, 50)
    }

    fn parts<'a>(&self, body: ResponseBody<'a>) -> ResponseParts<'a> {
        let salts = Salts {
            random: block("random"),
            iv: block("response IV"),
        };
        ResponseParts::honest(&self.request, body, HARDWARE_ID, &salts)
    }

    fn sealed(&self, parts: &ResponseParts<'_>, rules: &[&str]) -> Fields {
        let mut message = Vec::new();
        parts.seal(&self.keys, &mut message);
        let body = match parts.body {
            Content::Fields(body) => body.to_bytes(),
            Content::Given(body) => body.to_vec(),
        };
        named(&message, rules).with("body", body.as_slice())
    }

    /// A response that is wrong in one thing.
    fn invalid(
        &mut self,
        comment: impl Into<String>,
        flag: &'static str,
        parts: &ResponseParts<'_>,
        rules: &[&str],
    ) {
        let data = self.sealed(parts, rules);
        self.group.add(Verdict::Invalid, comment, &[flag], data);
    }

    fn good(&mut self) {
        let plain = self.parts(self.body());
        let mut tests = vec![("a host".to_owned(), "Plain", self.sealed(&plain, &[]))];
        for count in [0, 1, u32::MAX] {
            let parts = self.parts(ResponseBody {
                count,
                ..self.body()
            });
            tests.push((
                format!("count {count}"),
                "Boundary",
                self.sealed(&parts, &[]),
            ));
        }
        for minutes in [15, 43_200] {
            let body = ResponseBody {
                activation_interval: minutes,
                renewal_interval: minutes,
                ..self.body()
            };
            let comment = format!("intervals of {minutes} minutes");
            tests.push((comment, "Boundary", self.sealed(&self.parts(body), &[])));
        }
        for text in [
            "99999-00206-000-000000-03-1-7600.0000-3662024",
            "99999-00206-471-999999-03-16393-17763.9999-0011970",
        ] {
            let epid = utf16(text);
            let parts = self.parts(self.body().with_epid(&epid));
            tests.push((format!("ePID {text}"), "Boundary", self.sealed(&parts, &[])));
        }
        if self.version != Version::V4 {
            let d = self.request.decrypted_iv;
            for (comment, random) in [("R all zero", [0; 16]), ("R all ones", [0xff; 16])] {
                let parts = ResponseParts {
                    x: xor(random, d),
                    hash: kmspec_wire::crypto::sha256(&random),
                    ..self.parts(self.body())
                };
                tests.push((comment.to_owned(), "Boundary", self.sealed(&parts, &[])));
            }
        }
        for (comment, flag, data) in tests {
            self.group.add(Verdict::Valid, comment, &[flag], data);
        }
    }

    fn epids(&mut self) {
        let text = |units: usize| -> Vec<u8> { [0x39, 0].repeat(units) };
        let terminated = |units| [text(units), vec![0, 0]].concat();
        let inner = [text(4), vec![0, 0], text(4), vec![0, 0]].concat();
        for (comment, epid, rule) in [
            ("ePID of 2 octets", terminated(0), "message.pid-size"),
            ("ePID of 130 octets", terminated(64), "message.pid-size"),
            (
                "ePID without terminator",
                text(40),
                "message.pid-terminated",
            ),
            ("ePID with an inner zero", inner, "message.pid-terminated"),
        ] {
            let data = self.sealed(&self.parts(self.body().with_epid(&epid)), &[rule]);
            self.group
                .add(Verdict::Invalid, comment, &["EpidForm"], data);
        }
        for (comment, epid) in [
            ("ePID of 4 octets", terminated(1)),
            ("ePID of 128 octets", terminated(63)),
            (
                "ePID on day 367",
                utf16("99999-00206-000-000000-03-1033-17763.0000-3672026"),
            ),
        ] {
            let data = self.sealed(
                &self.parts(self.body().with_epid(&epid)),
                &["message.pid-grammar"],
            );
            self.group
                .add(Verdict::Acceptable, comment, &["OutOfRange"], data);
        }
    }

    fn out_of_range(&mut self) {
        for minutes in [0, 14, 43_201, u32::MAX] {
            let activation = ResponseBody {
                activation_interval: minutes,
                ..self.body()
            };
            let renewal = ResponseBody {
                renewal_interval: minutes,
                ..self.body()
            };
            let tests = [("activation", activation), ("renewal", renewal)].map(|(which, body)| {
                let comment = format!("{which} interval of {minutes} minutes");
                (
                    comment,
                    self.sealed(&self.parts(body), &["message.intervals-range"]),
                )
            });
            for (comment, data) in tests {
                self.group
                    .add(Verdict::Acceptable, comment, &["OutOfRange"], data);
            }
        }
    }

    fn echoes(&mut self) {
        let epid = self.epid.clone();
        let body = ResponseBody::to_request(&self.request.body, &epid, 50);
        for (comment, cmid) in [
            ("nil", Guid::NIL),
            ("another", Guid::random(block("another"))),
        ] {
            let parts = self.parts(ResponseBody { cmid, ..body });
            self.invalid(
                format!("{comment} CMID"),
                "Echo",
                &parts,
                &["message.echo-cmid"],
            );
        }
        for time in [0, body.client_time.0 + 1, body.client_time.0 ^ (1 << 32)] {
            let parts = self.parts(ResponseBody {
                client_time: FileTime(time),
                ..body
            });
            self.invalid(
                format!("client time {time}"),
                "Echo",
                &parts,
                &["message.echo-time"],
            );
        }
    }

    fn macs(&mut self, rule: &str) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        for (comment, at, bits) in [("first", 0, 0x80), ("last", 15, 0x01)] {
            let mut mask = Block::default();
            mask[at] = bits;
            let parts = ResponseParts {
                mac: Mac::Xored(mask),
                ..honest
            };
            self.invalid(
                format!("{comment} bit of the MAC changed"),
                "ModifiedMac",
                &parts,
                &[rule],
            );
        }
        for (comment, mac) in [("MAC all zero", [0; 16]), ("MAC of chance", block("MAC"))] {
            let parts = ResponseParts {
                mac: Mac::Given(mac),
                ..honest
            };
            self.invalid(comment, "ModifiedMac", &parts, &[rule]);
        }
    }

    fn slots(&mut self) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        for (comment, mac_slot) in [("before", Slot::Before), ("after", Slot::After)] {
            let data = self.sealed(&ResponseParts { mac_slot, ..honest }, &[]);
            self.group.add(
                Verdict::Valid,
                format!("MAC of the slot {comment}"),
                &["NeighbourSlot"],
                data,
            );
        }
        let (now, slot) = (
            self.request.body.client_time.0,
            KeyMaterial::lab().v6_hmac_time.divisor,
        );
        for (comment, time) in [
            ("two slots before", now - 2 * slot),
            ("two slots after", now + 2 * slot),
            ("time 0", 0),
        ] {
            let parts = ResponseParts {
                mac_time: Some(FileTime(time)),
                ..honest
            };
            self.invalid(
                format!("MAC of {comment}"),
                "ModifiedMac",
                &parts,
                &["crypto.v6-hmac"],
            );
        }
    }

    fn hashes(&mut self, rule: &str) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        let mut hash = honest.hash;
        hash[31] ^= 1;
        let changed = ResponseParts { hash, ..honest };
        let mut x = honest.x;
        x[0] ^= 0x80;
        let bare = block("random");
        for (comment, parts) in [
            ("last bit of H changed", changed),
            (
                "H all zero",
                ResponseParts {
                    hash: [0; 32],
                    ..honest
                },
            ),
            ("first bit of X changed", ResponseParts { x, ..honest }),
            ("X is R itself", ResponseParts { x: bare, ..honest }),
            (
                "X xored with the IV as it travelled",
                ResponseParts {
                    x: xor(bare, self.request.iv),
                    ..honest
                },
            ),
            (
                "H of X",
                ResponseParts {
                    hash: kmspec_wire::crypto::sha256(&honest.x),
                    ..honest
                },
            ),
        ] {
            self.invalid(comment, "ModifiedHash", &parts, &[rule]);
        }
    }

    fn other_iv(&mut self) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        for (comment, iv) in [
            ("fresh IV", block("fresh")),
            ("IV all zero", Block::default()),
        ] {
            self.invalid(
                comment,
                "WrongIv",
                &ResponseParts { iv, ..honest },
                &["crypto.v5-iv-echo"],
            );
        }
    }

    fn same_iv(&mut self) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        let iv = self.request.iv;
        self.invalid(
            "IV of the request",
            "WrongIv",
            &ResponseParts { iv, ..honest },
            &["crypto.v6-iv-fresh"],
        );
        for (comment, iv_proof) in [
            ("S is the IV as it travelled", iv),
            ("S all zero", Block::default()),
            ("S of chance", block("S")),
        ] {
            self.invalid(
                comment,
                "WrongIv",
                &ResponseParts { iv_proof, ..honest },
                &["crypto.v6-iv-proof"],
            );
        }
    }

    fn paddings(&mut self) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        let proof = if self.version == Version::V6 { 88 } else { 48 };
        let len = 16 - (44 + epid.len() + proof) % 16;
        let right = vec![u8::try_from(len).unwrap_or_default(); len];
        let mut first = right.clone();
        first[0] ^= 1;
        let mut last = right.clone();
        last[len - 1] = 0;
        let mut more = right.clone();
        more[len - 1] = 17;
        for (comment, padding) in [
            ("first octet changed", &first),
            ("last octet 0", &last),
            ("last octet 17", &more),
            ("all zero", &vec![0; len]),
        ] {
            if len == 1 && comment == "first octet changed" {
                continue;
            }
            let parts = ResponseParts {
                padding: Padding::Given(padding),
                ..honest
            };
            self.invalid(
                format!("padding with {comment}"),
                "WrongPadding",
                &parts,
                &["crypto.padding"],
            );
        }
        let mut behind = vec![0x55; 16];
        behind.extend_from_slice(&right);
        let parts = ResponseParts {
            padding: Padding::Given(&behind),
            ..honest
        };
        self.invalid(
            "a block between the last field and the padding",
            "WrongSize",
            &parts,
            &["message.size"],
        );
    }

    fn versions(&mut self) {
        let epid = self.epid.clone();
        let honest = ResponseBody::to_request(&self.request.body, &epid, 50);
        let own = self.version.protocol();
        for inner in [Version::V4.protocol(), ProtocolVersion { minor: 1, ..own }] {
            let parts = self.parts(ResponseBody {
                version: inner,
                ..honest
            });
            let rules = &["message.version-agrees", "message.echo-version"];
            self.invalid(
                format!("version {inner} inside"),
                "InnerVersion",
                &parts,
                rules,
            );
        }
    }

    fn keys(&mut self) {
        let epid = self.epid.clone();
        let honest = self.parts(ResponseBody::to_request(&self.request.body, &epid, 50));
        let mut material = KeyMaterial::lab();
        let (v5, v6) = (material.v5_aes_key.clone(), material.v6_aes_key.clone());
        material.v5_aes_key = v6;
        material.v6_aes_key = v5;
        let mut message = Vec::new();
        honest.seal(&KeySet::new(&material), &mut message);
        self.group.add(
            Verdict::Invalid,
            "sealed with the key of the other version",
            &["WrongKey"],
            named(&message, &[]),
        );
        if self.version == Version::V6 {
            let material = KeyMaterial {
                v6_round_key_xor: Vec::new(),
                ..KeyMaterial::lab()
            };
            let mut message = Vec::new();
            honest.seal(&KeySet::new(&material), &mut message);
            self.group.add(
                Verdict::Invalid,
                "key schedule not changed",
                &["UntweakedSchedule"],
                named(&message, &[]),
            );
        }
    }

    fn sizes(&mut self) {
        let mut message = Vec::new();
        self.parts(self.body()).seal(&self.keys, &mut message);
        let whole = message.len();
        for len in [4, 20, whole - 1, whole + 1] {
            let mut cut = message.clone();
            cut.extend_from_slice(&octets("behind", 16));
            cut.truncate(len);
            let data = named(&cut, &["message.size"]);
            self.group.add(
                Verdict::Invalid,
                format!("{len} octets"),
                &["WrongSize"],
                data,
            );
        }
    }
}

fn named(message: &[u8], rules: &[&str]) -> Fields {
    let rules: Vec<Value> = rules.iter().map(|&rule| rule.into()).collect();
    Fields::default()
        .with("message", message)
        .with("rules", rules)
}

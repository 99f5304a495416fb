use super::{pid_size_holds, pid_terminated};
use crate::crypto::{sha256, xor};
use crate::kms::Epid;
use crate::kms::envelope::{OpenedRequest, OpenedResponse, Proof};

/// The checks of a response against its request; `None` where one does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is the outcome of a check of its own"
)]
pub struct ResponseChecks {
    /// The MAC of version 4 is right.
    pub mac: Option<bool>,
    /// The padding is PKCS#7.
    pub padding: Option<bool>,
    /// The fields fill the message.
    pub size: bool,
    /// The ePID is terminated and follows the grammar.
    pub epid_form: bool,
    /// The inner version is the outer one.
    pub inner_version: Option<bool>,
    /// The hash is that of the random block.
    pub salt_hash: Option<bool>,
    /// Version 6: the decrypted IV of the request is there.
    pub xored_iv: Option<bool>,
    /// Version 6: the IV is not the request's.
    pub iv_fresh: Option<bool>,
    /// Version 5: the IV is the request's.
    pub iv_equal: Option<bool>,
    /// Version 6: the MAC is right in the client time's slot or a neighbouring one.
    pub hmac: Option<bool>,
    /// The inner version is that of the request.
    pub version_echo: bool,
    /// The client machine id is that of the request.
    pub cmid_echo: bool,
    /// The client time is that of the request.
    pub time_echo: bool,
}

impl ResponseChecks {
    /// Checks a response.
    pub fn of(request: &OpenedRequest, response: &OpenedResponse<'_>) -> Self {
        let (asked, body) = (&request.body, &response.body);
        let mut checks = Self {
            mac: None,
            padding: response.padding_holds,
            size: response.size_holds,
            epid_form: pid_size_holds(body)
                && pid_terminated(body)
                && Epid::from_wire(body.epid).is_ok(),
            inner_version: None,
            salt_hash: None,
            xored_iv: None,
            iv_fresh: None,
            iv_equal: None,
            hmac: None,
            version_echo: body.version == asked.version,
            cmid_echo: body.cmid == asked.cmid,
            time_echo: body.client_time == asked.client_time,
        };
        let agrees = Some(body.version == response.version);
        let hashes = |x, hash| Some(sha256(&xor(x, request.decrypted_iv)) == hash);
        match response.proof {
            Proof::V4 { mac } => checks.mac = Some(mac.holds()),
            Proof::V5 { x, hash } => {
                checks.inner_version = agrees;
                checks.salt_hash = hashes(x, hash);
                checks.iv_equal = Some(response.iv == request.iv);
            }
            Proof::V6 {
                x,
                hash,
                iv_proof,
                slot,
                ..
            } => {
                checks.inner_version = agrees;
                checks.salt_hash = hashes(x, hash);
                checks.xored_iv = Some(iv_proof == request.decrypted_iv);
                checks.iv_fresh = Some(response.iv != request.iv);
                checks.hmac = Some(slot.is_some());
            }
        }
        checks
    }

    /// The checks that apply, by name.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, bool)> {
        [
            ("response_mac", self.mac),
            ("response_padding", self.padding),
            ("response_size", Some(self.size)),
            ("epid_form", Some(self.epid_form)),
            ("response_inner_version", self.inner_version),
            ("salt_hash", self.salt_hash),
            ("xored_iv", self.xored_iv),
            ("iv_fresh", self.iv_fresh),
            ("iv_equal", self.iv_equal),
            ("hmac", self.hmac),
            ("version_echo", Some(self.version_echo)),
            ("cmid_echo", Some(self.cmid_echo)),
            ("time_echo", Some(self.time_echo)),
        ]
        .into_iter()
        .filter_map(|(name, check)| check.map(|holds| (name, holds)))
    }

    /// Whether every check that applies holds.
    pub fn all_hold(&self) -> bool {
        self.named().all(|(_, holds)| holds)
    }
}

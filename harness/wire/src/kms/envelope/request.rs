use super::{ENCRYPTED_REQUEST_SIZE, OpenError, PLAINTEXT_OFFSET, Tag, V4_REQUEST_SIZE};
use crate::codec::Reader;
use crate::crypto::{Aes128, BLOCK_SIZE, Block, cbc};
use crate::keys::KeySet;
use crate::kms::{ProtocolVersion, RequestBody, Version};

/// A request out of its envelope, with all that sealing and verifying its response needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedRequest {
    /// The outer version; in version 4 there is only one.
    pub version: ProtocolVersion,
    /// The envelope it came in.
    pub layout: Version,
    /// The IV as it travelled; zero in version 4.
    pub iv: Block,
    /// `D`: the IV decrypted as a single block; zero in version 4.
    pub decrypted_iv: Block,
    /// What is asked.
    pub body: RequestBody,
    /// The MAC of version 4.
    pub mac: Option<Tag>,
    /// The padding of versions 5 and 6, lawfully `04 04 04 04`.
    pub padding: Option<[u8; 4]>,
    /// What of it is right.
    pub checks: RequestChecks,
}

/// The checks of a request; `None` where one does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestChecks {
    /// The major version is 4, 5 or 6.
    pub version_known: bool,
    /// The MAC is right.
    pub mac: Option<bool>,
    /// The padding is PKCS#7.
    pub padding: Option<bool>,
    /// The inner version is the outer one.
    pub inner_version: Option<bool>,
}

impl RequestChecks {
    /// Whether a strict host reads this request. Minor versions are its policy: [`ProtocolVersion::is_exact`].
    pub fn all_hold(&self) -> bool {
        let optional = [self.mac, self.padding, self.inner_version];
        self.version_known && optional.iter().all(|check| *check != Some(false))
    }

    /// The checks that apply, by name. Of an unknown version nothing is known but its size.
    pub fn named(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let known = |check: Option<bool>| check.filter(|_| self.version_known);
        [
            (
                "request_version_known",
                Some(false).filter(|_| !self.version_known),
            ),
            ("request_size", Some(true)),
            ("request_mac", known(self.mac)),
            ("request_padding", known(self.padding)),
            ("request_inner_version", known(self.inner_version)),
        ]
        .into_iter()
        .filter_map(|(name, check)| check.map(|holds| (name, holds)))
    }
}

const WHAT: &str = "request";

/// Opens a request. It goes on past a wrong MAC, padding or inner version; see the module's text.
pub fn open_request(keys: &KeySet, message: &[u8]) -> Result<OpenedRequest, OpenError> {
    let Some((version, rest)) = message.split_first_chunk::<4>() else {
        let got = message.len();
        return Err(OpenError::NoVersion { what: WHAT, got });
    };
    let version = ProtocolVersion::from_le_bytes(*version);
    match version.layout() {
        Version::V4 => open_plain(keys, version, message),
        Version::V5 => open_encrypted(keys.v5(), version, rest),
        Version::V6 => open_encrypted(keys.v6(), version, rest),
    }
}

fn wrong_size(version: ProtocolVersion, expected: usize, got: usize) -> OpenError {
    match version.known() {
        Some(layout) => OpenError::RequestSize {
            layout,
            expected,
            got,
        },
        None => OpenError::UnknownVersion {
            what: WHAT,
            version,
        },
    }
}

fn open_plain(
    keys: &KeySet,
    version: ProtocolVersion,
    message: &[u8],
) -> Result<OpenedRequest, OpenError> {
    let layout = Version::V4;
    let (content, mac) = message
        .split_last_chunk()
        .filter(|_| message.len() == V4_REQUEST_SIZE)
        .ok_or_else(|| wrong_size(version, V4_REQUEST_SIZE, message.len()))?;
    let body = RequestBody::from_bytes(content).map_err(|error| OpenError::Body {
        what: WHAT,
        layout,
        error,
    })?;
    let tag = Tag {
        expected: keys.v4_mac(content),
        got: *mac,
    };
    Ok(OpenedRequest {
        version,
        layout,
        iv: Block::default(),
        decrypted_iv: Block::default(),
        body,
        mac: Some(tag),
        padding: None,
        checks: RequestChecks {
            version_known: version.known().is_some(),
            mac: Some(tag.holds()),
            padding: None,
            inner_version: None,
        },
    })
}

/// IV and ciphertext are one CBC message under a zero IV, whose first block is `D`.
fn open_encrypted(
    cipher: &Aes128,
    version: ProtocolVersion,
    sealed: &[u8],
) -> Result<OpenedRequest, OpenError> {
    const SEALED: usize = ENCRYPTED_REQUEST_SIZE - ProtocolVersion::SIZE;
    let layout = version.layout();
    let size = || {
        let got = sealed.len().saturating_add(ProtocolVersion::SIZE);
        wrong_size(version, ENCRYPTED_REQUEST_SIZE, got)
    };
    let sealed: &[u8; SEALED] = sealed.try_into().map_err(|_| size())?;
    let iv = *sealed.first_chunk().ok_or_else(size)?;
    let mut buffer = *sealed;
    cbc::decrypt(cipher, Block::default(), &mut buffer);
    let (decrypted_iv, plaintext) = buffer.split_first_chunk::<BLOCK_SIZE>().ok_or_else(size)?;
    let mut r = Reader::new(plaintext).starting_at(PLAINTEXT_OFFSET);
    let unreadable = |error| OpenError::Body {
        what: WHAT,
        layout,
        error,
    };
    let body = RequestBody::decode(&mut r).map_err(unreadable)?;
    let padding: [u8; 4] = r.array("padding").map_err(unreadable)?;
    let (padding_holds, inner_holds) = (padding == [4; 4], body.version == version);
    if !padding_holds && !inner_holds {
        return Err(OpenError::Padding { what: WHAT, layout });
    }
    Ok(OpenedRequest {
        version,
        layout,
        iv,
        decrypted_iv: *decrypted_iv,
        body,
        mac: None,
        padding: Some(padding),
        checks: RequestChecks {
            version_known: version.known().is_some(),
            mac: None,
            padding: Some(padding_holds),
            inner_version: Some(inner_holds),
        },
    })
}

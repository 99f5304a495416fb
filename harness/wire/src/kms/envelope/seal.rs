use super::{OpenedRequest, PLAINTEXT_OFFSET, RequestChecks, Salts, Tag};
use crate::codec::Writer;
use crate::crypto::{Block, cbc, pad, sha256, xor};
use crate::filetime::FileTime;
use crate::keys::{KeySet, Slot};
use crate::kms::{ProtocolVersion, RequestBody, ResponseBody, Version};

/// The MAC to seal with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mac {
    /// The right one.
    #[default]
    Computed,
    /// The right one, xored with this.
    Xored(Block),
    /// This one.
    Given(Block),
}

impl Mac {
    fn of(self, right: impl FnOnce() -> Block) -> Block {
        match self {
            Self::Computed => right(),
            Self::Xored(mask) => xor(right(), mask),
            Self::Given(mac) => mac,
        }
    }
}

/// The padding to seal with. Bytes that fill no block travel unencrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Padding<'a> {
    /// PKCS#7.
    #[default]
    Pkcs7,
    /// These bytes.
    Given(&'a [u8]),
}

impl Padding<'_> {
    fn write(self, out: &mut Vec<u8>, start: usize) {
        match self {
            Self::Pkcs7 => pad::pad(out, start),
            Self::Given(bytes) => out.extend_from_slice(bytes),
        }
    }
}

/// The body to seal: fields, or any bytes in their place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a, T> {
    /// As the fields say.
    Fields(T),
    /// These bytes.
    Given(&'a [u8]),
}

/// A request before it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestParts<'a> {
    /// The envelope.
    pub layout: Version,
    /// The outer version; version 4 has none.
    pub version: ProtocolVersion,
    /// The IV as it travels; version 4 has none.
    pub iv: Block,
    /// What is asked.
    pub body: Content<'a, RequestBody>,
    /// Version 4 only.
    pub mac: Mac,
    /// Versions 5 and 6 only.
    pub padding: Padding<'a>,
}

impl RequestParts<'_> {
    /// Everything right.
    pub const fn honest(body: RequestBody, iv: Block) -> Self {
        Self {
            layout: body.version.layout(),
            version: body.version,
            iv,
            body: Content::Fields(body),
            mac: Mac::Computed,
            padding: Padding::Pkcs7,
        }
    }

    /// Seals behind what `out` holds.
    pub fn seal(&self, keys: &KeySet, out: &mut Vec<u8>) {
        let start = out.len();
        if self.layout != Version::V4 {
            out.extend_from_slice(&self.version.to_le_bytes());
            out.extend_from_slice(&self.iv);
        }
        let content = out.len();
        match self.body {
            Content::Fields(body) => body.encode(&mut Writer::new(out)),
            Content::Given(bytes) => out.extend_from_slice(bytes),
        }
        match self.layout {
            Version::V4 => {
                let mac = self.mac.of(|| keys.v4_mac(tail(out, start)));
                out.extend_from_slice(&mac);
            }
            Version::V5 | Version::V6 => {
                self.padding.write(out, content);
                encrypt(keys, self.layout, self.iv, out, content);
            }
        }
    }
}

/// Seals a request behind what `out` holds, and returns what verifying its response needs.
///
/// The envelope is that of the body's version; unknown versions get the nearest one's.
pub fn seal_request(
    keys: &KeySet,
    body: &RequestBody,
    iv: Block,
    out: &mut Vec<u8>,
) -> OpenedRequest {
    let parts = RequestParts::honest(*body, iv);
    parts.seal(keys, out);
    let plain = parts.layout == Version::V4;
    let mac = out.last_chunk().copied().filter(|_| plain).map(|mac| Tag {
        expected: mac,
        got: mac,
    });
    OpenedRequest {
        version: parts.version,
        layout: parts.layout,
        iv: if plain { Block::default() } else { iv },
        decrypted_iv: decrypt_iv(keys, parts.layout, iv),
        body: *body,
        mac,
        padding: (!plain).then_some([4; 4]),
        checks: RequestChecks {
            version_known: parts.version.known().is_some(),
            mac: plain.then_some(true),
            padding: (!plain).then_some(true),
            inner_version: (!plain).then_some(true),
        },
    }
}

/// A response before it is sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseParts<'a> {
    /// The envelope.
    pub layout: Version,
    /// The outer version; version 4 has none.
    pub version: ProtocolVersion,
    /// The IV as it travels; version 4 has none.
    pub iv: Block,
    /// What is answered.
    pub body: Content<'a, ResponseBody<'a>>,
    /// `X`; version 4 has none.
    pub x: Block,
    /// `H`; version 4 has none.
    pub hash: [u8; 32],
    /// Version 6 only.
    pub hardware_id: [u8; 8],
    /// `S`; version 6 only.
    pub iv_proof: Block,
    /// Versions 4 and 6.
    pub mac: Mac,
    /// The time the MAC's key is made of, if not that of the body's fields; version 6 only.
    pub mac_time: Option<FileTime>,
    /// The slot of that time; version 6 only.
    pub mac_slot: Slot,
    /// Versions 5 and 6.
    pub padding: Padding<'a>,
}

impl<'a> ResponseParts<'a> {
    /// Everything right. The envelope and the outer version are those of the request.
    pub fn honest(
        request: &OpenedRequest,
        body: ResponseBody<'a>,
        hardware_id: [u8; 8],
        salts: &Salts,
    ) -> Self {
        Self {
            layout: request.layout,
            version: request.version,
            iv: match request.layout {
                Version::V6 => salts.iv,
                Version::V4 | Version::V5 => request.iv,
            },
            body: Content::Fields(body),
            x: xor(salts.random, request.decrypted_iv),
            hash: match request.layout {
                Version::V4 => [0; 32],
                Version::V5 | Version::V6 => sha256(&salts.random),
            },
            hardware_id,
            iv_proof: request.decrypted_iv,
            mac: Mac::Computed,
            mac_time: None,
            mac_slot: Slot::Same,
            padding: Padding::Pkcs7,
        }
    }

    fn time(&self) -> FileTime {
        self.mac_time.unwrap_or(match self.body {
            Content::Fields(body) => body.client_time,
            Content::Given(_) => FileTime::default(),
        })
    }

    /// Seals behind what `out` holds.
    pub fn seal(&self, keys: &KeySet, out: &mut Vec<u8>) {
        let start = out.len();
        if self.layout != Version::V4 {
            out.extend_from_slice(&self.version.to_le_bytes());
            out.extend_from_slice(&self.iv);
        }
        let content = out.len();
        match self.body {
            Content::Fields(body) => body.encode(&mut Writer::new(out)),
            Content::Given(bytes) => out.extend_from_slice(bytes),
        }
        if self.layout == Version::V4 {
            let mac = self.mac.of(|| keys.v4_mac(tail(out, start)));
            out.extend_from_slice(&mac);
            return;
        }
        out.extend_from_slice(&self.x);
        out.extend_from_slice(&self.hash);
        if self.layout == Version::V6 {
            out.extend_from_slice(&self.hardware_id);
            out.extend_from_slice(&self.iv_proof);
            let mac = self.mac.of(|| {
                let iv = decrypt_iv(keys, Version::V6, self.iv);
                keys.v6_mac(self.time(), self.mac_slot, &[&iv, tail(out, content)])
            });
            out.extend_from_slice(&mac);
        }
        self.padding.write(out, content);
        encrypt(keys, self.layout, self.iv, out, content);
    }
}

/// Seals a response behind what `out` holds.
pub fn seal_response(
    keys: &KeySet,
    request: &OpenedRequest,
    body: &ResponseBody<'_>,
    hardware_id: [u8; 8],
    salts: &Salts,
    out: &mut Vec<u8>,
) {
    ResponseParts::honest(request, *body, hardware_id, salts).seal(keys, out);
}

/// The IV decrypted as a single block; zero in version 4.
fn decrypt_iv(keys: &KeySet, layout: Version, mut iv: Block) -> Block {
    match layout {
        Version::V4 => return Block::default(),
        Version::V5 => keys.v5().decrypt(&mut iv),
        Version::V6 => keys.v6().decrypt(&mut iv),
    }
    iv
}

fn encrypt(keys: &KeySet, layout: Version, iv: Block, out: &mut [u8], content: usize) {
    let Some(data) = out.get_mut(content..) else {
        return;
    };
    match layout {
        Version::V4 => {}
        Version::V5 => cbc::encrypt(keys.v5(), iv, data),
        Version::V6 => cbc::encrypt(keys.v6(), iv, data),
    }
}

fn tail(out: &[u8], start: usize) -> &[u8] {
    out.get(start..).unwrap_or_default()
}

const _: () = assert!(PLAINTEXT_OFFSET == ProtocolVersion::SIZE + size_of::<Block>());

use super::{OpenError, PLAINTEXT_OFFSET, Tag};
use crate::codec::{DecodeError, Reader};
use crate::crypto::{Aes128, BLOCK_SIZE, Block, cbc, pad};
use crate::keys::{KeySet, Slot};
use crate::kms::{ProtocolVersion, ResponseBody, Version};

/// A response out of its envelope. Whether it is authentic says [`verify`](crate::kms::verify), which needs the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenedResponse<'a> {
    /// The outer version; in version 4 there is only one.
    pub version: ProtocolVersion,
    /// The envelope it came in.
    pub layout: Version,
    /// The IV as it travelled; zero in version 4.
    pub iv: Block,
    /// `E`: the IV decrypted as a single block; zero in version 4.
    pub decrypted_iv: Block,
    /// What is answered.
    pub body: ResponseBody<'a>,
    /// What shows that the host knows the key and saw the request.
    pub proof: Proof,
    /// What follows the last field: padding in versions 5 and 6, nothing in version 4.
    pub rest: &'a [u8],
    /// Whether that padding is PKCS#7; `None` in version 4.
    pub padding_holds: Option<bool>,
    /// Whether the fields fill the message, neither more nor less.
    pub size_holds: bool,
}

/// What follows the body. Source: kms-protocol 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// Version 4.
    V4 {
        /// CBC-MAC of the body.
        mac: Tag,
    },
    /// Version 5.
    V5 {
        /// `X`: a random block xored with the decrypted IV of the request.
        x: Block,
        /// `H`: the hash of that random block.
        hash: [u8; 32],
    },
    /// Version 6.
    V6 {
        /// `X`: a random block xored with the decrypted IV of the request.
        x: Block,
        /// `H`: the hash of that random block.
        hash: [u8; 32],
        /// The host's hardware id.
        hardware_id: [u8; 8],
        /// `S`: the decrypted IV of the request.
        iv_proof: Block,
        /// HMAC; `expected` is that of the client time's own slot.
        mac: Tag,
        /// The slot in which the MAC is right, if it is in one.
        slot: Option<Slot>,
    },
}

impl Proof {
    /// Its size in the message, in bytes.
    pub const fn size(&self) -> usize {
        match self {
            Self::V4 { .. } => 16,
            Self::V5 { .. } => 16 + 32,
            Self::V6 { .. } => 16 + 32 + 8 + 16 + 16,
        }
    }
}

impl OpenedResponse<'_> {
    /// The hardware id, in version 6.
    pub const fn hardware_id(&self) -> Option<[u8; 8]> {
        match self.proof {
            Proof::V6 { hardware_id, .. } => Some(hardware_id),
            Proof::V4 { .. } | Proof::V5 { .. } => None,
        }
    }

    /// Where the body starts in the message.
    pub const fn body_offset(&self) -> usize {
        match self.layout {
            Version::V4 => 0,
            Version::V5 | Version::V6 => PLAINTEXT_OFFSET,
        }
    }
}

const WHAT: &str = "response";

/// Opens a response into `scratch`, whose memory is reused from call to call.
///
/// It goes on past wrong MACs, hashes, padding and inner version; see the module's text.
pub fn open_response<'a>(
    keys: &KeySet,
    message: &[u8],
    scratch: &'a mut Vec<u8>,
) -> Result<OpenedResponse<'a>, OpenError> {
    let Some((version, rest)) = message.split_first_chunk::<4>() else {
        let got = message.len();
        return Err(OpenError::NoVersion { what: WHAT, got });
    };
    let version = ProtocolVersion::from_le_bytes(*version);
    let layout = version.layout();
    scratch.clear();
    scratch.extend_from_slice(match layout {
        Version::V4 => message,
        Version::V5 | Version::V6 => rest,
    });
    match layout {
        Version::V4 => open_plain(keys, version, scratch),
        Version::V5 => open_encrypted(keys, keys.v5(), version, scratch),
        Version::V6 => open_encrypted(keys, keys.v6(), version, scratch),
    }
}

fn open_plain<'a>(
    keys: &KeySet,
    version: ProtocolVersion,
    message: &'a [u8],
) -> Result<OpenedResponse<'a>, OpenError> {
    let layout = Version::V4;
    let mut r = Reader::new(message);
    let mut read = || {
        let body = ResponseBody::decode(&mut r)?;
        Ok((body, r.array("mac")?, r.rest()))
    };
    let (body, mac, rest) = read().map_err(|error: DecodeError| OpenError::Body {
        what: WHAT,
        layout,
        error,
    })?;
    let content = message.get(..body.size()).unwrap_or_default();
    Ok(OpenedResponse {
        version,
        layout,
        iv: Block::default(),
        decrypted_iv: Block::default(),
        body,
        proof: Proof::V4 {
            mac: Tag {
                expected: keys.v4_mac(content),
                got: mac,
            },
        },
        rest,
        padding_holds: None,
        size_holds: rest.is_empty(),
    })
}

fn open_encrypted<'a>(
    keys: &KeySet,
    cipher: &Aes128,
    version: ProtocolVersion,
    buffer: &'a mut [u8],
) -> Result<OpenedResponse<'a>, OpenError> {
    let layout = version.layout();
    let got = buffer.len().saturating_add(ProtocolVersion::SIZE);
    let iv = match buffer.first_chunk() {
        Some(iv) if buffer.len().is_multiple_of(BLOCK_SIZE) && buffer.len() > BLOCK_SIZE => *iv,
        _ => return Err(OpenError::ResponseSize { layout, got }),
    };
    // IV and ciphertext are one CBC message under a zero IV, whose first block is `E`.
    cbc::decrypt(cipher, Block::default(), buffer);
    let buffer: &'a [u8] = buffer;
    let (decrypted_iv, plaintext) = buffer
        .split_first_chunk::<BLOCK_SIZE>()
        .ok_or(OpenError::ResponseSize { layout, got })?;
    let unpadded = pad::unpad(plaintext);
    let mut r = Reader::new(plaintext).starting_at(PLAINTEXT_OFFSET);
    let (body, proof) = match read_content(keys, layout, buffer, &mut r) {
        Ok(content) => content,
        Err(_) if unpadded.is_none() => return Err(OpenError::Padding { what: WHAT, layout }),
        Err(error) => {
            return Err(OpenError::Body {
                what: WHAT,
                layout,
                error,
            });
        }
    };
    if unpadded.is_none() && body.version != version {
        return Err(OpenError::Padding { what: WHAT, layout });
    }
    let used = plaintext.len().saturating_sub(r.remaining());
    Ok(OpenedResponse {
        version,
        layout,
        iv,
        decrypted_iv: *decrypted_iv,
        body,
        proof,
        size_holds: match unpadded {
            Some(content) => content.len() == used,
            None => (1..=BLOCK_SIZE).contains(&r.remaining()),
        },
        rest: r.rest(),
        padding_holds: Some(unpadded.is_some()),
    })
}

/// Body and proof. `buffer` is the decrypted IV and the plaintext, which is what the MAC of version 6 covers.
fn read_content<'a>(
    keys: &KeySet,
    layout: Version,
    buffer: &[u8],
    r: &mut Reader<'a>,
) -> Result<(ResponseBody<'a>, Proof), DecodeError> {
    let body = ResponseBody::decode(r)?;
    let x = r.array("x")?;
    let hash = r.array("hash")?;
    if layout != Version::V6 {
        return Ok((body, Proof::V5 { x, hash }));
    }
    let hardware_id = r.array("hardware_id")?;
    let iv_proof = r.array("iv_proof")?;
    let covered = buffer.get(..buffer.len().saturating_sub(r.remaining()));
    let got = r.array("mac")?;
    let tag = |slot| Tag {
        expected: keys.v6_mac(body.client_time, slot, &[covered.unwrap_or_default()]),
        got,
    };
    let mac = tag(Slot::Same);
    let slot = if mac.holds() {
        Some(Slot::Same)
    } else {
        [Slot::Before, Slot::After]
            .into_iter()
            .find(|&slot| tag(slot).holds())
    };
    let proof = Proof::V6 {
        x,
        hash,
        hardware_id,
        iv_proof,
        mac,
        slot,
    };
    Ok((body, proof))
}

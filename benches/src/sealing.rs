use std::fmt;
use std::hint::black_box;

use hmac::{Hmac, KeyInit as _, Mac as _};
use kmspec_rounds::{Block, Rounds};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{
    OpenedRequest, Salts, open_request, open_response, seal_request, seal_response,
};
use kmspec_wire::kms::{RequestBody, ResponseBody, Version};
use sha2::{Digest as _, Sha256};

/// What is done to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A client seals its request.
    SealRequest,
    /// A host opens it.
    OpenRequest,
    /// A host seals its response.
    SealResponse,
    /// A client opens it.
    OpenResponse,
    /// What a host does for one request: opens it and seals the response.
    OpenAndSeal,
}

impl Operation {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::SealRequest,
        Self::OpenRequest,
        Self::SealResponse,
        Self::OpenResponse,
        Self::OpenAndSeal,
    ];
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SealRequest => "seal request",
            Self::OpenRequest => "open request",
            Self::SealResponse => "seal response",
            Self::OpenResponse => "open response",
            Self::OpenAndSeal => "open and seal",
        })
    }
}

/// The envelopes of a recorded call, over and over.
#[derive(Debug)]
pub struct Sealing {
    keys: KeySet,
    request: Vec<u8>,
    opened: OpenedRequest,
    response: Vec<u8>,
    epid: Vec<u8>,
    count: u32,
    scratch: Vec<u8>,
    out: Vec<u8>,
}

impl Sealing {
    /// That of the first recorded call of that version.
    pub fn new(version: Version) -> Self {
        let keys = KeySet::lab();
        let call = crate::call(version);
        let mut scratch = Vec::new();
        let opened = open_request(&keys, &call.request).expect("recorded under the lab keys");
        let body = open_response(&keys, &call.response, &mut scratch)
            .expect("recorded under the lab keys")
            .body;
        let (epid, count) = (body.epid.to_vec(), body.count);
        Self {
            keys,
            request: call.request,
            opened,
            response: call.response,
            epid,
            count,
            scratch,
            out: Vec::with_capacity(512),
        }
    }

    /// Does it; the size of what came out.
    pub fn run(&mut self, operation: Operation) -> usize {
        match operation {
            Operation::SealRequest => {
                self.out.clear();
                let body: &RequestBody = black_box(&self.opened.body);
                seal_request(&self.keys, body, [5; 16], &mut self.out);
                self.out.len()
            }
            Operation::OpenRequest => self.open().body.n_policy as usize,
            Operation::SealResponse => {
                let opened = self.opened;
                self.seal(black_box(&opened))
            }
            Operation::OpenResponse => {
                let message = black_box(&self.response);
                let opened = open_response(&self.keys, message, &mut self.scratch);
                opened.map_or(0, |response| response.body.epid.len())
            }
            Operation::OpenAndSeal => {
                let opened = self.open();
                self.seal(&opened)
            }
        }
    }

    fn open(&self) -> OpenedRequest {
        open_request(&self.keys, black_box(&self.request)).expect("it was opened before")
    }

    fn seal(&mut self, request: &OpenedRequest) -> usize {
        self.out.clear();
        let body = ResponseBody::to_request(&request.body, &self.epid, self.count);
        seal_response(
            &self.keys,
            request,
            &body,
            [4; 8],
            black_box(&SALTS),
            &mut self.out,
        );
        self.out.len()
    }

    /// What that operation cannot do without.
    pub fn limit(&self, operation: Operation) -> Primitives {
        let answer = self.epid.len() + ResponseBody::FIXED_SIZE;
        let request = match self.opened.layout {
            Version::V4 => Need::cbc_mac(RequestBody::SIZE),
            Version::V5 | Version::V6 => Need::default(),
        };
        // An IV and what it chains are one run of blocks.
        let sealed_request = blocks(self.request.len().saturating_sub(VERSION_AND_IV));
        let sealed_response = blocks(self.response.len().saturating_sub(VERSION_AND_IV));
        let (seal_request, open_request, seal_response, open_response) = match self.opened.layout {
            Version::V4 => (
                request,
                request,
                Need::cbc_mac(answer),
                Need::cbc_mac(answer),
            ),
            Version::V5 => (
                Need::new(sealed_request, 1),
                Need::new(0, sealed_request + 1),
                Need::new(sealed_response, 0).hashing(1, 0),
                Need::new(0, sealed_response + 1),
            ),
            Version::V6 => {
                // The MAC's key is a hash too, and the MAC covers the fresh IV decrypted.
                let covered = BLOCK + answer + X_HASH_ID_PROOF;
                (
                    Need::new(sealed_request, 1),
                    Need::new(0, sealed_request + 1),
                    Need::new(sealed_response, 1).hashing(2, covered),
                    Need::new(0, sealed_response + 1).hashing(1, covered),
                )
            }
        };
        let need = match operation {
            Operation::SealRequest => seal_request,
            Operation::OpenRequest => open_request,
            Operation::SealResponse => seal_response,
            Operation::OpenResponse => open_response,
            Operation::OpenAndSeal => open_request.and(seal_response),
        };
        Primitives::new(self.opened.layout, need)
    }

    /// The MAC of the response's size in version 6, on its own.
    pub fn v6_mac(&self, covered: &[u8]) -> Block {
        let time: FileTime = self.opened.body.client_time;
        self.keys
            .v6_mac(time, kmspec_wire::keys::Slot::Same, &[covered])
    }
}

/// How many of each primitive are needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// Blocks encrypted one after the other: each waits for the one before.
    pub encrypted: usize,
    /// Blocks decrypted side by side.
    pub decrypted: usize,
    /// SHA-256 of a block.
    pub hashes: usize,
    /// Octets of an HMAC-SHA-256; none if there are none.
    pub authenticated: usize,
}

impl Need {
    /// So many blocks, and no hashes.
    pub const fn new(encrypted: usize, decrypted: usize) -> Self {
        Self {
            encrypted,
            decrypted,
            hashes: 0,
            authenticated: 0,
        }
    }

    /// And these hashes.
    #[must_use]
    pub const fn hashing(self, hashes: usize, authenticated: usize) -> Self {
        Self {
            hashes,
            authenticated,
            ..self
        }
    }

    /// That of the MAC of version 4, which always pads.
    const fn cbc_mac(len: usize) -> Self {
        Self::new(blocks(len) + 1, 0)
    }

    const fn and(self, other: Self) -> Self {
        Self {
            encrypted: self.encrypted + other.encrypted,
            decrypted: self.decrypted + other.decrypted,
            hashes: self.hashes + other.hashes,
            authenticated: self.authenticated + other.authenticated,
        }
    }
}

/// The primitives alone, as they are called nowhere: on one buffer each, with nothing read, written or compared.
#[derive(Debug)]
pub struct Primitives {
    need: Need,
    cipher: Cipher,
    blocks: Vec<Block>,
    covered: Vec<u8>,
}

#[derive(Debug)]
enum Cipher {
    ElevenRounds(Rounds<12>),
    TenRounds(Rounds<11>),
}

impl Primitives {
    /// So many of each.
    pub fn new(version: Version, need: Need) -> Self {
        Self {
            need,
            cipher: match version {
                Version::V4 => Cipher::ElevenRounds(Rounds::new([[7; 16]; 12])),
                Version::V5 | Version::V6 => Cipher::TenRounds(Rounds::new([[7; 16]; 11])),
            },
            blocks: vec![[3; 16]; need.encrypted.max(need.decrypted)],
            covered: vec![9; need.authenticated],
        }
    }

    /// How many of each.
    pub const fn need(&self) -> Need {
        self.need
    }

    /// Runs them; something that hangs on all of them.
    pub fn run(&mut self) -> u8 {
        let mut last = match &self.cipher {
            Cipher::ElevenRounds(rounds) => chain(rounds, &mut self.blocks, self.need),
            Cipher::TenRounds(rounds) => chain(rounds, &mut self.blocks, self.need),
        };
        for _ in 0..self.need.hashes {
            last = Sha256::digest(black_box([last; BLOCK]))[0];
        }
        if !self.covered.is_empty() {
            let key = black_box([last; 64]);
            let mut mac = Hmac::<Sha256>::new(&key.into());
            mac.update(black_box(&self.covered));
            last = mac.finalize().into_bytes()[0];
        }
        last
    }
}

fn chain<const KEYS: usize>(rounds: &Rounds<KEYS>, blocks: &mut [Block], need: Need) -> u8 {
    if need.decrypted > 0 {
        rounds.decrypt([0; 16], black_box(&mut blocks[..need.decrypted]));
    }
    if need.encrypted > 0 {
        rounds.encrypt([0; 16], black_box(&mut blocks[..need.encrypted]));
    }
    blocks.first().map_or(0, |block| block[0])
}

/// Whole blocks in so many octets.
const fn blocks(octets: usize) -> usize {
    octets / BLOCK
}

const BLOCK: usize = 16;
const VERSION_AND_IV: usize = 4 + BLOCK;
/// Octets of a v6 response between its body and its MAC.
const X_HASH_ID_PROOF: usize = 16 + 32 + 8 + 16;
const SALTS: Salts = Salts {
    random: [2; 16],
    iv: [3; 16],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_gives_something_and_has_a_limit() {
        for version in Version::ALL {
            let mut sealing = Sealing::new(version);
            for operation in Operation::ALL {
                assert!(sealing.run(operation) > 0, "{operation} {version}");
                assert_ne!(sealing.limit(operation).need(), Need::default());
            }
        }
    }

    /// Source: kms-protocol section 4, counted by hand for the recorded ePID: 48 characters and a terminator.
    #[test]
    fn the_needs_of_a_host_are_those_counted_by_hand() {
        let sealing = Sealing::new(Version::V6);
        let need = sealing.limit(Operation::OpenAndSeal).need();
        assert_eq!(need.decrypted, 16 + 1);
        assert_eq!((need.hashes, need.authenticated), (2, 16 + 44 + 98 + 72));
        let sealing = Sealing::new(Version::V4);
        assert_eq!(sealing.limit(Operation::OpenRequest).need().encrypted, 15);
    }
}

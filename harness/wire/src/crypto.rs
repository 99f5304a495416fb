//! The primitives of the KMS envelopes: ciphers, chaining, padding, MACs and hashes.
//!
//! Rounds are those of `kmspec-rounds`, SHA-256 and HMAC those of `RustCrypto`; all run in hardware where the machine has it. Ours is what the protocol
//! adds: the expansion of a 160-bit key, the tweaked schedule of version 6, the CBC-MAC of version 4. Nothing here
//! allocates, and keys are wiped when dropped.

pub mod cbc;
pub mod pad;
pub mod rijndael;

mod mac;
mod schedule;

pub use kmspec_rounds::Block;
pub use mac::{cbc_mac, hmac_sha256, sha256, tags_equal};
pub use rijndael::{Aes128, Rijndael, Rijndael160};
pub use schedule::{Tweak, expand};

/// Size of every block here, in bytes.
pub const BLOCK_SIZE: usize = 16;

/// `a xor b`.
#[must_use]
pub const fn xor(a: Block, b: Block) -> Block {
    (u128::from_ne_bytes(a) ^ u128::from_ne_bytes(b)).to_ne_bytes()
}

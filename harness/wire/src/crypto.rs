//! The primitives of the KMS envelopes: ciphers, chaining, padding, MACs and hashes.
//!
//! Rounds, SHA-256 and HMAC are those of `RustCrypto` and run in hardware where the machine has it. Ours is what the protocol
//! adds: the expansion of a 160-bit key, the tweaked schedule of version 6, the CBC-MAC of version 4. Nothing here
//! allocates, and keys are wiped when dropped.

pub mod cbc;
pub mod pad;
pub mod rijndael;

mod aes128;
mod mac;
mod schedule;

pub use aes128::Aes128;
pub use mac::{cbc_mac, hmac_sha256, sha256, tags_equal};
pub use rijndael::{Rijndael, Rijndael160, TweakedAes128};
pub use schedule::{Tweak, expand};

/// Size of every block here, in bytes.
pub const BLOCK_SIZE: usize = 16;

/// One block.
pub type Block = [u8; BLOCK_SIZE];

/// Blocks that are decrypted side by side, so that the hardware's pipeline is full.
pub type Blocks = [Block; 8];

/// A cipher of 128-bit blocks with its key expanded.
pub trait BlockCipher {
    /// Encrypts one block in place.
    fn encrypt(&self, block: &mut Block);

    /// Decrypts one block in place.
    fn decrypt(&self, block: &mut Block);

    /// Decrypts independent blocks in place.
    fn decrypt_parallel(&self, blocks: &mut Blocks);
}

/// `a xor b`.
#[must_use]
pub const fn xor(a: Block, b: Block) -> Block {
    (u128::from_ne_bytes(a) ^ u128::from_ne_bytes(b)).to_ne_bytes()
}

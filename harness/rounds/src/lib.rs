//! Rijndael with a 128-bit block under any round keys, chained: what CBC and a CBC-MAC are made of.
//!
//! It exists apart from `kmspec-wire` for one reason: the standard's ciphers run in hardware in every library, those with
//! a key schedule of their own do not. A chain of blocks is one call of the CPU's round instructions here, which no
//! portable interface of single rounds can be. The portable path is always compiled, and tested equal.
//!
//! The one unsafe line of the whole workspace is `Rounds::chain`'s call of a function that needs the instructions,
//! behind the run-time detection of them.
//!
//! ```
//! use kmspec_rounds::Rounds;
//!
//! let rounds = Rounds::new([[7; 16]; 11]);
//! let mut blocks = [[1; 16]; 18];
//! rounds.encrypt([0; 16], &mut blocks);
//! rounds.decrypt([0; 16], &mut blocks);
//! assert_eq!(blocks, [[1; 16]; 18]);
//! ```

#[cfg(target_arch = "x86_64")]
mod hardware;
mod portable;

pub use portable::sub_word;

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// One block.
pub type Block = [u8; 16];

/// The round keys of a Rijndael with a 128-bit block, `KEYS` of them, prepared for both directions.
pub struct Rounds<const KEYS: usize> {
    /// In the order of encryption.
    forward: [Block; KEYS],
    /// In the order of decryption by the equivalent inverse cipher: all but the first and the last went through
    /// `InvMixColumns`. Source: FIPS 197 section 5.3.5.
    inverse: [Block; KEYS],
    /// Whether the CPU has the instructions.
    hardware: bool,
}

/// What is done along a chain.
enum Chain<'a> {
    /// Encrypts in place; each block is first xored with the one before, encrypted.
    Encrypt(&'a mut [Block]),
    /// Undoes that.
    Decrypt(&'a mut [Block]),
    /// As encryption, but only the last block is wanted.
    Absorb(&'a [Block]),
}

impl<const KEYS: usize> Rounds<KEYS> {
    /// Prepares round keys, of which there are one more than rounds. Decryption undoes encryption whatever they are.
    pub fn new(round_keys: [Block; KEYS]) -> Self {
        const { assert!(KEYS >= 2) };
        Self {
            inverse: portable::inverse(round_keys),
            forward: round_keys,
            hardware: detected(),
        }
    }

    /// The same without the CPU's instructions: what runs where there are none.
    #[must_use]
    pub fn portable(self) -> Self {
        Self {
            forward: self.forward,
            inverse: self.inverse,
            hardware: false,
        }
    }

    /// Whether the CPU's round instructions are used.
    pub const fn in_hardware(&self) -> bool {
        self.hardware
    }

    /// Encrypts `blocks` in place, chained behind `iv`. Source: NIST SP 800-38A section 6.2.
    pub fn encrypt(&self, iv: Block, blocks: &mut [Block]) {
        self.chain(iv, Chain::Encrypt(blocks));
    }

    /// Undoes [`encrypt`](Self::encrypt).
    pub fn decrypt(&self, iv: Block, blocks: &mut [Block]) {
        self.chain(iv, Chain::Decrypt(blocks));
    }

    /// What the last of `blocks` is after [`encrypt`](Self::encrypt); of no blocks, `iv`.
    pub fn absorb(&self, iv: Block, blocks: &[Block]) -> Block {
        self.chain(iv, Chain::Absorb(blocks))
    }

    #[cfg(target_arch = "x86_64")]
    #[expect(
        unsafe_code,
        reason = "the CPU's instructions are called behind their detection"
    )]
    fn chain(&self, iv: Block, chain: Chain<'_>) -> Block {
        if self.hardware {
            // SAFETY: `hardware` is only set where `is_x86_feature_detected` found what the function needs.
            unsafe { hardware::chain(&self.forward, &self.inverse, iv, chain) }
        } else {
            portable::chain(&self.forward, &self.inverse, iv, chain)
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn chain(&self, iv: Block, chain: Chain<'_>) -> Block {
        portable::chain(&self.forward, &self.inverse, iv, chain)
    }
}

#[cfg(target_arch = "x86_64")]
fn detected() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("sse2")
}

#[cfg(not(target_arch = "x86_64"))]
const fn detected() -> bool {
    false
}

/// `a xor b`.
const fn xor(a: Block, b: Block) -> Block {
    (u128::from_ne_bytes(a) ^ u128::from_ne_bytes(b)).to_ne_bytes()
}

impl<const KEYS: usize> fmt::Debug for Rounds<KEYS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rounds<{KEYS}>(..)")
    }
}

impl<const KEYS: usize> Drop for Rounds<KEYS> {
    fn drop(&mut self) {
        self.forward.as_flattened_mut().zeroize();
        self.inverse.as_flattened_mut().zeroize();
    }
}

impl<const KEYS: usize> ZeroizeOnDrop for Rounds<KEYS> {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both paths agree in every direction, for any keys and any number of blocks.
    fn agree<const KEYS: usize>() {
        arbtest::arbtest(|u| {
            let mut keys = [Block::default(); KEYS];
            for key in &mut keys {
                *key = u.arbitrary()?;
            }
            let iv = u.arbitrary()?;
            let plain: Vec<Block> = u.arbitrary()?;
            let (fast, slow) = (Rounds::new(keys), Rounds::new(keys).portable());
            let (mut one, mut other) = (plain.clone(), plain.clone());
            fast.encrypt(iv, &mut one);
            slow.encrypt(iv, &mut other);
            assert_eq!(one, other);
            let last = one.last().copied().unwrap_or(iv);
            assert_eq!(fast.absorb(iv, &plain), last);
            assert_eq!(slow.absorb(iv, &plain), last);
            fast.decrypt(iv, &mut one);
            slow.decrypt(iv, &mut other);
            assert_eq!((&one, &other), (&plain, &plain));
            Ok(())
        });
    }

    #[test]
    fn both_paths_agree_on_eleven_round_keys() {
        agree::<11>();
    }

    #[test]
    fn both_paths_agree_on_twelve_round_keys() {
        agree::<12>();
    }

    #[test]
    fn every_number_of_blocks_around_the_groups_round_trips() {
        for rounds in [
            Rounds::new([[3; 16]; 11]),
            Rounds::new([[3; 16]; 11]).portable(),
        ] {
            for len in 0..40u8 {
                let plain: Vec<Block> = (0..len).map(|number| [number; 16]).collect();
                let mut blocks = plain.clone();
                rounds.encrypt([9; 16], &mut blocks);
                rounds.decrypt([9; 16], &mut blocks);
                assert_eq!(blocks, plain);
            }
        }
    }

    /// Source: FIPS 197 appendix A.1 (the expanded key) and appendix B (the block).
    #[test]
    fn the_block_of_fips_197_comes_out_of_its_expanded_key() {
        const EXPANDED: [u128; 11] = [
            0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c,
            0xa0fa_fe17_8854_2cb1_23a3_3939_2a6c_7605,
            0xf2c2_95f2_7a96_b943_5935_807a_7359_f67f,
            0x3d80_477d_4716_fe3e_1e23_7e44_6d7a_883b,
            0xef44_a541_a852_5b7f_b671_253b_db0b_ad00,
            0xd4d1_c6f8_7c83_9d87_caf2_b8bc_11f9_15bc,
            0x6d88_a37a_110b_3efd_dbf9_8641_ca00_93fd,
            0x4e54_f70e_5f5f_c9f3_84a6_4fb2_4ea6_dc4f,
            0xead2_7321_b58d_bad2_312b_f560_7f8d_292f,
            0xac77_66f3_19fa_dc21_28d1_2941_575c_006e,
            0xd014_f9a8_c9ee_2589_e13f_0cc8_b663_0ca6,
        ];
        let keys = EXPANDED.map(u128::to_be_bytes);
        for rounds in [Rounds::new(keys), Rounds::new(keys).portable()] {
            let plain = 0x3243_f6a8_885a_308d_3131_98a2_e037_0734_u128.to_be_bytes();
            let sealed = 0x3925_841d_02dc_09fb_dc11_8597_196a_0b32_u128.to_be_bytes();
            assert_eq!(rounds.absorb([0; 16], &[plain]), sealed);
        }
    }
}

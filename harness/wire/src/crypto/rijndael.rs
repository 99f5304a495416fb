//! Rijndael with a 128-bit block, round by round.

use std::fmt;

use aes::hazmat::{self, Block8};
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::schedule::{Tweak, expand};
use super::{Block, BlockCipher, Blocks, xor};

/// Rijndael with a 128-bit block, its round keys prepared for the hardware's rounds.
///
/// Hazmat has no last round, the one without `MixColumns`. A full round followed by the inverse of `MixColumns` is one,
/// if the round key went through `MixColumns` first; the prepared schedules hold the last key in that form.
pub struct Rijndael<const ROUND_KEYS: usize> {
    forward: [aes::Block; ROUND_KEYS],
    inverse: [aes::Block; ROUND_KEYS],
    inverse_parallel: [Block8; ROUND_KEYS],
}

/// Rijndael with a 160-bit key, 11 rounds: the cipher of version 4.
pub type Rijndael160 = Rijndael<12>;

/// AES-128 with a changed key schedule, 10 rounds: the cipher of version 6.
pub type TweakedAes128 = Rijndael<11>;

impl Rijndael160 {
    /// Expands a 160-bit key. Source: The Rijndael Block Cipher (AES proposal) section 4.3.
    pub fn new(key: &[u8; 20]) -> Self {
        let mut words = [[0; 4]; 5];
        words.as_flattened_mut().copy_from_slice(key);
        let cipher = Self::from_round_keys(expand(&words));
        words.zeroize();
        cipher
    }
}

impl TweakedAes128 {
    /// Expands a 128-bit key and changes the expanded key. Without tweaks it is AES-128. Source: FIPS 197 section 5.2.
    pub fn new(key: &[u8; 16], tweaks: &[Tweak]) -> Self {
        let mut words = [[0; 4]; 4];
        words.as_flattened_mut().copy_from_slice(key);
        let mut round_keys: [Block; 11] = expand(&words);
        for tweak in tweaks {
            tweak.apply(&mut round_keys);
        }
        words.zeroize();
        Self::from_round_keys(round_keys)
    }
}

impl<const ROUND_KEYS: usize> Rijndael<ROUND_KEYS> {
    /// Prepares round keys: decryption undoes encryption whatever they are.
    fn from_round_keys(mut round_keys: [Block; ROUND_KEYS]) -> Self {
        let mut forward = round_keys.map(aes::Block::from);
        if let Some(last) = forward.last_mut() {
            hazmat::mix_columns(last);
        }
        round_keys.reverse();
        let mut inverse = round_keys.map(aes::Block::from);
        for key in inverse.iter_mut().skip(1) {
            hazmat::inv_mix_columns(key);
        }
        round_keys.zeroize();
        Self {
            forward,
            inverse,
            inverse_parallel: inverse.map(|key| Block8::from([key; 8])),
        }
    }
}

impl<const ROUND_KEYS: usize> BlockCipher for Rijndael<ROUND_KEYS> {
    fn encrypt(&self, block: &mut Block) {
        let [first, rounds @ ..] = self.forward.as_slice() else {
            return;
        };
        let mut state = aes::Block::from(xor(*block, (*first).into()));
        for key in rounds {
            hazmat::cipher_round(&mut state, key);
        }
        hazmat::inv_mix_columns(&mut state);
        *block = state.into();
    }

    fn decrypt(&self, block: &mut Block) {
        let [first, rounds @ ..] = self.inverse.as_slice() else {
            return;
        };
        let mut state = aes::Block::from(xor(*block, (*first).into()));
        for key in rounds {
            hazmat::equiv_inv_cipher_round(&mut state, key);
        }
        hazmat::mix_columns(&mut state);
        *block = state.into();
    }

    fn decrypt_parallel(&self, blocks: &mut Blocks) {
        let Some(first) = self.inverse.first().copied() else {
            return;
        };
        let mut states = Block8::from(blocks.map(|block| xor(block, first.into()).into()));
        for keys in self.inverse_parallel.iter().skip(1) {
            hazmat::equiv_inv_cipher_round_par(&mut states, keys);
        }
        for (block, state) in blocks.iter_mut().zip(&mut states) {
            hazmat::mix_columns(state);
            *block = (*state).into();
        }
    }
}

impl<const ROUND_KEYS: usize> fmt::Debug for Rijndael<ROUND_KEYS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rijndael<{ROUND_KEYS}>(..)")
    }
}

impl<const ROUND_KEYS: usize> Drop for Rijndael<ROUND_KEYS> {
    fn drop(&mut self) {
        for key in self.forward.iter_mut().chain(&mut self.inverse) {
            key.as_mut_slice().zeroize();
        }
        for keys in &mut self.inverse_parallel {
            keys.as_flattened_mut().zeroize();
        }
    }
}

impl<const ROUND_KEYS: usize> ZeroizeOnDrop for Rijndael<ROUND_KEYS> {}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::crypto::Aes128;

    /// Every direction of `cipher` over one pair.
    fn check(cipher: &impl BlockCipher, plain: Block, sealed: Block) {
        let mut block = plain;
        cipher.encrypt(&mut block);
        assert_eq!(block, sealed);
        cipher.decrypt(&mut block);
        assert_eq!(block, plain);
        let mut blocks = [sealed; 8];
        cipher.decrypt_parallel(&mut blocks);
        assert_eq!(blocks, [plain; 8]);
    }

    /// Source: B. Gladman, test vectors of Rijndael for all block and key sizes, 128-bit block and 160-bit key.
    #[test]
    fn the_published_vector_of_a_160_bit_key_holds() {
        check(
            &Rijndael160::new(&hex!("2b7e151628aed2a6abf7158809cf4f3c762e7160")),
            hex!("3243f6a8885a308d313198a2e0370734"),
            hex!("231d844639b31b412211cfe93712b880"),
        );
    }

    #[test]
    fn without_tweaks_it_is_the_aes_of_fips_197() {
        check(
            &TweakedAes128::new(&hex!("000102030405060708090a0b0c0d0e0f"), &[]),
            hex!("00112233445566778899aabbccddeeff"),
            hex!("69c4e0d86a7b0430d8cdb78070b4c55a"),
        );
        arbtest::arbtest(|u| {
            let (key, mut block): ([u8; 16], Block) = (u.arbitrary()?, u.arbitrary()?);
            let mut other = block;
            TweakedAes128::new(&key, &[]).encrypt(&mut block);
            Aes128::new(&key).encrypt(&mut other);
            assert_eq!(block, other);
            Ok(())
        });
    }

    #[test]
    fn decryption_undoes_encryption_under_any_tweaks() {
        arbtest::arbtest(|u| {
            let key: [u8; 16] = u.arbitrary()?;
            let tweaks: Vec<Tweak> = u
                .arbitrary::<Vec<(u8, u8, u8)>>()?
                .into_iter()
                .filter_map(|(round, byte, value)| Tweak::new(round % 11, byte % 16, value))
                .collect();
            let (cipher, plain): (_, Block) = (TweakedAes128::new(&key, &tweaks), u.arbitrary()?);
            let mut sealed = plain;
            cipher.encrypt(&mut sealed);
            check(&cipher, plain, sealed);
            Ok(())
        });
    }

    #[test]
    fn every_tweak_matters() {
        let plain = [7; 16];
        let seal = |tweaks: &[Tweak]| {
            let mut block = plain;
            TweakedAes128::new(&[1; 16], tweaks).encrypt(&mut block);
            block
        };
        for round in 0..=Tweak::LAST_ROUND {
            for byte in 0..=Tweak::LAST_BYTE {
                let tweak = Tweak::new(round, byte, 1).unwrap();
                assert_ne!(seal(&[tweak]), seal(&[]), "{tweak:?}");
            }
        }
    }
}

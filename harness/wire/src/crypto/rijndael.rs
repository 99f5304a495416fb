//! Rijndael with a 128-bit block: the ciphers of the three versions.

use std::fmt;

use kmspec_rounds::Rounds;
use zeroize::Zeroize;

use super::Block;
use super::schedule::{Tweak, expand};

/// Rijndael with a 128-bit block and its key expanded. The keys are wiped when it is dropped.
pub struct Rijndael<const ROUND_KEYS: usize>(Rounds<ROUND_KEYS>);

/// Rijndael with a 160-bit key, 11 rounds: the cipher of version 4.
pub type Rijndael160 = Rijndael<12>;

/// AES with a 128-bit key, 10 rounds: the cipher of version 5, and with a changed key schedule that of version 6.
pub type Aes128 = Rijndael<11>;

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

impl Aes128 {
    /// Expands a key. Source: FIPS 197 section 5.2.
    pub fn new(key: &[u8; 16]) -> Self {
        Self::tweaked(key, &[])
    }

    /// Expands a key and changes the expanded key.
    pub fn tweaked(key: &[u8; 16], tweaks: &[Tweak]) -> Self {
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
    fn from_round_keys(mut round_keys: [Block; ROUND_KEYS]) -> Self {
        let rounds = Rounds::new(round_keys);
        round_keys.zeroize();
        Self(rounds)
    }

    /// The rounds under this key, for chains of blocks.
    pub const fn rounds(&self) -> &Rounds<ROUND_KEYS> {
        &self.0
    }

    /// Encrypts one block in place.
    pub fn encrypt(&self, block: &mut Block) {
        self.0
            .encrypt(Block::default(), std::slice::from_mut(block));
    }

    /// Decrypts one block in place.
    pub fn decrypt(&self, block: &mut Block) {
        self.0
            .decrypt(Block::default(), std::slice::from_mut(block));
    }
}

impl<const ROUND_KEYS: usize> fmt::Debug for Rijndael<ROUND_KEYS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rijndael<{ROUND_KEYS}>(..)")
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use aes::cipher::{BlockCipherEncrypt, KeyInit};

    use super::*;

    /// Every direction of `cipher` over one pair.
    fn check<const N: usize>(cipher: &Rijndael<N>, plain: Block, sealed: Block) {
        let mut block = plain;
        cipher.encrypt(&mut block);
        assert_eq!(block, sealed);
        cipher.decrypt(&mut block);
        assert_eq!(block, plain);
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
        for (key, plain, sealed) in [
            (
                hex!("2b7e151628aed2a6abf7158809cf4f3c"),
                hex!("3243f6a8885a308d313198a2e0370734"),
                hex!("3925841d02dc09fbdc118597196a0b32"),
            ),
            (
                hex!("000102030405060708090a0b0c0d0e0f"),
                hex!("00112233445566778899aabbccddeeff"),
                hex!("69c4e0d86a7b0430d8cdb78070b4c55a"),
            ),
        ] {
            check(&Aes128::new(&key), plain, sealed);
        }
        arbtest::arbtest(|u| {
            let (key, mut block): ([u8; 16], Block) = (u.arbitrary()?, u.arbitrary()?);
            let mut other = aes::Block::from(block);
            Aes128::new(&key).encrypt(&mut block);
            aes::Aes128::new(&key.into()).encrypt_block(&mut other);
            assert_eq!(block, Block::from(other));
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
            let (cipher, plain): (_, Block) = (Aes128::tweaked(&key, &tweaks), u.arbitrary()?);
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
            Aes128::tweaked(&[1; 16], tweaks).encrypt(&mut block);
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

use std::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::{Block, BlockCipher, Blocks};

/// AES with a 128-bit key, as standardised: the cipher of version 5. Source: FIPS 197.
pub struct Aes128(aes::Aes128);

impl Aes128 {
    /// Expands the key.
    pub fn new(key: &[u8; 16]) -> Self {
        Self(aes::Aes128::new(key.into()))
    }
}

impl BlockCipher for Aes128 {
    fn encrypt(&self, block: &mut Block) {
        self.0.encrypt_block(block.into());
    }

    fn decrypt(&self, block: &mut Block) {
        self.0.decrypt_block(block.into());
    }

    fn decrypt_parallel(&self, blocks: &mut Blocks) {
        self.0
            .decrypt_blocks(aes::Block::cast_slice_from_core_mut(blocks));
    }
}

impl fmt::Debug for Aes128 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Aes128(..)")
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;

    #[test]
    fn fips_197_appendix_b_and_c_1_hold() {
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
            let cipher = Aes128::new(&key);
            let mut block = plain;
            cipher.encrypt(&mut block);
            assert_eq!(block, sealed);
            cipher.decrypt(&mut block);
            assert_eq!(block, plain);
            let mut blocks = [sealed; 8];
            cipher.decrypt_parallel(&mut blocks);
            assert_eq!(blocks, [plain; 8]);
        }
    }
}

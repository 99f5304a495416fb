//! Cipher block chaining, in place. Source: NIST SP 800-38A section 6.2.

use super::{Block, Rijndael};

/// Encrypts the whole blocks of `data`. A tail that fills no block stays as it is.
pub fn encrypt<const N: usize>(cipher: &Rijndael<N>, iv: Block, data: &mut [u8]) {
    let (blocks, _) = data.as_chunks_mut();
    cipher.rounds().encrypt(iv, blocks);
}

/// Decrypts the whole blocks of `data`. A tail that fills no block stays as it is.
pub fn decrypt<const N: usize>(cipher: &Rijndael<N>, iv: Block, data: &mut [u8]) {
    let (blocks, _) = data.as_chunks_mut();
    cipher.rounds().decrypt(iv, blocks);
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::crypto::Aes128;

    /// Source: NIST SP 800-38A F.2.1 and F.2.2.
    #[test]
    fn the_vectors_of_sp_800_38a_hold() {
        let key = hex!("2b7e151628aed2a6abf7158809cf4f3c");
        let iv = hex!("000102030405060708090a0b0c0d0e0f");
        let plain = hex!(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
        );
        let sealed = hex!(
            "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
            "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7"
        );
        let mut data = plain;
        encrypt(&Aes128::new(&key), iv, &mut data);
        assert_eq!(data, sealed);
        decrypt(&Aes128::new(&key), iv, &mut data);
        assert_eq!(data, plain);
    }

    #[test]
    fn any_number_of_blocks_round_trips_and_a_tail_is_left_alone() {
        let cipher = Aes128::new(&[3; 16]);
        for len in 0..300 {
            let plain: Vec<u8> = (0..=u8::MAX).cycle().take(len).collect();
            let mut data = plain.clone();
            encrypt(&cipher, [9; 16], &mut data);
            assert_eq!(data[len - len % 16..], plain[len - len % 16..]);
            decrypt(&cipher, [9; 16], &mut data);
            assert_eq!(data, plain, "{len}");
        }
    }
}

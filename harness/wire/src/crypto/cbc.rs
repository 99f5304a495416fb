//! Cipher block chaining, in place. Source: NIST SP 800-38A section 6.2.

use super::{Block, BlockCipher, Blocks, xor};

/// Encrypts the whole blocks of `data`. A tail that fills no block stays as it is.
pub fn encrypt(cipher: &impl BlockCipher, iv: Block, data: &mut [u8]) {
    let (blocks, _) = data.as_chunks_mut();
    let mut previous = iv;
    for block in blocks {
        *block = xor(*block, previous);
        cipher.encrypt(block);
        previous = *block;
    }
}

/// Decrypts the whole blocks of `data`, eight at a time. A tail that fills no block stays as it is.
pub fn decrypt(cipher: &impl BlockCipher, iv: Block, data: &mut [u8]) {
    let (blocks, _) = data.as_chunks_mut();
    let (groups, rest) = blocks.as_chunks_mut::<8>();
    let mut previous = iv;
    for group in groups {
        let sealed = *group;
        cipher.decrypt_parallel(group);
        unchain(group, previous, &sealed);
        let [.., last] = sealed;
        previous = last;
    }
    if rest.len() > 1 {
        let mut group = Blocks::default();
        for (place, block) in group.iter_mut().zip(&*rest) {
            *place = *block;
        }
        let sealed = group;
        cipher.decrypt_parallel(&mut group);
        unchain(&mut group, previous, &sealed);
        for (block, opened) in rest.iter_mut().zip(group) {
            *block = opened;
        }
    } else if let [block] = rest {
        cipher.decrypt(block);
        *block = xor(*block, previous);
    }
}

fn unchain(group: &mut Blocks, previous: Block, sealed: &Blocks) {
    for (block, before) in group.iter_mut().zip([previous].iter().chain(sealed)) {
        *block = xor(*block, *before);
    }
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::crypto::{Aes128, TweakedAes128};

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
        decrypt(&TweakedAes128::new(&key, &[]), iv, &mut data);
        encrypt(&TweakedAes128::new(&key, &[]), iv, &mut data);
        assert_eq!(data, plain);
    }

    #[test]
    fn any_number_of_blocks_round_trips_and_a_tail_is_left_alone() {
        let cipher = TweakedAes128::new(&[3; 16], &[]);
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

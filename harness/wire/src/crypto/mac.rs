use hmac::{Hmac, KeyInit, Mac};
use sha2::block_api::compress256;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{BLOCK_SIZE, Block, Rijndael};

/// SHA-256. Source: FIPS 180-4.
pub fn sha256(data: &[u8]) -> [u8; 32] {
    one_block(data).unwrap_or_else(|| Sha256::digest(data).into())
}

/// The hash of what fits into one block together with its padding. What KMS hashes does, and the way through a buffer takes
/// half as long again as the compression.
fn one_block(data: &[u8]) -> Option<[u8; 32]> {
    let mut block = [0; 64];
    let (content, length) = block.split_last_chunk_mut()?;
    let (content, [end, ..]) = content.split_at_mut_checked(data.len())? else {
        return None;
    };
    content.copy_from_slice(data);
    *end = 0x80;
    *length = u64::try_from(data.len())
        .ok()?
        .checked_mul(8)?
        .to_be_bytes();
    let mut state = INITIAL;
    compress256(&mut state, &[block]);
    let mut hash = [0; 32];
    for (place, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *place = word.to_be_bytes();
    }
    Some(hash)
}

/// Source: FIPS 180-4 section 5.3.3.
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// HMAC-SHA-256 over `parts` one after the other. Source: RFC 2104.
pub fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // A key is filled with zeros to SHA-256's block, or hashed first if it is longer: RFC 2104 section 2.
    let mut block = [0; 64];
    if let Some(place) = block.get_mut(..key.len()) {
        place.copy_from_slice(key);
    } else if let Some((place, _)) = block.split_first_chunk_mut() {
        *place = sha256(key);
    }
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// CBC-MAC with a zero IV and always one padding step: 0x80, then zeros to the block's end.
///
/// A message that fills its last block gets a further block of padding; no subkey is mixed in, so it is not CMAC.
/// Source: kms-protocol 4, v4.
pub fn cbc_mac<const N: usize>(cipher: &Rijndael<N>, message: &[u8]) -> Block {
    let (blocks, tail) = message.as_chunks::<BLOCK_SIZE>();
    let mut last = [0; BLOCK_SIZE];
    if let Some((content, [first, ..])) = last.split_at_mut_checked(tail.len()) {
        content.copy_from_slice(tail);
        *first = 0x80;
    }
    let state = cipher.rounds().absorb(Block::default(), blocks);
    cipher.rounds().absorb(state, &[last])
}

/// Whether two tags are equal, in a time that does not depend on where they differ.
pub fn tags_equal(a: Block, b: Block) -> bool {
    u128::from_ne_bytes(a).ct_eq(&u128::from_ne_bytes(b)).into()
}

#[cfg(test)]
mod tests {
    use hex_literal::hex;

    use super::*;
    use crate::crypto::{Aes128, cbc};

    #[test]
    fn one_block_and_any_number_of_them_are_hashed_alike() {
        for len in 0..200 {
            let data: Vec<u8> = (0..len).collect();
            let hash = <[u8; 32]>::from(Sha256::digest(&data));
            assert_eq!(sha256(&data), hash, "{len}");
            assert_eq!(one_block(&data).is_some(), len <= 55, "{len}");
        }
    }

    /// Source: NIST, examples of SHA-256 (FIPS 180-4): one block, two blocks, nothing.
    #[test]
    fn the_published_hashes_hold() {
        for (text, hash) in [
            (
                "abc",
                hex!("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            ),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                hex!("248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"),
            ),
            (
                "",
                hex!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            ),
        ] {
            assert_eq!(sha256(text.as_bytes()), hash, "{text}");
        }
    }

    /// Source: RFC 4231 sections 4.2, 4.3, 4.4, 4.7.
    #[test]
    fn the_vectors_of_rfc_4231_hold() {
        let cases: [(&[u8], &[u8], [u8; 32]); 4] = [
            (
                &[0x0b; 20],
                b"Hi There",
                hex!("b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            ),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                hex!("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
            ),
            (
                &[0xaa; 20],
                &[0xdd; 50],
                hex!("773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            ),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                hex!("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"),
            ),
        ];
        for (key, data, mac) in cases {
            let (head, tail) = data.split_at(data.len() / 2);
            assert_eq!(hmac_sha256(key, &[data]), mac);
            assert_eq!(hmac_sha256(key, &[head, tail]), mac);
        }
    }

    #[test]
    fn the_cbc_mac_is_the_last_block_of_cbc_over_the_padded_message() {
        let cipher = Aes128::new(&[5; 16]);
        for len in 0..70 {
            let message = vec![0x5a; len];
            let mut padded = message.clone();
            padded.push(0x80);
            padded.resize(padded.len().next_multiple_of(16), 0);
            cbc::encrypt(&cipher, [0; 16], &mut padded);
            assert_eq!(
                cbc_mac(&cipher, &message)[..],
                padded[padded.len() - 16..],
                "{len}"
            );
        }
    }
}

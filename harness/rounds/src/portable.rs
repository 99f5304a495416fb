//! The chain on single rounds of the `aes` crate, which has them on every machine.
//!
//! There is no last round, the one without `MixColumns`: a full round under a key of zeros is taken through the inverse
//! of `MixColumns`, and the last key is added by hand.

use aes::hazmat::{self, Block8};

use crate::{Block, Chain, xor};

/// How many blocks are decrypted side by side, so that the pipeline is full.
const GROUP: usize = 8;

/// The keys of the equivalent inverse cipher. Source: FIPS 197 section 5.3.5.
pub(crate) fn inverse<const KEYS: usize>(mut keys: [Block; KEYS]) -> [Block; KEYS] {
    keys.reverse();
    if let [_, middle @ .., _] = keys.as_mut_slice() {
        for key in middle {
            let mut mixed = aes::Block::from(*key);
            hazmat::inv_mix_columns(&mut mixed);
            *key = mixed.into();
        }
    }
    keys
}

pub(crate) fn chain(forward: &[Block], inverse: &[Block], iv: Block, chain: Chain<'_>) -> Block {
    match chain {
        Chain::Encrypt(blocks) => blocks.iter_mut().fold(iv, |previous, block| {
            *block = encrypt(forward, xor(previous, *block));
            *block
        }),
        Chain::Absorb(blocks) => blocks.iter().fold(iv, |previous, block| {
            encrypt(forward, xor(previous, *block))
        }),
        Chain::Decrypt(blocks) => decrypt_chain(inverse, iv, blocks),
    }
}

fn encrypt(keys: &[Block], block: Block) -> Block {
    let [first, middle @ .., last] = keys else {
        return block;
    };
    let mut state = aes::Block::from(xor(block, *first));
    for key in middle {
        hazmat::cipher_round(&mut state, &(*key).into());
    }
    hazmat::cipher_round(&mut state, &aes::Block::default());
    hazmat::inv_mix_columns(&mut state);
    xor(state.into(), *last)
}

fn decrypt_chain(keys: &[Block], iv: Block, blocks: &mut [Block]) -> Block {
    let mut previous = iv;
    for group in blocks.chunks_mut(GROUP) {
        let mut sealed = [Block::default(); GROUP];
        for (place, block) in sealed.iter_mut().zip(&*group) {
            *place = *block;
        }
        let opened = decrypt(keys, sealed);
        for ((block, opened), sealed) in group.iter_mut().zip(opened).zip(sealed) {
            *block = xor(opened, previous);
            previous = sealed;
        }
    }
    previous
}

fn decrypt(keys: &[Block], blocks: [Block; GROUP]) -> [Block; GROUP] {
    let [first, middle @ .., last] = keys else {
        return blocks;
    };
    let mut states = Block8::from(blocks.map(|block| xor(block, *first).into()));
    for key in middle {
        hazmat::equiv_inv_cipher_round_par(&mut states, &Block8::from([(*key).into(); GROUP]));
    }
    hazmat::equiv_inv_cipher_round_par(&mut states, &Block8::default());
    let mut opened = [Block::default(); GROUP];
    for (block, state) in opened.iter_mut().zip(&mut states) {
        hazmat::mix_columns(state);
        *block = xor((*state).into(), *last);
    }
    opened
}

/// `SubWord` of the key expansion, without a table that is indexed by key bytes. Source: FIPS 197 section 5.2.
///
/// In a block of four equal columns `ShiftRows` changes nothing, and `InvMixColumns` takes the round's `MixColumns` back.
pub fn sub_word(word: u32) -> u32 {
    let [a, b, c, d] = word.to_be_bytes();
    let mut block = aes::Block::from([a, b, c, d, a, b, c, d, a, b, c, d, a, b, c, d]);
    hazmat::cipher_round(&mut block, &aes::Block::default());
    hazmat::inv_mix_columns(&mut block);
    let [a, b, c, d, ..] = Block::from(block);
    u32::from_be_bytes([a, b, c, d])
}

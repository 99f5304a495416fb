//! The chain on the round instructions of x86-64. Safe functions throughout; only calling them needs a word.

use std::arch::x86_64::{
    __m128i, _mm_aesdec_si128, _mm_aesdeclast_si128, _mm_aesenc_si128, _mm_aesenclast_si128,
    _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_unpackhi_epi64, _mm_unpacklo_epi64, _mm_xor_si128,
};
use std::array;

use crate::{Block, Chain};

/// How many blocks are decrypted side by side: an instruction takes several cycles, but one can start in each.
const GROUP: usize = 8;

#[target_feature(enable = "aes,sse2")]
pub(crate) fn chain<const KEYS: usize>(
    forward: &[Block; KEYS],
    inverse: &[Block; KEYS],
    iv: Block,
    chain: Chain<'_>,
) -> Block {
    let mut state = load(iv);
    match chain {
        Chain::Encrypt(blocks) => {
            let keys = schedule(forward);
            for block in blocks {
                state = encrypt(&keys, _mm_xor_si128(state, load(*block)));
                *block = store(state);
            }
        }
        Chain::Absorb(blocks) => {
            let keys = schedule(forward);
            for block in blocks {
                state = encrypt(&keys, _mm_xor_si128(state, load(*block)));
            }
        }
        Chain::Decrypt(blocks) => state = decrypt_chain(&schedule(inverse), state, blocks),
    }
    store(state)
}

#[target_feature(enable = "aes,sse2")]
fn decrypt_chain<const KEYS: usize>(
    keys: &[__m128i; KEYS],
    mut previous: __m128i,
    blocks: &mut [Block],
) -> __m128i {
    let (groups, rest) = blocks.as_chunks_mut::<GROUP>();
    for group in groups {
        previous = decrypt_group(keys, previous, group);
    }
    // What is left goes through as one group as well: a group costs little more than a block.
    if !rest.is_empty() {
        let mut group = [Block::default(); GROUP];
        for (place, block) in group.iter_mut().zip(&*rest) {
            *place = *block;
        }
        let last = rest.last().copied().unwrap_or_default();
        decrypt_group(keys, previous, &mut group);
        for (block, opened) in rest.iter_mut().zip(group) {
            *block = opened;
        }
        previous = load(last);
    }
    previous
}

#[target_feature(enable = "aes,sse2")]
fn decrypt_group<const KEYS: usize>(
    keys: &[__m128i; KEYS],
    mut previous: __m128i,
    group: &mut [Block; GROUP],
) -> __m128i {
    let sealed = load_all(group);
    for (block, (opened, sealed)) in group
        .iter_mut()
        .zip(decrypt(keys, sealed).into_iter().zip(sealed))
    {
        *block = store(_mm_xor_si128(opened, previous));
        previous = sealed;
    }
    previous
}

#[target_feature(enable = "aes,sse2")]
fn encrypt<const KEYS: usize>(keys: &[__m128i; KEYS], block: __m128i) -> __m128i {
    let [first, middle @ .., last] = keys.as_slice() else {
        return block;
    };
    let mut state = _mm_xor_si128(block, *first);
    for key in middle {
        state = _mm_aesenc_si128(state, *key);
    }
    _mm_aesenclast_si128(state, *last)
}

#[target_feature(enable = "aes,sse2")]
fn decrypt<const KEYS: usize>(
    keys: &[__m128i; KEYS],
    mut states: [__m128i; GROUP],
) -> [__m128i; GROUP] {
    let [first, middle @ .., last] = keys.as_slice() else {
        return states;
    };
    for state in &mut states {
        *state = _mm_xor_si128(*state, *first);
    }
    for key in middle {
        for state in &mut states {
            *state = _mm_aesdec_si128(*state, *key);
        }
    }
    for state in &mut states {
        *state = _mm_aesdeclast_si128(*state, *last);
    }
    states
}

#[target_feature(enable = "sse2")]
fn schedule<const KEYS: usize>(keys: &[Block; KEYS]) -> [__m128i; KEYS] {
    load_all(keys)
}

#[target_feature(enable = "sse2")]
fn load_all<const N: usize>(blocks: &[Block; N]) -> [__m128i; N] {
    array::from_fn(|place| {
        blocks
            .get(place)
            .map_or(load(Block::default()), |block| load(*block))
    })
}

#[target_feature(enable = "sse2")]
fn load(block: Block) -> __m128i {
    let [low, high] = halves(block);
    _mm_unpacklo_epi64(_mm_cvtsi64_si128(low), _mm_cvtsi64_si128(high))
}

/// In halves that lie side by side, which the compiler stores as one: what is stored as two cannot be read as one at once.
#[target_feature(enable = "sse2")]
fn store(value: __m128i) -> Block {
    let (low, high) = (value, _mm_unpackhi_epi64(value, value));
    let mut block = Block::default();
    let (places, _) = block.as_chunks_mut::<8>();
    for (place, half) in places.iter_mut().zip([low, high]) {
        *place = _mm_cvtsi128_si64(half).to_le_bytes();
    }
    block
}

fn halves(block: Block) -> [i64; 2] {
    let (halves, _) = block.as_chunks::<8>();
    let [low, high] = halves else {
        return [0; 2];
    };
    [*low, *high].map(i64::from_le_bytes)
}

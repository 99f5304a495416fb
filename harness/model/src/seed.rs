use kmspec_wire::crypto::{Block, sha256};

/// A small deterministic generator: SHA-256 of a secret state and a counter.
///
/// The lab host's salts need to be fresh and repeatable, not secret: the seed is printed with every run.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    state: [u8; 16],
    counter: u64,
}

impl Seed {
    pub(crate) const fn new(seed: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = seed.to_le_bytes();
        let state = [
            a, b, c, d, e, f, g, h, b'k', b'm', b's', b'h', b'o', b's', b't', 0,
        ];
        Self { state, counter: 0 }
    }

    /// The next 32 octets, as two blocks.
    pub(crate) fn blocks(&mut self) -> [Block; 2] {
        self.counter = self.counter.wrapping_add(1);
        let mut input = [0; 24];
        let octets = self.state.into_iter().chain(self.counter.to_le_bytes());
        for (place, octet) in input.iter_mut().zip(octets) {
            *place = octet;
        }
        let hash = sha256(&input);
        let [first, second] = hash.as_chunks::<16>().0 else {
            return [[0; 16]; 2];
        };
        [*first, *second]
    }

    /// The next 16 octets.
    pub(crate) fn block(&mut self) -> Block {
        let [block, _] = self.blocks();
        block
    }

    /// The next 32 bits.
    pub(crate) fn u32(&mut self) -> u32 {
        let [a, b, c, d, ..] = self.block();
        u32::from_le_bytes([a, b, c, d])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_blocks_and_another_gives_others() {
        let (mut one, mut two, mut other) = (Seed::new(1), Seed::new(1), Seed::new(2));
        let first = one.blocks();
        assert_eq!(first, two.blocks());
        assert_ne!(first, other.blocks());
        assert_ne!(first[0], first[1]);
        assert_ne!(first, one.blocks());
    }
}

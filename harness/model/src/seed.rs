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
    /// What a host's salts and group ids follow from.
    pub(crate) const fn new(seed: u64) -> Self {
        Self::labelled(seed, *b"kmshost\0")
    }

    /// What a client's machine id and IVs follow from; never those of a host with the same seed.
    pub(crate) const fn client(seed: u64) -> Self {
        Self::labelled(seed, *b"kmsclnt\0")
    }

    const fn labelled(seed: u64, label: [u8; 8]) -> Self {
        let [a, b, c, d, e, f, g, h] = seed.to_le_bytes();
        let [i, j, k, l, m, n, o, p] = label;
        let state = [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p];
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

    /// A number from 0 to `most`, each as likely as the others but for one part in 2^32.
    pub(crate) fn up_to(&mut self, most: u32) -> u32 {
        let scaled = u64::from(self.u32()).saturating_mul(u64::from(most).saturating_add(1));
        u32::try_from(scaled >> 32).unwrap_or(most)
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
        assert_ne!(first, Seed::client(1).blocks());
    }

    #[test]
    fn a_number_up_to_three_is_each_of_four() {
        let mut seed = Seed::new(7);
        let mut seen = [0u32; 4];
        for _ in 0..4000 {
            seen[usize::try_from(seed.up_to(3)).unwrap()] += 1;
        }
        assert!(
            seen.iter().all(|count| (850..1150).contains(count)),
            "{seen:?}"
        );
        assert_eq!(seed.up_to(0), 0);
    }
}

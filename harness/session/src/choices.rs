/// Where chance comes from: a generator, or the octets of a fuzzer.
pub trait Choices {
    /// A number from 0 to `bound` less 1; 0 where `bound` is 0.
    fn below(&mut self, bound: u32) -> u32;

    /// This many octets.
    fn octets(&mut self, len: usize) -> Vec<u8> {
        (0..len)
            .map(|_| u8::try_from(self.below(256)).unwrap_or_default())
            .collect()
    }

    /// True once in `times`.
    fn once_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// The index of one of `len` things; `None` where there is none.
    fn index(&mut self, len: usize) -> Option<usize> {
        let bound = u32::try_from(len).unwrap_or(u32::MAX);
        (bound > 0).then(|| usize::try_from(self.below(bound)).unwrap_or_default())
    }
}

/// One of them.
pub(crate) fn one_of<'a, T>(choices: &mut dyn Choices, things: &'a [T]) -> Option<&'a T> {
    things.get(choices.index(things.len())?)
}

/// Numbers that follow from a seed and a number alone: those of execution N are there without those before it.
///
/// `SplitMix64`. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// The numbers of execution `number` under `seed`.
    pub const fn new(seed: u64, number: u64) -> Self {
        Self(mixed(mixed(seed) ^ number.wrapping_mul(STEP)))
    }

    /// The next 64 bits.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0)
    }
}

impl Choices for Dice {
    fn below(&mut self, bound: u32) -> u32 {
        let roll = self.roll() >> 32;
        // The high half of the product spreads a 32-bit number over the range.
        let product = roll.wrapping_mul(u64::from(bound)) >> 32;
        u32::try_from(product).unwrap_or_default()
    }

    fn octets(&mut self, len: usize) -> Vec<u8> {
        let mut octets = Vec::with_capacity(len);
        while octets.len() < len {
            let left = len.saturating_sub(octets.len()).min(8);
            octets.extend(self.roll().to_le_bytes().iter().take(left));
        }
        octets
    }
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

const fn mixed(mut value: u64) -> u64 {
    value ^= value >> 30;
    value = value.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value ^= value >> 27;
    value = value.wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(feature = "arbitrary")]
impl Choices for arbitrary::Unstructured<'_> {
    /// As few octets as will do, so that a fuzzer's change of one octet changes one decision; 0 when they are used up.
    fn below(&mut self, bound: u32) -> u32 {
        let last = bound.saturating_sub(1);
        self.int_in_range(0..=last).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_execution_has_its_numbers_without_those_before_it() {
        let roll = |seed, number| Dice::new(seed, number).roll();
        assert_eq!(roll(7, 1_000_000), roll(7, 1_000_000));
        assert_ne!(roll(7, 1_000_000), roll(7, 1_000_001));
        assert_ne!(roll(7, 1_000_000), roll(8, 1_000_000));
    }

    #[test]
    fn numbers_stay_below_their_bound_and_reach_all_of_it() {
        let mut dice = Dice::new(0, 0);
        for bound in 1..50 {
            let seen: std::collections::BTreeSet<u32> =
                (0..2000).map(|_| dice.below(bound)).collect();
            assert_eq!(
                seen.into_iter().collect::<Vec<_>>(),
                (0..bound).collect::<Vec<_>>()
            );
        }
        assert_eq!(dice.below(0), 0);
        assert_eq!(dice.index(0), None);
        assert_eq!(dice.octets(13).len(), 13);
    }
}

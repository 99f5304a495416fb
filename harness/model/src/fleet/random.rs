/// A small fast generator (`SplitMix64`): a simulation draws millions of numbers and keeps no secret.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let scaled = u128::from(self.next()).wrapping_mul(u128::from(end)) >> 64;
        u64::try_from(scaled).unwrap_or(0)
    }

    /// True so often in a thousand.
    pub(super) fn per_mille(&mut self, share: u32) -> bool {
        self.below(1000) < u64::from(share)
    }

    pub(super) const fn block(&mut self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h] = self.next().to_le_bytes();
        let [i, j, k, l, m, n, o, p] = self.next().to_le_bytes();
        [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
    }
}

//! Deliberate defects.

/// A set of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults([u64; 4]);

impl Faults {
    /// None.
    pub const NONE: Self = Self([0; 4]);
}

impl std::ops::BitOr for Faults {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(std::array::from_fn(|at| {
            let word = |set: Self| set.0.get(at).copied().unwrap_or_default();
            word(self) | word(other)
        }))
    }
}

//! Deliberate defects.

/// A set of faults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Faults([u64; 4]);

impl Faults {
    /// None.
    pub const NONE: Self = Self([0; 4]);
}

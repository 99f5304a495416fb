//! Groups of cases.

use crate::case::Case;

/// Cases about one subject, in reading order.
#[derive(Debug)]
pub struct Suite {
    /// Its name, for `--suite`.
    pub name: &'static str,
    /// Its cases.
    pub cases: &'static [&'static Case],
}

impl Suite {
    /// A suite of these cases.
    pub const fn new(name: &'static str, cases: &'static [&'static Case]) -> Self {
        Self { name, cases }
    }
}

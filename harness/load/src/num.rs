//! Numbers from one type to another, where what is lost does not matter.

use std::time::Duration;

/// Nanoseconds of a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A count as a number to calculate with; exact up to 2^53.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds of a run stay below 2^53"
)]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// A number as a count: what is below 0 or not a number is 0, what does not fit saturates.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturating is what is asked for"
)]
pub(crate) const fn count(number: f64) -> u64 {
    number as u64
}

/// A length as a number to calculate with.
pub(crate) fn size(len: usize) -> f64 {
    float(wide(len))
}

/// A length as a count.
pub(crate) fn wide(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

/// A count as an index; what does not fit saturates.
pub(crate) fn index(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A duration in nanoseconds; what does not fit saturates.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

use std::fmt;

use crate::num::float;

/// A latency as people read it: three digits and a unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nanos(pub f64);

impl Nanos {
    /// A whole number of nanoseconds.
    pub fn of(nanos: u64) -> Self {
        Self(float(nanos))
    }
}

impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, unit) = match self.0 {
            nanos if nanos < 999.5 => (nanos, "ns"),
            nanos if nanos < 999_500.0 => (nanos / 1e3, "µs"),
            nanos if nanos < 999_500_000.0 => (nanos / 1e6, "ms"),
            nanos => (nanos / 1e9, "s"),
        };
        let digits = match value {
            value if unit == "ns" || value >= 99.95 => 0,
            value if value >= 9.995 => 1,
            _ => 2,
        };
        f.pad(&format!("{value:.digits$} {unit}"))
    }
}

/// A count with its thousands apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.to_string();
        let mut text = String::with_capacity(digits.len() * 4 / 3);
        for (place, digit) in digits.chars().enumerate() {
            if place > 0 && (digits.len() - place).is_multiple_of(3) {
                text.push(',');
            }
            text.push(digit);
        }
        f.pad(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_have_three_digits_and_a_unit() {
        for (nanos, expected) in [
            (0.0, "0 ns"),
            (999.0, "999 ns"),
            (1000.0, "1.00 µs"),
            (12_345.0, "12.3 µs"),
            (999_499.0, "999 µs"),
            (999_600.0, "1.00 ms"),
            (1_800_000_000.0, "1.80 s"),
            (123_000_000_000.0, "123 s"),
        ] {
            assert_eq!(Nanos(nanos).to_string(), expected);
        }
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        for (count, expected) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(Number(count).to_string(), expected);
        }
    }
}

use std::fmt;
use std::str::FromStr;

/// The workstation name of a request: 64 UTF-16 units, kept as they came. Source: kms-protocol 3, request body.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(any(test, feature = "arbitrary"), derive(arbitrary::Arbitrary))]
pub struct WorkstationName([u16; Self::UNITS]);

/// A name that leaves no room for its terminator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("workstation name has {got} UTF-16 units, at most {max} fit", max = WorkstationName::MAX_UNITS)]
pub struct NameTooLong {
    /// UTF-16 units of the name.
    pub got: usize,
}

impl WorkstationName {
    /// UTF-16 units of the field.
    pub const UNITS: usize = 64;
    /// Longest lawful name in UTF-16 units; one is left for the terminator.
    pub const MAX_UNITS: usize = 63;
    /// Size on the wire, in bytes.
    pub const SIZE: usize = 128;

    /// A terminated, zero-filled name.
    pub fn new(name: &str) -> Result<Self, NameTooLong> {
        let got = name.encode_utf16().count();
        if got > Self::MAX_UNITS {
            return Err(NameTooLong { got });
        }
        let mut units = [0; Self::UNITS];
        for (place, unit) in units.iter_mut().zip(name.encode_utf16()) {
            *place = unit;
        }
        Ok(Self(units))
    }

    /// Any 64 units, lawful or not.
    pub const fn from_units(units: [u16; Self::UNITS]) -> Self {
        Self(units)
    }

    /// All 64 units.
    pub const fn units(&self) -> &[u16; Self::UNITS] {
        &self.0
    }

    /// From UTF-16LE as it travels.
    #[inline]
    pub fn from_le_bytes(bytes: &[u8; Self::SIZE]) -> Self {
        let mut units = [0; Self::UNITS];
        for (unit, pair) in units.iter_mut().zip(bytes.as_chunks().0) {
            *unit = u16::from_le_bytes(*pair);
        }
        Self(units)
    }

    /// UTF-16LE as it travels.
    #[inline]
    pub fn to_le_bytes(&self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        for (pair, unit) in bytes.as_chunks_mut().0.iter_mut().zip(&self.0) {
            *pair = unit.to_le_bytes();
        }
        bytes
    }

    /// The units before the terminator; all 64 if there is none.
    pub fn name_units(&self) -> &[u16] {
        self.0.split(|&unit| unit == 0).next().unwrap_or_default()
    }

    /// Whether there is a terminator.
    pub fn is_terminated(&self) -> bool {
        self.name_units().len() < Self::UNITS
    }

    /// Whether there is a terminator and nothing but zeros behind it.
    pub fn is_zero_filled(&self) -> bool {
        let tail = self.0.iter().skip(self.name_units().len());
        self.is_terminated() && tail.into_iter().all(|&unit| unit == 0)
    }
}

impl Default for WorkstationName {
    fn default() -> Self {
        Self([0; Self::UNITS])
    }
}

impl FromStr for WorkstationName {
    type Err = NameTooLong;

    fn from_str(name: &str) -> Result<Self, NameTooLong> {
        Self::new(name)
    }
}

impl fmt::Display for WorkstationName {
    /// The name; a lone surrogate prints as `\u{d800}`, so that nothing is lost.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for unit in char::decode_utf16(self.name_units().iter().copied()) {
            match unit {
                Ok(c) => write!(f, "{c}")?,
                Err(lone) => write!(f, "\\u{{{:x}}}", lone.unpaired_surrogate())?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for WorkstationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_up_to_63_units_fit() {
        let name = WorkstationName::new(&"x".repeat(63)).unwrap();
        assert!(name.is_terminated() && name.is_zero_filled());
        assert_eq!(name.to_string(), "x".repeat(63));
        // A character outside the basic plane is two units.
        for (text, got) in [("x".repeat(64), 64), ("🦀".repeat(32), 64)] {
            assert_eq!(WorkstationName::new(&text), Err(NameTooLong { got }));
        }
    }

    #[test]
    fn odd_units_are_kept_and_shown() {
        let mut units = [0; 64];
        units[..4].copy_from_slice(&[0x61, 0xd800, 0, 0x62]);
        let name = WorkstationName::from_units(units);
        assert_eq!(name.to_string(), "a\\u{d800}");
        assert!(name.is_terminated() && !name.is_zero_filled());
        assert_eq!(WorkstationName::from_le_bytes(&name.to_le_bytes()), name);
        assert!(!WorkstationName::from_units([1; 64]).is_terminated());
    }
}

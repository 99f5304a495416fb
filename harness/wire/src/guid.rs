//! GUIDs: interface ids, transfer syntaxes, CMIDs, application and product ids.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use crate::codec::{ByteOrder, DecodeError, Problem};

/// A GUID (UUID), kept in the Windows mixed-endian form, which is how nearly all of them travel. They sort as printed.
///
/// ```
/// use kmspec_wire::guid::Guid;
///
/// let kms: Guid = "51c82175-844e-4750-b0d8-ec255555bc06".parse().unwrap();
/// assert_eq!(kms.to_le_bytes()[..4], [0x75, 0x21, 0xc8, 0x51]);
/// assert_eq!(kms.to_string(), "51c82175-844e-4750-b0d8-ec255555bc06");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Guid([u8; 16]);

impl Guid {
    /// All zero.
    pub const NIL: Self = Self([0; 16]);

    /// From the number its text form spells: `Guid::from_u128(0x51c82175_844e_4750_b0d8_ec255555bc06)`.
    pub const fn from_u128(value: u128) -> Self {
        Self(swap(value.to_be_bytes()))
    }

    /// The number its text form spells.
    pub const fn as_u128(self) -> u128 {
        u128::from_be_bytes(swap(self.0))
    }

    /// From its wire form. Source: C706 appendix A; MS-DTYP 2.3.4.2.
    #[inline]
    pub const fn from_wire(bytes: [u8; 16], order: ByteOrder) -> Self {
        match order {
            ByteOrder::Big => Self(swap(bytes)),
            ByteOrder::Little => Self(bytes),
        }
    }

    /// Its wire form. Source: C706 appendix A; MS-DTYP 2.3.4.2.
    #[inline]
    pub const fn to_wire(self, order: ByteOrder) -> [u8; 16] {
        match order {
            ByteOrder::Big => swap(self.0),
            ByteOrder::Little => self.0,
        }
    }

    /// From the Windows mixed-endian form, the first three fields little-endian.
    pub const fn from_le_bytes(bytes: [u8; 16]) -> Self {
        Self::from_wire(bytes, ByteOrder::Little)
    }

    /// The Windows mixed-endian form, the first three fields little-endian.
    pub const fn to_le_bytes(self) -> [u8; 16] {
        self.to_wire(ByteOrder::Little)
    }

    /// A random GUID made of 16 random bytes: version 4, variant 1. Source: RFC 9562 section 5.4.
    pub const fn random(mut bytes: [u8; 16]) -> Self {
        let [_, _, _, _, _, _, version, _, variant, ..] = &mut bytes;
        *version = (*version & 0x0f) | 0x40;
        *variant = (*variant & 0x3f) | 0x80;
        Self(swap(bytes))
    }

    /// Whether version and variant are those of a random GUID. Source: RFC 9562 section 5.4.
    pub const fn is_random(self) -> bool {
        let [_, _, _, _, _, _, version, _, variant, ..] = swap(self.0);
        version & 0xf0 == 0x40 && variant & 0xc0 == 0x80
    }
}

impl Ord for Guid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.as_u128().cmp(&other.as_u128())
    }
}

impl PartialOrd for Guid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// From printed order to the Windows form and back: reverses the first field, of four octets, and the two behind it, of two
/// each. In words: octets put one by one where the next to read takes sixteen cost a dozen cycles.
const fn swap(bytes: [u8; 16]) -> [u8; 16] {
    const FIRST_OF_PAIRS: u128 = 0x00ff_00ff_00ff_00ff;
    const SECOND_AND_THIRD: u128 = 0xffff_ffff_0000_0000;
    const BEHIND: u128 = !0xffff_ffff_ffff_ffff;
    let all = u128::from_le_bytes(bytes);
    let pairs = ((all & FIRST_OF_PAIRS) << 8) | ((all >> 8) & FIRST_OF_PAIRS);
    let first = ((pairs & 0xffff) << 16) | ((pairs >> 16) & 0xffff);
    ((all & BEHIND) | (pairs & SECOND_AND_THIRD) | first).to_le_bytes()
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, byte) in swap(self.0).iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Guid {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        let wrong = |at| DecodeError {
            at,
            field: "GUID",
            problem: Problem::Malformed("xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
        };
        if text.len() != 36 {
            return Err(wrong(text.len().min(36)));
        }
        let mut value = 0u128;
        for (at, c) in text.char_indices() {
            match (matches!(at, 8 | 13 | 18 | 23), c.to_digit(16)) {
                (true, None) if c == '-' => {}
                (false, Some(digit)) => value = (value << 4) | u128::from(digit),
                _ => return Err(wrong(at)),
            }
        }
        Ok(Self::from_u128(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_wire_forms_agree_with_the_windows_layout() {
        let guid: Guid = "51c82175-844e-4750-b0d8-ec255555bc06".parse().unwrap();
        let wire = hex_literal::hex!("7521c8514e845047b0d8ec255555bc06");
        assert_eq!(guid.to_le_bytes(), wire);
        assert_eq!(Guid::from_le_bytes(wire), guid);
        assert_eq!(
            guid,
            Guid::from_u128(0x51c8_2175_844e_4750_b0d8_ec25_5555_bc06)
        );
    }

    #[test]
    fn bad_texts_name_the_first_bad_character() {
        for (text, at) in [
            ("", 0),
            ("51c82175-844e-4750-b0d8-ec255555bc0", 35),
            ("51c82175-844e-4750-b0d8-ec255555bc0g", 35),
            ("51c82175+844e-4750-b0d8-ec255555bc06", 8),
            ("51c8217-5844e-4750-b0d8-ec255555bc06", 7),
        ] {
            assert_eq!(text.parse::<Guid>().unwrap_err().at, at, "{text}");
        }
    }

    #[test]
    fn random_guids_say_so() {
        assert!(Guid::random([0xff; 16]).is_random());
        assert!(Guid::random([0; 16]).is_random());
        assert!(!Guid::NIL.is_random());
    }
}

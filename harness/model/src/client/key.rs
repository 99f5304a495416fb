use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A product key by its shape: five groups of five. What it licenses, if anything, nobody can tell from it.
///
/// ```
/// use kmspec_model::client::ProductKey;
///
/// let key: ProductKey = "mf9pg-rqk7r-26bpj-twfyk-rhxcm".parse().unwrap();
/// assert_eq!(key.partial().to_string(), "RHXCM");
/// assert_eq!(format!("{key:?}"), "ProductKey(XXXXX-XXXXX-XXXXX-XXXXX-RHXCM)");
/// assert!("MF9PG-RQK7R-26BPJ-TWFYK".parse::<ProductKey>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ProductKey([u8; ProductKey::CHARS]);

/// The last five characters of a product key, by which people recognise it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartialKey([u8; 5]);

/// A text that is no product key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyShapeError {
    /// Not five groups of five characters with hyphens between them.
    #[error(
        "a product key is five groups of five letters and digits, as in XXXXX-XXXXX-XXXXX-XXXXX-XXXXX"
    )]
    Groups,
    /// A character that product keys do not have.
    #[error("character {at} of the product key is {found:?}, which product keys do not have")]
    Character {
        /// Which character, counted from 1, hyphens too.
        at: usize,
        /// What stands there.
        found: char,
    },
}

impl ProductKey {
    const CHARS: usize = 25;
    const GROUP: usize = 5;
    /// Characters of a product key, those that are easily taken for others left out. `N` stands in later keys only.
    const ALPHABET: &'static [u8] = b"BCDFGHJKMPQRTVWXY2346789N";

    /// Whether it is one of the laboratory's own, which start with `LAB` and may have any letter and digit.
    pub const fn is_lab(&self) -> bool {
        matches!(self.0, [b'L', b'A', b'B', ..])
    }

    /// Its last five characters.
    pub const fn partial(&self) -> PartialKey {
        let [.., a, b, c, d, e] = self.0;
        PartialKey([a, b, c, d, e])
    }

    /// Whether this is the key that `text` spells.
    pub fn is(&self, text: &str) -> bool {
        text.parse() == Ok(*self)
    }
}

impl FromStr for ProductKey {
    type Err = KeyShapeError;

    /// Letters of either case.
    fn from_str(text: &str) -> Result<Self, KeyShapeError> {
        let groups = text.split('-');
        let shaped = text.split('-').count() == Self::GROUP
            && groups
                .clone()
                .all(|group| group.chars().count() == Self::GROUP);
        if !shaped {
            return Err(KeyShapeError::Groups);
        }
        let lab = text
            .get(..3)
            .is_some_and(|start| start.eq_ignore_ascii_case("LAB"));
        let mut key = [0; Self::CHARS];
        let chars = (1..).zip(text.chars()).filter(|(_, found)| *found != '-');
        for (place, (at, found)) in key.iter_mut().zip(chars) {
            let upper = u8::try_from(found.to_ascii_uppercase()).unwrap_or(0);
            let known = if lab {
                upper.is_ascii_alphanumeric()
            } else {
                Self::ALPHABET.contains(&upper)
            };
            if !known {
                return Err(KeyShapeError::Character { at, found });
            }
            *place = upper;
        }
        Ok(Self(key))
    }
}

impl fmt::Debug for ProductKey {
    /// The last group alone: whose key it is, nobody needs to read in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProductKey(XXXXX-XXXXX-XXXXX-XXXXX-{})", self.partial())
    }
}

impl FromStr for PartialKey {
    type Err = KeyShapeError;

    fn from_str(text: &str) -> Result<Self, KeyShapeError> {
        match text.as_bytes() {
            &[a, b, c, d, e] if text.bytes().all(|octet| octet.is_ascii_alphanumeric()) => Ok(
                Self([a, b, c, d, e].map(|octet| octet.to_ascii_uppercase())),
            ),
            _ => Err(KeyShapeError::Groups),
        }
    }
}

impl fmt::Display for PartialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|octet| write!(f, "{}", char::from(*octet)))
    }
}

impl fmt::Debug for PartialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_are_no_keys_say_why() {
        const SHAPE: &str = "a product key is five groups of five letters and digits, as in XXXXX-XXXXX-XXXXX-XXXXX-XXXXX";
        for (text, why) in [
            ("", SHAPE),
            ("MF9PGRQK7R26BPJTWFYKRHXCM", SHAPE),
            ("MF9PG-RQK7R-26BPJ-TWFYK-RHXC", SHAPE),
            ("MF9PG-RQK7R-26BPJ-TWFYK-RHXCMM", SHAPE),
            ("MF9PG-RQK7R-26BPJ-TWFYK-RHXCM-", SHAPE),
            (
                "MF9PG-RQK7R-26BPJ-TWFYK-RHXC0",
                "character 29 of the product key is '0', which product keys do not have",
            ),
            (
                "MF9PG-RQÄ7R-26BPJ-TWFYK-RHXCM",
                "character 9 of the product key is 'Ä', which product keys do not have",
            ),
            (
                "LAB!!-RQK7R-26BPJ-TWFYK-RHXCM",
                "character 4 of the product key is '!', which product keys do not have",
            ),
        ] {
            let error = text.parse::<ProductKey>().unwrap_err();
            assert_eq!(error.to_string(), why, "{text}");
        }
    }

    #[test]
    fn only_lab_keys_may_have_any_letter() {
        let lab: ProductKey = "LAB01-AEIOU-LS5Z0-12345-67890".parse().unwrap();
        assert!(lab.is_lab());
        assert_eq!(lab.partial().to_string(), "67890");
        assert!(
            !"YVT36-YVCP2-J97GQ-7T22R-RWV8P"
                .parse::<ProductKey>()
                .unwrap()
                .is_lab()
        );
    }
}

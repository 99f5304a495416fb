use std::fmt;
use std::str::{self, FromStr};

use thiserror::Error;

/// A product key: five groups of five letters or digits, with hyphens between them.
///
/// It is a shape and nothing more: whether a key licenses anything is not for this crate to know.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductKey([[u8; 5]; 5]);

/// The last group of a product key, which is all that a report shows of it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartialKey([u8; 5]);

/// A text that is no product key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a product key is five groups of five letters or digits, as in LABAA-BBBBB-CCCCC-DDDDD-EEEEE"
)]
pub struct KeyError;

impl ProductKey {
    /// `LABHO-STKEY-FORKM-SPECS-LAB01`: the key of a lab host that was told of none.
    pub const LAB_HOST: Self = Self([*b"LABHO", *b"STKEY", *b"FORKM", *b"SPECS", *b"LAB01"]);

    /// The last five characters.
    pub const fn partial(&self) -> PartialKey {
        let [_, _, _, _, last] = self.0;
        PartialKey(last)
    }

    /// The first five characters.
    pub const fn first_group(&self) -> PartialKey {
        let [first, ..] = self.0;
        PartialKey(first)
    }

    /// Whether it is one of the lab's, which start with `LAB`.
    pub fn is_lab(&self) -> bool {
        self.0.as_flattened().starts_with(b"LAB")
    }
}

impl FromStr for ProductKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut groups = text.split('-');
        let mut key = [[0; 5]; 5];
        for group in &mut key {
            let text = groups.next().ok_or(KeyError)?;
            let PartialKey(octets) = text.parse()?;
            *group = octets;
        }
        match groups.next() {
            None => Ok(Self(key)),
            Some(_) => Err(KeyError),
        }
    }
}

impl FromStr for PartialKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let octets = text.as_bytes().try_into();
        let octets: [u8; 5] = octets.map_err(|_| KeyError)?;
        if octets.iter().all(u8::is_ascii_alphanumeric) {
            Ok(Self(octets.map(|octet| octet.to_ascii_uppercase())))
        } else {
            Err(KeyError)
        }
    }
}

impl fmt::Display for PartialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Display for ProductKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, group) in self.0.iter().enumerate() {
            if number > 0 {
                f.write_str("-")?;
            }
            fmt::Display::fmt(&PartialKey(*group), f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for PartialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for ProductKey {
    /// What reports show of it, so that no log has a whole key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "…-{}", self.partial())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The setup keys of the deployment document, which are public and license nothing.
    const SETUP_KEYS: [(&str, &str); 4] = [
        ("YVT36-YVCP2-J97GQ-7T22R-RWV8P", "RWV8P"),
        ("MF9PG-RQK7R-26BPJ-TWFYK-RHXCM", "RHXCM"),
        ("7KYMQ-R788Q-4RF69-KTWKM-92PFJ", "92PFJ"),
        ("CWV9H-PHGPW-V93WV-QBQV9-8V336", "8V336"),
    ];

    #[test]
    fn the_partial_key_is_the_last_five_characters() {
        for (text, partial) in SETUP_KEYS {
            let key: ProductKey = text.parse().unwrap();
            assert_eq!(key.partial().to_string(), partial);
            assert_eq!(key.to_string(), text);
            assert_eq!(text.to_lowercase().parse(), Ok(key));
            assert_eq!(format!("{key:?}"), format!("…-{partial}"));
            assert!(!key.is_lab());
        }
    }

    #[test]
    fn a_key_has_its_shape_and_nothing_else() {
        for text in [
            "",
            "LABAA",
            "LABAA-BBBBB-CCCCC-DDDDD",
            "LABAA-BBBBB-CCCCC-DDDDD-EEEEE-FFFFF",
            "LABAA-BBBBB-CCCCC-DDDDD-EEEE",
            "LABAA-BBBBB-CCCCC-DDDDD-EEEEEE",
            "LABAABBBBBCCCCCDDDDDEEEEE",
            "LABAA-BBBBB-CCCCC-DDDDD-EEEE!",
            "LABAA-BBBBB-CCCCC-DDDDD-EEEé",
            "LABAA BBBBB CCCCC DDDDD EEEEE",
        ] {
            assert_eq!(text.parse::<ProductKey>(), Err(KeyError), "{text}");
        }
        assert!(
            "labaa-bbbbb-ccccc-ddddd-eeeee"
                .parse::<ProductKey>()
                .unwrap()
                .is_lab()
        );
    }
}

//! The numbers of an activation by telephone: what is read out, and what is read back.

use std::fmt;
use std::str::FromStr;

use kmspec_wire::crypto::sha256;
use thiserror::Error;

/// An installation id: 54 digits, nine groups of six, the sixth digit of each a check on the other five.
/// Source: the deployment document, `-dlv`.
///
/// ```
/// use kmspec_slmgr::InstallationId;
///
/// let id: InstallationId = "000963843315259493598506854253663081409973656140419231".parse().unwrap();
/// assert_eq!(id.grouped(), "000963-843315-259493-598506-854253-663081-409973-656140-419231");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InstallationId([Group; 9]);

/// A confirmation id: 48 digits, eight groups of six with the same check.
///
/// This one is the lab's: it follows from the installation id by a hash of our own, and confirms nothing anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConfirmationId([Group; 8]);

/// Six decimal digits, the last one a check digit.
type Group = [u8; 6];

/// A text that is no such id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdError {
    /// The number of digits.
    #[error("{wanted} digits are wanted, not {got}")]
    Length {
        /// How many there have to be.
        wanted: usize,
        /// How many there are.
        got: usize,
    },
    /// Something that is neither a digit nor between groups.
    #[error("{0:?} is no digit")]
    Digit(char),
    /// A group, counted from 1, whose sixth digit does not check the others.
    #[error("the sixth digit of group {group} is {got}, and must be {wanted}")]
    Check {
        /// The group.
        group: usize,
        /// What the digit has to be.
        wanted: u8,
        /// What it is.
        got: u8,
    },
}

/// The sixth digit of a group: the sum of the first five, the second and the fourth doubled, modulo 7.
const fn check_digit([a, b, c, d, e]: [u8; 5]) -> u8 {
    // Decimal digits: the sum is 63 at most.
    let sum = a
        .wrapping_add(b.wrapping_mul(2))
        .wrapping_add(c)
        .wrapping_add(d.wrapping_mul(2))
        .wrapping_add(e);
    sum % 7
}

/// Digits in groups; blanks and hyphens between digits are how people write them.
fn groups<const N: usize>(text: &str) -> Result<[Group; N], IdError> {
    let mut digits = Vec::new();
    for c in text.chars().filter(|c| !matches!(c, ' ' | '-')) {
        let digit = c.to_digit(10).and_then(|digit| u8::try_from(digit).ok());
        digits.push(digit.ok_or(IdError::Digit(c))?);
    }
    let wrong = IdError::Length {
        wanted: N.saturating_mul(6),
        got: digits.len(),
    };
    let (found, rest) = digits.as_chunks::<6>();
    let found: [Group; N] = found.try_into().map_err(|_| wrong)?;
    if !rest.is_empty() {
        return Err(wrong);
    }
    for (number, [a, b, c, d, e, got]) in found.iter().copied().enumerate() {
        let wanted = check_digit([a, b, c, d, e]);
        if got != wanted {
            let group = number.saturating_add(1);
            return Err(IdError::Check { group, wanted, got });
        }
    }
    Ok(found)
}

/// Groups whose digits follow from a text, with their check digits.
fn derived<const N: usize>(what: &str) -> [Group; N] {
    let mut groups = [[0; 6]; N];
    for (number, group) in groups.iter_mut().enumerate() {
        let hash = sha256(format!("{what} {number}").as_bytes());
        let [a, b, c, d, e, ..] = hash.map(|octet| octet % 10);
        *group = [a, b, c, d, e, check_digit([a, b, c, d, e])];
    }
    groups
}

fn write(groups: &[Group], between: &str, f: &mut impl fmt::Write) -> fmt::Result {
    for (number, group) in groups.iter().enumerate() {
        if number > 0 {
            f.write_str(between)?;
        }
        for digit in group {
            write!(f, "{digit}")?;
        }
    }
    Ok(())
}

fn grouped(groups: &[Group]) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = write(groups, "-", &mut text);
    text
}

impl InstallationId {
    /// One of the lab: its digits follow from what is installed.
    pub fn lab(installed: &str) -> Self {
        Self(derived(&format!("kmspec lab installation id: {installed}")))
    }

    /// As it is read out: nine groups with hyphens.
    pub fn grouped(&self) -> String {
        grouped(&self.0)
    }
}

impl ConfirmationId {
    /// What the lab's telephone centre answers to this installation id.
    pub fn lab(installation: &InstallationId) -> Self {
        Self(derived(&format!(
            "kmspec lab confirmation id: {installation}"
        )))
    }

    /// As it is read out: eight groups with hyphens.
    pub fn grouped(&self) -> String {
        grouped(&self.0)
    }
}

macro_rules! id {
    ($($name:ident)*) => {$(
        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                groups(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            /// All digits in a row.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write(&self.0, "", f)
            }
        }
    )*};
}

id! { InstallationId ConfirmationId }

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the deployment document.
    const EXAMPLE: &str = "000963843315259493598506854253663081409973656140419231";

    #[test]
    fn the_documents_installation_id_is_one() {
        let id: InstallationId = EXAMPLE.parse().unwrap();
        assert_eq!(id.to_string(), EXAMPLE);
        assert_eq!(id.grouped().parse(), Ok(id));
    }

    #[test]
    fn any_digit_that_is_changed_breaks_the_check_of_its_group() {
        let mut caught = 0;
        for at in 0..EXAMPLE.len() {
            let mut digits = EXAMPLE.as_bytes().to_vec();
            digits[at] = if digits[at] == b'9' {
                b'0'
            } else {
                digits[at] + 1
            };
            let text = String::from_utf8(digits).unwrap();
            let error = text.parse::<InstallationId>();
            // 9 and 0 differ by 2 modulo 7, or by 4 where doubled: no change of one digit goes unseen.
            assert!(
                matches!(error, Err(IdError::Check { group, .. }) if group == at / 6 + 1),
                "{text}"
            );
            caught += 1;
        }
        assert_eq!(caught, 54);
    }

    #[test]
    fn what_is_no_id_says_why() {
        for (text, error) in [
            ("", "54 digits are wanted, not 0"),
            ("000963", "54 digits are wanted, not 6"),
            (&EXAMPLE.repeat(2), "54 digits are wanted, not 108"),
            ("00096x", "'x' is no digit"),
            (
                &EXAMPLE.replacen("000963", "000964", 1),
                "the sixth digit of group 1 is 4, and must be 3",
            ),
        ] {
            assert_eq!(
                text.parse::<InstallationId>().unwrap_err().to_string(),
                error
            );
        }
    }

    #[test]
    fn lab_ids_are_well_formed_and_follow_from_what_is_installed() {
        let (one, other) = (InstallationId::lab("one"), InstallationId::lab("other"));
        assert_ne!(one, other);
        assert_eq!(one.to_string().parse(), Ok(one));
        let confirmation = ConfirmationId::lab(&one);
        assert_eq!(confirmation.grouped().parse(), Ok(confirmation));
        assert_ne!(confirmation, ConfirmationId::lab(&other));
        assert_eq!(confirmation.to_string().len(), 48);
    }
}

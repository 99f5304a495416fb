//! Deliberate defects: what a lab client can be told to get wrong, so that each check of clients can be seen to fail.
//!
//! A fault breaks one requirement and is switched on by name ([`Client::with_faults`](super::Client::with_faults)):
//!
//! ```
//! use kmspec_model::client::fault::{Fault, Faults};
//!
//! let faults: Faults = "hmac-unchecked, bind-nak-ignored".parse().unwrap();
//! assert!(faults.has(Fault::HmacUnchecked));
//! assert_eq!(Fault::BindNakIgnored.about(), "rpc.client.bind-nak");
//! assert_eq!("hmac".parse::<Faults>().unwrap_err().to_string(), "no fault is called \"hmac\"");
//! ```

mod table;

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

pub use crate::fault::UnknownFault;
pub use table::Fault;

/// The layer in which a fault of a client lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Reads and closing.
    Transport,
    /// The bind, and what answers it.
    Bind,
    /// The call, and what answers it.
    Call,
    /// What a KMS message says, and what protects it.
    Message,
    /// What the client makes of a good answer.
    Licence,
    /// How the client finds a host.
    Discovery,
    /// What is done to the client by hand, and what it shows.
    Administration,
}

impl Area {
    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Bind => "bind",
            Self::Call => "call",
            Self::Message => "message",
            Self::Licence => "licence",
            Self::Discovery => "discovery",
            Self::Administration => "administration",
        }
    }
}

/// What is known of a fault.
struct Row {
    fault: Fault,
    area: Area,
    name: &'static str,
    about: &'static str,
    sentence: &'static str,
}

macro_rules! faults {
    ($($area:ident { $($fault:ident $name:literal $about:literal: $sentence:literal;)* })*) => {
        /// A deliberate defect of a client.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Fault {
            $($(#[doc = concat!("The client ", $sentence, ".")] $fault,)*)*
        }

        pub(super) const ROWS: &[super::Row] = &[
            $($(super::Row {
                fault: Fault::$fault,
                area: super::Area::$area,
                name: $name,
                about: $about,
                sentence: concat!("The client ", $sentence, "."),
            },)*)*
        ];
    };
}
use faults;

impl Fault {
    /// All faults, in the order of the table.
    pub fn all() -> impl ExactSizeIterator<Item = Self> {
        table::ROWS.iter().map(|row| row.fault)
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        let mut rows = table::ROWS.iter();
        rows.find(|row| row.name == name).map(|row| row.fault)
    }

    /// Its name, in kebab case.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }

    /// The layer in which it lies.
    pub fn area(self) -> Area {
        self.row().map_or(Area::Call, |row| row.area)
    }

    /// Id of the requirement that it breaks.
    pub fn about(self) -> &'static str {
        self.row().map_or("", |row| row.about)
    }

    /// What the client does wrong, as a sentence.
    pub fn sentence(self) -> &'static str {
        self.row().map_or("", |row| row.sentence)
    }

    /// The table has a row for every fault, in order: a test holds it.
    fn row(self) -> Option<&'static Row> {
        table::ROWS.get(usize::from(self.number()))
    }

    #[expect(
        clippy::as_conversions,
        reason = "the number of a fieldless variant is to be had in no other way"
    )]
    const fn number(self) -> u8 {
        self as u8
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of faults of a client.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults(u128);

impl Faults {
    /// None.
    pub const NONE: Self = Self(0);

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this one is in the set.
    pub const fn has(self, fault: Fault) -> bool {
        self.0 & Self::only(fault).0 != 0
    }

    /// The set of this one.
    pub const fn only(fault: Fault) -> Self {
        Self(1 << (fault.number() & 127))
    }

    /// Those in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::all().filter(move |fault| self.has(*fault))
    }
}

impl BitOr for Faults {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self::only(fault)
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        let sets = faults.into_iter().map(Self::only);
        sets.fold(Self::NONE, BitOr::bitor)
    }
}

impl FromStr for Faults {
    type Err = UnknownFault;

    /// Names with commas between them; nothing is the empty set.
    fn from_str(names: &str) -> Result<Self, UnknownFault> {
        let names = names.split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(|name| Fault::named(name).ok_or_else(|| UnknownFault(name.to_owned())))
            .collect()
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_a_row_for_each_fault_in_order_and_no_name_twice() {
        let mut names = BTreeSet::new();
        for (number, row) in table::ROWS.iter().enumerate() {
            assert_eq!(usize::from(row.fault.number()), number);
            assert!(names.insert(row.name), "{} stands twice", row.name);
            let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(row.name.chars().all(kebab), "{}", row.name);
            assert_eq!(Fault::named(row.name), Some(row.fault));
        }
        assert!(table::ROWS.len() <= 128, "Faults has room for 128");
    }

    #[test]
    fn a_set_has_what_was_put_in_and_nothing_else() {
        for fault in Fault::all() {
            assert_eq!(Faults::only(fault).iter().collect::<Vec<_>>(), [fault]);
            assert_eq!(fault.name().parse(), Ok(Faults::only(fault)));
        }
        assert_eq!(
            Fault::all().collect::<Faults>().iter().count(),
            Fault::all().len()
        );
        assert!(Faults::NONE.is_empty() && "".parse() == Ok(Faults::NONE));
    }
}

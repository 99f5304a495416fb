//! Deliberate defects: what a lab host can be told to get wrong, so that each check of a suite can be seen to fail.
//!
//! A fault breaks one requirement and is switched on by name ([`Settings::faults`](crate::Settings::faults)):
//!
//! ```
//! use kmspec_model::fault::{Fault, Faults};
//!
//! let faults: Faults = "opnum-ignored,cmid-zero".parse().unwrap();
//! assert!(faults.has(Fault::OpnumIgnored));
//! assert_eq!(Fault::CmidZero.about(), "message.echo-cmid");
//! assert_eq!("opnum".parse::<Faults>().unwrap_err().to_string(), "no fault is called \"opnum\"");
//! ```

mod table;

use std::fmt;
use std::ops::BitOr;
use std::str::FromStr;

use thiserror::Error;

pub use table::Fault;

/// The layer in which a fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Area {
    /// Reads, segments, closing.
    Transport,
    /// Associations and calls.
    Rpc,
    /// Stubs.
    Ndr,
    /// What a KMS message says.
    Message,
    /// What protects it.
    Crypto,
    /// What the host decides.
    Policy,
    /// What its administrator tells it and is shown.
    Administration,
    /// What it has of itself in DNS.
    Publishing,
    /// What must not end a host.
    Robustness,
}

impl Area {
    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Transport => "transport",
            Self::Rpc => "rpc",
            Self::Ndr => "ndr",
            Self::Message => "message",
            Self::Crypto => "crypto",
            Self::Policy => "policy",
            Self::Administration => "administration",
            Self::Publishing => "publishing",
            Self::Robustness => "robustness",
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
        /// A deliberate defect.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Fault {
            $($(#[doc = concat!("The host ", $sentence, ".")] $fault,)*)*
        }

        pub(super) const ROWS: &[super::Row] = &[
            $($(super::Row {
                fault: Fault::$fault,
                area: super::Area::$area,
                name: $name,
                about: $about,
                sentence: concat!("The host ", $sentence, "."),
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
        self.row().map_or(Area::Rpc, |row| row.area)
    }

    /// Id of the requirement that it breaks.
    pub fn about(self) -> &'static str {
        self.row().map_or("", |row| row.about)
    }

    /// What the host does wrong, as a sentence.
    pub fn sentence(self) -> &'static str {
        self.row().map_or("", |row| row.sentence)
    }

    /// Whether it shows only where the tester has more than the wire: a clock to set, a host to take the licence from, or
    /// a process to look at.
    pub fn needs_control(self) -> bool {
        matches!(
            self,
            Self::NeverExpires
                | Self::ExpiresTooEarly
                | Self::ExpiryNotRenewed
                | Self::NotActivatedAnswers
                | Self::ExpiresTooLate
                | Self::CountsWrongStatus
                | Self::LeaksMemory
                | Self::LeaksDescriptors
                | Self::TamperedNotCounted
        ) || matches!(self.area(), Area::Administration | Area::Publishing)
    }

    /// Whether it shows in nothing but the growth of the host's process: a campaign finds it, a single case cannot.
    pub fn only_grows(self) -> bool {
        matches!(self, Self::LeaksMemory | Self::LeaksDescriptors)
    }

    /// The table has a row for every fault, in order: a test holds it.
    fn row(self) -> Option<&'static Row> {
        table::ROWS.get(usize::from(self.number()))
    }

    #[expect(
        clippy::as_conversions,
        reason = "the number of a fieldless variant is to be had in no other way"
    )]
    const fn number(self) -> u16 {
        self as u16
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of faults.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Faults([u128; 3]);

/// A name that is no fault's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no fault is called {0:?}")]
pub struct UnknownFault(pub String);

impl Faults {
    /// None.
    pub const NONE: Self = Self([0; 3]);

    /// Whether there is none.
    pub const fn is_empty(self) -> bool {
        let Self([a, b, c]) = self;
        a | b | c == 0
    }

    /// Whether this one is in the set.
    pub const fn has(self, fault: Fault) -> bool {
        let (Self([a, b, c]), Self([x, y, z])) = (self, Self::only(fault));
        a & x | b & y | c & z != 0
    }

    /// The set of this one.
    pub const fn only(fault: Fault) -> Self {
        let number = fault.number();
        let [low, _] = number.to_le_bytes();
        let bit = 1 << (low & 127);
        match number {
            ..128 => Self([bit, 0, 0]),
            128..256 => Self([0, bit, 0]),
            _ => Self([0, 0, bit]),
        }
    }

    /// Those in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Fault> {
        Fault::all().filter(move |fault| self.has(*fault))
    }
}

impl BitOr for Faults {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        let (Self([a, b, c]), Self([x, y, z])) = (self, other);
        Self([a | x, b | y, c | z])
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self::only(fault)
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        faults
            .into_iter()
            .fold(Self::NONE, |set, fault| set | fault.into())
    }
}

impl FromStr for Faults {
    type Err = UnknownFault;

    /// Names with commas between them; nothing is the empty set.
    fn from_str(names: &str) -> Result<Self, UnknownFault> {
        let names = names
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty());
        names
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
        assert!(table::ROWS.len() <= 384, "Faults has room for 384");
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

    #[test]
    fn every_area_has_its_share() {
        for (area, least) in [
            (Area::Transport, 15),
            (Area::Rpc, 90),
            (Area::Ndr, 15),
            (Area::Message, 20),
            (Area::Crypto, 20),
            (Area::Policy, 20),
            (Area::Administration, 20),
            (Area::Robustness, 10),
        ] {
            let count = Fault::all().filter(|fault| fault.area() == area).count();
            assert!(count >= least, "{}: {count}", area.name());
        }
    }
}

use std::fmt::Debug;
use std::ops::RangeBounds;

use crate::verdict::{Evidence, Failure, Stop};

/// A value taken from an answer, waiting for what the requirement says of it.
#[derive(Debug)]
#[must_use = "a field that is not checked proves nothing"]
pub struct Field<T> {
    name: String,
    value: T,
    step: usize,
    evidence: Option<Evidence>,
}

impl<T: Debug> Field<T> {
    /// A value that stands in no PDU: a comparison of several answers, a duration, a count.
    pub fn derived(name: impl Into<String>, value: T) -> Self {
        Self {
            name: name.into(),
            value,
            step: 0,
            evidence: None,
        }
    }

    pub(crate) fn new(name: impl Into<String>, value: T, step: usize, evidence: Evidence) -> Self {
        Self {
            name: name.into(),
            value,
            step,
            evidence: Some(evidence),
        }
    }

    /// It must be this.
    ///
    /// # Errors
    /// A failure with both values.
    pub fn is(self, expected: T) -> Result<(), Stop>
    where
        T: PartialEq,
    {
        let wanted = format!("{expected:?}");
        self.satisfies(wanted, |value| *value == expected)
    }

    /// It must be anything but this.
    ///
    /// # Errors
    /// A failure with the value.
    pub fn is_not(self, unwanted: T) -> Result<(), Stop>
    where
        T: PartialEq,
    {
        let wanted = format!("not {unwanted:?}");
        self.satisfies(wanted, |value| *value != unwanted)
    }

    /// It must be one of these; the first is what is expected, the others are tolerated.
    ///
    /// # Errors
    /// A failure with all values.
    pub fn one_of(self, lawful: impl IntoIterator<Item = T>) -> Result<(), Stop>
    where
        T: PartialEq,
    {
        let lawful: Vec<T> = lawful.into_iter().collect();
        let wanted = lawful
            .iter()
            .map(|value| format!("{value:?}"))
            .collect::<Vec<_>>()
            .join(" or ");
        self.satisfies(wanted, |value| lawful.contains(value))
    }

    /// It must lie in this range.
    ///
    /// # Errors
    /// A failure with the range.
    pub fn within(self, range: impl RangeBounds<T> + Debug) -> Result<(), Stop>
    where
        T: PartialOrd,
    {
        let wanted = format!("{range:?}");
        self.satisfies(wanted, |value| range.contains(value))
    }

    /// It must satisfy `lawful`, which `wanted` puts into words.
    ///
    /// # Errors
    /// A failure with these words.
    pub fn satisfies(
        self,
        wanted: impl Into<String>,
        lawful: impl FnOnce(&T) -> bool,
    ) -> Result<(), Stop> {
        if lawful(&self.value) {
            Ok(())
        } else {
            Err(self.violates(wanted))
        }
    }

    /// The failure of a value that is known not to be what `wanted` puts into words.
    pub fn violates(self, wanted: impl Into<String>) -> Stop {
        let Self {
            name,
            value,
            step,
            evidence,
        } = self;
        Failure {
            step,
            field: name,
            expected: wanted.into(),
            got: format!("{value:?}"),
            evidence,
        }
        .into()
    }
}

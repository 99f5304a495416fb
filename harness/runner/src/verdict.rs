//! How a case ends.

use std::fmt;
use std::ops::Range;

/// Why a case's story ended early.
#[derive(Clone, Debug)]
pub enum Stop {
    /// The target broke the requirement.
    Fail(Box<Failure>),
    /// The case does not apply to this target; the condition.
    Skip(String),
    /// It could not be judged; why.
    Error(String),
}

impl Stop {
    /// The target broke the requirement: `field` should have been `expected` and was `got`.
    pub fn fail(
        field: impl Into<String>,
        expected: impl Into<String>,
        got: impl Into<String>,
    ) -> Self {
        Self::Fail(Box::new(Failure {
            step: 0,
            field: field.into(),
            expected: expected.into(),
            got: got.into(),
            evidence: None,
        }))
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Fail(Box::new(failure))
    }
}

/// What was expected, what came, and the octets that show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step of the case's story, counted from 1: each PDU sent or awaited is one; 0 where it belongs to none.
    pub step: usize,
    /// The field or behaviour judged.
    pub field: String,
    /// What the requirement wants.
    pub expected: String,
    /// What came.
    pub got: String,
    /// The PDU that shows it.
    pub evidence: Option<Evidence>,
}

/// Octets that show a failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// What they are: `bind_ack`, `response`.
    pub what: String,
    /// All octets of the PDU or message.
    pub octets: Vec<u8>,
    /// The octets of the field in question, if they are known.
    pub highlight: Option<Range<usize>>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: expected {}, got {}",
            self.field, self.expected, self.got
        )
    }
}

/// How much a requirement weighs, the lightest first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Informative.
    May,
    /// Others rely on it at most rarely.
    Should,
    /// Breaking it breaks clients or hosts, or is a safety defect.
    Must,
}

/// How a case came out.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The requirement holds.
    Pass,
    /// A requirement that counts is broken.
    Fail,
    /// A `should` below the level that counts is broken.
    Warn,
    /// A `may` below the level that counts is broken.
    Note,
    /// It is broken, and the expectations know it.
    Deviation,
    /// It came out differently when it was repeated.
    Flaky,
    /// It does not apply to this target.
    Skip,
    /// It could not be judged.
    Error,
}

macro_rules! names {
    ($($type:ident { $($variant:ident = $name:literal),+ })+) => {$(
        impl $type {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// As the reports write it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    )+};
}

names! {
    Level { May = "may", Should = "should", Must = "must" }
    Verdict {
        Pass = "pass", Fail = "fail", Warn = "warn", Note = "note", Deviation = "deviation", Flaky = "flaky", Skip = "skip", Error = "error"
    }
}

impl Verdict {
    /// The verdict on a broken requirement of this level, where `gate` is the lightest level that counts.
    pub fn of_failure(level: Level, gate: Level) -> Self {
        match level {
            _ if level >= gate => Self::Fail,
            Level::May => Self::Note,
            Level::Should | Level::Must => Self::Warn,
        }
    }
}

//! How a server can be told to misbehave.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

/// A way for a server to be unhelpful.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Answers everything with SERVFAIL.
    ServFail,
    /// Answers everything with REFUSED.
    Refused,
    /// Says of every name that it does not exist.
    NxDomain,
    /// Says of every name that it exists and has no such records.
    Empty,
    /// Truncates every answer over UDP, so that it must be asked over TCP.
    Truncate,
    /// Truncates every answer over UDP, and does not answer over TCP.
    TruncateAlways,
    /// Waits this long before every answer.
    Slow(Duration),
    /// Answers a query with an alias alone; what was asked for is at the alias.
    Cname,
    /// The same, and the alias is an alias of the name again.
    CnameLoop,
    /// Answers with an id that is not the question's.
    WrongId,
    /// Answers another question.
    WrongQuestion,
    /// Never answers.
    Silent,
    /// Answers queries and refuses updates.
    NoUpdates,
}

/// Why a text is not a fault.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0:?} is not one of {names}, slow=TIME such as slow=500ms", names = Fault::names())]
pub struct FaultError(String);

/// Those without a value, by name.
const NAMED: &[(&str, Fault)] = &[
    ("servfail", Fault::ServFail),
    ("refused", Fault::Refused),
    ("nxdomain", Fault::NxDomain),
    ("empty", Fault::Empty),
    ("truncate", Fault::Truncate),
    ("truncate-always", Fault::TruncateAlways),
    ("cname", Fault::Cname),
    ("cname-loop", Fault::CnameLoop),
    ("wrong-id", Fault::WrongId),
    ("wrong-question", Fault::WrongQuestion),
    ("silent", Fault::Silent),
    ("no-updates", Fault::NoUpdates),
];

/// Longest wait that can be asked for.
const LONGEST: Duration = Duration::from_secs(600);

impl Fault {
    fn names() -> String {
        let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let named = NAMED
            .iter()
            .find(|(name, _)| *name == text)
            .map(|(_, fault)| *fault);
        let slow = || text.strip_prefix("slow=").and_then(time).map(Self::Slow);
        named
            .or_else(slow)
            .ok_or_else(|| FaultError(text.to_owned()))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.iter().find(|(_, fault)| fault == self) {
            Some((name, _)) => f.write_str(name),
            None => match self {
                Self::Slow(time) => write!(f, "slow={}ms", time.as_millis()),
                other => write!(f, "{other:?}"),
            },
        }
    }
}

/// `500ms` or `2s`, up to ten minutes.
fn time(text: &str) -> Option<Duration> {
    let time = if let Some(number) = text.strip_suffix("ms") {
        Duration::from_millis(number.parse().ok()?)
    } else {
        Duration::from_secs(text.strip_suffix('s')?.parse().ok()?)
    };
    (time <= LONGEST).then_some(time)
}

//! Whether what a bundle tells of is still so.

use std::fmt;

use super::{Bundle, MOST_OCTETS, transcript};
use crate::exit::Exit;
use crate::run::{Row, RunResult};
use crate::verdict::Verdict;

/// What repeating a bundle came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds now.
    Fixed,
    /// It does not.
    Failed(Likeness),
    /// It could not be judged; why.
    Error(String),
}

/// How like the failure of a bundle another one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// The same expectation was broken in the same way.
    Same,
    /// The same expectation was broken, and something else came.
    OtherValue,
    /// Another expectation was broken, or nothing is known of the first one.
    Other,
}

impl Answer {
    /// What it says to whoever asked.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Fixed => Exit::Holds,
            Self::Failed(_) => Exit::Fails,
            Self::Error(_) => Exit::NotJudged,
        }
    }

    /// The one word for it.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fixed => "FIXED",
            Self::Failed(_) => "FAILED",
            Self::Error(_) => "ERROR",
        }
    }
}

impl fmt::Display for Likeness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Same => "the same failure",
            Self::OtherValue => "the same expectation is broken, by another value",
            Self::Other => "another failure",
        })
    }
}

/// What running a bundle's case again came to, with the row that says so.
pub fn answer<'r>(bundle: &Bundle, result: &'r RunResult) -> (Answer, Option<&'r Row>) {
    let row = result.rows.iter().find(|row| row.id == bundle.id);
    // What is known of the row outweighs what became of the target afterwards, unless it holds: then nothing may be open.
    let known = match row {
        Some(row) if row.failure.is_some() => Answer::Failed(likeness(bundle, row)),
        Some(row) => match row.verdict {
            Verdict::Flaky | Verdict::Fail => Answer::Failed(Likeness::Other),
            Verdict::Skip | Verdict::Error => Answer::Error(row.reason.clone().unwrap_or_default()),
            _ if result.unable.is_empty() => Answer::Fixed,
            _ => Answer::Error(result.unable.join("; ")),
        },
        None => Answer::Error(not_judged(bundle, result)),
    };
    (known, row)
}

/// Why there is no result with the bundle's id.
fn not_judged(bundle: &Bundle, result: &RunResult) -> String {
    let of_case = result.rows.iter().find(|row| row.id == bundle.case);
    let reason = of_case.and_then(|row| row.reason.clone());
    reason
        .or_else(|| result.unable.first().cloned())
        .unwrap_or_else(|| "the answers to its case no longer show it".to_owned())
}

fn likeness(bundle: &Bundle, row: &Row) -> Likeness {
    match (&bundle.failure, &row.failure) {
        (Some(then), Some(now)) if (&then.field, &then.expected) == (&now.field, &now.expected) => {
            if then.got == now.got {
                Likeness::Same
            } else {
                Likeness::OtherValue
            }
        }
        (Some(then), Some(now)) if (then.step, &then.field) == (now.step, &now.field) => {
            Likeness::OtherValue
        }
        _ => Likeness::Other,
    }
}

impl Bundle {
    /// Whether the tester sent the same octets when the case ran again, as far as the bundle holds them.
    pub fn sent_the_same(&self, row: &Row) -> bool {
        let (now, _) = transcript::of(&row.transcript, MOST_OCTETS);
        transcript::sent(&self.transcript) == transcript::sent(&now)
    }
}

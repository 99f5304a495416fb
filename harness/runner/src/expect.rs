//! Expectations: failures of a target that are known, each with its reason, so that a gate stays useful until they are
//! mended.
//!
//! ```toml
//! [[deviation]]
//! case = "rpc.btfn.*"                  # an id or a pattern; a requirement's id stands for all its rows
//! verdict = "fail"                     # fail, warn, note or flaky; what could not be judged cannot be expected
//! signature = "reason[1]: expected 3*" # optional pattern for the failure: FIELD: expected X, got Y
//! reason = "features are granted that nobody asked for"
//! link = "https://example.org/42"      # optional
//! expires = 2027-06-30                 # optional; the last day on which it holds
//! ```
//!
//! A list of known failures rots unless it is held to account, so each way of being wrong is an error of its own with a
//! line number, and fails the gate: see [`Problem`].

pub mod check;

mod file;
mod update;

#[cfg(test)]
mod tests;

pub(crate) use file::place;
pub use file::{Expectations, ExpectationsError};

use std::fmt;

use crate::glob::Glob;
use crate::run::{Row, RunResult};
use crate::verdict::Verdict;

/// A known failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// Line of the file, from 1, on which its `case` stands.
    pub line: usize,
    /// The pattern for ids.
    pub case: String,
    /// How the case comes out.
    pub verdict: Verdict,
    /// A pattern for the failure, as it prints in one line.
    pub signature: Option<String>,
    /// Why it is so.
    pub reason: String,
    /// Where more is to be read.
    pub link: Option<String>,
    /// The last day on which it holds, as `2027-06-30`.
    pub expires: Option<String>,
}

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProblem {
    /// Line of the file, from 1.
    pub line: usize,
    /// The entry's pattern.
    pub case: String,
    /// What is wrong.
    pub problem: Problem,
}

/// What can be wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// Its cases ran, and none fails as it says: it is to be removed.
    Stale,
    /// No case has such an id.
    Unmatched,
    /// An entry before it has the same pattern.
    Duplicate {
        /// The line of that entry.
        first: usize,
    },
    /// An entry before it covers the same failing case.
    Overlapping {
        /// The line of that entry.
        other: usize,
        /// The case.
        id: String,
    },
    /// Its last day is over.
    Expired {
        /// That day.
        on: String,
    },
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {:?} ", self.line, self.case)?;
        match &self.problem {
            Problem::Stale => f.write_str("is stale: its cases no longer fail so; remove it"),
            Problem::Unmatched => f.write_str("is unmatched: no case has such an id"),
            Problem::Duplicate { first } => write!(f, "is a duplicate of line {first}"),
            Problem::Overlapping { other, id } => {
                write!(f, "overlaps with line {other}: both cover {id}")
            }
            Problem::Expired { on } => {
                write!(f, "expired on {on}: mend the target, or give it a new date")
            }
        }
    }
}

impl Deviation {
    /// Whether it speaks of the case with this id.
    pub fn names(&self, id: &str) -> bool {
        let requirement = id
            .split_once('/')
            .map_or(id, |(requirement, _)| requirement);
        let glob = Glob::new(&self.case);
        glob.matches(id) || glob.matches(requirement)
    }

    /// Whether this row came out as it says.
    fn covers(&self, row: &Row) -> bool {
        let signature = || {
            row.failure
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default()
        };
        self.names(&row.id)
            && self.verdict == row.verdict
            && self
                .signature
                .as_ref()
                .is_none_or(|pattern| Glob::new(pattern).matches(&signature()))
    }

    fn is_expired(&self, today: &str) -> bool {
        self.expires.as_deref().is_some_and(|last| last < today)
    }
}

impl Expectations {
    /// Makes deviations of the rows whose failure is known, and says what is wrong with the entries. `ids` are those of all cases
    /// there are, selected or not; `today` is a date like `2027-06-30`.
    ///
    /// An expired entry expects nothing any more. One whose cases were not selected, skipped or could not be judged is
    /// left in peace: nothing was learnt about it.
    pub fn apply<'a>(
        &self,
        result: &mut RunResult,
        ids: impl IntoIterator<Item = &'a str> + Clone,
        today: &str,
    ) -> Vec<EntryProblem> {
        let mut problems = Vec::new();
        for (nth, entry) in self.entries.iter().enumerate() {
            let before = self.entries.get(..nth).unwrap_or_default();
            let problem = standing_alone(entry, before, ids.clone(), today)
                .or_else(|| is_stale(entry, &result.rows).then_some(Problem::Stale));
            problems.extend(problem.map(|problem| problem.of(entry)));
        }
        for row in &mut result.rows {
            problems.extend(self.mark(row, today));
        }
        problems.sort_by_key(|problem| problem.line);
        problems.dedup_by_key(|problem| (problem.line, std::mem::discriminant(&problem.problem)));
        problems
    }

    /// Makes a row that an entry covers a deviation, and names the other entries that cover it too.
    fn mark(&self, row: &mut Row, today: &str) -> Vec<EntryProblem> {
        let holds = |entry: &&Deviation| !entry.is_expired(today) && entry.covers(row);
        let covering: Vec<&Deviation> = self.entries.iter().filter(holds).collect();
        let Some((first, others)) = covering.split_first() else {
            return Vec::new();
        };
        row.verdict = Verdict::Deviation;
        row.reason = Some(first.reason.clone());
        let others = others.iter().filter(|entry| entry.case != first.case);
        others
            .map(|entry| {
                Problem::Overlapping {
                    other: first.line,
                    id: row.id.clone(),
                }
                .of(entry)
            })
            .collect()
    }
}

impl Problem {
    fn of(self, entry: &Deviation) -> EntryProblem {
        EntryProblem {
            line: entry.line,
            case: entry.case.clone(),
            problem: self,
        }
    }
}

/// What is wrong with an entry whatever the run came to.
fn standing_alone<'a>(
    entry: &Deviation,
    before: &[Deviation],
    ids: impl IntoIterator<Item = &'a str>,
    today: &str,
) -> Option<Problem> {
    let same = |other: &&Deviation| other.case == entry.case && other.signature == entry.signature;
    if let Some(other) = before.iter().find(same) {
        return Some(Problem::Duplicate { first: other.line });
    }
    if !ids.into_iter().any(|id| entry.names(id)) {
        return Some(Problem::Unmatched);
    }
    entry.is_expired(today).then(|| Problem::Expired {
        on: entry.expires.clone().unwrap_or_default(),
    })
}

/// Whether cases that an entry names were judged, and none came out as it says.
fn is_stale(entry: &Deviation, rows: &[Row]) -> bool {
    let judged =
        |row: &&Row| !matches!(row.verdict, Verdict::Skip | Verdict::Error) && entry.names(&row.id);
    rows.iter().any(|row| judged(&row)) && !rows.iter().any(|row| entry.covers(row))
}

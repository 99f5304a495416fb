//! The report for programs: versioned, in a stable order, what is measured kept apart.
//!
//! Its form is written down in `schema/run-1.schema.json`, which [`SCHEMA`] holds. Two runs with the same seed against a
//! target that answers and writes the same differ in `times` alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::plan::Part;
use crate::run::{Row, RunResult, Tally};
use crate::verdict::{Evidence, Failure, Level, Verdict};

/// The JSON Schema of [`Report`].
pub const SCHEMA: &str = include_str!("../../schema/run-1.schema.json");

/// A run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`]; another number is another form.
    pub version: u32,
    /// The version of kmspec that ran.
    pub kmspec: String,
    /// What was judged.
    pub target: String,
    /// Where all randomness came from.
    pub seed: u64,
    /// The lightest level whose failure fails the run.
    pub level: Level,
    /// The exit code: 0 everything required holds, 1 something fails, 2 it could not be judged.
    pub exit: u8,
    /// Which part of the plan was run, if it was not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
    /// What stood in the way of a judgement of the whole.
    pub unable: Vec<String>,
    /// What is wrong with the expectations, one line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub broken_expectations: Vec<String>,
    /// How many results came out how; all verdicts, in their order.
    pub counts: BTreeMap<Verdict, usize>,
    /// The results, in the plan's order.
    pub results: Vec<Entry>,
    /// What the target wrote, if the harness started it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub log: String,
    /// What is measured, and so differs from run to run.
    pub times: Times,
}

/// Which part of a plan was run, and what it takes to put the parts together again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which part of the plan.
    pub part: Part,
    /// The cases of this part in which a requirement on every answer was broken, by the id of its result.
    pub broken_in: BTreeMap<String, Vec<String>>,
}

/// One result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its full id.
    pub id: String,
    /// The requirement it checks.
    pub requirement: String,
    /// The suite it stands in.
    pub suite: String,
    /// How much the requirement weighs.
    pub level: Level,
    /// Who has to keep it.
    pub role: String,
    /// The requirement in one line.
    pub title: String,
    /// What the case asks.
    pub sentence: String,
    /// The documents that say so.
    pub source: String,
    /// How it came out.
    pub verdict: Verdict,
    /// The case to run to see it again.
    pub shown_in: String,
    /// What was expected and what came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<EntryFailure>,
    /// Why it was skipped, could not be judged, or is flaky.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What a reader should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What was expected and what came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryFailure {
    /// The step of the case's story, from 1; 0 where it belongs to none.
    pub step: usize,
    /// The field or behaviour judged.
    pub field: String,
    /// What the requirement wants.
    pub expected: String,
    /// What came.
    pub got: String,
    /// The PDU that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EntryEvidence>,
}

/// Octets that show a failure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntryEvidence {
    /// What they are.
    pub what: String,
    /// The octets, in hexadecimal.
    pub octets: String,
    /// First octet of the field in question, and the one behind its last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub highlight: Option<[usize; 2]>,
}

/// What is measured, and so differs from run to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Times {
    /// The tester's clock during the run: 100 ns since 1601-01-01 UTC.
    pub client_time: u64,
    /// The whole run, in milliseconds.
    pub took_ms: u64,
    /// Each result's case, in milliseconds, in the order of `results`.
    pub results_ms: Vec<u64>,
    /// How often each requirement on every answer was judged, by the id of its result.
    pub judged: BTreeMap<String, Tally>,
}

impl Report {
    /// The report of a run.
    pub fn of(result: &RunResult) -> Self {
        let counts = Verdict::ALL
            .iter()
            .map(|verdict| (*verdict, result.count(*verdict)));
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            kmspec: env!("CARGO_PKG_VERSION").to_owned(),
            target: result.target.clone(),
            seed: result.seed,
            level: result.level,
            exit: result.exit().code(),
            shard: result.part.as_ref().map(|part| Shard::of(part, result)),
            unable: result.unable.clone(),
            broken_expectations: result.broken_expectations.clone(),
            counts: counts.collect(),
            results: result.rows.iter().map(Entry::of).collect(),
            log: result.log.clone(),
            times: Times {
                client_time: result.now.0,
                took_ms: millis(result.took),
                results_ms: result.rows.iter().map(|row| millis(row.took)).collect(),
                judged: result.rows.iter().filter_map(tally).collect(),
            },
        }
    }

    /// Its text.
    ///
    /// # Panics
    /// Never: every value of it can be written.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings, numbers and lists");
        text.push('\n');
        text
    }

    /// Reads one.
    ///
    /// # Errors
    /// It is no such report, or one of another version.
    pub fn from_json(text: &str) -> Result<Self, ReportError> {
        let head: Head = serde_json::from_str(text)?;
        if head.format != FORMAT {
            return Err(ReportError::Format(head.format));
        }
        if head.version != VERSION {
            return Err(ReportError::Version(head.version));
        }
        Ok(serde_json::from_str(text)?)
    }
}

/// A file is no report of a run.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// It is no JSON, or not of this form.
    #[error("no report of a run: {0}")]
    Json(#[from] serde_json::Error),
    /// It says that it is something else.
    #[error("no report of a run, but {0:?}")]
    Format(String),
    /// It is of another version.
    #[error("a report of version {0}; this kmspec reads version 1")]
    Version(u32),
}

/// What has to fit before the rest is read.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Shard {
    fn of(part: &Part, result: &RunResult) -> Self {
        let broken = result.rows.iter().filter(|row| !row.broken_in.is_empty());
        Self {
            part: part.clone(),
            broken_in: broken
                .map(|row| (row.id.clone(), row.broken_in.clone()))
                .collect(),
        }
    }
}

impl Entry {
    fn of(row: &Row) -> Self {
        Self {
            id: row.id.clone(),
            requirement: row.requirement.clone(),
            suite: row.suite.clone(),
            level: row.level,
            role: row.role.to_owned(),
            title: row.title.clone(),
            sentence: row.sentence.clone(),
            source: row.source.clone(),
            verdict: row.verdict,
            shown_in: row.shown_in.clone(),
            failure: row.failure.as_ref().map(EntryFailure::of),
            reason: row.reason.clone(),
            notes: row.notes.clone(),
        }
    }
}

impl EntryFailure {
    pub(crate) fn of(failure: &Failure) -> Self {
        Self {
            step: failure.step,
            field: failure.field.clone(),
            expected: failure.expected.clone(),
            got: failure.got.clone(),
            evidence: failure.evidence.as_ref().map(EntryEvidence::of),
        }
    }
}

impl EntryEvidence {
    pub(crate) fn of(evidence: &Evidence) -> Self {
        let octets = evidence.octets.iter().map(|octet| format!("{octet:02x}"));
        let highlight = evidence.highlight.as_ref();
        Self {
            what: evidence.what.clone(),
            octets: octets.collect(),
            highlight: highlight.map(|range| [range.start, range.end]),
        }
    }
}

fn tally(row: &Row) -> Option<(String, Tally)> {
    row.tally.map(|tally| (row.id.clone(), tally))
}

fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// What the file says it is.
pub const FORMAT: &str = "kmspec-run";
/// The version of its form.
pub const VERSION: u32 = 1;

use std::fmt;
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use serde::{Deserialize, Serialize};

use crate::peer::Event;
use crate::plan::{Options, Part, Planned};
use crate::target::Target;
use crate::verdict::{Failure, Level, Verdict};

/// What came of a run.
#[derive(Clone, Debug)]
pub struct RunResult {
    /// What reports call the target.
    pub target: String,
    /// Where all randomness came from.
    pub seed: u64,
    /// The tester's clock.
    pub now: FileTime,
    /// The lightest level whose failure fails the run.
    pub level: Level,
    /// What stands in the way of a judgement of the whole: no target, a dead one, an interruption, an empty plan.
    pub unable: Vec<String>,
    /// One for each row of the plan, in its order; behind them those of `kmspec-rules`.
    pub rows: Vec<Row>,
    /// What is wrong with the expectations, one line each; see [`expect`](crate::expect).
    pub broken_expectations: Vec<String>,
    /// Which part of a plan was run, if it was not the whole.
    pub part: Option<Part>,
    /// What the started target has written, if it was started.
    pub log: String,
    /// How long it took.
    pub took: Duration,
}

impl RunResult {
    pub(super) fn unable(target: &Target, options: &Options, reason: &str) -> Self {
        Self {
            target: target.name.clone(),
            seed: options.seed,
            now: options.now.unwrap_or_default(),
            level: options.level,
            unable: vec![reason.to_owned()],
            rows: Vec::new(),
            broken_expectations: Vec::new(),
            part: None,
            log: String::new(),
            took: Duration::ZERO,
        }
    }

    /// How many rows came out like this.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.rows
            .iter()
            .filter(|row| row.verdict == verdict)
            .count()
    }
}

/// How often a requirement on every answer was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tally {
    /// Times it was judged.
    pub judged: u64,
    /// Times it did not hold.
    pub broken: u64,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.broken {
            0 => write!(f, "judged {} times", self.judged),
            broken => write!(f, "judged {} times, broken {broken} times", self.judged),
        }
    }
}

/// What came of one row of a case.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its full id.
    pub id: String,
    /// The requirement it checks.
    pub requirement: String,
    /// The suite it stands in.
    pub suite: String,
    /// How much the requirement weighs.
    pub level: Level,
    /// Who has to keep it.
    pub role: &'static str,
    /// The requirement in one line.
    pub title: String,
    /// What the case asks.
    pub sentence: String,
    /// The documents that say so.
    pub source: String,
    /// How it came out.
    pub verdict: Verdict,
    /// The case to run in order to see it again: the row itself, unless it judges the answers of all.
    pub shown_in: String,
    /// What was expected and what came, where a requirement is broken.
    pub failure: Option<Failure>,
    /// Why it was skipped, could not be judged, or is flaky.
    pub reason: Option<String>,
    /// What a reader should know: tolerated answers, figures observed.
    pub notes: Vec<String>,
    /// The cases in which it was broken, if it holds of every answer.
    pub broken_in: Vec<String>,
    /// How often it was judged, if it holds of every answer. It varies a little with what runs at the same time.
    pub tally: Option<Tally>,
    /// How long it took.
    pub took: Duration,
    /// What went over the wire; kept if the verdict is not pass or skip, or on demand.
    pub transcript: Vec<Event>,
}

impl Row {
    pub(super) fn of(planned: &Planned, verdict: Verdict) -> Self {
        Self {
            id: planned.id.clone(),
            requirement: planned.requirement().to_owned(),
            suite: planned.suite.clone(),
            level: planned.level,
            role: planned.role,
            title: planned.title.clone(),
            sentence: planned.case.sentence.trim().to_owned(),
            source: planned.source.clone(),
            verdict,
            shown_in: planned.id.clone(),
            failure: None,
            reason: None,
            notes: Vec::new(),
            broken_in: Vec::new(),
            tally: None,
            took: Duration::ZERO,
            transcript: Vec::new(),
        }
    }

    pub(super) fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }
}

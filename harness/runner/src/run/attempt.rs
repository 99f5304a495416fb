//! One case, run once.

use std::future::ready;
use std::sync::Arc;

use kmspec_rules::Tally;
use tokio::task::{JoinError, JoinSet};

use super::every::Sighting;
use crate::case::{CaseFuture, Story};
use crate::peer::{Endpoint, Peer, Record};
use crate::plan::{Options, Planned};
use crate::run::Row;
use crate::verdict::{Failure, Level, Stop, Verdict};

/// What running a case once gave.
#[derive(Debug)]
pub(super) struct Attempt {
    /// What its story came to.
    pub(super) outcome: Result<(), Stop>,
    /// What it did and saw.
    pub(super) record: Arc<Record>,
    /// The target does not serve any longer.
    lost: bool,
}

impl Attempt {
    /// A target that serves still.
    pub(super) const fn new(outcome: Result<(), Stop>, record: Arc<Record>) -> Self {
        Self {
            outcome,
            record,
            lost: false,
        }
    }

    /// Holds the case responsible for the target's not serving any longer.
    pub(super) fn blame(&mut self, problem: &str) {
        let health = "health after the case";
        self.lost = true;
        match &self.outcome {
            Err(Stop::Fail(_)) => self
                .record
                .note(format!("{health}: the target serves no more: {problem}")),
            _ => self.outcome = Err(Stop::fail(health, "a target that serves", problem)),
        }
    }

    /// The level of a failure: whatever a case asks, a target must survive it.
    fn level(&self, asked: Level) -> Level {
        if self.lost { Level::Must } else { asked }
    }

    /// What the reports show of it: verdict, failure, reason.
    fn judged(&self, level: Level, gate: Level) -> (Verdict, Option<Failure>, Option<String>) {
        match &self.outcome {
            Ok(()) => (Verdict::Pass, None, None),
            Err(Stop::Fail(failure)) => {
                let verdict = Verdict::of_failure(self.level(level), gate);
                (verdict, Some(failure.as_ref().clone()), None)
            }
            Err(Stop::Skip(reason)) => (Verdict::Skip, None, Some(reason.clone())),
            Err(Stop::Error(reason)) => (Verdict::Error, None, Some(reason.clone())),
        }
    }
}

/// The row that attempts at the same case come to: what could not be judged is shown before what does not pass.
pub(super) fn judge(planned: &Planned, attempts: Vec<Attempt>, options: &Options) -> Judgement {
    let judged = |attempt: &Attempt| attempt.judged(planned.level, options.level);
    let verdicts: Vec<Verdict> = attempts.iter().map(|attempt| judged(attempt).0).collect();
    let error = |attempt: &&Attempt| matches!(attempt.outcome, Err(Stop::Error(_)));
    let shown = attempts
        .iter()
        .find(error)
        .or_else(|| attempts.iter().find(|attempt| attempt.outcome.is_err()))
        .or(attempts.first());
    let Some(shown) = shown else {
        return Row::of(planned, Verdict::Error)
            .because("the case did not run")
            .into();
    };
    let (verdict, failure, reason) = judged(shown);
    let mut row = Row::of(planned, verdict);
    (row.failure, row.reason) = (failure, reason);
    if verdict != Verdict::Error && verdicts.iter().any(|other| *other != verdict) {
        row.verdict = Verdict::Flaky;
        let names: Vec<&str> = verdicts.into_iter().map(Verdict::name).collect();
        row.reason = Some(format!("came out as {}", names.join(", ")));
    }
    row.notes = shown.record.notes();
    if options.keep_transcripts || !matches!(row.verdict, Verdict::Pass | Verdict::Skip) {
        row.transcript = shown.record.events();
    }
    let mut judgement = Judgement::from(row);
    for attempt in &attempts {
        judgement.tally.merge(&attempt.record.tally());
        judgement.broken.extend(Sighting::all_in(&attempt.record));
    }
    judgement
}

/// A row, and what the judges of every answer saw while it ran.
#[derive(Debug)]
pub(super) struct Judgement {
    /// The row.
    pub(super) row: Row,
    /// How often each rule was judged.
    pub(super) tally: Tally,
    /// What was broken, with evidence.
    pub(super) broken: Vec<Sighting>,
}

impl From<Row> for Judgement {
    fn from(row: Row) -> Self {
        Self {
            row,
            tally: Tally::default(),
            broken: Vec::new(),
        }
    }
}

/// Runs a case that judges a host.
pub(super) async fn attempt(
    planned: &Planned,
    endpoint: Arc<Endpoint>,
    options: &Options,
) -> Attempt {
    let record = Arc::new(Record::default());
    let peer = Peer::new(endpoint, Arc::clone(&record), options.seed, &planned.id);
    let story: CaseFuture = match planned.case.story {
        Story::Host(story) => story(peer, planned.row),
        Story::Client(_) => Box::pin(ready(Err(Stop::Skip("judges clients".to_owned())))),
    };
    guarded(story, record, options).await
}

/// Runs a story in a task of its own, so that neither its panic nor its hanging is ours.
pub(super) async fn guarded(story: CaseFuture, record: Arc<Record>, options: &Options) -> Attempt {
    let mut task = JoinSet::new();
    task.spawn(story);
    let limit = options.case_timeout;
    let outcome = match tokio::time::timeout(limit, task.join_next()).await {
        Err(_) => Err(Stop::Error(format!("the case took longer than {limit:?}"))),
        Ok(Some(Ok(outcome))) => outcome,
        Ok(Some(Err(error))) => Err(Stop::Error(panicked(error))),
        Ok(None) => Err(Stop::Error("the case did not run".to_owned())),
    };
    Attempt::new(outcome, record)
}

fn panicked(error: JoinError) -> String {
    let Ok(payload) = error.try_into_panic() else {
        return "the case was cancelled".to_owned();
    };
    let words = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!(
        "the harness has a bug: the case panicked: {}",
        words.unwrap_or("no message")
    )
}

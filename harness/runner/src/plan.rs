//! What is to be run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::case::Case;
use crate::peer::Timing;
use crate::verdict::Level;

/// One row of a case, joined with what the catalogue says of its requirement.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The case.
    pub case: &'static Case,
    /// Which row of its table, from 0.
    pub row: usize,
    /// The row's full id.
    pub id: String,
    /// The suite it stands in.
    pub suite: String,
    /// How much the requirement weighs.
    pub level: Level,
    /// Who has to keep it: `host`, `client` or `both`.
    pub role: &'static str,
    /// The requirement in one line.
    pub title: String,
    /// The documents that say so.
    pub source: String,
}

impl Planned {
    /// The requirement it checks.
    pub fn requirement(&self) -> &'static str {
        self.case.requirement()
    }

    /// What of the id is not the requirement's: which story, which row. Empty if there is one only.
    pub fn variant(&self) -> &str {
        let rest = self.id.strip_prefix(self.requirement()).unwrap_or_default();
        rest.strip_prefix('/').unwrap_or(rest)
    }
}

/// What is to be run, and what is to be judged of every answer meanwhile.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The rows, in the order of the reports.
    pub rows: Vec<Planned>,
    /// The requirements on every answer that get a row of their own behind them.
    pub every_answer: Vec<About>,
}

impl From<Vec<Planned>> for Plan {
    fn from(rows: Vec<Planned>) -> Self {
        let every_answer = Vec::new();
        Self { rows, every_answer }
    }
}

/// What the catalogue says of a requirement on every answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its id; `kmspec-rules` judges it.
    pub id: String,
    /// How much it weighs.
    pub level: Level,
    /// Who has to keep it: `host`, `client` or `both`.
    pub role: &'static str,
    /// It in one line.
    pub title: String,
    /// The documents that say so.
    pub source: String,
}

/// One of so many parts into which a plan was cut, and what it takes to put them together again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Which part, from 1.
    pub index: u64,
    /// How many parts there are.
    pub total: u64,
    /// How many rows the whole plan has.
    pub rows: usize,
    /// A hash over the ids of the whole plan, in their order.
    pub plan: String,
    /// The places of this part's rows in the whole plan, from 0.
    pub places: Vec<usize>,
    /// The requirements on every answer, in the plan's order.
    pub every_answer: Vec<String>,
}

impl Part {
    /// Keeps the rows of a plan that `holds` says belong to part `index` of `total`.
    pub fn cut(plan: &mut Plan, index: u64, total: u64, holds: impl Fn(&str) -> bool) -> Self {
        let ids = plan.rows.iter().map(|row| row.id.as_str());
        let every_answer = plan.every_answer.iter().map(|about| about.id.as_str());
        let hash = ids
            .clone()
            .chain(["every answer"])
            .chain(every_answer.clone())
            .fold(0xcbf2_9ce4_8422_2325, with);
        let places = ids.enumerate().filter(|(_, id)| holds(id));
        let part = Self {
            index,
            total,
            rows: plan.rows.len(),
            plan: format!("{hash:016x}"),
            places: places.map(|(place, _)| place).collect(),
            every_answer: every_answer.map(str::to_owned).collect(),
        };
        plan.rows.retain(|row| holds(&row.id));
        part
    }
}

/// FNV-1a over one more word.
fn with(hash: u64, word: &str) -> u64 {
    word.bytes().chain([0]).fold(hash, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// How to run.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line, and no two depend on each other"
)]
pub struct Options {
    /// Where all randomness comes from.
    pub seed: u64,
    /// Cases at the same time.
    pub jobs: usize,
    /// How long to wait for what.
    pub timing: Timing,
    /// A case that takes longer is stopped and gets an error verdict.
    pub case_timeout: Duration,
    /// The run is stopped after this.
    pub run_timeout: Option<Duration>,
    /// Stop at the first failure that counts.
    pub fail_fast: bool,
    /// How many times each case runs; different outcomes make it flaky.
    pub repeat: usize,
    /// The lightest level whose failure fails the run.
    pub level: Level,
    /// The tester's clock, which stands still during a run so that a case can be repeated octet by octet; `None` for
    /// the moment at which the run begins.
    pub now: Option<FileTime>,
    /// Whether the target's clock can be taken to be right; without, cases that need it are skipped.
    pub clock: bool,
    /// Whether the target's health is looked at: before the first case, behind the last, and where a case may have hurt.
    /// Without it a target that serves nobody is judged case by case instead of not at all.
    pub health: bool,
    /// Keep what went over the wire of cases that pass, too.
    pub keep_transcripts: bool,
    /// Stops the run when asked to.
    pub interrupt: Interrupt,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 0,
            jobs: 16,
            timing: Timing::default(),
            case_timeout: Duration::from_secs(60),
            run_timeout: None,
            fail_fast: false,
            repeat: 1,
            level: Level::Must,
            now: None,
            clock: true,
            health: true,
            keep_transcripts: false,
            interrupt: Interrupt::default(),
        }
    }
}

/// Stops a run from outside. Clones are the same switch.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    switch: Arc<(AtomicBool, Notify)>,
}

impl Interrupt {
    /// Asks the run to stop: cases that are under way are abandoned, and what is known is reported.
    pub fn stop(&self) {
        self.switch.0.store(true, Ordering::Release);
        self.switch.1.notify_waiters();
    }

    /// Whether it was asked to.
    pub fn is_stopped(&self) -> bool {
        self.switch.0.load(Ordering::Acquire)
    }

    /// Waits until it is asked to.
    pub(crate) async fn stopped(&self) {
        let asked = self.switch.1.notified();
        tokio::pin!(asked);
        asked.as_mut().enable();
        if !self.is_stopped() {
            asked.await;
        }
    }
}

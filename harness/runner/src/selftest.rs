//! Whether the cases can fail: every case against hosts with one deliberate defect each.
//!
//! A check that cannot fail proves nothing. [`self_test`] runs all cases against a host without a fault and against one
//! host for each fault, and makes a [`Matrix`] of which row caught which fault. A *case* here is a story: that one row of
//! its table catches a fault shows that the story can fail. Rows are its stimuli; a row that catches nothing is
//! information.
//!
//! Rows that go through hundreds of connections are tried in turn, one for each fault, where the fault is not about them.
//! Without a fault all rows run.
//!
//! A fault is caught by a broken requirement, of whatever level, and by nothing else: a case that could not be judged has
//! caught nothing.

mod html;
mod join;
mod matrix;
mod text;
mod trial;

pub use html::page;
pub use matrix::{
    Alarm, CaseRow, Check, Counts, Defect, FORMAT, FaultRow, Matrix, Problems, SCHEMA, Scope,
    Times, Trial, VERSION,
};
pub use text::report;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::peer::Timing;
use crate::plan::{Options, Plan};
use crate::run::run;
use crate::target::Target;
use crate::verdict::{Level, Verdict};

/// A defect, and a target that has it.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The defect.
    pub defect: Defect,
    /// The target that has it.
    pub target: Target,
}

/// What is tried on what.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The cases.
    pub plan: Plan,
    /// A target without a fault.
    pub healthy: Target,
    /// The targets with one.
    pub subjects: Vec<Subject>,
    /// What of everything there is these are.
    pub scope: Scope,
    /// How to run; [`options`] gives what suits hosts on loopback.
    pub options: Options,
    /// Faults at the same time.
    pub at_once: usize,
}

/// Who wants to know how a self-test is getting on.
pub trait Watcher: Send + Sync {
    /// So many faults are about to be tried.
    fn began(&self, faults: usize) {
        let _ = faults;
    }

    /// A fault has been tried.
    fn tried(&self, trial: &Trial) {
        let _ = trial;
    }
}

impl Watcher for () {}

/// Options for hosts in the same process: on loopback an answer is there at once, or a fault keeps it back.
pub fn options(seed: u64) -> Options {
    Options {
        seed,
        // One case at a time: then whoever hurts the host is known, and the matrix is the same each time. Faults are
        // what is tried at the same time.
        jobs: 1,
        timing: Timing {
            answer: Duration::from_millis(600),
            close: Duration::from_millis(600),
            quiet: Duration::from_millis(50),
            // A host that gives up idle connections after a second is still to be told from one that does not.
            idle: Duration::from_millis(1200),
        },
        case_timeout: Duration::from_secs(20),
        level: Level::May,
        ..Options::default()
    }
}

/// The same for clients in the same process, which give up a host that says nothing within half a second.
pub fn client_options(seed: u64) -> Options {
    let host = options(seed);
    Options {
        timing: Timing {
            idle: Duration::from_millis(200),
            ..host.timing
        },
        ..host
    }
}

/// Tries every case on the healthy target and on each subject.
pub async fn self_test(setup: Setup, watcher: Arc<dyn Watcher>) -> Matrix {
    let began = Instant::now();
    let setup = Arc::new(setup);
    watcher.began(setup.subjects.len());
    let queue: VecDeque<usize> = (0..setup.subjects.len()).collect();
    let queue = Arc::new(Mutex::new(queue));
    let trials = Arc::new(Mutex::new(Vec::new()));
    let mut workers = JoinSet::new();
    for _ in 0..setup.at_once.max(1) {
        let (setup, queue, trials) = (setup.clone(), queue.clone(), trials.clone());
        let watcher = watcher.clone();
        workers.spawn(async move {
            loop {
                let next = lock(&queue).pop_front();
                let Some(index) = next else { break };
                if setup.options.interrupt.is_stopped() {
                    break;
                }
                let subject = &setup.subjects[index];
                let trial = trial::of(&setup.plan, subject, &setup.options).await;
                watcher.tried(&trial);
                lock(&trials).push((index, trial));
            }
        });
    }
    let mut alarms = alarms(&setup.plan, &setup).await;
    while workers.join_next().await.is_some() {}
    if !alarms.is_empty() {
        // Nothing else runs any more, and the waits are long: what still fails does not fail for want of time.
        alarms = alarms_again(&setup, &alarms).await;
    }
    let mut trials = std::mem::take(&mut *lock(&trials));
    trials.sort_by_key(|(index, _)| *index);
    let trials = trials.into_iter().map(|(_, trial)| trial).collect();
    let mut matrix = Matrix::of(&Check::all(&setup.plan), alarms, trials, setup.scope);
    matrix.seed = setup.options.seed;
    matrix.times.took_ms = matrix::millis(began.elapsed());
    if setup.options.interrupt.is_stopped() {
        let tried = matrix.faults.len();
        let of = setup.subjects.len();
        let reason = format!("interrupted after {tried} of {of} faults");
        matrix.add_obstacle(reason);
    }
    matrix
}

/// What does not hold on a target without a fault.
async fn alarms(plan: &Plan, setup: &Setup) -> Vec<Alarm> {
    let result = run(plan.clone(), &setup.healthy, &setup.options, Arc::new(())).await;
    let broken = result
        .rows
        .iter()
        .filter(|row| !matches!(row.verdict, Verdict::Pass | Verdict::Skip));
    let why = |row: &crate::Row| match (&row.failure, &row.reason) {
        (Some(failure), _) => failure.to_string(),
        (None, reason) => reason.clone().unwrap_or_default(),
    };
    broken
        .map(|row| Alarm {
            id: row.id.clone(),
            shown_in: row.shown_in.clone(),
            verdict: row.verdict,
            why: why(row),
        })
        .collect()
}

/// The rows behind these alarms once more, alone and with the usual patience.
async fn alarms_again(setup: &Setup, doubtful: &[Alarm]) -> Vec<Alarm> {
    let mut plan = setup.plan.clone();
    plan.rows
        .retain(|row| doubtful.iter().any(|alarm| alarm.shown_in == row.id));
    let options = Options {
        timing: Timing::default(),
        case_timeout: Duration::from_secs(60),
        ..setup.options.clone()
    };
    alarms(
        &plan,
        &Setup {
            options,
            ..setup.clone()
        },
    )
    .await
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

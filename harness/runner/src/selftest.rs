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
    let trials = Arc::new(Trials {
        queue: Mutex::new((0..setup.subjects.len()).collect()),
        done: Mutex::default(),
        setup: Arc::clone(&setup),
        watcher,
    });
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = threads.min(setup.at_once.max(1));
    let mut workers = JoinSet::new();
    for _ in 0..threads {
        let trials = Arc::clone(&trials);
        let at_once = setup.at_once.div_ceil(threads);
        workers.spawn_blocking(move || trials.work(at_once));
    }
    let mut obstacles = Vec::new();
    let mut alarms = alarms(&setup.plan, &setup).await;
    while let Some(worker) = workers.join_next().await {
        let error = match worker {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        obstacles.push(format!("not all faults could be tried: {error}"));
    }
    if !alarms.is_empty() {
        // Nothing else runs any more, and the waits are long: what still fails does not fail for want of time.
        alarms = alarms_again(&setup, &alarms).await;
    }
    let mut trials = std::mem::take(&mut *lock(&trials.done));
    trials.sort_by_key(|(index, _)| *index);
    let trials = trials.into_iter().map(|(_, trial)| trial).collect();
    let mut matrix = Matrix::of(&Check::all(&setup.plan), alarms, trials, setup.scope);
    matrix.seed = setup.options.seed;
    matrix.times.took_ms = matrix::millis(began.elapsed());
    for reason in obstacles {
        matrix.add_obstacle(reason);
    }
    if setup.options.interrupt.is_stopped() {
        let tried = matrix.faults.len();
        let of = setup.subjects.len();
        let reason = format!("interrupted after {tried} of {of} faults");
        matrix.add_obstacle(reason);
    }
    matrix
}

/// The trials under way.
struct Trials {
    queue: Mutex<VecDeque<usize>>,
    done: Mutex<Vec<(usize, Trial)>>,
    setup: Arc<Setup>,
    watcher: Arc<dyn Watcher>,
}

impl Trials {
    /// Tries faults, so many at once, until none is left. All on this thread: tester and target of a trial take turns, and
    /// waking one another over threads would cost more than what they do.
    fn work(self: Arc<Self>, at_once: usize) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let mut trying = JoinSet::new();
            for _ in 0..at_once {
                trying.spawn(Arc::clone(&self).one_by_one());
            }
            trying.join_all().await;
        });
        Ok(())
    }

    async fn one_by_one(self: Arc<Self>) {
        while !self.setup.options.interrupt.is_stopped() {
            let next = lock(&self.queue).pop_front();
            let Some(index) = next else { break };
            let subject = &self.setup.subjects[index];
            let trial = trial::of(&self.setup.plan, subject, &self.setup.options).await;
            self.watcher.tried(&trial);
            lock(&self.done).push((index, trial));
        }
    }
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

//! A run: threads with a runtime each, connections as tasks, and whoever collects what they measure.

mod collect;
mod desk;
mod dial;
mod link;
mod pace;
mod probe;
mod worker;

#[cfg(test)]
mod tests;

pub(crate) use desk::{Next, Work, syntax};
pub(crate) use dial::Tcp;
pub(crate) use link::{Manner, serve};

use std::num::NonZero;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{io, thread};

use thiserror::Error;
use tokio::sync::watch;

use crate::engine::collect::Collected;
use crate::engine::pace::Pacer;
use crate::engine::worker::Worker;
use crate::machine;
use crate::num::wide;
use crate::outcome::{Generator, Machine, Outcome, Second};
use crate::plan::{Endpoint, Interrupt, Plan, PlanError};
use crate::prepare::Pool;

/// Why there was no run, or none that can be relied on.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The plan.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The one request before the run came to nothing.
    #[error("{name} is not fit for load: one {syntax} request before the run: {what}")]
    Unfit {
        /// The target.
        name: String,
        /// How it was asked.
        syntax: &'static str,
        /// What became of it.
        what: String,
    },
    /// No thread or no runtime.
    #[error("cannot start a thread that generates load: {0}")]
    Thread(io::Error),
    /// A thread of ours ended before its time.
    #[error("a thread that generates load ended before its time; this is a defect of kmspec")]
    Lost,
}

/// Is told how a run is getting on.
pub trait Watch {
    /// A second is over.
    fn second(&self, second: &Second);
}

/// Tells nobody.
impl Watch for () {
    fn second(&self, _: &Second) {}
}

/// Carries out a plan. It takes as long as the plan says, and at most the plan's timeout longer.
///
/// # Errors
/// The plan is none, the target does not even answer one request, or there are no threads.
pub fn run(
    plan: &Plan,
    endpoint: &Endpoint,
    interrupt: &Interrupt,
    watching: &dyn Watch,
) -> Result<Outcome, LoadError> {
    plan.check()?;
    let pool = Pool::new(
        &plan.mix,
        plan.clients,
        plan.seed,
        &endpoint.keys,
        endpoint.now,
    );
    let pool = Arc::new(pool);
    let load_before = machine::load();
    probe::probe(plan, endpoint, &pool)?;
    let began = SystemTime::now().duration_since(UNIX_EPOCH);
    let (say, hear) = mpsc::channel();
    let (start, started) = watch::channel(None);
    let mut threads = Vec::new();
    let cores = thread::available_parallelism().map_or(0, NonZero::get);
    // One is left to the target, which may be on this machine.
    let awake = plan.threads < cores;
    for index in 0..plan.threads {
        let worker = Worker {
            plan: plan.clone(),
            index,
            keys: Arc::clone(&endpoint.keys),
            pool: Arc::clone(&pool),
            interrupt: interrupt.clone(),
            awake,
            say: say.clone(),
            started: started.clone(),
        };
        let dial = Tcp(endpoint.address);
        let thread = thread::Builder::new().name(format!("load-{index}"));
        let thread = thread.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(worker.work(dial, Pacer::precise));
            Ok(())
        });
        threads.push(thread.map_err(LoadError::Thread)?);
    }
    drop((say, started));
    let collected = collect::collect(plan, &hear, &start, watching);
    for thread in threads {
        match thread.join() {
            Ok(ended) => ended.map_err(LoadError::Thread)?,
            Err(_) => return Err(LoadError::Lost),
        }
    }
    let machine = Machine {
        cores: wide(cores),
        load_before,
        load_after: machine::load(),
    };
    let mut outcome = collected.outcome(plan, &endpoint.name, interrupt.is_asked(), machine);
    outcome.began_unix_ms = began.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0));
    Ok(outcome)
}

impl Collected {
    fn outcome(self, plan: &Plan, target: &str, interrupted: bool, machine: Machine) -> Outcome {
        let planned = plan.schedule().end() - plan.schedule().measured_from();
        let elapsed = if interrupted {
            self.last.max(1)
        } else {
            planned.max(self.last)
        };
        Outcome {
            target: target.to_owned(),
            plan: plan.clone(),
            began_unix_ms: 0,
            runs: 1,
            elapsed_ns: elapsed,
            interrupted,
            total: self.total,
            series: self.series,
            lateness: self.lateness,
            generator: Generator { busy: self.busy },
            machine,
        }
    }
}

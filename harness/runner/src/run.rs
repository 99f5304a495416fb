//! Running a plan against a target.

mod attempt;
mod every;
mod health;
mod place;
mod result;
mod session;

pub use every::EVERY_ANSWER;
pub(crate) use every::notes as notes_on_every_answer;
pub use result::{Row, RunResult, Tally};

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plan::{Options, Plan, Planned};
use crate::target::Target;
use session::Session;

/// Who wants to know how a run is getting on. It is called from several tasks at once.
pub trait Observer: Send + Sync {
    /// The target serves, and this many rows follow.
    fn began(&self, total: usize) {
        let _ = total;
    }

    /// A row is under way.
    fn started(&self, planned: &Planned) {
        let _ = planned;
    }

    /// A row is judged. Rows come as they end; the result has them in the plan's order.
    fn finished(&self, row: &Row) {
        let _ = row;
    }
}

/// Nobody wants to know.
impl Observer for () {}

/// Runs a plan: a look at the target's health, the cases, another look at its health.
///
/// What (seed, id) decide is the same whatever `options.jobs`, and the rows are in the plan's order.
pub async fn run(
    plan: impl Into<Plan>,
    target: &Target,
    options: &Options,
    observer: Arc<dyn Observer>,
) -> RunResult {
    let began = Instant::now();
    let plan = plan.into();
    if plan.rows.is_empty() {
        return RunResult::unable(target, options, "nothing is selected");
    }
    let session = Session::new(plan, target.clone(), options.clone(), observer);
    let cut = tokio::select! {
        () = session.clone().go() => None,
        () = options.interrupt.stopped() => Some("the run was interrupted".to_owned()),
        limit = timed_out(options.run_timeout) => Some(format!("the run took longer than {limit:?}")),
    };
    session.finish(cut, began).await
}

async fn timed_out(limit: Option<Duration>) -> Duration {
    match limit {
        Some(limit) => {
            tokio::time::sleep(limit).await;
            limit
        }
        None => std::future::pending().await,
    }
}

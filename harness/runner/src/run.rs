//! Running a plan against a target.

mod attempt;
mod clients;
mod every;
mod health;
mod place;
mod result;
mod session;

pub use every::EVERY_ANSWER;
pub(crate) use every::failure_of;
pub(crate) use every::notes as notes_on_every_answer;
pub use result::{Row, RunResult, Tally};

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::plan::{Options, Plan, Planned};
use crate::target::{Origin, Target};
use clients::ClientSession;
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
    if let Origin::Client(client) = &target.origin {
        let (target, client) = (target.clone(), client.clone());
        let session = ClientSession::new(plan, target, client, options.clone(), observer);
        let cut = unless_cut(session.clone().go(), options).await;
        return session.finish(cut, began);
    }
    let session = Session::new(plan, target.clone(), options.clone(), observer);
    let cut = unless_cut(session.clone().go(), options).await;
    session.finish(cut, began).await
}

/// Waits for the end of a run, or says why it ended before.
async fn unless_cut(going: impl Future<Output = ()>, options: &Options) -> Option<String> {
    tokio::select! {
        () = going => None,
        () = options.interrupt.stopped() => Some("the run was interrupted".to_owned()),
        limit = timed_out(options.run_timeout) => Some(format!("the run took longer than {limit:?}")),
    }
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

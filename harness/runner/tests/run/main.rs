//! Running plans against a scripted target on a real socket.

mod cases;
mod ending;
mod fake;
mod health;
mod launching;
mod reports;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use kmspec_runner::peer::Timing;
use kmspec_runner::plan::{Options, Plan};
use kmspec_runner::verdict::Verdict;
use kmspec_runner::{RunResult, Target, run};
use kmspec_wire::filetime::FileTime;

/// Options that wait no longer than a loopback needs.
fn options() -> Options {
    Options {
        seed: 7,
        jobs: 4,
        timing: Timing {
            answer: Duration::from_millis(500),
            close: Duration::from_millis(500),
            quiet: Duration::from_millis(50),
            ..Timing::default()
        },
        now: Some(FileTime(134_000_000_000_000_000)),
        ..Options::default()
    }
}

async fn go(plan: impl Into<Plan>, target: &Target, options: &Options) -> RunResult {
    run(plan, target, options, Arc::new(())).await
}

fn verdicts(result: &RunResult) -> Vec<(&str, Verdict)> {
    let rows = result.rows.iter();
    rows.map(|row| (row.id.as_str(), row.verdict)).collect()
}

fn reason(result: &RunResult, id: &str) -> String {
    let row = result
        .rows
        .iter()
        .find(|row| row.id == id)
        .expect("planned");
    row.reason.clone().unwrap_or_default()
}

//! Runs that end early.

use std::sync::Arc;
use std::time::Duration;

use kmspec_runner::plan::Interrupt;
use kmspec_runner::verdict::Verdict::{Error, Fail, Pass, Skip};
use kmspec_runner::{Observer, Row, run};

use crate::cases::{ANSWERS, NEVER_ENDS, SMALL_FRAGMENTS, rows};
use crate::fake::{Fake, Mood};
use crate::{go, options, reason, verdicts};

/// Interrupts the run as soon as a row is judged.
struct Impatient(Interrupt);

impl Observer for Impatient {
    fn finished(&self, _row: &Row) {
        self.0.stop();
    }
}

#[tokio::test]
async fn an_interrupted_run_reports_what_is_known() {
    let fake = Fake::start(Mood::Honest).await;
    let mut options = options();
    options.jobs = 1;
    let observer = Arc::new(Impatient(options.interrupt.clone()));
    let plan = rows(&[&ANSWERS, &NEVER_ENDS]);
    let result = run(plan, &fake.target(), &options, observer).await;
    assert_eq!(
        verdicts(&result),
        [("test.answers", Pass), ("test.never-ends", Error)]
    );
    assert_eq!(
        reason(&result, "test.never-ends"),
        "not run: the run was interrupted"
    );
    assert_eq!(result.exit().code(), 2);
}

#[tokio::test]
async fn a_run_that_takes_too_long_reports_what_is_known() {
    let fake = Fake::start(Mood::Honest).await;
    let mut options = options();
    options.run_timeout = Some(Duration::from_secs(1));
    let result = go(rows(&[&ANSWERS, &NEVER_ENDS]), &fake.target(), &options).await;
    assert_eq!(
        verdicts(&result),
        [("test.answers", Pass), ("test.never-ends", Error)]
    );
    assert_eq!(result.unable, ["the run took longer than 1s"]);
}

#[tokio::test]
async fn the_first_failure_ends_the_run_if_asked() {
    let fake = Fake::start(Mood::Honest).await;
    let mut options = options();
    (options.jobs, options.fail_fast) = (1, true);
    let result = go(
        rows(&[&SMALL_FRAGMENTS, &ANSWERS]),
        &fake.target(),
        &options,
    )
    .await;
    assert_eq!(
        verdicts(&result),
        [("test.small-fragments", Fail), ("test.answers", Skip)]
    );
    assert!(reason(&result, "test.answers").contains("test.small-fragments failed"));
    assert_eq!(result.exit().code(), 1);
}

//! One fault against all cases.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Subject;
use super::matrix::Trial;
use crate::case::Needs;
use crate::plan::{Interrupt, Options, Plan, Planned};
use crate::run::{Observer, Row, RunResult, run};
use crate::verdict::Verdict;

/// How often broken rows may wait in vain, each as long as for an answer, until the rest is not run: a host that hangs is
/// known by then.
const PATIENCE: u128 = 12;
/// Rows tried on a host that serves nobody.
const AT_A_SHUT_DOOR: usize = 8;

/// Tries a fault: first on the cases that are about it, then on all others.
pub(super) async fn of(plan: &Plan, subject: &Subject, options: &Options) -> Trial {
    let began = Instant::now();
    let of_it = |row: &Planned| row.requirement() == subject.defect.about;
    let (about, rest): (Vec<_>, Vec<_>) = plan.rows.iter().cloned().partition(of_it);
    let with = |rows: Vec<Planned>| Plan {
        rows,
        every_answer: plan.every_answer.clone(),
    };
    let mut found = Found::default();
    let rest = one_crowd(rest, &subject.defect.name);
    let total = about.len() + rest.len();
    let first = with(if about.is_empty() {
        rest.iter().take(1).cloned().collect()
    } else {
        about.clone()
    });
    let result = guarded(first, subject, options).await;
    if serves_nobody(&result) {
        found.shut = result.unable.first().cloned();
        let some = about.into_iter().chain(rest).take(AT_A_SHUT_DOOR);
        let blind = Options {
            health: false,
            ..options.clone()
        };
        found.add(guarded(with(some.collect()), subject, &blind).await);
    } else {
        if !about.is_empty() {
            found.add(result);
        }
        if !rest.is_empty() {
            found.add(guarded(with(rest), subject, options).await);
        }
    }
    found.into_trial(subject, total, began.elapsed())
}

/// Leaves one of the rows that go through hundreds of connections, another for each defect: together they cost as much as
/// all other rows, and what is no matter of their own most of them find alike. The cases that are about the defect are none
/// of these: they run in full.
fn one_crowd(rows: Vec<Planned>, defect: &str) -> Vec<Planned> {
    let (mut crowds, mut kept): (Vec<_>, Vec<_>) = rows
        .into_iter()
        .partition(|row| row.case.needs(Needs::Crowd));
    if !crowds.is_empty() {
        let turn = defect.bytes().map(usize::from).sum::<usize>();
        kept.push(crowds.swap_remove(turn % crowds.len()));
    }
    kept
}

/// Runs a plan until the target has tried our patience, or the self-test is stopped.
async fn guarded(plan: Plan, subject: &Subject, options: &Options) -> RunResult {
    let switch = Interrupt::default();
    let patience = Patience {
        long: options.timing.answer.min(options.timing.close),
        waited: Mutex::new(0),
        switch: switch.clone(),
    };
    let own = Options {
        interrupt: switch.clone(),
        ..options.clone()
    };
    let running = run(plan, &subject.target, &own, Arc::new(patience));
    tokio::pin!(running);
    tokio::select! {
        result = &mut running => result,
        () = options.interrupt.stopped() => {
            switch.stop();
            running.await
        }
    }
}

/// Stops a run whose rows were broken by waiting in vain too often.
struct Patience {
    long: Duration,
    waited: Mutex<u128>,
    switch: Interrupt,
}

impl Observer for Patience {
    fn finished(&self, row: &Row) {
        let broken = matches!(row.verdict, Verdict::Fail | Verdict::Error);
        if !broken {
            return;
        }
        let waits = row.took.as_nanos() / self.long.as_nanos().max(1);
        let mut waited = self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        *waited += waits;
        if *waited >= PATIENCE {
            self.switch.stop();
        }
    }
}

fn serves_nobody(result: &RunResult) -> bool {
    let error = |row: &Row| row.verdict == Verdict::Error;
    !result.unable.is_empty() && result.rows.iter().all(error)
}

/// What the runs of a fault gave, put together.
#[derive(Default)]
struct Found {
    caught: BTreeSet<String>,
    judged: usize,
    errors: BTreeSet<String>,
    shut: Option<String>,
}

impl Found {
    fn add(&mut self, result: RunResult) {
        let cut = !result.unable.is_empty();
        for row in result.rows {
            let of_all = row.suite == crate::run::EVERY_ANSWER;
            if row.failure.is_some() {
                self.judged += usize::from(!of_all);
                self.caught.insert(row.id);
            } else if row.verdict != Verdict::Error {
                self.judged += usize::from(!of_all);
            } else if !cut || !row.took.is_zero() {
                self.judged += 1;
                self.errors.insert(row.id);
            }
        }
    }

    fn into_trial(self, subject: &Subject, total: usize, took: Duration) -> Trial {
        let not_run = total.saturating_sub(self.judged);
        let reason = match (not_run, self.shut) {
            (0, _) => None,
            (_, Some(problem)) => Some(problem),
            (_, None) => Some("it keeps too many cases waiting in vain".to_owned()),
        };
        Trial {
            defect: subject.defect.clone(),
            caught_by: self.caught,
            in_error: self.errors,
            not_run,
            reason,
            took,
        }
    }
}

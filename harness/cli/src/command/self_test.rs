use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmspec_conformance::catalogue::{Glob, Role};
use kmspec_conformance::plan::{Selection, plan as select_all};
use kmspec_model::fault::Fault;
use kmspec_runner::plan::Planned;
use kmspec_runner::selftest::{
    self, Defect, Matrix, Scope, Setup, Subject, Trial, Watcher, self_test as run_all,
};
use kmspec_runner::{Exit, Target};
use kmspec_wire::keys::KeySet;

use super::interrupt::Interrupted;
use super::run::{select, stop_when_asked};
use crate::args::{ReportKind, ReportTo, SelfTestArgs};
use crate::failure::Failure;
use crate::output::{Output, complain, tell};
use crate::target::Embedded;

/// `kmspec self-test`.
pub(crate) fn self_test(args: &SelfTestArgs, output: &mut Output) -> Result<Exit, Failure> {
    let faults = faults(&args.fault)?;
    let (mut plan, _) = select::plan(&args.select, Role::Host)?;
    let reports = open(args)?;
    let everything = select_all(&Selection::default()).map_or(0, |rows| rows.len());
    let all_cases = plan.rows.len() == everything;
    thin(&mut plan.rows);
    let keys = Arc::new(KeySet::lab());
    let lab = |embedded: Embedded, name: String| {
        Target::launched(name, Arc::new(embedded), Arc::clone(&keys))
    };
    let subject = |fault: &Fault| Subject {
        defect: defect(*fault),
        target: lab(
            Embedded::seeded(args.seed).with_fault(*fault),
            format!("lab host with {fault}"),
        ),
    };
    let setup = Setup {
        scope: Scope {
            all_cases,
            all_faults: faults.len() == Fault::all().len(),
        },
        plan,
        healthy: lab(Embedded::seeded(args.seed), "lab host".to_owned()),
        subjects: faults.iter().map(subject).collect(),
        options: selftest::options(args.seed),
        at_once: args.jobs,
    };
    let matrix = super::runtime()?.block_on(watched(setup));
    output.line(selftest::report(&matrix).trim_end())?;
    output.flush()?;
    for problem in &matrix.problems.unable {
        complain(format_args!("not judged: {problem}"));
    }
    leave(&matrix, reports)?;
    Ok(matrix.exit())
}

/// Leaves out most rows of cases that replay recordings: there are thousands, and they ask the same. A few of each,
/// evenly spread, have all versions among them.
fn thin(rows: &mut Vec<Planned>) {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for row in rows.iter().filter(|row| row.suite == RECORDED) {
        *seen.entry(row.case.id).or_default() += 1;
    }
    let strides = seen.clone();
    rows.retain(|row| {
        let Some((left, total)) = seen.get_mut(row.case.id).zip(strides.get(row.case.id)) else {
            return true;
        };
        *left -= 1;
        left.is_multiple_of(total.div_ceil(RECORDINGS))
    });
}

/// The suite of recordings, and how many rows of each of its cases are tried.
const RECORDED: &str = "replay";
const RECORDINGS: usize = 8;

/// The faults asked for; never none.
fn faults(patterns: &[String]) -> Result<Vec<Fault>, Failure> {
    for pattern in patterns {
        let glob = Glob::new(pattern);
        if !Fault::all().any(|fault| glob.matches(fault.name())) {
            let message = format!("no fault is called {pattern:?}");
            return Err(Failure::Usage(message));
        }
    }
    let globs: Vec<Glob> = patterns.iter().map(|text| Glob::new(text)).collect();
    let wanted =
        |fault: &Fault| globs.is_empty() || globs.iter().any(|glob| glob.matches(fault.name()));
    Ok(Fault::all().filter(wanted).collect())
}

fn defect(fault: Fault) -> Defect {
    Defect {
        name: fault.name().to_owned(),
        area: fault.area().name().to_owned(),
        sentence: fault.sentence().to_owned(),
        about: fault.about().to_owned(),
    }
}

async fn watched(setup: Setup) -> Matrix {
    let interrupt = setup.options.interrupt.clone();
    // Without the handler Ctrl-C still ends the test, if less gracefully.
    let watch = Interrupted::watch()
        .map(|interrupted| tokio::spawn(stop_when_asked(interrupted, interrupt)));
    let matrix = run_all(setup, Arc::new(Lines::default())).await;
    if let Ok(watch) = watch {
        watch.abort();
    }
    matrix
}

/// Opens all that is to be written, before anything is tried.
fn open(args: &SelfTestArgs) -> Result<Vec<(&ReportTo, File)>, Failure> {
    args.report.iter().map(opened).collect()
}

fn opened(report: &ReportTo) -> Result<(&ReportTo, File), Failure> {
    let ReportTo { kind, path } = report;
    if !matches!(kind, ReportKind::Json | ReportKind::Html) {
        let message = "a report on a self-test is json=PATH or html=PATH";
        return Err(Failure::Usage(message.to_owned()));
    }
    match File::create(path) {
        Ok(file) => Ok((report, file)),
        Err(source) => Err(Failure::Write {
            file: path.clone(),
            source,
        }),
    }
}

fn leave(matrix: &Matrix, reports: Vec<(&ReportTo, File)>) -> Result<(), Failure> {
    for (ReportTo { kind, path }, mut file) in reports {
        let text = match kind {
            ReportKind::Html => selftest::page(matrix),
            _ => matrix.to_json(),
        };
        let written = file.write_all(text.as_bytes());
        written.map_err(|source| Failure::Write {
            file: path.clone(),
            source,
        })?;
    }
    Ok(())
}

/// Tells now and then how many faults have been tried.
#[derive(Default)]
struct Lines {
    total: AtomicUsize,
    tried: AtomicUsize,
}

/// How many lines there are at most.
const LINES: usize = 10;

impl Watcher for Lines {
    fn began(&self, faults: usize) {
        self.total.store(faults, Ordering::Relaxed);
    }

    fn tried(&self, _: &Trial) {
        let total = self.total.load(Ordering::Relaxed);
        let tried = self.tried.fetch_add(1, Ordering::Relaxed) + 1;
        if tried.is_multiple_of(total.div_ceil(LINES).max(1)) {
            tell(format_args!("{tried} of {total} faults tried"));
        }
    }
}

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmspec_conformance::catalogue::{Glob, Role};
use kmspec_conformance::plan::{Selection, plan as select_all};
use kmspec_embedded::{Embedded, LabMachines};
use kmspec_model::client::fault as client;
use kmspec_model::fault::Fault;
use kmspec_runner::plan::{Plan, Planned};
use kmspec_runner::selftest::{
    self, Defect, Matrix, Scope, Setup, Subject, Trial, Watcher, self_test as run_all,
};
use kmspec_runner::{Exit, Target};
use kmspec_wire::keys::KeySet;

use super::interrupt::Interrupted;
use super::run::{select, stop_when_asked};
use crate::args::{ReportKind, SelfTestArgs};
use crate::command::reports;
use crate::failure::Failure;
use crate::output::{Output, complain, tell};

/// `kmspec self-test`.
pub(crate) fn self_test(args: &SelfTestArgs, output: &mut Output) -> Result<Exit, Failure> {
    let setups = setups(args)?;
    let reports = reports::open(&args.report, &KINDS, FORM)?;
    let matrix = super::runtime()?.block_on(watched(setups));
    let Some(matrix) = matrix else {
        return Err(Failure::Usage("nothing is selected".to_owned()));
    };
    output.line(selftest::report(&matrix).trim_end())?;
    output.flush()?;
    for problem in &matrix.problems.unable {
        complain(format_args!("not judged: {problem}"));
    }
    reports::leave(reports, |kind, out| {
        let text = match kind {
            ReportKind::Html => selftest::page(&matrix),
            _ => matrix.to_json(),
        };
        out.write_all(text.as_bytes())
    })?;
    Ok(matrix.exit())
}

/// What is tried, the hosts' faults and the clients' apart: with neither a role nor patterns that tell, both.
fn setups(args: &SelfTestArgs) -> Result<Vec<Setup>, Failure> {
    known(&args.fault)?;
    let roles = match args.select.role {
        Some(role) => vec![role],
        None => vec![Role::Host, Role::Client],
    };
    let several = roles.len() > 1;
    let (mut setups, mut missing) = (Vec::new(), None);
    for role in roles {
        let subjects = subjects(role, args);
        let plan = select::plan(&args.select, role);
        match plan {
            _ if subjects.is_empty() && several => {}
            Ok((plan, _)) => setups.push(setup(role, plan, subjects, args)),
            Err(failure) => missing = missing.or(Some(failure)),
        }
    }
    match missing {
        Some(failure) if setups.is_empty() => Err(failure),
        _ => Ok(setups),
    }
}

fn setup(role: Role, mut plan: Plan, subjects: Vec<Subject>, args: &SelfTestArgs) -> Setup {
    let all = Selection {
        role,
        ..Selection::default()
    };
    let everything = select_all(&all).map_or(0, |rows| rows.len());
    let all_cases = plan.rows.len() == everything;
    thin(&mut plan.rows);
    let (all_faults, healthy, options) = match role {
        Role::Client => (
            client::Fault::all().len(),
            lab_client(args, None),
            selftest::client_options(args.seed),
        ),
        Role::Host | Role::Both => (
            host_faults().count(),
            lab_host(args, None),
            selftest::options(args.seed),
        ),
    };
    Setup {
        scope: Scope {
            all_cases,
            all_faults: subjects.len() == all_faults,
        },
        plan,
        healthy,
        subjects,
        options,
        at_once: args.jobs,
    }
}

/// The faults of the lab host that a case can catch.
fn host_faults() -> impl Iterator<Item = Fault> {
    Fault::all().filter(|fault| !fault.only_grows())
}

fn lab_host(args: &SelfTestArgs, fault: Option<Fault>) -> Target {
    let host = Embedded::seeded(args.seed);
    let (host, name) = match fault {
        Some(fault) => (host.with_faults(fault), format!("lab host with {fault}")),
        None => (host, "lab host".to_owned()),
    };
    Target::launched(name, Arc::new(host), Arc::new(KeySet::lab()))
}

fn lab_client(args: &SelfTestArgs, fault: Option<client::Fault>) -> Target {
    let machines = LabMachines::seeded(args.seed).hasty();
    let (machines, name) = match fault {
        Some(fault) => (
            machines.with_fault(fault),
            format!("lab client with {fault}"),
        ),
        None => (machines, "lab client".to_owned()),
    };
    machines.target(name, Arc::new(KeySet::lab()))
}

/// The faults asked for, and a target with each.
fn subjects(role: Role, args: &SelfTestArgs) -> Vec<Subject> {
    let globs: Vec<Glob> = args.fault.iter().map(|text| Glob::new(text)).collect();
    let wanted = |defect: &Defect| globs.is_empty() || globs.iter().any(|glob| fits(glob, defect));
    let all: Vec<Subject> = match role {
        Role::Client => client::Fault::all()
            .map(|fault| Subject {
                defect: client_defect(fault),
                target: lab_client(args, Some(fault)),
            })
            .collect(),
        Role::Host | Role::Both => host_faults()
            .map(|fault| Subject {
                defect: defect(fault),
                target: lab_host(args, Some(fault)),
            })
            .collect(),
    };
    all.into_iter()
        .filter(|subject| wanted(&subject.defect))
        .collect()
}

/// Whether a pattern means a fault: its name, which for a client's may be given without the role.
fn fits(glob: &Glob, defect: &Defect) -> bool {
    let bare = defect.name.strip_prefix(CLIENT);
    glob.matches(&defect.name) || bare.is_some_and(|name| glob.matches(name))
}

/// What the name of a client's fault begins with: some hosts' faults are called the same.
const CLIENT: &str = "client/";

/// Whether every pattern means a fault.
fn known(patterns: &[String]) -> Result<(), Failure> {
    let all = || {
        let hosts = host_faults().map(defect);
        hosts.chain(client::Fault::all().map(client_defect))
    };
    for pattern in patterns {
        let glob = Glob::new(pattern);
        if !all().any(|defect| fits(&glob, &defect)) {
            return Err(Failure::Usage(format!("no fault is called {pattern:?}")));
        }
    }
    Ok(())
}

fn client_defect(fault: client::Fault) -> Defect {
    Defect {
        name: format!("{CLIENT}{fault}"),
        area: fault.area().name().to_owned(),
        sentence: fault.sentence().to_owned(),
        about: fault.about().to_owned(),
    }
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

fn defect(fault: Fault) -> Defect {
    Defect {
        name: fault.name().to_owned(),
        area: fault.area().name().to_owned(),
        sentence: fault.sentence().to_owned(),
        about: fault.about().to_owned(),
    }
}

async fn watched(setups: Vec<Setup>) -> Option<Matrix> {
    let mut joined: Option<Matrix> = None;
    for setup in setups {
        let interrupt = setup.options.interrupt.clone();
        // Without the handler Ctrl-C still ends the test, if less gracefully.
        let watch = Interrupted::watch()
            .map(|interrupted| tokio::spawn(stop_when_asked(interrupted, interrupt.clone())));
        let matrix = run_all(setup, Arc::new(Lines::default())).await;
        if let Ok(watch) = watch {
            watch.abort();
        }
        joined = Some(match joined {
            Some(before) => before.joined(matrix),
            None => matrix,
        });
        if interrupt.is_stopped() {
            break;
        }
    }
    joined
}

/// Kinds of reports on a self-test, and how they are asked for.
const KINDS: [ReportKind; 2] = [ReportKind::Json, ReportKind::Html];
const FORM: &str = "a report on a self-test is json=PATH or html=PATH";

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

mod files;
mod live;
mod locust;
mod plan;
mod search;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kmspec_embedded::Embedded;
use kmspec_load::bottleneck::Bottleneck;
use kmspec_load::gate::Condition;
use kmspec_load::report::text;
use kmspec_load::{Endpoint, Interrupt, LoadError, Outcome, Plan};
use kmspec_runner::target::{Instance, Origin};
use kmspec_runner::{Exit, Target};
use kmspec_wire::filetime::FileTime;
use tokio::runtime::Runtime;

use crate::args::{BenchArgs, SubjectArgs};
use crate::command::interrupt::Interrupted;
use crate::failure::Failure;
use crate::output::{Output, complain, tell};
use crate::target::target;
use files::Reports;
use live::Live;

/// `kmspec bench`.
pub(crate) fn bench(args: &BenchArgs, output: &mut Output) -> Result<Exit, Failure> {
    if let [first, second] = args.instead.compare.as_slice() {
        return files::compare(first, second, args.instead.tolerance, output);
    }
    if !args.instead.merge.is_empty() {
        return files::merge(args, output);
    }
    let plan = plan::plan(args)?;
    if let Some(master) = &args.instead.locust_master {
        return locust::locust(args, master, plan, output);
    }
    let reports = files::open(&args.judge.report)?;
    let under = Under::start(args)?;
    tell(format_args!(
        "{}: {}",
        under.endpoint.name,
        text::plan(&plan)
    ));
    let exit = if let Some(goal) = &args.judge.find_max {
        search::search(&plan, goal, &under, output)
    } else {
        once(&plan, &under, &args.judge.fail_if, reports, output)
    };
    under.stop();
    exit
}

/// One run, its reports, and what it comes to.
fn once(
    plan: &Plan,
    under: &Under,
    conditions: &[Condition],
    reports: Reports,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let live = Live::new(plan);
    let outcome = kmspec_load::run(plan, &under.endpoint, &under.interrupt, &live);
    live.done();
    let outcome = outcome.map_err(unable)?;
    output.line(text::report(&outcome).trim_end())?;
    output.flush()?;
    files::write(reports, &outcome)?;
    Ok(judge(&outcome, conditions))
}

/// What is under load, as long as it is.
struct Under {
    endpoint: Endpoint,
    interrupt: Interrupt,
    runtime: Runtime,
    instance: Option<Box<dyn Instance>>,
}

impl Under {
    /// Finds the target or starts it, and listens for Ctrl-C.
    fn start(args: &BenchArgs) -> Result<Self, Failure> {
        let subject = SubjectArgs {
            keys: args.asked.keys.clone(),
            interface: None,
            opnum: 0,
            stub: None,
            no_clock: false,
        };
        let Target {
            name, keys, origin, ..
        } = target(
            args.target.as_deref(),
            &subject,
            Embedded::seeded(args.limits.seed),
        )?;
        let runtime = super::runtime()?;
        let (address, instance) = match origin {
            Origin::Address(address) => (address, None),
            Origin::Client(_) => {
                let what = "a client answers nothing; give a host to put load on";
                return Err(Failure::Usage(format!("{name}: {what}")));
            }
            Origin::Launch(launch) => {
                let instance = runtime.block_on(launch.start());
                let instance = instance.map_err(|error| Failure::Usage(error.to_string()))?;
                (instance.address(), Some(instance))
            }
        };
        on_loopback(&name, address, args.limits.allow_remote)?;
        let interrupt = interruptible(&runtime);
        Ok(Self {
            endpoint: Endpoint {
                name,
                address,
                keys: Arc::clone(&keys),
                now: now(),
            },
            interrupt,
            runtime,
            instance,
        })
    }

    fn stop(self) {
        if let Some(instance) = self.instance {
            self.runtime.block_on(instance.stop());
        }
        self.runtime.shutdown_background();
    }
}

/// Nobody else's machine by mistake.
fn on_loopback(name: &str, address: SocketAddr, allow_remote: bool) -> Result<(), Failure> {
    if address.ip().is_loopback() || allow_remote {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{name}: {address} is not on loopback; give --allow-remote if it is yours to put load on"
    )))
}

/// What Ctrl-C asks to end. Without the handler it still ends the run, if less gracefully.
fn interruptible(runtime: &Runtime) -> Interrupt {
    let interrupt = Interrupt::new();
    let watch = {
        let _inside = runtime.enter();
        Interrupted::watch()
    };
    if let Ok(mut interrupted) = watch {
        let interrupt = interrupt.clone();
        runtime.spawn(async move {
            interrupted.wait().await;
            tell("stopping; what is known so far follows");
            interrupt.stop();
        });
    }
    interrupt
}

fn now() -> FileTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    });
    FileTime::from_unix_nanos(nanos)
}

fn unable(error: LoadError) -> Failure {
    Failure::Usage(error.to_string())
}

/// What a run comes to. A generator at its limit is asked first: its figures say nothing of the target.
fn judge(outcome: &Outcome, conditions: &[Condition]) -> Exit {
    let mut exit = Exit::Holds;
    for condition in conditions {
        let judged = condition.judge(outcome);
        match judged.so {
            Some(true) => {
                complain(format_args!("{condition}: it is {}", judged.figure));
                exit = Exit::Fails;
            }
            Some(false) => {}
            None => complain(format_args!("{condition}: not judged: {}", judged.figure)),
        }
    }
    let unjudged = conditions
        .iter()
        .any(|condition| condition.judge(outcome).so.is_none());
    let bottlenecks = Bottleneck::of(outcome);
    for bottleneck in &bottlenecks {
        complain(format_args!("not judged: {bottleneck}"));
    }
    if outcome.interrupted {
        complain("not judged: the run was ended before its time");
    }
    let nothing = outcome.total.counts.answered == 0 && conditions.is_empty();
    if nothing {
        complain("not judged: nothing was answered");
    }
    if unjudged || nothing || outcome.interrupted || !bottlenecks.is_empty() {
        return Exit::NotJudged;
    }
    exit
}

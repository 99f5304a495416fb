//! From the command line to a plan.

use std::thread;

use kmspec_load::fleet;
use kmspec_load::plan::{Pattern, Plan, Reuse};
use kmspec_load::schedule::{Arrivals, Stage};

use crate::args::{BenchArgs, BenchArrivals, BenchProfile, BenchReuse};
use crate::failure::Failure;

/// Requests a second, unless asked otherwise.
const RATE: f64 = 1000.0;
/// Clients of a fleet, unless asked otherwise.
const FLEET: usize = 10_000;

pub(super) fn plan(args: &BenchArgs) -> Result<Plan, Failure> {
    let load = &args.load;
    let rate = load.rate.unwrap_or(RATE);
    let usage = |error: &dyn std::fmt::Display| Failure::Usage(error.to_string());
    let mut plan = match load.profile {
        Some(BenchProfile::Fleet) => {
            let clients = args.asked.clients.unwrap_or(FLEET);
            fleet::plan(load.duration, rate, clients).map_err(|error| usage(&error))?
        }
        None => Plan::default(),
    };
    if let Some(arrivals) = load.arrivals {
        plan.pattern = Pattern::Open(match arrivals {
            BenchArrivals::Constant => Arrivals::Constant,
            BenchArrivals::Poisson => Arrivals::Poisson,
        });
    }
    if load.closed {
        plan.pattern = Pattern::Closed;
    }
    plan.connections = load.connections.unwrap_or_else(|| {
        let widest = widest(&load.stage).filter(|_| load.closed);
        widest.unwrap_or(plan.connections)
    });
    if !load.stage.is_empty() {
        plan.stages.clone_from(&load.stage);
    } else if load.profile.is_none() {
        #[expect(clippy::cast_precision_loss, reason = "connections are at most 60,000")]
        let level = if load.closed {
            plan.connections as f64
        } else {
            rate
        };
        plan.stages = vec![Stage::flat(load.duration, level)];
    }
    if let Some(reuse) = load.connection {
        plan.reuse = match reuse {
            BenchReuse::Kept => Reuse::Kept,
            BenchReuse::New => Reuse::New,
        };
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    // A closed loop takes all of a core; one is left to the target.
    let most = if load.closed { cores - 1 } else { cores };
    plan.threads = load.threads.unwrap_or(plan.connections.min(most.max(1)));
    plan.warmup = load.warm_up;
    plan.pipeline = load.pipeline;
    asked(args, &mut plan);
    plan.check().map_err(|error| usage(&error))?;
    Ok(plan)
}

/// The most connections that a stage has.
fn widest(stages: &[Stage]) -> Option<usize> {
    let most = stages
        .iter()
        .map(|stage| stage.from.max(stage.to))
        .reduce(f64::max)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "levels are from 0 to 10^8"
    )]
    Some(most.ceil() as usize)
}

fn asked(args: &BenchArgs, plan: &mut Plan) {
    let asked = &args.asked;
    if let Some(versions) = &asked.versions {
        plan.mix.versions = versions.clone();
    }
    if let Some(syntaxes) = &asked.syntaxes {
        plan.mix.syntaxes = syntaxes.clone();
    }
    if let Some(fragments) = &asked.fragments {
        plan.mix.fragments = fragments.clone();
    }
    if let Some(clients) = asked.clients {
        plan.clients = clients;
    }
    plan.verify = asked.verify;
    let limits = &args.limits;
    plan.timeout = limits.timeout;
    plan.backlog = limits.backlog;
    plan.late = limits.late;
    plan.seed = limits.seed;
}

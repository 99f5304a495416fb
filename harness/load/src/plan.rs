//! What a run does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::mix::Mix;
use crate::num::size;
use crate::schedule::{Arrivals, Schedule, Stage};

/// What a run does; everything in it goes into the report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What decides when a request is sent.
    pub pattern: Pattern,
    /// Levels over time: requests a second in an open loop, connections in a closed one.
    pub stages: Vec<Stage>,
    /// What comes before them and is not measured.
    #[serde(rename = "warmup_ms", with = "millis")]
    pub warmup: Duration,
    /// Most connections at the same time.
    pub connections: usize,
    /// Most requests of one connection that wait for their answers.
    pub pipeline: usize,
    /// How long a connection is used.
    pub reuse: Reuse,
    /// What requests there are.
    pub mix: Mix,
    /// How many clients there are, each with its own client machine id.
    pub clients: usize,
    /// The part of the answers that is opened and verified, from 0 to 1. All are decoded.
    pub verify: f64,
    /// Longest wait for a connection or an answer.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// Most requests that are due and wait for a connection; more are dropped.
    pub backlog: usize,
    /// A request that the generator hands out so much after it was due counts as late.
    #[serde(rename = "late_ms", with = "millis")]
    pub late: Duration,
    /// What arrivals, client machine ids and salts follow from.
    pub seed: u64,
    /// Threads that generate load.
    pub threads: usize,
}

/// What decides when a request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "loop", content = "arrivals", rename_all = "lowercase")]
pub enum Pattern {
    /// Each answer brings the next request.
    Closed,
    /// The schedule alone.
    Open(Arrivals),
}

/// How long a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reuse {
    /// As long as it holds.
    Kept,
    /// For one request. It ends with a reset, so that the system's ports come back at once.
    New,
}

impl Default for Plan {
    /// A thousand requests a second for ten seconds.
    fn default() -> Self {
        Self {
            pattern: Pattern::Open(Arrivals::Constant),
            stages: vec![Stage::flat(Duration::from_secs(10), 1000.0)],
            warmup: Duration::from_secs(1),
            connections: 16,
            pipeline: 1,
            reuse: Reuse::Kept,
            mix: Mix::default(),
            clients: 1000,
            verify: 1.0,
            timeout: Duration::from_secs(5),
            backlog: 100_000,
            late: Duration::from_millis(1),
            seed: 0,
            threads: 1,
        }
    }
}

/// Longest run. Requests carry the time at which they were made, and hosts take four hours' difference.
/// Source: kms-protocol 6, `policy.clock-skew`.
pub const LONGEST: Duration = Duration::from_secs(3 * 3600);
/// Most requests of one connection on their way. More may fill both directions' buffers, and then neither side moves.
pub const DEEPEST: usize = 256;
/// Most connections.
pub const WIDEST: usize = 60_000;
/// Most clients: their requests are made before the run and kept.
pub const MOST_CLIENTS: usize = 1_000_000;
/// Most requests that are due in all.
const MOST_REQUESTS: f64 = 1e10;

/// Why a plan cannot be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct PlanError(String);

impl Plan {
    /// When requests are due.
    pub fn schedule(&self) -> Schedule {
        Schedule::new(self.warmup, &self.stages)
    }

    /// Checks that the plan has bounds and makes sense.
    ///
    /// # Errors
    /// A fragment that says what is wrong.
    pub fn check(&self) -> Result<(), PlanError> {
        let wrong = |what: String| Err(PlanError(what));
        let schedule = self.schedule();
        if self.stages.is_empty() {
            return wrong("there is no stage".to_owned());
        }
        if Duration::from_nanos(schedule.end()) > LONGEST {
            return wrong(format!("a run takes at most {} s", LONGEST.as_secs()));
        }
        for (what, value, most) in [
            ("connections", self.connections, WIDEST),
            ("pipeline", self.pipeline, DEEPEST),
            ("clients", self.clients, MOST_CLIENTS),
            ("threads", self.threads, 1024),
        ] {
            if !(1..=most).contains(&value) {
                return wrong(format!("{what} is from 1 to {most}, not {value}"));
            }
        }
        if !(0.0..=1.0).contains(&self.verify) {
            return wrong(format!(
                "the part to verify is from 0 to 1, not {}",
                self.verify
            ));
        }
        match self.pattern {
            Pattern::Open(_) if schedule.expected() > MOST_REQUESTS => {
                wrong(format!("a run has at most {MOST_REQUESTS} requests"))
            }
            Pattern::Closed
                if self
                    .stages
                    .iter()
                    .any(|stage| stage.from.max(stage.to) > size(self.connections)) =>
            {
                wrong(format!(
                    "a stage has more than {} connections",
                    self.connections
                ))
            }
            _ => Ok(()),
        }
    }
}

/// The host under load.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What reports call it.
    pub name: String,
    /// Where it is.
    pub address: SocketAddr,
    /// Its key set.
    pub keys: Arc<KeySet>,
    /// The time that requests carry.
    pub now: FileTime,
}

/// Asks a run to end before its time.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that nobody has asked yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// No further requests; what is known is reported.
    pub fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether somebody has asked.
    pub fn is_asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Durations as milliseconds.
mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_without_bounds_are_refused() {
        type Change = fn(&mut Plan);
        let change: [(&str, Change); 8] = [
            ("no stage", |plan| plan.stages.clear()),
            ("too long", |plan| plan.warmup = LONGEST),
            ("no connection", |plan| plan.connections = 0),
            ("too deep", |plan| plan.pipeline = DEEPEST + 1),
            ("no client", |plan| plan.clients = 0),
            ("no thread", |plan| plan.threads = 0),
            ("more than all", |plan| plan.verify = 1.5),
            ("too many at once", |plan| {
                plan.pattern = Pattern::Closed;
                plan.connections = 2;
            }),
        ];
        assert_eq!(Plan::default().check(), Ok(()));
        for (name, change) in change {
            let mut plan = Plan::default();
            change(&mut plan);
            assert!(plan.check().is_err(), "{name}");
        }
    }

    #[test]
    fn a_plan_round_trips() {
        let plan = Plan::default();
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&json).unwrap(), plan, "{json}");
    }
}

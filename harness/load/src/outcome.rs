//! What a run came to.

use serde::{Deserialize, Serialize};

use crate::measure::{Counts, Interval, Latencies};
use crate::num::{SECOND, float};
use crate::plan::{Pattern, Plan};

/// What a run came to, or several that were merged.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// What was under load.
    pub target: String,
    /// What the run was to do.
    pub plan: Plan,
    /// When it began, in milliseconds since 1970-01-01 UTC.
    pub began_unix_ms: u64,
    /// How many runs this is the sum of.
    pub runs: u64,
    /// From the end of the warm-up to the plan's end, or to the last answer if that was later.
    pub elapsed_ns: u64,
    /// Whether somebody ended it before its time.
    pub interrupted: bool,
    /// Everything.
    pub total: Interval,
    /// Everything by seconds.
    pub series: Vec<Second>,
    /// How late requests were handed out, in nanoseconds; empty in a closed loop, where nothing is due.
    pub lateness: Latencies,
    /// How the generator fared.
    pub generator: Generator,
    /// The machine it ran on.
    pub machine: Machine,
}

/// A second of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Second {
    /// Its number, from 0, counted from the end of the warm-up.
    pub second: u64,
    /// The plan's level in its middle: requests a second, or connections.
    pub level: f64,
    /// What was counted.
    pub counts: Counts,
    /// Mean of the corrected latencies.
    pub mean_ns: f64,
    /// Half of the corrected latencies are no longer.
    pub p50_ns: u64,
    /// 90 % are no longer.
    pub p90_ns: u64,
    /// 99 % are no longer.
    pub p99_ns: u64,
    /// 99.9 % are no longer.
    pub p999_ns: u64,
    /// The longest.
    pub max_ns: u64,
    /// All corrected latencies, compressed.
    pub corrected: String,
}

/// How the generator fared.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Generator {
    /// The part of the time that each thread was busy, from 0 to 1.
    pub busy: Vec<f64>,
}

impl Generator {
    /// How busy each thread was, as people read it: `93 %, 95 %`.
    pub(crate) fn busy_words(&self) -> String {
        let words: Vec<String> = self
            .busy
            .iter()
            .map(|busy| format!("{:.0} %", busy * 100.0))
            .collect();
        words.join(", ")
    }
}

/// The machine that the generator ran on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Processors.
    pub cores: u64,
    /// Tasks that could run, over the minute before the run.
    pub load_before: Option<f64>,
    /// Tasks that could run, over the last minute of it.
    pub load_after: Option<f64>,
}

impl Second {
    /// What an interval comes to.
    pub fn new(second: u64, level: f64, interval: &Interval) -> Self {
        let corrected = &interval.corrected;
        Self {
            second,
            level,
            counts: interval.counts.clone(),
            mean_ns: corrected.mean(),
            p50_ns: corrected.percentile(50.0),
            p90_ns: corrected.percentile(90.0),
            p99_ns: corrected.percentile(99.0),
            p999_ns: corrected.percentile(99.9),
            max_ns: corrected.max(),
            corrected: corrected.encoded(),
        }
    }
}

impl Outcome {
    /// Good answers a second.
    pub fn throughput(&self) -> f64 {
        float(self.total.counts.answered) / self.seconds()
    }

    /// How long it was measured, in seconds.
    pub fn seconds(&self) -> f64 {
        float(self.elapsed_ns.max(1)) / float(SECOND)
    }

    /// Requests that failed and requests that were never sent.
    pub fn errors(&self) -> u64 {
        self.total.counts.failed() + self.total.counts.dropped
    }

    /// Those as a part of all that ended, from 0 to 1.
    pub fn error_rate(&self) -> f64 {
        let all = self.total.counts.answered + self.errors();
        float(self.errors()) / float(all.max(1))
    }

    /// Whether requests had a time at which they were due.
    pub const fn is_open(&self) -> bool {
        matches!(self.plan.pattern, Pattern::Open(_))
    }
}

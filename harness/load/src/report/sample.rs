//! An outcome to try reports on.

use std::time::Duration;

use crate::measure::{Interval, Latencies};
use crate::num::SECOND;
use crate::outcome::{Generator, Machine, Outcome, Second};
use crate::plan::Plan;
use crate::schedule::Stage;

/// Four seconds at a thousand requests a second, in the third of which the host stood still.
pub(crate) fn outcome() -> Outcome {
    let plan = Plan {
        stages: vec![Stage::flat(Duration::from_secs(4), 1000.0)],
        ..Plan::default()
    };
    let mut total = Interval::default();
    let mut series = Vec::new();
    for second in 0..4 {
        let mut interval = Interval::default();
        for number in 0..1000_u64 {
            let service = 200_000 + number % 97 * 3000;
            let waited = if second == 2 {
                (1000 - number) * 1_000_000
            } else {
                0
            };
            interval.corrected.record(service + waited);
            interval.uncorrected.record(service);
        }
        interval.counts.due = 1000;
        interval.counts.sent = 1000;
        interval.counts.answered = 1000;
        interval.counts.verified = 1000;
        interval.counts.octets_out = 308_000;
        interval.counts.octets_in = 330_000;
        total.add(&interval);
        series.push(Second::new(second, 1000.0, &interval));
    }
    total.counts.connected = 16;
    let mut lateness = Latencies::new();
    (0..4000).for_each(|number| lateness.record(40_000 + number % 50 * 1000));
    Outcome {
        target: "127.0.0.1:1688".to_owned(),
        plan,
        began_unix_ms: 1_800_000_000_000,
        runs: 1,
        elapsed_ns: 4 * SECOND,
        interrupted: false,
        total,
        series,
        lateness,
        generator: Generator { busy: vec![0.25] },
        machine: Machine {
            cores: 2,
            load_before: Some(0.5),
            load_after: Some(0.75),
        },
    }
}

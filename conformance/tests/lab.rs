//! Every case on the lab host: each must pass, or say why it does not apply.
//!
//! `cargo test -p kmspec-conformance --test lab -- rpc.bind` runs the cases whose id holds `rpc.bind`.

use std::sync::Arc;

use kmspec_conformance::plan::{Selection, plan};
use kmspec_embedded::Embedded;
use kmspec_model::Delivery;
use kmspec_runner::plan::Options;
use kmspec_runner::run::{Row, RunResult, run};
use kmspec_runner::verdict::Verdict;
use kmspec_wire::filetime::FileTime;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let wanted = |id: &str| {
        arguments
            .filter
            .as_ref()
            .is_none_or(|filter| id.contains(filter.as_str()))
    };
    let result = outcome(wanted, Delivery::Whole, &Options::default());
    let could_not = result.unable.clone();
    let mut trials: Vec<Trial> = result.rows.into_iter().map(trial).collect();
    if !arguments.list {
        trials.push(Trial::test("the-run-as-a-whole", move || {
            if could_not.is_empty() {
                Ok(())
            } else {
                Err(Failed::from(could_not.join("; ")))
            }
        }));
    }
    let whole = OTHER_RUNS.into_iter().filter(|(name, ..)| wanted(name));
    trials.extend(
        whole.map(|(name, delivery, seed)| {
            Trial::test(name, move || holds_throughout(delivery, seed))
        }),
    );
    libtest_mimic::run(
        &Arguments {
            filter: None,
            ..arguments
        },
        trials,
    )
    .exit();
}

/// Whole runs beside the first: how the host delivers its answers, and the seed.
const OTHER_RUNS: [(&str, Delivery, u64); 4] = [
    ("answers-come-octet-by-octet", Delivery::OctetByOctet, 2),
    ("answers-come-in-halves-with-a-pause", HALVES, 3),
    ("another-seed", Delivery::Whole, 4),
    ("the-greatest-seed", Delivery::Whole, u64::MAX),
];

/// Within the pause a tester that waits for silence must not lose its patience, though no more than half a PDU came.
const HALVES: Delivery = Delivery::Halves {
    pause: 3 * FileTime::SECOND / 100,
};

/// Runs these rows on a lab host.
fn outcome(wanted: impl Fn(&str) -> bool, delivery: Delivery, options: &Options) -> RunResult {
    let mut rows = plan(&Selection::default()).expect("everything can be selected");
    rows.retain(|row| wanted(&row.id));
    let target = Embedded::default().delivering(delivery).target("lab host");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(run(rows, &target, options, Arc::new(())))
}

/// No row of a whole run fails, nor is in error.
fn holds_throughout(delivery: Delivery, seed: u64) -> Result<(), Failed> {
    let options = Options {
        seed,
        jobs: 8,
        ..Options::default()
    };
    // Recordings by the thousand ask the same each time.
    let result = outcome(|id| !id.starts_with("replay."), delivery, &options);
    let kept = |row: &Row| matches!(row.verdict, Verdict::Pass | Verdict::Skip);
    let broken = result.rows.iter().filter(|row| !kept(row));
    let mut alarms: Vec<String> = broken
        .map(|row| format!("{}: {:?} {:?}", row.id, row.failure, row.reason))
        .collect();
    alarms.extend(result.unable);
    if alarms.is_empty() {
        return Ok(());
    }
    Err(Failed::from(alarms.join("\n")))
}

fn trial(row: Row) -> Trial {
    let name = row.id.clone();
    let skipped = row.verdict == Verdict::Skip;
    let check = move || match row.verdict {
        Verdict::Pass | Verdict::Skip => Ok(()),
        other => {
            let why = row
                .failure
                .map(|failure| format!("step {}: {failure}", failure.step));
            let why = why.or(row.reason).unwrap_or_default();
            Err(Failed::from(format!(
                "{other:?} — {}\n  {why}",
                row.sentence
            )))
        }
    };
    Trial::test(name, check).with_ignored_flag(skipped)
}

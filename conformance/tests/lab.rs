//! Every case on the lab host: each must pass, or say why it does not apply.
//!
//! `cargo test -p kmspec-conformance --test lab -- rpc.bind` runs the cases whose id holds `rpc.bind`.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use kmspec_conformance::plan::{Selection, plan};
use kmspec_lab::{Controls, LabHost, Settings, VerbError};
use kmspec_model::Delivery;
use kmspec_runner::plan::Options;
use kmspec_runner::run::{Row, RunResult, run};
use kmspec_runner::target::{
    Control, ControlError, Instance, Launch, LaunchError, Pending, Target,
};
use kmspec_runner::verdict::Verdict;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use libtest_mimic::{Arguments, Failed, Trial};

/// Starts lab hosts that deliver their answers so.
#[derive(Debug)]
struct Lab(Delivery);

struct Running {
    address: SocketAddr,
    host: LabHost,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lab host at {}", self.address)
    }
}

impl Launch for Lab {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        Box::pin(async {
            let mut settings = Settings::default();
            settings.host.delivery = self.0;
            let host = LabHost::start(settings).await;
            let host = host.map_err(|error| LaunchError::Failed(error.to_string()))?;
            Ok(Box::new(Running {
                address: host.address(),
                host,
            }) as Box<dyn Instance>)
        })
    }
}

impl Instance for Running {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn controls(&self) -> Option<Arc<dyn Control>> {
        Some(Arc::new(Verbs(self.host.controls())))
    }

    fn stop(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(self.host.stop())
    }
}

/// The control verbs of a lab host.
#[derive(Debug)]
struct Verbs(Controls);

impl Control for Verbs {
    fn control(&self, verb: &str, value: &str) -> Pending<'_, Result<String, ControlError>> {
        let (verb, value) = (verb.to_owned(), value.to_owned());
        Box::pin(async move {
            let outcome = self.0.perform(&verb, &value).await;
            outcome.map_err(|error| match error {
                VerbError::Unknown(verb) => ControlError::Unsupported(verb),
                VerbError::Value { .. } | VerbError::Refused(_) => {
                    ControlError::Failed(error.to_string())
                }
            })
        })
    }
}

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
    let target = Target::launched("lab host", Arc::new(Lab(delivery)), Arc::new(KeySet::lab()));
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

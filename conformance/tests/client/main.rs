//! Every case on the lab client: each must pass, or say why it does not apply.
//!
//! `cargo test -p kmspec-conformance --test client -- rpc.client.bind` runs the cases whose id holds `rpc.client.bind`.

mod machine;

use std::sync::Arc;
use std::time::Duration;

use kmspec_conformance::catalogue::Role;
use kmspec_conformance::plan::{Selection, plan};
use kmspec_runner::plan::Options;
use kmspec_runner::run::{Row, run};
use kmspec_runner::target::Target;
use kmspec_runner::target::client::{ClientSource, ClientTarget, Statuses};
use kmspec_runner::verdict::{Level, Verdict};
use kmspec_wire::keys::KeySet;
use libtest_mimic::{Arguments, Failed, Trial};

use machine::Lab;

fn main() {
    let arguments = Arguments::from_args();
    let wanted = |id: &str| {
        let filter = arguments.filter.as_ref();
        filter.is_none_or(|filter| id.contains(filter.as_str()))
    };
    let selection = Selection {
        role: Role::Client,
        ..Selection::default()
    };
    let mut rows = plan(&selection).expect("everything can be selected");
    rows.retain(|row| wanted(&row.id));
    let client = ClientTarget {
        source: ClientSource::Started(Arc::new(Lab::default())),
        statuses: Statuses::default(),
        patience: Duration::from_secs(10),
    };
    let target = Target::client("lab client", client, Arc::new(KeySet::lab()));
    let options = Options {
        level: Level::May,
        ..Options::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let result = runtime.block_on(run(rows, &target, &options, Arc::new(())));
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
    let all = Arguments {
        filter: None,
        ..arguments
    };
    libtest_mimic::run(&all, trials).exit();
}

fn trial(row: Row) -> Trial {
    let name = row.id.clone();
    let skipped = row.verdict == Verdict::Skip;
    let check = move || match row.verdict {
        Verdict::Pass | Verdict::Skip => Ok(()),
        other => {
            let failure = row.failure;
            let why = failure.map(|failure| format!("step {}: {failure}", failure.step));
            let why = why.or(row.reason).unwrap_or_default();
            let sentence = row.sentence;
            Err(Failed::from(format!("{other:?} — {sentence}\n  {why}")))
        }
    };
    Trial::test(name, check).with_ignored_flag(skipped)
}

//! Every case on the lab client: each must pass, or say why it does not apply.
//!
//! `cargo test -p kmspec-conformance --test client -- rpc.client.bind` runs the cases whose id holds `rpc.client.bind`.

use std::sync::Arc;

use kmspec_conformance::catalogue::{Glob, Role};
use kmspec_conformance::plan::{Selection, plan};
use kmspec_embedded::LabMachines;
use kmspec_model::client::fault::Fault;
use kmspec_runner::plan::Options;
use kmspec_runner::run::{Row, run};
use kmspec_runner::selftest::{Defect, Matrix, Scope, Setup, Subject, client_options, self_test};
use kmspec_runner::verdict::{Level, Verdict};
use kmspec_wire::keys::KeySet;
use libtest_mimic::{Arguments, Failed, Trial};

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
    let target = LabMachines::seeded(0).target("lab client", Arc::new(KeySet::lab()));
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
    if !arguments.list && wanted("the-self-test") {
        let matrix = runtime.block_on(few_faults());
        trials.push(Trial::test("the-self-test", move || {
            if matrix.exit == 0 && matrix.counts.faults_caught_by_about == FEW.len() {
                Ok(())
            } else {
                Err(Failed::from(format!("{:#?}", matrix.problems)))
            }
        }));
    }
    let all = Arguments {
        filter: None,
        ..arguments
    };
    libtest_mimic::run(&all, trials).exit();
}

/// Faults, and the cases that are about them.
const FEW: [(Fault, &str); 10] = [
    (Fault::HmacUnchecked, "client.rejects-unverified/v6"),
    (Fault::BindNakIgnored, "rpc.client.bind-nak"),
    (Fault::RetriesTooFast, "client.activation-interval"),
    (Fault::MakStays, "deployment.mak-to-kms/server"),
    (
        Fault::ServiceNotNeeded,
        "deployment.client-configure/service",
    ),
    (
        Fault::ServiceAsNoHost,
        "deployment.client-configure/service",
    ),
    (
        Fault::StandardUsersRefused,
        "deployment.client-configure/standard-user",
    ),
    (
        Fault::StandardUsersForEver,
        "deployment.client-configure/standard-user",
    ),
    (Fault::HeaviestFirst, "client.srv-order/weights"),
    (Fault::TruncatedGivenUp, "discovery.lookup"),
];

/// A small part of the matrix of cases and faults: what `kmspec self-test --role client` does as a whole.
async fn few_faults() -> Matrix {
    let selection = Selection {
        role: Role::Client,
        only: FEW
            .iter()
            .map(|(_, id)| Glob::new(&format!("{id}*")))
            .collect(),
        ..Selection::default()
    };
    let keys = || Arc::new(KeySet::lab());
    let machines = || LabMachines::seeded(0).hasty();
    let subject = |(fault, _): &(Fault, &str)| Subject {
        defect: Defect {
            name: fault.name().to_owned(),
            area: fault.area().name().to_owned(),
            sentence: fault.sentence().to_owned(),
            about: fault.about().to_owned(),
        },
        target: machines().with_fault(*fault).target(fault.name(), keys()),
    };
    let setup = Setup {
        plan: plan(&selection).expect("these can be selected").into(),
        healthy: machines().target("lab client", keys()),
        subjects: FEW.iter().map(subject).collect(),
        scope: Scope::WHOLE,
        options: client_options(7),
        at_once: 3,
    };
    self_test(setup, Arc::new(())).await
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

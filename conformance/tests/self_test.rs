//! A small part of the matrix of cases and faults: what `kmspec self-test` does as a whole.

use std::sync::Arc;

use kmspec_conformance::catalogue::Glob;
use kmspec_conformance::plan::{Selection, plan};
use kmspec_embedded::Embedded;
use kmspec_model::fault::{Fault, Faults};
use kmspec_runner::Target;
use kmspec_runner::selftest::{Defect, Matrix, Scope, Setup, Subject, options, self_test};

fn target(faults: Faults) -> Target {
    Embedded::default().with_faults(faults).target("lab host")
}

/// The matrix of these cases and faults.
fn matrix(only: &[&str], faults: &[Fault]) -> Matrix {
    let selection = Selection {
        only: only.iter().map(|glob| Glob::new(glob)).collect(),
        ..Selection::default()
    };
    let subject = |fault: &Fault| Subject {
        defect: Defect {
            name: fault.name().to_owned(),
            area: fault.area().name().to_owned(),
            sentence: fault.sentence().to_owned(),
            about: fault.about().to_owned(),
        },
        target: target((*fault).into()),
    };
    let setup = Setup {
        plan: plan(&selection).expect("these can be selected").into(),
        healthy: target(Faults::NONE),
        subjects: faults.iter().map(subject).collect(),
        scope: Scope::WHOLE,
        options: options(7),
        at_once: 4,
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(self_test(setup, Arc::new(())))
}

#[test]
fn each_fault_is_caught_by_the_case_that_is_about_it_and_by_no_other() {
    let matrix = matrix(
        &[
            "crypto.v4-mac",
            "crypto.v6-iv-fresh",
            "policy.n-policy-sane",
        ],
        &[
            Fault::V4MacWrong,
            Fault::V6IvEchoed,
            Fault::V6IvCounts,
            Fault::NPolicyStatus,
            Fault::NPolicy1000Refused,
        ],
    );
    assert_eq!(matrix.exit, 0, "{:#?}", matrix.problems);
    for fault in &matrix.faults {
        assert!(fault.caught_by_about, "{fault:#?}");
        let beside = |id: &&String| !id.starts_with(&fault.about);
        assert_eq!(fault.caught_by.iter().find(beside), None);
    }
}

#[test]
fn a_fault_that_nothing_catches_and_a_case_that_catches_nothing_are_told() {
    let matrix = matrix(
        &["crypto.v4-mac", "policy.n-policy-sane"],
        &[Fault::V6IvEchoed, Fault::V4MacWrong],
    );
    assert_eq!(matrix.problems.uncaught, ["v6-iv-echoed"]);
    assert_eq!(
        matrix.problems.idle_cases,
        ["policy.n-policy-sane", "policy.n-policy-sane/largest"]
    );
    assert_eq!((matrix.exit, matrix.problems.alarms.len()), (1, 0));
}

#[test]
fn a_host_that_serves_nobody_or_dies_is_caught_by_what_is_about_it() {
    let matrix = matrix(
        &[
            "rpc.bind.ack-basic",
            "rpc.request.response-basic",
            "rpc.state.unknown-ptype",
        ],
        &[
            Fault::NeverAnswers,
            Fault::ClosesInsteadOfResponse,
            Fault::CrashOnUnknownType,
        ],
    );
    assert_eq!(matrix.exit, 0, "{:#?}", matrix.problems);
    for fault in &matrix.faults {
        assert!(fault.caught_by_about, "{fault:#?}");
    }
}

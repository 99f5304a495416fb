//! What a self-test makes of what its trials gave.

use std::collections::BTreeSet;
use std::time::Duration;

use kmspec_runner::selftest::{Alarm, Check, Defect, Matrix, Problems, Scope, Trial, report};
use kmspec_runner::{Exit, Verdict};

fn check(id: &str, case: &str) -> Check {
    let (requirement, of_all) = match id.strip_suffix("/every-answer") {
        Some(requirement) => (requirement, true),
        None => (case.split('/').next().unwrap(), false),
    };
    Check {
        id: id.to_owned(),
        case: case.to_owned(),
        requirement: requirement.to_owned(),
        suite: if of_all { "every-answer" } else { "crypto" }.to_owned(),
    }
}

/// Two cases, one of them with two rows, and a requirement on every answer.
fn checks() -> Vec<Check> {
    vec![
        check("crypto.v4-mac/first", "crypto.v4-mac"),
        check("crypto.v4-mac/second", "crypto.v4-mac"),
        check("crypto.v6-hmac", "crypto.v6-hmac"),
        check(
            "message.echo-cmid/every-answer",
            "message.echo-cmid/every-answer",
        ),
    ]
}

fn trial(name: &str, about: &str, caught_by: &[&str]) -> Trial {
    Trial {
        defect: Defect {
            name: name.to_owned(),
            area: "crypto".to_owned(),
            sentence: format!("The host has {name}."),
            about: about.to_owned(),
        },
        caught_by: ids(caught_by),
        in_error: BTreeSet::new(),
        not_run: 0,
        reason: None,
        took: Duration::from_millis(5),
    }
}

fn ids(ids: &[&str]) -> BTreeSet<String> {
    ids.iter().map(|&id| id.to_owned()).collect()
}

/// Each case catches something, each fault is caught by what it is about.
fn good() -> Vec<Trial> {
    vec![
        trial(
            "v4-mac-wrong",
            "crypto.v4-mac",
            &["crypto.v4-mac/first", "crypto.v4-mac/second"],
        ),
        trial("v6-mac-wrong", "crypto.v6-hmac", &["crypto.v6-hmac"]),
        trial(
            "cmid-zero",
            "message.echo-cmid",
            &["message.echo-cmid/every-answer", "crypto.v6-hmac"],
        ),
    ]
}

fn alarm() -> Alarm {
    Alarm {
        id: "crypto.v6-hmac".to_owned(),
        shown_in: "crypto.v6-hmac".to_owned(),
        verdict: Verdict::Fail,
        why: "MAC: expected 01, got 02".to_owned(),
    }
}

fn with(index: usize, caught_by: &[&str]) -> Vec<Trial> {
    let mut trials = good();
    trials[index].caught_by = ids(caught_by);
    trials
}

/// Name, alarms, trials, what was tried, exit, and the problems told.
type Situation = (
    &'static str,
    Vec<Alarm>,
    Vec<Trial>,
    Scope,
    (Exit, fn(&mut Problems)),
);

#[test]
fn each_kind_of_problem_is_told_and_judged() {
    let some_cases = Scope {
        all_cases: false,
        all_faults: true,
    };
    let some_faults = Scope {
        all_cases: true,
        all_faults: false,
    };
    #[rustfmt::skip]
    let situations: Vec<Situation> = vec![
        ("all is well", vec![], good(), Scope::WHOLE, (Exit::Holds, |_| {})),
        ("a case fails without a fault", vec![alarm()], good(), Scope::WHOLE,
            (Exit::Fails, |p| p.alarms = vec![alarm()])),
        ("a fault is caught by nothing", vec![], with(0, &[]), Scope::WHOLE,
            (Exit::Fails, |p| {
                p.uncaught = vec!["v4-mac-wrong".to_owned()];
                p.idle_cases = vec!["crypto.v4-mac".to_owned()];
            })),
        ("a fault is caught by nothing, but not all cases ran", vec![], with(2, &[]), some_cases,
            (Exit::Holds, |p| p.idle_every_answer = vec!["message.echo-cmid/every-answer".to_owned()])),
        ("a case catches nothing", vec![], with(0, &["crypto.v6-hmac"]), Scope::WHOLE,
            (Exit::Fails, |p| {
                p.idle_cases = vec!["crypto.v4-mac".to_owned()];
                p.beside = vec!["v4-mac-wrong".to_owned()];
            })),
        ("a case catches nothing, but not all faults were tried", vec![], with(0, &["crypto.v6-hmac"]), some_faults,
            (Exit::Holds, |p| p.beside = vec!["v4-mac-wrong".to_owned()])),
        ("one row of a case catches nothing", vec![], with(0, &["crypto.v4-mac/first"]), Scope::WHOLE,
            (Exit::Holds, |_| {})),
        ("a rule on every answer catches nothing", vec![], with(2, &["crypto.v6-hmac"]), Scope::WHOLE,
            (Exit::Holds, |p| {
                p.beside = vec!["cmid-zero".to_owned()];
                p.idle_every_answer = vec!["message.echo-cmid/every-answer".to_owned()];
            })),
        ("nothing was tried", vec![], vec![], some_faults, (Exit::NotJudged, |_| {})),
    ];
    for (situation, alarms, trials, scope, (exit, change)) in situations {
        let matrix = Matrix::of(&checks(), alarms, trials, scope);
        let mut expected = Problems::default();
        change(&mut expected);
        assert_eq!(matrix.problems, expected, "{situation}");
        assert_eq!(matrix.exit(), exit, "{situation}");
        assert_eq!(matrix.exit, exit.code(), "{situation}");
    }
}

#[test]
fn an_obstacle_outweighs_every_finding() {
    let mut matrix = Matrix::of(&checks(), vec![alarm()], good(), Scope::WHOLE);
    assert_eq!(matrix.exit(), Exit::Fails);
    matrix.add_obstacle("interrupted after 3 of 9 faults".to_owned());
    assert_eq!((matrix.exit(), matrix.exit), (Exit::NotJudged, 2));
}

#[test]
fn who_is_about_a_fault_stands_first() {
    let matrix = Matrix::of(
        &checks(),
        vec![],
        vec![
            trial("first", "crypto.v4-mac", &["crypto.v6-hmac"]),
            trial(
                "second",
                "crypto.v6-hmac",
                &["crypto.v4-mac/first", "crypto.v6-hmac"],
            ),
        ],
        Scope::WHOLE,
    );
    let second = &matrix.faults[1];
    assert_eq!(second.caught_by, ["crypto.v6-hmac", "crypto.v4-mac/first"]);
    assert!(second.caught_by_about && !matrix.faults[0].caught_by_about);
    let hmac = &matrix.cases[1];
    assert_eq!((hmac.id.as_str(), hmac.rows), ("crypto.v6-hmac", 1));
    assert_eq!(hmac.caught, ["second", "first"]);
    assert_eq!(matrix.idle_rows, ["crypto.v4-mac/second"]);
}

#[test]
fn the_document_reads_back() {
    let matrix = Matrix::of(&checks(), vec![alarm()], good(), Scope::WHOLE);
    let text = matrix.to_json();
    assert_eq!(serde_json::from_str::<Matrix>(&text).unwrap(), matrix);
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["format"], "kmspec-self-test");
    assert_eq!(value["version"], 1);
}

#[test]
fn people_read_the_matrix() {
    let mut trials = with(0, &["crypto.v6-hmac"]);
    trials.extend([
        trial("v4-mac-zero", "crypto.v4-mac", &[]),
        trial("answers-late", "crypto.v4-mac", &["crypto.v4-mac/first"]),
    ]);
    trials[4].defect.area = "transport".to_owned();
    trials[4].not_run = 2;
    trials[4].reason = Some("at the start: silent: no answer to a call within 600ms".to_owned());
    trials[1].caught_by = checks().into_iter().map(|check| check.id).collect();
    let mut matrix = Matrix::of(&checks(), vec![alarm()], trials, Scope::WHOLE);
    matrix.add_obstacle("interrupted after 6 of 9 faults".to_owned());
    matrix.times.took_ms = 1234;
    insta::assert_snapshot!(report(&matrix));
}

//! Findings for programs that show those of analysers and tests.

use std::collections::BTreeMap;
use std::io;

use kmspec_runner::report::sarif::document;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};

use crate::finding::{Facts, Kind, Standing};

/// SARIF 2.1.0: a rule for each kind of finding, a result for each finding. Source: OASIS, SARIF version 2.1.0.
pub fn sarif(findings: &[Facts], unable: Option<&str>) -> Value {
    let rules: BTreeMap<&str, Value> = findings
        .iter()
        .map(|facts| {
            let kind = facts.kind;
            let rule = json!({
                "id": format!("fuzz.{kind}"),
                "shortDescription": { "text": kind.sentence() },
                "defaultConfiguration": { "level": level(facts) },
            });
            (kind.name(), rule)
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    let unable = unable.into_iter().map(str::to_owned);
    document(rules.into_values(), results, unable, None)
}

fn result(facts: &Facts) -> Value {
    let name = facts.name();
    json!({
        "ruleId": format!("fuzz.{}", facts.kind),
        "level": level(facts),
        "message": { "text": format!("{}: {}", facts.about, facts.detail) },
        "locations": [{
            "physicalLocation": { "artifactLocation": { "uri": format!("{name}/session.txt") } },
            "logicalLocations": [{ "fullyQualifiedName": name, "kind": "member" }],
        }],
        "partialFingerprints": { "kmspec/v1": format!("{} {}", facts.target, facts.signature) },
        "properties": { "standing": facts.standing, "seed": facts.seed, "execution": facts.execution },
    })
}

fn level(facts: &Facts) -> &'static str {
    match (facts.kind, facts.standing) {
        (Kind::Difference, _) => "note",
        (Kind::Slow | Kind::Growth, _) | (_, Standing::Flaky) => "warning",
        _ => "error",
    }
}

/// `JUnit` XML: a test case for each kind that was looked for, failed by its findings.
///
/// # Errors
/// What the writer cannot take.
pub fn junit(
    findings: &[Facts],
    unable: Option<&str>,
    out: impl io::Write,
) -> Result<(), quick_junit::SerializeError> {
    let mut suite = TestSuite::new("fuzz");
    for kind in Kind::ALL {
        let of_kind: Vec<&Facts> = findings.iter().filter(|facts| facts.kind == kind).collect();
        if of_kind.is_empty() {
            let case = TestCase::new(kind.name(), TestCaseStatus::success());
            suite.add_test_case(case);
        }
        for facts in of_kind {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(facts.about.clone())
                .set_type(kind.name());
            status.set_description(format!("{}\n{}", facts.detail, facts.name()));
            suite.add_test_case(TestCase::new(facts.name(), status));
        }
    }
    if let Some(problem) = unable {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(problem);
        suite.add_test_case(TestCase::new("the campaign as a whole", status));
    }
    let mut report = Report::new("kmspec");
    report.add_test_suite(suite);
    report.serialize(out)
}

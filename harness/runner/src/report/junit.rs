//! `JUnit` XML, for whatever shows test results.

use std::io;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::text::{self, Style};
use crate::run::{Row, RunResult};
use crate::verdict::Verdict;

/// A report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the JUnit report: {0}")]
pub struct JunitError(#[from] quick_junit::SerializeError);

/// Writes a test suite for each suite and a test case for each row; what stood in the way of the run as a whole is a case
/// of its own.
///
/// # Errors
/// What the writer cannot take.
pub fn write(result: &RunResult, style: &Style, out: impl io::Write) -> Result<(), JunitError> {
    let mut report = Report::new("kmspec");
    report.set_time(result.took);
    let mut suites: Vec<TestSuite> = Vec::new();
    for row in &result.rows {
        let name = row.suite.as_str();
        if suites
            .last()
            .is_none_or(|suite| suite.name.as_str() != name)
        {
            suites.push(TestSuite::new(name));
        }
        if let Some(suite) = suites.last_mut() {
            suite.add_test_case(case(row, result.seed, style));
            let spent = suite.time.unwrap_or(Duration::ZERO);
            suite.set_time(spent + row.took);
        }
    }
    if !result.unable.is_empty() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(result.unable.join("; "));
        let mut suite = TestSuite::new("run");
        let mut whole = TestCase::new("the run as a whole", status);
        whole.set_classname("run");
        suite.add_test_case(whole);
        suites.push(suite);
    }
    if let Some(suite) = suites.first_mut().filter(|_| !result.log.is_empty()) {
        suite.set_system_err(&result.log);
    }
    report.add_test_suites(suites);
    report.serialize(out)?;
    Ok(())
}

fn case(row: &Row, seed: u64, style: &Style) -> TestCase {
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    let detail = text::detail(row, seed, &plain);
    let said = match (&row.failure, &row.reason) {
        (Some(failure), _) => failure.to_string(),
        (None, Some(reason)) => reason.clone(),
        (None, None) => String::new(),
    };
    let non_success = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        status
            .set_message(said.clone())
            .set_type(row.verdict.name());
        status.set_description(detail.clone());
        status
    };
    let status = match row.verdict {
        Verdict::Pass | Verdict::Warn | Verdict::Note | Verdict::Deviation => {
            TestCaseStatus::success()
        }
        Verdict::Fail | Verdict::Flaky => non_success(NonSuccessKind::Failure),
        Verdict::Error => non_success(NonSuccessKind::Error),
        Verdict::Skip => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(said.clone());
            status
        }
    };
    let mut case = TestCase::new(row.id.as_str(), status);
    case.set_classname(row.suite.as_str()).set_time(row.took);
    case.add_property(("level", row.level.name()));
    if matches!(
        row.verdict,
        Verdict::Warn | Verdict::Note | Verdict::Deviation
    ) {
        case.set_system_out(detail);
    }
    case
}

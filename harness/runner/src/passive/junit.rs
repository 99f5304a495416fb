use std::io;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::report::role_name;
use super::{Outcome, Report, text};
use crate::report::junit::JunitError;
use crate::report::text::Style;
use crate::verdict::Verdict;

/// Writes a test suite for each capture and a test case for each requirement that was judged; what stood in the way of a
/// judgement is a case of its own.
///
/// # Errors
/// What the writer cannot take.
pub fn write(report: &Report, out: impl io::Write) -> Result<(), JunitError> {
    let mut junit = Junit::new("kmspec");
    for file in &report.files {
        let mut suite = TestSuite::new(file.file.as_str());
        suite.add_test_cases(file.outcomes.iter().map(case));
        if !file.unable.is_empty() {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
            status.set_message(file.unable.join("; "));
            let mut whole = TestCase::new("the capture as a whole", status);
            whole.set_classname("capture");
            suite.add_test_case(whole);
        }
        junit.add_test_suite(suite);
    }
    junit.serialize(out)?;
    Ok(())
}

fn case(outcome: &Outcome) -> TestCase {
    let status = match outcome.verdict {
        Verdict::Fail => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            if let Some(seen) = outcome.sightings.first() {
                status.set_message(format!(
                    "packet {}: {}: expected {}, got {}",
                    seen.packet, seen.field, seen.expected, seen.got
                ));
            }
            status.set_type(outcome.verdict.name());
            status.set_description(text::detail(outcome, &Style::default()));
            status
        }
        _ => TestCaseStatus::success(),
    };
    let mut case = TestCase::new(outcome.about.id.as_str(), status);
    case.set_classname(role_name(outcome.role));
    case.add_property(("level", outcome.about.level.name()));
    case.add_property(("judged", outcome.count.judged.to_string().as_str()));
    case.add_property(("broken", outcome.count.broken.to_string().as_str()));
    if matches!(outcome.verdict, Verdict::Warn | Verdict::Note) {
        case.set_system_out(text::detail(outcome, &Style::default()));
    }
    case
}

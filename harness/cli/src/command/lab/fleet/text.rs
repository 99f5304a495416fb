use std::fmt::Write as _;

use kmspec_model::fleet::{Report, Scenario};
use kmspec_wire::filetime::FileTime;

use super::{answers, heading, served};

/// Rows of the table of licence states, the last one aside.
const ROWS: usize = 12;

/// The report for people.
pub(super) fn text(scenario: &Scenario, report: &Report) -> String {
    let mut text = heading(scenario);
    text.push_str("\n\n");
    states(&mut text, report);
    text.push('\n');
    for host in &report.hosts {
        let _ = writeln!(text, "{}: {}", host.name, served(&host.load));
    }
    let _ = writeln!(
        text,
        "{} attempts, {} that no host answered, {} below the threshold",
        report.attempts, report.unanswered, report.too_few
    );
    for answer in answers(scenario, report) {
        text.push_str(&answer);
        text.push('\n');
    }
    text
}

fn states(text: &mut String, report: &Report) {
    let _ = writeln!(
        text,
        "{:>5}  {:>12}  {:>9}  {:>12}  {:>9}",
        "day", "out of box", "licensed", "tolerance", "reduced"
    );
    let step = report.samples.len().div_ceil(ROWS).max(1);
    let last = report.samples.len().saturating_sub(1);
    for (number, sample) in report.samples.iter().enumerate() {
        if number % step == 0 || number == last {
            let _ = writeln!(
                text,
                "{:>5}  {:>12}  {:>9}  {:>12}  {:>9}",
                sample.at / FileTime::DAY,
                sample.oob_grace,
                sample.licensed,
                sample.oot_grace,
                sample.notification
            );
        }
    }
}

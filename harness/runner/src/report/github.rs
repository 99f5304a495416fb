//! GitHub Actions: a few annotations, and a summary that has the rest.
//!
//! Source: GitHub documentation, "Workflow commands for GitHub Actions".

use std::fmt::Write as _;

use super::text::{self, Style};
use crate::run::{Row, RunResult};
use crate::verdict::Verdict;

/// Annotations that a step may make of each kind; GitHub drops the others without a word.
const MOST: usize = 10;

/// Workflow commands for standard output: at most ten, the gravest first.
pub fn annotations(result: &RunResult) -> String {
    let whole = result.unable.iter().map(|problem| {
        let title = property("not judged");
        format!("::error title={title}::{}", data(problem))
    });
    let rows = ranked(result).into_iter().map(annotation);
    let mut text = String::new();
    for command in whole.chain(rows).take(MOST) {
        text.push_str(&command);
        text.push('\n');
    }
    text
}

/// Markdown for the step's summary: the counts, and all that did not pass.
pub fn summary(result: &RunResult, style: &Style) -> String {
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    let mut text = format!("## kmspec on {}\n\n", result.target);
    text.push_str(&text::summary(result, &plain));
    for problem in &result.broken_expectations {
        let _ = writeln!(text, "\nexpectations: {problem}");
    }
    for problem in &result.unable {
        let _ = writeln!(text, "\n**Not judged:** {problem}");
    }
    for row in ranked(result) {
        let detail = text::detail(row, result.seed, &plain);
        // A fence longer than any run of backticks inside cannot be closed by what it holds.
        let fence = "`".repeat(longest_run(&detail, '`').max(2) + 1);
        let _ = write!(
            text,
            "\n<details><summary>{} {}</summary>\n\n{fence}\n{detail}{fence}\n\n</details>\n",
            row.verdict, row.id
        );
    }
    text
}

/// The rows that did not pass, the gravest first, in the plan's order among equals.
fn ranked(result: &RunResult) -> Vec<&Row> {
    let rank = |row: &&Row| match row.verdict {
        Verdict::Fail => 0,
        Verdict::Flaky => 1,
        Verdict::Error => 2,
        Verdict::Warn => 3,
        Verdict::Note => 4,
        Verdict::Deviation | Verdict::Pass | Verdict::Skip => 5,
    };
    let mut rows: Vec<&Row> = result.rows.iter().filter(|row| rank(row) < 5).collect();
    rows.sort_by_key(rank);
    rows
}

fn annotation(row: &Row) -> String {
    let command = match row.verdict {
        Verdict::Fail | Verdict::Flaky | Verdict::Error => "error",
        Verdict::Warn => "warning",
        _ => "notice",
    };
    let said = match (&row.failure, &row.reason) {
        (Some(failure), _) => format!("{}\n{failure}", row.title),
        (None, Some(reason)) => reason.clone(),
        (None, None) => row.title.clone(),
    };
    let title = property(&format!("{} {}", row.verdict, row.id));
    format!("::{command} title={title}::{}", data(&said))
}

fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

fn longest_run(text: &str, wanted: char) -> usize {
    let runs = text.split(|c| c != wanted).map(str::len);
    runs.max().unwrap_or_default()
}

//! What people read in a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::hex;
use crate::bundle::Answer;
use crate::run::{Row, RunResult};
use crate::verdict::{Failure, Verdict};

/// How the text is written.
#[derive(Clone, Debug)]
pub struct Style {
    /// With ANSI colours.
    pub colour: bool,
    /// What to type to run the same again, without the case and the seed: `kmspec run 127.0.0.1:1688`.
    pub command: String,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            colour: false,
            command: "kmspec run".to_owned(),
        }
    }
}

/// The whole report: everything that did not pass, then the summary.
pub fn report(result: &RunResult, style: &Style) -> String {
    let mut text = String::new();
    for row in &result.rows {
        let broken = row.failure.is_some() || row.verdict == Verdict::Flaky;
        let broken = broken && row.verdict != Verdict::Deviation;
        if broken {
            text.push_str(&detail(row, result.seed, style));
            text.push('\n');
        }
    }
    text.push_str(&reasons(result, Verdict::Skip, style));
    text.push_str(&reasons(result, Verdict::Deviation, style));
    text.push_str(&reasons(result, Verdict::Error, style));
    for problem in &result.broken_expectations {
        let _ = writeln!(text, "{}: {problem}", painted("expectations", RED, style));
    }
    for problem in &result.unable {
        let word = painted("not judged", RED, style);
        let _ = writeln!(text, "{word}: {problem}");
    }
    text.push_str(&summary(result, style));
    text
}

/// One line for a row, for those who want to see it go by.
pub fn line(row: &Row, style: &Style) -> String {
    let word = word(row.verdict, style);
    match (&row.failure, &row.reason) {
        (Some(failure), _) => format!("{word}  {}  {failure}", row.id),
        (None, Some(reason)) => format!("{word}  {}  {reason}", row.id),
        (None, None) => format!("{word}  {}", row.id),
    }
}

/// All there is to say of a row.
pub fn detail(row: &Row, seed: u64, style: &Style) -> String {
    let mut text = format!(
        "{}  {}   {}, {}   {}\n",
        word(row.verdict, style),
        painted(&row.id, BOLD, style),
        row.level,
        row.role,
        row.source
    );
    text.push_str(&body(row, style));
    let command = &style.command;
    let _ = writeln!(
        text,
        "  again: {command} --only {} --seed {seed}",
        row.shown_in
    );
    text
}

/// What a case asks, and what came of it.
pub fn body(row: &Row, style: &Style) -> String {
    let mut text = format!("  {}\n", row.sentence);
    if let Some(reason) = &row.reason {
        let _ = writeln!(text, "  {reason}");
    }
    if let Some(failure) = &row.failure {
        text.push_str(&expected_and_got(failure, style));
    }
    for note in &row.notes {
        let _ = writeln!(text, "  {note}");
    }
    if let Some(tally) = &row.tally {
        let _ = writeln!(text, "  {tally}");
    }
    text
}

/// The word for what repeating a bundle came to.
pub fn answer(answer: &Answer, style: &Style) -> String {
    let colour = match answer {
        Answer::Fixed => GREEN,
        Answer::Failed(_) | Answer::Error(_) => RED,
    };
    painted(answer.word(), colour, style)
}

/// How many rows came out how.
pub fn summary(result: &RunResult, style: &Style) -> String {
    let total = result.rows.len();
    let counts: Vec<String> = Verdict::ALL
        .iter()
        .map(|verdict| (result.count(*verdict), *verdict))
        .filter(|(count, _)| *count > 0)
        .map(|(count, verdict)| painted(&format!("{count} {verdict}"), colour(verdict), style))
        .collect();
    let noun = if total == 1 { "verdict" } else { "verdicts" };
    format!(
        "{total} {noun} on {}: {}; seed {}, {:.2} s\n",
        result.target,
        if counts.is_empty() {
            "none".to_owned()
        } else {
            counts.join(", ")
        },
        result.seed,
        result.took.as_secs_f64()
    )
}

fn expected_and_got(failure: &Failure, style: &Style) -> String {
    let mut text = String::new();
    let field = painted(&failure.field, BOLD, style);
    match failure.step {
        0 => {
            let _ = writeln!(text, "  {field}");
        }
        step => {
            let _ = writeln!(text, "  step {step}: {field}");
        }
    }
    let expected = painted(&failure.expected, GREEN, style);
    let got = painted(&failure.got, RED, style);
    let _ = writeln!(text, "      expected  {expected}\n           got  {got}");
    if let Some(evidence) = &failure.evidence {
        let _ = writeln!(text, "  {}", evidence.what);
        for line in hex::lines(evidence) {
            let _ = writeln!(text, "      {line}");
        }
    }
    text
}

/// Rows of a verdict that needs no evidence, put together by their reason.
fn reasons(result: &RunResult, verdict: Verdict, style: &Style) -> String {
    let mut ids: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in result.rows.iter().filter(|row| row.verdict == verdict) {
        let reason = row.reason.as_deref().unwrap_or("no reason given");
        ids.entry(reason).or_default().push(&row.id);
    }
    let mut text = String::new();
    for (reason, ids) in ids {
        let word = word(verdict, style);
        let _ = match ids.as_slice() {
            [id] => writeln!(text, "{word}  {id}: {reason}"),
            [first, rest @ ..] => {
                writeln!(text, "{word}  {first} and {} more: {reason}", rest.len())
            }
            [] => Ok(()),
        };
    }
    text
}

pub(crate) fn word(verdict: Verdict, style: &Style) -> String {
    let word = format!("{:5}", verdict.name().to_uppercase());
    painted(&word, colour(verdict), style)
}

pub(crate) const fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => GREEN,
        Verdict::Fail | Verdict::Error => RED,
        Verdict::Warn | Verdict::Flaky => YELLOW,
        Verdict::Note | Verdict::Skip | Verdict::Deviation => DIM,
    }
}

pub(crate) fn painted(text: &str, colour: &str, style: &Style) -> String {
    if style.colour {
        format!("\u{1b}[{colour}m{text}\u{1b}[0m")
    } else {
        text.to_owned()
    }
}

pub(crate) const GREEN: &str = "32";
pub(crate) const RED: &str = "31";
const YELLOW: &str = "33";
const DIM: &str = "2";
pub(crate) const BOLD: &str = "1";

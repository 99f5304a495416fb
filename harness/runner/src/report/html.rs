//! One page that needs nothing else: summary, filters, and for each row what was expected, what came, and the octets.

pub(crate) mod shell;

use std::fmt::Write as _;

use super::hex;
use super::text::Style;
use crate::peer::{Direction, Event};
use crate::run::{Row, RunResult};
use crate::verdict::{Evidence, Failure, Verdict};
use shell::escaped;

/// The page.
pub fn page(result: &RunResult, style: &Style) -> String {
    let mut page = shell::open(&format!("kmspec on {}", result.target));
    head(&mut page, result);
    page.push_str("</header>\n");
    filters(&mut page, result);
    page.push_str("<main id=\"rows\">\n");
    for row in &result.rows {
        entry(&mut page, row, result, style);
    }
    page.push_str("</main>\n");
    if !result.log.is_empty() {
        let log = escaped(&result.log);
        let _ = writeln!(
            page,
            "<details class=\"log\"><summary>What the target wrote</summary><pre>{log}</pre></details>"
        );
    }
    shell::close(&mut page);
    page
}

fn head(page: &mut String, result: &RunResult) {
    shell::verdict(
        page,
        result.exit(),
        [
            "Everything required holds",
            "Something required fails",
            "Not all could be judged",
        ],
    );
    for problem in &result.broken_expectations {
        let _ = writeln!(
            page,
            "<p class=\"exit exit-1\">Expectations: {}</p>",
            escaped(problem)
        );
    }
    for problem in &result.unable {
        let _ = writeln!(
            page,
            "<p class=\"exit exit-2\">Not judged: {}</p>",
            escaped(problem)
        );
    }
    page.push_str("<ul class=\"counts\">\n");
    for verdict in Verdict::ALL {
        let count = result.count(*verdict);
        let _ = writeln!(
            page,
            "<li class=\"{verdict}\"><b>{count}</b> {verdict}</li>"
        );
    }
    let _ = writeln!(
        page,
        "</ul>\n<p>kmspec {}, seed {}, level {}, {:.2} s</p>",
        env!("CARGO_PKG_VERSION"),
        result.seed,
        result.level,
        result.took.as_secs_f64()
    );
}

fn filters(page: &mut String, result: &RunResult) {
    let mut suites: Vec<&str> = result.rows.iter().map(|row| row.suite.as_str()).collect();
    suites.dedup();
    shell::filters(
        page,
        &[
            ("suite", &suites),
            ("verdict", &shell::verdicts()),
            ("level", &shell::levels()),
        ],
    );
}

fn entry(page: &mut String, row: &Row, result: &RunResult, style: &Style) {
    let (id, suite, title) = (escaped(&row.id), escaped(&row.suite), escaped(&row.title));
    let open = if matches!(row.verdict, Verdict::Fail | Verdict::Flaky) {
        " open"
    } else {
        ""
    };
    let _ = write!(
        page,
        "<details{open} data-suite=\"{suite}\" data-verdict=\"{verdict}\" data-level=\"{level}\" data-id=\"{id}\">\n\
         <summary><span class=\"verdict {verdict}\">{verdict}</span> <code>{id}</code> {title}</summary>\n\
         <p>{sentence}</p>\n<p class=\"source\">{level}, {role}. {source}</p>\n",
        verdict = row.verdict,
        level = row.level,
        role = row.role,
        sentence = escaped(&row.sentence),
        source = escaped(&row.source),
    );
    if let Some(reason) = &row.reason {
        let _ = writeln!(page, "<p>{}</p>", escaped(reason));
    }
    if let Some(failure) = &row.failure {
        expected_and_got(page, failure);
    }
    for note in &row.notes {
        let _ = writeln!(page, "<p>{}</p>", escaped(note));
    }
    if let Some(tally) = &row.tally {
        let _ = writeln!(page, "<p>{tally}</p>");
    }
    if !row.transcript.is_empty() {
        transcript(page, &row.transcript);
    }
    if row.verdict != Verdict::Pass {
        let again = format!(
            "{} --only {} --seed {}",
            style.command, row.shown_in, result.seed
        );
        let _ = writeln!(page, "<p>again: <code>{}</code></p>", escaped(&again));
    }
    page.push_str("</details>\n");
}

fn expected_and_got(page: &mut String, failure: &Failure) {
    let step = match failure.step {
        0 => String::new(),
        step => format!("step {step}: "),
    };
    let _ = write!(
        page,
        "<h2>{step}{}</h2>\n<dl><dt>expected</dt><dd>{}</dd><dt>got</dt><dd>{}</dd></dl>\n",
        escaped(&failure.field),
        escaped(&failure.expected),
        escaped(&failure.got)
    );
    if let Some(evidence) = &failure.evidence {
        let _ = writeln!(page, "<p>{}</p>", escaped(&evidence.what));
        let all = evidence.octets.len() <= MOST_OCTETS;
        let lines = if all {
            hex::all(evidence)
        } else {
            hex::lines(evidence)
        };
        octets(page, &lines);
    }
}

/// What went over the wire both ways.
fn transcript(page: &mut String, events: &[Event]) {
    page.push_str("<details><summary>what went over the wire</summary>\n");
    for event in events {
        let (number, at, what) = match event {
            Event::Opened { connection, at, .. } => (connection, at, "opened".to_owned()),
            Event::Octets {
                connection,
                at,
                direction,
                octets,
            } => {
                let who = sender(*direction);
                (
                    connection,
                    at,
                    format!("{who} sent {} octets", octets.len()),
                )
            }
            Event::Ended {
                connection,
                at,
                by,
                ending,
            } => {
                let who = sender(*by);
                (
                    connection,
                    at,
                    format!("{ending} by the {}", who.to_lowercase()),
                )
            }
        };
        let ms = at.as_secs_f64() * 1000.0;
        let _ = writeln!(page, "<p>connection {number}, {ms:.1} ms: {what}</p>");
        if let Event::Octets { octets: sent, .. } = event {
            let some = sent.get(..MOST_OCTETS).unwrap_or(sent);
            let shown = Evidence {
                what,
                octets: some.to_vec(),
                highlight: None,
            };
            octets(page, &hex::all(&shown));
            if some.len() < sent.len() {
                let _ = writeln!(page, "<p>… and {} more</p>", sent.len() - some.len());
            }
        }
    }
    page.push_str("</details>\n");
}

fn octets(page: &mut String, lines: &[String]) {
    page.push_str("<pre>");
    for line in lines {
        // Nothing but hexadecimal digits, spaces, brackets and an ellipsis.
        let marked = line.replace('[', "<mark>").replace(']', "</mark>");
        let _ = writeln!(page, "{marked}");
    }
    page.push_str("</pre>\n");
}

const fn sender(direction: Direction) -> &'static str {
    match direction {
        Direction::ToTarget => "Tester",
        Direction::FromTarget => "Target",
    }
}

/// Octets of one segment that the page shows.
const MOST_OCTETS: usize = 1024;

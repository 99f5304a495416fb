//! One page that needs nothing else: summary, filters, and for each row what was expected, what came, and the octets.

use std::fmt::Write as _;

use super::hex;
use super::text::Style;
use crate::peer::{Direction, Event};
use crate::run::{Row, RunResult};
use crate::verdict::{Evidence, Failure, Level, Verdict};

/// The page.
pub fn page(result: &RunResult, style: &Style) -> String {
    let mut page = String::with_capacity(64 * 1024);
    let title = format!("kmspec on {}", escaped(&result.target));
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
    );
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
    let _ = write!(page, "<script>\n{JS}</script>\n</body>\n</html>\n");
    page
}

fn head(page: &mut String, result: &RunResult) {
    let code = result.exit().code();
    let verdict = [
        "Everything required holds",
        "Something required fails",
        "Not all could be judged",
    ]
    .get(usize::from(code))
    .copied()
    .unwrap_or_default();
    let _ = writeln!(
        page,
        "<p class=\"exit exit-{code}\">{verdict} (exit code {code})</p>"
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
    page.push_str("<form id=\"filters\" aria-label=\"Filters\">\n");
    select(page, "suite", &suites);
    let verdicts: Vec<&str> = Verdict::ALL.iter().map(|verdict| verdict.name()).collect();
    select(page, "verdict", &verdicts);
    let levels: Vec<&str> = Level::ALL.iter().rev().map(|level| level.name()).collect();
    select(page, "level", &levels);
    page.push_str(
        "<label>id <input type=\"search\" name=\"id\" autocomplete=\"off\"></label>\n\
         <output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n",
    );
}

fn select(page: &mut String, name: &str, values: &[&str]) {
    let _ = write!(
        page,
        "<label>{name} <select name=\"{name}\"><option value=\"\">all</option>"
    );
    for value in values {
        let value = escaped(value);
        let _ = write!(page, "<option>{value}</option>");
    }
    page.push_str("</select></label>\n");
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

/// What stands for text in HTML. What a target sends, and calls itself, comes from outside.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

const CSS: &str = include_str!("html/page.css");
const JS: &str = include_str!("html/page.js");

/// Octets of one segment that the page shows.
const MOST_OCTETS: usize = 1024;

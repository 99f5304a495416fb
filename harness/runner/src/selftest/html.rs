//! The kill matrix as a page.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::matrix::{FaultRow, Matrix};
use crate::report::html::shell::{self, escaped};
use crate::run::EVERY_ANSWER;

/// The page: figures, problems, faults against suites, and what each case caught.
pub fn page(matrix: &Matrix) -> String {
    let mut page = shell::open("Self-test of kmspec");
    shell::verdict(
        &mut page,
        matrix.exit(),
        [
            "Nothing that must be caught was missed",
            "Something is caught by nothing, or fails without a fault",
            "Not all could be judged",
        ],
    );
    figures(&mut page, matrix);
    problems(&mut page, matrix);
    page.push_str("</header>\n");
    let mut areas: Vec<&str> = matrix
        .faults
        .iter()
        .map(|fault| fault.area.as_str())
        .collect();
    areas.dedup();
    shell::filters(
        &mut page,
        &[
            ("area", &areas),
            ("caught", &["about", "beside", "nothing"]),
        ],
    );
    page.push_str("<main>\n");
    faults(&mut page, matrix);
    cases(&mut page, matrix);
    page.push_str("</main>\n");
    shell::close(&mut page);
    page
}

fn figures(page: &mut String, matrix: &Matrix) {
    let counts = &matrix.counts;
    page.push_str("<ul class=\"counts\">\n");
    for (what, part, of) in [
        ("faults caught", counts.faults_caught, counts.faults),
        (
            "by the requirement they are about",
            counts.faults_caught_by_about,
            counts.faults,
        ),
        ("cases caught a fault", counts.cases_effective, counts.cases),
        ("rows of cases", counts.rows_effective, counts.rows),
        (
            "requirements on every answer",
            counts.every_answer_effective,
            counts.every_answer,
        ),
    ] {
        let class = if part == of { "pass" } else { "warn" };
        let _ = writeln!(
            page,
            "<li class=\"{class}\"><b>{part} of {of}</b> {what}</li>"
        );
    }
    let seconds = std::time::Duration::from_millis(matrix.times.took_ms).as_secs_f64();
    let _ = writeln!(
        page,
        "</ul>\n<p>kmspec {}, seed {}, {seconds:.1} s</p>",
        escaped(&matrix.kmspec),
        matrix.seed
    );
}

fn problems(page: &mut String, matrix: &Matrix) {
    let problems = &matrix.problems;
    let alarms: Vec<String> = problems.alarms.iter().map(ToString::to_string).collect();
    for (title, class, lines) in [
        ("Not judged", "error", &problems.unable),
        ("Fails without a fault", "fail", &alarms),
        ("Faults that no case caught", "fail", &problems.uncaught),
        ("Cases that caught no fault", "fail", &problems.idle_cases),
        (
            "Faults that the requirement they are about did not catch",
            "warn",
            &problems.beside,
        ),
        (
            "Requirements on every answer that caught no fault",
            "note",
            &problems.idle_every_answer,
        ),
    ] {
        if lines.is_empty() {
            continue;
        }
        let _ = writeln!(
            page,
            "<details><summary><span class=\"{class}\">{title}: {}</span></summary>\n<ul>",
            lines.len()
        );
        for line in lines {
            let _ = writeln!(page, "<li>{}</li>", escaped(line));
        }
        page.push_str("</ul>\n</details>\n");
    }
}

/// Faults against suites: how many rows of the suite caught the fault; marked where its own requirement is checked.
fn faults(page: &mut String, matrix: &Matrix) {
    let suites = suites(matrix);
    let suite_of: BTreeMap<&str, &str> = matrix
        .cases
        .iter()
        .map(|case| (case.id.as_str(), case.suite.as_str()))
        .collect();
    page.push_str("<table class=\"matrix\">\n<caption>How many rows of each suite caught each fault; marked are rows about it</caption>\n");
    page.push_str("<thead><tr><th scope=\"col\">fault</th><th scope=\"col\">rows</th>");
    for suite in &suites {
        let _ = write!(
            page,
            "<th scope=\"col\"><span>{}</span></th>",
            escaped(suite)
        );
    }
    page.push_str("</tr></thead>\n<tbody id=\"rows\">\n");
    for fault in &matrix.faults {
        let caught = match (fault.caught_by.is_empty(), fault.caught_by_about) {
            (true, _) => "nothing",
            (false, true) => "about",
            (false, false) => "beside",
        };
        let _ = write!(
            page,
            "<tr data-area=\"{}\" data-caught=\"{caught}\" data-id=\"{}\"><th scope=\"row\"><code>{}</code><br>\
             <span class=\"source\">{} About <code>{}</code>.</span></th><td>{}</td>",
            escaped(&fault.area),
            escaped(&fault.name),
            escaped(&fault.name),
            escaped(&fault.sentence),
            escaped(&fault.about),
            fault.caught_by.len()
        );
        let cells = Cells::of(fault, &suite_of);
        for suite in &suites {
            match cells.0.get(suite) {
                None => page.push_str("<td></td>"),
                Some((count, false)) => {
                    let _ = write!(page, "<td>{count}</td>");
                }
                Some((count, true)) => {
                    let _ = write!(page, "<td><mark>{count}</mark></td>");
                }
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody>\n</table>\n");
}

/// Of a fault, by suite: how many rows caught it, and whether one of them is about it.
struct Cells<'m>(BTreeMap<&'m str, (usize, bool)>);

impl<'m> Cells<'m> {
    fn of(fault: &FaultRow, suite_of: &BTreeMap<&str, &'m str>) -> Self {
        let mut cells: BTreeMap<&'m str, (usize, bool)> = BTreeMap::new();
        for id in &fault.caught_by {
            let Some(suite) = suite(id, suite_of) else {
                continue;
            };
            let cell = cells.entry(suite).or_default();
            cell.0 += 1;
            cell.1 |= id.split('/').next() == Some(fault.about.as_str());
        }
        Self(cells)
    }
}

/// The suite of a row: that of the case whose id the row's begins with.
fn suite<'m>(id: &str, suite_of: &BTreeMap<&str, &'m str>) -> Option<&'m str> {
    let mut case = id;
    loop {
        if let Some(suite) = suite_of.get(case) {
            return Some(suite);
        }
        case = case.rsplit_once('/')?.0;
    }
}

fn suites(matrix: &Matrix) -> Vec<&str> {
    let mut suites: Vec<&str> = Vec::new();
    for case in &matrix.cases {
        if !suites.contains(&case.suite.as_str()) {
            suites.push(&case.suite);
        }
    }
    suites
}

fn cases(page: &mut String, matrix: &Matrix) {
    for suite in suites(matrix) {
        let of_suite = || matrix.cases.iter().filter(|case| case.suite == suite);
        let effective = of_suite().filter(|case| !case.caught.is_empty()).count();
        let noun = if suite == EVERY_ANSWER {
            "requirements"
        } else {
            "cases"
        };
        let _ = writeln!(
            page,
            "<details><summary><b>{}</b>: {effective} of {} {noun} caught a fault</summary>\n<dl>",
            escaped(suite),
            of_suite().count()
        );
        for case in of_suite() {
            let caught = if case.caught.is_empty() {
                "<span class=\"warn\">nothing</span>".to_owned()
            } else {
                escaped(&case.caught.join(", "))
            };
            let _ = writeln!(
                page,
                "<dt><code>{}</code></dt><dd>{caught}</dd>",
                escaped(&case.id)
            );
        }
        page.push_str("</dl>\n</details>\n");
    }
}

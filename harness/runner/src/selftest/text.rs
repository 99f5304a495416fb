//! The kill matrix for people.

use std::fmt::Write as _;

use super::matrix::{CaseRow, Counts, FaultRow, Matrix};

/// How many names a line lists.
const MOST: usize = 3;

/// The whole report: per fault who caught it, per case what it caught, the problems, the figures.
pub fn report(matrix: &Matrix) -> String {
    let mut text = String::new();
    faults(&mut text, matrix);
    cases(&mut text, matrix);
    problems(&mut text, matrix);
    summary(&mut text, matrix);
    text
}

fn faults(text: &mut String, matrix: &Matrix) {
    let width = widest(matrix.faults.iter().map(|fault| fault.name.as_str()));
    text.push_str("Faults, and how many rows caught each; * marks those that the requirement they are about did not catch\n");
    let mut area = "";
    for fault in &matrix.faults {
        if fault.area != area {
            area = &fault.area;
            let _ = writeln!(text, "  {area}");
        }
        let _ = writeln!(text, "{}", fault_line(fault, width));
    }
}

fn fault_line(fault: &FaultRow, width: usize) -> String {
    let FaultRow {
        name,
        caught_by,
        caught_by_about,
        not_run,
        reason,
        ..
    } = fault;
    let mark = if *caught_by_about { ' ' } else { '*' };
    let mut line = format!("  {mark} {name:width$}  {:>4}", caught_by.len());
    if !caught_by.is_empty() {
        let _ = write!(line, "  {}", some(caught_by));
    }
    if !caught_by_about {
        let _ = write!(line, "  (about {})", fault.about);
    }
    if let Some(reason) = reason {
        let _ = write!(line, "; {not_run} not run: {reason}");
    }
    line
}

fn cases(text: &mut String, matrix: &Matrix) {
    let width = widest(matrix.cases.iter().map(|case| case.id.as_str()));
    text.push_str("\nCases, and how many faults each caught\n");
    let mut suite = "";
    for case in &matrix.cases {
        let CaseRow {
            id,
            caught,
            suite: own,
            ..
        } = case;
        if own != suite {
            suite = own;
            let _ = writeln!(text, "  {suite}");
        }
        let line = format!("    {id:width$}  {:>4}  {}", caught.len(), some(caught));
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

fn problems(text: &mut String, matrix: &Matrix) {
    let problems = &matrix.problems;
    let alarms: Vec<String> = problems.alarms.iter().map(ToString::to_string).collect();
    let sentence = |name: &String| {
        let fault = matrix.faults.iter().find(|fault| fault.name == *name);
        fault.map_or_else(
            || name.clone(),
            |fault| format!("{name} (about {}): {}", fault.about, fault.sentence),
        )
    };
    let named = |names: &[String]| names.iter().map(sentence).collect::<Vec<_>>();
    list(
        text,
        "Rows that do not hold although there is no fault",
        &alarms,
    );
    list(
        text,
        "Faults that no case caught",
        &named(&problems.uncaught),
    );
    list(text, "Cases that caught no fault", &problems.idle_cases);
    list(
        text,
        "To be looked at: faults that the requirement they are about did not catch",
        &named(&problems.beside),
    );
    list(
        text,
        "To be looked at: requirements on every answer that caught no fault",
        &problems.idle_every_answer,
    );
    list(
        text,
        "For information: rows that caught no fault, of cases that did",
        &matrix.idle_rows,
    );
    list(text, "Not judged", &problems.unable);
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{title}: {}", lines.len());
    for line in lines {
        let _ = writeln!(text, "    {line}");
    }
}

fn summary(text: &mut String, matrix: &Matrix) {
    let Counts {
        faults,
        faults_caught,
        faults_caught_by_about,
        cases,
        cases_effective,
        rows,
        rows_effective,
        every_answer,
        every_answer_effective,
    } = matrix.counts;
    let _ = writeln!(
        text,
        "\n{faults_caught} of {faults} faults caught, {faults_caught_by_about} by the requirement they are about"
    );
    let _ = writeln!(
        text,
        "{cases_effective} of {cases} cases caught a fault, {rows_effective} of {rows} rows, {every_answer_effective} of {every_answer} requirements on every answer"
    );
    let alarms = matrix.problems.alarms.len();
    let seconds = std::time::Duration::from_millis(matrix.times.took_ms).as_secs_f64();
    let _ = writeln!(
        text,
        "{alarms} failed without a fault; seed {}, {seconds:.1} s",
        matrix.seed
    );
}

/// The first few names, and how many more there are.
fn some(names: &[String]) -> String {
    let shown = names.iter().take(MOST).map(String::as_str);
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if let Some(more @ 1..) = names.len().checked_sub(MOST) {
        let _ = write!(text, " and {more} more");
    }
    text
}

fn widest<'a>(names: impl Iterator<Item = &'a str>) -> usize {
    names.map(str::len).max().unwrap_or_default()
}

//! A comparison for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Change, Comparison, Line};
use crate::report::text::{BOLD, GREEN, RED, Style, colour, painted};
use crate::verdict::Verdict;

/// What of a comparison is shown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// A line for each case, instead of each requirement.
    pub cases: bool,
    /// Also lines that are the same in all files.
    pub all: bool,
}

/// Legend, matrix, changes, figures.
pub fn table(comparison: &Comparison, shown: Shown, style: &Style) -> String {
    let mut text = String::new();
    legend(&mut text, comparison);
    let lines = if shown.cases {
        &comparison.cases
    } else {
        &comparison.requirements
    };
    let noun = if shown.cases { "case" } else { "requirement" };
    matrix(&mut text, lines, noun, shown, style);
    changes(&mut text, "Regressions", &comparison.regressions, style);
    changes(&mut text, "Fixed", &comparison.fixed, style);
    for problem in &comparison.unable {
        let word = painted("not judged", RED, style);
        let _ = writeln!(text, "{word}: {problem}");
    }
    let Comparison {
        regressions,
        fixed,
        skipped,
        ..
    } = comparison;
    let worse = counted(regressions.len(), "regression", RED, style);
    let _ = write!(text, "{worse}, {} fixed", fixed.len());
    let lighter = broken_later(&comparison.cases).saturating_sub(regressions.len());
    if lighter > 0 {
        let level = comparison.level.name();
        let _ = write!(text, ", {lighter} became worse below {level} (--level)");
    }
    if !skipped.is_empty() {
        let _ = write!(text, ", {} pass there and are skipped here", skipped.len());
    }
    let _ = writeln!(
        text,
        ", {} cases of {} requirements compared",
        comparison.cases.len(),
        comparison.requirements.len()
    );
    text
}

/// How often a case that holds in the first file is broken in a later one, at whatever level.
fn broken_later(cases: &[Line]) -> usize {
    let held = |line: &&Line| line.verdicts[0] == Some(Verdict::Pass);
    let later = cases
        .iter()
        .filter(held)
        .flat_map(|line| &line.verdicts[1..]);
    later
        .flatten()
        .filter(|verdict| super::is_broken(**verdict))
        .count()
}

fn legend(text: &mut String, comparison: &Comparison) {
    let files = &comparison.files;
    let widest = |of: fn(&super::Column) -> &str| {
        let widths = files.iter().map(|file| of(file).chars().count());
        widths.max().unwrap_or_default()
    };
    let (names, targets) = (widest(|file| &file.file), widest(|file| &file.target));
    for (nth, file) in files.iter().enumerate() {
        let counts: Vec<String> = file
            .came_out()
            .map(|(verdict, count)| format!("{count} {verdict}"))
            .collect();
        let _ = writeln!(
            text,
            "{}  {:names$}  {:targets$}  kmspec {}, seed {}, exit code {}: {}",
            letter(nth),
            file.file,
            file.target,
            file.kmspec,
            file.seed,
            file.exit,
            counts.join(", ")
        );
    }
    text.push('\n');
}

fn matrix(text: &mut String, lines: &[Line], noun: &str, shown: Shown, style: &Style) {
    let told = |line: &&Line| shown.all || !line.is_even() || line.verdicts.contains(&None);
    let width = lines.iter().filter(told).map(|line| line.id.len()).max();
    let files = lines.first().map_or(0, |line| line.verdicts.len());
    if let Some(width) = width {
        let width = width.max(noun.len());
        let mut head = format!("{noun:width$}  level ");
        for nth in 0..files {
            let _ = write!(head, "  {:CELL$}", letter(nth));
        }
        let _ = writeln!(text, "{}", painted(head.trim_end(), BOLD, style));
        for line in lines.iter().filter(told) {
            let _ = write!(text, "{:width$}  {:6}", line.id, line.level.name());
            for (nth, verdict) in line.verdicts.iter().enumerate() {
                let cell = cell(*verdict, line.verdicts[0], style);
                let _ = write!(text, "  {cell}");
                // A coloured cell has its width in it; only blanks may go.
                if nth + 1 == line.verdicts.len() {
                    let kept = text.trim_end_matches(' ').len();
                    text.truncate(kept);
                }
            }
            text.push('\n');
        }
        text.push('\n');
    }
    let mut even: BTreeMap<Verdict, usize> = BTreeMap::new();
    for line in lines.iter().filter(|line| !told(line)) {
        if let Some(verdict) = line.verdicts[0] {
            *even.entry(verdict).or_default() += 1;
        }
    }
    if !even.is_empty() {
        let counts: Vec<String> = even.iter().map(|(v, n)| format!("{n} {v}")).collect();
        let _ = writeln!(
            text,
            "the same in all files: {} (--all shows them)\n",
            counts.join(", ")
        );
    }
}

fn cell(verdict: Option<Verdict>, first: Option<Verdict>, style: &Style) -> String {
    let Some(verdict) = verdict else {
        return format!("{:CELL$}", "-");
    };
    let name = verdict.name();
    let name = if Some(verdict) != first && super::is_broken(verdict) {
        name.to_uppercase()
    } else {
        name.to_owned()
    };
    painted(&format!("{name:CELL$}"), colour(verdict), style)
}

fn changes(text: &mut String, title: &str, changes: &[Change], style: &Style) {
    if changes.is_empty() {
        return;
    }
    let _ = writeln!(text, "{}", painted(title, BOLD, style));
    for Change {
        id,
        file,
        from,
        to,
        why,
    } in changes
    {
        let _ = writeln!(text, "  {id}  {from} -> {to} in {}", letter(*file));
        let _ = writeln!(text, "      {why}");
    }
    text.push('\n');
}

fn counted(number: usize, noun: &str, bad: &str, style: &Style) -> String {
    let plural = if number == 1 { "" } else { "s" };
    let colour = if number == 0 { GREEN } else { bad };
    painted(&format!("{number} {noun}{plural}"), colour, style)
}

/// The name of a column: A to Z, then numbers.
pub(super) fn letter(nth: usize) -> String {
    let letter = u8::try_from(nth).ok().filter(|nth| *nth < 26);
    letter.map_or_else(
        || (nth + 1).to_string(),
        |nth| char::from(b'A' + nth).to_string(),
    )
}

/// Width of a verdict.
const CELL: usize = 9;

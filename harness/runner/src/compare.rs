//! Several runs side by side, from their JSON reports: implementations, or versions of one.
//!
//! What it is: a matrix of cases and files, and what became worse since the first file. [`merge()`] is the reverse of running
//! in parts: it makes one report of those of all parts. What it is not: it runs nothing.

pub mod check;

mod html;
mod merge;
mod text;

pub use html::page;
pub use merge::{MergeError, merge};
pub use text::{Shown, table};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::report::json::{Entry, Report};
use crate::run::EVERY_ANSWER;
use crate::verdict::{Level, Verdict};

/// What the file says it is.
pub const FORMAT: &str = "kmspec-compare";
/// The version of its form.
pub const VERSION: u32 = 1;
/// The JSON Schema of [`Comparison`].
pub const SCHEMA: &str = include_str!("../schema/compare-1.schema.json");

/// A report and the name of its file.
#[derive(Clone, Debug)]
pub struct Named {
    /// What to call it.
    pub file: String,
    /// The report.
    pub report: Report,
}

/// How to compare.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The lightest level at which a regression counts.
    pub level: Level,
    /// Whether cases that are not in all files are left out, instead of being a reason not to judge.
    pub common: bool,
}

/// Several runs side by side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`]; another number is another form.
    pub version: u32,
    /// The version of kmspec that compared.
    pub kmspec: String,
    /// The lightest level at which a regression counts.
    pub level: Level,
    /// The exit code: 0 nothing became worse, 1 something did, 2 it could not be judged.
    pub exit: u8,
    /// The files, in the order in which they were given.
    pub files: Vec<Column>,
    /// Requirements, with their worst verdict in each file.
    pub requirements: Vec<Line>,
    /// Cases.
    pub cases: Vec<Line>,
    /// What holds in the first file and is broken in a later one.
    pub regressions: Vec<Change>,
    /// What is broken in the first file and holds in a later one.
    pub fixed: Vec<Change>,
    /// What holds in the first file and was skipped in a later one.
    pub skipped: Vec<Change>,
    /// What stood in the way of a judgement.
    pub unable: Vec<String>,
}

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Its name.
    pub file: String,
    /// What was judged.
    pub target: String,
    /// The version of kmspec that ran.
    pub kmspec: String,
    /// Where all randomness came from.
    pub seed: u64,
    /// The exit code of the run.
    pub exit: u8,
    /// How many results came out how.
    pub counts: BTreeMap<Verdict, usize>,
}

impl Column {
    /// The verdicts that came out at all, and how often.
    pub(crate) fn came_out(&self) -> impl Iterator<Item = (Verdict, usize)> {
        let counts = self.counts.iter();
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(verdict, count)| (*verdict, *count))
    }
}

/// A requirement or a case, with a verdict for each file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Its id.
    pub id: String,
    /// The suite in which it is checked first.
    pub suite: String,
    /// How much it weighs; the heaviest, if the files differ.
    pub level: Level,
    /// The requirement in one line.
    pub title: String,
    /// How it came out, file by file; `null` where it is not in the file.
    pub verdicts: Vec<Option<Verdict>>,
}

/// A case that came out differently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Its id.
    pub id: String,
    /// The place among the files of the one in which it differs from the first, from 0.
    pub file: usize,
    /// How it came out in the first file.
    pub from: Verdict,
    /// How it came out there.
    pub to: Verdict,
    /// What was expected and what came, or why it was skipped.
    pub why: String,
}

impl Line {
    /// Whether it came out the same in all files.
    pub fn is_even(&self) -> bool {
        self.verdicts.iter().all(|it| *it == self.verdicts[0])
    }
}

impl Comparison {
    /// What it says to whoever asked.
    pub fn exit(&self) -> Exit {
        if !self.unable.is_empty() {
            Exit::NotJudged
        } else if self.regressions.is_empty() {
            Exit::Holds
        } else {
            Exit::Fails
        }
    }

    /// Its text for programs.
    ///
    /// # Panics
    /// Never: every value of it can be written.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings, numbers and lists");
        text.push('\n');
        text
    }
}

/// Puts reports side by side; the first is what the others are held against.
pub fn compare(named: &[Named], rules: Rules) -> Comparison {
    let cells = Cells::of(named, rules.common);
    let cases = cells.cases();
    let mut comparison = Comparison {
        format: FORMAT.to_owned(),
        version: VERSION,
        kmspec: env!("CARGO_PKG_VERSION").to_owned(),
        level: rules.level,
        exit: 0,
        files: named.iter().map(Column::of).collect(),
        requirements: cells.requirements(),
        regressions: Vec::new(),
        fixed: Vec::new(),
        skipped: Vec::new(),
        unable: unable(named, &cases, rules),
        cases,
    };
    for (id, entries) in cells.lines() {
        let Some(first) = entries.first().copied().flatten() else {
            continue;
        };
        for (file, other) in entries.iter().enumerate().skip(1) {
            let Some(other) = other else { continue };
            let change = || Change::of(id, file, first, other);
            let level = first.level.max(other.level);
            match (first.verdict, other.verdict) {
                (Verdict::Pass, to) if is_broken(to) && level >= rules.level => {
                    comparison.regressions.push(change());
                }
                (Verdict::Pass, Verdict::Skip) => comparison.skipped.push(change()),
                (from, Verdict::Pass) if is_broken(from) => comparison.fixed.push(change()),
                _ => {}
            }
        }
    }
    comparison.exit = comparison.exit().code();
    comparison
}

/// Whether a requirement does not hold, and nobody said that this is known.
const fn is_broken(verdict: Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Fail | Verdict::Flaky | Verdict::Warn | Verdict::Note
    )
}

impl Column {
    fn of(named: &Named) -> Self {
        let Named { file, report } = named;
        Self {
            file: file.clone(),
            target: report.target.clone(),
            kmspec: report.kmspec.clone(),
            seed: report.seed,
            exit: report.exit,
            counts: report.counts.clone(),
        }
    }
}

impl Change {
    fn of(id: &str, file: usize, first: &Entry, other: &Entry) -> Self {
        let broken = if is_broken(other.verdict) {
            other
        } else {
            first
        };
        let why = match (&broken.failure, &other.reason) {
            (Some(failure), _) => format!(
                "{}: expected {}, got {}",
                failure.field, failure.expected, failure.got
            ),
            (None, reason) => reason.clone().unwrap_or_default(),
        };
        Self {
            id: id.to_owned(),
            file,
            from: first.verdict,
            to: other.verdict,
            why,
        }
    }
}

/// Why not all can be judged.
fn unable(named: &[Named], cases: &[Line], rules: Rules) -> Vec<String> {
    let mut problems = Vec::new();
    for (nth, Named { file, report }) in named.iter().enumerate() {
        problems.extend(report.unable.iter().map(|text| format!("{file}: {text}")));
        let errors = report
            .counts
            .get(&Verdict::Error)
            .copied()
            .unwrap_or_default();
        if errors > 0 && report.unable.is_empty() {
            problems.push(format!("{file}: {errors} cases could not be judged"));
        } else if report.exit == Exit::NotJudged.code() && report.unable.is_empty() {
            problems.push(format!("{file}: nothing was judged"));
        }
        // What holds of every answer is there only where an answer showed it.
        let gone: Vec<&Line> = cases
            .iter()
            .filter(|line| line.suite != EVERY_ANSWER)
            .filter(|line| line.verdicts[0].is_some() && line.verdicts[nth].is_none())
            .collect();
        if let (Some(first), false) = (gone.first(), rules.common) {
            problems.push(format!(
                "{file}: {} cases of {} are not in it, {} among them; --common compares only what all files have",
                gone.len(),
                named[0].file,
                first.id
            ));
        }
    }
    let shared = |line: &&Line| line.verdicts.iter().all(Option::is_some);
    if cases.iter().filter(shared).count() == 0 {
        problems.push("nothing is in all files".to_owned());
    }
    problems
}

/// All results, by suite and id.
struct Cells<'n> {
    suites: Vec<&'n str>,
    ids: BTreeMap<&'n str, Vec<&'n str>>,
    entries: BTreeMap<&'n str, Vec<Option<&'n Entry>>>,
}

impl<'n> Cells<'n> {
    fn of(named: &'n [Named], common: bool) -> Self {
        let mut cells = Self {
            suites: Vec::new(),
            ids: BTreeMap::new(),
            entries: BTreeMap::new(),
        };
        for (nth, Named { report, .. }) in named.iter().enumerate() {
            for entry in &report.results {
                let (suite, id) = (entry.suite.as_str(), entry.id.as_str());
                if !cells.entries.contains_key(id) {
                    if !cells.suites.contains(&suite) {
                        cells.suites.push(suite);
                    }
                    cells.ids.entry(suite).or_default().push(id);
                }
                let row = cells
                    .entries
                    .entry(id)
                    .or_insert_with(|| vec![None; named.len()]);
                row[nth] = Some(entry);
            }
        }
        // What holds of every answer stands last, also if only a later file has another suite.
        cells.suites.sort_by_key(|suite| *suite == EVERY_ANSWER);
        if common {
            cells
                .entries
                .retain(|_, row| row.iter().all(Option::is_some));
        }
        cells
    }

    /// Every case with its entries, suite by suite.
    fn lines(&self) -> impl Iterator<Item = (&'n str, &[Option<&'n Entry>])> {
        let ids = self.suites.iter().filter_map(|suite| self.ids.get(suite));
        ids.flatten()
            .filter_map(|id| Some((*id, self.entries.get(id)?.as_slice())))
    }

    fn cases(&self) -> Vec<Line> {
        let line = |(id, entries): (&str, &[Option<&Entry>])| {
            let any = entries.iter().flatten().next()?;
            let levels = entries.iter().flatten().map(|entry| entry.level);
            Some(Line {
                id: id.to_owned(),
                suite: any.suite.clone(),
                level: levels.max().unwrap_or(any.level),
                title: any.title.clone(),
                verdicts: entries
                    .iter()
                    .map(|entry| entry.map(|entry| entry.verdict))
                    .collect(),
            })
        };
        self.lines().filter_map(line).collect()
    }

    /// Requirements in the order of their first cases, each with its worst verdicts.
    fn requirements(&self) -> Vec<Line> {
        let mut lines: Vec<Line> = Vec::new();
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for (_, entries) in self.lines() {
            let Some(any) = entries.iter().flatten().next() else {
                continue;
            };
            let id = any.requirement.as_str();
            if seen.insert(id) {
                places.insert(id, lines.len());
                lines.push(Line {
                    id: id.to_owned(),
                    suite: any.suite.clone(),
                    level: any.level,
                    title: any.title.clone(),
                    verdicts: vec![None; entries.len()],
                });
            }
            let Some(line) = places.get(id).and_then(|place| lines.get_mut(*place)) else {
                continue;
            };
            for (worst, entry) in line.verdicts.iter_mut().zip(entries) {
                if let Some(entry) = entry {
                    line.level = line.level.max(entry.level);
                    let grave = |verdict: &Verdict| gravity(*verdict);
                    *worst = (*worst)
                        .into_iter()
                        .chain([entry.verdict])
                        .max_by_key(grave);
                }
            }
        }
        lines
    }
}

/// Which of two verdicts on a requirement's cases speaks for the requirement.
const fn gravity(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Skip => 0,
        Verdict::Pass => 1,
        Verdict::Deviation => 2,
        Verdict::Note => 3,
        Verdict::Warn => 4,
        Verdict::Flaky => 5,
        Verdict::Fail => 6,
        Verdict::Error => 7,
    }
}

//! One report out of those of all parts of a plan.

use std::collections::BTreeMap;

use super::Named;
use crate::exit::Exit;
use crate::plan::Part;
use crate::report::json::{Entry, Report, Shard, Times};
use crate::run::{EVERY_ANSWER, Tally, notes_on_every_answer};
use crate::verdict::Verdict;

/// Why reports are not the parts of one run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// It is the report of a whole run.
    #[error("{0}: not the report of a part; it was run without --shard")]
    Whole(String),
    /// It does not fit the first.
    #[error("{file}: {what} {got}, where {first} has {expected}: not parts of one run")]
    Differs {
        /// The file.
        file: String,
        /// The first file.
        first: String,
        /// What differs.
        what: &'static str,
        /// What the file has.
        got: String,
        /// What the first has.
        expected: String,
    },
    /// Two files have the same case.
    #[error("{file} and {other} overlap: both have {id}")]
    Overlap {
        /// A file.
        file: String,
        /// Another one.
        other: String,
        /// A case that both have.
        id: String,
    },
    /// Some cases are in no file.
    #[error("{missing} missing: {found} of {rows} cases are there")]
    Gap {
        /// The parts that are not there.
        missing: String,
        /// How many cases are there.
        found: usize,
        /// How many cases the whole has.
        rows: usize,
    },
    /// What it says of itself does not fit what it has.
    #[error("{0}: damaged: its results are not those of its part")]
    Damaged(String),
}

/// A part's report, taken apart.
struct Piece<'n> {
    named: &'n Named,
    shard: &'n Shard,
    cases: &'n [Entry],
    every_answer: &'n [Entry],
}

/// The report of the whole: equal to that of a run without parts, times apart.
///
/// # Errors
/// They are not the parts of one run, or not all of them.
pub fn merge(named: &[Named]) -> Result<Report, MergeError> {
    let pieces: Vec<Piece<'_>> = named.iter().map(Piece::of).collect::<Result<_, _>>()?;
    let Some(first) = pieces.first() else {
        return Err(MergeError::Gap {
            missing: "all parts are".to_owned(),
            found: 0,
            rows: 0,
        });
    };
    for piece in &pieces {
        piece.fits(first)?;
    }
    let places = placed(&pieces)?;
    let rows = first.shard.part.rows;
    if places.len() != rows {
        return Err(MergeError::Gap {
            missing: missing(&pieces),
            found: places.len(),
            rows,
        });
    }
    let every_answer = every_answer(&pieces);
    let results: Vec<Entry> = places
        .values()
        .map(|(_, entry, _)| (*entry).clone())
        .chain(every_answer)
        .collect();
    let unable = united(&pieces, |report| &report.unable);
    let mut broken_expectations = united(&pieces, |report| &report.broken_expectations);
    broken_expectations.sort_by_key(|problem| line_of(problem));
    let exit = Exit::of(results.iter().map(|entry| entry.verdict), unable.is_empty());
    let exit = match exit {
        Exit::Holds if !broken_expectations.is_empty() => Exit::Fails,
        exit => exit,
    };
    let count = |verdict: &Verdict| {
        let of_it = results.iter().filter(|entry| entry.verdict == *verdict);
        (*verdict, of_it.count())
    };
    Ok(Report {
        shard: None,
        exit: exit.code(),
        counts: Verdict::ALL.iter().map(count).collect(),
        times: times(
            &pieces,
            places.values().map(|(_, _, took)| *took),
            results.len(),
        ),
        unable,
        broken_expectations,
        results,
        log: pieces
            .iter()
            .map(|piece| piece.named.report.log.as_str())
            .collect(),
        ..first.named.report.clone()
    })
}

impl<'n> Piece<'n> {
    fn of(named: &'n Named) -> Result<Self, MergeError> {
        let report = &named.report;
        let whole = || MergeError::Whole(named.file.clone());
        let shard = report.shard.as_ref().ok_or_else(whole)?;
        let damaged = || MergeError::Damaged(named.file.clone());
        let Part { places, rows, .. } = &shard.part;
        let (cases, every_answer) = report
            .results
            .split_at_checked(places.len())
            .ok_or_else(damaged)?;
        let whole = places.iter().all(|place| place < rows)
            && cases.iter().all(|entry| entry.suite != EVERY_ANSWER)
            && every_answer.iter().all(|entry| entry.suite == EVERY_ANSWER)
            && report.times.results_ms.len() == report.results.len();
        if !whole {
            return Err(damaged());
        }
        Ok(Self {
            named,
            shard,
            cases,
            every_answer,
        })
    }

    /// Whether it is of the same run as the first.
    fn fits(&self, first: &Self) -> Result<(), MergeError> {
        let (ours, theirs) = (&self.named.report, &first.named.report);
        let (our, their) = (&self.shard.part, &first.shard.part);
        let selection = |part: &Part| format!("{} ({} cases)", part.plan, part.rows);
        let pairs = [
            ("kmspec", ours.kmspec.clone(), theirs.kmspec.clone()),
            ("target", ours.target.clone(), theirs.target.clone()),
            ("seed", ours.seed.to_string(), theirs.seed.to_string()),
            ("level", ours.level.to_string(), theirs.level.to_string()),
            ("a part of", our.total.to_string(), their.total.to_string()),
            ("selection", selection(our), selection(their)),
        ];
        for (what, got, expected) in pairs {
            if got != expected {
                return Err(MergeError::Differs {
                    file: self.named.file.clone(),
                    first: first.named.file.clone(),
                    what,
                    got,
                    expected,
                });
            }
        }
        Ok(())
    }
}

/// Each case with its file and its time, by its place in the whole.
type Placed<'n> = BTreeMap<usize, (&'n str, &'n Entry, u64)>;

fn placed<'n>(pieces: &[Piece<'n>]) -> Result<Placed<'n>, MergeError> {
    let mut all = Placed::new();
    for piece in pieces {
        let file = piece.named.file.as_str();
        let took = &piece.named.report.times.results_ms;
        let places = &piece.shard.part.places;
        for ((place, entry), took) in places.iter().zip(piece.cases).zip(took) {
            if let Some((other, _, _)) = all.insert(*place, (file, entry, *took)) {
                return Err(MergeError::Overlap {
                    file: file.to_owned(),
                    other: other.to_owned(),
                    id: entry.id.clone(),
                });
            }
        }
    }
    Ok(all)
}

/// The parts that are not there, as `part 3/5 is` or `parts 2/5, 3/5 are`.
fn missing(pieces: &[Piece<'_>]) -> String {
    let total = pieces.first().map_or(0, |piece| piece.shard.part.total);
    let there = |index: &u64| {
        let mut parts = pieces.iter().map(|piece| piece.shard.part.index);
        parts.any(|part| part == *index)
    };
    let all = (1..=total).filter(|index| !there(index));
    let named: Vec<String> = all
        .take(MOST_NAMED)
        .map(|index| format!("{index}/{total}"))
        .collect();
    match named.as_slice() {
        [one] => format!("part {one} is"),
        [] => "a part of a part is".to_owned(),
        several => format!("parts {} are", several.join(", ")),
    }
}

/// Parts that a message names.
const MOST_NAMED: usize = 8;

/// What holds of every answer, over all parts.
fn every_answer(pieces: &[Piece<'_>]) -> Vec<Entry> {
    let requirements = pieces
        .first()
        .map(|piece| piece.shard.part.every_answer.as_slice());
    let of = |requirement: &String| {
        let id = format!("{requirement}/{EVERY_ANSWER}");
        let entry = |piece: &Piece<'_>| piece.every_answer.iter().position(|entry| entry.id == id);
        let there = || pieces.iter().filter(|piece| entry(piece).is_some());
        // The case in which it was broken first, in the order of the whole.
        let broken = broken_in(pieces, &id);
        let first = broken.first().map(|(_, _, piece)| *piece);
        let shown = first
            .and_then(|nth| pieces.get(nth))
            .filter(|piece| entry(piece).is_some())
            .or_else(|| there().next())?;
        let mut found = shown.every_answer.get(entry(shown)?)?.clone();
        let ids: Vec<&str> = broken.iter().map(|(_, id, _)| *id).collect();
        found.notes = notes_on_every_answer(&ids);
        Some(found)
    };
    requirements.into_iter().flatten().filter_map(of).collect()
}

/// The cases in which it was broken, with their places and pieces, in the order of the whole.
fn broken_in<'n>(pieces: &[Piece<'n>], id: &str) -> Vec<(usize, &'n str, usize)> {
    let mut all = Vec::new();
    for (nth, piece) in pieces.iter().enumerate() {
        let part = &piece.shard.part;
        let broken = piece.shard.broken_in.get(id).into_iter().flatten();
        for case in broken {
            let within = piece.cases.iter().position(|entry| entry.id == *case);
            let place = within.and_then(|within| part.places.get(within));
            all.push((*place.unwrap_or(&usize::MAX), case.as_str(), nth));
        }
    }
    all.sort_unstable();
    all
}

/// What any of them says, once, in the order in which it is said first.
fn united(pieces: &[Piece<'_>], of: fn(&Report) -> &Vec<String>) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for text in pieces.iter().flat_map(|piece| of(&piece.named.report)) {
        if !all.contains(text) {
            all.push(text.clone());
        }
    }
    all
}

/// The line that a problem with the expectations names.
fn line_of(problem: &str) -> u64 {
    let number = problem
        .split_once("line ")
        .map_or("", |(_, rest)| rest)
        .split(|c: char| !c.is_ascii_digit())
        .next();
    number
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_default()
}

fn times(pieces: &[Piece<'_>], took: impl Iterator<Item = u64>, results: usize) -> Times {
    let all = || pieces.iter().map(|piece| &piece.named.report.times);
    let mut judged: BTreeMap<String, Tally> = BTreeMap::new();
    for (id, tally) in all().flat_map(|times| &times.judged) {
        let sum = judged.entry(id.clone()).or_insert(Tally {
            judged: 0,
            broken: 0,
        });
        sum.judged = sum.judged.saturating_add(tally.judged);
        sum.broken = sum.broken.saturating_add(tally.broken);
    }
    let mut results_ms: Vec<u64> = took.collect();
    results_ms.resize(results, 0);
    Times {
        client_time: all().map(|times| times.client_time).min().unwrap_or(0),
        took_ms: all().fold(0, |sum, times| sum.saturating_add(times.took_ms)),
        results_ms,
        judged,
    }
}

//! Two runs beside each other: is the second slower than the first, or is it chance?
//!
//! The seconds of a run are its sample. A figure is the mean of the middle 60 % of its values by seconds, so that one bad
//! second does not decide; its confidence interval comes from a bootstrap that draws blocks of neighbouring seconds,
//! since a second is much like the one before. All figures together are wrong about two equal runs in one pair of a
//! hundred at most, and a change counts only if its whole interval lies beyond the tolerance. A tenth is found in runs of 40
//! seconds that differ by some percent from second to second; a machine with moods takes longer, and the table says so.

mod bootstrap;

use std::fmt;

use thiserror::Error;

use crate::num::{float, size};
use crate::outcome::{Outcome, Second};
use crate::plan::Plan;
use crate::report::{Nanos, Number};
use bootstrap::ratio;

pub use bootstrap::Ratio;

/// Why two runs cannot be compared.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompareError {
    /// They did different things.
    #[error("the two runs did not do the same: {what} is {first} and {second}")]
    Plans {
        /// What differs.
        what: &'static str,
        /// In the first run.
        first: String,
        /// In the second.
        second: String,
    },
    /// One is too short.
    #[error(
        "the {which} run has {got} whole seconds with answers; comparing needs {SHORTEST} at least"
    )]
    Short {
        /// Which.
        which: &'static str,
        /// How many seconds it has.
        got: usize,
    },
}

/// Fewest seconds of a run from which anything can be told.
pub const SHORTEST: usize = 8;
/// A change that may be smaller than this is none, unless asked otherwise.
pub const TOLERANCE: f64 = 0.02;

/// Two runs beside each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// A row for each figure.
    pub rows: Vec<Row>,
    /// A change that may be smaller than this is none.
    pub tolerance: f64,
}

/// One figure of two runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Its name.
    pub figure: &'static str,
    /// In the first run: nanoseconds, or answers a second.
    pub first: f64,
    /// In the second.
    pub second: f64,
    /// The second by the first.
    pub ratio: Ratio,
    /// What that means.
    pub change: Change,
}

/// What a ratio means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// The second run is slower.
    Slower,
    /// It is faster.
    Faster,
    /// None that counts.
    None,
    /// Chance alone moves it by so much that a change of a tenth would not be seen.
    Unclear,
}

/// A figure by seconds.
struct Figure {
    name: &'static str,
    of: fn(&Second) -> f64,
    /// Whether more of it is better.
    more_is_better: bool,
}

const FIGURES: [Figure; 3] = [
    Figure {
        name: "throughput",
        of: |second| float(second.counts.answered),
        more_is_better: true,
    },
    Figure {
        name: "p50",
        of: |second| float(second.p50_ns),
        more_is_better: false,
    },
    Figure {
        name: "p99",
        of: |second| float(second.p99_ns),
        more_is_better: false,
    },
];

impl Comparison {
    /// Whether no figure says anything.
    pub fn is_unclear(&self) -> bool {
        self.rows.iter().all(|row| row.change == Change::Unclear)
    }

    /// Whether any figure says that the second run is slower.
    pub fn is_slower(&self) -> bool {
        self.rows.iter().any(|row| row.change == Change::Slower)
    }
}

/// Compares two runs.
///
/// # Errors
/// They did different things, or one is too short.
pub fn compare(
    first: &Outcome,
    second: &Outcome,
    tolerance: f64,
) -> Result<Comparison, CompareError> {
    same(&first.plan, &second.plan)?;
    let seconds = |outcome: &Outcome, which| {
        let whole = whole(outcome);
        if whole.len() < SHORTEST {
            let got = whole.len();
            return Err(CompareError::Short { which, got });
        }
        Ok(whole)
    };
    let (one, two) = (seconds(first, "first")?, seconds(second, "second")?);
    let values =
        |seconds: &[Second], figure: &Figure| seconds.iter().map(figure.of).collect::<Vec<f64>>();
    let rows = FIGURES.iter().map(|figure| {
        let (one, two) = (values(&one, figure), values(&two, figure));
        let ratio = ratio(&one, &two, FIGURES.len(), RESAMPLES);
        Row {
            figure: figure.name,
            first: bootstrap::middle(&mut one.clone()),
            second: bootstrap::middle(&mut two.clone()),
            ratio,
            change: change(ratio, tolerance, figure.more_is_better),
        }
    });
    Ok(Comparison {
        rows: rows.collect(),
        tolerance,
    })
}

/// How often the bootstrap draws.
const RESAMPLES: usize = 2000;

/// The whole seconds in which there were answers; the last of a run is rarely whole.
fn whole(outcome: &Outcome) -> Vec<Second> {
    let planned = outcome.elapsed_ns / crate::num::SECOND;
    let whole = |second: &&Second| {
        second.second < planned && second.level > 0.0 && second.counts.answered > 0
    };
    outcome.series.iter().filter(whole).cloned().collect()
}

fn change(ratio: Ratio, tolerance: f64, more_is_better: bool) -> Change {
    let certain = ratio.low > 1.0 + tolerance || ratio.high < 1.0 / (1.0 + tolerance);
    match (certain, (ratio.value > 1.0) == more_is_better) {
        // The interval reaches as far to either side, in logarithms.
        (false, _) if (ratio.high / ratio.low).sqrt() > VAGUE => Change::Unclear,
        (false, _) => Change::None,
        (true, true) => Change::Faster,
        (true, false) => Change::Slower,
    }
}

/// An interval that reaches beyond this factor to either side hides a change of a tenth.
const VAGUE: f64 = 1.1;

/// What has to be the same in two plans.
fn same(first: &Plan, second: &Plan) -> Result<(), CompareError> {
    let stages = |plan: &Plan| {
        plan.stages
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" ")
    };
    let facts = |plan: &Plan| {
        [
            ("the loop", format!("{:?}", plan.pattern).to_lowercase()),
            ("the load", stages(plan)),
            ("the number of connections", plan.connections.to_string()),
            ("the pipeline", plan.pipeline.to_string()),
            (
                "the use of connections",
                format!("{:?}", plan.reuse).to_lowercase(),
            ),
            ("the mix of versions", plan.mix.versions.to_string()),
            ("the mix of syntaxes", plan.mix.syntaxes.to_string()),
            ("the mix of fragments", plan.mix.fragments.to_string()),
            ("the part verified", plan.verify.to_string()),
        ]
    };
    for ((what, first), (_, second)) in facts(first).into_iter().zip(facts(second)) {
        if first != second {
            return Err(CompareError::Plans {
                what,
                first,
                second,
            });
        }
    }
    Ok(())
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "figure            first       second   change   99 % confidence"
        )?;
        for row in &self.rows {
            let value = |value: f64| match row.figure {
                "throughput" => format!("{}/s", Number(crate::num::count(value.round()))),
                _ => Nanos(value).to_string(),
            };
            let percent = |ratio: f64| format!("{:+.1} %", (ratio - 1.0) * 100.0);
            let verdict = match row.change {
                Change::Slower => "slower",
                Change::Faster => "faster",
                Change::None => "no change that counts",
                Change::Unclear => "too noisy to tell",
            };
            let Ratio {
                value: ratio,
                low,
                high,
            } = row.ratio;
            writeln!(
                f,
                "{:11} {:>11} {:>12} {:>8}   {:>8} to {:>8}   {verdict}",
                row.figure,
                value(row.first),
                value(row.second),
                percent(ratio),
                percent(low),
                percent(high)
            )?;
        }
        write!(
            f,
            "confidence of all figures together; a change that may be under {:.0} % is none",
            self.tolerance * 100.0
        )
    }
}

/// The mean of some numbers.
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / size(values.len().max(1))
}

#[cfg(test)]
mod tests;

//! Conditions on figures: `p99>5ms`, `errors>0`, `throughput<900`.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::measure::{ErrorClass, Latencies};
use crate::num::float;
use crate::outcome::Outcome;
use crate::report::Nanos;

/// A condition on a figure of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    metric: Metric,
    relation: Relation,
    value: f64,
    /// As it was written.
    text: String,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    /// Nanoseconds.
    Latency { corrected: bool, point: Point },
    /// A count, or a part of all that ended.
    Count { what: Counted, part: bool },
    /// Good answers a second.
    Throughput,
}

/// A point of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Point {
    Percentile(f64),
    Min,
    Mean,
    Max,
}

/// Something counted.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Counted {
    Errors,
    Class(ErrorClass),
    Late,
    Dropped,
}

/// How a figure stands to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Above,
    AtLeast,
    Below,
    AtMost,
}

/// Why a text is no condition.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ConditionError {
    /// No relation in it.
    #[error("a condition is FIGURE, one of > >= < <=, and a value, as in p99>5ms, not {0:?}")]
    Form(String),
    /// No such figure.
    #[error(
        "there is no figure {0:?}; there are p50, p99, p99.9 and so on, min, mean, max, each also as uncorrected.p99, \
         errors, errors.timeout and so on, late, dropped, throughput"
    )]
    Figure(String),
    /// No such class of errors.
    #[error("there is no class of errors {0:?}; there are {1}")]
    Class(String, String),
    /// The value does not fit the figure.
    #[error("{figure} is compared with {wanted}, not with {got:?}")]
    Value {
        /// The figure.
        figure: String,
        /// What it takes.
        wanted: &'static str,
        /// What it was given.
        got: String,
    },
}

/// What a condition says of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Whether it is so; `None` where there is nothing to judge by.
    pub so: Option<bool>,
    /// The figure, for people.
    pub figure: String,
}

impl Condition {
    /// What it says of a run.
    pub fn judge(&self, outcome: &Outcome) -> Judged {
        let value = self.metric.of(outcome);
        Judged {
            so: value.map(|value| self.relation.holds(value, self.value)),
            figure: match (value, self.metric) {
                (None, _) => "nothing was answered".to_owned(),
                (Some(value), Metric::Latency { .. }) => Nanos(value).to_string(),
                (Some(value), Metric::Count { part: true, .. }) => {
                    format!("{:.3} %", value * 100.0)
                }
                (Some(value), Metric::Count { .. }) => format!("{value}"),
                (Some(value), Metric::Throughput) => format!("{value:.1}/s"),
            },
        }
    }
}

impl Metric {
    fn of(self, outcome: &Outcome) -> Option<f64> {
        let counts = &outcome.total.counts;
        match self {
            Self::Latency { corrected, point } => {
                let total = &outcome.total;
                point.of(if corrected {
                    &total.corrected
                } else {
                    &total.uncorrected
                })
            }
            Self::Count { what, part } => {
                let count = match what {
                    Counted::Errors => outcome.errors(),
                    Counted::Class(class) => counts.errors.get(&class).copied().unwrap_or_default(),
                    Counted::Late => counts.late,
                    Counted::Dropped => counts.dropped,
                };
                let all = counts.answered + outcome.errors();
                if !part {
                    return Some(float(count));
                }
                (all > 0).then(|| float(count) / float(all))
            }
            Self::Throughput => Some(outcome.throughput()),
        }
    }
}

impl Point {
    fn of(self, latencies: &Latencies) -> Option<f64> {
        (latencies.count() > 0).then(|| match self {
            Self::Percentile(percentile) => float(latencies.percentile(percentile)),
            Self::Min => float(latencies.min()),
            Self::Mean => latencies.mean(),
            Self::Max => float(latencies.max()),
        })
    }
}

impl Relation {
    fn holds(self, figure: f64, value: f64) -> bool {
        match self {
            Self::Above => figure > value,
            Self::AtLeast => figure >= value,
            Self::Below => figure < value,
            Self::AtMost => figure <= value,
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Condition {
    type Err = ConditionError;

    fn from_str(text: &str) -> Result<Self, ConditionError> {
        let text: String = text.split_whitespace().collect();
        let form = || ConditionError::Form(text.clone());
        let at = text.find(['<', '>']).ok_or_else(form)?;
        let (figure, rest) = text.split_at(at);
        let relations = [
            (">=", Relation::AtLeast),
            ("<=", Relation::AtMost),
            (">", Relation::Above),
            ("<", Relation::Below),
        ];
        let (value, relation) = relations
            .iter()
            .find_map(|(sign, relation)| Some((rest.strip_prefix(sign)?, *relation)))
            .ok_or_else(form)?;
        if figure.is_empty() || value.is_empty() {
            return Err(form());
        }
        let mut metric = metric(figure)?;
        let value = match &mut metric {
            Metric::Latency { .. } => duration(value),
            Metric::Count { part, .. } => match value.strip_suffix('%') {
                Some(percent) => {
                    *part = true;
                    number(percent).map(|percent| percent / 100.0)
                }
                None => number(value),
            },
            Metric::Throughput => number(value.strip_suffix("/s").unwrap_or(value)),
        }
        .ok_or_else(|| ConditionError::Value {
            figure: figure.to_owned(),
            wanted: match metric {
                Metric::Latency { .. } => "a duration, as in 5ms, 250us or 1.5s",
                Metric::Count { .. } => "a number or a percentage, as in 0 or 0.1%",
                Metric::Throughput => "a number of answers a second, as in 900",
            },
            got: value.to_owned(),
        })?;
        Ok(Self {
            metric,
            relation,
            value,
            text,
        })
    }
}

fn metric(figure: &str) -> Result<Metric, ConditionError> {
    let unknown = || ConditionError::Figure(figure.to_owned());
    let count = |what| Metric::Count { what, part: false };
    if let Some(class) = figure.strip_prefix("errors.") {
        let all = ErrorClass::ALL;
        let found = all.into_iter().find(|known| known.name() == class);
        return found
            .map(|class| count(Counted::Class(class)))
            .ok_or_else(|| {
                let names: Vec<&str> = all.iter().map(|class| class.name()).collect();
                ConditionError::Class(class.to_owned(), names.join(", "))
            });
    }
    let (corrected, name) = match figure.strip_prefix("uncorrected.") {
        Some(name) => (false, name),
        None => (true, figure),
    };
    let point = match name {
        "min" => Some(Point::Min),
        "mean" => Some(Point::Mean),
        "max" => Some(Point::Max),
        name => name
            .strip_prefix('p')
            .and_then(number)
            .filter(|percentile| (0.0..=100.0).contains(percentile))
            .map(Point::Percentile),
    };
    match (point, figure) {
        (Some(point), _) => Ok(Metric::Latency { corrected, point }),
        (None, "errors") => Ok(count(Counted::Errors)),
        (None, "late") => Ok(count(Counted::Late)),
        (None, "dropped") => Ok(count(Counted::Dropped)),
        (None, "throughput") => Ok(Metric::Throughput),
        (None, _) => Err(unknown()),
    }
}

/// Digits with at most one point between them; neither signs nor exponents.
fn number(text: &str) -> Option<f64> {
    let digits = text
        .bytes()
        .all(|octet| octet.is_ascii_digit() || octet == b'.');
    text.parse().ok().filter(|_| digits)
}

/// A duration in nanoseconds; it has a unit, since latencies have no natural one.
fn duration(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (value, unit) = text.split_at(end);
    let nanos = match unit {
        "ns" => 1.0,
        "us" | "µs" => 1e3,
        "ms" => 1e6,
        "s" => 1e9,
        _ => return None,
    };
    number(value).map(|value| value * nanos)
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;
    use crate::report::sample;

    #[test]
    fn conditions_are_judged_by_the_figures_of_a_run() {
        let mut outcome = sample::outcome();
        outcome.total.counts.errors.insert(ErrorClass::Timeout, 4);
        outcome.total.counts.late = 8;
        for (text, so, figure) in [
            ("p99>5ms", true, "960 ms"),
            ("p99 < 5 ms", false, "960 ms"),
            ("p50<=1s", true, "389 µs"),
            ("uncorrected.p99>5ms", false, "485 µs"),
            ("uncorrected.max>=488us", true, "488 µs"),
            ("max<2s", true, "1.00 s"),
            ("min>=100us", true, "200 µs"),
            ("mean>100ms", true, "125 ms"),
            ("p99.99>900ms", true, "1.00 s"),
            ("errors>0", true, "4"),
            ("errors>0.1%", false, "0.100 %"),
            ("errors.timeout>=4", true, "4"),
            ("errors.reset>0", false, "0"),
            ("late>7", true, "8"),
            ("dropped>0", false, "0"),
            ("throughput<900", false, "1000.0/s"),
            ("throughput<1001/s", true, "1000.0/s"),
        ] {
            let condition: Condition = text.parse().unwrap();
            let judged = condition.judge(&outcome);
            assert_eq!(judged.so, Some(so), "{text}: {judged:?}");
            assert_eq!(judged.figure, figure, "{text}");
        }
    }

    #[test]
    fn without_answers_latencies_cannot_be_judged() {
        let mut outcome = sample::outcome();
        outcome.total = crate::measure::Interval::default();
        for (text, so) in [
            ("p99>5ms", None),
            ("errors>0", Some(false)),
            ("errors>1%", None),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(condition.judge(&outcome).so, so, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_says_why() {
        for (text, expected) in [
            ("", "a condition is FIGURE, one of"),
            ("p99", "a condition is FIGURE, one of"),
            ("p99=5ms", "a condition is FIGURE, one of"),
            (">5ms", "a condition is FIGURE, one of"),
            ("p99>", "a condition is FIGURE, one of"),
            (
                "p99>5",
                "p99 is compared with a duration, as in 5ms, 250us or 1.5s, not with \"5\"",
            ),
            ("p99>ms", "p99 is compared with a duration"),
            ("p99>-5ms", "p99 is compared with a duration"),
            ("p99>5m", "p99 is compared with a duration"),
            ("p101>5ms", "there is no figure \"p101\""),
            ("p>5ms", "there is no figure \"p\""),
            ("pinf>5ms", "there is no figure \"pinf\""),
            ("latency>5ms", "there is no figure \"latency\""),
            (
                "errors>few",
                "errors is compared with a number or a percentage",
            ),
            (
                "errors>1e3",
                "errors is compared with a number or a percentage",
            ),
            (
                "errors.slow>0",
                "there is no class of errors \"slow\"; there are connect, ports",
            ),
            (
                "uncorrected.errors>0",
                "there is no figure \"uncorrected.errors\"",
            ),
            (
                "throughput<5ms",
                "throughput is compared with a number of answers",
            ),
        ] {
            let error = text.parse::<Condition>().unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
    }

    #[test]
    fn any_text_is_a_condition_or_an_error() {
        arbtest(|u| {
            let text: String = u.arbitrary()?;
            if let Ok(condition) = text.parse::<Condition>() {
                assert_eq!(condition.to_string().parse(), Ok(condition));
            }
            Ok(())
        });
    }
}

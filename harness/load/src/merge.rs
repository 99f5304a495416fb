//! Several runs as one: histograms and counts added up, exactly.

use thiserror::Error;

use crate::measure::{HdrError, Interval, Latencies};
use crate::outcome::{Outcome, Second};

/// Why runs cannot be merged.
#[derive(Debug, Error)]
pub enum MergeError {
    /// There is none.
    #[error("there is nothing to merge")]
    Nothing,
    /// Two are of different patterns.
    #[error("an open loop and a closed loop have no common latency")]
    Patterns,
    /// A second's histogram cannot be read.
    #[error("second {second}: {source}")]
    Second {
        /// Which.
        second: u64,
        /// Why.
        source: HdrError,
    },
}

/// The sum of runs that went on at the same time, as on several machines: counts and histograms are added, seconds are laid
/// over each other by their number, and the longest time is that of all. The plan is that of the first.
///
/// # Errors
/// There is nothing to merge, or it does not go together.
pub fn merge(outcomes: &[Outcome]) -> Result<Outcome, MergeError> {
    let (first, rest) = outcomes.split_first().ok_or(MergeError::Nothing)?;
    let mut sum = first.clone();
    for outcome in rest {
        if outcome.is_open() != sum.is_open() {
            return Err(MergeError::Patterns);
        }
        sum.total.add(&outcome.total);
        sum.lateness.add(&outcome.lateness);
        sum.runs += outcome.runs;
        sum.elapsed_ns = sum.elapsed_ns.max(outcome.elapsed_ns);
        sum.began_unix_ms = sum.began_unix_ms.min(outcome.began_unix_ms);
        sum.interrupted |= outcome.interrupted;
        sum.generator
            .busy
            .extend_from_slice(&outcome.generator.busy);
        if sum.target != outcome.target {
            sum.target = format!("{}, {}", sum.target, outcome.target);
        }
        for second in &outcome.series {
            lay_over(&mut sum.series, second)?;
        }
    }
    Ok(sum)
}

fn lay_over(series: &mut Vec<Second>, other: &Second) -> Result<(), MergeError> {
    let read = |second: &Second| {
        Latencies::try_from(second.corrected.clone()).map_err(|source| MergeError::Second {
            second: second.second,
            source,
        })
    };
    match series.binary_search_by_key(&other.second, |second| second.second) {
        Err(place) => series.insert(place, other.clone()),
        Ok(place) => {
            let Some(own) = series.get_mut(place) else {
                return Ok(());
            };
            let mut interval = Interval {
                counts: own.counts.clone(),
                corrected: read(own)?,
                uncorrected: Latencies::new(),
            };
            interval.counts.add(&other.counts);
            interval.corrected.add(&read(other)?);
            *own = Second::new(own.second, own.level + other.level, &interval);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Pattern;
    use crate::report::{json, sample};

    #[test]
    fn merging_is_exact() {
        let one = sample::outcome();
        let mut two = sample::outcome();
        two.series.truncate(2);
        two.target = "127.0.0.2:1688".to_owned();
        two.elapsed_ns *= 2;
        // As they come from files.
        let (one, two) = (
            json::read(&json::write(&one)).unwrap(),
            json::read(&json::write(&two)).unwrap(),
        );
        let sum = merge(&[one.clone(), two.clone()]).unwrap();
        let mut expected = one.total.clone();
        expected.add(&two.total);
        assert_eq!(sum.total, expected);
        assert_eq!(sum.total.corrected.count(), 8000);
        assert_eq!((sum.runs, sum.elapsed_ns), (2, two.elapsed_ns));
        assert_eq!(sum.target, "127.0.0.1:1688, 127.0.0.2:1688");
        let counts: Vec<u64> = sum
            .series
            .iter()
            .map(|second| second.counts.answered)
            .collect();
        assert_eq!(counts, [2000, 2000, 1000, 1000]);
        assert_eq!(sum.series[1].p99_ns, one.series[1].p99_ns);
        assert!((sum.series[0].level - 2000.0).abs() < 1e-9);
    }

    #[test]
    fn merging_one_changes_nothing_and_none_is_an_error() {
        let one = sample::outcome();
        assert_eq!(merge(std::slice::from_ref(&one)).unwrap(), one);
        assert!(matches!(merge(&[]), Err(MergeError::Nothing)));
        let mut closed = one.clone();
        closed.plan.pattern = Pattern::Closed;
        assert!(matches!(merge(&[one, closed]), Err(MergeError::Patterns)));
    }
}

//! For the tools around `HdrHistogram`: an interval log of corrected latencies, a line a second.

use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use crate::measure::{HdrError, Latencies};
use crate::outcome::Outcome;

/// The log, in nanoseconds; its column of maxima is in milliseconds, as such logs have it.
///
/// # Errors
/// The histogram of a second, as a file had it, cannot be read.
pub fn write(outcome: &Outcome) -> Result<Vec<u8>, HdrError> {
    const MILLISECOND: f64 = 1e6;
    let failed = |error: &dyn std::fmt::Debug| HdrError(format!("{error:?}"));
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let began = UNIX_EPOCH + Duration::from_millis(outcome.began_unix_ms);
    let mut builder = IntervalLogWriterBuilder::new();
    builder
        .add_comment(concat!(
            "kmspec ",
            env!("CARGO_PKG_VERSION"),
            ", latency in nanoseconds"
        ))
        .with_start_time(began)
        .with_base_time(began)
        .with_max_value_divisor(MILLISECOND);
    let mut writer = builder
        .begin_log_with(&mut log, &mut serializer)
        .map_err(|error| failed(&error))?;
    for second in &outcome.series {
        let latencies = Latencies::try_from(second.corrected.clone())?;
        let at = Duration::from_secs(second.second);
        writer
            .write_histogram(
                latencies.histogram(),
                at,
                Duration::from_secs(1),
                Tag::new("corrected"),
            )
            .map_err(|error| failed(&error))?;
    }
    drop(writer);
    Ok(log)
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;
    use crate::report::sample;

    #[test]
    fn the_log_has_every_second_and_adds_up() {
        let outcome = sample::outcome();
        let log = write(&outcome).unwrap();
        let mut sum = Latencies::new();
        let mut seconds = 0;
        for entry in IntervalLogIterator::new(&log) {
            if let LogEntry::Interval(interval) = entry.unwrap() {
                let text = interval.encoded_histogram().to_owned();
                sum.add(&Latencies::try_from(text).unwrap());
                assert_eq!(interval.start_timestamp(), Duration::from_secs(seconds));
                seconds += 1;
            }
        }
        assert_eq!((seconds, sum), (4, outcome.total.corrected));
    }
}

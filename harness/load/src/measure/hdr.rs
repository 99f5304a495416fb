use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::num::float;

/// The percentiles that reports have.
pub const PERCENTILES: [f64; 7] = [50.0, 75.0, 90.0, 99.0, 99.9, 99.99, 100.0];

/// Latencies in nanoseconds, to three digits, from 100 ns to an hour; what is longer counts as an hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Latencies(Histogram<u64>);

/// Why a text is no histogram.
#[derive(Debug, Error)]
#[error("not a compressed HdrHistogram V2 in base 64: {0}")]
pub struct HdrError(pub(crate) String);

const LOW: u64 = 100;
const HIGH: u64 = 3_600_000_000_000;
const DIGITS: u8 = 3;

impl Default for Latencies {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(LOW, HIGH, DIGITS);
        Self(histogram.expect("the bounds are in order and the digits from 0 to 5"))
    }
}

impl Latencies {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one, in nanoseconds.
    pub fn record(&mut self, nanos: u64) {
        self.0.saturating_record(nanos);
    }

    /// Takes those of another. Nothing is lost: both have the same buckets.
    pub fn add(&mut self, other: &Self) {
        self.0
            .add(&other.0)
            .expect("all histograms of latencies have the same bounds");
    }

    /// How many.
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// How many are longer than this, in nanoseconds, to the histogram's three digits.
    pub fn longer_than(&self, nanos: u64) -> u64 {
        let bucket = self.0.next_non_equivalent(nanos);
        if bucket > HIGH {
            return 0;
        }
        self.0.count_between(bucket, HIGH)
    }

    /// The value that this percentage of all do not exceed, in nanoseconds; 0 where there are none.
    pub fn percentile(&self, percentile: f64) -> u64 {
        if percentile >= 100.0 {
            return self.max();
        }
        self.0.value_at_percentile(percentile).min(self.max())
    }

    /// The longest, in nanoseconds; 0 where there are none.
    pub fn max(&self) -> u64 {
        self.0.max()
    }

    /// The shortest, in nanoseconds; 0 where there are none.
    pub fn min(&self) -> u64 {
        if self.0.is_empty() { 0 } else { self.0.min() }
    }

    /// The mean, in nanoseconds; 0 where there are none.
    pub fn mean(&self) -> f64 {
        self.0.mean()
    }

    /// Values with their counts, ascending.
    pub fn recorded(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
    }

    /// Points of the curve of percentiles: nines on one side, nanoseconds on the other. `(0, p0) .. (5, p99.999)`.
    pub fn nines(&self, steps: u32) -> Vec<(f64, f64)> {
        let most = float(self.count().max(1)).log10();
        (0..=steps)
            .map(|step| f64::from(step) / f64::from(steps) * 5.0)
            .take_while(|nines| *nines <= most)
            .map(|nines| {
                let percentile = 100.0 - 100.0 / 10f64.powf(nines);
                (nines, float(self.percentile(percentile)))
            })
            .collect()
    }

    /// The histogram itself.
    pub(crate) const fn histogram(&self) -> &Histogram<u64> {
        &self.0
    }

    /// The compressed V2 form in base 64, as `HdrHistogram` logs have it.
    pub fn encoded(&self) -> String {
        let mut octets = Vec::new();
        V2DeflateSerializer::new()
            .serialize(&self.0, &mut octets)
            .expect("counts fit and memory takes all");
        STANDARD.encode(octets)
    }
}

impl TryFrom<String> for Latencies {
    type Error = HdrError;

    fn try_from(text: String) -> Result<Self, HdrError> {
        let octets = STANDARD
            .decode(text)
            .map_err(|error| HdrError(error.to_string()))?;
        let read: Histogram<u64> = Deserializer::new()
            .deserialize(&mut io::Cursor::new(octets))
            .map_err(|error| HdrError(error.to_string()))?;
        // Into one with our bounds: those of the text decide nothing.
        let mut own = Self::default();
        if read.high() > HIGH || read.sigfig() != DIGITS {
            return Err(HdrError("it has other bounds than ours".to_owned()));
        }
        own.0
            .add(&read)
            .map_err(|error| HdrError(format!("{error:?}")))?;
        Ok(own)
    }
}

impl From<Latencies> for String {
    fn from(latencies: Latencies) -> Self {
        latencies.encoded()
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    fn of(values: &[u64]) -> Latencies {
        let mut latencies = Latencies::new();
        for value in values {
            latencies.record(*value);
        }
        latencies
    }

    #[test]
    fn any_histogram_round_trips_through_its_text() {
        arbtest(|u| {
            let values: Vec<u64> = u.arbitrary()?;
            let latencies = of(&values);
            let read = Latencies::try_from(latencies.encoded()).unwrap();
            assert_eq!(read, latencies);
            Ok(())
        });
    }

    #[test]
    fn adding_any_two_is_recording_both() {
        arbtest(|u| {
            let (one, two): (Vec<u64>, Vec<u64>) = u.arbitrary()?;
            let mut sum = of(&one);
            sum.add(&of(&two));
            assert_eq!(sum, of(&[one, two].concat()));
            Ok(())
        });
    }

    #[test]
    fn any_text_is_a_histogram_or_an_error() {
        arbtest(|u| {
            let octets: Vec<u8> = u.arbitrary()?;
            drop(Latencies::try_from(STANDARD.encode(octets)));
            Ok(())
        });
    }

    #[test]
    fn percentiles_are_those_of_the_values() {
        let values: Vec<u64> = (1..=10_000).map(|n| n * 1000).collect();
        let latencies = of(&values);
        for (percentile, expected) in [(50.0, 5e6), (99.0, 9.9e6), (99.9, 9.99e6), (100.0, 1e7)] {
            let got = float(latencies.percentile(percentile));
            assert!((got / expected - 1.0).abs() < 0.001, "p{percentile}: {got}");
        }
        assert_eq!(latencies.longer_than(9_000_000_000), 0);
        assert!(latencies.longer_than(5_000_000).abs_diff(5000) <= 5);
        assert_eq!(Latencies::new().percentile(99.0), 0);
    }
}

//! For programs: everything, versioned, and read again by comparing and merging.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::measure::{Counts, Interval, Latencies, PERCENTILES};
use crate::outcome::{Generator, Machine, Outcome, Second};
use crate::plan::Plan;

/// Version of the format. It changes when a field changes its meaning or goes.
pub const VERSION: u32 = 1;

/// The JSON Schema of the format.
pub const SCHEMA: &str = include_str!("../../schema/bench-1.schema.json");

/// Why a text is no report.
#[derive(Debug, Error)]
pub enum JsonError {
    /// It is no JSON, or another JSON.
    #[error("not a report of kmspec bench: {0}")]
    Form(#[from] serde_json::Error),
    /// It is of another version.
    #[error("a report of version {0}; this kmspec reads version {VERSION}")]
    Version(u32),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    /// What this is.
    format: Format,
    version: u32,
    kmspec: String,
    target: String,
    plan: Plan,
    began_unix_ms: u64,
    runs: u64,
    elapsed_ns: u64,
    interrupted: bool,
    throughput_per_s: f64,
    counts: Counts,
    corrected: Summary,
    uncorrected: Summary,
    lateness: Summary,
    generator: Generator,
    machine: Machine,
    series: Vec<Second>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Format {
    #[serde(rename = "kmspec-bench")]
    Bench,
}

/// Latencies for readers, and all of them for programs.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    count: u64,
    min_ns: u64,
    mean_ns: f64,
    percentiles: Vec<Percentile>,
    /// Compressed `HdrHistogram` V2 in base 64, in nanoseconds.
    histogram: Latencies,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Percentile {
    #[serde(rename = "percentile")]
    part: f64,
    ns: u64,
    /// How many took longer.
    longer: u64,
}

impl Summary {
    fn of(latencies: &Latencies) -> Self {
        let percentile = |percentile| {
            let ns = latencies.percentile(percentile);
            let longer = latencies.longer_than(ns);
            Percentile {
                part: percentile,
                ns,
                longer,
            }
        };
        Self {
            count: latencies.count(),
            min_ns: latencies.min(),
            mean_ns: latencies.mean(),
            percentiles: PERCENTILES.map(percentile).into(),
            histogram: latencies.clone(),
        }
    }
}

/// The report.
pub fn write(outcome: &Outcome) -> String {
    let Outcome {
        target,
        plan,
        began_unix_ms,
        runs,
        elapsed_ns,
        interrupted,
        total,
        series,
        lateness,
        generator,
        machine,
    } = outcome;
    let document = Document {
        format: Format::Bench,
        version: VERSION,
        kmspec: env!("CARGO_PKG_VERSION").to_owned(),
        target: target.clone(),
        plan: plan.clone(),
        began_unix_ms: *began_unix_ms,
        runs: *runs,
        elapsed_ns: *elapsed_ns,
        interrupted: *interrupted,
        throughput_per_s: outcome.throughput(),
        counts: total.counts.clone(),
        corrected: Summary::of(&total.corrected),
        uncorrected: Summary::of(&total.uncorrected),
        lateness: Summary::of(lateness),
        generator: generator.clone(),
        machine: *machine,
        series: series.clone(),
    };
    let mut text = serde_json::to_string_pretty(&document)
        .expect("the document has text keys and no map fails");
    text.push('\n');
    text
}

/// Reads a report. What can be calculated is calculated again.
///
/// # Errors
/// It is none, or of another version.
pub fn read(text: &str) -> Result<Outcome, JsonError> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let head: Head = serde_json::from_str(text)?;
    if head.version != VERSION {
        return Err(JsonError::Version(head.version));
    }
    let document: Document = serde_json::from_str(text)?;
    Ok(Outcome {
        target: document.target,
        plan: document.plan,
        began_unix_ms: document.began_unix_ms,
        runs: document.runs,
        elapsed_ns: document.elapsed_ns,
        interrupted: document.interrupted,
        total: Interval {
            counts: document.counts,
            corrected: document.corrected.histogram,
            uncorrected: document.uncorrected.histogram,
        },
        series: document.series,
        lateness: document.lateness.histogram,
        generator: document.generator,
        machine: document.machine,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ErrorClass;
    use crate::report::sample;

    #[test]
    fn a_report_round_trips() {
        let mut outcome = sample::outcome();
        outcome.total.counts.errors.insert(ErrorClass::Refused, 3);
        let text = write(&outcome);
        assert_eq!(read(&text).unwrap(), outcome);
        assert_eq!(write(&read(&text).unwrap()), text);
    }

    #[test]
    fn a_report_is_as_its_schema_says() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut report: serde_json::Value =
            serde_json::from_str(&write(&sample::outcome())).unwrap();
        assert!(
            validator.is_valid(&report),
            "{:?}",
            validator
                .iter_errors(&report)
                .map(|e| e.to_string())
                .collect::<Vec<_>>()
        );
        // The schema can say no.
        report["series"][0]["p99_ns"] = "fast".into();
        assert!(!validator.is_valid(&report));
    }

    #[test]
    fn other_documents_are_refused() {
        let good = write(&sample::outcome());
        for (name, text, expected) in [
            ("nothing", String::new(), "not a report of kmspec bench"),
            (
                "another document",
                "{\"version\": 1}".to_owned(),
                "missing field",
            ),
            (
                "another version",
                good.replace("\"version\": 1", "\"version\": 7"),
                "a report of version 7",
            ),
            (
                "an unknown field",
                good.replace("\"runs\"", "\"walks\""),
                "unknown field",
            ),
            (
                "no histogram",
                good.replace("HISTF", "PISTF"),
                "HdrHistogram",
            ),
        ] {
            let error = read(&text).map(drop).unwrap_err().to_string();
            // The cookie may stand otherwise in base 64; any refusal of it will do.
            assert!(error.contains(expected), "{name}: {error}");
        }
    }
}

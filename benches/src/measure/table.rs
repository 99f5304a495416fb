//! All benchmarks in one table, each beside its limit.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::machine::Machine;
use super::samples::{self, Measured, Through};
use super::{MeasureError, cargo, package, run, target};

/// What a benchmark's limit is named: as the benchmark, and this behind it.
const LIMIT: &str = " limit";

/// How near some must come to their limits: the beginning of the name, and the largest ratio.
const BARS: &[(&str, f64)] = &[
    ("crypto/open and seal v4", 1.3),
    ("crypto/open and seal v5", 1.15),
    ("crypto/open and seal v6", 1.15),
];

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Only benchmarks with this in their names.
    pub only: Option<String>,
    /// Seconds for each benchmark, if not criterion's own.
    pub seconds: Option<f64>,
    /// Only show what the last run measured.
    pub last: bool,
}

/// The whole table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// Version of this form.
    pub version: u32,
    /// What it was measured on.
    pub machine: Machine,
    /// One for each benchmark that is not a limit.
    pub rows: Vec<Row>,
}

/// One benchmark.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// Its name, group included.
    pub name: String,
    /// Nanoseconds of one iteration in the quickest sample.
    pub best_ns: f64,
    /// Nanoseconds of one iteration in the median sample.
    pub median_ns: f64,
    /// Megabytes (10^6) a second in the quickest sample, of what is measured by octets.
    pub megabytes_per_second: Option<f64>,
    /// Messages, turns or cases a second in the quickest sample, of what is measured by those.
    pub each_second: Option<f64>,
    /// Nanoseconds of its limit in the quickest sample.
    pub limit_ns: Option<f64>,
    /// Time of the benchmark by time of its limit, both in their quickest samples.
    pub ratio: Option<f64>,
    /// The largest ratio that is wanted.
    pub bar: Option<f64>,
}

/// Runs the benchmarks and reads what they left.
pub fn measure(choice: &Choice) -> Result<Table, MeasureError> {
    let began = SystemTime::now() - Duration::from_secs(1);
    if !choice.last {
        // The program itself is one of the things measured.
        run(cargo().args(["build", "--quiet", "--release", "--package", "kmspec-cli"]))?;
        let mut command = cargo();
        command
            .args([
                "bench",
                "--quiet",
                "--package",
                "kmspec-benches",
                "--benches",
                "--",
            ])
            .current_dir(package());
        command.args(&choice.only);
        if let Some(seconds) = choice.seconds {
            command
                .args(["--measurement-time", &seconds.to_string()])
                .args(["--warm-up-time", &(seconds / 4.0).to_string()]);
        }
        // Criterion's own words go to the terminal beside the table, not into it.
        run(command.stdout(std::io::stderr()))?;
    }
    let since = if choice.last {
        SystemTime::UNIX_EPOCH
    } else {
        began
    };
    let mut measured = samples::read(&target().join("criterion"), since)?;
    if let Some(only) = &choice.only {
        measured.retain(|measured| measured.name.contains(only));
    }
    if measured.is_empty() {
        return Err(MeasureError::Nothing);
    }
    Ok(Table {
        version: 1,
        machine: Machine::here(),
        rows: rows(&measured),
    })
}

/// Puts each benchmark beside its limit.
fn rows(measured: &[Measured]) -> Vec<Row> {
    let limit_of = |name: &str| {
        let named = measured
            .iter()
            .find(|limit| limit.name.strip_suffix(LIMIT) == Some(name));
        named.map(|limit| limit.best_ns)
    };
    let real = measured
        .iter()
        .filter(|measured| !measured.name.ends_with(LIMIT));
    real.map(|measured| {
        let limit = limit_of(&measured.name);
        let bar = BARS.iter().find(|(name, _)| measured.name == *name);
        Row {
            name: measured.name.clone(),
            best_ns: measured.best_ns,
            median_ns: measured.median_ns,
            megabytes_per_second: through(measured, |through| match through {
                Through::Bytes(octets) => Some(octets),
                Through::Elements(_) => None,
            })
            .map(|octets| octets / 1e6),
            each_second: through(measured, |through| match through {
                Through::Bytes(_) => None,
                Through::Elements(number) => Some(number),
            }),
            limit_ns: limit,
            ratio: limit.map(|limit| measured.best_ns / limit),
            bar: bar.map(|(_, bar)| *bar),
        }
    })
    .collect()
}

/// Of what is counted so much a second, in the quickest sample.
#[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
fn through(measured: &Measured, counted: fn(Through) -> Option<u64>) -> Option<f64> {
    let number = measured.through.and_then(counted)?;
    Some(number as f64 * 1e9 / measured.best_ns)
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine {
            processor,
            threads,
            load,
            commit,
        } = &self.machine;
        writeln!(
            f,
            "{processor}, {threads} threads, load {load}, commit {commit}"
        )?;
        writeln!(
            f,
            "{:44} {:>10} {:>10} {:>12} {:>10} {:>16}",
            "benchmark", "best", "median", "rate", "limit", "ratio"
        )?;
        for row in &self.rows {
            let through = match (row.megabytes_per_second, row.each_second) {
                (Some(rate), _) => format!("{rate:.0} MB/s"),
                (None, Some(rate)) => format!("{rate:.0}/s"),
                (None, None) => String::new(),
            };
            let limit = row.limit_ns.map_or_else(String::new, time);
            let mut ratio = String::new();
            if let Some(value) = row.ratio {
                write!(ratio, "{value:.2}")?;
            }
            if let Some((value, bar)) = row.ratio.zip(row.bar) {
                let sign = if value > bar { "over" } else { "within" };
                write!(ratio, ", {sign} {bar}")?;
            }
            let (best, median) = (time(row.best_ns), time(row.median_ns));
            writeln!(
                f,
                "{:44} {best:>10} {median:>10} {through:>12} {limit:>10} {ratio:>16}",
                row.name
            )?;
        }
        Ok(())
    }
}

/// A time with the unit that suits it.
pub(super) fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.1} ns"),
        ns if ns < 1e6 => format!("{:.2} us", ns / 1e3),
        ns if ns < 1e9 => format!("{:.2} ms", ns / 1e6),
        ns => format!("{:.2} s", ns / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, best_ns: f64, through: Through) -> Measured {
        Measured {
            name: name.to_owned(),
            best_ns,
            median_ns: best_ns * 1.5,
            through: Some(through),
        }
    }

    #[test]
    fn a_benchmark_stands_beside_its_limit_and_its_bar() {
        let rows = rows(&[
            measured("crypto/open and seal v6", 1200.0, Through::Elements(1)),
            measured(
                "crypto/open and seal v6 limit",
                1000.0,
                Through::Elements(1),
            ),
            measured("pdu/decode a connection", 500.0, Through::Bytes(1000)),
        ]);
        let table = Table {
            version: 1,
            machine: Machine {
                processor: "a processor".to_owned(),
                threads: 2,
                load: 0.5,
                commit: "abc".to_owned(),
            },
            rows,
        };
        insta::assert_snapshot!(table);
    }

    #[test]
    fn times_have_units() {
        for (ns, text) in [
            (1.25, "1.2 ns"),
            (1250.0, "1.25 us"),
            (2.5e6, "2.50 ms"),
            (1e9, "1.00 s"),
        ] {
            assert_eq!(time(ns), text);
        }
    }
}

//! Instructions of the fixed workloads, counted by callgrind and held to the numbers in `instructions.toml`.
//!
//! A count is the difference between a run with more repetitions and one with fewer, so that preparing costs nothing. It
//! does not depend on how busy the machine is, and hardly on the machine: valgrind shows every program the same
//! processor, one that has AES instructions and no SHA instructions. It does depend on the compiler, whose version
//! stands beside the numbers.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::{MeasureError, cargo, file, output, package, run, target};
use crate::workload::WORKLOADS;

/// By how much a count may grow before it is a regression.
pub const TOLERANCE: f64 = 0.05;

/// Repetitions of the shorter run; the longer has twice as many.
const TIMES: u64 = 20;

/// Numbers that were committed, or are to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Version of the compiler that built what was counted.
    pub compiler: String,
    /// Instructions of one repetition, by workload.
    pub instructions: BTreeMap<String, u64>,
}

impl Numbers {
    /// Those that are committed.
    pub fn committed() -> Result<Self, MeasureError> {
        let path = path();
        let text = fs::read_to_string(&path).map_err(file(&path))?;
        toml::from_str(&text).map_err(|error| MeasureError::Unreadable {
            from: path.display().to_string(),
            problem: error.to_string(),
        })
    }

    /// Writes them to where they are committed.
    pub fn commit(&self) -> Result<(), MeasureError> {
        let mut text = format!("{HEAD}compiler = {:?}\n\n[instructions]\n", self.compiler);
        for (name, count) in &self.instructions {
            // A `String` takes everything.
            let _ = writeln!(text, "{name:?} = {count}");
        }
        let path = path();
        fs::write(&path, text).map_err(file(&path))
    }

    /// Counts them.
    pub fn count() -> Result<Self, MeasureError> {
        // The whole workspace is named for its choice of features, which is that of the binary `kmspec`.
        run(cargo()
            .args(["build", "--quiet", "--release", "--workspace"])
            .args(["--bin", "workload"])
            .current_dir(package()))?;
        let mut numbers = Self {
            compiler: output(Command::new("rustc").arg("--version"))?
                .trim()
                .to_owned(),
            ..Self::default()
        };
        for (name, _) in WORKLOADS {
            let more = callgrind(name, 2 * TIMES)?.saturating_sub(callgrind(name, TIMES)?);
            numbers
                .instructions
                .insert((*name).to_owned(), more / TIMES);
        }
        Ok(numbers)
    }
}

fn path() -> PathBuf {
    package().join("instructions.toml")
}

/// Whether valgrind is there.
pub fn valgrind() -> bool {
    let found = Command::new("valgrind").arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

/// Instructions of so many repetitions, all told.
fn callgrind(name: &str, times: u64) -> Result<u64, MeasureError> {
    let folder = target().join("callgrind");
    fs::create_dir_all(&folder).map_err(file(&folder))?;
    let stem = format!(
        "{}-{times}",
        name.replace(|c: char| !c.is_alphanumeric(), "-")
    );
    let log = folder.join(format!("{stem}.log"));
    let mut command = Command::new("valgrind");
    command
        .arg("--tool=callgrind")
        .arg(format!("--log-file={}", log.display()))
        .arg(format!(
            "--callgrind-out-file={}",
            folder.join(format!("{stem}.out")).display()
        ))
        .arg(target().join("release/workload"))
        .args([name, &times.to_string()]);
    run(&mut command)?;
    let text = fs::read_to_string(&log).map_err(file(&log))?;
    collected(&text).ok_or_else(|| MeasureError::Unreadable {
        from: log.display().to_string(),
        problem: "no count".to_owned(),
    })
}

/// What callgrind says at its end: `==123== Collected : 456`.
fn collected(log: &str) -> Option<u64> {
    let (_, count) = log
        .lines()
        .find_map(|line| line.split_once("Collected : "))?;
    count.trim().parse().ok()
}

/// Counts beside the committed ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    rows: Vec<Row>,
    compilers: Option<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    committed: Option<u64>,
    counted: Option<u64>,
}

impl Row {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    fn ratio(&self) -> Option<f64> {
        let (counted, committed) = self.counted.zip(self.committed)?;
        Some(counted as f64 / committed as f64)
    }

    /// A count that grew too much, one that nobody committed, or a number of something that is gone.
    fn verdict(&self) -> Option<&'static str> {
        match self.ratio() {
            Some(ratio) if ratio > 1.0 + TOLERANCE => Some("REGRESSION"),
            Some(_) => None,
            None if self.committed.is_none() => Some("NOT COMMITTED"),
            None => Some("NO SUCH WORKLOAD"),
        }
    }
}

impl Report {
    /// Puts them side by side.
    pub fn new(committed: &Numbers, counted: &Numbers) -> Self {
        let names = committed
            .instructions
            .keys()
            .chain(counted.instructions.keys());
        let names: std::collections::BTreeSet<_> = names.collect();
        let rows = names.into_iter().map(|name| Row {
            name: name.clone(),
            committed: committed.instructions.get(name).copied(),
            counted: counted.instructions.get(name).copied(),
        });
        let (old, new) = (&committed.compiler, &counted.compiler);
        Self {
            rows: rows.collect(),
            compilers: (old != new).then(|| (old.clone(), new.clone())),
        }
    }

    /// Whether nothing has got worse.
    pub fn holds(&self) -> bool {
        self.rows.iter().all(|row| row.verdict().is_none())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:36} {:>12} {:>12} {:>7}",
            "instructions", "committed", "now", "ratio"
        )?;
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), |n| n.to_string());
        for row in &self.rows {
            let ratio = row.ratio();
            writeln!(
                f,
                "{:36} {:>12} {:>12} {:>7} {}",
                row.name,
                number(row.committed),
                number(row.counted),
                ratio.map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.3}")),
                row.verdict().unwrap_or_default()
            )?;
        }
        if let Some((old, new)) = &self.compilers {
            writeln!(
                f,
                "committed with {old}, now {new}: what changed may be the compiler"
            )?;
        }
        if !self.holds() {
            writeln!(f, "if the change is worth it, commit new numbers: {RENEW}")?;
        }
        Ok(())
    }
}

/// How numbers are renewed.
const RENEW: &str = "cargo run -p kmspec-benches --bin measure -- instructions --renew";

const HEAD: &str = "\
# Instructions of one repetition of each fixed workload, as callgrind counts them. `.ci/run instructions` fails where one
# grew by more than 5 %. Written by
#     cargo run -p kmspec-benches --bin measure -- instructions --renew
# Valgrind shows every program the same processor, which has AES instructions and no SHA instructions: these are counts
# of what runs there. They are not times.

";

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(compiler: &str, counts: &[(&str, u64)]) -> Numbers {
        let counts = counts
            .iter()
            .map(|(name, count)| ((*name).to_owned(), *count));
        Numbers {
            compiler: compiler.to_owned(),
            instructions: counts.collect(),
        }
    }

    #[test]
    fn more_than_five_percent_more_is_a_regression() {
        let committed = numbers("rustc 1", &[("a", 1000), ("gone", 5)]);
        for (count, holds) in [(900, true), (1050, true), (1051, false)] {
            let report = Report::new(&numbers("", &[("a", 1000)]), &numbers("", &[("a", count)]));
            assert_eq!(report.holds(), holds, "{count}");
        }
        let report = Report::new(&committed, &numbers("rustc 2", &[("a", 1100), ("new", 7)]));
        assert!(!report.holds());
        insta::assert_snapshot!(report);
    }

    #[test]
    fn every_workload_has_a_committed_number_and_every_number_a_workload() {
        let committed = Numbers::committed().unwrap();
        let mut names: Vec<_> = WORKLOADS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert!(committed.instructions.keys().eq(names));
    }

    #[test]
    fn the_count_is_read_from_what_callgrind_says() {
        assert_eq!(
            collected("==7== Events    : Ir\n==7== Collected : 456\n"),
            Some(456)
        );
        assert_eq!(collected("==7== nothing\n"), None);
    }
}

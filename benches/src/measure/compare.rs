//! Two commits side by side: both built, their benchmarks run in turns, the ratio of each benchmark's quickest samples.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use serde::Deserialize;

use super::samples;
use super::table::time;
use super::{MeasureError, cargo, file, output, package, run, target};

/// What to compare.
#[derive(Clone, Debug)]
pub struct Pair {
    /// The commit to compare with.
    pub before: String,
    /// The commit to be judged.
    pub after: String,
    /// Only benchmarks with this in their names.
    pub only: Option<String>,
    /// How often each runs, in turns.
    pub rounds: u32,
    /// Seconds for each benchmark in each round.
    pub seconds: f64,
}

/// Benchmarks that both commits have.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    before: String,
    after: String,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    before_ns: f64,
    after_ns: f64,
}

/// One of the two: its benchmarks, built, and the quickest sample of each so far.
struct Side {
    programs: Vec<PathBuf>,
    results: PathBuf,
    best: BTreeMap<String, f64>,
}

/// Builds both and runs them.
pub fn compare(pair: &Pair) -> Result<Comparison, MeasureError> {
    let (before, after) = (commit(&pair.before)?, commit(&pair.after)?);
    let mut sides = [
        Side::build(&before, "before")?,
        Side::build(&after, "after")?,
    ];
    for _ in 0..pair.rounds {
        for side in &mut sides {
            side.round(pair)?;
        }
    }
    let [old, new] = sides;
    let both = old.best.into_iter().filter_map(|(name, before_ns)| {
        let after_ns = *new.best.get(&name)?;
        Some(Row {
            name,
            before_ns,
            after_ns,
        })
    });
    let rows: Vec<_> = both.collect();
    if rows.is_empty() {
        return Err(MeasureError::Nothing);
    }
    Ok(Comparison {
        before,
        after,
        rows,
    })
}

/// A revision's commit, in short.
fn commit(revision: &str) -> Result<String, MeasureError> {
    let named = format!("{revision}^{{commit}}");
    let hash = output(git().args(["rev-parse", "--verify", "--short=12", &named]))?;
    Ok(hash.trim().to_owned())
}

fn git() -> Command {
    let mut git = Command::new("git");
    git.current_dir(package());
    git
}

impl Side {
    /// Lays the commit out below the target directory and builds its benchmarks. What both depend on is built once.
    fn build(commit: &str, side: &str) -> Result<Self, MeasureError> {
        let folder = target().join("compare");
        let tree = folder.join(commit);
        if !tree.join("Cargo.toml").is_file() {
            // A tree that was deleted by hand is forgotten first.
            run(git().args(["worktree", "prune"]))?;
            run(git()
                .args(["worktree", "add", "--quiet", "--detach"])
                .arg(&tree)
                .arg(commit))?;
        }
        let messages = output(
            cargo()
                .args([
                    "bench",
                    "--quiet",
                    "--no-run",
                    "--package",
                    "kmspec-benches",
                    "--benches",
                ])
                .args(["--message-format", "json", "--target-dir"])
                .arg(folder.join("target"))
                .current_dir(&tree),
        )?;
        let results = folder.join(format!("criterion-{side}"));
        fs::create_dir_all(&results).map_err(file(&results))?;
        Ok(Self {
            programs: messages.lines().filter_map(benchmark).collect(),
            results,
            best: BTreeMap::new(),
        })
    }

    fn round(&mut self, pair: &Pair) -> Result<(), MeasureError> {
        let began = SystemTime::now() - std::time::Duration::from_secs(1);
        for program in &self.programs {
            let mut command = Command::new(program);
            command
                .arg("--bench")
                .args(&pair.only)
                .args(["--measurement-time", &pair.seconds.to_string()])
                .args(["--warm-up-time", &(pair.seconds / 4.0).to_string()])
                .env("CRITERION_HOME", &self.results)
                .current_dir(package())
                .stdout(std::io::stderr());
            run(&mut command)?;
        }
        for measured in samples::read(&self.results, began)? {
            let best = self.best.entry(measured.name).or_insert(f64::INFINITY);
            *best = best.min(measured.best_ns);
        }
        Ok(())
    }
}

/// What cargo says of each thing it built.
#[derive(Deserialize)]
struct Message {
    target: Option<Target>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Target {
    kind: Vec<String>,
    name: String,
}

/// The program of a benchmark of criterion's.
fn benchmark(message: &str) -> Option<PathBuf> {
    let message: Message = serde_json::from_str(message).ok()?;
    let target = message.target?;
    let ours = target.kind.iter().any(|kind| kind == "bench") && target.name != NOT_CRITERION;
    message.executable.filter(|_| ours)
}

/// It reports by itself, and has nothing that could be compared by name.
const NOT_CRITERION: &str = "lab";

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            before,
            after,
            rows,
        } = self;
        writeln!(
            f,
            "{:44} {before:>12} {after:>12} {:>7}",
            "benchmark", "ratio"
        )?;
        for row in rows {
            writeln!(
                f,
                "{:44} {:>12} {:>12} {:>7.3}",
                row.name,
                time(row.before_ns),
                time(row.after_ns),
                row.after_ns / row.before_ns
            )?;
        }
        Ok(())
    }
}

/// Removes what [`compare`] laid out.
pub fn clean() -> Result<(), MeasureError> {
    let folder = target().join("compare");
    if Path::new(&folder).is_dir() {
        fs::remove_dir_all(&folder).map_err(file(&folder))?;
    }
    run(git().args(["worktree", "prune"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_benchmarks_of_criterion_are_run() {
        let message = |kind: &str, name: &str| {
            let target = format!(r#"{{"kind":["{kind}"],"name":"{name}"}}"#);
            format!(
                r#"{{"reason":"compiler-artifact","target":{target},"executable":"/a/{name}"}}"#
            )
        };
        assert_eq!(benchmark(&message("bench", "pdu")), Some("/a/pdu".into()));
        assert_eq!(benchmark(&message("bench", "lab")), None);
        assert_eq!(benchmark(&message("bin", "measure")), None);
        assert_eq!(benchmark(r#"{"reason":"build-finished"}"#), None);
    }

    #[test]
    fn a_comparison_is_told_in_a_table() {
        let comparison = Comparison {
            before: "0123456789ab".to_owned(),
            after: "ba9876543210".to_owned(),
            rows: vec![Row {
                name: "crypto/mac v4".to_owned(),
                before_ns: 200.0,
                after_ns: 150.0,
            }],
        };
        insta::assert_snapshot!(comparison);
    }
}

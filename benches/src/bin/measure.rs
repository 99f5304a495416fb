//! The tools around the benchmarks; CONTRIBUTING.md says when to use which.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use kmspec_benches::measure::MeasureError;
use kmspec_benches::measure::compare::{self, Pair};
use kmspec_benches::measure::instructions::{self, Numbers, Report};
use kmspec_benches::measure::table::{self, Choice};

/// Measures the hot paths.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all benchmarks and prints them in one table, each beside its limit.
    Table {
        /// Only benchmarks with this in their names.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
        /// Seconds for each benchmark; criterion takes five by itself.
        #[arg(long, value_name = "S")]
        seconds: Option<f64>,
        /// Do not run them; show what was measured last.
        #[arg(long)]
        last: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Builds two commits and runs their benchmarks in turns.
    Compare {
        /// The commit to compare with.
        before: String,
        /// The commit to be judged.
        #[arg(default_value = "HEAD")]
        after: String,
        /// Only benchmarks with this in their names.
        #[arg(long, value_name = "TEXT")]
        only: Option<String>,
        /// How often each runs.
        #[arg(long, default_value_t = 3)]
        rounds: u32,
        /// Seconds for each benchmark in each round.
        #[arg(long, value_name = "S", default_value_t = 1.0)]
        seconds: f64,
    },
    /// Removes the trees and builds that `compare` left below the target directory.
    Clean,
    /// Counts the instructions of the fixed workloads; fails where one grew by more than 5 %.
    Instructions {
        /// Write the counts to where they are committed instead of holding them to it.
        #[arg(long)]
        renew: bool,
    },
}

fn main() -> ExitCode {
    match work(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            // Nobody is left to be told that nobody can be told.
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Whether all is well.
fn work(command: Command) -> Result<bool, MeasureError> {
    match command {
        Command::Table {
            only,
            seconds,
            last,
            json,
        } => {
            let table = table::measure(&Choice {
                only,
                seconds,
                last,
            })?;
            say(if json {
                serde_json::to_string_pretty(&table).unwrap_or_default() + "\n"
            } else {
                table.to_string()
            });
            Ok(true)
        }
        Command::Compare {
            before,
            after,
            only,
            rounds,
            seconds,
        } => {
            let pair = Pair {
                before,
                after,
                only,
                rounds,
                seconds,
            };
            say(compare::compare(&pair)?.to_string());
            Ok(true)
        }
        Command::Clean => compare::clean().map(|()| true),
        Command::Instructions { .. } if !instructions::valgrind() => {
            say("skipped: needs valgrind\n".to_owned());
            Ok(true)
        }
        Command::Instructions { renew: true } => Numbers::count()?.commit().map(|()| true),
        Command::Instructions { renew: false } => {
            let report = Report::new(&Numbers::committed()?, &Numbers::count()?);
            say(report.to_string());
            Ok(report.holds())
        }
    }
}

fn say(text: String) {
    // A reader that has gone has read enough.
    let _ = io::stdout().write_all(text.as_bytes());
}

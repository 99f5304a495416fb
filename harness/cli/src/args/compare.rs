use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use kmspec_conformance::catalogue::Level;

use super::values::{ReportTo, level};

/// Show runs side by side, from their JSON reports, and what became worse; or join the reports of a run in parts.
///
/// The first file is what the others are held against: exit code 1 if a case that holds there is broken in a later file,
/// 2 if that cannot be judged because a run was not, or because a file lacks cases of the first.
///
/// With --merge the files are the JSON reports of all parts of one run (run --shard I/N --report json=FILE); the result is the
/// report of the whole, and the exit code that of the whole. Parts that overlap, that are missing, or that are of different runs
/// are refused with exit code 2.
#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct CompareArgs {
    /// JSON reports of runs.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// How to print: a table for people, or a JSON object.
    #[arg(long, value_enum, default_value_t = CompareFormat::Table, value_name = "FORMAT", conflicts_with = "merge")]
    pub(crate) format: CompareFormat,
    /// A line for each case, instead of each requirement.
    #[arg(long, conflicts_with = "merge")]
    pub(crate) cases: bool,
    /// Also lines that are the same in all files.
    #[arg(long, conflicts_with = "merge")]
    pub(crate) all: bool,
    /// Compare only what all files have, instead of taking what is missing for not judged.
    #[arg(long, conflicts_with = "merge")]
    pub(crate) common: bool,
    /// Lightest level at which a regression counts.
    #[arg(long, value_parser = level(), default_value = "must", value_name = "LEVEL", conflicts_with = "merge")]
    pub(crate) level: Level,
    /// Write a report, json=PATH or html=PATH. May be repeated.
    #[arg(long, value_name = "KIND=PATH", value_hint = ValueHint::AnyPath, conflicts_with = "merge")]
    pub(crate) report: Vec<ReportTo>,
    /// Join the reports of all parts of one run.
    #[arg(long, requires = "output")]
    pub(crate) merge: bool,
    /// With --merge: where to write the report of the whole.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "merge")]
    pub(crate) output: Option<PathBuf>,
}

/// How a comparison is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// A matrix.
    Table,
    /// One object.
    Json,
}

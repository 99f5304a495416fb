use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use kmspec_conformance::catalogue::{Level, Role};

use super::values::{ReportTo, either_role, level};

/// Print the exchanges of pcap and pcapng files, or judge them.
///
/// Opens every KMS exchange with the key set and prints a line for each. What comes before a damaged place is printed
/// all the same; the exit code is then 2. With --check nothing is printed but what breaks a requirement, with packet,
/// field and octets; the exit code is then 0, 1 or 2 as that of a run.
#[derive(Debug, clap::Args)]
pub(crate) struct DecodeArgs {
    /// Files, gzip or not; - for standard input.
    #[arg(required = true, value_name = "CAPTURE", value_hint = ValueHint::FilePath)]
    pub(crate) captures: Vec<PathBuf>,
    /// How to print: lines for people, or a JSON object a line.
    #[arg(long, value_enum, default_value_t = DecodeFormat::Table, value_name = "FORMAT")]
    pub(crate) format: DecodeFormat,
    /// Key set to open the messages with; without it, the lab's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) keys: Option<PathBuf>,
    /// Open no message: show only what needs no key.
    #[arg(long, conflicts_with = "keys")]
    pub(crate) structure: bool,
    /// Print the totals alone, which need no key: what is in a big file is known soonest.
    #[arg(long, conflicts_with_all = ["keys", "structure", "format", "check"])]
    pub(crate) summary: bool,
    #[command(flatten)]
    pub(crate) check: CheckArgs,
}

/// Judging what was recorded.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Judging what was recorded")]
pub(crate) struct CheckArgs {
    /// Judge instead of print: every requirement that recorded traffic shows, on hosts and clients.
    #[arg(long, conflicts_with = "structure")]
    pub(crate) check: bool,
    /// With --check: whom to judge.
    #[arg(long, value_parser = either_role(), default_value = "both", value_name = "ROLE")]
    pub(crate) role: Role,
    /// With --check: lightest level whose violations count.
    #[arg(long, value_parser = level(), default_value = "must", value_name = "LEVEL")]
    pub(crate) level: Level,
    /// With --check: write a report, json=PATH or junit=PATH. May be repeated.
    #[arg(long, value_name = "KIND=PATH", value_hint = ValueHint::AnyPath, requires = "check")]
    pub(crate) report: Vec<ReportTo>,
}

/// How exchanges are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeFormat {
    /// A line an exchange; with --check, text.
    Table,
    /// A JSON object an exchange; with --check, one object.
    Json,
}

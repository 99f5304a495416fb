use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};

/// Print the exchanges of pcap and pcapng files.
///
/// Opens every KMS exchange with the key set and prints a line for each. What comes before a damaged place is printed
/// all the same; the exit code is then 2.
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
}

/// How exchanges are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecodeFormat {
    /// A line an exchange.
    Table,
    /// A JSON object an exchange.
    Json,
}

use clap::ValueEnum;
use kmspec_conformance::catalogue::{Level, Role};

use super::values::{level, role};

/// List the requirements and their cases.
#[derive(Debug, clap::Args)]
pub(crate) struct ListArgs {
    /// How to print: lines for people, or one JSON document.
    #[arg(long, value_enum, default_value_t = ListFormat::Table, value_name = "FORMAT")]
    pub(crate) format: ListFormat,
    /// Only requirements whose id, or an alias of theirs, matches; * and ? are wildcards. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// Only those of this level or a heavier one.
    #[arg(long, value_parser = level(), value_name = "LEVEL")]
    pub(crate) level: Option<Level>,
    /// Only those that bind a host, or a client.
    #[arg(long, value_parser = role(), value_name = "ROLE")]
    pub(crate) role: Option<Role>,
}

/// Explain a requirement: what it asks, why, and which cases check it.
#[derive(Debug, clap::Args)]
pub(crate) struct ExplainArgs {
    /// Id of a requirement, a case or an alias, as `kmspec list` shows it.
    pub(crate) id: String,
}

/// How requirements are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// A line a requirement.
    Table,
    /// One JSON document.
    Json,
}

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use kmspec_model::Interval;
use kmspec_model::client::Edition;
use kmspec_model::fleet::Span;

use super::client::edition;
use super::lab::interval;

/// Simulate an organisation: machines that join, leave, are cloned or switched off, hosts that fail and return.
///
/// Months pass in seconds, by the same rules as the lab's client and host. Shows the machines by licence state over time,
/// what each host has to serve, and who lapses and why. The same seed gives the same figures.
///
/// Days are counted from 0, a Monday. What stands in the file of --scenario is beaten by what stands on the line.
#[derive(Debug, clap::Args)]
pub(crate) struct FleetArgs {
    /// Machines.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    pub(crate) clients: Option<u32>,
    /// Days to simulate; 365 unless given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) days: Option<u32>,
    /// What chance follows from; 1 unless given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
    /// A scenario in a TOML file: what these options say, with several hosts and their times without DNS.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) scenario: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) machines: FleetMachines,
    #[command(flatten)]
    pub(crate) hosts: FleetHosts,
    /// Bind, seal, send and verify each question; slower, and the figures are the same.
    #[arg(long)]
    pub(crate) wire: bool,
    /// How to print the report.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = FleetFormat::Table)]
    pub(crate) format: FleetFormat,
    /// Also plot it into a page: one HTML file that needs nothing else.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) html: Option<PathBuf>,
}

/// The machines.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Machines")]
pub(crate) struct FleetMachines {
    /// What is installed on them; lab-client-v6 unless given.
    #[arg(long, value_name = "EDITION", value_parser = edition())]
    pub(crate) edition: Option<&'static Edition>,
    /// Days within which they are set up; 7 unless given.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) join_days: Option<u32>,
    /// So many of them come from one disk that was not generalised, and count as one.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) cloned: Option<u32>,
    /// So many in a hundred leave for good within a year.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) leave: Option<u32>,
    /// So many in a hundred are switched on in office hours only.
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(0..=100))]
    pub(crate) office: Option<u32>,
    /// So many in a hundred are off once for so many days, as 5:200.
    #[arg(long, value_name = "PERCENT:DAYS", value_parser = away)]
    pub(crate) away: Option<(u32, u32)>,
}

/// The hosts.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Hosts")]
pub(crate) struct FleetHosts {
    /// Hosts, all of one priority; 1 unless given.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) hosts: Option<u16>,
    /// The first host is down from this day on for so many days, as 100+20; may be given several times.
    #[arg(long, value_name = "DAY+DAYS", value_parser = span)]
    pub(crate) down: Vec<Span>,
    /// Minutes hosts tell machines to wait that are not activated, 15 to 43200.
    #[arg(long, value_name = "MINUTES", value_parser = interval)]
    pub(crate) activation_interval: Option<Interval>,
    /// Minutes hosts tell machines to wait that are, 15 to 43200.
    #[arg(long, value_name = "MINUTES", value_parser = interval)]
    pub(crate) renewal_interval: Option<Interval>,
}

/// How a report is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FleetFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

fn span(text: &str) -> Result<Span, &'static str> {
    let days = text
        .split_once('+')
        .and_then(|(from, days)| Some((from.parse().ok()?, days.parse().ok()?)));
    match days {
        Some((from, days)) if days > 0 => Ok(Span::of_days(from, days)),
        _ => Err("a time is a day and a number of days, as in 100+20"),
    }
}

fn away(text: &str) -> Result<(u32, u32), &'static str> {
    let parts = text
        .split_once(':')
        .and_then(|(share, days)| Some((share.parse().ok()?, days.parse().ok()?)));
    match parts {
        Some((share @ 0..=100, days @ 1..)) => Ok((share, days)),
        _ => Err("machines that are away are a percentage and a number of days, as in 5:200"),
    }
}

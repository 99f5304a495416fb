use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;
use kmspec_conformance::catalogue::{Level, Role};
use kmspec_wire::pdu::SyntaxId;

use super::shard::ShardOf;
use super::values::{Octets, ReportTo, at_least_one, duration, interface, level, listen, role};

/// Judge a host: replay the recordings, run the suites, print the verdicts; or judge a client.
///
/// A client is judged by playing the host: it is started once for each case, as its target file says, or awaited with
/// --listen. What it finds in its environment, and what its exit status says, is in the README.
#[derive(Debug, clap::Args)]
pub(crate) struct RunArgs {
    /// What to judge: HOST:PORT, or a target file (TOML); without it, the lab host or client, started for the run.
    pub(crate) target: Option<String>,
    /// Judge whatever client connects here: IP:PORT, or a PORT of the loopback interface.
    #[arg(long, value_name = "ADDR", value_parser = listen, conflicts_with = "target")]
    pub(crate) listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(crate) select: SelectArgs,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    #[command(flatten)]
    pub(crate) how: HowArgs,
    #[command(flatten)]
    pub(crate) expect: ExpectArgs,
    #[command(flatten)]
    pub(crate) evidence: EvidenceArgs,
    /// Print a line for each case, too.
    #[arg(long, short)]
    pub(crate) verbose: bool,
}

/// Which cases.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Which cases")]
pub(crate) struct SelectArgs {
    /// Only this suite. May be repeated.
    #[arg(long, value_name = "SUITE")]
    pub(crate) suite: Vec<String>,
    /// Only cases whose id, or whose requirement's, matches; * and ? are wildcards. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub(crate) only: Vec<String>,
    /// No case whose id, or whose requirement's, matches. May be repeated.
    #[arg(long, value_name = "GLOB")]
    pub(crate) skip: Vec<String>,
    /// Only requirements on this role; without it, on what the target is.
    #[arg(long, value_parser = role(), value_name = "ROLE")]
    pub(crate) role: Option<Role>,
    /// Only requirements of this frozen set and the ones before it, so that a new case turns no old gate red.
    #[arg(long, value_name = "SET")]
    pub(crate) requirements: Option<String>,
    /// Only this part of all cases: the I-th of N, or auto for the one that the variables of the build or batch system name.
    /// A case's id decides, so that a new one moves no other. `kmspec compare --merge` joins the parts' reports.
    #[arg(long, value_name = "I/N|auto")]
    pub(crate) shard: Option<ShardOf>,
}

/// What is known of the target.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is known of the target")]
pub(crate) struct SubjectArgs {
    /// The target's key set; without it, the lab's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) keys: Option<PathBuf>,
    /// Judge the RPC layer of this interface instead of KMS.
    #[arg(long, value_name = "UUID/VERSION", value_parser = interface, requires = "stub")]
    pub(crate) interface: Option<SyntaxId>,
    /// The operation of --interface to call.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) opnum: u16,
    /// A request stub, as NDR32, that --interface answers without a fault; may be empty.
    #[arg(long, value_name = "HEX", requires = "interface")]
    pub(crate) stub: Option<Octets>,
    /// The target's clock is not to be relied on: skip what needs it.
    #[arg(long)]
    pub(crate) no_clock: bool,
}

/// How to run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to run")]
pub(crate) struct HowArgs {
    /// Lightest level whose failures fail the run.
    #[arg(long, value_parser = level(), default_value = "must", value_name = "LEVEL")]
    pub(crate) level: Level,
    /// Where all randomness comes from; the same seed gives the same octets.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Cases at the same time; without it 16, or 64 if the target is the lab host in this process.
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one)]
    pub(crate) jobs: Option<usize>,
    /// Longest wait for a connection, an answer, or the end of a connection.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Longest time until a client under test gives up a host that does not answer; its target file beats it.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub(crate) patience: Duration,
    /// Longest time for a case.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration)]
    pub(crate) case_timeout: Duration,
    /// Longest time for all of it; what is known by then is reported.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) run_timeout: Option<Duration>,
    /// Stop at the first failure.
    #[arg(long)]
    pub(crate) fail_fast: bool,
    /// Run each case so many times; one that comes out differently is flaky.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) repeat: usize,
}

/// What is known to fail.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is known to fail")]
pub(crate) struct ExpectArgs {
    /// A list of known failures of the target, each with its reason. What is wrong with the list fails the run.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) expect: Option<PathBuf>,
    /// Take entries that no longer fail out of the list, and add failures that are not in it.
    #[arg(long, requires = "expect")]
    pub(crate) update_expectations: bool,
    /// Entries that no longer fail are told, but do not fail the run.
    #[arg(long, requires = "expect")]
    pub(crate) allow_stale: bool,
}

/// What to leave behind.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to leave behind")]
pub(crate) struct EvidenceArgs {
    /// Write a report: json, junit, html or sarif to a file, or github to standard output and the step's summary. May be
    /// repeated.
    #[arg(long, value_name = "KIND[=PATH]", value_hint = ValueHint::AnyPath)]
    pub(crate) report: Vec<ReportTo>,
    /// For each case that did not hold write what went over the wire into this folder, as pcapng, and a bundle that
    /// `kmspec replay` repeats.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) transcripts: Option<PathBuf>,
}

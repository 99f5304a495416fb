use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{ValueEnum, ValueHint};
use kmspec_load::gate::Condition;
use kmspec_load::mix::Weighted;
use kmspec_load::schedule::Stage;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;

use super::values::{at_least_one, duration};

/// Put load on a host and measure how long its answers take.
///
/// Without --closed, requests are due at a rate that no slowness of the host changes, and latency counts from when a
/// request was due. Says when the generator itself is the bottleneck, and exits with 2 then.
#[derive(Debug, clap::Args)]
pub(crate) struct BenchArgs {
    /// What to put load on: HOST:PORT, or a target file (TOML); without it, the lab host, started for the run.
    pub(crate) target: Option<String>,
    #[command(flatten)]
    pub(crate) load: BenchLoadArgs,
    #[command(flatten)]
    pub(crate) asked: BenchAskedArgs,
    #[command(flatten)]
    pub(crate) limits: BenchLimitArgs,
    #[command(flatten)]
    pub(crate) judge: BenchJudgeArgs,
    #[command(flatten)]
    pub(crate) instead: BenchInsteadArgs,
}

/// How much, and when.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Load")]
pub(crate) struct BenchLoadArgs {
    /// Requests a second; with --profile fleet, on Monday morning. Without it, 1000.
    #[arg(long, value_name = "NUMBER", value_parser = rate, conflicts_with_all = ["closed", "stage"])]
    pub(crate) rate: Option<f64>,
    /// How requests follow each other; without it, constant, or poisson for a fleet.
    #[arg(long, value_name = "HOW", value_enum, conflicts_with = "closed")]
    pub(crate) arrivals: Option<BenchArrivals>,
    /// A closed loop: each answer brings the next request, as fast as it goes.
    #[arg(long)]
    pub(crate) closed: bool,
    /// How long to measure.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    pub(crate) duration: Duration,
    /// A stage, DURATION@LEVEL or DURATION@FROM..TO, in place of --duration and --rate. The level is requests a second,
    /// with --closed connections. May be repeated.
    #[arg(long, value_name = "STAGE", conflicts_with = "profile")]
    pub(crate) stage: Vec<Stage>,
    /// What comes before and is not measured; 0 for nothing.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration_or_none)]
    pub(crate) warm_up: Duration,
    /// What to pretend to be: a fleet goes through a week in --duration, Monday morning and renewal waves included.
    #[arg(long, value_name = "WHAT", value_enum, conflicts_with = "closed")]
    pub(crate) profile: Option<BenchProfile>,
    /// Connections at the same time, in an open loop at most; without it 16, or 256 for a fleet.
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one)]
    pub(crate) connections: Option<usize>,
    /// Requests of one connection that may wait for their answers, up to 256.
    #[arg(long, value_name = "NUMBER", default_value_t = 1, value_parser = at_least_one)]
    pub(crate) pipeline: usize,
    /// How long a connection is used; without it kept, or new for a fleet.
    #[arg(long, value_name = "USE", value_enum)]
    pub(crate) connection: Option<BenchReuse>,
    /// Threads that generate load; without it one a core, but no more than connections, and in a closed loop one core
    /// left to the target.
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,
}

/// What is asked for.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is asked for")]
pub(crate) struct BenchAskedArgs {
    /// The target's key set; without it, the lab's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) keys: Option<PathBuf>,
    /// Protocol versions with their weights, as in v4=1,v6=9; without it v6.
    #[arg(long, value_name = "MIX")]
    pub(crate) versions: Option<Weighted<Version>>,
    /// Transfer syntaxes with their weights, as in ndr32=1,ndr64=3; without it ndr32.
    #[arg(long, value_name = "MIX")]
    pub(crate) syntaxes: Option<Weighted<TransferSyntax>>,
    /// Sizes of a request's fragments with their weights, as in 64=1,5840=9.
    #[arg(long, value_name = "MIX")]
    pub(crate) fragments: Option<Weighted<u16>>,
    /// Clients, each with a client machine id of its own; without it 1000, or 10000 for a fleet.
    #[arg(long, value_name = "NUMBER", value_parser = at_least_one)]
    pub(crate) clients: Option<usize>,
    /// The part of the answers to open and verify: all, none, or a percentage. All are decoded.
    #[arg(long, value_name = "PART", default_value = "all", value_parser = part)]
    pub(crate) verify: f64,
}

/// Bounds.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Bounds")]
pub(crate) struct BenchLimitArgs {
    /// Longest wait for a connection or an answer.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub(crate) timeout: Duration,
    /// Most requests that are due and wait for a connection; more are dropped.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000, value_parser = at_least_one)]
    pub(crate) backlog: usize,
    /// A request that the generator hands out so much too late counts as late.
    #[arg(long, value_name = "DURATION", default_value = "1ms", value_parser = duration)]
    pub(crate) late: Duration,
    /// Where arrivals, client machine ids and salts come from.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Allow a target that is not on loopback: it is yours, and so is the network between.
    #[arg(long)]
    pub(crate) allow_remote: bool,
}

/// What to make of it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to make of it")]
pub(crate) struct BenchJudgeArgs {
    /// Exit with 1 if this is so: a figure, one of > >= < <=, a value, as in 'p99>5ms' or 'errors>0'. May be repeated.
    #[arg(long, value_name = "CONDITION")]
    pub(crate) fail_if: Vec<Condition>,
    /// Search for the highest rate at which this is so, as in 'p99<2ms'; --rate is where to begin.
    #[arg(long, value_name = "CONDITION", conflicts_with_all = ["closed", "stage", "profile"])]
    pub(crate) find_max: Option<Condition>,
    /// Write a report: json, html, or hlog (an `HdrHistogram` log). May be repeated.
    #[arg(long, value_name = "KIND=PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) report: Vec<BenchReportTo>,
}

/// What to do instead of a run.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Instead of a run of one's own")]
pub(crate) struct BenchInsteadArgs {
    /// Compare two JSON reports; exit with 1 if the second is slower.
    #[arg(long, num_args = 2, value_names = ["A", "B"], value_hint = ValueHint::FilePath, conflicts_with_all = ["target", "merge", "locust_master", "find_max", "report", "fail_if"])]
    pub(crate) compare: Vec<PathBuf>,
    /// In --compare, a change that may be smaller than this is none.
    #[arg(long, value_name = "PERCENT", default_value = "2%", value_parser = part)]
    pub(crate) tolerance: f64,
    /// Add up JSON reports of runs that went on at the same time, and report the sum.
    #[arg(long, num_args = 1.., value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["target", "locust_master", "find_max"])]
    pub(crate) merge: Vec<PathBuf>,
    /// Be a worker of this Locust master. Without TARGET, the load goes to what its --host says.
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["closed", "rate", "stage", "profile", "find_max", "fail_if"])]
    pub(crate) locust_master: Option<String>,
}

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchArrivals {
    /// At equal distances.
    Constant,
    /// At random, as those of many clients that know nothing of each other.
    Poisson,
}

/// What to pretend to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchProfile {
    /// A company's machines through a week.
    Fleet,
}

/// How long a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BenchReuse {
    /// As long as it holds.
    Kept,
    /// For one request.
    New,
}

/// A report to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BenchReportTo {
    pub(crate) kind: BenchReportKind,
    pub(crate) path: PathBuf,
}

/// Kinds of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BenchReportKind {
    /// Everything, for programs.
    Json,
    /// A page for a browser.
    Html,
    /// For the tools around `HdrHistogram`.
    Hlog,
}

impl FromStr for BenchReportTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "json" => BenchReportKind::Json,
            "html" => BenchReportKind::Html,
            "hlog" => BenchReportKind::Hlog,
            _ => return Err(REPORT_FORM.to_owned()),
        };
        if path.is_empty() {
            return Err(REPORT_FORM.to_owned());
        }
        let path = path.into();
        Ok(Self { kind, path })
    }
}

const REPORT_FORM: &str = "a report is json=PATH, html=PATH or hlog=PATH";

fn rate(text: &str) -> Result<f64, String> {
    let rate: Option<f64> = text.parse().ok();
    rate.filter(|rate| (0.001..=1e8).contains(rate))
        .ok_or_else(|| "a rate is a number of requests a second, as in 1000 or 0.5".to_owned())
}

fn duration_or_none(text: &str) -> Result<Duration, String> {
    match text {
        "0" | "0s" => Ok(Duration::ZERO),
        text => duration(text).map_err(|error| error.to_string()),
    }
}

fn part(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').map(str::parse::<f64>);
    match (text, percent) {
        ("all", _) => Ok(1.0),
        ("none", _) => Ok(0.0),
        (_, Some(Ok(percent))) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
        _ => Err("it is all, none, or a percentage from 0% to 100%".to_owned()),
    }
}

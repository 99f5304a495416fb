use std::path::PathBuf;
use std::time::Duration;

use clap::{Subcommand, ValueHint};
use kmspec_model::fault::Faults;

use super::values::{ReportTo, at_least_one, duration};

/// Fuzz a host over the wire: play sessions that nobody wrote, keep what shows something new, and tell what is wrong.
///
/// Looks for crashes, hangs, late answers, growth of a process of this machine, broken rules, honest calls that fail and
/// octets of other sessions.
/// What it finds is tried again, made small and written to a folder of its own at once, whatever ends the campaign.
/// Exit code 0 nothing found, 1 something found, 2 it could not be done.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct FuzzArgs {
    /// What to fuzz: HOST:PORT, or a target file (TOML); without it, the lab host, in a process of its own.
    pub(crate) target: Option<String>,
    /// The target's key set; without it, the lab's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) keys: Option<PathBuf>,
    /// Deliberate defects of the lab host, by name, with commas between them.
    #[arg(long, value_name = "NAMES", conflicts_with = "target")]
    pub(crate) fault: Option<Faults>,
    /// Fuzz a target that is not on the loopback interface. It may break, and what it serves with it.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    #[command(flatten)]
    pub(crate) how: CampaignArgs,
    #[command(flatten)]
    pub(crate) end: LimitArgs,
    #[command(flatten)]
    pub(crate) leave: LeaveArgs,
    #[command(flatten)]
    pub(crate) instead: InsteadArgs,
    #[command(subcommand)]
    pub(crate) command: Option<FuzzCommand>,
}

/// How to fuzz.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "How to fuzz")]
pub(crate) struct CampaignArgs {
    /// Where all chance comes from. The same seed makes the same sessions.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Sessions at the same time.
    #[arg(long, value_name = "NUMBER", default_value_t = 96, value_parser = at_least_one)]
    pub(crate) jobs: usize,
    /// Begin with this execution; without it, at 0, or where a campaign of the same seed left the corpus.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) start: Option<u64>,
    /// Folder of sessions that showed something new; several campaigns may share it.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) corpus: Option<PathBuf>,
    /// Compare answers with the lab host's, too: other classes of answer are findings.
    #[arg(long)]
    pub(crate) differential: bool,
    /// From when on an answer is late.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = duration)]
    pub(crate) slow: Duration,
}

/// When to end.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "When to end, if not at Ctrl-C")]
pub(crate) struct LimitArgs {
    /// After this long.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// After so many executions.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) max_execs: Option<u64>,
    /// At the first finding.
    #[arg(long)]
    pub(crate) until_finding: bool,
}

/// What to leave behind.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to leave behind")]
pub(crate) struct LeaveArgs {
    /// Folder of findings, a folder each; what is there is known.
    #[arg(long, value_name = "DIR", default_value = "kmspec-findings", value_hint = ValueHint::DirPath)]
    pub(crate) findings: PathBuf,
    /// Write a report: sarif or junit. May be repeated.
    #[arg(long, value_name = "KIND=PATH", value_hint = ValueHint::AnyPath)]
    pub(crate) report: Vec<ReportTo>,
    /// Write the target's state machine, as far as it was learnt: a graph if the name ends in .dot, JSON otherwise.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) states: Option<PathBuf>,
}

/// What to do instead of a campaign.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What to do instead")]
#[group(multiple = false)]
pub(crate) struct InsteadArgs {
    /// Try a finding again: exit code 1 if it shows.
    #[arg(long, value_name = "FINDING", value_hint = ValueHint::DirPath)]
    pub(crate) repro: Option<PathBuf>,
    /// Print where two state machines (JSON) differ: exit code 1 if they do.
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub(crate) diff_states: Option<Vec<PathBuf>>,
    /// Make seeds of captures, for campaigns and for cargo fuzz, and a dictionary; into the folder of --corpus.
    #[arg(long, value_name = "CAPTURE", num_args = 1.., requires = "corpus")]
    pub(crate) seeds: Option<Vec<PathBuf>>,
    /// Put the sessions of these corpora into that of --corpus, each once.
    #[arg(long, value_name = "DIR", num_args = 1.., requires = "corpus")]
    pub(crate) merge: Option<Vec<PathBuf>>,
}

/// What of findings.
#[derive(Debug, Subcommand)]
pub(crate) enum FuzzCommand {
    Promote(PromoteArgs),
}

/// Make a finding a case that is run for ever, and a seed of the fuzz targets.
///
/// Writes its session beside the regressions of the robustness suite, and its octets beside the seeds of the targets they
/// concern. Both are to be committed with what mends the finding.
#[derive(Debug, clap::Args)]
pub(crate) struct PromoteArgs {
    /// The finding's folder.
    #[arg(value_hint = ValueHint::DirPath)]
    pub(crate) finding: PathBuf,
    /// Root of the source tree.
    #[arg(long, value_name = "DIR", default_value = ".", value_hint = ValueHint::DirPath)]
    pub(crate) to: PathBuf,
}

use std::path::PathBuf;
use std::time::Duration;

use clap::{ValueEnum, ValueHint};

use super::SubjectArgs;
use super::values::duration;

/// Play recorded exchanges against a host, and compare its answers with the recorded ones, field by field.
///
/// What differs is shown side by side, with the reason where two lawful hosts may differ. A damaged capture is played up to
/// the damage.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Captures, and behind them perhaps what to judge: HOST:PORT, or a target file (TOML); without it, the lab host, at
    /// the recorded time.
    #[arg(required = true, value_name = "CAPTURE", value_hint = ValueHint::FilePath)]
    pub(crate) words: Vec<String>,
    /// How requests are played.
    #[arg(long, value_enum, default_value = "verbatim")]
    pub(crate) mode: ReplayMode,
    /// With refresh: renew the client machine ids, too.
    #[arg(long)]
    pub(crate) new_cmids: bool,
    /// The key set the captures were made under; without it, the lab's.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) capture_keys: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) subject: SubjectArgs,
    /// Where all randomness comes from; the same seed gives the same octets.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Longest wait for a connection or an answer.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

/// How requests are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayMode {
    /// The recorded octets as they are.
    Verbatim,
    /// Opened, renewed in time and IV, and sealed with the target's keys.
    Refresh,
}

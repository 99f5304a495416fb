use std::path::PathBuf;
use std::time::Duration;

use clap::{ValueEnum, ValueHint};

use super::SubjectArgs;
use super::values::duration;

/// Play recorded exchanges against a host, or repeat a failed case from its bundle.
///
/// Of a capture, every exchange is played, and the answers are compared with the recorded ones field by field. What differs is
/// shown side by side, with the reason where two lawful hosts may differ. A damaged capture is played up to the damage.
///
/// Of a bundle, which `run --transcripts` leaves for each case that did not hold, the case is run again with its seed and
/// settings: FIXED (exit code 0) if it holds now, FAILED (1) if it does not, and whether in the same way, ERROR (2) if that
/// could not be judged.
#[derive(Debug, clap::Args)]
pub(crate) struct ReplayArgs {
    /// Captures or bundles, and behind them perhaps what to judge: HOST:PORT, or a target file (TOML); without it, the lab
    /// host, at the recorded time.
    #[arg(required = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
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
    /// Of bundles: set the tester's clock to the recorded time, so that the tester sends the recorded octets. For targets
    /// whose clock is set to it, too.
    #[arg(long, help_heading = "How to run")]
    pub(crate) recorded_time: bool,
    /// Where all randomness comes from; the same seed gives the same octets. Without it 0, or a bundle's own.
    #[arg(long, value_name = "NUMBER", help_heading = "How to run")]
    pub(crate) seed: Option<u64>,
    /// Longest wait for a connection or an answer; without it 5s, or a bundle's own.
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "How to run")]
    pub(crate) timeout: Option<Duration>,
    /// Of bundles whose case still does not hold, write transcript and bundle into this folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath, help_heading = "What to leave behind")]
    pub(crate) transcripts: Option<PathBuf>,
}

/// How requests are played.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReplayMode {
    /// The recorded octets as they are.
    Verbatim,
    /// Opened, renewed in time and IV, and sealed with the target's keys.
    Refresh,
}

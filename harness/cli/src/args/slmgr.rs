use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{ArgGroup, ValueHint};
use kmspec_slmgr::Language;

/// Administer a lab host or client as the licence manager script does.
///
/// Acts on a lab host or client that runs (--control), or on the state file of one that does not (--state). Every verb of
/// the script is there, in both styles and any case; without one they are listed.
///
/// Exit codes: 0 done; 1 refused, and the result code is printed; 2 it could not be done.
#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("where").args(["control", "state"]).required(true))]
pub(crate) struct SlmgrArgs {
    /// Control connection of a lab host or client that runs.
    #[arg(long, value_name = "ADDR", requires = "token_file")]
    pub(crate) control: Option<SocketAddr>,
    /// File with the token of the control connection.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "control")]
    pub(crate) token_file: Option<PathBuf>,
    /// State file of a lab host or lab client that does not run.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<PathBuf>,
    /// Language of what is printed, en or ja; without it the locale's.
    #[arg(long, value_name = "LANGUAGE")]
    pub(crate) lang: Option<Language>,
    /// DNS server that a client asks for its host; without it those of the system are asked for addresses only.
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<SocketAddr>,
    /// Ask as somebody who is no administrator.
    #[arg(long)]
    pub(crate) not_elevated: bool,
    /// The verb and its value, as in -sai 60.
    #[arg(
        value_name = "VERB",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub(crate) words: Vec<String>,
}

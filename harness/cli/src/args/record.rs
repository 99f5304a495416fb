use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::ValueHint;

use super::values::{duration, listen};

/// Stand between clients and a host, and record what passes as pcapng.
///
/// Hands on every octet, half-close and reset, and needs no privileges. Runs until Ctrl-C or a bound; what has passed is
/// in the file whenever it ends. The address it listens on is printed first, and a line for each connection that has ended
/// goes to standard error.
#[derive(Debug, clap::Args)]
pub(crate) struct RecordArgs {
    /// Where clients connect to: IP:PORT, or a PORT of the loopback interface; port 0 for any free one.
    #[arg(long, value_name = "ADDR", value_parser = listen)]
    pub(crate) listen: SocketAddr,
    /// The host to hand on to: HOST:PORT.
    #[arg(long, value_name = "ADDR")]
    pub(crate) to: String,
    /// The pcapng file to write.
    #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: PathBuf,
    /// Overwrite the file if there is one.
    #[arg(long)]
    pub(crate) force: bool,
    /// Hand on to a host that is not on loopback, too.
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// End after this time.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) duration: Option<Duration>,
    /// End after so many connections.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_connections: Option<u64>,
    /// End after so many octets of all connections, both ways.
    #[arg(long, value_name = "NUMBER", default_value_t = 1 << 30, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_bytes: u64,
}

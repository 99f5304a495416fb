use std::net::SocketAddr;
use std::path::PathBuf;

use kmspec_dns::Fault;

use super::values;

/// Run a DNS server of a few names until Ctrl-C.
///
/// It serves its zones over UDP and TCP, takes dynamic updates from whoever sends them, and misbehaves as it is told. The
/// address it listens on is printed first, then a line for everything that it is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct DnsArgs {
    /// Address to listen on; anything but loopback is reachable by others, port 0 is any free one.
    #[arg(long, value_name = "ADDR", value_parser = values::listen, default_value = "127.0.0.1:5300")]
    pub(crate) listen: SocketAddr,
    /// Zone to serve, such as corp.example; may be repeated.
    #[arg(long, value_name = "NAME", required = true)]
    pub(crate) zone: Vec<String>,
    /// Record to serve, as `NAME [TTL] [IN] TYPE DATA`: "_vlmcs._tcp SRV 0 100 1688 kms01". Names without a last dot are
    /// below the first zone; may be repeated.
    #[arg(long, value_name = "RECORD")]
    pub(crate) record: Vec<String>,
    /// File with such records, one a line; what follows a semicolon is a comment.
    #[arg(long, value_name = "FILE")]
    pub(crate) records: Option<PathBuf>,
    /// How to misbehave: servfail, refused, nxdomain, empty, truncate, truncate-always, slow=TIME, cname, cname-loop,
    /// wrong-id, wrong-question, silent or no-updates; may be repeated.
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<Fault>,
}

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use super::{DnsArgs, SlmgrArgs};
use clap::{Subcommand, ValueHint};
use kmspec_model::fault::Faults;
use kmspec_model::{Interval, LabEpid, SettingError};

use super::client::ClientArgs;
use super::fleet::FleetArgs;

/// The lab: implementations to try things on, under the lab key set only.
#[derive(Debug, clap::Args)]
pub(crate) struct LabArgs {
    #[command(subcommand)]
    pub(crate) command: LabCommand,
}

/// What of the lab.
#[derive(Debug, Subcommand)]
pub(crate) enum LabCommand {
    Serve(Box<ServeArgs>),
    Dns(DnsArgs),
    Client(Box<ClientArgs>),
    Slmgr(SlmgrArgs),
    Fleet(Box<FleetArgs>),
}

/// Run the lab host until Ctrl-C.
///
/// It answers under the lab key set only, and every ePID of its has platform id 99999. The address it listens on is
/// printed first.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Address to listen on; anything but loopback is reachable by others.
    #[arg(long, value_name = "IP", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    pub(crate) listen: IpAddr,
    /// Port to listen on, 0 for any free one; without it the one of --state, or 1688.
    #[arg(long)]
    pub(crate) port: Option<u16>,
    /// ePID of every answer; its platform id must be 99999.
    #[arg(long, value_name = "EPID")]
    pub(crate) epid: Option<LabEpid>,
    /// Hardware id of every v6 answer: 16 hexadecimal digits.
    #[arg(long, value_name = "HEX", value_parser = hardware_id)]
    pub(crate) hwid: Option<[u8; 8]>,
    /// Minutes between attempts of a client that is not activated, 15 to 43200.
    #[arg(long, value_name = "MINUTES", value_parser = interval)]
    pub(crate) activation_interval: Option<Interval>,
    /// Minutes between renewals of a client that is, 15 to 43200.
    #[arg(long, value_name = "MINUTES", value_parser = interval)]
    pub(crate) renewal_interval: Option<Interval>,
    /// Clients that are counted already at the start.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) start_count: u32,
    /// What salts follow from, so that answers can be repeated octet by octet.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub(crate) seed: u64,
    /// Publish the host in this DNS zone, by dynamic updates; needs --dns.
    #[arg(long, value_name = "SUFFIX", requires = "dns")]
    pub(crate) publish: Option<String>,
    /// DNS server that takes the updates.
    #[arg(long, value_name = "IP:PORT", requires = "publish")]
    pub(crate) dns: Option<SocketAddr>,
    /// Most connections at once; one more ends the one that was idle longest.
    #[arg(long, value_name = "NUMBER", default_value_t = kmspec_lab::Settings::default().connections)]
    pub(crate) connections: usize,
    /// Deliberate defects, by name, with commas between them; `kmspec self-test` lists them.
    #[arg(long, value_name = "NAMES")]
    pub(crate) fault: Option<Faults>,
    /// File to remember key, activation, settings and counted clients in. Where it is not there yet, the host is one that
    /// was just set up: it has no key, and serves nobody until it is activated with kmspec lab slmgr.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<PathBuf>,
    /// Loopback address to take command lines of kmspec lab slmgr at; port 0 is any free one.
    #[arg(long, value_name = "ADDR", requires = "token_file")]
    pub(crate) control: Option<SocketAddr>,
    /// File with the token that a command line has to bring; made, for its owner alone, where it is not there.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "control")]
    pub(crate) token_file: Option<PathBuf>,
    /// End with this process: `kmspec fuzz` has started the host for itself alone, and may be killed.
    #[arg(long, value_name = "PID", hide = true)]
    pub(crate) parent: Option<u32>,
}

fn hardware_id(text: &str) -> Result<[u8; 8], String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let number = match digits.len() {
        16 if digits.bytes().all(|b| b.is_ascii_hexdigit()) => u64::from_str_radix(digits, 16).ok(),
        _ => None,
    };
    let number = number.ok_or("a hardware id is 16 hexadecimal digits, as in 3A1C049600B60076")?;
    Ok(number.to_be_bytes())
}

pub(super) fn interval(text: &str) -> Result<Interval, String> {
    let minutes: u32 = text.parse().map_err(|e| format!("{e}"))?;
    Interval::from_minutes(minutes).map_err(|e: SettingError| e.to_string())
}

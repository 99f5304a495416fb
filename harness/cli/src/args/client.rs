use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, ValueHint};
use kmspec_model::client::{EDITIONS, Edition, HostAddress};
use kmspec_slmgr::ProductKey;
use kmspec_wire::kms::{Version, WorkstationName};

use super::values::duration;

/// Run the lab client: find a host, ask it under the lab key set, verify the answer, remember the licence.
///
/// The machine is new each time, unless --state keeps what it remembers. A copy of that file is a clone of the machine.
///
/// Exit codes: 0 activated; 1 a host answered, and the machine is not activated; 2 no host answered, or it could not ask.
/// The result code is printed either way.
#[derive(Debug, clap::Args)]
#[command(group(ArgGroup::new("when").required(true).args(["once", "due", "run"])))]
pub(crate) struct ClientArgs {
    /// Activate now, and end.
    #[arg(long)]
    pub(crate) once: bool,
    /// Activate if the licence asks for it by now, and end. Where nothing is due nobody is asked, and the exit code is 0.
    #[arg(long)]
    pub(crate) due: bool,
    /// Activate whenever the licence asks for it, until Ctrl-C.
    #[arg(long)]
    pub(crate) run: bool,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
    #[command(flatten)]
    pub(crate) finding: FindingArgs,
    #[command(flatten)]
    pub(crate) time: TimeArgs,
    #[command(flatten)]
    pub(crate) control: ControlArgs,
}

/// How it is administered while it runs.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Administration, with --run")]
pub(crate) struct ControlArgs {
    /// Loopback address to take command lines of kmspec lab slmgr at; port 0 is any free one.
    #[arg(long, value_name = "ADDR", requires = "token_file", conflicts_with_all = ["once", "due"])]
    pub(crate) control: Option<SocketAddr>,
    /// File with the token that a command line has to bring; made, for its owner alone, where it is not there.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "control")]
    pub(crate) token_file: Option<PathBuf>,
}

/// What the machine is.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Machine")]
pub(crate) struct MachineArgs {
    /// Edition that is installed; that of the key if one is given, lab-client-v6 otherwise.
    #[arg(long, value_name = "EDITION", value_parser = edition())]
    pub(crate) edition: Option<&'static Edition>,
    /// Product key to install: the setup key of the edition, any that starts with LAB, or one that stands for a MAK.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Option<ProductKey>,
    /// Version of the protocol to speak: 4, 5 or 6; the edition's unless given.
    #[arg(long, value_name = "VERSION", value_parser = protocol)]
    pub(crate) protocol: Option<Version>,
    /// Name of the machine, as the host gets it.
    #[arg(long, value_name = "NAME", default_value = "lab-client")]
    pub(crate) workstation: WorkstationName,
    /// Say to be a virtual machine.
    #[arg(long)]
    pub(crate) vm: bool,
    /// File that keeps what the machine remembers; made if it is not there, and replaced as a whole.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) state: Option<PathBuf>,
    /// What the machine's id and its requests follow from, so that they can be repeated; another one each time unless given.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,
}

/// Where it looks for a host.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Host")]
pub(crate) struct FindingArgs {
    /// Host to register, which beats DNS: NAME, IPv4 or `[IPv6]`, each with :PORT unless that is 1688.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) host: Option<HostAddress>,
    /// Forget the host that --state has registered, and ask DNS.
    #[arg(long, conflicts_with = "host", requires = "state")]
    pub(crate) forget_host: bool,
    /// DNS server to ask: IP:PORT.
    #[arg(long, value_name = "ADDR")]
    pub(crate) dns: Option<SocketAddr>,
    /// Primary DNS suffix: where hosts are looked for first.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) suffix: Option<String>,
    /// Active Directory domain of the machine: where they are looked for next.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) domain: Option<String>,
    /// Domain assigned by DHCP (option 15), which a machine outside a domain heeds.
    #[arg(long, value_name = "DOMAIN")]
    pub(crate) dhcp_domain: Option<String>,
    /// Longest to wait for a connection, or for the next octets of an answer.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration)]
    pub(crate) timeout: Duration,
}

/// The machine's clock.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Clock")]
pub(crate) struct TimeArgs {
    /// Time of day at the start, in seconds since 1970-01-01 UTC; the system's unless given.
    #[arg(long, value_name = "SECONDS")]
    pub(crate) clock: Option<u64>,
    /// How many times as fast the clock runs: with 3600, two hours pass in two seconds.
    #[arg(long, value_name = "FACTOR", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) speed: u32,
}

pub(super) fn edition() -> impl TypedValueParser<Value = &'static Edition> {
    let ids = EDITIONS.iter().map(|edition| edition.id);
    PossibleValuesParser::new(ids)
        .try_map(|id| Edition::named(&id).ok_or("there is no such edition"))
}

fn protocol(text: &str) -> Result<Version, &'static str> {
    match text {
        "4" => Ok(Version::V4),
        "5" => Ok(Version::V5),
        "6" => Ok(Version::V6),
        _ => Err("the versions are 4, 5 and 6"),
    }
}

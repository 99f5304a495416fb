//! Clients as targets: the lab's, one of a target file, or whatever connects.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use kmspec_embedded::LabMachines;
use kmspec_runner::Target;
use kmspec_runner::target::client::{ClientProgram, ClientSource, Statuses};
use kmspec_runner::target::{ClientTarget, file};

use crate::args::RunArgs;
use crate::failure::Failure;
use crate::input;
use crate::output::tell;

/// The client that the command line means, made out; without TARGET and --listen the lab client.
pub(crate) fn client(args: &RunArgs) -> Result<Target, Failure> {
    let usual = args.how.patience;
    match (args.target.as_deref(), args.listen) {
        (Some(name), _) if super::is_file(name) => from_file(Path::new(name), args),
        (Some(name), _) => Err(Failure::Usage(format!(
            "{name:?} is no client: give a target file with role = \"client\" and start, or --listen ADDR to judge what connects"
        ))),
        (None, Some(address)) => {
            let keys = Arc::new(input::keys(args.subject.keys.as_deref())?);
            let address = free(address)?;
            tell(format_args!("waiting for the client at {address}"));
            let client = ClientTarget {
                source: ClientSource::Awaited(address),
                statuses: Statuses::default(),
                patience: usual,
            };
            Ok(Target::client(format!("client at {address}"), client, keys))
        }
        (None, None) => {
            let machines = LabMachines::seeded(args.how.seed);
            let keys = Arc::new(input::keys(args.subject.keys.as_deref())?);
            Ok(machines.target("lab client", keys))
        }
    }
}

/// The address with its real port. Where nobody can listen nothing can be judged: that is one line, and not one for each
/// case.
fn free(address: SocketAddr) -> Result<SocketAddr, Failure> {
    let bound = TcpListener::bind(address).and_then(|socket| socket.local_addr());
    bound.map_err(|error| {
        let message = format!("--listen: cannot listen on {address}: {error}; give another");
        Failure::Usage(message)
    })
}

fn from_file(path: &Path, args: &RunArgs) -> Result<Target, Failure> {
    let parsed = file::ClientFile::parse(&input::text(path)?);
    let file = parsed.map_err(|error| super::in_file(path, error))?;
    let beside = file.keys.map(|keys| super::beside(path, &keys));
    // The command line beats the file.
    let keys = args.subject.keys.as_deref().or(beside.as_deref());
    let named = keys.map(|keys| std::path::absolute(keys).unwrap_or_else(|_| keys.to_owned()));
    let keys = Arc::new(input::keys(keys)?);
    let name = format!("client {}", file.start.join(" "));
    let program = ClientProgram::new(file.start, file.verbs, named);
    let client = ClientTarget {
        source: ClientSource::Started(Arc::new(program)),
        statuses: file.statuses,
        patience: file.patience.unwrap_or(args.how.patience),
    };
    Ok(Target::client(name, client, keys))
}

/// Whether a target file is one of a client. What cannot be read is for whoever reads it as the one or the other to tell.
pub(crate) fn is_client(path: &Path) -> bool {
    input::text(path).is_ok_and(|text| file::is_client(&text))
}

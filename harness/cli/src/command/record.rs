use std::fs::{File, OpenOptions};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use kmspec_runner::Exit;
use kmspec_runner::proxy::{self, Bounds, ProxyError};
use tokio::net::TcpListener;

use crate::args::RecordArgs;
use crate::command::interrupt::Interrupted;
use crate::failure::Failure;
use crate::output::{Output, complain, tell};

/// `kmspec record`.
pub(crate) fn record(args: &RecordArgs, output: &mut Output) -> Result<Exit, Failure> {
    let host = host(args)?;
    let bounds = Bounds {
        duration: args.duration,
        connections: args.max_connections,
        bytes: args.max_bytes,
    };
    super::runtime()?.block_on(async {
        let mut interrupted = Interrupted::watch().map_err(Failure::Runtime)?;
        let listener = TcpListener::bind(args.listen).await;
        let listener = listener.map_err(|error| {
            Failure::Usage(format!("cannot listen on {}: {error}", args.listen))
        })?;
        let address = listener.local_addr().map_err(Failure::Runtime)?;
        // Last of all: nobody wants an empty file of a recording that could not begin.
        let file = create(args)?;
        output.line(format_args!("listening on {address}"))?;
        output.flush()?;
        let stop = interrupted.wait();
        let totals = proxy::record(listener, host, file, bounds, stop, |passed| tell(passed)).await;
        let totals = totals.map_err(|error| match error {
            ProxyError::Write(source) => Failure::Write {
                file: args.output.clone(),
                source,
            },
            ProxyError::Accept(_) => Failure::Usage(format!("{address}: {error}")),
        })?;
        tell(format_args!(
            "{}: {} connections, {} octets",
            args.output.display(),
            totals.recorded,
            totals.bytes
        ));
        if totals.recorded > 0 {
            return Ok(Exit::Holds);
        }
        let why = match totals.unreachable {
            0 => "no connection came".to_owned(),
            _ => format!("{host} could not be reached"),
        };
        let file = args.output.display();
        complain(format_args!("{file}: nothing was recorded: {why}"));
        Ok(Exit::NotJudged)
    })
}

/// Where to hand on to; nobody else's machine by mistake.
fn host(args: &RecordArgs) -> Result<SocketAddr, Failure> {
    let to = &args.to;
    let addresses: Vec<SocketAddr> = to
        .to_socket_addrs()
        .map_err(|error| Failure::Usage(format!("--to {to}: {error}; it is HOST:PORT")))?
        .collect();
    let remote = addresses.iter().find(|address| !address.ip().is_loopback());
    match (addresses.first(), remote) {
        (None, _) => Err(Failure::Usage(format!("--to {to}: it has no address"))),
        (_, Some(remote)) if !args.allow_remote => Err(Failure::Usage(format!(
            "--to {to}: {remote} is not on loopback; give --allow-remote if it is yours to use"
        ))),
        (Some(first), _) => Ok(*first),
    }
}

fn create(args: &RecordArgs) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        options.create_new(true);
    }
    let file = &args.output;
    options.open(file).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::Usage(format!(
            "{}: there is such a file; give --force to overwrite it",
            file.display()
        )),
        _ => Failure::Write {
            file: file.clone(),
            source,
        },
    })
}

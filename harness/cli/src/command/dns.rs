use std::fs;
use std::io;

use kmspec_dns::{Authority, DnsServer, StartError, Zone};
use kmspec_runner::Exit;

use crate::args::DnsArgs;
use crate::command::interrupt::Interrupted;
use crate::failure::Failure;
use crate::output::{Output, tell};

/// `kmspec lab dns`.
pub(crate) fn dns(args: DnsArgs, output: &mut Output) -> Result<Exit, Failure> {
    let authority = authority(&args)?;
    super::runtime()?.block_on(async {
        let mut interrupted = Interrupted::watch().map_err(Failure::Runtime)?;
        let server = DnsServer::start(args.listen, authority).await;
        let server = server.map_err(|error| cannot_listen(&error))?;
        output.line(format_args!("listening on {}", server.address()))?;
        output.flush()?;
        let mut seen = 0;
        loop {
            tokio::select! {
                () = interrupted.wait() => break,
                () = server.more(seen) => {
                    let (count, events) = server.events(seen);
                    seen = count;
                    for event in events {
                        output.line(event)?;
                    }
                    output.flush()?;
                }
            }
        }
        tell("stopping");
        Ok(Exit::Holds)
    })
}

/// The zones with all their records.
fn authority(args: &DnsArgs) -> Result<Authority, Failure> {
    let zones: Result<Vec<Zone>, _> = args.zone.iter().map(|name| Zone::new(name)).collect();
    let zones = zones.map_err(|error| Failure::Usage(format!("--zone: {error}")))?;
    let mut authority = Authority::new(zones);
    for line in &args.record {
        let added = authority.add_line(line);
        added.map_err(|error| Failure::Usage(format!("--record: {error}")))?;
    }
    if let Some(file) = &args.records {
        let text = fs::read_to_string(file);
        let text = text.map_err(|source| Failure::Read {
            file: file.clone(),
            source,
        })?;
        let mut offset = 0;
        for line in text.split_inclusive('\n') {
            let record = line.split(';').next().unwrap_or_default().trim();
            if !record.is_empty() {
                let added = authority.add_line(record);
                added
                    .map_err(|error| Failure::at(file.clone(), &text, offset, error.to_string()))?;
            }
            offset += line.len();
        }
    }
    authority.set_faults(args.fault.clone());
    Ok(authority)
}

fn cannot_listen(error: &StartError) -> Failure {
    let advice = match error.source.kind() {
        io::ErrorKind::AddrInUse => "give --listen another port, or 0 for any free one",
        io::ErrorKind::PermissionDenied => "give --listen a port above 1023",
        io::ErrorKind::AddrNotAvailable => "give --listen an address of this machine",
        _ => return Failure::Usage(error.to_string()),
    };
    Failure::Usage(format!("{error}; {advice}"))
}

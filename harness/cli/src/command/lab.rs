mod client;

pub(crate) use client::client;

use std::io;
use std::net::SocketAddr;

use kmspec_lab::{Ended, LabHost, Listen, Settings, StartError};
use kmspec_model::Clock;

use crate::args::ServeArgs;
use crate::command::interrupt::Interrupted;
use crate::failure::Failure;
use crate::output::{Output, tell};
use kmspec_runner::Exit;

/// `kmspec lab serve`.
pub(crate) fn serve(args: ServeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let settings = settings(args);
    super::runtime()?.block_on(async {
        let mut interrupted = Interrupted::watch().map_err(Failure::Runtime)?;
        let host = LabHost::start(settings).await.map_err(cannot_listen)?;
        output.line(format_args!("listening on {}", host.address()))?;
        output.flush()?;
        tokio::select! {
            () = interrupted.wait() => {}
            ended = host.ended() => {
                let how = format!("the lab host {}", if ended == Ended::Crashed { "died of its fault" } else { "ended" });
                return Err(Failure::Usage(how));
            }
        }
        tell("stopping");
        host.stop().await;
        Ok(Exit::Holds)
    })
}

fn settings(args: ServeArgs) -> Settings {
    let defaults = kmspec_model::Settings::default();
    let host = kmspec_model::Settings {
        epid: args.epid.unwrap_or(defaults.epid),
        hardware_id: args.hwid.unwrap_or(defaults.hardware_id),
        activation_interval: args
            .activation_interval
            .unwrap_or(defaults.activation_interval),
        renewal_interval: args.renewal_interval.unwrap_or(defaults.renewal_interval),
        start_count: args.start_count,
        seed: args.seed,
        clock: Clock::Given,
        faults: args.fault.unwrap_or_default(),
        ..kmspec_model::Settings::default()
    };
    Settings {
        listen: Listen::Address(SocketAddr::new(args.listen, args.port)),
        host,
        connections: args.connections,
    }
}

fn cannot_listen(error: StartError) -> Failure {
    let advice = match error.source.kind() {
        io::ErrorKind::AddrInUse => "give another --port, or 0 for any free one",
        io::ErrorKind::PermissionDenied => "give a --port above 1023",
        io::ErrorKind::AddrNotAvailable => "give an address of this machine to --listen",
        _ => return Failure::Usage(error.to_string()),
    };
    Failure::Usage(format!("{error}; {advice}"))
}

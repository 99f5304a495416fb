mod client;
mod fleet;

pub(crate) use client::{client, seed};
pub(crate) use fleet::fleet;

use std::io;
use std::net::SocketAddr;
use std::path::Path;

use kmspec_lab::control::{ControlServer, Token};
use kmspec_lab::state::{HostState, StateError, StateFile};
use kmspec_lab::{Ended, LabHost, Listen, Publish, Settings, StartError};
use kmspec_model::Clock;
use kmspec_slmgr::DEFAULT_PORT;

use crate::args::ServeArgs;
use crate::command::interrupt::{self, Interrupted};
use crate::command::slmgr::now;
use crate::failure::Failure;
use crate::output::{Output, tell};
use kmspec_runner::Exit;

/// `kmspec lab serve`.
pub(crate) fn serve(args: ServeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let control = args.control.zip(token(args.token_file.as_deref())?);
    let kept = args.state.as_deref().map(kept).transpose()?;
    let port = kept.as_ref().and_then(|(state, _)| state.as_ref()?.port());
    let parent = args.parent;
    let settings = settings(args, port)?;
    super::runtime()?.block_on(async {
        let mut interrupted = Interrupted::watch().map_err(Failure::Runtime)?;
        let host = start(settings, kept).await?;
        output.line(format_args!("listening on {}", host.address()))?;
        let _control = match control {
            None => None,
            Some((address, token)) => {
                let server = ControlServer::start(address, token, host.controls()).await;
                let server = server.map_err(|error| cannot_control(address, &error))?;
                output.line(format_args!("control on {}", server.address()))?;
                Some(server)
            }
        };
        output.flush()?;
        if !host.is_activated() {
            tell("the host is not activated and serves nobody; see kmspec lab slmgr --help");
        }
        let mut in_dns = host.in_dns();
        loop {
            tokio::select! {
                () = interrupted.wait() => break,
                () = interrupt::orphaned(parent) => break,
                Ok(()) = in_dns.changed() => tell(in_dns.borrow_and_update().clone()),
                ended = host.ended() => {
                    let how = if ended == Ended::Crashed { "died of its fault" } else { "ended" };
                    return Err(Failure::Usage(format!("the lab host {how}")));
                }
            }
        }
        tell("stopping");
        host.stop().await;
        Ok(Exit::Holds)
    })
}

/// The host, with what it remembers. One that is new to its file is written down once it listens.
async fn start(settings: Settings, kept: Option<KeptState>) -> Result<LabHost, Failure> {
    let Some((state, file)) = kept else {
        return LabHost::start(settings).await.map_err(cannot_listen);
    };
    let new = state.is_none();
    let state = state.unwrap_or_else(|| HostState::bare(&settings.host, now()));
    let host = LabHost::resume(settings, state, file).await;
    let host = host.map_err(cannot_listen)?;
    if new {
        let kept = host.keep();
        kept.map_err(|error| Failure::Usage(error.to_string()))?;
    }
    Ok(host)
}

/// What a file has, and the file.
type KeptState = (Option<HostState>, StateFile<HostState>);

/// The state of a file, if it has one, and the file.
fn kept(path: &Path) -> Result<KeptState, Failure> {
    let wrong = |error: StateError| Failure::Usage(error.to_string());
    let file = StateFile::open(path).map_err(wrong)?;
    let state = file.load().map_err(wrong)?;
    Ok((state, file))
}

/// The token of a file, made where it is not there.
fn token(file: Option<&Path>) -> Result<Option<Token>, Failure> {
    let token = file.map(Token::read_or_make).transpose();
    token.map_err(|error| Failure::Usage(error.to_string()))
}

fn cannot_control(address: SocketAddr, error: &io::Error) -> Failure {
    Failure::Usage(format!("--control {address}: {error}"))
}

/// The settings, with the port that was set before unless the command line has one.
fn settings(args: ServeArgs, port: Option<u16>) -> Result<Settings, Failure> {
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
    let place = args.publish.zip(args.dns);
    let place = place.map(|(suffix, server)| Publish::new(&suffix, server));
    let publish = place.transpose();
    Ok(Settings {
        listen: Listen::Address(SocketAddr::new(
            args.listen,
            args.port.or(port).unwrap_or(DEFAULT_PORT),
        )),
        host,
        connections: args.connections,
        publish: publish.map_err(|error| Failure::Usage(format!("--publish: {error}")))?,
    })
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

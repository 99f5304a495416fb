use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kmspec_dns::Resolver;
use kmspec_lab::client::{
    ActivateError, ClientClock, ClientState, DnsLookup, Forget, LabClient, Lookup, Store, Timeouts,
};
use kmspec_lab::control::{ControlServer, Token};
use kmspec_lab::state::{StateError, StateFile};
use kmspec_model::client::{
    ActivationResult, Client, Edition, Machine, NotAsking, Outcome, Standing, State,
};
use kmspec_slmgr::HostName;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, LicenseStatus};

use super::{cannot_control, token};
use crate::args::{ClientArgs, FindingArgs, MachineArgs, TimeArgs};
use crate::command::interrupt::Interrupted;
use crate::failure::{Failure, one_line};
use crate::output::Output;
use kmspec_runner::Exit;

/// `kmspec lab client`.
pub(crate) fn client(args: ClientArgs, output: &mut Output) -> Result<Exit, Failure> {
    crate::command::runtime()?.block_on(async {
        let lookup = args
            .finding
            .dns
            .map(|server| DnsLookup::of(Resolver::new(server)));
        resolves(&args.finding, &lookup).await?;
        match &args.machine.state {
            Some(path) => {
                let file = StateFile::<ClientState>::open(path).map_err(store)?;
                let known = file.client().map_err(store)?;
                go(args, known, lookup, file, output).await
            }
            None => go(args, None, lookup, Forget, output).await,
        }
    })
}

async fn go<L: Lookup + 'static, S: Store + 'static>(
    args: ClientArgs,
    known: Option<State>,
    lookup: L,
    keep: S,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let token = token(args.control.token_file.as_deref())?;
    let token = args.control.control.zip(token);
    let clock = clock(&args.time);
    let seed = args.machine.seed.unwrap_or_else(seed);
    let mut client = machine(&args.machine, known, clock.now(), seed)?;
    find_with(&mut client, &args.finding);
    let timeouts = Timeouts {
        connect: args.finding.timeout,
        answer: args.finding.timeout,
    };
    // Before anything is kept: a machine that does not ask has nothing to run for.
    if let Err(why) = client.request(clock.now()) {
        return Err(not_asking(why));
    }
    let client = LabClient::start(client, lookup, keep, clock, timeouts).map_err(store)?;
    if args.run {
        let client = Arc::new(client);
        let _control = controlled(&client, token, output).await?;
        return run(&client, output).await;
    }
    let waits = client.look(|client, now| client.due().filter(|due| *due > now));
    match waits {
        Some(due) if args.due => {
            output.line(format_args!("nothing is due until {}", seconds(due)))?;
            Ok(Exit::Holds)
        }
        _ => once(&client, output).await,
    }
}

/// A machine that asks nobody, and what to do about it.
fn not_asking(why: NotAsking) -> Failure {
    Failure::Usage(match why {
        NotAsking::Service(_) => format!("{why}; start it with kmspec lab slmgr service running"),
        _ => why.to_string(),
    })
}

fn clock(args: &TimeArgs) -> ClientClock {
    let clock = match args.clock {
        Some(seconds) => {
            let nanos = seconds.saturating_mul(1_000_000_000);
            ClientClock::starting_at(FileTime::from_unix_nanos(nanos))
        }
        None => ClientClock::system(),
    };
    clock.times(args.speed)
}

/// Takes command lines, if it is told where.
async fn controlled<L: Lookup + 'static, S: Store + 'static>(
    client: &Arc<LabClient<L, S>>,
    place: Option<(SocketAddr, Token)>,
    output: &mut Output,
) -> Result<Option<ControlServer>, Failure> {
    let Some((address, token)) = place else {
        return Ok(None);
    };
    let server = ControlServer::start(address, token, Arc::clone(client)).await;
    let server = server.map_err(|error| cannot_control(address, &error))?;
    output.line(format_args!("control on {}", server.address()))?;
    output.flush()?;
    Ok(Some(server))
}

async fn once<L: Lookup, S: Store>(
    client: &LabClient<L, S>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let outcome = client.activate().await.map_err(|error| match error {
        ActivateError::Store(error) => store(error),
        ActivateError::NotAsking(why) => not_asking(why),
    })?;
    show(client, &outcome, output)?;
    Ok(match outcome.result {
        ActivationResult::Activated { .. } => Exit::Holds,
        ActivationResult::TooFew { .. }
        | ActivationResult::Refused(_)
        | ActivationResult::Unverified(_) => Exit::Fails,
        ActivationResult::NoHost => Exit::NotJudged,
    })
}

async fn run<L: Lookup, S: Store>(
    client: &LabClient<L, S>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let mut interrupted = Interrupted::watch().map_err(Failure::Runtime)?;
    let mut failed = None;
    let runs = client.run(|client, outcome| {
        let shown = show(client, outcome, output).and_then(|()| output.flush());
        failed = failed.take().or(shown.err());
    });
    let ended = tokio::select! {
        ended = runs => ended.map_err(store),
        () = interrupted.wait() => Ok(()),
    };
    match failed {
        Some(failure) => Err(failure),
        None => ended.map(|()| Exit::Holds),
    }
}

/// The machine: what its file has, and what the command line adds.
fn machine(
    args: &MachineArgs,
    known: Option<State>,
    now: FileTime,
    seed: u64,
) -> Result<Client, Failure> {
    let of_key = args.key.as_ref().and_then(Edition::of_setup_key);
    let mut client = if let Some(state) = known {
        let installed = state.machine.edition;
        if let Some(other) = args.edition.filter(|edition| *edition != installed) {
            let message =
                format!("--edition {other}: the machine of the state file has {installed}");
            return Err(Failure::Usage(message));
        }
        Client::restore(state, now, seed)
    } else {
        let edition = args.edition.or(of_key).or(Edition::named("lab-client-v6"));
        let mut machine =
            Machine::of(edition.ok_or_else(|| Failure::Usage("no edition".to_owned()))?);
        machine.workstation = args.workstation;
        machine.is_virtual = args.vm;
        Client::new(machine, now, seed)
    };
    if let Some(version) = args.protocol {
        client.speak(version);
    }
    if let Some(key) = &args.key {
        let installed = client.install_key(key, now);
        installed.map_err(|error| Failure::Usage(format!("--key: {error}")))?;
    }
    Ok(client)
}

fn find_with(client: &mut Client, args: &FindingArgs) {
    if let Some(host) = &args.host {
        client.register(host.clone());
    }
    if args.forget_host {
        client.forget_host();
    }
    let mut suffixes = client.state().discovery.suffixes.clone();
    suffixes.primary = args.suffix.clone().or(suffixes.primary);
    suffixes.domain = args.domain.clone().or(suffixes.domain);
    suffixes.dhcp = args.dhcp_domain.clone().or(suffixes.dhcp);
    client.set_suffixes(suffixes);
}

/// A host that is registered by a name has one: whoever mistypes it learns so before anything is changed.
async fn resolves(args: &FindingArgs, lookup: &impl Lookup) -> Result<(), Failure> {
    if let Some(host) = &args.host
        && let HostName::Name(name) = &host.host
        && let Err(error) = lookup.addresses(name).await
    {
        return Err(Failure::Usage(one_line(&format!("--host {name}: {error}"))));
    }
    Ok(())
}

fn show<L: Lookup, S: Store>(
    client: &LabClient<L, S>,
    outcome: &Outcome,
    output: &mut Output,
) -> Result<(), Failure> {
    for tried in &outcome.tried {
        output.line(format_args!("tried {tried}"))?;
    }
    let code = outcome.result.hresult();
    let host = outcome
        .host
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    match &outcome.result {
        ActivationResult::Activated { count, .. } => {
            output.line(format_args!("activated by {host}, which has counted {count} machines"))?;
        }
        ActivationResult::TooFew { count, needed } => output.line(format_args!(
            "not activated: 0x{:08X}, {host} has counted {count} of the {needed} machines that are needed",
            code.0
        ))?,
        ActivationResult::Refused(_) => output.line(format_args!(
            "not activated: 0x{:08X}, {host} refuses: {}",
            code.0,
            code.meaning().unwrap_or("It does not say why.")
        ))?,
        ActivationResult::Unverified(why) => output.line(format_args!(
            "not activated: 0x{:08X}, the response of {host} is rejected: {why}",
            code.0
        ))?,
        ActivationResult::NoHost => {
            let code = HResult::NO_HOST_CONTACTED.0;
            output.line(format_args!("not activated: 0x{code:08X}, no host could be contacted"))?;
        }
    }
    let (standing, now, due) = client.look(|client, now| (client.standing(now), now, client.due()));
    output.line(stands(standing, now))?;
    match due {
        Some(due) => output.line(format_args!("next attempt {}", seconds(due))),
        None => Ok(()),
    }
}

/// The licence in a line.
fn stands(standing: Standing, now: FileTime) -> String {
    let status = match standing.status {
        LicenseStatus::UNLICENSED => "unlicensed",
        LicenseStatus::LICENSED => "licensed",
        LicenseStatus::OOB_GRACE => "in out-of-box grace",
        LicenseStatus::OOT_GRACE => "in out-of-tolerance grace",
        _ => "in notification (reduced functionality)",
    };
    let minutes = standing.minutes_left(now);
    match standing.until {
        Some(until) => format!(
            "{status} until {}: {minutes} minutes ({} days)",
            seconds(until),
            Standing::whole_days(minutes)
        ),
        None => status.to_owned(),
    }
}

/// A time as people want it, without its fraction.
const fn seconds(time: FileTime) -> FileTime {
    time.minus(time.0 % FileTime::SECOND)
}

/// Another one each time.
pub(crate) fn seed() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let nanos = u64::try_from(since.as_nanos()).unwrap_or(0);
    nanos ^ u64::from(std::process::id()).rotate_left(32)
}

fn store(error: StateError) -> Failure {
    Failure::Usage(one_line(&error.to_string()))
}

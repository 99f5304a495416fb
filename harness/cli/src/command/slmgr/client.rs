//! The licence manager's verbs on a lab client that does not run, by its state file.

use std::net::SocketAddr;
use std::path::Path;

use kmspec_dns::Resolver;
use kmspec_lab::client::{ActivateError, ClientClock, ClientState, DnsLookup, LabClient, Timeouts};
use kmspec_lab::control::{Answer, Outcome, Request};
use kmspec_lab::state::{StateError, StateFile};
use kmspec_model::client::{ActivationResult, Client, HostAddress, KeyKind};
use kmspec_slmgr::report::{ClientPart, Discovery, Expiry, License, Report};
use kmspec_slmgr::{Command, InstallationId, Language, Notice, RegisteredHost, Role, result_line};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::HResult;

use super::now;
use crate::command::lab::seed;
use crate::failure::{Failure, one_line};

/// What came of a command line.
pub(super) fn administer(
    request: &Request,
    path: &Path,
    dns: Option<SocketAddr>,
) -> Result<Answer, Failure> {
    let command = match Command::parse(&request.words) {
        Ok(command) => command,
        Err(error) => return Ok(answer(Outcome::Usage, error.to_string())),
    };
    let language = request.language;
    if command.role() == Role::Host {
        let text = format!("{} is for hosts, and this is a client", command.verb());
        return Ok(answer(Outcome::Failed, text));
    }
    if !request.elevated && !command.only_shows() {
        let text = result_line(language, HResult(0x8007_0005), "");
        return Ok(answer(Outcome::Failed, text));
    }
    let file = StateFile::<ClientState>::open(path).map_err(wrong)?;
    let state = file.client().map_err(wrong)?;
    let state = state.ok_or_else(|| Failure::Usage("the state is gone".to_owned()))?;
    let now = now();
    let mut client = Client::restore(state, now, seed());
    if let Command::Show | Command::ShowDetails { .. } = command {
        let details = command != Command::Show;
        let text = report(&client, now, details, language).write(language);
        return Ok(answer(Outcome::Done, text));
    }
    if command == Command::Activate {
        return activate(client, file, dns, language);
    }
    let said = match change(&mut client, &command, now) {
        Ok(notices) => notices,
        Err(code) => return Ok(answer(Outcome::Refused, result_line(language, code, ""))),
    };
    file.save(&ClientState::of(client.state())).map_err(wrong)?;
    Ok(answer(Outcome::Done, lines(&said, language)))
}

/// What needs no network.
fn change(client: &mut Client, command: &Command, now: FileTime) -> Result<Vec<Notice>, HResult> {
    Ok(match command {
        Command::InstallKey(key) => {
            let before = client.state().key.map(|key| key.kind);
            let kind = client.install_key(key, now);
            let kind = kind.map_err(|_| HResult::EDITION_NOT_FOUND)?;
            let mut said = vec![Notice::KeyInstalled(*key)];
            if (before, kind) == (Some(KeyKind::Mak), KeyKind::Setup) {
                said.push(Notice::MakRemoved);
            }
            said
        }
        Command::Register(host) => {
            client.register(host.clone().into());
            vec![Notice::Registered(host.clone())]
        }
        Command::Forget => {
            client.forget_host();
            vec![Notice::Forgotten]
        }
        Command::Rearm => {
            client.rearm(now).map_err(|_| HResult(0xc004_d307))?;
            vec![Notice::Rearmed(client.state().licence.rearms_left.into())]
        }
        _ => Vec::new(),
    })
}

/// Asks a host.
fn activate(
    client: Client,
    file: StateFile<ClientState>,
    dns: Option<SocketAddr>,
    language: Language,
) -> Result<Answer, Failure> {
    let lookup = dns.map(|server| DnsLookup::of(Resolver::new(server)));
    let name = name(&client, language);
    let outcome = crate::command::runtime()?.block_on(async {
        let clock = ClientClock::system();
        let client = LabClient::start(client, lookup, file, clock, Timeouts::default())?;
        client.activate().await
    });
    let activating = Notice::Activating(name).text(language);
    match outcome {
        Err(ActivateError::Store(error)) => Err(wrong(error)),
        Err(ActivateError::NotAsking(why)) => Ok(answer(Outcome::Failed, why.to_string())),
        Ok(outcome) if outcome.result.is_success() => {
            let said = Notice::Activated.text(language);
            Ok(answer(Outcome::Done, format!("{activating}\n{said}")))
        }
        Ok(outcome) => {
            let reason = match &outcome.result {
                ActivationResult::Unverified(why) => why.to_string(),
                other => other.hresult().meaning().unwrap_or_default().to_owned(),
            };
            let said = result_line(language, outcome.result.hresult(), &reason);
            Ok(answer(Outcome::Refused, format!("{activating}\n{said}")))
        }
    }
}

/// What `-dli` and `-dlv` show of a client.
fn report(client: &Client, now: FileTime, details: bool, language: Language) -> Report {
    let state = client.state();
    let edition = state.machine.edition;
    let standing = client.standing(now);
    let partial = state.key.map(|key| key.partial);
    let left = standing.minutes_left(now);
    let mut license = License {
        description: Some(format!("{}, VOLUME_KMSCLIENT channel", edition.system)),
        partial_key: partial,
        expiry: (left > 0).then(|| Expiry::of_minutes(left)),
        client: state.identity.map(|cmid| ClientPart {
            cmid,
            registered: state.discovery.registered.as_ref().map(registered),
            discovery: Some(match &state.discovery.cached {
                Some(host) => Discovery::Found(registered(host)),
                None => Discovery::NotAvailable,
            }),
            host_epid: state.answer.as_ref().map(|answer| answer.epid),
            activation_interval: Some(state.licence.activation_interval),
            renewal_interval: Some(state.licence.renewal_interval),
        }),
        ..License::new(name(client, language), standing.status)
    };
    if details {
        license.activation_id = Some(edition.activation_id);
        license.application_id = Some(edition.application_id);
        license.installation_id = partial.map(|partial| InstallationId::lab(&partial.to_string()));
    }
    Report {
        service_version: details.then(|| env!("CARGO_PKG_VERSION").to_owned()),
        licenses: vec![license],
    }
}

fn name(client: &Client, language: Language) -> String {
    let edition = match language {
        Language::English => "edition",
        Language::Japanese => "エディション",
    };
    format!("{} {edition}", client.state().machine.edition.name)
}

fn registered(host: &HostAddress) -> RegisteredHost {
    RegisteredHost {
        name: host.host.clone(),
        port: Some(host.port),
    }
}

fn lines(notices: &[Notice], language: Language) -> String {
    let lines: Vec<String> = notices.iter().map(|notice| notice.text(language)).collect();
    lines.join("\n")
}

fn answer(outcome: Outcome, text: String) -> Answer {
    Answer { outcome, text }
}

fn wrong(error: StateError) -> Failure {
    Failure::Usage(one_line(&error.to_string()))
}

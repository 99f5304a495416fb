//! The licence manager's verbs on a lab client that does not run, by its state file.

use std::net::SocketAddr;
use std::path::Path;

use kmspec_dns::Resolver;
use kmspec_lab::client::{ActivateError, ClientClock, ClientState, DnsLookup, LabClient, Timeouts};
use kmspec_lab::control::{Answer, Outcome, Request};
use kmspec_lab::state::{StateError, StateFile};
use kmspec_model::client::{ActivationResult, Client, Done, Refusal};
use kmspec_slmgr::{Command, Language, Notice, result_line};

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
    let file = StateFile::<ClientState>::open(path).map_err(wrong)?;
    let state = file.client().map_err(wrong)?;
    let state = state.ok_or_else(|| Failure::Usage("the state is gone".to_owned()))?;
    let mut client = Client::restore(state, now(), seed());
    let done = client.administer(now(), request.elevated, &command, language);
    let said = match done {
        Ok(Done::Shown(report)) => return Ok(answer(Outcome::Done, report.write(language))),
        Ok(Done::Asks(activating)) => {
            return activate(client, file, dns, &activating, language);
        }
        Ok(Done::Said(notices)) => notices,
        Err(refusal) => return Ok(refused(&refusal, language)),
    };
    file.save(&ClientState::of(client.state())).map_err(wrong)?;
    Ok(answer(Outcome::Done, lines(&said, language)))
}

/// What is said of a command that came to nothing. What nobody may do, or no client can, is no result of a verb.
fn refused(refusal: &Refusal, language: Language) -> Answer {
    let text = match refusal.hresult() {
        Some(code) => result_line(language, code, ""),
        None => refusal.to_string(),
    };
    let outcome = match refusal {
        Refusal::ForHosts(_) | Refusal::NotElevated => Outcome::Failed,
        Refusal::OtherEdition(_) | Refusal::NoRearmLeft(_) | Refusal::Host => Outcome::Refused,
    };
    answer(outcome, text)
}

/// Asks a host.
fn activate(
    client: Client,
    file: StateFile<ClientState>,
    dns: Option<SocketAddr>,
    activating: &Notice,
    language: Language,
) -> Result<Answer, Failure> {
    let lookup = dns.map(|server| DnsLookup::of(Resolver::new(server)));
    let outcome = crate::command::runtime()?.block_on(async {
        let clock = ClientClock::system();
        let client = LabClient::start(client, lookup, file, clock, Timeouts::default())?;
        client.activate().await
    });
    let activating = activating.text(language);
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

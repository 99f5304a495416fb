//! The licence manager's verbs on a client.

use std::fmt::Write as _;
use std::sync::Arc;

use kmspec_model::client::{ActivationResult, Done, NotAsking, Refusal};
use kmspec_slmgr::{Command, Language, Notice, result_line};

use super::{ActivateError, LabClient, Lookup, Store};
use crate::control::{Administered, Answer, Outcome, Request};
use crate::state::StateError;

impl<L: Lookup, S: Store> LabClient<L, S> {
    /// Does what a command line of the licence manager says. What only shows keeps nothing, and neither does what is
    /// refused.
    ///
    /// # Errors
    /// What it came to cannot be kept; the client is as it was before.
    pub async fn slmgr(&self, request: &Request) -> Result<Answer, StateError> {
        let command = match Command::parse(&request.words) {
            Ok(command) => command,
            Err(error) => return Ok(Answer::new(Outcome::Usage, error.to_string())),
        };
        let language = request.language;
        let done = if command.only_shows() || command == Command::Activate {
            self.look(|client, now| {
                let mut client = client.clone();
                client.administer(now, request.elevated, &command, language)
            })
        } else {
            self.try_change(|client, now| {
                client.administer(now, request.elevated, &command, language)
            })?
        };
        match done {
            Ok(Done::Said(notices)) => Ok(Answer::new(Outcome::Done, lines(&notices, language))),
            Ok(Done::Shown(report)) => Ok(Answer::new(Outcome::Done, report.write(language))),
            Ok(Done::Asks(activating)) => self.activate_by_hand(&activating, language).await,
            Err(refusal) => Ok(refused(&refusal, language)),
        }
    }

    async fn activate_by_hand(
        &self,
        activating: &Notice,
        language: Language,
    ) -> Result<Answer, StateError> {
        let activating = activating.text(language);
        let outcome = match self.activate().await {
            Ok(outcome) => outcome,
            Err(ActivateError::Store(error)) => return Err(error),
            // It was stopped since it was asked.
            Err(ActivateError::NotAsking(NotAsking::Service(service))) => {
                return Ok(refused(&Refusal::Service(service), language));
            }
            Err(ActivateError::NotAsking(why)) => {
                return Ok(Answer::new(Outcome::Failed, why.to_string()));
            }
        };
        if outcome.result.is_success() {
            let said = Notice::Activated.text(language);
            return Ok(Answer::new(Outcome::Done, format!("{activating}\n{said}")));
        }
        let reason = match &outcome.result {
            ActivationResult::Unverified(why) => why.to_string(),
            other => other.hresult().meaning().unwrap_or_default().to_owned(),
        };
        let mut text = activating;
        for tried in &outcome.tried {
            let _ = write!(text, "\n{tried}");
        }
        let said = result_line(language, outcome.result.hresult(), &reason);
        text.extend(["\n", &said]);
        Ok(Answer::new(Outcome::Refused, text))
    }
}

impl<L, S> Administered for Arc<LabClient<L, S>>
where
    L: Lookup + 'static,
    S: Store + 'static,
{
    async fn administer(&self, request: &Request) -> Answer {
        let done = self.slmgr(request).await;
        done.unwrap_or_else(|error| Answer::new(Outcome::Failed, error.to_string()))
    }
}

/// What is said of a command that came to nothing. What nobody may do, or no client can, is no result of a verb.
fn refused(refusal: &Refusal, language: Language) -> Answer {
    let text = match refusal.hresult() {
        Some(code) => result_line(language, code, ""),
        None => refusal.to_string(),
    };
    let outcome = match refusal {
        Refusal::ForHosts(_) | Refusal::NotElevated | Refusal::Service(_) => Outcome::Failed,
        Refusal::OtherEdition(_) | Refusal::NoRearmLeft(_) | Refusal::Host => Outcome::Refused,
    };
    Answer::new(outcome, text)
}

fn lines(notices: &[Notice], language: Language) -> String {
    let lines: Vec<String> = notices.iter().map(|notice| notice.text(language)).collect();
    lines.join("\n")
}

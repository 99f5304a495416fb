//! What is done to a client by hand: the verbs of the licence manager, and what they show.

use kmspec_slmgr::report::{ClientPart, Discovery, Expiry, License, Report};
use kmspec_slmgr::{Command, InstallationId, Language, Notice, RegisteredHost, Role, Service};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{Epid, HResult, LicenseStatus};
use thiserror::Error;

use super::discovery::HostAddress;
use super::fault::Fault;
use super::licence::{NoRearmLeft, Standing};
use super::state::KeyKind;
use super::{Client, EDITIONS, Edition, OtherEdition, deviate};
use crate::settings::LabEpid;

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// It was done.
    Said(Vec<Notice>),
    /// This is to be shown.
    Shown(Box<Report>),
    /// A host is to be asked: whoever has a network does that, with [`Client::activate`].
    Asks(Notice),
}

/// Why a command came to nothing. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The verb is for hosts.
    #[error("{0} is for hosts, and this is a client")]
    ForHosts(&'static str),
    /// Whoever asked is no administrator.
    #[error("this needs elevation")]
    NotElevated,
    /// The licensing service does not run.
    #[error("the licensing service is {}", .0.name())]
    Service(Service),
    /// The key is that of another edition.
    #[error("{0}")]
    OtherEdition(#[from] OtherEdition),
    /// It was reset as often as it may be.
    #[error("{0}")]
    NoRearmLeft(#[from] NoRearmLeft),
    /// A fault refuses what should not be.
    #[error("the host cannot be registered")]
    Host,
}

impl Refusal {
    /// The code that the licence manager prints; `None` where it has none.
    pub const fn hresult(&self) -> Option<HResult> {
        match self {
            Self::ForHosts(_) => None,
            Self::NotElevated => Some(HResult(0x8007_0005)),
            Self::Service(service) => service.refuses(),
            Self::OtherEdition(_) => Some(OtherEdition::HRESULT),
            Self::NoRearmLeft(_) => Some(HResult::REARMS_EXHAUSTED),
            Self::Host => Some(HResult(0x8007_0057)),
        }
    }
}

impl Client {
    /// Does what an administrator asks, or somebody who is none. Showing needs no elevation, and nothing that the script
    /// does where standard users may activate. All of that needs the licensing service; what is done to the service itself
    /// does not, and always needs elevation.
    ///
    /// # Errors
    /// It is refused; nothing has changed.
    pub fn administer(
        &mut self,
        now: FileTime,
        elevated: bool,
        command: &Command,
        language: Language,
    ) -> Result<Done, Refusal> {
        if command.role() == Role::Host {
            return Err(Refusal::ForHosts(command.verb()));
        }
        if let Command::Service(_) | Command::StandardUsers(_) = command {
            return self.set_up(elevated, command);
        }
        let allowed = elevated
            || command.only_shows()
            || !deviate::needs_elevation(self.faults, self.state.standard_users);
        if !allowed {
            return Err(Refusal::NotElevated);
        }
        let service = self.state.service;
        if service != Service::Running && !deviate::goes_on(self.faults) {
            return Err(Refusal::Service(service));
        }
        if deviate::refuses(self.faults, command) {
            return Err(Refusal::Host);
        }
        Ok(match command {
            Command::Show => Done::Shown(Box::new(self.report(now, false, language))),
            Command::ShowDetails { all } => {
                let mut report = self.report(now, true, language);
                if *all {
                    report.licenses.extend(self.unused(language));
                }
                Done::Shown(Box::new(report))
            }
            Command::Activate => Done::Asks(Notice::Activating(self.name(language))),
            Command::InstallKey(key) => {
                let before = self.state.key.map(|key| key.kind);
                let kind = self.install_key(key, now)?;
                let mut said = vec![Notice::KeyInstalled(*key)];
                if (before, kind) == (Some(KeyKind::Mak), KeyKind::Setup) {
                    said.push(Notice::MakRemoved);
                }
                Done::Said(said)
            }
            Command::Register(host) => {
                self.register(host.clone().into());
                Done::Said(vec![Notice::Registered(host.clone())])
            }
            Command::Forget => {
                self.forget_host();
                Done::Said(vec![Notice::Forgotten])
            }
            Command::Rearm => {
                self.rearm(now)?;
                let left = self.state.licence.rearms_left;
                Done::Said(vec![Notice::Rearmed(left.into())])
            }
            other => return Err(Refusal::ForHosts(other.verb())),
        })
    }

    /// Changes what the verbs of the script depend on.
    fn set_up(&mut self, elevated: bool, command: &Command) -> Result<Done, Refusal> {
        if !elevated {
            return Err(Refusal::NotElevated);
        }
        Ok(Done::Said(vec![match command {
            Command::Service(service) => {
                self.state.service = *service;
                Notice::Service(*service)
            }
            Command::StandardUsers(on) => {
                self.state.standard_users = *on || self.faults.has(Fault::StandardUsersForEver);
                Notice::StandardUsers(*on)
            }
            other => return Err(Refusal::ForHosts(other.verb())),
        }]))
    }

    /// What `-dli` shows of it, and with `details` `-dlv`.
    pub fn report(&self, now: FileTime, details: bool, language: Language) -> Report {
        let state = &self.state;
        let edition = state.machine.edition;
        let standing: Standing = self.standing(now);
        let partial = state.key.map(|key| key.partial);
        let left = standing.minutes_left(now);
        let mut license = License {
            description: Some(description(edition)),
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
            ..License::new(self.name(language), standing.status)
        };
        if details {
            license.activation_id = Some(edition.activation_id);
            license.application_id = Some(edition.application_id);
            license.extended_pid = state.identity.map(extended_pid);
            license.installation_id =
                partial.map(|partial| InstallationId::lab(&partial.to_string()));
        }
        let report = Report {
            service_version: details.then(|| env!("CARGO_PKG_VERSION").to_owned()),
            licenses: vec![license],
        };
        deviate::shown(self.faults, report)
    }

    /// The licences of the editions that are not installed, as `-dlv all` has them: without a key none can be used.
    fn unused(&self, language: Language) -> impl Iterator<Item = License> {
        let own = self.state.machine.edition.id;
        let others = EDITIONS.iter().filter(move |edition| edition.id != own);
        others.map(move |edition| License {
            description: Some(description(edition)),
            activation_id: Some(edition.activation_id),
            application_id: Some(edition.application_id),
            ..License::new(title(edition, language), LicenseStatus::UNLICENSED)
        })
    }

    fn name(&self, language: Language) -> String {
        title(self.state.machine.edition, language)
    }
}

/// The product as the licence manager calls it.
fn title(edition: &Edition, language: Language) -> String {
    let word = match language {
        Language::English => "edition",
        Language::Japanese => "エディション",
    };
    format!("{} {word}", edition.name)
}

fn description(edition: &Edition) -> String {
    format!("{}, VOLUME_KMSCLIENT channel", edition.system)
}

/// The machine's own extended PID, which follows from its identity as the installation id does from the key.
fn extended_pid(identity: Guid) -> Epid {
    let [a, b, c, d, ..] = identity.to_le_bytes();
    Epid {
        key_id: u32::from_le_bytes([a, b, c, d]) % 1_000_000_000,
        ..*LabEpid::default().epid()
    }
}

fn registered(host: &HostAddress) -> RegisteredHost {
    RegisteredHost {
        name: host.host.clone(),
        port: Some(host.port),
    }
}

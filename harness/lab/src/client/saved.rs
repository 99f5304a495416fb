use std::fmt::Display;
use std::str::FromStr;

use kmspec_model::Interval;
use kmspec_model::client::{
    Basis, Discovery, Edition, InstalledKey, KeyKind, LastAnswer, LastTry, Licence, Machine, State,
    Suffixes,
};
use kmspec_slmgr::Service;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::state::Kept;

/// What is written down of a client, and makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct SavedError(String);

impl SavedError {
    fn of(field: &str, why: impl Display) -> Self {
        Self(format!("{field}: {why}"))
    }
}

/// What a lab client remembers, as it is written down: a [`State`] in texts and numbers. Times are FILETIMEs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ClientState {
    edition: String,
    protocol: u16,
    workstation: String,
    #[serde(rename = "virtual")]
    is_virtual: bool,
    cmid: Option<String>,
    previous_cmid: Option<String>,
    key: Option<SavedKey>,
    licence: SavedLicence,
    discovery: SavedDiscovery,
    answer: Option<SavedAnswer>,
    #[serde(default)]
    service: SavedService,
    #[serde(default)]
    standard_users: bool,
}

impl Kept for ClientState {
    const KIND: &'static str = "client";
    const VERSION: u32 = 1;
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedKey {
    kind: SavedKeyKind,
    partial: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum SavedKeyKind {
    Setup,
    Mak,
}

/// States that were written before there was a choice have neither it nor that of standard users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum SavedService {
    #[default]
    Running,
    Stopped,
    Disabled,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedLicence {
    basis: SavedBasis,
    since: Option<u64>,
    last_try: Option<u64>,
    #[serde(default)]
    last_activated: bool,
    activation_interval: u32,
    renewal_interval: u32,
    rearms_left: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
enum SavedBasis {
    Unlicensed,
    Grace,
    Activated,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedDiscovery {
    registered: Option<String>,
    cached: Option<String>,
    primary_suffix: Option<String>,
    domain: Option<String>,
    dhcp_domain: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SavedAnswer {
    at: u64,
    host: String,
    epid: String,
    count: u32,
}

impl ClientState {
    /// What this client remembers.
    pub fn of(state: &State) -> Self {
        let State {
            machine,
            key,
            identity,
            previous_cmid,
            licence,
            discovery,
            answer,
            service,
            standard_users,
        } = state;
        let previous = Some(previous_cmid).filter(|cmid| **cmid != Guid::NIL);
        Self {
            edition: machine.edition.id.to_owned(),
            protocol: machine.version.protocol().major,
            workstation: machine.workstation.to_string(),
            is_virtual: machine.is_virtual,
            cmid: identity.as_ref().map(Guid::to_string),
            previous_cmid: previous.map(Guid::to_string),
            key: key.map(|key| SavedKey {
                kind: match key.kind {
                    KeyKind::Setup => SavedKeyKind::Setup,
                    KeyKind::Mak => SavedKeyKind::Mak,
                },
                partial: key.partial.to_string(),
            }),
            licence: SavedLicence::of(licence),
            discovery: SavedDiscovery::of(discovery),
            answer: answer.as_ref().map(|answer| SavedAnswer {
                at: answer.at.0,
                host: answer.host.to_string(),
                epid: answer.epid.to_string(),
                count: answer.count,
            }),
            service: match service {
                Service::Running => SavedService::Running,
                Service::Stopped => SavedService::Stopped,
                Service::Disabled => SavedService::Disabled,
            },
            standard_users: *standard_users,
        }
    }

    /// The state that is written down.
    ///
    /// # Errors
    /// The first thing that makes no sense, by its field.
    pub fn state(self) -> Result<State, SavedError> {
        let Some(edition) = Edition::named(&self.edition) else {
            return Err(SavedError::of(
                "edition",
                format_args!("there is none called {:?}", self.edition),
            ));
        };
        let version = Version::ALL
            .into_iter()
            .find(|version| version.protocol().major == self.protocol);
        let machine = Machine {
            edition,
            version: version.ok_or_else(|| SavedError::of("protocol", "not 4, 5 or 6"))?,
            workstation: parsed("workstation", &self.workstation)?,
            is_virtual: self.is_virtual,
        };
        let key = self.key.map(|key| {
            Ok(InstalledKey {
                kind: match key.kind {
                    SavedKeyKind::Setup => KeyKind::Setup,
                    SavedKeyKind::Mak => KeyKind::Mak,
                },
                partial: parsed("key.partial", &key.partial)?,
            })
        });
        let answer = self.answer.map(|answer| {
            Ok(LastAnswer {
                at: FileTime(answer.at),
                host: parsed("answer.host", &answer.host)?,
                epid: parsed("answer.epid", &answer.epid)?,
                count: answer.count,
            })
        });
        Ok(State {
            machine,
            key: key.transpose()?,
            identity: optional("cmid", self.cmid.as_deref())?,
            previous_cmid: optional("previous_cmid", self.previous_cmid.as_deref())?
                .unwrap_or_default(),
            licence: self.licence.licence(edition)?,
            discovery: self.discovery.discovery()?,
            answer: answer.transpose()?,
            service: match self.service {
                SavedService::Running => Service::Running,
                SavedService::Stopped => Service::Stopped,
                SavedService::Disabled => Service::Disabled,
            },
            standard_users: self.standard_users,
        })
    }
}

impl SavedLicence {
    fn of(licence: &Licence) -> Self {
        let (basis, since) = match licence.basis {
            Basis::Unlicensed => (SavedBasis::Unlicensed, None),
            Basis::Grace { since } => (SavedBasis::Grace, Some(since.0)),
            Basis::Activated { at } => (SavedBasis::Activated, Some(at.0)),
        };
        Self {
            basis,
            since,
            last_try: licence.last.map(|last| last.at.0),
            last_activated: licence.last.is_some_and(|last| last.activated),
            activation_interval: licence.activation_interval,
            renewal_interval: licence.renewal_interval,
            rearms_left: licence.rearms_left,
        }
    }

    fn licence(&self, edition: &Edition) -> Result<Licence, SavedError> {
        let since = self.since.map(FileTime);
        let missing = || SavedError::of("licence.since", "missing");
        let interval = |field, minutes| {
            let interval = Interval::from_minutes(minutes);
            interval
                .map(Interval::minutes)
                .map_err(|error| SavedError::of(field, error))
        };
        Ok(Licence {
            basis: match self.basis {
                SavedBasis::Unlicensed => Basis::Unlicensed,
                SavedBasis::Grace => Basis::Grace {
                    since: since.ok_or_else(missing)?,
                },
                SavedBasis::Activated => Basis::Activated {
                    at: since.ok_or_else(missing)?,
                },
            },
            grace_days: edition.grace_days,
            last: self.last_try.map(|at| LastTry {
                at: FileTime(at),
                activated: self.last_activated,
            }),
            activation_interval: interval("licence.activation_interval", self.activation_interval)?,
            renewal_interval: interval("licence.renewal_interval", self.renewal_interval)?,
            rearms_left: self.rearms_left,
        })
    }
}

impl SavedDiscovery {
    fn of(discovery: &Discovery) -> Self {
        let Suffixes {
            primary,
            domain,
            dhcp,
        } = discovery.suffixes.clone();
        Self {
            registered: discovery.registered.as_ref().map(ToString::to_string),
            cached: discovery.cached.as_ref().map(ToString::to_string),
            primary_suffix: primary,
            domain,
            dhcp_domain: dhcp,
        }
    }

    fn discovery(self) -> Result<Discovery, SavedError> {
        Ok(Discovery {
            registered: optional("discovery.registered", self.registered.as_deref())?,
            cached: optional("discovery.cached", self.cached.as_deref())?,
            suffixes: Suffixes {
                primary: self.primary_suffix,
                domain: self.domain,
                dhcp: self.dhcp_domain,
            },
        })
    }
}

fn parsed<T: FromStr<Err: Display>>(field: &str, text: &str) -> Result<T, SavedError> {
    text.parse().map_err(|error| SavedError::of(field, error))
}

fn optional<T: FromStr<Err: Display>>(
    field: &str,
    text: Option<&str>,
) -> Result<Option<T>, SavedError> {
    text.map(|text| parsed(field, text)).transpose()
}

#[cfg(test)]
mod tests {
    use kmspec_model::client::Client;

    use super::*;

    const NOW: FileTime = FileTime(134_398_416_170_000_000);

    fn state() -> State {
        let edition = Edition::named("vista-enterprise").unwrap();
        let mut machine = Machine::of(edition);
        machine.workstation = "PC-1".parse().unwrap();
        let mut client = Client::new(machine, NOW, 1);
        client.register("[::1]:1700".parse().unwrap());
        client.state().clone()
    }

    #[test]
    fn a_state_reads_back_as_it_was_written() {
        let mut states = vec![state()];
        let mut reset = Client::restore(state(), NOW, 2);
        reset.rearm(NOW).unwrap();
        states.push(reset.state().clone());
        for service in Service::ALL {
            states.push(State {
                service,
                standard_users: true,
                ..state()
            });
        }
        let mut activated = state();
        activated.licence.activated(NOW, 15, 43_200);
        activated.key = None;
        activated.discovery.registered = None;
        activated.discovery.cached = Some("kms.corp.test".parse().unwrap());
        activated.discovery.suffixes.dhcp = Some("corp.test".to_owned());
        activated.answer = Some(LastAnswer {
            at: NOW,
            host: "kms.corp.test".parse().unwrap(),
            epid: "11111-00140-008-805425-03-1033-5384.0000-1752006"
                .parse()
                .unwrap(),
            count: 25,
        });
        states.push(activated);
        for state in states {
            let text = serde_json::to_string_pretty(&ClientState::of(&state)).unwrap();
            let read: ClientState = serde_json::from_str(&text).unwrap();
            assert_eq!(read.state().as_ref(), Ok(&state), "{text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let text = serde_json::to_string(&ClientState::of(&state())).unwrap();
        for (from, to, why) in [
            (
                "vista-enterprise",
                "vista",
                "edition: there is none called \"vista\"",
            ),
            (
                "\"protocol\":4",
                "\"protocol\":7",
                "protocol: not 4, 5 or 6",
            ),
            (
                "[::1]:1700",
                "[::1]:0",
                "discovery.registered: \"0\" is no port: ports are 1 to 65535",
            ),
            (
                "\"activation_interval\":120",
                "\"activation_interval\":1",
                "licence.activation_interval: interval of 1 minutes is not within 15 to 43200",
            ),
        ] {
            assert!(text.contains(from), "{text}");
            let read: ClientState = serde_json::from_str(&text.replace(from, to)).unwrap();
            assert_eq!(read.state().unwrap_err().to_string(), why);
        }
    }
}

//! What a lab host has of itself in DNS.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use kmspec_dns::{Patience, RecordError, Srv, Update};
use kmspec_model::After;
use kmspec_model::publish::{Change, Identity, Published};
use thiserror::Error;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::shared::{Shared, State, no_longer_running};

/// Name of a lab host below the suffix it publishes itself in.
const MACHINE: &str = "kmspec-lab";
/// How long to wait after the first update that failed; twice as long after each further one.
const RETRY: Duration = Duration::from_secs(1);
/// The longest such wait.
const LONGEST_RETRY: Duration = Duration::from_secs(300);

/// Where a host publishes itself: a zone, and a server that takes updates of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    suffix: String,
    server: SocketAddr,
    host: Identity,
}

/// Why a text is no place to publish in.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PublishError {
    /// It is not `SUFFIX@IP:PORT`.
    #[error(
        "{0:?} is no place to publish in: write SUFFIX@IP:PORT, as in corp.example@127.0.0.1:5300"
    )]
    Form(String),
    /// The suffix is not a domain name.
    #[error(transparent)]
    Suffix(#[from] RecordError),
}

impl Publish {
    /// In the zone `suffix`, by updates to `server`. The host's name is `kmspec-lab` below the suffix, its priority 0, its
    /// weight 0. Source: RFC 2782 for the weight where there is no choice to make.
    ///
    /// # Errors
    /// The suffix is not a domain name.
    pub fn new(suffix: &str, server: SocketAddr) -> Result<Self, RecordError> {
        // What comes of it later cannot fail then.
        Update::of(suffix)?;
        let suffix = suffix.trim_end_matches('.').to_owned();
        let target = kmspec_dns::name(&format!("{MACHINE}.{suffix}"))?;
        Ok(Self {
            suffix,
            server,
            host: Identity {
                target: target.to_string(),
                priority: 0,
                weight: 0,
            },
        })
    }

    /// The changes as an update, with the machine's address where a record comes.
    fn update(&self, changes: &[Change], address: SocketAddr) -> Result<Update, RecordError> {
        let mut update = Update::of(&self.suffix)?;
        for change in changes {
            update = match change {
                Change::Add(record) => {
                    let srv = srv(record)?;
                    let update = update.add(record.service, &srv)?;
                    if address.ip().is_unspecified() || srv.is_none() {
                        update
                    } else {
                        update.address(&srv.target, address.ip())
                    }
                }
                Change::Remove(record) => update.remove(record.service, &srv(record)?)?,
                Change::RemoveAll(service) => update.remove_all(service)?,
            };
        }
        Ok(update)
    }
}

fn srv(record: &Published) -> Result<Srv, RecordError> {
    let Identity {
        target,
        priority,
        weight,
    } = &record.host;
    Srv::new(*priority, *weight, record.port, target)
}

impl FromStr for Publish {
    type Err = PublishError;

    /// `SUFFIX@IP:PORT`.
    fn from_str(text: &str) -> Result<Self, PublishError> {
        let form = || PublishError::Form(text.to_owned());
        let (suffix, server) = text.split_once('@').ok_or_else(form)?;
        let server = server.parse().map_err(|_| form())?;
        Ok(Self::new(suffix, server)?)
    }
}

impl fmt::Display for Publish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.suffix, self.server)
    }
}

/// What DNS has of a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum InDns {
    /// Nothing was to be done.
    #[default]
    Nothing,
    /// This record, at this place.
    Record(Published, Publish),
    /// Nothing any more, at this place.
    Withdrawn(Publish),
    /// The server does not take the change; it will be asked again.
    Failed(String),
}

impl fmt::Display for InDns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.write_str("not published"),
            Self::Record(record, place) => write!(f, "published in {place}: {record}"),
            Self::Withdrawn(place) => write!(f, "withdrawn from {place}"),
            Self::Failed(why) => write!(f, "not published: {why}; trying again"),
        }
    }
}

/// Keeps DNS as `port` and `place` say, until the host stops. A host that stops leaves its record, as one does that is
/// switched off.
pub(crate) async fn follow(shared: Arc<Shared>) {
    let mut port = shared.published();
    let mut place = shared.place.subscribe();
    let mut state = shared.watch();
    let mut before: Option<(Publish, Published)> = None;
    let mut retry = RETRY;
    loop {
        let running = *state.borrow() == State::Running;
        let (wanted, at) = (*port.borrow_and_update(), place.borrow_and_update().clone());
        if !running {
            return;
        }
        let mut failed = false;
        if let Some(at) = at {
            let present = before
                .take_if(|(old, _)| *old == at)
                .map(|(_, record)| record);
            match change(&shared, &at, wanted, present.as_ref()).await {
                Ok(None) => {}
                Ok(Some(now)) => {
                    info!(%now, "DNS");
                    if let InDns::Record(record, at) = &now {
                        before = Some((at.clone(), record.clone()));
                    }
                    shared.in_dns.send_replace(now);
                }
                Err(why) => {
                    warn!(%why, "DNS does not take an update");
                    failed = true;
                    before = present.map(|record| (at, record));
                    shared.in_dns.send_replace(InDns::Failed(why));
                    if shared.host().not_published() == After::Crash {
                        shared.become_(State::Crashed);
                    }
                }
            }
        }
        tokio::select! {
            changed = port.changed() => if changed.is_err() { return },
            changed = place.changed() => if changed.is_err() { return },
            () = sleep(retry), if failed => {
                retry = (retry * 2).min(LONGEST_RETRY);
                continue;
            }
            _ = no_longer_running(&mut state) => return,
        }
        retry = RETRY;
    }
}

/// Makes the changes that are to be made; `None` if there are none.
async fn change(
    shared: &Shared,
    place: &Publish,
    port: Option<u16>,
    before: Option<&Published>,
) -> Result<Option<InDns>, String> {
    let (changes, now) = shared.host().publish(&place.host, port, before);
    if changes.is_empty() {
        return Ok(None);
    }
    let update = place.update(&changes, shared.address());
    let update = update.map_err(|error| error.to_string())?;
    let sent = update.send(place.server, Patience::default()).await;
    sent.map_err(|error| error.to_string())?;
    Ok(Some(match now {
        Some(record) => InDns::Record(record, place.clone()),
        None => InDns::Withdrawn(place.clone()),
    }))
}

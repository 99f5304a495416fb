//! The reference client of [`kmspec_model::client`] on real sockets.
//!
//! [`LabClient::activate`] goes through one activation: it looks hosts up, connects, asks, and tries the next where one
//! does not answer. [`LabClient::run`] does so whenever the client is due, until it is dropped. What the client remembers
//! goes to a [`Store`] before anybody is told of it.

mod clock;
mod connect;
mod dns;
mod lookup;
mod saved;
mod slmgr;
mod store;

pub use clock::ClientClock;
pub use dns::DnsLookup;
pub use lookup::{Lookup, LookupError, SystemLookup};
pub use saved::{ClientState, SavedError};
pub use store::{Forget, Store};

use std::convert::Infallible;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kmspec_model::client::{Activation, Client, NotAsking, Outcome, Step};
use kmspec_wire::filetime::FileTime;
use thiserror::Error;
use tokio::sync::Notify;
use tracing::{debug, info};

use crate::state::StateError;

/// A client with a network, a clock and a memory.
#[derive(Debug)]
pub struct LabClient<L, S> {
    client: Mutex<Client>,
    lookup: L,
    store: S,
    clock: ClientClock,
    timeouts: Timeouts,
    changed: Notify,
    /// One activation at a time.
    activating: tokio::sync::Mutex<()>,
}

/// How long a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection. Default 5 seconds.
    pub connect: Duration,
    /// For the next octets of an answer. Default 10 seconds.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            answer: Duration::from_secs(10),
        }
    }
}

/// Why an activation was not even tried, or came to nothing that lasts.
#[derive(Debug, Error)]
pub enum ActivateError {
    /// The key is none that a host serves.
    #[error("{0}")]
    NotAsking(#[from] NotAsking),
    /// What it came to cannot be kept.
    #[error("{0}")]
    Store(#[from] StateError),
}

impl<L: Lookup, S: Store> LabClient<L, S> {
    /// A client that is about to run. Its present state is kept first, so that a fresh machine has its identity for good.
    ///
    /// # Errors
    /// The state cannot be kept.
    pub fn start(
        client: Client,
        lookup: L,
        store: S,
        clock: ClientClock,
        timeouts: Timeouts,
    ) -> Result<Self, StateError> {
        store.save(client.state())?;
        Ok(Self::resting(client, lookup, store, clock, timeouts))
    }

    /// A client that is only looked at or administered: nothing is kept until something changes.
    pub fn resting(
        client: Client,
        lookup: L,
        store: S,
        clock: ClientClock,
        timeouts: Timeouts,
    ) -> Self {
        Self {
            client: Mutex::new(client),
            lookup,
            store,
            clock,
            timeouts,
            changed: Notify::new(),
            activating: tokio::sync::Mutex::new(()),
        }
    }

    /// The client's time of day.
    pub fn now(&self) -> FileTime {
        self.clock.now()
    }

    /// Looks at the client.
    pub fn look<T>(&self, look: impl FnOnce(&Client, FileTime) -> T) -> T {
        look(&self.client(), self.clock.now())
    }

    /// Changes the client, keeps what it has become, and lets [`Self::run`] see when it is due now.
    ///
    /// # Errors
    /// The new state cannot be kept; the client is as it was before.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut Client, FileTime) -> T,
    ) -> Result<T, StateError> {
        let changed = self.try_change(|client, now| Ok::<T, Infallible>(change(client, now)))?;
        let Ok(result) = changed;
        Ok(result)
    }

    /// The same for a change that may be refused: then nothing is kept.
    fn try_change<T, E>(
        &self,
        change: impl FnOnce(&mut Client, FileTime) -> Result<T, E>,
    ) -> Result<Result<T, E>, StateError> {
        let mut client = self.client();
        let mut changed = client.clone();
        let result = change(&mut changed, self.clock.now());
        if result.is_ok() {
            self.store.save(changed.state())?;
            *client = changed;
            drop(client);
            self.changed.notify_one();
        }
        Ok(result)
    }

    /// Goes through one activation, whether or not the client is due. A machine that was reset is started anew first: only
    /// then it has an identity to ask with.
    ///
    /// # Errors
    /// Its key is none that a host serves, or the outcome cannot be kept.
    pub async fn activate(&self) -> Result<Outcome, ActivateError> {
        let _alone = self.activating.lock().await;
        let activation = {
            let now = self.clock.now();
            let mut client = self.client();
            client.start(now);
            client.activate(now)?
        };
        let activation = self.follow(activation).await;
        let outcome = self.change(|client, now| client.conclude(now, activation))?;
        info!(result = %outcome.result.hresult(), "activation ended");
        Ok(outcome)
    }

    /// Activates whenever the client is due, and tells of each activation. Does not end by itself unless something fails.
    ///
    /// # Errors
    /// An outcome cannot be kept.
    pub async fn run(&self, mut told: impl FnMut(&Self, &Outcome)) -> Result<(), StateError> {
        loop {
            let due = self.look(|client, _| client.due());
            let wait = due.map(|due| self.clock.until(due));
            tokio::select! {
                () = self.changed.notified() => continue,
                () = sleep(wait) => {}
            }
            match self.activate().await {
                Ok(outcome) => told(self, &outcome),
                // The key was changed while it slept: it waits for another.
                Err(ActivateError::NotAsking(why)) => debug!(%why, "not asking"),
                Err(ActivateError::Store(error)) => return Err(error),
            }
        }
    }

    /// Does what the activation says until it has ended.
    async fn follow(&self, mut activation: Activation) -> Activation {
        loop {
            match activation.step() {
                Step::Lookup(name) => match self.lookup.srv(&name).await {
                    Ok(records) => activation.found(&records),
                    Err(error) => activation.failed(error.to_string()),
                },
                Step::Connect(host) => {
                    debug!(%host, "asking");
                    let asked = connect::ask(&self.lookup, self.timeouts, &host, &mut activation);
                    if let Err(why) = asked.await {
                        activation.failed(why);
                    }
                }
                Step::GiveUp => return activation,
            }
        }
    }

    /// The client. No lock is ever held across an await.
    fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sleeps for so long, or for ever.
async fn sleep(time: Option<Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}

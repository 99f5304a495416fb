use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kmspec_model::{Clock, Counters, Host};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::accept;
use crate::controls::Controls;
use crate::publish::{self, InDns};
use crate::settings::Settings;
use crate::shared::{Shared, State, no_longer_running};
use crate::state::{HostState, StateError, StateFile};

/// A lab host that is running. Dropping it stops it without waiting.
#[must_use = "a lab host that is dropped stops"]
pub struct LabHost {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

/// Why a lab host does not start.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {source}")]
pub struct StartError {
    /// Where it should have listened.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

/// How a lab host ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It was asked to.
    Stopped,
    /// A fault made it crash.
    Crashed,
}

impl LabHost {
    /// Listens, and answers in tasks of the present runtime.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        Self::begin(settings, None).await
    }

    /// The same, with a state that an earlier run left, and a file to leave the state in. The clients that were counted
    /// are written within a second, what an administrator does at once.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn resume(
        settings: Settings,
        state: HostState,
        file: StateFile<HostState>,
    ) -> Result<Self, StartError> {
        Self::begin(settings, Some((state, file))).await
    }

    async fn begin(
        settings: Settings,
        kept: Option<(HostState, StateFile<HostState>)>,
    ) -> Result<Self, StartError> {
        let asked = settings.listen.address();
        let failed = |source| StartError {
            address: asked,
            source,
        };
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let mut host = Host::new(settings.host);
        let file = kept.map(|(state, file)| {
            state.recall(&mut host);
            file
        });
        let (restart, restarts) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(
            host,
            settings.connections,
            address,
            restart,
            file,
        ));
        shared.listens_on(address.port());
        shared.tell_published();
        shared.place.send_replace(settings.publish);
        tokio::spawn(publish::follow(Arc::clone(&shared)));
        info!(%address, "lab host listens");
        let task = tokio::spawn(accept::serve(listener, Arc::clone(&shared), restarts));
        if shared.is_kept() {
            tokio::spawn(keep_counted(Arc::clone(&shared)));
        }
        Ok(Self {
            shared,
            task: Some(task),
        })
    }

    /// Writes its state down now, if it is kept in a file. It does so by itself whenever that changes.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self) -> Result<(), StateError> {
        self.shared.keep()
    }

    /// Where it listens, the port being the real one. A restart can change it.
    pub fn address(&self) -> SocketAddr {
        self.shared.address()
    }

    /// The port it wants to be published in DNS with, whenever that changes; `None` for not at all.
    pub fn published(&self) -> watch::Receiver<Option<u16>> {
        self.shared.published()
    }

    /// Whether the host itself is activated; one that is not refuses every request.
    pub fn is_activated(&self) -> bool {
        self.shared.host().settings().activated
    }

    /// What DNS has of it, whenever that changes.
    pub fn in_dns(&self) -> watch::Receiver<InDns> {
        self.shared.in_dns.subscribe()
    }

    /// Requests by license status since the start.
    pub fn counters(&self) -> Counters {
        *self.shared.host().counters()
    }

    /// Connections that are open.
    pub fn connections(&self) -> usize {
        self.shared.registry.len()
    }

    /// Changes the host's time of day, for connections that are open too.
    pub fn set_clock(&self, clock: Clock) {
        self.controls().set_clock(clock);
    }

    /// What can be changed while it runs, for whoever does not hold the host itself.
    pub fn controls(&self) -> Controls {
        Controls::new(Arc::clone(&self.shared))
    }

    /// Waits until it ends by itself, which only a fault makes it do.
    pub async fn ended(&self) -> Ended {
        let mut state = self.shared.watch();
        match no_longer_running(&mut state).await {
            State::Crashed => Ended::Crashed,
            State::Running | State::Stopping => Ended::Stopped,
        }
    }

    /// Stops: listens no more, sends what is to be sent, ends all connections and waits for that.
    pub async fn stop(mut self) {
        self.shared.become_(State::Stopping);
        if let Some(task) = self.task.take() {
            // The task does not panic; if it did, it has ended too.
            drop(task.await);
        }
        self.shared.tell_published();
        if let Err(error) = self.shared.keep() {
            warn!(%error, "the state is not kept");
        }
        info!(address = %self.address(), "lab host stopped");
    }
}

/// Writes the clients that were counted, once a second while there are new ones.
async fn keep_counted(shared: Arc<Shared>) {
    let mut state = shared.watch();
    let mut written = 0;
    loop {
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_WRITES) => {}
            _ = no_longer_running(&mut state) => return,
        }
        let counted = shared.host().counters().total;
        if counted != written {
            match shared.keep() {
                Ok(()) => written = counted,
                Err(error) => warn!(%error, "the state is not kept"),
            }
        }
    }
}

/// Between two writes of what was counted.
const BETWEEN_WRITES: Duration = Duration::from_secs(1);

impl fmt::Debug for LabHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabHost")
            .field("address", &self.address())
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Drop for LabHost {
    fn drop(&mut self) {
        self.shared.become_(State::Stopping);
    }
}

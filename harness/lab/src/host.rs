use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kmspec_model::{Clock, Counters, Host};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::info;

use crate::accept;
use crate::controls::Controls;
use crate::settings::Settings;
use crate::shared::{Shared, State, no_longer_running};

/// A lab host that is running. Dropping it stops it without waiting.
#[must_use = "a lab host that is dropped stops"]
pub struct LabHost {
    address: SocketAddr,
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
        let asked = settings.listen.address();
        let failed = |source| StartError {
            address: asked,
            source,
        };
        let listener = TcpListener::bind(asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared::new(Host::new(settings.host), settings.connections));
        info!(%address, "lab host listens");
        let task = tokio::spawn(accept::serve(listener, address.port(), Arc::clone(&shared)));
        Ok(Self {
            address,
            shared,
            task: Some(task),
        })
    }

    /// Where it listens, the port being the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
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
        info!(address = %self.address, "lab host stopped");
    }
}

impl fmt::Debug for LabHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LabHost")
            .field("address", &self.address)
            .field("connections", &self.connections())
            .finish_non_exhaustive()
    }
}

impl Drop for LabHost {
    fn drop(&mut self) {
        self.shared.become_(State::Stopping);
    }
}

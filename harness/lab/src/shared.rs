use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kmspec_model::Host;
use kmspec_wire::filetime::FileTime;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::accept::Restart;
use crate::publish::{InDns, Publish};
use crate::registry::Registry;
use crate::state::{HostState, StateError, StateFile};

/// What the tasks of a lab host share.
pub(crate) struct Shared {
    host: Mutex<Host>,
    time: Time,
    pub(crate) registry: Registry,
    state: watch::Sender<State>,
    address: Mutex<SocketAddr>,
    restarts: mpsc::UnboundedSender<Restart>,
    published: watch::Sender<Option<u16>>,
    kept: Option<StateFile<HostState>>,
    /// Where the host publishes itself, and what came of it.
    pub(crate) place: watch::Sender<Option<Publish>>,
    pub(crate) in_dns: watch::Sender<InDns>,
}

/// What the tasks are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum State {
    /// Serve.
    Running,
    /// Send what is to be sent, and end.
    Stopping,
    /// End at once: a fault asked for it.
    Crashed,
}

impl Shared {
    pub(crate) fn new(
        host: Host,
        connections: usize,
        address: SocketAddr,
        restarts: mpsc::UnboundedSender<Restart>,
        kept: Option<StateFile<HostState>>,
    ) -> Self {
        Self {
            host: Mutex::new(host),
            time: Time::start(),
            registry: Registry::new(connections),
            state: watch::Sender::new(State::Running),
            address: Mutex::new(address),
            restarts,
            published: watch::Sender::new(None),
            kept,
            place: watch::Sender::new(None),
            in_dns: watch::Sender::default(),
        }
    }

    /// Where the host listens.
    pub(crate) fn address(&self) -> SocketAddr {
        *self.address.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The host listens on this port from now on.
    pub(crate) fn listens_on(&self, port: u16) {
        let mut address = self.address.lock().unwrap_or_else(PoisonError::into_inner);
        address.set_port(port);
        self.host().listens_on(port);
    }

    /// Asks for a restart; false if nobody listens any more.
    pub(crate) fn restart(&self, restart: Restart) -> bool {
        self.restarts.send(restart).is_ok()
    }

    /// Tells whoever publishes in DNS what is to be published now.
    pub(crate) fn tell_published(&self) {
        let running = *self.state.borrow() == State::Running;
        let port = self.host().publishes().filter(|_| running);
        self.published
            .send_if_modified(|present| std::mem::replace(present, port) != port);
    }

    /// The port that is to be published in DNS, if one is.
    pub(crate) fn published(&self) -> watch::Receiver<Option<u16>> {
        self.published.subscribe()
    }

    /// Whether the host's state is kept in a file.
    pub(crate) const fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Writes the host's state to its file, if it has one.
    pub(crate) fn keep(&self) -> Result<(), StateError> {
        let Some(file) = &self.kept else {
            return Ok(());
        };
        let state = HostState::of(&self.host());
        file.save(&state)
    }

    /// The host. No lock is ever held across an await.
    pub(crate) fn host(&self) -> MutexGuard<'_, Host> {
        self.host.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> FileTime {
        self.time.now()
    }

    /// When the monotonic clock shows this time.
    pub(crate) fn instant(&self, time: FileTime) -> Instant {
        Instant::now() + duration(time.minus(self.now().0).0)
    }

    pub(crate) fn become_(&self, state: State) {
        self.state.send_if_modified(|present| {
            let changes = *present < state;
            *present = state.max(*present);
            changes
        });
    }

    pub(crate) fn state(&self) -> State {
        *self.state.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }
}

/// Waits until the host is to stop or has crashed.
pub(crate) async fn no_longer_running(state: &mut watch::Receiver<State>) -> State {
    let changed = state.wait_for(|state| *state != State::Running).await;
    changed.map_or(State::Stopping, |state| *state)
}

/// The system's time at the start, going on with the monotonic clock.
struct Time {
    start: FileTime,
    instant: Instant,
}

impl Time {
    fn start() -> Self {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = unix.map_or(0, |unix| u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX));
        Self {
            start: FileTime::from_unix_nanos(nanos),
            instant: Instant::now(),
        }
    }

    fn now(&self) -> FileTime {
        let units = self.instant.elapsed().as_nanos() / 100;
        self.start.plus(u64::try_from(units).unwrap_or(u64::MAX))
    }
}

/// Units of 100 ns as a duration, at most a day: longer ones are only ever waited for in part.
pub(crate) fn duration(units: u64) -> Duration {
    Duration::from_nanos(units.min(FileTime::DAY).saturating_mul(100))
}

//! An authority on sockets.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tracing::{debug, warn};

use crate::authority::{Authority, Event, Reply, Transport};
use crate::fault::Fault;
use crate::srv::Srv;

/// Connections at once; another one is closed.
const CONNECTIONS: usize = 64;
/// How long a connection may say nothing.
const IDLE: Duration = Duration::from_secs(10);
/// Answers that may wait to be sent; more are not given.
const WAITING: usize = 1024;
/// Events that are kept.
const EVENTS: usize = 1024;
/// Attempts to find a port that is free for both transports.
const PORTS: usize = 16;
/// How long to leave a socket alone after an error that will not go away at once.
const PAUSE: Duration = Duration::from_millis(20);

/// A DNS server that is running, on UDP and TCP. Dropping it stops it.
#[must_use = "a server that is dropped stops"]
pub struct DnsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    task: AbortHandle,
}

/// Why a server does not start.
#[derive(Debug, Error)]
#[error("cannot listen on {address}: {source}")]
pub struct StartError {
    /// Where it should have listened.
    pub address: SocketAddr,
    /// What the system says.
    pub source: io::Error,
}

struct Shared {
    state: Mutex<State>,
    /// How many events there were.
    count: watch::Sender<u64>,
    connections: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

struct State {
    authority: Authority,
    events: VecDeque<(u64, Event)>,
}

impl DnsServer {
    /// Listens on both transports, and answers in tasks of the present runtime.
    ///
    /// # Errors
    /// The address cannot be listened on.
    pub async fn start(listen: SocketAddr, authority: Authority) -> Result<Self, StartError> {
        let failed = |source| StartError {
            address: listen,
            source,
        };
        let (udp, tcp) = bind(listen).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                authority,
                events: VecDeque::new(),
            }),
            count: watch::Sender::new(0),
            connections: Arc::new(Semaphore::new(CONNECTIONS)),
            waiting: Arc::new(Semaphore::new(WAITING)),
        });
        let task = tokio::spawn(serve(udp, tcp, Arc::clone(&shared))).abort_handle();
        Ok(Self {
            address,
            shared,
            task,
        })
    }

    /// Where it listens, the port being the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes it misbehave, or no longer.
    pub fn set_faults(&self, faults: Vec<Fault>) {
        self.with(|authority| authority.set_faults(faults));
    }

    /// Looks at or changes what it knows.
    pub fn with<T>(&self, look: impl FnOnce(&mut Authority) -> T) -> T {
        look(&mut self.shared.lock().authority)
    }

    /// What the SRV records at a name say.
    pub fn srv(&self, name: &str) -> Vec<Srv> {
        let name = format!("{}.", name.trim_end_matches('.'));
        self.with(|authority| {
            authority
                .zones()
                .iter()
                .flat_map(|zone| zone.srv(&name))
                .collect()
        })
    }

    /// What happened behind the first `seen` events, and how many events there were. The oldest are forgotten.
    pub fn events(&self, seen: u64) -> (u64, Vec<Event>) {
        let state = self.shared.lock();
        let new = state.events.iter().filter(|(number, _)| *number >= seen);
        let new = new.map(|(_, event)| event.clone()).collect();
        (*self.shared.count.borrow(), new)
    }

    /// Waits until there were more than `seen` events.
    pub async fn more(&self, seen: u64) {
        let mut count = self.shared.count.subscribe();
        // It fails only where nothing counts any more.
        drop(count.wait_for(|count| *count > seen).await);
    }

    /// Waits until `look` finds something, for at most `patience`; it looks at once, and again behind each event.
    pub async fn until<T>(
        &self,
        patience: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let end = Instant::now().checked_add(patience)?;
        loop {
            let (seen, _) = self.events(u64::MAX);
            if let Some(found) = look(self) {
                return Some(found);
            }
            timeout_at(end, self.more(seen)).await.ok()?;
        }
    }
}

impl Drop for DnsServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl fmt::Debug for DnsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DNS server at {}", self.address)
    }
}

impl Shared {
    /// No lock is ever held across an await.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, octets: &[u8], transport: Transport) -> Reply {
        let mut state = self.lock();
        let reply = state.authority.handle(octets, transport);
        if let Some(event) = &reply.event {
            let number = *self.count.borrow();
            state.events.push_back((number, event.clone()));
            if state.events.len() > EVENTS {
                state.events.pop_front();
            }
            drop(state);
            debug!(%event, "asked");
            self.count
                .send_modify(|count| *count = count.saturating_add(1));
        }
        reply
    }
}

/// The same port for both transports.
async fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, TcpListener)> {
    let mut left = if listen.port() == 0 { PORTS } else { 1 };
    loop {
        let tcp = TcpListener::bind(listen).await?;
        left = left.saturating_sub(1);
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) if left == 0 => return Err(error),
            Err(_) => {}
        }
    }
}

async fn serve(udp: UdpSocket, tcp: TcpListener, shared: Arc<Shared>) {
    let udp = Arc::new(udp);
    let mut tasks = JoinSet::new();
    let mut datagram = vec![0; usize::from(u16::MAX)];
    loop {
        tokio::select! {
            received = udp.recv_from(&mut datagram) => match received {
                Ok((len, from)) => {
                    let reply = shared.handle(datagram.get(..len).unwrap_or_default(), Transport::Udp);
                    if let Some(octets) = reply.octets {
                        send(&udp, &shared, octets, from, reply.after, &mut tasks).await;
                    }
                }
                // Somebody who asked has gone: his port's refusal arrives here on some systems.
                Err(error) => debug!(%error, "cannot receive"),
            },
            accepted = tcp.accept() => match accepted {
                Ok((stream, _)) => {
                    let Ok(place) = Arc::clone(&shared.connections).try_acquire_owned() else { continue };
                    let shared = Arc::clone(&shared);
                    tasks.spawn(async move {
                        if let Err(error) = connection(stream, &shared).await {
                            debug!(%error, "connection failed");
                        }
                        drop(place);
                    });
                }
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    sleep(PAUSE).await;
                }
            },
            Some(_) = tasks.join_next() => {}
        }
    }
}

/// Sends a datagram, now or later.
async fn send(
    udp: &Arc<UdpSocket>,
    shared: &Shared,
    octets: Vec<u8>,
    to: SocketAddr,
    after: Duration,
    tasks: &mut JoinSet<()>,
) {
    if after.is_zero() {
        // Whoever cannot be reached will ask again.
        drop(udp.send_to(&octets, to).await);
        return;
    }
    let Ok(place) = Arc::clone(&shared.waiting).try_acquire_owned() else {
        return;
    };
    let udp = Arc::clone(udp);
    tasks.spawn(async move {
        sleep(after).await;
        drop(udp.send_to(&octets, to).await);
        drop(place);
    });
}

/// Answers one message after the other. Source: RFC 1035 4.2.2.
async fn connection(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    loop {
        let read = async {
            let len = stream.read_u16().await?;
            let mut octets = vec![0; usize::from(len)];
            stream.read_exact(&mut octets).await?;
            io::Result::Ok(octets)
        };
        let octets = match timeout(IDLE, read).await {
            Err(_) => return Ok(()),
            Ok(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Ok(octets) => octets?,
        };
        let reply = shared.handle(&octets, Transport::Tcp);
        sleep(reply.after).await;
        if let Some(octets) = reply.octets {
            let mut framed = u16::try_from(octets.len())
                .unwrap_or(u16::MAX)
                .to_be_bytes()
                .to_vec();
            framed.extend_from_slice(&octets);
            timeout(IDLE, stream.write_all(&framed)).await??;
        }
    }
}

//! A recording proxy: between clients and a host, it hands on every octet and writes what passes as pcapng.
//!
//! What it is: a TCP proxy that needs no privileges, where a capture on the interface would. Octets, half-closes and resets
//! pass as they come. The file has TCP connections made up around them, under the addresses of the client and of the host,
//! and is whole whenever the process ends: each packet is written before it is handed on. What it is not: it knows nothing
//! of the protocol.

mod forward;
mod sink;

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use sink::Sink;

/// When a recording ends of itself. Whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// After this time.
    pub duration: Option<Duration>,
    /// After so many connections, when the last of them has ended.
    pub connections: Option<u64>,
    /// After so many octets of all connections, both ways.
    pub bytes: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            duration: None,
            connections: None,
            bytes: 1 << 30,
        }
    }
}

/// What became of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its number, from 1.
    pub number: u64,
    /// The client's address.
    pub client: SocketAddr,
    /// The host's address.
    pub host: SocketAddr,
    /// Octets to the host.
    pub to_host: u64,
    /// Octets to the client.
    pub to_client: u64,
    /// How it ended.
    pub end: End,
}

/// How a connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// Both sides closed it.
    Closed,
    /// The client reset it.
    ResetByClient,
    /// The host reset it.
    ResetByHost,
    /// The host could not be reached; what the system says.
    Unreachable(String),
    /// The recording ended first.
    CutOff,
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            number,
            client,
            host,
            to_host,
            to_client,
            end,
        } = self;
        write!(
            f,
            "connection {number}: {client} to {host}, {to_host} octets there, {to_client} back, {end}"
        )
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::ResetByClient => f.write_str("reset by the client"),
            Self::ResetByHost => f.write_str("reset by the host"),
            Self::Unreachable(why) => write!(f, "cannot reach the host: {why}"),
            Self::CutOff => f.write_str("open when the recording ended"),
        }
    }
}

/// What a recording came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections that reached the host.
    pub recorded: u64,
    /// Connections for which the host could not be reached.
    pub unreachable: u64,
    /// Octets, both ways.
    pub bytes: u64,
}

/// Why a recording failed.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// The file.
    #[error("cannot write the recording: {0}")]
    Write(io::Error),
    /// The listening socket.
    #[error("cannot accept connections: {0}")]
    Accept(io::Error),
}

/// Records until a bound is reached or `stop` comes; `each` is told of every connection when it has ended.
///
/// # Errors
/// The file cannot be written, or the listener fails for good. What was recorded before is in the file.
pub async fn record<W: Write + Send + 'static>(
    listener: TcpListener,
    host: SocketAddr,
    out: W,
    bounds: Bounds,
    stop: impl Future<Output = ()>,
    mut each: impl FnMut(&Passed),
) -> Result<Totals, ProxyError> {
    let comment = format!("recorded between clients and {host}");
    let sink = Sink::new(out, &comment, bounds.bytes).map_err(ProxyError::Write)?;
    let sink = Arc::new(sink);
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut connections = JoinSet::new();
    let places = Arc::new(Semaphore::new(MOST_OPEN));
    let mut totals = Totals::default();
    let mut accepted = 0;
    let late = async {
        match bounds.duration {
            Some(duration) => sleep(duration).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(stop, late);
    let ended = loop {
        let more = bounds.connections.is_none_or(|most| accepted < most);
        if !more && connections.is_empty() {
            break Ok(());
        }
        tokio::select! {
            taken = accept(&listener, &places), if more => match taken {
                Ok((stream, client, place)) => {
                    accepted += 1;
                    let (sink, tell) = (Arc::clone(&sink), tell.clone());
                    connections.spawn(async move {
                        forward::run(stream, client, host, accepted, &sink, tell).await;
                        drop(place);
                    });
                }
                Err(error) => break Err(ProxyError::Accept(error)),
            },
            Some(_) = connections.join_next() => {}
            Some(passed) = told.recv() => totals.add(&passed, &mut each),
            () = sink.full() => break Ok(()),
            () = &mut late => break Ok(()),
            () = &mut stop => break Ok(()),
        }
    };
    drop(listener);
    // Each connection that is cut off tells so itself.
    sink.end();
    let farewell = async { while connections.join_next().await.is_some() {} };
    if timeout(FAREWELL, farewell).await.is_err() {
        connections.shutdown().await;
    }
    drop(tell);
    while let Some(passed) = told.recv().await {
        totals.add(&passed, &mut each);
    }
    match sink.failure() {
        Some(error) => Err(ProxyError::Write(error)),
        None => ended.map(|()| totals),
    }
}

impl Totals {
    fn add(&mut self, passed: &Passed, each: &mut impl FnMut(&Passed)) {
        match passed.end {
            End::Unreachable(_) => self.unreachable += 1,
            _ => self.recorded += 1,
        }
        self.bytes += passed.to_host + passed.to_client;
        each(passed);
    }
}

/// The next connection, once there is a place for it.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(
    tokio::net::TcpStream,
    SocketAddr,
    tokio::sync::OwnedSemaphorePermit,
)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return Ok((stream, client, place)),
            // It was gone before it was accepted.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Connections that are open at once; more wait to be accepted.
const MOST_OPEN: usize = 1024;
/// How long connections may take to notice that the recording has ended.
const FAREWELL: Duration = Duration::from_secs(2);

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kmspec_capture::rpc::Direction;
use kmspec_capture::write::Flow;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::timeout;

use super::sink::Sink;
use super::{End, Passed};

/// Hands one connection on until it ends, and tells what became of it.
pub(super) async fn run<W: Write>(
    mut client: TcpStream,
    address: SocketAddr,
    host: SocketAddr,
    number: u64,
    sink: &Sink<W>,
    tell: UnboundedSender<Passed>,
) {
    let counts = [AtomicU64::new(0), AtomicU64::new(0)];
    let end = match reach(host).await {
        Ok(mut upstream) => {
            let end = between(&mut client, &mut upstream, (address, host), sink, &counts).await;
            match end {
                End::ResetByClient => reset(&upstream),
                End::ResetByHost => reset(&client),
                _ => {}
            }
            end
        }
        Err(error) => {
            reset(&client);
            End::Unreachable(error.to_string())
        }
    };
    // Nobody listens any more if the recording has failed.
    drop(tell.send(Passed {
        number,
        client: address,
        host,
        to_host: counts[0].load(Ordering::Relaxed),
        to_client: counts[1].load(Ordering::Relaxed),
        end,
    }));
}

async fn reach(host: SocketAddr) -> io::Result<TcpStream> {
    let reached = timeout(CONNECT, TcpStream::connect(host)).await;
    reached.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Dropping the socket resets its connection.
fn reset(stream: &TcpStream) {
    // Where the system refuses, the connection is closed instead.
    drop(stream.set_zero_linger());
}

async fn between<W: Write>(
    client: &mut TcpStream,
    host: &mut TcpStream,
    (client_address, host_address): (SocketAddr, SocketAddr),
    sink: &Sink<W>,
    counts: &[AtomicU64; 2],
) -> End {
    for stream in [&*client, &*host] {
        // A delay would be ours, not theirs; without the option they merely wait a little.
        drop(stream.set_nodelay(true));
    }
    let Some(flow) = sink.open(client_address, host_address) else {
        return End::CutOff;
    };
    let flow = Mutex::new(flow);
    let (from_client, to_client) = client.split();
    let (from_host, to_host) = host.split();
    let there = Way {
        direction: Direction::ToHost,
        flow: &flow,
        sink,
        count: &counts[0],
    };
    let back = Way {
        direction: Direction::ToClient,
        flow: &flow,
        sink,
        count: &counts[1],
    };
    let both = async {
        let ways = tokio::try_join!(
            there.pump(from_client, to_host),
            back.pump(from_host, to_client)
        );
        match ways {
            Ok(_) => End::Closed,
            Err(end) => end,
        }
    };
    tokio::select! {
        // What has ended has ended, even if the recording ends at the same time.
        biased;
        end = both => end,
        () = sink.ended() => End::CutOff,
    }
}

/// One direction of a connection.
struct Way<'a, W: Write> {
    direction: Direction,
    flow: &'a Mutex<Flow>,
    sink: &'a Sink<W>,
    count: &'a AtomicU64,
}

impl<W: Write> Way<'_, W> {
    /// Hands octets on until their sender has no more; how the connection ends if it ends otherwise.
    async fn pump(&self, mut from: ReadHalf<'_>, mut to: WriteHalf<'_>) -> Result<(), End> {
        let mut octets = vec![0; CHUNK];
        loop {
            let len = from
                .read(&mut octets)
                .await
                .map_err(|_| self.sender_reset())?;
            let read = octets.get(..len).unwrap_or_default();
            if read.is_empty() {
                self.sink.fin(&mut self.flow(), self.direction);
                // If the other end has gone, reading from it tells.
                drop(to.shutdown().await);
                return Ok(());
            }
            let allowed = self.sink.octets(&mut self.flow(), self.direction, read);
            let passing = read.get(..allowed).unwrap_or(read);
            to.write_all(passing)
                .await
                .map_err(|_| self.receiver_reset())?;
            self.count.fetch_add(allowed as u64, Ordering::Relaxed);
            if allowed < len {
                // The recording ends here, and with it the connection.
                self.sink.ended().await;
                return Err(End::CutOff);
            }
        }
    }

    fn sender_reset(&self) -> End {
        self.reset(self.direction)
    }

    fn receiver_reset(&self) -> End {
        self.reset(match self.direction {
            Direction::ToHost => Direction::ToClient,
            Direction::ToClient => Direction::ToHost,
        })
    }

    /// Writes down that whoever sends `way` has reset the connection.
    fn reset(&self, way: Direction) -> End {
        self.sink.rst(&mut self.flow(), way);
        match way {
            Direction::ToHost => End::ResetByClient,
            Direction::ToClient => End::ResetByHost,
        }
    }

    fn flow(&self) -> std::sync::MutexGuard<'_, Flow> {
        self.flow
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Octets that are read at once.
const CHUNK: usize = 1 << 16;
/// How long the host may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(10);

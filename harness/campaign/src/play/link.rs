use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use kmspec_rules::{Direction, Judge, Roles, Violation};
use kmspec_wire::fragment::Framer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::Player;
use crate::answers::{Closing, Ledger};

/// One connection of a session.
pub(super) struct Link {
    stream: TcpStream,
    judge: Judge,
    answers: Framer,
    /// Octets of the host that are not PDUs are not cut any further.
    lost: bool,
    pub(super) number: usize,
    pub(super) ledger: Ledger,
    pub(super) ended: Option<Closing>,
}

/// What listening brought.
pub(super) enum Chunk {
    Octets(Vec<u8>),
    Ended(Closing),
    Nothing,
}

impl Link {
    /// Connects; `None` if nobody accepts.
    pub(super) async fn open(address: SocketAddr, player: &Player) -> Option<Self> {
        let stream = timeout(CONNECTING, TcpStream::connect(address))
            .await
            .ok()?
            .ok()?;
        // Each write goes out at once: a segment is what the session says it is.
        stream.set_nodelay(true).ok()?;
        let judge = Judge::new(Roles::HOST)
            .with_keys(Arc::clone(&player.keys))
            .with_memory(player.memory.clone());
        Some(Self {
            stream,
            judge,
            answers: Framer::new(),
            lost: false,
            number: 0,
            ledger: Ledger::new(),
            ended: None,
        })
    }

    pub(super) fn numbered(self, number: usize) -> Self {
        Self { number, ..self }
    }

    pub(super) fn from(&self) -> SocketAddr {
        let from = self.stream.local_addr();
        from.unwrap_or_else(|_| (Ipv4Addr::LOCALHOST, 0).into())
    }

    /// Sends octets, in segments of this size; 0 for one.
    pub(super) async fn send(&mut self, octets: &[u8], segment: u16) {
        self.judge.octets(Direction::FromClient, octets);
        self.ledger.sent(octets);
        let segment = match usize::from(segment) {
            0 => octets.len().max(1),
            // So many segments say all there is to say; more only take time.
            segment => segment.max(octets.len() / MOST_SEGMENTS),
        };
        let stream = &mut self.stream;
        let writing = async {
            for part in octets.chunks(segment) {
                stream.write_all(part).await?;
            }
            io::Result::Ok(())
        };
        // A host that has closed is found out when it is listened to, one that does not read like one that is silent.
        drop(timeout(WRITING, writing).await);
    }

    pub(super) async fn shutdown(&mut self) {
        self.ledger.close();
        drop(self.stream.shutdown().await);
    }

    /// What comes next, within this time; `None` for what is there already.
    pub(super) async fn receive(&mut self, patience: Option<Duration>) -> Chunk {
        if let Some(closing) = self.ended {
            return Chunk::Ended(closing);
        }
        let mut octets = Vec::with_capacity(READ);
        let reading = self.stream.read_buf(&mut octets);
        let read = match patience {
            Some(patience) => timeout(patience, reading).await.ok(),
            None => now_or_never(reading).await,
        };
        match read {
            None => Chunk::Nothing,
            Some(Ok(0)) => Chunk::Ended(Closing::Closed),
            Some(Ok(_)) => Chunk::Octets(octets),
            Some(Err(_)) => Chunk::Ended(Closing::Reset),
        }
    }

    /// Octets came: shows them to the judge, and each whole PDU to `each`.
    pub(super) fn heard(&mut self, octets: &[u8], mut each: impl FnMut(&[u8])) {
        self.judge.octets(Direction::FromHost, octets);
        if self.lost {
            return;
        }
        self.answers.push(octets);
        loop {
            match self.answers.next_pdu() {
                Ok(Some(pdu)) => {
                    self.ledger.answered();
                    each(pdu);
                }
                Ok(None) => return,
                Err(_) => {
                    self.lost = true;
                    self.ledger.answered();
                    each(&[]);
                    return;
                }
            }
        }
    }

    pub(super) fn end(&mut self, closing: Closing) {
        self.ended = Some(closing);
        (self.ledger.owed, self.ledger.hoped) = (0, 0);
        if closing == Closing::Closed {
            self.judge.end(Direction::FromHost);
        }
    }

    /// What was broken on it.
    pub(super) fn done(mut self) -> Vec<Violation> {
        self.judge.take_violations()
    }
}

/// What a future gives at once.
async fn now_or_never<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// How long connecting may take.
const CONNECTING: Duration = Duration::from_secs(3);
/// How long a host may take to read what is sent.
const WRITING: Duration = Duration::from_secs(2);
/// Octets read at a time.
const READ: usize = 8 * 1024;
/// Most segments of one sending.
const MOST_SEGMENTS: usize = 64;

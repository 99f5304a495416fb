use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

/// A bare server on loopback: it waits for so many octets and answers so many, in one thread, with no executor. Nothing
/// that answers over TCP is quicker by much.
#[derive(Debug)]
pub struct Echo {
    address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// Octets of a question and of its answer: those of a connection's first exchange, and those of all that follow.
pub type Exchanges = [(usize, usize); 2];

impl Echo {
    /// Starts one on a free port.
    pub fn start(exchanges: Exchanges) -> io::Result<Self> {
        let mut listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = listener.local_addr()?;
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        // An echo that fails is seen by its clients.
        let thread = thread::spawn(move || drop(serve(poll, &listener, exchanges, &stopped)));
        Ok(Self {
            address,
            stop,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// One connection: its socket, octets that have come, and whether the first exchange is yet to be.
struct Peer {
    stream: TcpStream,
    come: usize,
    first: bool,
}

fn serve(
    mut poll: Poll,
    listener: &TcpListener,
    exchanges: Exchanges,
    stop: &AtomicBool,
) -> io::Result<()> {
    let mut events = Events::with_capacity(256);
    let mut peers = HashMap::new();
    let mut next = LISTENER.0;
    let answer = vec![0; exchanges[0].1.max(exchanges[1].1)];
    while !stop.load(Ordering::Relaxed) {
        poll.poll(&mut events, Some(Duration::from_millis(100)))?;
        for event in &events {
            if event.token() == LISTENER {
                while let Ok((mut stream, _)) = listener.accept() {
                    next += 1;
                    stream.set_nodelay(true)?;
                    poll.registry()
                        .register(&mut stream, Token(next), Interest::READABLE)?;
                    let peer = Peer {
                        stream,
                        come: 0,
                        first: true,
                    };
                    peers.insert(next, peer);
                }
            } else if let Some(peer) = peers.get_mut(&event.token().0)
                && !peer.serve(exchanges, &answer)
            {
                peers.remove(&event.token().0);
            }
        }
    }
    Ok(())
}

impl Peer {
    /// As the client: takes what has come, and whether that makes an answer.
    fn has_answer(&mut self, exchanges: Exchanges) -> io::Result<bool> {
        let mut octets = [0; 8192];
        match self.stream.read(&mut octets) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(got) => self.come += got,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        let (_, answer) = exchanges[usize::from(!self.first)];
        if self.come < answer {
            return Ok(false);
        }
        self.come -= answer;
        self.first = false;
        Ok(true)
    }

    /// As the server: takes what has come and answers what is whole. False once the connection has ended.
    fn serve(&mut self, exchanges: Exchanges, answer: &[u8]) -> bool {
        // A read that does not fill the buffer has taken all there was; the next event tells of more.
        let mut octets = [0; 8192];
        match self.stream.read(&mut octets) {
            Ok(0) => return false,
            Ok(got) => self.come += got,
            Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
        }
        loop {
            let (asked, answered) = exchanges[usize::from(!self.first)];
            if self.come < asked {
                return true;
            }
            self.come -= asked;
            self.first = false;
            if self.stream.write_all(&answer[..answered]).is_err() {
                return false;
            }
        }
    }
}

const LISTENER: Token = Token(0);

/// The other side: a client in one thread with no executor, whose connections have one question each on its way.
#[derive(Debug)]
pub struct Asker {
    /// What a connection sends first.
    pub first: Vec<u8>,
    /// What it sends from then on.
    pub rest: Vec<u8>,
    /// The sizes of all this and of its answers.
    pub exchanges: Exchanges,
}

/// How long a connection is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// As long as there is time.
    Time(Duration),
    /// For one question behind the first, and so many of them in all.
    Answered(u32),
}

impl Asker {
    /// Asks over so many connections: how many answers came, first ones aside, and in what time.
    pub fn ask(
        &self,
        address: SocketAddr,
        connections: usize,
        until: Until,
    ) -> io::Result<(Duration, u32)> {
        let mut poll = Poll::new()?;
        let mut events = Events::with_capacity(256);
        let open = |number| self.open(address, &poll, Token(number));
        let mut peers = (0..connections).map(open).collect::<io::Result<Vec<_>>>()?;
        let (began, mut answers) = (Instant::now(), 0);
        while match until {
            Until::Time(time) => began.elapsed() < time,
            Until::Answered(most) => answers < most,
        } {
            poll.poll(&mut events, Some(PATIENCE))?;
            if events.is_empty() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            for event in &events {
                let Some(peer) = peers.get_mut(event.token().0) else {
                    continue;
                };
                let was_first = peer.first;
                if !peer.has_answer(self.exchanges)? {
                    continue;
                }
                answers += u32::from(!was_first);
                if !was_first && matches!(until, Until::Answered(_)) {
                    *peer = self.open(address, &poll, event.token())?;
                } else {
                    peer.stream.write_all(&self.rest)?;
                }
            }
        }
        Ok((began.elapsed(), answers))
    }

    /// A connection that has said its first.
    fn open(&self, address: SocketAddr, poll: &Poll, token: Token) -> io::Result<Peer> {
        let stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        stream.write_all(&self.first)?;
        poll.registry()
            .register(&mut stream, token, Interest::READABLE)?;
        Ok(Peer {
            stream,
            come: 0,
            first: true,
        })
    }
}

/// Longest wait for any answer.
const PATIENCE: Duration = Duration::from_secs(10);

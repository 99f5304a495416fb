use std::io;
use std::time::Duration;

use kmspec_model::{After, Connection, Delivery, Next};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, sleep_until, timeout};
use tracing::{debug, trace};

use crate::registry::Place;
use crate::shared::{Shared, State, duration, no_longer_running};

/// Octets read at a time.
const READ: usize = 8192;
/// How long, and for how many octets, a client may go on sending after the host has ended its side. Closing with octets
/// unread would reset the connection and could lose the last answer on its way.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_OCTETS: usize = 1 << 20;

/// Serves one connection to its end.
pub(crate) async fn serve(stream: TcpStream, port: u16, shared: &Shared) -> io::Result<()> {
    // Answers go out at once: nothing follows that would fill their segment.
    stream.set_nodelay(true)?;
    let now = shared.now();
    let mut machine = Connection::open(&mut shared.host(), now, port);
    let mut out = Vec::new();
    let greeting = machine.greet(&mut shared.host(), now, &mut out);
    let place = shared.registry.enter(now);
    debug!(number = place.number(), "opened");
    let mut link = Link {
        stream,
        shared,
        machine,
        place,
        out,
        ended: false,
    };
    let ended = link.run(greeting).await;
    debug!(after = ?ended.as_ref().ok(), "ended");
    ended.map(drop)
}

struct Link<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    machine: Connection,
    place: Place<'a>,
    out: Vec<u8>,
    /// The client has shut down its side.
    ended: bool,
}

impl Link<'_> {
    async fn run(&mut self, greeting: Next) -> io::Result<After> {
        let mut state = self.shared.watch();
        let mut next = greeting;
        loop {
            self.send(next).await?;
            match next.after {
                After::Open => {}
                After::Close => return self.close().await,
                After::Reset => {
                    self.stream.set_zero_linger()?;
                    return Ok(After::Reset);
                }
                After::Crash => {
                    self.shared.become_(State::Crashed);
                    return Ok(After::Crash);
                }
            }
            let deadline = self.machine.poll_timeout();
            next = tokio::select! {
                ready = self.wait_readable() => {
                    ready?;
                    match self.read()? {
                        Some(next) => next,
                        None => Next::OPEN,
                    }
                }
                () = sleep_until_some(deadline.map(|time| self.shared.instant(time))) => {
                    self.machine.handle_timeout(self.shared.now())
                }
                () = self.place.told_to_leave() => return self.close().await,
                state = no_longer_running(&mut state) => {
                    if state != State::Crashed {
                        self.stream.shutdown().await?;
                    }
                    return Ok(After::Close);
                }
            };
        }
    }

    /// Waits for octets, or for the end of what the client sends. A machine that goes on after that end hears nothing
    /// more, and is left to its deadline.
    async fn wait_readable(&self) -> io::Result<()> {
        if self.ended {
            return std::future::pending().await;
        }
        self.stream.readable().await
    }

    /// Takes what has come to the machine; `None` if nothing had.
    fn read(&mut self) -> io::Result<Option<Next>> {
        let mut octets = [0; READ];
        let got = match self.stream.try_read(&mut octets) {
            Ok(got) => octets.get(..got).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let now = self.shared.now();
        self.place.heard(now);
        trace!(octets = got.len(), "received");
        let mut host = self.shared.host();
        Ok(Some(if got.is_empty() {
            self.ended = true;
            self.machine.half_close(&mut host)
        } else {
            self.machine.receive(&mut host, now, got, &mut self.out)
        }))
    }

    /// Sends the answers as the machine says. A client that does not read them is as good as idle.
    async fn send(&mut self, next: Next) -> io::Result<()> {
        if next.delay > 0 {
            sleep(duration(next.delay)).await;
        }
        if self.out.is_empty() || next.after == After::Reset {
            return Ok(());
        }
        trace!(octets = self.out.len(), "sending");
        let idle = duration(self.shared.host().settings().limits.idle);
        let stream = &mut self.stream;
        let sending = async {
            match next.delivery {
                Delivery::Whole => stream.write_all(&self.out).await,
                Delivery::OctetByOctet => {
                    for octet in self.out.chunks(1) {
                        stream.write_all(octet).await?;
                    }
                    Ok(())
                }
                Delivery::Halves { pause } => {
                    let (first, rest) = self.out.split_at(self.out.len() / 2);
                    stream.write_all(first).await?;
                    sleep(duration(pause)).await;
                    stream.write_all(rest).await
                }
            }
        };
        let sent = timeout(idle, sending).await;
        self.out.clear();
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Ends the connection in order.
    async fn close(&mut self) -> io::Result<After> {
        self.stream.shutdown().await?;
        let mut octets = [0; 512];
        let mut left = LINGER_OCTETS;
        let reading = async {
            while left > 0 {
                match self.stream.read(&mut octets).await {
                    Ok(0) | Err(_) => return,
                    Ok(got) => left = left.saturating_sub(got),
                }
            }
        };
        // A client that keeps its side open longer than this is left behind.
        drop(timeout(LINGER, reading).await);
        Ok(After::Close)
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        let mut host = self.shared.host();
        if self.machine.is_kept(&host) {
            keep(&self.stream);
        }
        self.machine.end(&mut host);
    }
}

/// Keeps a socket open until the process ends.
#[cfg(unix)]
fn keep(stream: &TcpStream) {
    use std::os::fd::AsFd;
    // A second descriptor that nobody closes: what a forgotten clean-up leaves behind.
    if let Ok(second) = stream.as_fd().try_clone_to_owned() {
        std::mem::forget(second);
    }
}

#[cfg(not(unix))]
fn keep(_: &TcpStream) {}

async fn sleep_until_some(instant: Option<tokio::time::Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

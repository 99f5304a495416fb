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
    let machine = Connection::open(&mut shared.host(), now, port);
    let place = shared.registry.enter(now);
    debug!(number = place.number(), "opened");
    let mut link = Link {
        stream,
        shared,
        machine,
        place,
        out: Vec::new(),
    };
    let ended = link.run().await;
    debug!(after = ?ended.as_ref().ok(), "ended");
    ended.map(drop)
}

struct Link<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    machine: Connection,
    place: Place<'a>,
    out: Vec<u8>,
}

/// What happened first.
enum Event {
    Readable,
    Timeout,
    Leave,
    Stop(State),
}

impl Link<'_> {
    async fn run(&mut self) -> io::Result<After> {
        let mut state = self.shared.watch();
        loop {
            let deadline = self.machine.poll_timeout();
            let event = tokio::select! {
                ready = self.stream.readable() => ready.map(|()| Event::Readable)?,
                () = sleep_until_some(deadline.map(|time| self.shared.instant(time))) => Event::Timeout,
                () = self.place.told_to_leave() => Event::Leave,
                state = no_longer_running(&mut state) => Event::Stop(state),
            };
            let next = match event {
                Event::Readable => match self.read()? {
                    Some(next) => next,
                    None => continue,
                },
                Event::Timeout => self.machine.handle_timeout(self.shared.now()),
                Event::Leave => return self.close().await,
                Event::Stop(State::Running | State::Stopping) => {
                    self.stream.shutdown().await?;
                    return Ok(After::Close);
                }
                Event::Stop(State::Crashed) => return Ok(After::Crash),
            };
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
        }
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
            self.machine.half_close(&mut host, now, &mut self.out)
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
        self.machine.end(&mut self.shared.host());
    }
}

async fn sleep_until_some(instant: Option<tokio::time::Instant>) {
    match instant {
        Some(instant) => sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use kmspec_model::{After, Connection, Delivery, Next};
use kmspec_wire::filetime::FileTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::futures::Notified;
use tokio::time::{Sleep, sleep, timeout};
use tracing::{debug, trace};

use crate::registry::Place;
use crate::shared::{Shared, State, duration};

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
    let mut out = Vec::new();
    let (machine, greeting) = {
        let mut host = shared.host();
        let mut machine = Connection::open(&mut host, now, port);
        let greeting = machine.greet(&mut host, now, &mut out);
        (machine, greeting)
    };
    let place = shared.registry.enter(now);
    debug!(number = place.number(), "opened");
    let mut link = Link {
        stream,
        shared,
        machine,
        place: &place,
        out,
        ended: false,
        alarm_at: FileTime(u64::MAX),
    };
    let ended = link.run(greeting).await;
    debug!(after = ?ended.as_ref().ok(), "ended");
    ended.map(drop)
}

struct Link<'a> {
    stream: TcpStream,
    shared: &'a Shared,
    machine: Connection,
    place: &'a Place<'a>,
    out: Vec<u8>,
    /// The client has shut down its side.
    ended: bool,
    /// When the alarm rings. It is moved when it rings, and not with all octets that move the deadline.
    alarm_at: FileTime,
}

impl Link<'_> {
    async fn run(&mut self, greeting: Next) -> io::Result<After> {
        let mut alarm = pin!(sleep(Duration::MAX));
        let mut leave = pin!(self.place.told_to_leave());
        let mut next = greeting;
        // Whoever entered when all had been told to leave is not told again.
        if self.shared.state() != State::Running {
            return self.leave().await;
        }
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
            next = match self.wait(alarm.as_mut(), leave.as_mut()).await? {
                Some(next) => next,
                None => return self.leave().await,
            };
        }
    }

    /// Ends the connection for a reason that is the host's own.
    async fn leave(&mut self) -> io::Result<After> {
        match self.shared.state() {
            State::Running => return self.close().await,
            State::Stopping => self.stream.shutdown().await?,
            State::Crashed => {}
        }
        Ok(After::Close)
    }

    /// Waits for octets and takes them to the machine, or for its deadline; `None` if the connection is to end.
    async fn wait(
        &mut self,
        mut alarm: Pin<&mut Sleep>,
        mut leave: Pin<&mut Notified<'_>>,
    ) -> io::Result<Option<Next>> {
        loop {
            self.set(alarm.as_mut());
            tokio::select! {
                // A client that never pauses is told to leave too.
                biased;
                () = leave.as_mut() => return Ok(None),
                next = poll_fn(|context| self.poll_receive(context)) => return next.map(Some),
                () = alarm.as_mut() => {
                    self.alarm_at = FileTime(u64::MAX);
                    let next = self.machine.handle_timeout(self.shared.now());
                    if !next.is_open() {
                        return Ok(Some(next));
                    }
                }
            }
        }
    }

    /// Sets the alarm to the machine's deadline, unless it rings before that anyway.
    fn set(&mut self, alarm: Pin<&mut Sleep>) {
        if let Some(deadline) = self.machine.poll_timeout()
            && deadline < self.alarm_at
        {
            alarm.reset(self.shared.instant(deadline));
            self.alarm_at = deadline;
        }
    }

    /// Reads what has come and takes it to the machine. The buffer is on the stack: a connection that waits has none.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Next>> {
        // A machine that goes on after the end of what the client sends hears nothing more, and is left to its deadline.
        if self.ended {
            return Poll::Pending;
        }
        let mut octets = [MaybeUninit::uninit(); READ];
        let mut octets = ReadBuf::uninit(&mut octets);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut octets))?;
        let got = octets.filled();
        let now = self.shared.now();
        self.place.heard(now);
        trace!(octets = got.len(), "received");
        let mut host = self.shared.host();
        Poll::Ready(Ok(if got.is_empty() {
            self.ended = true;
            self.machine.half_close(&mut host)
        } else {
            self.machine.receive(&mut host, now, got, &mut self.out)
        }))
    }

    /// Sends the answers as the machine says.
    async fn send(&mut self, next: Next) -> io::Result<()> {
        if next.delay > 0 {
            sleep(duration(next.delay)).await;
        }
        if self.out.is_empty() || next.after == After::Reset {
            return Ok(());
        }
        trace!(octets = self.out.len(), "sending");
        let sent = match next.delivery {
            Delivery::Whole => self.send_at_once()?,
            _ => 0,
        };
        if sent < self.out.len() {
            Box::pin(self.send_slowly(sent, next.delivery)).await?;
        }
        self.out.clear();
        Ok(())
    }

    /// As much as the connection takes without waiting, which mostly is all.
    fn send_at_once(&self) -> io::Result<usize> {
        match self.stream.try_write(&self.out) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            sent => sent,
        }
    }

    /// The rest. A client that does not read its answers is as good as idle.
    async fn send_slowly(&mut self, sent: usize, delivery: Delivery) -> io::Result<()> {
        let idle = duration(self.shared.host().settings().limits.idle);
        let stream = &mut self.stream;
        let rest = self.out.get(sent..).unwrap_or_default();
        let sending = async {
            match delivery {
                Delivery::Whole => stream.write_all(rest).await,
                Delivery::OctetByOctet => {
                    for octet in rest.chunks(1) {
                        stream.write_all(octet).await?;
                    }
                    Ok(())
                }
                Delivery::Halves { pause } => {
                    let (first, second) = rest.split_at(rest.len() / 2);
                    stream.write_all(first).await?;
                    sleep(duration(pause)).await;
                    stream.write_all(second).await
                }
            }
        };
        let sent = timeout(idle, sending).await;
        sent.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    /// Ends the connection in order.
    async fn close(&mut self) -> io::Result<After> {
        if self.ended {
            // All that the client sent has been read: closing alone says the same.
            return Ok(After::Close);
        }
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

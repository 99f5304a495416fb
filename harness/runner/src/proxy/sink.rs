use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use kmspec_capture::rpc::Direction;
use kmspec_capture::tcp::Endpoint;
use kmspec_capture::write::{Flow, PcapNgWriter};
use tokio::sync::watch;

/// The file, as all connections write to it.
pub(super) struct Sink<W: Write> {
    file: Mutex<File<W>>,
    state: watch::Sender<State>,
}

struct File<W: Write> {
    writer: PcapNgWriter<W>,
    /// Octets that may still pass.
    left: u64,
    /// The latest time stamp: the file's never go back, whatever the system's clock does.
    latest: u64,
    failure: Option<io::Error>,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum State {
    Open,
    /// Nothing more can be written.
    Full,
    /// All connections have to end.
    Ended,
}

impl<W: Write> Sink<W> {
    pub(super) fn new(out: W, comment: &str, bytes: u64) -> io::Result<Self> {
        let mut writer = PcapNgWriter::new(out, Some(comment))?;
        writer.flush()?;
        Ok(Self {
            file: Mutex::new(File {
                writer,
                left: bytes,
                latest: 0,
                failure: None,
            }),
            state: watch::Sender::new(State::Open),
        })
    }

    /// Begins a connection.
    pub(super) fn open(&self, client: SocketAddr, host: SocketAddr) -> Option<Flow> {
        let (client, host) = (endpoint(client), endpoint(host));
        self.write(|file, now| Flow::open(&mut file.writer, client, host, now))
    }

    /// Writes octets that are about to pass: as many of them as may.
    pub(super) fn octets(&self, flow: &mut Flow, way: Direction, octets: &[u8]) -> usize {
        let written = self.write(|file, now| {
            let most = usize::try_from(file.left).unwrap_or(usize::MAX);
            let some = octets.get(..most).unwrap_or(octets);
            flow.send(&mut file.writer, way, now, some, None)?;
            file.left -= some.len() as u64;
            Ok((some.len(), file.left == 0))
        });
        let (len, full) = written.unwrap_or((0, true));
        if full {
            self.become_(State::Full);
        }
        len
    }

    /// Writes that one side has nothing more to send.
    pub(super) fn fin(&self, flow: &mut Flow, way: Direction) {
        self.write(|file, now| flow.fin(&mut file.writer, way, now));
    }

    /// Writes that one side gave the connection up.
    pub(super) fn rst(&self, flow: &mut Flow, way: Direction) {
        self.write(|file, now| flow.rst(&mut file.writer, way, now));
    }

    /// Waits until nothing more can be written.
    pub(super) async fn full(&self) {
        self.reach(State::Full).await;
    }

    /// Waits until all connections have to end.
    pub(super) async fn ended(&self) {
        self.reach(State::Ended).await;
    }

    /// Ends all connections.
    pub(super) fn end(&self) {
        self.become_(State::Ended);
    }

    /// Why the file could not be written.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.file().failure.take()
    }

    fn write<T>(&self, each: impl FnOnce(&mut File<W>, u64) -> io::Result<T>) -> Option<T> {
        let mut file = self.file();
        if file.failure.is_some() {
            return None;
        }
        let now = now().max(file.latest);
        file.latest = now;
        let written = each(&mut file, now).and_then(|value| {
            file.writer.flush()?;
            Ok(value)
        });
        match written {
            Ok(value) => Some(value),
            Err(error) => {
                file.failure = Some(error);
                drop(file);
                self.become_(State::Full);
                None
            }
        }
    }

    fn file(&self) -> MutexGuard<'_, File<W>> {
        // A panic elsewhere leaves a file of whole packets.
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn become_(&self, state: State) {
        self.state.send_modify(|now| *now = state.max(*now));
    }

    async fn reach(&self, wanted: State) {
        let mut state = self.state.subscribe();
        // The sender is in `self`: it outlives the wait.
        drop(state.wait_for(|state| *state >= wanted).await);
    }
}

const fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint {
        address: address.ip(),
        port: address.port(),
    }
}

fn now() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

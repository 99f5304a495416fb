//! Targets that are started, or reset, by running a program.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Commands, Control, Instance, Launch, LaunchError, Pending};
use crate::free;

/// Starts a target by running a program that serves until it is killed: `start` of a target file.
///
/// What it writes to standard output and standard error is its log.
#[derive(Clone, Debug)]
pub struct Program {
    arguments: Vec<String>,
    address: SocketAddr,
    patience: Duration,
    commands: Option<Commands>,
}

impl Program {
    /// What stands for the port in an argument. With it, each instance gets a free one.
    pub const PORT: &str = "{port}";

    /// A program, its arguments, and where it listens; the port counts only where no argument has [`Self::PORT`].
    /// `patience` is how long it may take until it accepts connections.
    pub const fn new(arguments: Vec<String>, address: SocketAddr, patience: Duration) -> Self {
        Self {
            arguments,
            address,
            patience,
            commands: None,
        }
    }

    /// With these programs as its control verbs.
    #[must_use]
    pub fn controlled_by(mut self, commands: Commands) -> Self {
        self.commands = Some(commands);
        self
    }

    async fn run(&self) -> Result<Running, LaunchError> {
        let mut address = self.address;
        if self.several() {
            let port = free::port(address.ip()).await;
            address.set_port(port.map_err(|error| failed(&format!("no free port: {error}")))?);
        }
        let port = address.port().to_string();
        let mut words = self
            .arguments
            .iter()
            .map(|word| word.replace(Self::PORT, &port));
        let name = words.next().ok_or_else(|| failed("the command is empty"))?;
        let mut child = Command::new(&name)
            .args(words)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| failed(&format!("{name}: {error}")))?;
        let mut log = Log::default();
        log.keep(child.stdout.take());
        log.keep(child.stderr.take());
        accepts_or_ends(&mut child, &mut log, address, &name, self.patience).await?;
        Ok(Running {
            address,
            child: Mutex::new(child),
            log,
            controls: controls(self.commands.as_ref(), address),
        })
    }
}

impl Launch for Program {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        Box::pin(async {
            let running: Box<dyn Instance> = Box::new(self.run().await?);
            Ok(running)
        })
    }

    fn several(&self) -> bool {
        self.arguments.iter().any(|word| word.contains(Self::PORT))
    }
}

/// A program that runs.
#[derive(Debug)]
struct Running {
    address: SocketAddr,
    child: Mutex<Child>,
    log: Log,
    controls: Option<Arc<dyn Control>>,
}

/// Waits until a program accepts connections, or ends.
async fn accepts_or_ends(
    child: &mut Child,
    log: &mut Log,
    address: SocketAddr,
    name: &str,
    patience: Duration,
) -> Result<(), LaunchError> {
    tokio::select! {
        accepted = accepts(address, patience) => accepted,
        ended = child.wait() => {
            let how = ended.map_or_else(|error| error.to_string(), |status| status.to_string());
            let log = log.rest().await;
            let last = log.lines().last().map(|line| format!(": {line}")).unwrap_or_default();
            Err(failed(&format!("{name} ended before it served, {how}{last}")))
        }
    }
}

impl Instance for Running {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn controls(&self) -> Option<Arc<dyn Control>> {
        self.controls.clone()
    }

    fn log(&self) -> String {
        self.log.text()
    }

    fn process(&self) -> Option<u32> {
        let child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        child.id()
    }

    fn ended(&self) -> Option<String> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = child.try_wait().ok().flatten();
        ended.map(|status| status.to_string())
    }

    fn stop(self: Box<Self>) -> Pending<'static, String> {
        Box::pin(async move {
            let Self { child, mut log, .. } = *self;
            let mut child = child.into_inner().unwrap_or_else(PoisonError::into_inner);
            // That it has ended already is no reason to complain.
            let _ = child.kill().await;
            log.rest().await
        })
    }
}

/// Makes a target forget whom it has counted by running a program: the control verb `reset` of a target file.
#[derive(Clone, Debug)]
pub struct Reset {
    arguments: Vec<String>,
    address: SocketAddr,
    patience: Duration,
    commands: Option<Commands>,
}

impl Reset {
    /// A program with its arguments, and where the target listens. `patience` is how long the program may take, and then
    /// the target until it accepts connections.
    pub const fn new(arguments: Vec<String>, address: SocketAddr, patience: Duration) -> Self {
        Self {
            arguments,
            address,
            patience,
            commands: None,
        }
    }

    /// With these programs as its other control verbs.
    #[must_use]
    pub fn controlled_by(mut self, commands: Commands) -> Self {
        self.commands = Some(commands);
        self
    }

    async fn run(&self) -> Result<(), LaunchError> {
        let [name, rest @ ..] = self.arguments.as_slice() else {
            return Err(failed("the command is empty"));
        };
        let mut command = Command::new(name);
        command.args(rest).stdin(Stdio::null()).kill_on_drop(true);
        let until = Instant::now() + self.patience;
        let output = timeout_at(until, command.output())
            .await
            .map_err(|_| failed(&format!("{name} takes longer than {:?}", self.patience)))?
            .map_err(|error| failed(&format!("{name}: {error}")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said
                .lines()
                .last()
                .map(|line| format!(": {line}"))
                .unwrap_or_default();
            return Err(failed(&format!(
                "{name} ended with {}{last}",
                output.status
            )));
        }
        accepts(self.address, self.patience).await
    }
}

impl Launch for Reset {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        Box::pin(async {
            self.run().await?;
            let there = There {
                address: self.address,
                commands: self.commands.clone(),
            };
            there.start().await
        })
    }

    fn several(&self) -> bool {
        false
    }
}

/// A target that runs whatever we do, with control verbs.
#[derive(Clone, Debug)]
pub struct There {
    address: SocketAddr,
    commands: Option<Commands>,
}

impl There {
    /// Where it listens, and its control verbs.
    pub const fn new(address: SocketAddr, commands: Commands) -> Self {
        Self {
            address,
            commands: Some(commands),
        }
    }
}

impl Launch for There {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        let there: Box<dyn Instance> = Box::new(self.clone());
        Box::pin(std::future::ready(Ok(there)))
    }

    fn anew(&self) -> bool {
        false
    }

    fn several(&self) -> bool {
        false
    }
}

fn controls(commands: Option<&Commands>, address: SocketAddr) -> Option<Arc<dyn Control>> {
    let commands = commands?.clone().at(address);
    Some(Arc::new(commands))
}

impl Instance for There {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn controls(&self) -> Option<Arc<dyn Control>> {
        controls(self.commands.as_ref(), self.address)
    }

    fn stop(self: Box<Self>) -> Pending<'static, String> {
        Box::pin(std::future::ready(String::new()))
    }
}

/// What a program writes: the beginning, lest one that writes without end fill the memory.
#[derive(Debug, Default)]
pub(super) struct Log {
    kept: Arc<Mutex<Vec<u8>>>,
    /// What reads the pipes; each is done when the last writer is.
    pipes: Vec<JoinHandle<()>>,
}

impl Log {
    /// Keeps what comes through a pipe.
    pub(super) fn keep(&mut self, pipe: Option<impl AsyncRead + Unpin + Send + 'static>) {
        self.keep_too(pipe, &Self::default());
    }

    /// Keeps what comes through a pipe here and there.
    pub(super) fn keep_too(
        &mut self,
        pipe: Option<impl AsyncRead + Unpin + Send + 'static>,
        there: &Self,
    ) {
        let logs = [&self.kept, &there.kept].map(Arc::clone);
        self.pipes.extend(pipe.map(|mut pipe| {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while let Ok(len @ 1..) = pipe.read(&mut buffer).await {
                    for kept in &logs {
                        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                        let room = MOST_LOG.saturating_sub(kept.len());
                        kept.extend_from_slice(&buffer[..len.min(room)]);
                    }
                }
            })
        }));
    }

    /// What was written so far.
    pub(super) fn text(&self) -> String {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&kept).into_owned()
    }

    /// All that a program wrote which has ended: what it said last may still be in a pipe.
    pub(super) async fn rest(&mut self) -> String {
        let until = Instant::now() + LAST_WORDS;
        for mut pipe in self.pipes.drain(..) {
            // A child of its own may keep the pipe; what was written by then is what counts.
            let _ = timeout_at(until, &mut pipe).await;
        }
        self.text()
    }
}

/// Waits until something at `address` accepts connections.
async fn accepts(address: SocketAddr, patience: Duration) -> Result<(), LaunchError> {
    let until = Instant::now() + patience;
    while !matches!(
        timeout_at(until, TcpStream::connect(address)).await,
        Ok(Ok(_))
    ) {
        if Instant::now() >= until {
            let problem = format!("nothing accepts connections at {address} within {patience:?}");
            return Err(failed(&problem));
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

pub(super) fn failed(problem: &str) -> LaunchError {
    LaunchError::Failed(problem.to_owned())
}

/// Between two attempts to connect.
const PAUSE: Duration = Duration::from_millis(10);
/// How long to wait for the rest of what a program wrote that has ended.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// Octets of a log that are kept.
const MOST_LOG: usize = 64 * 1024;

//! The way to a lab host or client that runs: one command line of the licence manager a connection, on loopback, with a
//! token.
//!
//! Whoever comes is greeted with an empty line, so that a wrong port shows at once. Then either side sends one line of JSON.
//! What is asked carries the token of a file that only its owner can read; without the right one nothing is done, and
//! nothing is said but that.

pub(crate) mod check;
mod token;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kmspec_model::Host;
use kmspec_model::admin::{Done, Refusal};
use kmspec_slmgr::Language;
use kmspec_wire::filetime::FileTime;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;
use tracing::{debug, warn};

use crate::controls::{Controls, SlmgrError};

pub use token::{Token, TokenError};

/// What is asked of a lab host or client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The words of the command line.
    pub words: Vec<String>,
    /// Whether an administrator asks.
    pub elevated: bool,
    /// The language of the answer.
    pub language: Language,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// How it ended.
    pub outcome: Outcome,
    /// What is to be printed.
    pub text: String,
}

/// How a command line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It was done.
    Done,
    /// It was refused with a result code.
    Refused,
    /// It says nothing that can be done.
    Usage,
    /// It could not be done.
    Failed,
    /// The token is wrong.
    Denied,
}

/// Why a lab host or client could not be asked.
#[derive(Debug, Error)]
pub enum AskError {
    /// Nobody there, or nobody who speaks this.
    #[error("cannot ask the lab at {address}: {source}")]
    Io {
        /// Where.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// What answers is no lab host or client.
    #[error("what listens at {0} is no lab of this version")]
    Foreign(SocketAddr),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    version: u32,
    token: String,
    words: Vec<String>,
    elevated: bool,
    language: String,
}

/// The version of what is said.
const VERSION: u32 = 2;
/// Longest line, in octets.
const LONGEST: u64 = 64 * 1024;
/// What whoever comes is greeted with: before JSON it means nothing.
const GREETING: u8 = b'\n';
/// How long the lab waits for a command line, and whoever asks for the greeting.
const PATIENCE: Duration = Duration::from_secs(10);
const GREETED: Duration = Duration::from_secs(3);
/// How long it may take to do what it is told: a client may ask several hosts that say nothing.
const DOING: Duration = Duration::from_secs(60);

/// What can be administered while it runs.
pub trait Administered: Send + Sync + 'static {
    /// Does what a command line says.
    fn administer(&self, request: &Request) -> impl Future<Output = Answer> + Send;
}

impl Administered for Controls {
    async fn administer(&self, request: &Request) -> Answer {
        let Request {
            words,
            elevated,
            language,
        } = request;
        Answer::of(self.slmgr(words, *elevated, *language).await, *language)
    }
}

impl Answer {
    pub(crate) fn new(outcome: Outcome, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { outcome, text }
    }

    /// What came of a command line.
    pub fn of(outcome: Result<String, SlmgrError>, language: Language) -> Self {
        match outcome {
            Ok(text) => Self::new(Outcome::Done, text),
            Err(SlmgrError::Usage(error)) => Self::new(Outcome::Usage, error.to_string()),
            Err(error) => {
                let text = error.text(language);
                let refused = matches!(
                    error,
                    SlmgrError::Refused(
                        Refusal::NoKey | Refusal::ForeignKey | Refusal::Confirmation
                    )
                );
                let outcome = if refused {
                    Outcome::Refused
                } else {
                    Outcome::Failed
                };
                Self::new(outcome, text)
            }
        }
    }
}

impl Request {
    /// Does it on a host that does not run.
    ///
    /// # Errors
    /// It says nothing that can be done, or is refused; nothing has changed then.
    pub fn administer(&self, host: &mut Host, now: FileTime) -> Result<String, SlmgrError> {
        let command = host.read_command(&self.words)?;
        match host.administer(now, self.elevated, &command)? {
            Done::Shown(report) => Ok(host.print(&report, self.language)),
            Done::Said(notices) => {
                let lines = notices
                    .iter()
                    .map(|notice| notice.text(self.language) + "\n");
                Ok(lines.collect())
            }
            Done::Restart => Err(SlmgrError::Stopped),
        }
    }

    /// Asks a lab host or client that runs.
    ///
    /// # Errors
    /// It cannot be asked.
    pub async fn ask(&self, address: SocketAddr, token: &Token) -> Result<Answer, AskError> {
        let failed = |source| AskError::Io { address, source };
        let line = Line {
            version: VERSION,
            token: token.text().to_owned(),
            words: self.words.clone(),
            elevated: self.elevated,
            language: self.language.code().to_owned(),
        };
        let mut stream = greeted(address).await?;
        let asking = async {
            let mut octets = serde_json::to_vec(&line)?;
            octets.push(b'\n');
            stream.write_all(&octets).await?;
            let mut answer = Vec::new();
            stream.take(LONGEST).read_to_end(&mut answer).await?;
            Ok(answer)
        };
        let answer = timeout(DOING, asking).await;
        let answer = answer.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
        let answer: Vec<u8> = answer.map_err(failed)?;
        serde_json::from_slice(&answer).map_err(|_| AskError::Foreign(address))
    }
}

/// A connection to a lab, by its greeting.
async fn greeted(address: SocketAddr) -> Result<TcpStream, AskError> {
    let stream = timeout(GREETED, TcpStream::connect(address)).await;
    let stream = stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let mut stream = stream.map_err(|source| AskError::Io { address, source })?;
    match timeout(GREETED, stream.read_u8()).await {
        Ok(Ok(GREETING)) => Ok(stream),
        Ok(Ok(_) | Err(_)) | Err(_) => Err(AskError::Foreign(address)),
    }
}

/// Listens for command lines. Dropping it ends that.
#[derive(Debug)]
pub struct ControlServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl ControlServer {
    /// Listens on loopback, and lets whoever has the token control this host or client.
    ///
    /// # Errors
    /// The address is not on loopback, or cannot be listened on.
    pub async fn start(
        address: SocketAddr,
        token: Token,
        controls: impl Administered,
    ) -> io::Result<Self> {
        if !address.ip().is_loopback() {
            let problem = "control connections are for loopback only";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
        }
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(serve(listener, token, controls));
        Ok(Self { address, task })
    }

    /// Where it listens, the port being the real one.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Takes all that come, and does what they ask one after the other: whoever administers a host does not do so twice at
/// once.
async fn serve(listener: TcpListener, token: Token, controls: impl Administered) {
    let lab = Arc::new(Lab {
        token,
        controls,
        busy: Mutex::const_new(()),
    });
    // They end with this task.
    let mut asking = JoinSet::new();
    loop {
        while asking.try_join_next().is_some() {}
        if asking.len() >= MOST_ASKING {
            asking.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, peer)) => {
                let lab = Arc::clone(&lab);
                asking.spawn(async move {
                    match lab.answer(stream).await {
                        Ok(outcome) => debug!(%peer, ?outcome, "command line"),
                        Err(error) => debug!(%peer, %error, "command line broke off"),
                    }
                });
            }
            Err(error) => {
                warn!(%error, "cannot accept a control connection");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

/// Connections that wait for their turn, at most.
const MOST_ASKING: usize = 16;

/// What is administered, and who may.
struct Lab<A> {
    token: Token,
    controls: A,
    busy: Mutex<()>,
}

impl<A: Administered> Lab<A> {
    async fn answer(&self, mut stream: TcpStream) -> io::Result<Outcome> {
        stream.write_u8(GREETING).await?;
        let mut line = String::new();
        let (read, mut write) = stream.split();
        let mut read = BufReader::new(read.take(LONGEST));
        timeout(PATIENCE, read.read_line(&mut line)).await??;
        let answer = match understood(&line, &self.token) {
            Ok(request) => self.done(&request).await?,
            Err(answer) => answer,
        };
        let mut octets = serde_json::to_vec(&answer)?;
        octets.push(b'\n');
        write.write_all(&octets).await?;
        write.shutdown().await?;
        Ok(answer.outcome)
    }

    async fn done(&self, request: &Request) -> io::Result<Answer> {
        let _alone = self.busy.lock().await;
        Ok(timeout(DOING, self.controls.administer(request)).await?)
    }
}

/// What a line asks; the answer to it, if nothing is to be done.
fn understood(line: &str, token: &Token) -> Result<Request, Answer> {
    match serde_json::from_str::<Line>(line) {
        Ok(line) if token.is(&line.token) && line.version == VERSION => Ok(Request {
            words: line.words,
            elevated: line.elevated,
            language: line.language.parse().unwrap_or_default(),
        }),
        Ok(line) if token.is(&line.token) => {
            let text = format!(
                "the lab speaks version {VERSION} of the control connection, not {}",
                line.version
            );
            Err(Answer::new(Outcome::Failed, text))
        }
        _ => Err(Answer::new(Outcome::Denied, "the control token is wrong")),
    }
}

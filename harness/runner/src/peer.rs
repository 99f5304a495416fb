//! The tester's end: a [`Peer`] knows the target and opens [`Link`]s to it.

mod kms;
mod lenient;
mod link;
mod many;
mod names;
mod record;

pub(crate) use kms::system_time;
pub use kms::{Activation, Asked, Lawful, Outcome, Product};
pub use link::{Arrival, Ending, Link};
pub use names::Names;
pub use record::{Broken, Direction, Event, Record};

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kmspec_rules::{Judge, Memory, Role, Roles};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{BindBuilder, RequestBuilder, SyntaxId};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use tokio::net::TcpStream;

use crate::free;
use crate::target::{Control, ControlError};
use crate::verdict::Stop;

/// What a case needs to know of the target.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// Where it listens.
    pub address: SocketAddr,
    /// The interface and operation that well-formed calls are for.
    pub call: CallSpec,
    /// The target's key set.
    pub keys: Arc<KeySet>,
    /// How long to wait for what.
    pub timing: Timing,
    /// The tester's clock, standing still; `None` for the system's.
    pub now: Option<FileTime>,
    /// What was seen of the target on other connections: what must be fresh, and what must stay as it is.
    pub memory: Memory,
    /// How the target's settings can be changed; only where nobody else is asking it anything.
    pub controls: Option<Arc<dyn Control>>,
}

/// What a well-formed call of the target is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallSpec {
    /// The interface.
    pub interface: SyntaxId,
    /// The operation.
    pub opnum: u16,
    /// An NDR32 stub that the target answers without a fault; `None` for a KMS request made anew for each call.
    pub stub: Option<Vec<u8>>,
}

impl CallSpec {
    /// KMS: its interface, operation 0, a fresh request for each call.
    pub const KMS: Self = Self {
        interface: SyntaxId::KMS,
        opnum: 0,
        stub: None,
    };

    /// Whether calls are KMS requests.
    pub const fn is_kms(&self) -> bool {
        self.stub.is_none()
    }
}

/// How long to wait for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// For a connection and for an answer. Default 5 s.
    pub answer: Duration,
    /// For the end of a connection that must end. Default 5 s.
    pub close: Duration,
    /// With nothing arriving, until a connection is taken to be silent. Default 0.3 s.
    pub quiet: Duration,
    /// For which a connection is left alone to see whether the target keeps it. Default 2 s.
    pub idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let answer = Duration::from_secs(5);
        Self {
            answer,
            close: answer,
            quiet: Duration::from_millis(300),
            idle: Duration::from_secs(2),
        }
    }
}

/// The tester's end of one case: opens connections, makes well-formed PDUs, keeps the record.
#[derive(Clone, Debug)]
pub struct Peer {
    endpoint: Arc<Endpoint>,
    record: Arc<Record>,
    rng: Arc<Mutex<ChaCha8Rng>>,
}

impl Peer {
    /// A peer for the case with this id; its randomness comes from `seed` and the id alone.
    pub fn new(endpoint: Arc<Endpoint>, record: Arc<Record>, seed: u64, id: &str) -> Self {
        let rng = ChaCha8Rng::seed_from_u64(mix(seed, id));
        Self {
            endpoint,
            record,
            rng: Arc::new(Mutex::new(rng)),
        }
    }

    /// What is known of the target.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// What went over the wire so far.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// A judge of what holds of every answer, for a new connection.
    fn judge(&self, target: Role, keys_fit: bool) -> Judge {
        let roles = match target {
            Role::Host => Roles::HOST,
            Role::Client => Roles::CLIENT,
        };
        let judge = Judge::new(roles).with_memory(self.endpoint.memory.clone());
        if self.endpoint.call.is_kms() && keys_fit {
            judge.with_keys(Arc::clone(&self.endpoint.keys))
        } else {
            judge
        }
    }

    /// Random octets of the case's own stream.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut octets = [0; N];
        self.rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut octets);
        octets
    }

    /// `len` random octets of the case's own stream.
    pub fn random_octets(&self, len: usize) -> Vec<u8> {
        let mut octets = vec![0; len];
        self.rng
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .fill_bytes(&mut octets);
        octets
    }

    /// A number of the case's own stream, from 0 up to but not including `below` (0 if that is 0).
    pub fn pick(&self, below: usize) -> usize {
        let number = u64::from_le_bytes(self.random());
        usize::try_from(number % u64::try_from(below.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// Changes or shows something of the target that cannot be reached over the wire; what it prints.
    ///
    /// # Errors
    /// A skip if this target, or this case's share in it, has no such verb; an error verdict if the verb fails.
    pub async fn control(&self, verb: &str, value: &str) -> Result<String, Stop> {
        let outcome = self.try_control(verb, value).await?;
        outcome
            .map_err(|how| Stop::Error(ControlError::Failed(format!("{verb}: {how}")).to_string()))
    }

    /// The same where failing may be what is wanted: what it prints, or how it failed.
    ///
    /// # Errors
    /// A skip if there is no such verb.
    pub async fn try_control(
        &self,
        verb: &str,
        value: &str,
    ) -> Result<Result<String, String>, Stop> {
        let unsupported = ControlError::Unsupported(verb.to_owned());
        let outcome = match &self.endpoint.controls {
            Some(controls) => controls.control(verb, value).await,
            None => Err(unsupported),
        };
        match outcome {
            Ok(printed) => Ok(Ok(printed)),
            Err(ControlError::Failed(how)) => Ok(Err(how)),
            Err(error) => Err(Stop::Skip(error.to_string())),
        }
    }

    /// A peer of the same case that speaks to another port of the target.
    #[must_use]
    pub fn at_port(&self, port: u16) -> Self {
        let mut endpoint = Endpoint::clone(&self.endpoint);
        endpoint.address.set_port(port);
        Self {
            endpoint: Arc::new(endpoint),
            ..self.clone()
        }
    }

    /// A port that nobody listens on: of this machine if the target is on it, else one that few use.
    pub async fn free_port(&self) -> u16 {
        match free::port(self.endpoint.address.ip()).await {
            Ok(port) => port,
            Err(_) => u16::try_from(self.pick(10_000)).unwrap_or(0) + 20_000,
        }
    }

    /// Whether the target takes a connection.
    pub async fn accepts(&self) -> bool {
        let Endpoint {
            address, timing, ..
        } = *self.endpoint;
        let connected = tokio::time::timeout(timing.answer, TcpStream::connect(address)).await;
        matches!(connected, Ok(Ok(_)))
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// An error verdict: the target refuses or does not answer in time.
    pub async fn connect(&self) -> Result<Link, Stop> {
        let Endpoint {
            address, timing, ..
        } = *self.endpoint;
        let stream = match tokio::time::timeout(timing.answer, TcpStream::connect(address)).await {
            Err(_) => {
                return Err(Stop::Error(format!(
                    "{address} does not take the connection within {:?}",
                    timing.answer
                )));
            }
            Ok(Err(error)) => {
                return Err(Stop::Error(format!("cannot connect to {address}: {error}")));
            }
            Ok(Ok(stream)) => stream,
        };
        Link::new(stream, self.clone())
    }

    /// The catalogue's `STD_BIND`: one context, id 0, the target's interface with NDR32.
    pub fn bind(&self) -> BindBuilder {
        self.bind_without_contexts()
            .offering(0, self.interface(), &[SyntaxId::NDR32])
    }

    /// `STD_BIND` with no context yet.
    pub fn bind_without_contexts(&self) -> BindBuilder {
        BindBuilder::new()
    }

    /// An `alter_context`, call id 3, with no context yet.
    pub fn alter(&self) -> BindBuilder {
        BindBuilder::alter().call_id(3)
    }

    /// The interface that well-formed calls are for.
    pub fn interface(&self) -> SyntaxId {
        self.endpoint.call.interface
    }

    /// The catalogue's `STD_CALL`: call id 2, context 0, the target's operation, a valid NDR32 stub.
    pub fn call(&self) -> RequestBuilder {
        RequestBuilder::new(self.valid_stub()).opnum(self.endpoint.call.opnum)
    }

    /// An operation number that the target's interface does not have: `opnum` itself for KMS, whose only operation is 0;
    /// far beyond any real interface's operations otherwise.
    pub fn absent_opnum(&self, opnum: u16) -> u16 {
        if self.endpoint.call.is_kms() {
            opnum
        } else {
            opnum | 0x4000
        }
    }

    /// The catalogue's `BOUND`: a connection on which `STD_BIND` was accepted.
    ///
    /// # Errors
    /// As [`Self::connect`]; a failure if the bind is not accepted.
    pub async fn bound(&self) -> Result<Link, Stop> {
        self.bound_by(&self.bind()).await
    }

    /// A connection on which this bind was answered by a `bind_ack` that accepts its first context.
    ///
    /// # Errors
    /// As [`Self::connect`]; a failure if the context is not accepted.
    pub async fn bound_by(&self, bind: &BindBuilder) -> Result<Link, Stop> {
        let mut link = self.connect().await?;
        link.send(bind.encoded()).await?;
        let ack = link.bind_ack().await?;
        let result = ack.body().results.get(0);
        ack.field("result[0]", result)
            .satisfies("an accepted context", |r| {
                r.is_some_and(|r| r.is_accepted())
            })?;
        let syntax = result.and_then(|result| TransferSyntax::from_id(result.transfer_syntax));
        if let (Some(context), Some(syntax)) = (bind.contexts.first(), syntax) {
            link.use_context(context.id, syntax);
        }
        Ok(link)
    }

    /// The catalogue's `FRESH`: a new connection is bound and answers a call.
    ///
    /// # Errors
    /// A failure if the target no longer serves.
    pub async fn fresh(&self) -> Result<(), Stop> {
        let mut link = match self.bound().await {
            Err(Stop::Error(reason)) => {
                return Err(Stop::fail(
                    "health after the stimulus",
                    "a new connection is served",
                    reason,
                ));
            }
            other => other?,
        };
        link.call(&self.call()).await
    }
}

/// Does two things at once, on one connection each.
pub async fn both<A: Future, B: Future>(one: A, two: B) -> (A::Output, B::Output) {
    tokio::join!(one, two)
}

/// Seed and id in one number: FNV-1a over the id, started from the seed.
fn mix(seed: u64, id: &str) -> u64 {
    let start = seed ^ 0xcbf2_9ce4_8422_2325;
    id.bytes().fold(start, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

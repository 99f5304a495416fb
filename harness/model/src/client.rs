//! The reference client as a state machine, sans-IO.
//!
//! A [`Client`] is one machine: its edition and key, its identity, its licence, and what it knows of hosts. It is asked
//! with [`Client::due`] when it next wants to act, begins with [`Client::activate`], and takes the result with
//! [`Client::conclude`]. All it would remember is in its [`State`], which the caller may keep.
//!
//! Deliberate defects of the client are to the side, as those of the host are: the honest bind, call and judgement are one
//! function each in `client/attempt.rs`, the honest reaction to a reply is [`Client::conclude`].
//!
//! ```
//! use kmspec_model::client::{Client, Edition, Machine, Step};
//! use kmspec_model::{Connection, Host, Settings};
//! use kmspec_wire::filetime::FileTime;
//! use kmspec_wire::kms::HResult;
//!
//! let now = FileTime(134_398_416_170_000_000);
//! let mut client = Client::new(Machine::of(Edition::named("vista-enterprise").unwrap()), now, 1);
//! client.register("127.0.0.1".parse().unwrap());
//!
//! let mut activation = client.activate(now).unwrap();
//! assert!(matches!(activation.step(), Step::Connect(_)));
//! let mut host = Host::new(Settings::default());
//! let mut connection = Connection::open(&mut host, now, 1688);
//! let (mut asked, mut answered) = (Vec::new(), Vec::new());
//! activation.connected(&mut asked);
//! loop {
//!     connection.receive(&mut host, now, &asked, &mut answered);
//!     asked.clear();
//!     if !activation.receive(&std::mem::take(&mut answered), &mut asked) {
//!         break;
//!     }
//! }
//! // One machine is not enough.
//! assert_eq!(client.conclude(now, activation).result.hresult(), HResult::NOT_ENOUGH_COUNT);
//! ```

pub mod fault;

mod activation;
mod admin;
mod attempt;
mod deviate;
mod discovery;
mod edition;
mod licence;
mod state;

pub use activation::{Activation, ActivationResult, Outcome};
pub use admin::{Done, Refusal};
pub use attempt::{Answer, Attempt, Broken, Reply, Unverified};
pub use discovery::{
    Discovery, HostAddress, SERVICE, Search, Srv, Step, Suffixes, Tried, in_order,
};
pub use edition::{EDITIONS, Edition};
pub use licence::{Basis, LastTry, Licence, NoRearmLeft, Standing};
pub use state::{InstalledKey, KeyKind, LastAnswer, Machine, State};

use kmspec_slmgr::{ProductKey, Service};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, RequestBody, Version};
use thiserror::Error;

use crate::seed::Seed;
use fault::{Fault, Faults};

/// One machine that wants to be activated.
#[derive(Clone, Debug)]
pub struct Client {
    state: State,
    seed: Seed,
    faults: Faults,
    crashed: bool,
}

/// Why a key is not installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the key is that of {}, this machine has {}", other.name, edition.name)]
pub struct OtherEdition {
    /// The edition of the machine.
    pub edition: &'static Edition,
    /// The edition of the key.
    pub other: &'static Edition,
}

impl OtherEdition {
    /// The code that the licence manager prints.
    pub const HRESULT: HResult = HResult::EDITION_NOT_FOUND;
}

/// Why a machine asks no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotAsking {
    /// No key is installed.
    #[error("no product key is installed; install the setup key of {}", .0.name)]
    NoKey(&'static Edition),
    /// A MAK is installed.
    #[error("a MAK is installed, which no host activates; install the setup key of {}", .0.name)]
    Mak(&'static Edition),
    /// Its licensing service does not run.
    #[error("{}", at_rest(*.0))]
    Service(Service),
}

/// A licensing service that does not run, with the code of what it does not do.
fn at_rest(service: Service) -> String {
    let code = service.refuses().unwrap_or(HResult::OK);
    format!(
        "0x{:08X}, the licensing service is {}",
        code.0,
        service.name()
    )
}

impl Client {
    /// A machine that was set up just now. What is random about it follows from the seed.
    pub fn new(machine: Machine, now: FileTime, seed: u64) -> Self {
        Self::restore(State::installed(machine, now), now, seed)
    }

    /// A machine that is started with what it remembers. After `sysprep /generalize` it gets its identity here, so that
    /// machines made from one image differ by their seeds.
    ///
    /// The seed must be another one at each start: IVs follow from it.
    pub fn restore(state: State, now: FileTime, seed: u64) -> Self {
        let mut client = Self {
            state,
            seed: Seed::client(seed),
            faults: Faults::NONE,
            crashed: false,
        };
        client.start(now);
        client
    }

    /// The same with deliberate defects.
    #[must_use]
    pub const fn with_faults(mut self, faults: Faults) -> Self {
        self.faults = faults;
        self
    }

    /// Whether a fault has made it crash in its last activation. Whoever runs it should end as a crashed program does.
    pub const fn crashed(&self) -> bool {
        self.crashed
    }

    /// What the machine remembers.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The state of its licence at this time.
    pub fn standing(&self, now: FileTime) -> Standing {
        if self.faults.has(Fault::GraceAlwaysThirty) {
            return deviate::long_grace(&self.state.licence).standing(now);
        }
        self.state.licence.standing(now)
    }

    /// When it next wants to ask a host, perhaps in the past; `None` if its key is none that a host serves, or its
    /// licensing service does not run.
    pub fn due(&self) -> Option<FileTime> {
        if self.faults.has(Fault::NeverDue) && self.state.licence.last.is_some() {
            return None;
        }
        self.asks().ok().and_then(|()| self.state.licence.due())
    }

    /// Installs a key. A setup key of the edition, or any of the lab's, makes it a client of a host, and a MAK that was
    /// there is gone; any other well-formed key is taken for a MAK. The timer goes on as before.
    ///
    /// # Errors
    /// It is the setup key of another edition; nothing has changed.
    pub fn install_key(
        &mut self,
        key: &ProductKey,
        now: FileTime,
    ) -> Result<KeyKind, OtherEdition> {
        let edition = self.state.machine.edition;
        let kind = if edition.is_set_up_by(key) {
            if self.faults.has(Fault::OwnSetupKeyRefused) {
                let other = edition;
                return Err(OtherEdition { edition, other });
            }
            KeyKind::Setup
        } else if let Some(other) = Edition::of_setup_key(key) {
            if !self.faults.has(Fault::ForeignSetupKeyTaken) {
                return Err(OtherEdition { edition, other });
            }
            KeyKind::Setup
        } else if key.is_lab() {
            KeyKind::Setup
        } else {
            KeyKind::Mak
        };
        let partial = key.partial();
        let held = self.faults.has(Fault::MakStays)
            && self.state.key.is_some_and(|key| key.kind == KeyKind::Mak);
        if !held {
            self.state.key = Some(InstalledKey { kind, partial });
        }
        if self.state.licence.basis == Basis::Unlicensed {
            self.state.licence.basis = Basis::Grace { since: now };
        }
        Ok(kind)
    }

    /// Has it speak this version of the protocol, whatever its edition does.
    pub const fn speak(&mut self, version: Version) {
        self.state.machine.version = version;
    }

    /// Registers a host by hand (`-skms`).
    pub fn register(&mut self, host: HostAddress) {
        let host = deviate::registered(self.faults, host);
        self.state.discovery.register(host);
    }

    /// Forgets it again (`-ckms`).
    pub fn forget_host(&mut self) {
        if self.faults.has(Fault::ForgetsNothing) {
            return;
        }
        self.state.discovery.forget();
    }

    /// Where DNS is asked.
    pub fn set_suffixes(&mut self, suffixes: Suffixes) {
        self.state.discovery.suffixes = suffixes;
    }

    /// Resets timer and identity (`-rearm`, `sysprep /generalize`). Keys stay. The new identity comes with the next start.
    ///
    /// # Errors
    /// It was done as often as it may be; nothing has changed.
    pub fn rearm(&mut self, now: FileTime) -> Result<(), NoRearmLeft> {
        let before = self.state.clone();
        self.state.licence.rearm(now)?;
        if let Some(cmid) = self.state.identity.take() {
            self.state.previous_cmid = cmid;
        }
        self.state.answer = None;
        self.state.discovery.cached = None;
        deviate::rearmed(self.faults, &before, &mut self.state);
        Ok(())
    }

    /// Starts again, as after a restart of the machine: one that was reset gets its identity and its timer.
    pub fn start(&mut self, now: FileTime) {
        if self.state.identity.is_none() {
            let mut cmid = Guid::random(self.seed.block());
            if cmid == self.state.previous_cmid {
                // The seed that made the one before must not make it again.
                cmid = Guid::random(self.seed.block());
            }
            self.state.identity = Some(cmid);
            if let Basis::Grace { since } = &mut self.state.licence.basis {
                *since = now;
            }
        }
    }

    /// What it would ask a host now.
    ///
    /// # Errors
    /// Its key is none that a host serves, or its licensing service does not run.
    pub fn request(&self, now: FileTime) -> Result<RequestBody, NotAsking> {
        self.asks()?;
        let body = self.state.request(now);
        if self.faults.is_empty() {
            return Ok(body);
        }
        Ok(deviate::body(self.faults, &self.state.licence, now, body))
    }

    /// Begins to activate.
    ///
    /// # Errors
    /// Its key is none that a host serves, or its licensing service does not run.
    pub fn activate(&mut self, now: FileTime) -> Result<Activation, NotAsking> {
        let body = self.request(now)?;
        let [ivs, order] = self.seed.blocks();
        let [a, b, c, d, e, f, g, h, ..] = order;
        let order = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        let State {
            licence, discovery, ..
        } = &self.state;
        let search = if self.faults.is_empty() {
            Search::begin(discovery, order)
        } else {
            let known = deviate::known(self.faults, licence, discovery);
            Search::begin_with(&known, order, self.faults)
        };
        let faults = deviate::while_activating(self.faults, self.state.service);
        Ok(Activation::new(body, search, ivs, faults))
    }

    /// Takes over what an activation came to. Only a verified response changes more than the time of the last attempt.
    pub fn conclude(&mut self, now: FileTime, activation: Activation) -> Outcome {
        let needed = activation.body.n_policy;
        self.crashed = activation.crashed();
        let before = self.state.licence;
        let (ended, tried) = activation.ended();
        let (host, result) = match ended {
            None => (None, ActivationResult::NoHost),
            Some((host, reply)) => {
                let result = self.heard(now, needed, &host, reply);
                (Some(host), result)
            }
        };
        if !matches!(
            result,
            ActivationResult::Activated { .. } | ActivationResult::TooFew { .. }
        ) {
            self.state.licence.failed(now);
        }
        if !self.faults.is_empty() {
            let unverified = matches!(result, ActivationResult::Unverified(_));
            deviate::concluded(self.faults, unverified, &before, &mut self.state.licence);
        }
        Outcome {
            host,
            result: self.reported(result),
            tried,
        }
    }

    /// What a client with faults reports of an activation.
    fn reported(&self, result: ActivationResult) -> ActivationResult {
        match result {
            ActivationResult::NoHost if self.faults.has(Fault::NoHostAsRefusal) => {
                ActivationResult::Refused(HResult(0x8007_0005))
            }
            ActivationResult::TooFew { .. } if self.faults.has(Fault::TooFewAsRefusal) => {
                ActivationResult::Refused(HResult::INVALID_DATA)
            }
            ActivationResult::Refused(code) => {
                ActivationResult::Refused(deviate::refused(self.faults, code))
            }
            other => other,
        }
    }

    fn heard(
        &mut self,
        now: FileTime,
        needed: u32,
        host: &HostAddress,
        reply: Reply,
    ) -> ActivationResult {
        let answer = match reply {
            Reply::Answer(answer) if self.faults.is_empty() => answer,
            Reply::Answer(answer) => {
                deviate::answer(self.faults, needed, &self.state.licence, answer)
            }
            Reply::Refusal(code) => return ActivationResult::Refused(code),
            Reply::Unverified(why) => return ActivationResult::Unverified(why),
            Reply::Broken(_) => return ActivationResult::NoHost,
        };
        let Answer {
            count,
            activation_interval,
            renewal_interval,
            ..
        } = answer;
        self.state.discovery.answered(host);
        self.state.answer = Some(LastAnswer::new(now, host.clone(), &answer));
        let licence = &mut self.state.licence;
        if count < deviate::needed(self.faults, needed) {
            licence.too_few(now, activation_interval, renewal_interval);
            return ActivationResult::TooFew { count, needed };
        }
        licence.activated(now, activation_interval, renewal_interval);
        let until = licence.standing(now).until.unwrap_or(now);
        ActivationResult::Activated { count, until }
    }

    fn asks(&self) -> Result<(), NotAsking> {
        let service = self.state.service;
        if service != Service::Running && !deviate::goes_on(self.faults) {
            return Err(NotAsking::Service(service));
        }
        let edition = self.state.machine.edition;
        match self.state.key.map(|key| key.kind) {
            Some(KeyKind::Setup) => Ok(()),
            Some(KeyKind::Mak) if self.faults.has(Fault::MakAsksHost) => Ok(()),
            Some(KeyKind::Mak) => Err(NotAsking::Mak(edition)),
            None => Err(NotAsking::NoKey(edition)),
        }
    }
}

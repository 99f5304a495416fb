use kmspec_wire::crypto::Block;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{HResult, RequestBody};

use super::attempt::{Attempt, Reply, Unverified};
use super::deviate;
use super::discovery::{HostAddress, Search, Srv, Step, Tried};
use super::fault::{Fault, Faults};

/// One activation from beginning to end: the search for a host, and the question to each that is found, until one answers.
///
/// The caller does what [`Self::step`] says and reports what came of it; then [`Client::conclude`](super::Client::conclude)
/// takes the activation back.
#[derive(Debug)]
pub struct Activation {
    pub(super) body: RequestBody,
    search: Search,
    ivs: Block,
    asked: u8,
    attempt: Option<Attempt>,
    ended: Option<(HostAddress, Reply)>,
    unverified: Option<(HostAddress, Unverified)>,
    faults: Faults,
    crashed: bool,
}

/// How an activation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The host that decided it, if one did.
    pub host: Option<HostAddress>,
    /// What was decided.
    pub result: ActivationResult,
    /// Hosts and names that were tried in vain before.
    pub tried: Vec<Tried>,
}

/// What an activation came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActivationResult {
    /// Activated, until this time unless it is renewed.
    Activated {
        /// Machines the host has counted.
        count: u32,
        /// End of the activation.
        until: FileTime,
    },
    /// The host has counted too few machines.
    TooFew {
        /// Machines it has counted.
        count: u32,
        /// Machines the product needs.
        needed: u32,
    },
    /// The host said no.
    Refused(HResult),
    /// The only responses there were cannot be relied on.
    Unverified(Unverified),
    /// No host answered.
    NoHost,
}

impl ActivationResult {
    /// The code that the licence manager prints; [`HResult::OK`] for a success. Source: kms-protocol 7.
    pub const fn hresult(&self) -> HResult {
        match self {
            Self::Activated { .. } => HResult::OK,
            Self::TooFew { .. } => HResult::NOT_ENOUGH_COUNT,
            Self::Refused(code) => *code,
            Self::Unverified(_) => HResult::INVALID_DATA,
            Self::NoHost => HResult::NO_HOST_CONTACTED,
        }
    }

    /// Whether the machine is activated now by this.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Activated { .. })
    }
}

impl Activation {
    pub(super) const fn new(body: RequestBody, search: Search, ivs: Block, faults: Faults) -> Self {
        Self {
            body,
            search,
            ivs,
            asked: 0,
            attempt: None,
            ended: None,
            unverified: None,
            faults,
            crashed: false,
        }
    }

    /// Whether a fault has made the client crash.
    pub(super) const fn crashed(&self) -> bool {
        self.crashed
    }

    /// What to do now; [`Step::GiveUp`] when it has ended, one way or the other.
    pub fn step(&self) -> Step {
        match self.ended {
            Some(_) => Step::GiveUp,
            None if self.crashed || self.faults.has(Fault::NeverConnects) => Step::GiveUp,
            None => self.search.step(),
        }
    }

    /// What is asked.
    pub const fn request(&self) -> &RequestBody {
        &self.body
    }

    /// The records that were looked up.
    pub fn found(&mut self, records: &[Srv]) {
        self.search.found(records);
        self.looked_up();
    }

    /// The connection is there: appends what to send to `out`.
    pub fn connected(&mut self, out: &mut Vec<u8>) {
        let iv = self.fresh_iv();
        let mut attempt = Attempt::with_faults(&self.body, iv, self.faults);
        attempt.connected(out);
        self.attempt = Some(attempt);
    }

    /// Octets have come: appends what to send to `out`. False when the connection is not needed any more.
    pub fn receive(&mut self, octets: &[u8], out: &mut Vec<u8>) -> bool {
        let Some(attempt) = &mut self.attempt else {
            return false;
        };
        let Some(reply) = attempt.receive(octets, out) else {
            return true;
        };
        self.crashed |= attempt.crashed();
        self.attempt = None;
        let host = match self.search.step() {
            Step::Connect(host) => host,
            Step::Lookup(_) | Step::GiveUp => return false,
        };
        match reply {
            Reply::Broken(why) => self.search.failed(why.to_string()),
            Reply::Unverified(why) => {
                self.search.failed(why.to_string());
                self.unverified = Some((host, why));
            }
            Reply::Answer(_) | Reply::Refusal(_) => self.ended = Some((host, reply)),
        }
        false
    }

    /// The present step came to nothing: no such name, no connection, or the host fell silent.
    pub fn failed(&mut self, why: impl Into<String>) {
        let attempt = self.attempt.take();
        if attempt.is_some_and(|attempt| attempt.is_content_with_silence())
            && let (Step::Connect(host), Some(answer)) = (self.search.step(), deviate::made_up())
        {
            self.ended = Some((host, Reply::Answer(answer)));
            return;
        }
        let looking = matches!(self.search.step(), Step::Lookup(_));
        self.search.failed(why);
        if looking {
            self.looked_up();
        }
    }

    /// A name was looked up; one with a fault may not survive that there is no host.
    fn looked_up(&mut self) {
        self.crashed |=
            self.faults.has(Fault::CrashOnDnsFailure) && self.search.step() == Step::GiveUp;
    }

    /// What the client waits for from the host it is connected to.
    pub fn waits_for(&self) -> &'static str {
        self.attempt
            .as_ref()
            .map_or("the connection", Attempt::waits_for)
    }

    /// The host that decided, its reply, and what was tried in vain.
    pub(super) fn ended(self) -> (Option<(HostAddress, Reply)>, Vec<Tried>) {
        let unverified = self
            .unverified
            .map(|(host, why)| (host, Reply::Unverified(why)));
        (self.ended.or(unverified), self.search.tried().to_vec())
    }

    /// Hosts asked in turn get different IVs.
    fn fresh_iv(&mut self) -> Block {
        self.asked = self.asked.wrapping_add(1);
        let [first, rest @ ..] = self.ivs;
        let [b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = rest;
        [
            first.wrapping_add(self.asked),
            b,
            c,
            d,
            e,
            f,
            g,
            h,
            i,
            j,
            k,
            l,
            m,
            n,
            o,
            p,
        ]
    }
}

//! What is judged: something that listens already, or something that can be started.

pub mod client;
pub mod file;

mod commands;
mod program;

pub use client::ClientTarget;
pub use commands::{Commands, TAKES, Takes};
pub use program::{Program, Reset, There};

use std::fmt::Debug;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use kmspec_rules::Role;
use kmspec_wire::keys::KeySet;

use crate::peer::CallSpec;

/// A future that a [`Launch`] or an [`Instance`] gives.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An implementation under test.
#[derive(Clone, Debug)]
pub struct Target {
    /// What reports call it: `127.0.0.1:1688`, `lab host`.
    pub name: String,
    /// What a well-formed call of it is.
    pub call: CallSpec,
    /// Its key set.
    pub keys: Arc<KeySet>,
    /// Where it is, or how it is started.
    pub origin: Origin,
}

/// Where a target is, or how it is started.
#[derive(Clone, Debug)]
pub enum Origin {
    /// It listens here and is not ours to start.
    Address(SocketAddr),
    /// It is started for the run.
    Launch(Arc<dyn Launch>),
    /// It is a client.
    Client(ClientTarget),
}

impl Target {
    /// A KMS host that listens at `address`.
    pub fn at(address: SocketAddr, keys: Arc<KeySet>) -> Self {
        Self {
            name: address.to_string(),
            call: CallSpec::KMS,
            keys,
            origin: Origin::Address(address),
        }
    }

    /// A KMS host that is started for the run.
    pub fn launched(name: impl Into<String>, launch: Arc<dyn Launch>, keys: Arc<KeySet>) -> Self {
        Self {
            name: name.into(),
            call: CallSpec::KMS,
            keys,
            origin: Origin::Launch(launch),
        }
    }

    /// A KMS client.
    pub fn client(name: impl Into<String>, client: ClientTarget, keys: Arc<KeySet>) -> Self {
        Self {
            name: name.into(),
            call: CallSpec::KMS,
            keys,
            origin: Origin::Client(client),
        }
    }

    /// What it is.
    pub const fn role(&self) -> Role {
        match self.origin {
            Origin::Address(_) | Origin::Launch(_) => Role::Host,
            Origin::Client(_) => Role::Client,
        }
    }

    /// Judges calls of this kind instead of KMS.
    #[must_use]
    pub fn calling(mut self, call: CallSpec) -> Self {
        self.call = call;
        self
    }
}

/// Something that starts a target.
pub trait Launch: Debug + Send + Sync {
    /// Starts one that has counted nobody, and waits until it accepts connections.
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>>;

    /// Whether what it starts has counted nobody. Where it has, cases that need that are skipped.
    fn anew(&self) -> bool {
        true
    }

    /// Whether several may run at the same time. Where they may not (a fixed port, a machine that is only reset), the
    /// running one is stopped first.
    fn several(&self) -> bool {
        true
    }
}

/// A target that was started. Dropping it stops it, too, if less gracefully.
pub trait Instance: Debug + Send + Sync {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// How its settings can be changed while it runs, if they can.
    fn controls(&self) -> Option<Arc<dyn Control>> {
        None
    }

    /// What it has written to its log or standard error so far.
    fn log(&self) -> String {
        String::new()
    }

    /// The number of its process, if it is one of this machine.
    fn process(&self) -> Option<u32> {
        None
    }

    /// How it ended, if it has done so by itself: `exit status: 101`, `signal: 11 (SIGSEGV)`.
    fn ended(&self) -> Option<String> {
        None
    }

    /// Stops it, waits until it is gone, and gives all that it wrote, its last words too, for the report.
    fn stop(self: Box<Self>) -> Pending<'static, String>;
}

/// Changes or shows what cannot be reached over the wire.
pub trait Control: Debug + Send + Sync {
    /// Does what the verb says, with this value where it takes one, and gives what it prints. `clock` sets the time of
    /// day, in seconds since 1970-01-01 UTC.
    fn control(&self, verb: &str, value: &str) -> Pending<'_, Result<String, ControlError>>;
}

/// Why a control verb came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlError {
    /// There is no such verb here.
    #[error("needs control verb {0}")]
    Unsupported(String),
    /// It failed; a fragment that says how.
    #[error("control verb failed: {0}")]
    Failed(String),
}

/// Why a target could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LaunchError {
    /// It only has an address.
    #[error("the target is not ours to start")]
    NotOurs,
    /// Starting it failed; a fragment that says how.
    #[error("cannot start the target: {0}")]
    Failed(String),
}

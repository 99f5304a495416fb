//! What a host has of itself in DNS, sans-IO: which records are to come and to go when its service starts.
//!
//! Source: the deployment document, rows 19 and 20; RFC 2782.

use std::fmt;

use crate::deviate::publish as deviate;
use crate::fault::Fault;
use crate::host::Host;
use crate::next::After;

/// The service below which hosts publish themselves. Source: the deployment document, row 20.
const SERVICE: &str = "_vlmcs._tcp";

/// What of a host's record is the same at each start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Full name of the machine.
    pub target: String,
    /// The lowest is tried first.
    pub priority: u16,
    /// Among equals, how often to be chosen first.
    pub weight: u16,
}

/// A SRV record of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// The service, below the suffix.
    pub service: &'static str,
    /// Whose it is.
    pub host: Identity,
    /// Where the host listens.
    pub port: u16,
}

/// A change of a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This record comes.
    Add(Published),
    /// This record goes, and no other.
    Remove(Published),
    /// All records of the service go.
    RemoveAll(&'static str),
}

impl Host {
    /// What is to change in DNS when the service is to be published with this port, or not at all, and what the host has
    /// there then; `before` is what it had.
    pub fn publish(
        &self,
        host: &Identity,
        port: Option<u16>,
        before: Option<&Published>,
    ) -> (Vec<Change>, Option<Published>) {
        let wanted = port.map(|port| Published {
            service: SERVICE,
            host: host.clone(),
            port,
        });
        let gone = before.filter(|before| Some(*before) != wanted.as_ref());
        let gone = gone.cloned().map(Change::Remove);
        let come = wanted.clone().map(Change::Add);
        let honest = gone.into_iter().chain(come).collect();
        (deviate::changes(self.settings.faults, honest), wanted)
    }

    /// What becomes of the host where DNS does not take the change: it serves on.
    pub const fn not_published(&self) -> After {
        if self.settings.faults.has(Fault::DiesWithoutDns) {
            return After::Crash;
        }
        After::Open
    }
}

impl fmt::Display for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Identity {
            target,
            priority,
            weight,
        } = &self.host;
        let (service, port) = (self.service, self.port);
        write!(f, "{service} SRV {priority} {weight} {port} {target}")
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Add(record) => write!(f, "add {record}"),
            Self::Remove(record) => write!(f, "remove {record}"),
            Self::RemoveAll(service) => write!(f, "remove all of {service}"),
        }
    }
}

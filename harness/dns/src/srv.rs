use std::fmt;

use hickory_proto::rr::rdata::SRV;
use hickory_proto::rr::{Name, RData, Record};

use crate::record::{self, RecordError};

/// The labels below which hosts are published. Source: deployment-steps row 20, RFC 2782.
pub const SERVICE: &str = "_vlmcs._tcp";

/// The name that is asked for the hosts of a suffix.
pub fn service_of(suffix: &str) -> String {
    format!("{SERVICE}.{}", suffix.trim_matches('.'))
}

/// What a SRV record says. Source: RFC 2782.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Srv {
    /// The lowest is tried first.
    pub priority: u16,
    /// Among equals, how often to be chosen first.
    pub weight: u16,
    /// Where it listens.
    pub port: u16,
    /// The machine's name; the root alone says that there is no such service.
    pub target: Name,
}

impl Srv {
    /// A host that listens on `port` of the machine `target`, a full name.
    ///
    /// # Errors
    /// The target is not a domain name.
    pub fn new(priority: u16, weight: u16, port: u16, target: &str) -> Result<Self, RecordError> {
        Ok(Self {
            priority,
            weight,
            port,
            target: record::name(target)?,
        })
    }

    /// What this record says, if it is a SRV record.
    pub fn of(record: &Record) -> Option<Self> {
        let RData::SRV(srv) = &record.data else {
            return None;
        };
        Some(Self {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.clone(),
        })
    }

    /// The record's data.
    pub(crate) fn data(&self) -> RData {
        let target = self.target.clone();
        RData::SRV(SRV::new(self.priority, self.weight, self.port, target))
    }

    /// Whether it says that the service is decidedly not there.
    pub fn is_none(&self) -> bool {
        self.target.is_root()
    }
}

impl fmt::Display for Srv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            priority,
            weight,
            port,
            target,
        } = self;
        write!(f, "{priority} {weight} {port} {target}")
    }
}

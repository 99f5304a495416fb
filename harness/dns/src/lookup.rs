//! Asking a server.

pub(crate) mod exchange;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::CNAME;
use hickory_proto::rr::{Name, RData, Record, RecordType};
use thiserror::Error;

use crate::authority::{MOST_OVER_UDP, mnemonic};
use crate::record::{self, RecordError};
use crate::srv::Srv;

/// Aliases that are followed.
const MOST_ALIASES: usize = 8;
/// Records that are looked at in an answer.
const MOST_RECORDS: usize = 1024;

/// Asks one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resolver {
    server: SocketAddr,
    patience: Patience,
}

/// How long to ask, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For each attempt. Default 1 s.
    pub each: Duration,
    /// Attempts, at least one. Default 3.
    pub tries: u32,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            each: Duration::from_secs(1),
            tries: 3,
        }
    }
}

/// Why a lookup gave nothing.
#[derive(Debug, Error)]
pub enum LookupError {
    /// What was to be looked up is not a name.
    #[error(transparent)]
    Name(#[from] RecordError),
    /// There is no such name.
    #[error("{0} does not exist")]
    NoSuchName(Name),
    /// The name is there, and has nothing of this type.
    #[error("{name} has no {kind} record")]
    NoRecords {
        /// The name, behind its aliases.
        name: Name,
        /// What was asked for.
        kind: RecordType,
    },
    /// The server answers with an error.
    #[error("{server} answers {} to {name} {kind}", mnemonic(*code))]
    Code {
        /// Who.
        server: SocketAddr,
        /// The name.
        name: Name,
        /// What was asked for.
        kind: RecordType,
        /// With what.
        code: ResponseCode,
    },
    /// No answer came.
    #[error("{server} does not answer within {:?}, asked {} times", patience.each, patience.tries)]
    Silence {
        /// Who.
        server: SocketAddr,
        /// How long it was waited for.
        patience: Patience,
    },
    /// Aliases lead to aliases.
    #[error("{0} leads to more than {MOST_ALIASES} aliases")]
    Aliases(Name),
    /// What came over TCP is not an answer to the question.
    #[error("{0} answers over TCP what is not an answer to the question")]
    NoAnswer(SocketAddr),
    /// The server cannot be spoken to.
    #[error("cannot ask {server}: {source}")]
    Unreachable {
        /// Who.
        server: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

/// A question on its way, without sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    id: u16,
    query: Query,
}

/// What an answer to a question is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is truncated: ask over TCP.
    Truncated,
    /// Records of what was asked for.
    Records(Vec<Record>),
    /// An alias whose records are not there: ask for that.
    Alias(Name),
    /// There are none; the code says whether the name exists, or what is wrong. The name is that behind the aliases.
    Nothing(ResponseCode, Name),
}

impl Question {
    /// For these records of a name.
    pub fn new(id: u16, name: Name, kind: RecordType) -> Self {
        let query = Query::query(name, kind);
        Self { id, query }
    }

    /// Its octets; `None` never for a name that [`crate::name`] gives.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let mut message = Message::new(
            self.id,
            hickory_proto::op::MessageType::Query,
            OpCode::Query,
        );
        message.metadata.recursion_desired = true;
        message.add_query(self.query.clone());
        let mut edns = Edns::new();
        edns.set_max_payload(MOST_OVER_UDP);
        message.set_edns(edns);
        message.to_vec().ok()
    }

    /// What these octets say to it; `None` if they are not an answer to it.
    pub fn take(&self, octets: &[u8]) -> Option<Taken> {
        let header = octets.first_chunk::<12>()?;
        let [id_high, id_low, flags, _, many, questions, ..] = *header;
        let is_answer = flags & 0x80 != 0 && u16::from_be_bytes([id_high, id_low]) == self.id;
        if !is_answer || many != 0 || questions > 1 {
            return None;
        }
        let message = Message::from_vec(octets).ok()?;
        let same = |query: &Query| {
            query.name().eq_ignore_root(self.query.name())
                && query.query_type() == self.query.query_type()
                && query.query_class() == self.query.query_class()
        };
        match message.queries.as_slice() {
            [query] if same(query) => {}
            // Servers that fail may leave the question out.
            [] if message.metadata.response_code != ResponseCode::NoError => {}
            _ => return None,
        }
        if message.metadata.truncation {
            return Some(Taken::Truncated);
        }
        Some(self.chase(&message))
    }

    /// Goes from the name asked for along the aliases that the answer has.
    fn chase(&self, message: &Message) -> Taken {
        let kind = self.query.query_type();
        let mut name = self.query.name().clone();
        let mut followed = false;
        let records = || message.answers.iter().take(MOST_RECORDS);
        for _ in 0..MOST_ALIASES {
            let here = || records().filter(|record| record.name.eq_ignore_root(&name));
            let found: Vec<Record> = here()
                .filter(|record| record.record_type() == kind)
                .cloned()
                .collect();
            if !found.is_empty() {
                return Taken::Records(found);
            }
            let alias = here().find_map(|record| match &record.data {
                RData::CNAME(CNAME(target)) => Some(target.clone()),
                _ => None,
            });
            let Some(target) = alias else { break };
            name = target;
            followed = true;
        }
        match message.metadata.response_code {
            ResponseCode::NoError if followed => Taken::Alias(name),
            code => Taken::Nothing(code, name),
        }
    }
}

impl Resolver {
    /// Asks this server, with the default patience.
    pub fn new(server: SocketAddr) -> Self {
        Self {
            server,
            patience: Patience::default(),
        }
    }

    /// The same with another patience.
    #[must_use]
    pub const fn with_patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// What the SRV records of a name say, in the server's order.
    ///
    /// # Errors
    /// There are none, or the server cannot be asked.
    pub async fn srv(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        let records = self.records(name, RecordType::SRV).await?;
        Ok(records.iter().filter_map(Srv::of).collect())
    }

    /// The addresses of a machine, those of IPv4 first.
    ///
    /// # Errors
    /// It has none, or the server cannot be asked.
    pub async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, LookupError> {
        let (four, six) = tokio::join!(
            self.records(name, RecordType::A),
            self.records(name, RecordType::AAAA)
        );
        let (records, problem) = match (four, six) {
            (Ok(mut four), Ok(six)) => {
                four.extend(six);
                return Ok(four.iter().filter_map(address).collect());
            }
            (Ok(records), Err(problem)) | (Err(problem), Ok(records)) => (records, problem),
            (Err(problem), Err(_)) => return Err(problem),
        };
        let found: Vec<IpAddr> = records.iter().filter_map(address).collect();
        if found.is_empty() {
            Err(problem)
        } else {
            Ok(found)
        }
    }

    /// The records of a type that a name has, aliases followed.
    ///
    /// # Errors
    /// There are none, or the server cannot be asked.
    pub async fn records(&self, name: &str, kind: RecordType) -> Result<Vec<Record>, LookupError> {
        let asked = record::name(name)?;
        let mut name = asked.clone();
        for _ in 0..MOST_ALIASES {
            match exchange::ask(self.server, self.patience, &name, kind).await? {
                Taken::Records(records) => return Ok(records),
                Taken::Alias(target) => name = target,
                Taken::Nothing(ResponseCode::NXDomain, name) => {
                    return Err(LookupError::NoSuchName(name));
                }
                Taken::Nothing(ResponseCode::NoError, name) => {
                    return Err(LookupError::NoRecords { name, kind });
                }
                Taken::Nothing(code, name) => {
                    return Err(LookupError::Code {
                        server: self.server,
                        name,
                        kind,
                        code,
                    });
                }
                Taken::Truncated => return Err(LookupError::NoAnswer(self.server)),
            }
        }
        Err(LookupError::Aliases(asked))
    }
}

fn address(record: &Record) -> Option<IpAddr> {
    record.data.ip_addr()
}

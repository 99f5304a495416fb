//! Dynamic updates, as whoever publishes sends them. Source: RFC 2136.

use std::io;
use std::net::{IpAddr, SocketAddr};

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use thiserror::Error;
use tokio::time::timeout;

use crate::authority::mnemonic;
use crate::lookup::Patience;
use crate::lookup::exchange::{datagram, stream};
use crate::record::{self, RecordError, TTL};
use crate::srv::Srv;

/// Changes of one zone, made together or not at all.
///
/// ```
/// use kmspec_dns::{Srv, Update};
///
/// let host = Srv::new(0, 100, 1688, "kms01.corp.example").unwrap();
/// let update = Update::of("corp.example").unwrap().add("_vlmcs._tcp", &host).unwrap();
/// assert_eq!(update.message(1).authorities.len(), 1);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    zone: Name,
    changes: Vec<Record>,
}

impl Update {
    /// Of this zone, with nothing to change yet.
    ///
    /// # Errors
    /// It is not a domain name.
    pub fn of(zone: &str) -> Result<Self, RecordError> {
        Ok(Self {
            zone: record::name(zone)?,
            changes: Vec::new(),
        })
    }

    /// Adds a SRV record. Names are below the zone unless they end in a dot, here and below.
    ///
    /// # Errors
    /// The owner is not a domain name.
    pub fn add(self, owner: &str, srv: &Srv) -> Result<Self, RecordError> {
        let owner = record::name_in(owner, &self.zone)?;
        Ok(self.with(Record::from_rdata(owner, TTL, srv.data())))
    }

    /// Removes this SRV record and no other.
    ///
    /// # Errors
    /// The owner is not a domain name.
    pub fn remove(self, owner: &str, srv: &Srv) -> Result<Self, RecordError> {
        let owner = record::name_in(owner, &self.zone)?;
        let mut record = Record::from_rdata(owner, 0, srv.data());
        record.dns_class = DNSClass::NONE;
        Ok(self.with(record))
    }

    /// Removes all SRV records of a name, whoever's they are.
    ///
    /// # Errors
    /// The owner is not a domain name.
    pub fn remove_all(self, owner: &str) -> Result<Self, RecordError> {
        let owner = record::name_in(owner, &self.zone)?;
        Ok(self.with(cleared(owner, RecordType::SRV)))
    }

    /// Gives a machine this address, in the place of others of its family. A machine outside the zone is left alone.
    #[must_use]
    pub fn address(self, machine: &Name, address: IpAddr) -> Self {
        if !self.zone.zone_of(machine) {
            return self;
        }
        let (kind, data) = match address {
            IpAddr::V4(four) => (RecordType::A, RData::A(A(four))),
            IpAddr::V6(six) => (RecordType::AAAA, RData::AAAA(AAAA(six))),
        };
        self.with(cleared(machine.clone(), kind))
            .with(Record::from_rdata(machine.clone(), TTL, data))
    }

    fn with(mut self, change: Record) -> Self {
        self.changes.push(change);
        self
    }

    /// The message with this id.
    pub fn message(&self, id: u16) -> Message {
        let mut message = Message::new(id, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(self.zone.clone(), RecordType::SOA));
        message.add_authorities(self.changes.iter().cloned());
        message
    }

    /// Sends it until it is answered; it may arrive more than once, which changes nothing.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn send(&self, server: SocketAddr, patience: Patience) -> Result<(), UpdateError> {
        let failed = |source| UpdateError::Unreachable { server, source };
        // An id that cannot be guessed.
        let id = Message::query().metadata.id;
        let octets = self.message(id).to_vec();
        let octets = octets.map_err(|error| failed(io::Error::other(error)))?;
        let code = |octets: &[u8]| answer(octets, id);
        for _ in 0..patience.tries.max(1) {
            let taken = datagram(server, patience, &octets, code).await;
            let taken = match taken.map_err(failed)? {
                Some(Taken::Truncated) => {
                    match timeout(patience.each, stream(server, &octets)).await {
                        Ok(octets) => code(&octets.map_err(failed)?),
                        Err(_) => None,
                    }
                }
                other => other,
            };
            match taken {
                Some(Taken::Code(ResponseCode::NoError)) => return Ok(()),
                Some(Taken::Code(code)) => {
                    return Err(UpdateError::Refused {
                        server,
                        zone: self.zone.clone(),
                        code,
                    });
                }
                Some(Taken::Truncated) | None => {}
            }
        }
        Err(UpdateError::Silence { server, patience })
    }
}

fn cleared(owner: Name, kind: RecordType) -> Record {
    let mut record = Record::update0(owner, 0, kind);
    record.dns_class = DNSClass::ANY;
    record
}

/// Why a dynamic update came to nothing.
#[derive(Debug, Error)]
pub enum UpdateError {
    /// The server says no.
    #[error("{server} answers {} to an update of {zone}", mnemonic(*code))]
    Refused {
        /// Who.
        server: SocketAddr,
        /// Of what.
        zone: Name,
        /// With what.
        code: ResponseCode,
    },
    /// No answer came.
    #[error("{server} does not answer an update within {:?}, asked {} times", patience.each, patience.tries)]
    Silence {
        /// Who.
        server: SocketAddr,
        /// How long it was waited for.
        patience: Patience,
    },
    /// The server cannot be spoken to.
    #[error("cannot ask {server}: {source}")]
    Unreachable {
        /// Who.
        server: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
}

enum Taken {
    Code(ResponseCode),
    Truncated,
}

/// What these octets say to the update with this id; `None` if they are not an answer to it.
fn answer(octets: &[u8], id: u16) -> Option<Taken> {
    let [id_high, id_low, flags, codes, ..] = *octets.first_chunk::<12>()?;
    let is_answer = flags & 0x80 != 0 && OpCode::from_u8(flags >> 3 & 0x0f) == OpCode::Update;
    if !is_answer || u16::from_be_bytes([id_high, id_low]) != id {
        return None;
    }
    if flags & 0x02 != 0 {
        return Some(Taken::Truncated);
    }
    Some(Taken::Code(ResponseCode::from_low(codes & 0x0f)))
}

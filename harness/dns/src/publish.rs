//! What a host publishes of itself, by dynamic update. Source: RFC 2136.

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
use crate::srv::{Srv, service_of};

/// What a host publishes: one SRV record among those of other hosts, and its address where it publishes that too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    zone: Name,
    owner: Name,
    srv: Srv,
    address: Option<IpAddr>,
}

impl Publication {
    /// In the zone `suffix`, a host that listens on `port` of `target`; a target without a dot is a name below the suffix.
    /// Priority 0 and weight 0, as hosts publish themselves unless told otherwise. Source: RFC 2782 for "no choice to make".
    ///
    /// # Errors
    /// Suffix or target is not a domain name.
    pub fn new(suffix: &str, target: &str, port: u16) -> Result<Self, RecordError> {
        let zone = record::name(suffix)?;
        let target = if target.trim_end_matches('.').contains('.') {
            record::name(target)?
        } else {
            record::name_in(target.trim_end_matches('.'), &zone)?
        };
        Ok(Self {
            owner: record::name(&service_of(suffix))?,
            zone,
            srv: Srv {
                priority: 0,
                weight: 0,
                port,
                target,
            },
            address: None,
        })
    }

    /// With this priority and weight.
    #[must_use]
    pub const fn ranked(mut self, priority: u16, weight: u16) -> Self {
        self.srv.priority = priority;
        self.srv.weight = weight;
        self
    }

    /// With this address for the target, if the target is a name of the zone.
    #[must_use]
    pub fn at(mut self, address: IpAddr) -> Self {
        self.address = self.zone.zone_of(&self.srv.target).then_some(address);
        self
    }

    /// On another port.
    #[must_use]
    pub const fn on(mut self, port: u16) -> Self {
        self.srv.port = port;
        self
    }

    /// The name below which it is published.
    pub const fn owner(&self) -> &Name {
        &self.owner
    }

    /// What it says.
    pub const fn srv(&self) -> &Srv {
        &self.srv
    }

    /// The update that publishes it, in the place of what was published `before`.
    pub fn announce(&self, id: u16, before: Option<&Self>) -> Message {
        let mut message = self.message(id);
        if let Some(before) =
            before.filter(|before| before.srv != self.srv && before.zone == self.zone)
        {
            message.add_authority(before.removal());
        }
        message.add_authority(Record::from_rdata(self.owner.clone(), TTL, self.srv.data()));
        if let Some(address) = self.address {
            let (kind, data) = match address {
                IpAddr::V4(four) => (RecordType::A, RData::A(A(four))),
                IpAddr::V6(six) => (RecordType::AAAA, RData::AAAA(AAAA(six))),
            };
            let mut clear = Record::update0(self.srv.target.clone(), 0, kind);
            clear.dns_class = DNSClass::ANY;
            message.add_authority(clear);
            message.add_authority(Record::from_rdata(self.srv.target.clone(), TTL, data));
        }
        message
    }

    /// The update that withdraws its record, and no other host's.
    pub fn withdraw(&self, id: u16) -> Message {
        let mut message = self.message(id);
        message.add_authority(self.removal());
        message
    }

    /// Publishes it.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn announce_at(
        &self,
        server: SocketAddr,
        before: Option<&Self>,
        patience: Patience,
    ) -> Result<(), UpdateError> {
        send_update(server, &self.announce(fresh_id(), before), patience).await
    }

    /// Withdraws it.
    ///
    /// # Errors
    /// The server cannot be asked, or refuses.
    pub async fn withdraw_at(
        &self,
        server: SocketAddr,
        patience: Patience,
    ) -> Result<(), UpdateError> {
        send_update(server, &self.withdraw(fresh_id()), patience).await
    }

    fn message(&self, id: u16) -> Message {
        let mut message = Message::new(id, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(self.zone.clone(), RecordType::SOA));
        message
    }

    fn removal(&self) -> Record {
        let mut record = Record::from_rdata(self.owner.clone(), 0, self.srv.data());
        record.dns_class = DNSClass::NONE;
        record
    }
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

/// Sends an update until it is answered; it may arrive more than once, which changes nothing.
///
/// # Errors
/// The server cannot be asked, or refuses.
pub async fn send_update(
    server: SocketAddr,
    update: &Message,
    patience: Patience,
) -> Result<(), UpdateError> {
    let failed = |source| UpdateError::Unreachable { server, source };
    let octets = update
        .to_vec()
        .map_err(|error| failed(io::Error::other(error)))?;
    let zone = update
        .queries
        .first()
        .map(|query| query.name().clone())
        .unwrap_or_default();
    let code = |octets: &[u8]| answer(octets, update.metadata.id);
    for _ in 0..patience.tries.max(1) {
        let taken = datagram(server, patience, &octets, code)
            .await
            .map_err(failed)?;
        let taken = match taken {
            Some(Reply::Truncated) => match timeout(patience.each, stream(server, &octets)).await {
                Ok(octets) => code(&octets.map_err(failed)?),
                Err(_) => None,
            },
            other => other,
        };
        match taken {
            Some(Reply::Code(ResponseCode::NoError)) => return Ok(()),
            Some(Reply::Code(code)) => return Err(UpdateError::Refused { server, zone, code }),
            Some(Reply::Truncated) | None => {}
        }
    }
    Err(UpdateError::Silence { server, patience })
}

enum Reply {
    Code(ResponseCode),
    Truncated,
}

/// What these octets say to the update with this id; `None` if they are not an answer to it.
fn answer(octets: &[u8], id: u16) -> Option<Reply> {
    let [id_high, id_low, flags, codes, ..] = *octets.first_chunk::<12>()?;
    let is_answer = flags & 0x80 != 0 && OpCode::from_u8(flags >> 3 & 0x0f) == OpCode::Update;
    if !is_answer || u16::from_be_bytes([id_high, id_low]) != id {
        return None;
    }
    if flags & 0x02 != 0 {
        return Some(Reply::Truncated);
    }
    Some(Reply::Code(ResponseCode::from_low(codes & 0x0f)))
}

fn fresh_id() -> u16 {
    Message::query().metadata.id
}

//! One message in, one message out.

use std::fmt;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use crate::fault::Fault;
use crate::query::{self, Answer};
use crate::record::{self, RecordError};
use crate::update;
use crate::zone::Zone;

/// Longest answer over UDP, in octets, for those who say that they take as much. Source: RFC 9715 3.1.
pub const MOST_OVER_UDP: u16 = 1232;
/// Longest answer over UDP to all others. Source: RFC 1035 4.2.1.
const LEAST_OVER_UDP: u16 = 512;
/// Octets of a message's header.
const HEADER: usize = 12;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// As one datagram.
    Udp,
    /// On a connection.
    Tcp,
}

/// What a server knows and how it behaves, without sockets.
#[derive(Clone, Debug, Default)]
pub struct Authority {
    zones: Vec<Zone>,
    faults: Vec<Fault>,
}

/// What to do with a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer; `None` for none.
    pub octets: Option<Vec<u8>>,
    /// How long to wait before it is sent.
    pub after: Duration,
    /// What happened; `None` if the message was not a request.
    pub event: Option<Event>,
}

/// Something that was asked of a server, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// How it came.
    pub transport: Transport,
    /// What was asked.
    pub asked: Asked,
    /// The code of the answer.
    pub code: ResponseCode,
    /// Whether an answer was sent, and whether it had to be cut.
    pub truncated: bool,
}

/// What was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Records of a name.
    Query {
        /// The name, as it was written.
        name: Name,
        /// The type.
        kind: RecordType,
        /// How many records were given.
        answers: usize,
    },
    /// A change.
    Update {
        /// The zone.
        zone: Name,
        /// What was changed, a line each.
        changes: Vec<String>,
    },
    /// Something else, or nothing that can be read.
    Other,
}

impl Authority {
    /// A well-behaved server of these zones.
    pub fn new(zones: impl IntoIterator<Item = Zone>) -> Self {
        Self {
            zones: zones.into_iter().collect(),
            faults: Vec::new(),
        }
    }

    /// Makes it misbehave, or no longer.
    pub fn set_faults(&mut self, faults: Vec<Fault>) {
        self.faults = faults;
    }

    /// The zones.
    pub fn zones(&self) -> &[Zone] {
        &self.zones
    }

    /// The zones, to change them.
    pub fn zones_mut(&mut self) -> &mut [Zone] {
        &mut self.zones
    }

    /// Adds the record that a line means, as [`Zone::add_line`] does; names that do not end in a dot are below the first
    /// zone's origin, and the record goes to the zone that fits its name best.
    ///
    /// # Errors
    /// It is not a record, or cannot be added.
    pub fn add_line(&mut self, line: &str) -> Result<(), RecordError> {
        let outside = || RecordError::OutsideZone(line.to_owned());
        let first = self.zones.first().ok_or_else(outside)?;
        let record = record::record(line, first.origin())?;
        let fitting = |zone: &&mut Zone| zone.contains(&record.name);
        let zones = self.zones.iter_mut().filter(fitting);
        let zone = zones.max_by_key(|zone| zone.origin().iter().len());
        match zone {
            Some(zone) => zone.add(record),
            None => Err(RecordError::OutsideZone(record.name.to_string())),
        }
    }

    /// Takes a message of any octets.
    pub fn handle(&mut self, octets: &[u8], transport: Transport) -> Reply {
        let Some(header) = octets.first_chunk::<HEADER>() else {
            return Reply::NOTHING;
        };
        let [id_high, id_low, flags, _, many_questions, questions, ..] = *header;
        if flags & 0x80 != 0 {
            // An answer to something. Answering it would be a way to keep two servers busy.
            return Reply::NOTHING;
        }
        let id = u16::from_be_bytes([id_high, id_low]);
        let operation = OpCode::from_u8(flags >> 3 & 0x0f);
        let request = (many_questions == 0 && questions <= 1)
            .then(|| Message::from_vec(octets).ok())
            .flatten();
        let Some(request) = request else {
            let refusal = Message::error_msg(id, operation, ResponseCode::FormErr);
            return self.finish(refusal, None, transport, Asked::Other);
        };
        let (response, asked) = self.respond(&request, operation);
        self.finish(response, Some(&request), transport, asked)
    }

    fn respond(&mut self, request: &Message, operation: OpCode) -> (Message, Asked) {
        let mut response = Message::response(request.metadata.id, operation);
        response.metadata.recursion_desired = request.metadata.recursion_desired;
        response.queries.clone_from(&request.queries);
        if let Some(asked) = &request.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(MOST_OVER_UDP);
            response.set_edns(edns);
            if asked.version() > 0 {
                response.metadata.response_code = ResponseCode::BADVERS;
                return (response, Asked::Other);
            }
        }
        let asked = match (operation, request.queries.first()) {
            (OpCode::Query, Some(query)) => {
                let answer = match self.shut() {
                    Some(code) => Answer::only(code),
                    None => query::answer(&self.zones, query, &self.faults),
                };
                let answers = answer.answers.len();
                fill(&mut response, answer);
                Asked::Query {
                    name: query.name().clone(),
                    kind: query.query_type(),
                    answers,
                }
            }
            (OpCode::Update, Some(zone)) => {
                let refused = self.has(Fault::NoUpdates).then_some(ResponseCode::Refused);
                let outcome = match self.shut().or(refused) {
                    Some(code) => Err(code),
                    None => update::update(&mut self.zones, request),
                };
                response.metadata.response_code =
                    outcome.as_ref().err().copied().unwrap_or_default();
                Asked::Update {
                    zone: zone.name().clone(),
                    changes: outcome.unwrap_or_default(),
                }
            }
            (OpCode::Query | OpCode::Update, None) => {
                response.metadata.response_code = ResponseCode::FormErr;
                Asked::Other
            }
            _ => {
                response.metadata.response_code = ResponseCode::NotImp;
                Asked::Other
            }
        };
        (response, asked)
    }

    /// The code that everything is answered with, if a fault says so.
    fn shut(&self) -> Option<ResponseCode> {
        self.faults.iter().find_map(|fault| match fault {
            Fault::ServFail => Some(ResponseCode::ServFail),
            Fault::Refused => Some(ResponseCode::Refused),
            _ => None,
        })
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }

    fn finish(
        &self,
        mut response: Message,
        request: Option<&Message>,
        transport: Transport,
        asked: Asked,
    ) -> Reply {
        let is_query = matches!(asked, Asked::Query { .. });
        if is_query && self.has(Fault::WrongId) {
            response.metadata.id = !response.metadata.id;
        }
        if is_query && self.has(Fault::WrongQuestion) {
            for query in &mut response.queries {
                *query = another(query);
            }
        }
        let most = match transport {
            Transport::Tcp => u16::MAX,
            Transport::Udp => request
                .and_then(|request| request.edns.as_ref())
                .map_or(LEAST_OVER_UDP, |edns| edns.max_payload().min(MOST_OVER_UDP)),
        };
        let cut = is_query && (self.has(Fault::Truncate) || self.has(Fault::TruncateAlways));
        let cut = cut && transport == Transport::Udp;
        let (octets, truncated) = encode(&response, most, cut);
        let mute = transport == Transport::Tcp && self.has(Fault::TruncateAlways);
        let silent = self.has(Fault::Silent) || mute;
        let after = self.faults.iter().filter_map(|fault| match fault {
            Fault::Slow(time) => Some(*time),
            _ => None,
        });
        Reply {
            octets: (!silent).then_some(octets),
            after: after.max().unwrap_or_default(),
            event: Some(Event {
                transport,
                asked,
                code: response.metadata.response_code,
                truncated,
            }),
        }
    }
}

impl Reply {
    const NOTHING: Self = Self {
        octets: None,
        after: Duration::ZERO,
        event: None,
    };
}

fn fill(response: &mut Message, answer: Answer) {
    let Answer {
        code,
        authoritative,
        answers,
        authorities,
        additionals,
    } = answer;
    response.metadata.response_code = code;
    response.metadata.authoritative = authoritative;
    response.answers = answers;
    response.authorities = authorities;
    response.additionals = additionals;
}

/// A question that was not asked.
fn another(query: &Query) -> Query {
    let mut other = query.clone();
    let name = query.name().prepend_label("other");
    other.set_name(name.unwrap_or_else(|_| Name::root()));
    other
}

/// The octets of an answer, and whether it had to be cut to its question.
fn encode(response: &Message, most: u16, cut: bool) -> (Vec<u8>, bool) {
    let fits = |octets: &Vec<u8>| octets.len() <= usize::from(most);
    // A full buffer makes the encoder leave records out and set the flag itself.
    let whole = |message: &Message| message.to_vec().ok().filter(fits);
    // Addresses of machines are a courtesy: leaving them out is not truncation. Source: RFC 2181 9.
    let frugal = || {
        let mut response = response.clone();
        response.additionals.clear();
        whole(&response)
    };
    if !cut && let Some(octets) = whole(response).or_else(frugal) {
        let flags = octets.get(2).copied().unwrap_or_default();
        return (octets, flags & 0x02 != 0);
    }
    let short = response.truncate().to_vec();
    (short.unwrap_or_else(|_| bare(response)), true)
}

/// A header that says SERVFAIL: for a question that can be read and not be written.
fn bare(response: &Message) -> Vec<u8> {
    let [high, low] = response.metadata.id.to_be_bytes();
    let mut octets = vec![high, low, 0x80, 0x02];
    octets.resize(HEADER, 0);
    octets
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (transport, code) = (self.transport, mnemonic(self.code));
        match &self.asked {
            Asked::Query {
                name,
                kind,
                answers,
            } => {
                write!(f, "{transport} query {name} {kind}: {code}, {answers} ")?;
                f.write_str(if *answers == 1 { "record" } else { "records" })?;
            }
            Asked::Update { zone, changes } => {
                write!(f, "{transport} update {zone}: {code}")?;
                for change in changes {
                    write!(f, "; {change}")?;
                }
            }
            Asked::Other => write!(f, "{transport} something else: {code}")?,
        }
        f.write_str(if self.truncated { ", truncated" } else { "" })
    }
}

/// The name that tools give a code. Source: RFC 6895 2.3.
pub(crate) fn mnemonic(code: ResponseCode) -> String {
    match code {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::YXDomain => "YXDOMAIN".to_owned(),
        ResponseCode::YXRRSet => "YXRRSET".to_owned(),
        ResponseCode::NXRRSet => "NXRRSET".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotZone => "NOTZONE".to_owned(),
        other => format!("code {}", u16::from(other)),
    }
}

//! A capture as a list of exchanges that can be played again.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use kmspec_capture::error::CaptureError;
use kmspec_capture::rpc::{Direction, Exchange, Notice, Observer, Pdu, Reply};
use kmspec_capture::tcp::{Connection, Limits, Stamp, TcpEvent};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{ContextId, PduType, PfcFlags};

use super::answer::Answer;

/// Octets of one PDU.
pub type Octets = Vec<u8>;

/// What a capture holds.
#[derive(Debug, Default)]
pub struct Recording {
    /// Name of the file.
    pub file: String,
    /// Its exchanges, by connection and call.
    pub exchanges: Vec<Recorded>,
    /// Why reading stopped before the end, with the byte offset.
    pub damage: Option<CaptureError>,
}

/// A bind or `alter_context` with what the host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What the client sent.
    pub sent: Octets,
    /// What the host answered; nothing if that is not in the file.
    pub answer: Answer,
}

/// One exchange: what led to it, the request, the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Name of the file.
    pub file: String,
    /// The connection, numbered by its first packet from 0.
    pub stream: u32,
    /// The request's index on its connection, from 0; none for a connection on which only binds were sent.
    pub call: Option<u32>,
    /// The packet that completed the request, or the last bind.
    pub packet: u64,
    /// That packet's time.
    pub at: FileTime,
    /// Every bind and `alter_context` that the client had sent before on this connection.
    pub setup: Vec<Step>,
    /// The request's PDUs, more than one if it came in fragments; none where `call` is.
    pub request: Vec<Octets>,
    /// What the host answered.
    pub answer: Answer,
    /// The request's presentation context.
    pub context_id: ContextId,
    /// Encoding of its stub: the one agreed on, or the one the stub has by its form.
    pub syntax: TransferSyntax,
    /// Whether the host had accepted the context.
    pub bound: bool,
    /// Whether the connection's start, and with it perhaps a bind, is not in the file.
    pub mid_stream: bool,
    /// Why it cannot be played, if it cannot.
    pub obstacle: Option<Obstacle>,
}

/// Why an exchange cannot be played again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Bytes of what the client sent are not in the capture.
    RequestCut,
    /// Bytes of what the host answered are not in the capture.
    AnswerCut,
    /// Bytes in front of the request are not in the capture.
    Gap,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestCut => "bytes of the request are not in the capture",
            Self::AnswerCut => "bytes of the answer are not in the capture",
            Self::Gap => "bytes in front of the request are not in the capture",
        })
    }
}

impl Recorded {
    /// Its place in the file: `0-3` is call 3 of stream 0; `2-setup` are the binds of stream 2, which has no call.
    pub fn place(&self) -> String {
        match self.call {
            Some(call) => format!("{}-{call}", self.stream),
            None => format!("{}-setup", self.stream),
        }
    }

    /// Its name in a list of cases: file without extension, then place.
    pub fn name(&self) -> String {
        let stem = self
            .file
            .split_once('.')
            .map_or(self.file.as_str(), |(stem, _)| stem);
        format!("{stem}/{}", self.place())
    }
}

/// Reads a capture. What stands before a damaged place is kept.
pub fn read(file: &str, input: impl Read) -> Recording {
    let mut collect = Collect {
        file: file.to_owned(),
        ..Collect::default()
    };
    let outcome = kmspec_capture::read(input, Limits::default(), &mut collect);
    let mut exchanges = collect.exchanges;
    for (stream, talk) in collect.talks {
        exchanges.extend(talk.setup_only(file, stream));
    }
    exchanges.sort_by_key(|exchange| (exchange.stream, exchange.call));
    Recording {
        file: file.to_owned(),
        exchanges,
        damage: outcome.damage,
    }
}

/// Gathers exchanges while a capture is read.
#[derive(Default)]
struct Collect {
    file: String,
    talks: BTreeMap<u32, Talk>,
    exchanges: Vec<Recorded>,
}

/// One connection while it is read.
#[derive(Default)]
struct Talk {
    mid_stream: bool,
    setup: Vec<Step>,
    last: Stamp,
    /// Requests that wait for their exchange, by call index.
    waiting: BTreeMap<u32, Request>,
    requests: u32,
    /// PDUs of the answer that comes in.
    answer: Vec<Octets>,
    cut: Option<Obstacle>,
}

struct Request {
    pdus: Vec<Octets>,
    call_id: u32,
    whole: bool,
    /// Binds before it.
    setup: usize,
    obstacle: Option<Obstacle>,
}

impl Talk {
    fn client_pdu(&mut self, pdu: &Pdu<'_>) {
        let octets = pdu.bytes.to_vec();
        match pdu.header.ptype {
            PduType::BIND | PduType::ALTER_CONTEXT => {
                if pdu.is_cut() {
                    self.cut = Some(Obstacle::RequestCut);
                }
                let answer = Answer::default();
                self.setup.push(Step {
                    sent: octets,
                    answer,
                });
                self.last = pdu.at;
            }
            PduType::REQUEST => self.request(pdu, octets),
            _ => {}
        }
    }

    fn request(&mut self, pdu: &Pdu<'_>, octets: Octets) {
        let readable = pdu.is_cut() || kmspec_wire::pdu::Pdu::decode(pdu.bytes).is_ok();
        if !readable {
            return;
        }
        let flags = pdu.header.pfc_flags;
        let obstacle = if pdu.is_cut() {
            Some(Obstacle::RequestCut)
        } else {
            self.cut
        };
        let call_id = pdu.header.call_id.0;
        let whole = flags.has(PfcFlags::LAST_FRAG) || pdu.is_cut();
        if flags.has(PfcFlags::FIRST_FRAG) {
            let request = Request {
                pdus: vec![octets],
                call_id,
                whole,
                setup: self.setup.len(),
                obstacle,
            };
            self.waiting.insert(self.requests, request);
            self.requests += 1;
        } else if let Some(open) = self
            .waiting
            .values_mut()
            .rfind(|request| request.call_id == call_id && !request.whole)
        {
            open.pdus.push(octets);
            open.whole = whole;
            open.obstacle = open.obstacle.or(obstacle);
        }
    }

    fn host_pdu(&mut self, pdu: &Pdu<'_>) {
        let octets = pdu.bytes.to_vec();
        let asked = match pdu.header.ptype {
            PduType::BIND_ACK | PduType::BIND_NAK => PduType::BIND,
            PduType::ALTER_CONTEXT_RESP => PduType::ALTER_CONTEXT,
            PduType::RESPONSE | PduType::FAULT => {
                // What is still there answered no call of the file, or none of KMS.
                if pdu.header.pfc_flags.has(PfcFlags::FIRST_FRAG) {
                    self.answer.clear();
                }
                return self.answer.push(octets);
            }
            _ => return,
        };
        if pdu.is_cut() {
            self.cut = self.cut.or(Some(Obstacle::AnswerCut));
        }
        let step = self
            .setup
            .iter_mut()
            .find(|step| step.answer.pdus.is_empty() && step.sent.get(2).copied() == Some(asked.0));
        if let Some(step) = step {
            step.answer.pdus.push(octets);
        }
    }

    /// The connection as an exchange of binds alone, if it is one.
    fn setup_only(self, file: &str, stream: u32) -> Option<Recorded> {
        let of_kms = self.setup.iter().any(asks_for_kms);
        (self.requests == 0 && of_kms && !self.setup.is_empty()).then(|| Recorded {
            file: file.to_owned(),
            stream,
            call: None,
            packet: self.last.packet,
            at: FileTime::from_unix_nanos(self.last.time_ns),
            setup: self.setup,
            request: Vec::new(),
            answer: Answer::default(),
            context_id: ContextId::default(),
            syntax: TransferSyntax::Ndr32,
            bound: false,
            mid_stream: self.mid_stream,
            obstacle: self.cut,
        })
    }
}

/// Whether a bind offers the KMS interface.
fn asks_for_kms(step: &Step) -> bool {
    super::explain::offered(&step.sent)
        .iter()
        .any(|context| context.is_kms)
}

impl Observer for Collect {
    fn tcp(&mut self, connection: &Connection, _: Stamp, event: &TcpEvent<'_>) {
        let talk = self.talks.entry(connection.stream).or_default();
        talk.mid_stream = connection.mid_stream;
        if matches!(event, TcpEvent::Gap { .. }) && !connection.mid_stream {
            talk.cut = talk.cut.or(Some(Obstacle::Gap));
        }
    }

    fn pdu(&mut self, pdu: &Pdu<'_>) {
        let talk = self.talks.entry(pdu.connection.stream).or_default();
        match pdu.direction {
            Direction::ToHost => talk.client_pdu(pdu),
            Direction::ToClient => talk.host_pdu(pdu),
        }
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let stream = exchange.connection.stream;
        let talk = self.talks.entry(stream).or_default();
        let answer = match exchange.reply {
            Reply::None => Vec::new(),
            Reply::Response { .. } | Reply::Fault(_) => std::mem::take(&mut talk.answer),
        };
        let Some(request) = talk.waiting.remove(&exchange.call) else {
            return;
        };
        let cut = matches!(exchange.reply, Reply::Response { cut: true, .. });
        let obstacle = request.obstacle.or(cut.then_some(Obstacle::AnswerCut));
        self.exchanges.push(Recorded {
            file: self.file.clone(),
            stream,
            call: Some(exchange.call),
            packet: exchange.rpc.request.packet,
            at: FileTime::from_unix_nanos(exchange.rpc.request.time_ns),
            setup: talk.setup.get(..request.setup).unwrap_or_default().to_vec(),
            request: request.pdus,
            answer: Answer {
                pdus: answer,
                ended: None,
            },
            context_id: ContextId(exchange.rpc.context_id),
            syntax: exchange.rpc.syntax,
            bound: exchange.rpc.bound,
            mid_stream: exchange.connection.mid_stream,
            obstacle,
        });
    }

    fn notice(&mut self, notice: &Notice) {
        if let Notice::NoPdu { stream, .. } = notice {
            let talk = self.talks.entry(*stream).or_default();
            talk.cut = talk.cut.or((!talk.mid_stream).then_some(Obstacle::Gap));
        }
    }
}

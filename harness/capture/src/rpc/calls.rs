mod pairing;

use std::collections::VecDeque;

use kmspec_wire::codec::{ByteOrder, Reader};
use kmspec_wire::fragment::{self, Assembler, Part};
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{self, Body, CallId, ContextId, FaultStatus, Header, PduType, PfcFlags};

use super::contexts::{Contexts, asked_by};
use super::{Direction, Exchange, Interface, Notice, Observer, Pdu, Reply, Rpc, sniff};
use crate::summary::Counts;
use crate::tcp::{Connection, Side, Stamp};

/// The calls of one connection.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// Which side is the client, once known.
    client: Option<Side>,
    contexts: Contexts,
    /// PDUs since the last request.
    lead: Vec<Lead>,
    open: VecDeque<OpenCall>,
    requests: Option<Assembler>,
    responses: Option<Assembler>,
    /// Requests so far.
    requested: u32,
}

/// A PDU that stands before a call.
#[derive(Clone, Copy, Debug)]
struct Lead {
    ptype: u8,
    answered: bool,
}

/// A request that waits for its reply.
#[derive(Debug, Default)]
struct OpenCall {
    call: u32,
    call_id: CallId,
    context_id: ContextId,
    opnum: u16,
    lead: Vec<Lead>,
    at: Stamp,
    stub: Vec<u8>,
    order: ByteOrder,
    /// Length of the whole stub as the first fragment announced it.
    alloc_hint: u32,
    /// All fragments are there.
    complete: bool,
    cut: bool,
}

/// Where the facts of a connection go, with the bounds on what is kept.
pub(crate) struct Sink<'a, O> {
    pub(crate) connection: &'a Connection,
    pub(crate) observer: &'a mut O,
    pub(crate) counts: &'a mut Counts,
    pub(crate) scratch: &'a mut Scratch,
    pub(crate) stub_limit: usize,
    pub(crate) open_limit: usize,
}

/// Allocations used again for the next call.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    stub: Vec<u8>,
    lead: Vec<Lead>,
    ptypes: Vec<u8>,
}

struct Fields {
    alloc_hint: u32,
    context_id: ContextId,
    opnum: u16,
}

struct Answer<'a> {
    call_id: CallId,
    at: Stamp,
    reply: Reply<'a>,
}

impl Calls {
    /// Takes a PDU; `bytes` are fewer than `frag_length` if the rest is not in the file.
    pub(crate) fn pdu<O: Observer>(
        &mut self,
        from: Side,
        at: Stamp,
        bytes: &[u8],
        frag_length: u16,
        sink: &mut Sink<'_, O>,
    ) {
        let Ok(header) = Header::peek(bytes) else {
            return;
        };
        let direction = self.direction(from, header.ptype, sink.connection);
        let pdu = Pdu {
            connection: sink.connection,
            direction,
            at,
            interface: self.contexts.interface(),
            header,
            frag_length,
            bytes,
        };
        sink.counts.pdu(&pdu);
        sink.observer.pdu(&pdu);
        let decoded = if pdu.is_cut() {
            None
        } else {
            match pdu::Pdu::decode(bytes) {
                Ok(decoded) => Some(decoded.body),
                Err(_) => return sink.bad_pdu(at, header.ptype),
            }
        };
        match (direction, header.ptype) {
            (Direction::ToHost, PduType::BIND | PduType::ALTER_CONTEXT) => {
                let bind = match &decoded {
                    Some(Body::Bind(bind) | Body::AlterContext(bind)) => Some(bind),
                    _ => None,
                };
                self.contexts.offer(header.ptype, header.call_id, bind);
                self.lead(header.ptype);
            }
            (Direction::ToHost, PduType::AUTH3 | PduType::CO_CANCEL | PduType::ORPHANED) => {
                self.lead(header.ptype);
            }
            (Direction::ToHost, PduType::REQUEST) => self.request(&pdu, decoded, sink),
            (
                Direction::ToClient,
                PduType::BIND_ACK | PduType::BIND_NAK | PduType::ALTER_CONTEXT_RESP,
            ) => {
                let ack = match &decoded {
                    Some(Body::BindAck(ack) | Body::AlterContextResp(ack)) => Some(ack),
                    _ => None,
                };
                let asked = asked_by(header.ptype);
                if self.contexts.answer(asked, header.call_id, ack).is_some() {
                    self.answer_lead(asked.0, header.ptype.0);
                }
            }
            (Direction::ToClient, PduType::RESPONSE | PduType::FAULT) => {
                self.reply(&pdu, decoded, sink);
            }
            _ => {}
        }
    }

    /// Bytes of calls that wait; fragments count as the most they can become.
    pub(crate) fn unfinished(&self, stub_limit: usize) -> usize {
        let assemblers = [&self.requests, &self.responses];
        let open = assemblers.iter().filter(|assembler| assembler.is_some());
        let stubs = self.open.iter().map(|open| open.stub.len());
        stubs.fold(
            open.count().saturating_mul(stub_limit),
            usize::saturating_add,
        )
    }

    /// Hands on the calls that got no reply, and forgets fragments.
    pub(crate) fn finish<O: Observer>(&mut self, sink: &mut Sink<'_, O>) {
        self.requests = None;
        self.responses = None;
        while let Some(open) = self.open.pop_front() {
            self.hand_on(open, None, sink);
        }
    }

    /// What binds and calls say the connection is about.
    pub(crate) const fn interface(&self) -> Interface {
        self.contexts.interface()
    }

    fn direction(&mut self, from: Side, ptype: PduType, connection: &Connection) -> Direction {
        let by_handshake = (!connection.mid_stream).then_some(Side::Opener);
        let client = *self.client.get_or_insert_with(|| {
            by_handshake.unwrap_or(if is_from_host(ptype) {
                from.other()
            } else {
                from
            })
        });
        if from == client {
            Direction::ToHost
        } else {
            Direction::ToClient
        }
    }

    fn lead(&mut self, ptype: PduType) {
        if self.lead.len() < MAX_LEAD {
            self.lead.push(Lead {
                ptype: ptype.0,
                answered: false,
            });
        }
    }

    /// Puts an answer behind what it answers, which may stand before a call that was sent without waiting for it.
    fn answer_lead(&mut self, asked: u8, answer: u8) {
        let open = self.open.iter_mut().map(|call| &mut call.lead);
        for lead in open.chain([&mut self.lead]) {
            let at = lead
                .iter()
                .position(|pdu| pdu.ptype == asked && !pdu.answered);
            if let Some(at) = at {
                if let Some(pdu) = lead.get_mut(at) {
                    pdu.answered = true;
                }
                lead.insert(
                    at.saturating_add(1),
                    Lead {
                        ptype: answer,
                        answered: true,
                    },
                );
                return;
            }
        }
    }

    fn request<O: Observer>(
        &mut self,
        pdu: &Pdu<'_>,
        decoded: Option<Body<'_>>,
        sink: &mut Sink<'_, O>,
    ) {
        let header = &pdu.header;
        let (fields, stub) = match &decoded {
            Some(Body::Request(request)) => (
                Fields {
                    alloc_hint: request.alloc_hint,
                    context_id: request.context_id,
                    opnum: request.opnum,
                },
                request.stub,
            ),
            _ => match cut_fields(pdu) {
                Some(cut) => cut,
                None => return,
            },
        };
        if header.pfc_flags.has(PfcFlags::FIRST_FRAG) {
            self.open_call(pdu, &fields, sink);
        }
        let Some(open) = self
            .open
            .iter_mut()
            .rfind(|open| open.call_id == header.call_id && !open.complete)
        else {
            return;
        };
        open.at = pdu.at;
        open.lead.push(Lead {
            ptype: header.ptype.0,
            answered: true,
        });
        if pdu.is_cut() {
            open.cut = true;
            open.complete = true;
            open.stub.extend_from_slice(stub);
            self.requests = None;
            return;
        }
        let part = Part {
            flags: header.pfc_flags,
            call_id: header.call_id,
            context_id: fields.context_id,
            alloc_hint: fields.alloc_hint,
            stub,
        };
        if is_whole(part.flags) && stub.len() <= sink.stub_limit {
            open.stub.extend_from_slice(stub);
            open.complete = true;
            return;
        }
        let limits = fragment::Limits {
            total: sink.stub_limit,
            ..fragment::Limits::default()
        };
        let assembler = self.requests.get_or_insert_with(|| Assembler::new(limits));
        match assembler.push(part) {
            Ok(None) => {}
            Ok(Some(whole)) => {
                open.stub.extend_from_slice(whole);
                open.complete = true;
                self.requests = None;
            }
            Err(_) => {
                open.complete = true;
                open.cut = true;
                self.requests = None;
                sink.bad_pdu(pdu.at, header.ptype);
            }
        }
    }

    fn open_call<O: Observer>(&mut self, pdu: &Pdu<'_>, fields: &Fields, sink: &mut Sink<'_, O>) {
        if self.open.len() >= sink.open_limit.max(1)
            && let Some(oldest) = self.open.pop_front()
        {
            self.hand_on(oldest, None, sink);
        }
        let mut stub = std::mem::take(&mut sink.scratch.stub);
        stub.clear();
        let mut lead = std::mem::take(&mut sink.scratch.lead);
        lead.clear();
        self.open.push_back(OpenCall {
            call: self.requested,
            call_id: pdu.header.call_id,
            context_id: fields.context_id,
            opnum: fields.opnum,
            lead: std::mem::replace(&mut self.lead, lead),
            at: pdu.at,
            stub,
            order: pdu.header.drep.order(),
            alloc_hint: fields.alloc_hint,
            complete: false,
            cut: false,
        });
        self.requested = self.requested.saturating_add(1);
    }

    fn reply<O: Observer>(
        &mut self,
        pdu: &Pdu<'_>,
        decoded: Option<Body<'_>>,
        sink: &mut Sink<'_, O>,
    ) {
        let header = &pdu.header;
        let order = header.drep.order();
        let answer = |reply| Answer {
            call_id: header.call_id,
            at: pdu.at,
            reply,
        };
        match decoded {
            Some(Body::Fault(fault)) => self.close_call(&answer(Reply::Fault(fault.status)), sink),
            Some(Body::Response(response)) => {
                let part = Part::of_response(header, &response);
                if is_whole(part.flags) {
                    let stub = part.stub;
                    let cut = false;
                    self.close_call(&answer(Reply::Response { stub, order, cut }), sink);
                    return;
                }
                let limits = fragment::Limits {
                    total: sink.stub_limit,
                    ..fragment::Limits::default()
                };
                let mut assembler = self
                    .responses
                    .take()
                    .unwrap_or_else(|| Assembler::new(limits));
                match assembler.push(part) {
                    Ok(None) => {
                        self.push_ptype(header);
                        self.responses = Some(assembler);
                    }
                    Ok(Some(stub)) => {
                        let cut = false;
                        self.close_call(&answer(Reply::Response { stub, order, cut }), sink);
                    }
                    Err(_) => sink.bad_pdu(pdu.at, header.ptype),
                }
            }
            _ if header.ptype == PduType::FAULT => {
                let status = cut_status(pdu).unwrap_or(FaultStatus(0));
                self.close_call(&answer(Reply::Fault(status)), sink);
            }
            _ => {
                self.responses = None;
                let stub = pdu.bytes.get(pdu::Response::OVERHEAD..).unwrap_or_default();
                let cut = true;
                self.close_call(&answer(Reply::Response { stub, order, cut }), sink);
            }
        }
    }
}

/// Whether the PDU is a call or reply in one fragment.
const fn is_whole(flags: PfcFlags) -> bool {
    flags.has(PfcFlags::WHOLE)
}

/// Whether only a host sends PDUs of this type.
const fn is_from_host(ptype: PduType) -> bool {
    matches!(
        ptype,
        PduType::RESPONSE
            | PduType::FAULT
            | PduType::BIND_ACK
            | PduType::BIND_NAK
            | PduType::ALTER_CONTEXT_RESP
            | PduType::SHUTDOWN
    )
}

/// The fields of a request that is not all there, and what there is of its stub.
fn cut_fields<'a>(pdu: &Pdu<'a>) -> Option<(Fields, &'a [u8])> {
    let body = pdu.bytes.get(Header::LEN..)?;
    let mut r = Reader::new(body).with_order(pdu.header.drep.order());
    let fields = Fields {
        alloc_hint: r.u32("alloc_hint").ok()?,
        context_id: ContextId(r.u16("p_cont_id").ok()?),
        opnum: r.u16("opnum").ok()?,
    };
    if pdu.header.pfc_flags.has(PfcFlags::OBJECT_UUID) {
        r.guid("object").ok()?;
    }
    Some((fields, r.rest()))
}

fn cut_status(pdu: &Pdu<'_>) -> Option<FaultStatus> {
    let body = pdu.bytes.get(pdu::Response::OVERHEAD..)?;
    let mut r = Reader::new(body).with_order(pdu.header.drep.order());
    r.u32("status").ok().map(FaultStatus)
}

/// PDUs listed before a call; a peer that only binds would make the list endless.
const MAX_LEAD: usize = 64;

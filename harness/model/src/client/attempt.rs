use std::mem;

use kmspec_wire::btfn::Features;
use kmspec_wire::codec::{DecodeError, Writer};
use kmspec_wire::crypto::Block;
use kmspec_wire::fragment::{
    Assembler, FragmentError, Framer, FramingError, Limits, Part, fragments,
};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{
    OpenError, OpenedRequest, OpenedResponse, open_response, seal_request,
};
use kmspec_wire::kms::verify::{self, Violation};
use kmspec_wire::kms::{Epid, EpidError, HResult, RequestBody};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindAck, BindBuilder, Body, CallId, ContextId, ContextResult, FaultStatus, Header, NakReason,
    Pdu, PduType, PfcFlags, Reason, Request, Response, SyntaxId,
};
use thiserror::Error;

use super::deviate::{self, Deed};
use super::fault::{Fault, Faults};

/// One question to one host, over one connection: octets in, octets out.
///
/// It binds as Windows does (NDR32, NDR64 and feature negotiation offered, call ids from 2), asks once, and verifies all
/// of the answer under the lab key set. A client that asks [`again`](Self::again) and again keeps its keys and buffers.
#[derive(Debug)]
pub struct Attempt {
    keys: KeySet,
    bind: BindBuilder,
    sent: OpenedRequest,
    message: Vec<u8>,
    framer: Framer,
    assembler: Assembler,
    /// Memory of what is at hand for a moment.
    scratch: Scratch,
    stage: Stage,
    /// The context to call on, where a fault has chosen another than that of the transfer syntax.
    context: Option<u16>,
    faults: Faults,
    /// Fragments of the response that have come.
    fragments: usize,
    crashed: bool,
}

#[derive(Debug, Default)]
struct Scratch {
    /// The stub of the call.
    stub: Vec<u8>,
    /// The PDU that is read.
    pdu: Vec<u8>,
    /// The response, out of its envelope.
    opened: Vec<u8>,
}

/// What the client waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// To be connected.
    Unconnected,
    /// The answer to its bind.
    Binding,
    /// The answer to its call, in this transfer syntax.
    Calling(TransferSyntax),
}

/// What came of a PDU.
enum Next {
    /// There is none yet.
    Wait,
    /// It was taken.
    Go,
    /// It was the last.
    End(Reply),
}

/// How a host answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// With a response that is right in every respect.
    Answer(Answer),
    /// With an HRESULT that says no.
    Refusal(HResult),
    /// With a response that cannot be relied on.
    Unverified(Unverified),
    /// Not as a host does that could answer.
    Broken(Broken),
}

/// What a verified response says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Machines the host has counted.
    pub count: u32,
    /// Minutes between attempts while not activated.
    pub activation_interval: u32,
    /// Minutes between renewals while activated.
    pub renewal_interval: u32,
    /// The host's extended PID.
    pub epid: Epid,
    /// The host's hardware id; in version 6 only.
    pub hardware_id: Option<[u8; 8]>,
}

/// Why a response cannot be relied on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unverified {
    /// The stub is none of this operation.
    #[error("the stub of the response is wrong: {0}")]
    Stub(DecodeError),
    /// Success without a response.
    #[error("the host reports success without a response")]
    Absent,
    /// The envelope cannot be opened.
    #[error("{0}")]
    Envelope(OpenError),
    /// Rules are broken; there is at least one.
    #[error("the response breaks {}", listed(.0))]
    Rules(Vec<Violation>),
    /// The extended PID is none.
    #[error("the ePID is wrong: {0}")]
    Epid(EpidError),
}

/// Why a host did not answer the request at all.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Broken {
    /// The bind was refused.
    #[error("the bind was refused: {0}")]
    BindNak(NakReason),
    /// The bind was answered, and no context can be used.
    #[error("no presentation context was accepted: {0}")]
    NoContext(Reason),
    /// The call was refused.
    #[error("the call ended in a fault: {0}")]
    Fault(FaultStatus),
    /// A PDU that nobody asked for.
    #[error("a PDU of type {0} came instead of an answer")]
    Unexpected(PduType),
    /// An answer to another call.
    #[error("the answer is to call {}, the call was {}", got.0, expected.0)]
    CallId {
        /// That of the client.
        expected: CallId,
        /// That of the answer.
        got: CallId,
    },
    /// A PDU that cannot be read.
    #[error("a PDU cannot be read: {0}")]
    Pdu(DecodeError),
    /// Octets that are no PDU.
    #[error("{0}")]
    Framing(FramingError),
    /// Octets that a client with a fault does not take.
    #[error("octets that a fault of this client does not let it take")]
    Octets,
    /// Fragments that do not fit each other.
    #[error("the fragments of the answer do not fit: {0}")]
    Fragments(FragmentError),
}

impl Attempt {
    /// An attempt to ask this; the IV must be fresh each time.
    pub fn new(request: &RequestBody, iv: Block) -> Self {
        Self::with_faults(request, iv, Faults::NONE)
    }

    /// The same by a client with deliberate defects.
    pub(super) fn with_faults(request: &RequestBody, iv: Block, faults: Faults) -> Self {
        let keys = KeySet::lab();
        let mut message = Vec::new();
        let sent = seal(&keys, request, iv, faults, &mut message);
        Self {
            keys,
            bind: deviate::bind(faults, bind()),
            sent,
            message,
            framer: Framer::new(),
            assembler: Assembler::new(ANSWER_LIMITS),
            scratch: Scratch::default(),
            stage: Stage::Unconnected,
            context: None,
            faults,
            fragments: 0,
            crashed: false,
        }
    }

    /// The next question, over a new connection; the IV must be fresh again.
    pub fn again(&mut self, request: &RequestBody, iv: Block) {
        self.message.clear();
        self.sent = seal(&self.keys, request, iv, self.faults, &mut self.message);
        self.framer.clear();
        self.assembler.abandon();
        self.stage = Stage::Unconnected;
        self.context = None;
        self.fragments = 0;
        self.crashed = false;
    }

    /// Whether a fault has made the client crash.
    pub(super) const fn crashed(&self) -> bool {
        self.crashed
    }

    /// Whether it takes silence, or the end of the connection, for an answer: a fault's doing.
    pub(super) const fn is_content_with_silence(&self) -> bool {
        matches!(self.stage, Stage::Calling(_)) && self.faults.has(Fault::UnansweredIsSuccess)
    }

    /// The connection is there: appends the bind to `out`.
    pub fn connected(&mut self, out: &mut Vec<u8>) {
        self.bind.encode(out);
        if self.faults.has(Fault::CallsBeforeAck) {
            self.call(TransferSyntax::Ndr32, self.bind.max_xmit_frag, out);
        }
        self.stage = Stage::Binding;
    }

    /// Octets have come: appends what to send to `out`, or says how the host answered. After that the connection ends.
    pub fn receive(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Option<Reply> {
        if self.faults.is_empty() {
            self.framer.push(octets);
        } else if !self.read(octets) {
            return Some(Reply::Broken(Broken::Octets));
        }
        // The framer lends the PDU, and the rest of the machine must not move it while it is read: it is copied.
        let mut pdu = mem::take(&mut self.scratch.pdu);
        let reply = loop {
            match self.next(&mut pdu, out) {
                Ok(Next::Wait) => break None,
                Ok(Next::Go) => {}
                Ok(Next::End(reply)) => break Some(reply),
                Err(broken) => break Some(Reply::Broken(broken)),
            }
        };
        self.scratch.pdu = pdu;
        reply
    }

    /// Takes the next PDU, if there is a whole one.
    fn next(&mut self, pdu: &mut Vec<u8>, out: &mut Vec<u8>) -> Result<Next, Broken> {
        let Some(octets) = self.framer.next_pdu().map_err(Broken::Framing)? else {
            return Ok(Next::Wait);
        };
        pdu.clear();
        pdu.extend_from_slice(octets);
        if !self.faults.is_empty() && self.deed(pdu) != Deed::Read {
            return Err(Broken::Octets);
        }
        let reply = self.take(pdu, out)?;
        Ok(reply.map_or(Next::Go, Next::End))
    }

    /// Reads as a client with faults does; false if it makes nothing of the octets.
    fn read(&mut self, octets: &[u8]) -> bool {
        let mut octets = octets.to_vec();
        let calling = matches!(self.stage, Stage::Calling(_));
        let waiting = self.framer.pending().len();
        let taken = deviate::read(self.faults, calling, waiting, &mut octets);
        self.framer.push(&octets);
        taken
    }

    /// Takes a PDU as a client with faults does.
    fn deed(&mut self, pdu: &mut Vec<u8>) -> Deed {
        let (calling, expected) = match self.stage {
            Stage::Calling(syntax) => (Some(syntax), CALL),
            Stage::Unconnected | Stage::Binding => (None, BIND),
        };
        let deed = deviate::incoming(self.faults, calling, expected, self.fragments, pdu);
        self.fragments = self
            .fragments
            .saturating_add(usize::from(calling.is_some()));
        self.crashed |= deed == Deed::Crash;
        deed
    }

    /// What it waits for, to say in which state a host fell silent.
    pub const fn waits_for(&self) -> &'static str {
        match self.stage {
            Stage::Unconnected => "the connection",
            Stage::Binding => "the answer to the bind",
            Stage::Calling(_) => "the answer to the request",
        }
    }

    fn take(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<Option<Reply>, Broken> {
        let pdu = Pdu::decode(octets).map_err(Broken::Pdu)?;
        let expected = match self.stage {
            Stage::Calling(_) => CALL,
            Stage::Unconnected | Stage::Binding => BIND,
        };
        let ours = |header: Header| match header.call_id {
            got if got == expected => Ok(()),
            got => Err(Broken::CallId { expected, got }),
        };
        match (self.stage, pdu.body) {
            (Stage::Binding, Body::BindAck(ack)) => {
                ours(pdu.header)?;
                let syntax = self.accepted(&ack)?;
                self.stage = Stage::Calling(syntax);
                self.call(syntax, ack.max_recv_frag, out);
                Ok(None)
            }
            (Stage::Binding, Body::BindNak(nak)) => Err(Broken::BindNak(nak.reason)),
            (Stage::Binding | Stage::Calling(_), Body::Fault(fault)) => {
                ours(pdu.header)?;
                Err(Broken::Fault(fault.status))
            }
            (Stage::Calling(syntax), Body::Response(response)) => {
                ours(pdu.header)?;
                self.response(syntax, &pdu.header, &response)
            }
            _ => Err(Broken::Unexpected(pdu.header.ptype)),
        }
    }

    /// Sends the call, in fragments if the host takes no larger ones.
    fn call(&mut self, syntax: TransferSyntax, max_recv_frag: u16, out: &mut Vec<u8>) {
        let context = self.context.unwrap_or(context_of(syntax));
        if !self.faults.is_empty() {
            let to = (context, max_recv_frag);
            deviate::call(self.faults, syntax, &self.message, to, out);
            return;
        }
        let stub = &mut self.scratch.stub;
        stub.clear();
        RequestStub::new(&self.message).encode(syntax, &mut Writer::new(stub));
        for call in calls(stub, max_recv_frag, context) {
            call.encode(out);
        }
    }

    /// The transfer syntax to use, as a client with faults finds it.
    fn accepted(&mut self, ack: &BindAck<'_>) -> Result<TransferSyntax, Broken> {
        let faults = self.faults;
        if faults.is_empty() {
            return accepted(ack);
        }
        let results = || ack.results.iter().map(|result| result.is_accepted());
        let by_place = results().position(|accepted| accepted);
        let last = results()
            .zip(0_u16..)
            .filter(|(accepted, _)| *accepted)
            .last();
        if faults.has(Fault::LastResultCounts) {
            self.context = last.map(|(_, place)| place);
        }
        match by_place {
            Some(0) if faults.has(Fault::AckSyntaxIgnored) => Ok(TransferSyntax::Ndr32),
            Some(_) if faults.has(Fault::AckSyntaxIgnored) => Ok(TransferSyntax::Ndr64),
            _ if faults.has(Fault::FirstContextAlways) => Ok(TransferSyntax::Ndr32),
            None if faults.has(Fault::RejectionIgnored) && !ack.results.is_empty() => {
                Ok(TransferSyntax::Ndr32)
            }
            None if faults.has(Fault::NoResultsAccepted) && ack.results.is_empty() => {
                Ok(TransferSyntax::Ndr32)
            }
            _ => accepted(ack),
        }
    }

    fn response(
        &mut self,
        syntax: TransferSyntax,
        header: &Header,
        response: &Response<'_>,
    ) -> Result<Option<Reply>, Broken> {
        let part = Part::of_response(header, response);
        let stub = self.assembler.push(part).map_err(Broken::Fragments)?;
        let Some(stub) = stub else { return Ok(None) };
        let mut read = Vec::new();
        let stub = if self.faults.is_empty() {
            stub
        } else {
            read.extend_from_slice(stub);
            let deed = deviate::stub(self.faults, syntax, &mut read);
            self.crashed |= deed == Deed::Crash;
            if deed != Deed::Read {
                return Err(Broken::Octets);
            }
            &read
        };
        let reply = match ResponseStub::decode(syntax, header.drep.order(), stub) {
            Err(error) => Reply::Unverified(Unverified::Stub(error)),
            Ok(stub) if stub.return_value != 0 => Reply::Refusal(HResult(stub.return_value)),
            Ok(stub) => match stub.response() {
                None if self.faults.has(Fault::AbsentIsSuccess) => match deviate::made_up() {
                    Some(answer) => Reply::Answer(answer),
                    None => Reply::Unverified(Unverified::Absent),
                },
                None => Reply::Unverified(Unverified::Absent),
                Some(message) => {
                    let opened = open_response(&self.keys, message, &mut self.scratch.opened);
                    judge(&self.sent, opened, self.faults)
                        .map_or_else(Reply::Unverified, Reply::Answer)
                }
            },
        };
        Ok(Some(reply))
    }
}

/// A call with this stub, in fragments if the host takes no larger ones.
pub(super) fn calls(
    stub: &[u8],
    max_recv_frag: u16,
    context: u16,
) -> impl Iterator<Item = Pdu<'_>> {
    fragments(stub, max_recv_frag.into(), Request::OVERHEAD).map(move |part| Pdu {
        header: Header::new(PduType::REQUEST, CALL).with_flags(part.flags),
        body: Body::Request(Request {
            alloc_hint: u32::try_from(part.left).unwrap_or(u32::MAX),
            context_id: ContextId(context),
            opnum: 0,
            object: None,
            stub: part.stub,
        }),
        auth: None,
    })
}

/// The message as it is sent, and what verifying its answer needs.
fn seal(
    keys: &KeySet,
    request: &RequestBody,
    iv: Block,
    faults: Faults,
    message: &mut Vec<u8>,
) -> OpenedRequest {
    let sent = seal_request(keys, request, iv, message);
    if !faults.is_empty() {
        deviate::message(faults, keys, request, iv, message);
    }
    sent
}

/// The bind of Windows. Source: kms-protocol 1.
fn bind() -> BindBuilder {
    let features = Features::ALL.syntax();
    BindBuilder::new()
        .call_id(BIND.0)
        .flags(PfcFlags::WHOLE)
        .offering(
            context_of(TransferSyntax::Ndr32),
            SyntaxId::KMS,
            &[SyntaxId::NDR32],
        )
        .offering(
            context_of(TransferSyntax::Ndr64),
            SyntaxId::KMS,
            &[SyntaxId::NDR64],
        )
        .offering(2, SyntaxId::KMS, &[features])
}

/// The presentation context on which a transfer syntax is offered.
const fn context_of(syntax: TransferSyntax) -> u16 {
    match syntax {
        TransferSyntax::Ndr32 => 0,
        TransferSyntax::Ndr64 => 1,
    }
}

/// The transfer syntax to use, NDR64 if the host has both.
fn accepted(ack: &BindAck<'_>) -> Result<TransferSyntax, Broken> {
    let granted = |syntax: &TransferSyntax| {
        let result = ack.results.get(context_of(*syntax).into());
        result.is_some_and(|result| result == ContextResult::accepted(syntax.id()))
    };
    let found = [TransferSyntax::Ndr64, TransferSyntax::Ndr32]
        .into_iter()
        .find(granted);
    found.ok_or_else(|| {
        let reason = ack
            .results
            .get(0)
            .map_or(Reason::NOT_SPECIFIED, |result| result.reason);
        Broken::NoContext(reason)
    })
}

/// Verifies a response: every rule there is, or it is not relied on.
fn judge(
    sent: &OpenedRequest,
    opened: Result<OpenedResponse<'_>, OpenError>,
    faults: Faults,
) -> Result<Answer, Unverified> {
    let opened = opened.map_err(Unverified::Envelope)?;
    let mut violations = verify::response(sent, &opened);
    if !faults.is_empty() {
        violations = deviate::violations(faults, &opened, violations);
    }
    if !violations.is_empty() {
        return Err(Unverified::Rules(violations));
    }
    Ok(Answer {
        count: opened.body.count,
        activation_interval: opened.body.activation_interval,
        renewal_interval: opened.body.renewal_interval,
        epid: Epid::from_wire(opened.body.epid).map_err(Unverified::Epid)?,
        hardware_id: opened.hardware_id(),
    })
}

fn listed(violations: &[Violation]) -> String {
    let mut rules: Vec<&str> = violations.iter().map(|violation| violation.rule).collect();
    rules.dedup();
    rules.join(", ")
}

/// Call id of the bind. Source: kms-protocol 1.
const BIND: CallId = CallId(2);
/// Call id of the request.
const CALL: CallId = CallId(3);

/// An honest answer has some 400 octets; a host that sends more than this means no good.
const ANSWER_LIMITS: Limits = Limits {
    total: 0x0001_0000,
    fragments: 0x0001_0000,
};

use kmspec_wire::codec::{ByteOrder, Writer};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::{FragmentError, Part};
use kmspec_wire::kms::HResult;
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Body, ContextId, FaultStatus, Pdu, PfcFlags, Request};

use super::{Session, is_about_auth};
use crate::deviate;
use crate::fault::Fault;
use crate::host::{Buffers, Host};
use crate::message;
use crate::next::After;
use crate::reply::Reply;

/// What the first fragment of a call has said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pending {
    context: ContextId,
    opnum: u16,
    order: ByteOrder,
}

impl Session {
    /// A request PDU: a call, or a fragment of one.
    pub(super) fn request(
        &mut self,
        host: &mut Host,
        now: FileTime,
        octets: &[u8],
        reply: &mut Reply<'_>,
    ) -> After {
        let (request, auth) = match Pdu::decode(octets) {
            Ok(Pdu {
                body: Body::Request(request),
                auth,
                ..
            }) => (request, auth),
            Err(error) if is_about_auth(&error) => return reply.protocol_error(),
            _ => return After::Close,
        };
        let asked = reply.asked;
        if auth.is_some() {
            return reply.disconnect(
                asked.call_id,
                FaultStatus::ACCESS_DENIED,
                request.context_id,
            );
        }
        if asked.pfc_flags.has(PfcFlags::FIRST_FRAG) {
            if asked.pfc_flags.has(PfcFlags::PENDING_CANCEL) {
                let flags = PfcFlags::WHOLE | PfcFlags::DID_NOT_EXECUTE;
                reply.fault(
                    asked.call_id,
                    flags,
                    FaultStatus::NO_CALL_ACTIVE,
                    ContextId(0),
                );
                return After::Close;
            }
            if self.assembler.open_call().is_none() {
                self.call = Pending {
                    context: request.context_id,
                    opnum: request.opnum,
                    order: asked.drep.order(),
                };
            }
        }
        if reply.faults.has(Fault::LaterContextTaken) {
            self.call.context = request.context_id;
        }
        if reply.faults.has(Fault::LaterOpnumTaken) {
            self.call.opnum = request.opnum;
        }
        let call = self.call;
        let (multiplexed, fragment) = (self.is_multiplexed(), self.fragment());
        let stub = match self.assembler.push(Part::of_request(&asked, &request)) {
            Ok(Some(stub)) => stub,
            Ok(None) => return After::Open,
            Err(error) => return misfit(error, multiplexed, &request, reply),
        };
        let behind = !asked.pfc_flags.has(PfcFlags::WHOLE) && reply.faults.has(Fault::StubLeftOver);
        if behind {
            self.quirk.left_over.extend_from_slice(stub);
        }
        let stub = if behind { &self.quirk.left_over } else { stub };
        let mut contexts = self.contexts.iter();
        let Some((_, syntax)) = contexts.find(|(id, _)| *id == call.context) else {
            refuse(reply, FaultStatus::UNK_IF, ContextId(0));
            return After::Open;
        };
        if call.opnum != 0 {
            refuse(reply, FaultStatus::OP_RNG_ERROR, call.context);
            return After::Open;
        }
        let newest = self.contexts.last().map(|(_, syntax)| syntax);
        let syntax = newest
            .filter(|_| reply.faults.has(Fault::SyntaxOfNewest))
            .unwrap_or(syntax);
        let mut buffers = host.take_buffers();
        match activate(host, now, (*syntax, call.order), stub, &mut buffers) {
            _ if host.memory.hang_up || host.memory.dying => {}
            Some(()) => reply.response(low_octet(call.context), fragment, &buffers.stub),
            None => {
                let status = FaultStatus::BAD_STUB_DATA;
                reply.fault(asked.call_id, PfcFlags::WHOLE, status, call.context);
            }
        }
        host.return_buffers(buffers);
        After::Open
    }
}

/// The operation itself: unmarshals, answers and marshals into `buffers.stub`. `None` if the stub does not unmarshal.
fn activate(
    host: &mut Host,
    now: FileTime,
    (syntax, order): (TransferSyntax, ByteOrder),
    stub: &[u8],
    buffers: &mut Buffers,
) -> Option<()> {
    if !host.settings.faults.is_empty() {
        return activate_deviating(host, now, (syntax, order), stub, buffers);
    }
    let Buffers { message, stub: out } = buffers;
    let stub = RequestStub::decode(syntax, order, stub).ok()?;
    marshal(message::answer(host, now, stub.request, message), message)
        .encode(syntax, &mut Writer::new(out));
    Some(())
}

/// The same with every way to get a stub wrong.
fn activate_deviating(
    host: &mut Host,
    now: FileTime,
    (syntax, order): (TransferSyntax, ByteOrder),
    stub: &[u8],
    buffers: &mut Buffers,
) -> Option<()> {
    let faults = host.settings.faults;
    let Buffers { message, stub: out } = buffers;
    let order = if faults.has(Fault::BigEndianMisread) {
        ByteOrder::Little
    } else {
        order
    };
    let changed = deviate::unmarshal(host, syntax, order, stub);
    let (syntax, stub) = changed
        .as_ref()
        .map_or((syntax, stub), |(syntax, stub)| (*syntax, stub));
    let stub = RequestStub::decode(syntax, order, stub).ok()?;
    if stub.request.is_empty() && faults.has(Fault::EmptyArraySucceeds) {
        deviate::marshal(faults, syntax, &[], ResponseStub::failure(0), out);
        return Some(());
    }
    let left_over = host.memory.message.clone();
    let answer = message::answer(host, now, stub.request, message);
    deviate::marshal(faults, syntax, &left_over, marshal(answer, message), out);
    Some(())
}

/// The stub of an answer.
fn marshal(answer: Result<(), HResult>, message: &[u8]) -> ResponseStub<'_> {
    match answer {
        Ok(()) => ResponseStub::success(message),
        Err(refused) => ResponseStub::failure(refused.0),
    }
}

/// The call was certainly not executed; the connection goes on.
fn refuse(reply: &mut Reply<'_>, status: FaultStatus, context: ContextId) {
    let flags = PfcFlags::WHOLE | PfcFlags::DID_NOT_EXECUTE;
    reply.fault(reply.asked.call_id, flags, status, context);
}

/// A fragment that does not fit ends the connection; the fault names the call that suffers.
/// Source: Samba `raw_protocol` `test_first_only_requests`, `test_mix_requests` and their sisters.
fn misfit(
    error: FragmentError,
    multiplexed: bool,
    request: &Request<'_>,
    reply: &mut Reply<'_>,
) -> After {
    let asked = reply.asked;
    match error {
        FragmentError::WithoutFirst => {
            reply.disconnect(asked.call_id, FaultStatus::PROTO_ERROR, ContextId(0))
        }
        FragmentError::OtherCall { .. }
            if multiplexed && asked.pfc_flags.has(PfcFlags::FIRST_FRAG) =>
        {
            reply.disconnect(asked.call_id, FaultStatus::PROTO_ERROR, request.context_id)
        }
        FragmentError::OtherCall {
            open, context_id, ..
        } => reply.disconnect(open, FaultStatus::PROTO_ERROR, context_id),
        FragmentError::FirstTwice(call_id) => {
            reply.disconnect(call_id, FaultStatus::PROTO_ERROR, request.context_id)
        }
        FragmentError::HintOverLimit { .. }
        | FragmentError::TotalOverLimit { .. }
        | FragmentError::TooManyFragments { .. } => reply.disconnect(
            asked.call_id,
            FaultStatus::ACCESS_DENIED,
            request.context_id,
        ),
    }
}

/// Windows keeps the low octet of a context id in responses. Source: Samba `raw_protocol` `test_orphaned_no_request`.
const fn low_octet(context: ContextId) -> ContextId {
    ContextId(context.0 & 0xff)
}

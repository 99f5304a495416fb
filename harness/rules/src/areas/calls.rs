//! What clients call.

use kmspec_wire::keys::KeySet;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{CallId, Header, Pdu, PfcFlags, Request, SyntaxId};

use super::header::{CALL_ID, FLAGS, FRAG_LENGTH};
use super::message;
use crate::conversation::{Call, Conversation, Kind, Refusal, Stub};
use crate::report::{Sink, words};
use crate::table::{
    AFTER_BIND_FAULT, AFTER_NAK, AFTER_REJECTION, CALL_ID_DISTINCT, CLIENT_PADDING_ZERO,
    NDR32_REQUEST, NDR64_REQUEST, REQUEST_FORM, RESPECTS_MAX_RECV, USES_ACCEPTED, WAITS_FOR_ACK,
};

const PTYPE: (&str, std::ops::Range<usize>) = ("PTYPE", 2..3);

/// A request PDU, before it is added to what waits.
pub(crate) fn request(
    out: &mut Sink,
    known: &Conversation,
    pdu: &Pdu<'_>,
    request: &Request<'_>,
    frag_length: usize,
) {
    form(out, pdu, request);
    if let Some((_, most)) = known.sizes.filter(|(_, most)| *most >= 1432) {
        out.judge(
            RESPECTS_MAX_RECV,
            FRAG_LENGTH,
            frag_length <= usize::from(most),
            || words(format_args!("at most {most}"), frag_length),
        );
    }
    if !known.whole {
        return;
    }
    allowed(out, known);
    if known.sizes.is_some() && known.refusal.is_none() {
        let context = request.context_id;
        let accepted = known.accepted.contains_key(&context);
        out.judge(USES_ACCEPTED, ("p_cont_id", 20..22), accepted, || {
            let ids: Vec<u16> = known.accepted.keys().map(|id| id.0).collect();
            words(format_args!("one of {ids:?}"), context.0)
        });
    }
    if pdu.header.pfc_flags.has(PfcFlags::FIRST_FRAG) {
        let id = pdu.header.call_id;
        let call = |kind: &Kind| matches!(kind, Kind::Request(_));
        let mut in_flight = known.waiting().iter().filter(|w| call(&w.kind));
        let distinct = !in_flight.any(|waiting| waiting.call_id == id);
        out.judge(CALL_ID_DISTINCT, CALL_ID, distinct, || {
            words("an id of its own", id.0)
        });
    }
}

/// Whether a call may be made now.
fn allowed(out: &mut Sink, known: &Conversation) {
    let bind = |kind: &Kind| matches!(kind, Kind::Bind(_));
    let unanswered = known.waiting().iter().any(|waiting| bind(&waiting.kind));
    out.judge(WAITS_FOR_ACK, PTYPE, !unanswered, || {
        words("silence until the bind is answered", "a call")
    });
    let rules = [
        (AFTER_NAK, Refusal::Nak, "a bind_nak"),
        (AFTER_BIND_FAULT, Refusal::Fault, "a fault"),
        (AFTER_REJECTION, Refusal::AllRejected, "no accepted context"),
    ];
    for (rule, refusal, what) in rules {
        out.judge(rule, PTYPE, known.refusal != Some(refusal), || {
            words(format_args!("no call after {what}"), "a call")
        });
    }
}

fn form(out: &mut Sink, pdu: &Pdu<'_>, request: &Request<'_>) {
    let flags = pdu.header.pfc_flags;
    let unlawful = PfcFlags::PENDING_CANCEL | PfcFlags::DID_NOT_EXECUTE | PfcFlags::OBJECT_UUID;
    out.judge(REQUEST_FORM, FLAGS, flags & unlawful == PfcFlags(0), || {
        words(
            "no cancel, execution or object flag",
            format_args!("{flags:?}"),
        )
    });
    out.judge(
        REQUEST_FORM,
        ("auth_length", 10..12),
        pdu.auth.is_none(),
        || words(0, "a verifier"),
    );
    out.equal(REQUEST_FORM, ("opnum", 22..24), &0, &request.opnum);
    let (hint, len) = (request.alloc_hint, request.stub.len());
    let exact = hint == 0 || usize::try_from(hint).is_ok_and(|hint| hint == len);
    let lawful = exact || !flags.has(PfcFlags::WHOLE);
    out.judge(REQUEST_FORM, ("alloc_hint", 16..20), lawful, || {
        words(format_args!("{len} or 0"), hint)
    });
}

/// The stub of a whole call on a context whose encoding is known, and what is in it.
pub(crate) fn stub(
    out: &mut Sink,
    known: &Conversation,
    keys: Option<&KeySet>,
    call: &Call,
    overhead: usize,
) {
    let Some(accepted) = known.accepted.get(&call.context_id) else {
        return;
    };
    let syntax = accepted.transfer_syntax.and_then(TransferSyntax::from_id);
    let Some((syntax, stub)) = syntax.zip(call.stub.whole()) else {
        return;
    };
    if accepted.abstract_syntax != SyntaxId::KMS {
        return;
    }
    let rule = match syntax {
        TransferSyntax::Ndr32 => NDR32_REQUEST,
        TransferSyntax::Ndr64 => NDR64_REQUEST,
    };
    let decoded = RequestStub::decode(syntax, call.order, stub);
    let error = decoded.as_ref().err();
    let at = overhead.saturating_add(error.map_or(0, |error| error.at));
    let end = overhead.saturating_add(stub.len()).max(at);
    let field = error.map_or("stub", |error| error.field);
    out.judge(rule, (field, at..end), error.is_none(), || {
        words(
            "a whole field that agrees",
            error.map_or(String::new(), |e| e.problem.to_string()),
        )
    });
    let Ok(decoded) = decoded else { return };
    if !decoded.gap.is_empty() {
        let zero = decoded.gap.iter().all(|octet| *octet == 0);
        let start = overhead.saturating_add(4);
        let place = ("requestSize.padding", start..start.saturating_add(4));
        out.judge(CLIENT_PADDING_ZERO, place, zero, || {
            words("zeros", format_args!("{:02x?}", decoded.gap))
        });
    }
    if let Some(keys) = keys {
        let counts = match syntax {
            TransferSyntax::Ndr32 => 8,
            TransferSyntax::Ndr64 => 16,
        };
        message::request(out, keys, decoded.request, overhead.saturating_add(counts));
    }
}

/// Adds a request PDU to what waits; whether it completes a call.
pub(crate) fn wait(known: &mut Conversation, header: &Header, request: &Request<'_>) -> bool {
    let id: CallId = header.call_id;
    let last = header.pfc_flags.has(PfcFlags::LAST_FRAG);
    let first = header.pfc_flags.has(PfcFlags::FIRST_FRAG);
    if first {
        let call = Call {
            context_id: request.context_id,
            opnum: request.opnum,
            order: header.drep.order(),
            complete: false,
            several: false,
            stub: Stub::default(),
        };
        known.wait(id, Kind::Request(call));
    }
    let Some(call) = known.open_call(id) else {
        // A fragment of nothing.
        known.wait(id, Kind::Other);
        return false;
    };
    call.stub.push(request.stub);
    call.complete = last;
    call.several |= !first;
    last
}

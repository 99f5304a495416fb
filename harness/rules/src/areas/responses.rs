//! Responses, up to the stub.

use kmspec_wire::pdu::{CallId, Header, PfcFlags, Response, SyntaxId};

use super::header::{CALL_ID, FLAGS, FRAG_LENGTH};
use super::stubs;
use crate::conversation::{Call, Conversation, Kind, Partial, Stub};
use crate::report::{Sink, words};
use crate::table::{
    CALL_BEFORE_BIND, OPNUM_RANGE, REJECTED_CONTEXT, RESPONSE_BASIC, RESPONSE_CALL_ID,
    RESPONSE_CONTEXT, RESPONSE_FLAGS, RESPONSE_SIZE, UNKNOWN_CONTEXT,
};

const ALLOC_HINT: &str = "alloc_hint";

/// A response that is whole, with what it answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) call: Call,
    pub(crate) header: Header,
    pub(crate) stub: Stub,
}

/// One response PDU; the whole answer if it was the last of its fragments.
pub(crate) fn response(
    out: &mut Sink,
    known: &mut Conversation,
    header: &Header,
    response: &Response<'_>,
) -> Option<Answer> {
    let called = known.called(header.call_id);
    if known.is_known() {
        let expected = called.map(|(id, _)| id);
        out.equal(RESPONSE_CALL_ID, CALL_ID, &expected, &Some(header.call_id));
    }
    clean(out, known, header, response);
    if let Some((_, call)) = called.filter(|_| known.clear) {
        served(out, known, call);
        let (asked, got) = (call.context_id.0, response.context_id.0);
        let lawful = got == asked || got == asked & 0xff;
        out.judge(RESPONSE_CONTEXT, ("p_cont_id", 20..22), lawful, || {
            words(format_args!("{asked} or {}", asked & 0xff), got)
        });
    }
    let id = called.map(|(id, _)| id);
    assemble(out, known, header, response, id)
}

/// Flags, size, and octets that mean nothing.
fn clean(out: &mut Sink, known: &Conversation, header: &Header, response: &Response<'_>) {
    let flags = header.pfc_flags;
    let lawful = PfcFlags::WHOLE | PfcFlags::CONC_MPX;
    out.judge(RESPONSE_FLAGS, FLAGS, lawful.has(flags), || {
        words("no flags beside fragments", format_args!("{flags:?}"))
    });
    if let Some((most, _)) = known.sizes {
        let size = response.stub.len().saturating_add(Response::OVERHEAD);
        out.judge(
            RESPONSE_SIZE,
            FRAG_LENGTH,
            size <= usize::from(most),
            || words(format_args!("at most {most}"), size),
        );
    }
    let cancels = response.cancel_count;
    let lawful = cancels == 0 || known.cancelled || !known.is_known();
    out.judge(RESPONSE_BASIC, ("cancel_count", 22..23), lawful, || {
        words(0, cancels)
    });
    out.equal(RESPONSE_BASIC, ("reserved", 23..24), &0, &response.reserved);
}

/// Whether this call may be served at all.
fn served(out: &mut Sink, known: &Conversation, call: &Call) {
    let place = ("PTYPE", 2..3);
    if !known.is_known() {
        return;
    }
    let bound = known.sizes.is_some();
    out.judge(CALL_BEFORE_BIND, place.clone(), bound, || {
        words("no response before the bind", "a response")
    });
    let context = call.context_id;
    let Some(accepted) = known.accepted.get(&context) else {
        let rule = if known.offered.contains(&context) {
            REJECTED_CONTEXT
        } else {
            UNKNOWN_CONTEXT
        };
        out.judge(rule, place, !bound, || {
            words(
                "a fault",
                format_args!("a response on context {}", context.0),
            )
        });
        return;
    };
    if accepted.abstract_syntax == SyntaxId::KMS {
        out.judge(OPNUM_RANGE, place, call.opnum == 0, || {
            words(
                "a fault",
                format_args!("a response to operation {}", call.opnum),
            )
        });
    }
}

/// Puts fragments together; they come in order, and each hint is that of the rest or 0.
fn assemble(
    out: &mut Sink,
    known: &mut Conversation,
    header: &Header,
    response: &Response<'_>,
    answered: Option<CallId>,
) -> Option<Answer> {
    let id = header.call_id;
    let first = header.pfc_flags.has(PfcFlags::FIRST_FRAG);
    let last = header.pfc_flags.has(PfcFlags::LAST_FRAG);
    let open = known.responses.remove(&id);
    let in_order = open.is_none() == first || !known.is_known();
    out.judge(RESPONSE_BASIC, FLAGS, in_order, || {
        let expected = if first { "a later" } else { "a first" };
        words(
            format_args!("{expected} fragment"),
            format_args!("{:?}", header.pfc_flags),
        )
    });
    if open.is_none() != first && !known.whole {
        return None;
    }
    let mut partial = open.unwrap_or_default();
    partial.hints.push((response.alloc_hint, partial.stub.len));
    partial.stub.push(response.stub);
    if !last {
        known.responses.insert(id, partial);
        return None;
    }
    hints(out, &partial);
    let of_call = |kind: &Kind| matches!(kind, Kind::Request(_));
    let waiting = known.answer(answered?, of_call)?;
    match waiting.kind {
        Kind::Request(call) => Some(Answer {
            call,
            header: *header,
            stub: partial.stub,
        }),
        _ => None,
    }
}

fn hints(out: &mut Sink, partial: &Partial) {
    let total = partial.stub.len;
    let left = |start: usize| total.saturating_sub(start);
    let wrong = partial
        .hints
        .iter()
        .find(|(hint, start)| *hint != 0 && usize::try_from(*hint).ok() != Some(left(*start)));
    out.judge(
        RESPONSE_BASIC,
        (ALLOC_HINT, 16..20),
        wrong.is_none(),
        || {
            let (hint, start) = wrong.copied().unwrap_or_default();
            words(format_args!("{} or 0", left(start)), hint)
        },
    );
}

/// The stub of a whole answer, where the encoding of its context is known.
pub(crate) fn stub<'a>(
    out: &mut Sink,
    known: &Conversation,
    answer: &'a Answer,
) -> Option<stubs::Exchanged<'a>> {
    let accepted = known.accepted.get(&answer.call.context_id)?;
    let kms = accepted.abstract_syntax == SyntaxId::KMS;
    let whole = known.clear && kms && answer.call.opnum == 0 && answer.call.complete;
    if whole {
        stubs::exchanged(out, accepted.transfer_syntax?, answer)
    } else {
        None
    }
}

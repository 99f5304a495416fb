//! `bind_nak` and fault.

use kmspec_wire::pdu::{BindNak, CallId, ContextId, Fault, Header, PfcFlags};

use super::header::{CALL_ID, FLAGS, FRAG_LENGTH};
use crate::conversation::{Call, Conversation, Kind, Refusal};
use crate::report::{Sink, words};
use crate::table::{
    CALL_ID_IN_FAULT, FAULT_CONTEXT, FAULT_FORMAT, FAULT_OCTETS, FAULT_STATUS, NAK_FORMAT,
};

/// Octets of a fault without extended error data. Source: C706 12.6.4.7.
const FAULT_LEN: usize = 32;
/// The flag that announces extended error data. Source: MS-RPCE 2.2.2.8.
const EXTENDED: u8 = 1;

/// Call ids of what the client sent only in part: refusing it at once is lawful.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Unfinished {
    /// Nothing, or nothing that has a call id.
    Nothing,
    /// A PDU whose header says so.
    Call(CallId),
    /// Too little to say.
    Unknown,
}

/// Whether an answer may carry this call id.
fn echoes(known: &Conversation, unfinished: Unfinished, call_id: CallId) -> bool {
    let waits = known
        .waiting()
        .iter()
        .any(|waiting| waiting.call_id == call_id);
    let begun = match unfinished {
        Unfinished::Nothing => false,
        Unfinished::Call(begun) => begun == call_id,
        Unfinished::Unknown => true,
    };
    waits || begun || !known.is_known()
}

fn waiting_ids(known: &Conversation) -> String {
    let ids: Vec<u32> = known.waiting().iter().map(|w| w.call_id.0).collect();
    format!("one of {ids:?}")
}

/// A `bind_nak`: known reason, version 5.0, and padding or extended error data behind.
pub(crate) fn bind_nak(
    out: &mut Sink,
    known: &mut Conversation,
    unfinished: Unfinished,
    header: &Header,
    nak: &BindNak<'_>,
) {
    let id = header.call_id;
    out.judge(NAK_FORMAT, CALL_ID, echoes(known, unfinished, id), || {
        words(waiting_ids(known), id.0)
    });
    out.equal(NAK_FORMAT, FLAGS, &PfcFlags::WHOLE, &header.pfc_flags);
    let reason = nak.reason.0;
    let lawful = matches!(reason, 0 | 1 | 2 | 4 | 8 | 9);
    out.judge(
        NAK_FORMAT,
        ("provider_reject_reason", 16..18),
        lawful,
        || words("0, 1, 2, 4, 8 or 9", reason),
    );
    if let Some(versions) = nak.versions {
        let lawful = versions == [[5, 0]];
        out.judge(NAK_FORMAT, ("p_protocols", 18..21), lawful, || {
            words("5.0 alone", format_args!("{versions:?}"))
        });
    }
    let behind = nak.trailing.len();
    let lawful = matches!(behind, 0 | 3) || behind > 16;
    out.judge(NAK_FORMAT, FRAG_LENGTH, lawful, || {
        let expected = "no octets, three of padding, or a signature";
        words(expected, format_args!("{behind} octets"))
    });
    known.answer(id, |_| true);
    known.refusal = Some(Refusal::Nak);
}

/// A fault.
pub(crate) fn fault(
    out: &mut Sink,
    known: &mut Conversation,
    unfinished: Unfinished,
    header: &Header,
    fault: &Fault<'_>,
) {
    let id = header.call_id;
    out.judge(
        CALL_ID_IN_FAULT,
        CALL_ID,
        echoes(known, unfinished, id),
        || words(waiting_ids(known), id.0),
    );
    if !known.waiting().iter().any(|waiting| waiting.call_id == id) {
        layout(out, header, fault);
        return;
    }
    // The same id may name several things that wait; the fault is about one of them.
    let contexts = known.waiting().iter().filter(|w| w.call_id == id);
    let contexts: Vec<Option<ContextId>> = contexts
        .map(|waiting| match &waiting.kind {
            Kind::Request(Call { context_id, .. }) => Some(*context_id),
            _ => None,
        })
        .collect();
    let got = fault.context_id;
    let lawful = contexts.iter().any(|context| {
        context.is_none_or(|context| got == context || got.0 == 0 || got.0 == context.0 & 0xff)
    });
    out.judge(
        FAULT_CONTEXT,
        ("p_cont_id", 20..22),
        lawful || !known.clear,
        || words(format_args!("one of {contexts:?}, masked or 0"), got.0),
    );
    layout(out, header, fault);
    let answered = known.answer(id, |_| true);
    known.responses.remove(&id);
    match answered.map(|waiting| waiting.kind) {
        Some(Kind::Bind(_)) => known.refusal = Some(Refusal::Fault),
        // Refused at its first fragment, it leaves a later one that belongs to nothing, and is refused as well.
        Some(Kind::Request(call)) if call.several => known.wait(id, Kind::Other),
        _ => {}
    }
}

fn layout(out: &mut Sink, header: &Header, fault: &Fault<'_>) {
    let flags = header.pfc_flags;
    out.judge(FAULT_FORMAT, FLAGS, flags.has(PfcFlags::WHOLE), || {
        words("first and last fragment", format_args!("{flags:?}"))
    });
    let hint = fault.alloc_hint;
    out.judge(FAULT_FORMAT, ("alloc_hint", 16..20), hint != 0, || {
        words("not 0", hint)
    });
    let extended = fault.flags & EXTENDED != 0;
    let stub = fault.stub.len();
    let end = FAULT_LEN.saturating_add(stub);
    out.judge(
        FAULT_FORMAT,
        ("stub", FAULT_LEN..end),
        stub == 0 || extended,
        || words("no stub", format_args!("{stub} octets")),
    );
    out.equal(
        FAULT_OCTETS,
        ("cancel_count", 22..23),
        &0,
        &fault.cancel_count,
    );
    out.equal(
        FAULT_OCTETS,
        ("flags", 23..24),
        &0,
        &(fault.flags & !EXTENDED),
    );
    out.equal(FAULT_OCTETS, ("reserved", 28..32), &[0; 4], &fault.reserved);
    let status = fault.status;
    let lawful = !status.is_forbidden();
    out.judge(FAULT_STATUS, ("status", 24..28), lawful, || {
        words(
            "a status that says something",
            format_args!("0x{:08x}", status.0),
        )
    });
}

//! `bind_ack` and `alter_context_resp`.

use kmspec_wire::btfn::Features;
use kmspec_wire::pdu::{BindAck, ContextResult, ContextResultCode, Header, PfcFlags, SyntaxId};

use super::header::{CALL_ID, FLAGS};
use crate::conversation::{Accepted, Conversation, Kind, Offer, Offered, Refusal};
use crate::report::{Place, Sink, words};
use crate::table::{
    ACK_BASIC, ACK_ECHOES_CALL_ID, ACK_FLAGS_OTHERS, ACK_FLAGS_SIGNING, ACK_FLAGS_WHOLE,
    ALTER_BEFORE_BIND, ALTER_CALL_ID, ALTER_FLAGS, BTFN_ANSWER, BTFN_FIRST, BTFN_MASK,
    REJECTED_SYNTAX_ZERO, RESULT_COUNT, SECOND_BIND, SECONDARY_ADDRESS, SECONDARY_PADDING,
    SIZES_FLOOR, SIZES_OFFER, SYNTAX_VERSION,
};

/// Smallest fragment every implementation receives, in octets. Source: C706 table K-2.
const MUST_RECEIVE: u16 = 1432;
/// What offers below it are raised to, in octets. Source: MS-RPCE 3.3.1.5.6 and its notes.
const RAISED_TO: u16 = 2048;
/// Where the secondary address starts in the PDU.
const ADDRESS: usize = 26;

/// A `bind_ack`.
pub(crate) fn bind_ack(
    out: &mut Sink,
    known: &mut Conversation,
    header: &Header,
    ack: &BindAck<'_>,
) {
    let answered = known.answer(header.call_id, |kind| matches!(kind, Kind::Bind(_)));
    if known.is_known() {
        let expected = answered.as_ref().map(|waiting| waiting.call_id);
        out.equal(
            ACK_ECHOES_CALL_ID,
            CALL_ID,
            &expected,
            &Some(header.call_id),
        );
        let first = known.sizes.is_none();
        out.judge(SECOND_BIND, ("PTYPE", 2..3), first, || {
            words("a refusal", "bind_ack on a bound connection")
        });
    }
    ack_flags(out, known, header.pfc_flags);
    secondary_address(out, ack);
    let offer = answered.and_then(|waiting| match waiting.kind {
        Kind::Bind(offer) => offer,
        _ => None,
    });
    sizes(out, offer.as_ref(), ack);
    known.sizes = Some((ack.max_xmit_frag, ack.max_recv_frag));
    known.refusal = None;
    results(out, known, offer.as_ref(), ack);
}

/// An `alter_context_resp`.
pub(crate) fn alter_resp(
    out: &mut Sink,
    known: &mut Conversation,
    header: &Header,
    ack: &BindAck<'_>,
) {
    let answered = known.answer(header.call_id, |kind| matches!(kind, Kind::Alter(_)));
    if known.is_known() {
        let expected = answered.as_ref().map(|waiting| waiting.call_id);
        out.equal(ALTER_CALL_ID, CALL_ID, &expected, &Some(header.call_id));
        out.judge(
            ALTER_BEFORE_BIND,
            ("PTYPE", 2..3),
            known.sizes.is_some(),
            || words("a refusal", "alter_context_resp before any bind_ack"),
        );
    }
    let offer = answered.and_then(|waiting| match waiting.kind {
        Kind::Alter(offer) => offer,
        _ => None,
    });
    if let Some(offer) = offer.as_ref().filter(|_| known.clear) {
        let asked = offer.flags & (PfcFlags::CONC_MPX | PfcFlags::HEADER_SIGN);
        // Multiplexing of the whole connection may be repeated here.
        let lawful = PfcFlags::WHOLE | asked | (known.asked & PfcFlags::CONC_MPX);
        let flags = header.pfc_flags;
        let holds = flags.has(PfcFlags::WHOLE) && lawful.has(flags);
        out.judge(ALTER_FLAGS, FLAGS, holds, || {
            (format!("{:?}", PfcFlags::WHOLE), format!("{flags:?}"))
        });
    }
    results(out, known, offer.as_ref(), ack);
}

fn ack_flags(out: &mut Sink, known: &Conversation, flags: PfcFlags) {
    let texts = |expected: &str| (expected.to_owned(), format!("{flags:?}"));
    out.judge(ACK_FLAGS_WHOLE, FLAGS, flags.has(PfcFlags::WHOLE), || {
        texts("first and last fragment")
    });
    let asked = known.asked.has(PfcFlags::HEADER_SIGN) || !known.is_known();
    let signing = flags.has(PfcFlags::HEADER_SIGN);
    out.judge(ACK_FLAGS_SIGNING, FLAGS, asked || !signing, || {
        texts("no header signing")
    });
    let lawful = PfcFlags::WHOLE | PfcFlags::CONC_MPX | PfcFlags::HEADER_SIGN;
    out.judge(ACK_FLAGS_OTHERS, FLAGS, lawful.has(flags), || {
        texts("no other flags")
    });
}

/// Empty, a lone NUL, or digits with one NUL.
fn secondary_address(out: &mut Sink, ack: &BindAck<'_>) {
    let address = ack.secondary_address;
    let holds = match address {
        [] | [0] => true,
        [digits @ .., 0] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    let end = ADDRESS.saturating_add(address.len());
    out.judge(
        SECONDARY_ADDRESS,
        ("sec_addr.port_spec", ADDRESS..end),
        holds,
        || words("a port in decimal and one NUL", address.escape_ascii()),
    );
}

/// At least what everybody must receive; and, for each direction, at most what was offered for it. Hosts differ in which
/// field of theirs is for which of the client's.
fn sizes(out: &mut Sink, offer: Option<&Offer>, ack: &BindAck<'_>) {
    let fields: [(Place, u16); 2] = [
        (("max_xmit_frag", 16..18), ack.max_xmit_frag),
        (("max_recv_frag", 18..20), ack.max_recv_frag),
    ];
    for (place, size) in fields {
        out.judge(SIZES_FLOOR, place, size >= MUST_RECEIVE, || {
            words(format_args!("at least {MUST_RECEIVE}"), size)
        });
    }
    if let Some(offer) = offer {
        let most = [offer.max_xmit_frag, offer.max_recv_frag].map(|size| size.max(RAISED_TO));
        let [xmit, recv] = most;
        let within = |[a, b]: [u16; 2]| ack.max_xmit_frag <= a && ack.max_recv_frag <= b;
        let place = ("max_xmit_frag", 16..20);
        let holds = within([xmit, recv]) || within([recv, xmit]);
        out.judge(SIZES_OFFER, place, holds, || {
            let got = format!("{} and {}", ack.max_xmit_frag, ack.max_recv_frag);
            words(format_args!("at most {xmit} and {recv}"), got)
        });
    }
}

/// What becomes of the offer: one result each, in order, each fitting its element.
fn results(out: &mut Sink, known: &mut Conversation, offer: Option<&Offer>, ack: &BindAck<'_>) {
    let start = results_start(ack);
    let Some(offer) = offer else {
        return;
    };
    let (count, len) = (offer.contexts.len(), ack.results.len());
    let elsewhere = len != count && shifted(ack, count);
    out.judge(
        SECONDARY_PADDING,
        ("sec_addr.padding", ADDRESS..start),
        !elsewhere,
        || words("padding to a multiple of 4", "results at another offset"),
    );
    if elsewhere {
        // What stands where the results should be is no result.
        known.whole = false;
        return;
    }
    let counted = ("n_results", start..start.saturating_add(1));
    out.equal(RESULT_COUNT, counted, &count, &len);
    let trailing = ack.trailing;
    out.judge(
        ACK_BASIC,
        ("trailing", start..start),
        trailing.is_empty(),
        || {
            words(
                "nothing behind the results",
                format_args!("{trailing:02x?}"),
            )
        },
    );
    let reserved = ("reserved", start.saturating_add(1)..start.saturating_add(4));
    out.equal(ACK_BASIC, reserved, &(0, 0), &ack.results.reserved());
    let pairs = offer.contexts.iter().zip(ack.results.iter());
    for (n, (offered, result)) in pairs.enumerate() {
        let at = result_at(start, n);
        one_result(out, offer, offered, &result, at);
        if result.is_accepted() {
            accept(known, offered, &result);
        }
    }
    if known.accepted.is_empty() && len == count {
        known.refusal = Some(Refusal::AllRejected);
    } else {
        known.refusal = None;
    }
}

fn accept(known: &mut Conversation, offered: &Offered, result: &ContextResult) {
    let new = Accepted {
        abstract_syntax: offered.abstract_syntax,
        transfer_syntax: Some(result.transfer_syntax),
    };
    let old = known.accepted.insert(offered.id, new);
    if old.is_some_and(|old| old.transfer_syntax != new.transfer_syntax)
        && let Some(entry) = known.accepted.get_mut(&offered.id)
    {
        entry.transfer_syntax = None;
    }
}

fn one_result(out: &mut Sink, offer: &Offer, offered: &Offered, result: &ContextResult, at: usize) {
    let code: Place = ("result", at..at.saturating_add(2));
    let features = |syntax: &SyntaxId| Features::asked_by(*syntax);
    let first = offered.transfer_syntaxes.first().and_then(features);
    let any = offered
        .transfer_syntaxes
        .iter()
        .any(|s| features(s).is_some());
    if result.result == ContextResultCode::NEGOTIATE_ACK {
        out.judge(BTFN_ANSWER, code.clone(), any, || {
            words("no negotiation where none was asked", "negotiate_ack")
        });
        if any {
            out.judge(BTFN_FIRST, code, first.is_some(), || {
                words("no negotiation: it is not asked first", "negotiate_ack")
            });
        }
        if let Some(asked) = first {
            mask(out, asked, result.reason.0, at);
        }
    } else if result.is_accepted() {
        let real = features(&result.transfer_syntax).is_none();
        if any {
            out.judge(BTFN_ANSWER, code.clone(), real, || {
                words("negotiate_ack or rejection", "acceptance")
            });
        }
        if real {
            accepted_syntax(out, offer, offered, result.transfer_syntax, at);
        }
    } else {
        let known = result.result.0 <= ContextResultCode::NEGOTIATE_ACK.0;
        out.judge(ACK_BASIC, code, known, || {
            words("a result from 0 to 3", result.result.0)
        });
    }
    if !result.is_accepted() {
        let place = syntax_place(at);
        out.equal(
            REJECTED_SYNTAX_ZERO,
            place,
            &SyntaxId::NIL,
            &result.transfer_syntax,
        );
    }
}

fn mask(out: &mut Sink, asked: Features, granted: u16, at: usize) {
    let lawful = asked.granted(Features::ALL);
    let place = ("reason", at.saturating_add(2)..at.saturating_add(4));
    out.judge(BTFN_MASK, place, granted & !lawful == 0, || {
        words(
            format_args!("no bits beside 0x{lawful:x}"),
            format_args!("0x{granted:x}"),
        )
    });
}

/// One of those offered for this context, in the version offered.
fn accepted_syntax(out: &mut Sink, offer: &Offer, offered: &Offered, got: SyntaxId, at: usize) {
    let own = &offered.transfer_syntaxes;
    let in_own = own.contains(&got);
    let other_version = !in_own && own.iter().any(|syntax| syntax.uuid == got.uuid);
    let of_another = !in_own
        && !other_version
        && offer
            .contexts
            .iter()
            .any(|o| o.transfer_syntaxes.contains(&got));
    let texts = || (format!("one of {own:?}"), format!("{got:?}"));
    out.judge(SYNTAX_VERSION, syntax_place(at), !other_version, texts);
    out.judge(RESULT_COUNT, syntax_place(at), !of_another, texts);
    let offered_at_all = in_own || other_version || of_another;
    out.judge(ACK_BASIC, syntax_place(at), offered_at_all, texts);
}

fn syntax_place(at: usize) -> Place {
    (
        "transfer_syntax",
        at.saturating_add(4)..at.saturating_add(24),
    )
}

fn results_start(ack: &BindAck<'_>) -> usize {
    let address = ADDRESS.saturating_add(ack.secondary_address.len());
    address.saturating_add(ack.padding.len())
}

fn result_at(start: usize, n: usize) -> usize {
    let before = n.saturating_mul(ContextResult::LEN);
    start.saturating_add(4).saturating_add(before)
}

/// Whether a list of `count` results stands at another offset behind the secondary address, and fills the PDU.
fn shifted(ack: &BindAck<'_>, count: usize) -> bool {
    let body = count.saturating_mul(ContextResult::LEN).saturating_add(4);
    let listed = ack.results.len().saturating_mul(ContextResult::LEN);
    let there = listed.saturating_add(4).saturating_add(ack.trailing.len());
    let behind_address = there.saturating_add(ack.padding.len());
    let padding = behind_address.checked_sub(body);
    padding.is_some_and(|padding| padding <= 4 && padding != ack.padding.len())
}

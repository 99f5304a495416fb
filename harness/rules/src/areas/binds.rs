//! What clients offer.

use std::collections::BTreeSet;

use kmspec_wire::btfn::Features;
use kmspec_wire::pdu::{Bind, Body, Context, Drep, Pdu, PfcFlags, SyntaxId};

use super::header::FRAG_LENGTH;
use crate::report::{Place, Sink, words};
use crate::table::{BIND_BTFN, BIND_CONTEXTS, BIND_FIRST, BIND_SIZES};

/// Smallest fragment to offer, and longest bind, in octets. Source: C706 table K-2.
const MUST_RECEIVE: u16 = 1432;
/// Where the context list starts in the PDU.
const CONTEXTS: usize = 24;

/// The first PDU of a connection.
pub(crate) fn first(out: &mut Sink, pdu: Option<&Pdu<'_>>) {
    let place = ("PTYPE", 2..3);
    let Some(pdu) = pdu else {
        out.judge(BIND_FIRST, place, false, || words("a bind", "no whole PDU"));
        return;
    };
    let bind = match pdu.body {
        Body::Bind(bind) => Some(bind),
        _ => None,
    };
    out.judge(BIND_FIRST, place, bind.is_some(), || {
        words("a bind", format_args!("{:?}", pdu.header.ptype))
    });
    let Some(bind) = bind else { return };
    let header = &pdu.header;
    let version = (header.rpc_vers, header.rpc_vers_minor);
    out.judge(
        BIND_FIRST,
        ("rpc_vers", 0..2),
        matches!(version, (5, 0 | 1)),
        || words("5.0 or 5.1", format_args!("{}.{}", version.0, version.1)),
    );
    let flags = header.pfc_flags;
    let unlawful = PfcFlags::DID_NOT_EXECUTE | PfcFlags::MAYBE | PfcFlags::OBJECT_UUID;
    let lawful = flags.has(PfcFlags::WHOLE) && (flags & unlawful) == PfcFlags(0);
    out.judge(BIND_FIRST, ("pfc_flags", 3..4), lawful, || {
        words(
            "a whole bind and no flags of calls",
            format_args!("{flags:?}"),
        )
    });
    out.equal(
        BIND_FIRST,
        ("packed_drep", 4..8),
        &Drep::LITTLE_ENDIAN,
        &header.drep,
    );
    out.judge(
        BIND_FIRST,
        ("auth_length", 10..12),
        pdu.auth.is_none(),
        || words(0, "a verifier"),
    );
    out.judge(
        BIND_FIRST,
        ("trailing", CONTEXTS..CONTEXTS),
        bind.trailing.is_empty(),
        || {
            words(
                "nothing behind the contexts",
                format_args!("{:02x?}", bind.trailing),
            )
        },
    );
}

/// The contexts and sizes of a bind.
pub(crate) fn offer(out: &mut Sink, bind: &Bind<'_>, frag_length: usize) {
    contexts(out, bind);
    features(out, bind);
    sizes(out, bind, frag_length);
}

fn contexts(out: &mut Sink, bind: &Bind<'_>) {
    let place: Place = ("p_cont_elem", CONTEXTS..CONTEXTS);
    let list: Vec<Context<'_>> = bind.contexts.iter().collect();
    let ids: BTreeSet<_> = list.iter().map(|context| context.id).collect();
    out.judge(
        BIND_CONTEXTS,
        place.clone(),
        ids.len() == list.len(),
        || {
            words(
                "distinct ids",
                format_args!("{:?}", list.iter().map(|c| c.id.0).collect::<Vec<_>>()),
            )
        },
    );
    let empty = list
        .iter()
        .find(|context| context.transfer_syntaxes.is_empty());
    out.judge(BIND_CONTEXTS, place.clone(), empty.is_none(), || {
        words("a transfer syntax for each context", "none")
    });
    let speaks = |context: &Context<'_>| {
        let mut syntaxes = context.transfer_syntaxes.iter();
        syntaxes.any(|syntax| matches!(syntax, SyntaxId::NDR32 | SyntaxId::NDR64))
    };
    let kms = |context: &&Context<'_>| context.abstract_syntax == SyntaxId::KMS;
    let offers = list.iter().filter(kms).any(speaks);
    out.judge(BIND_CONTEXTS, place, offers, || {
        words(
            "KMS 1.0 in NDR32 or NDR64",
            format_args!("{:?}", bind.contexts),
        )
    });
}

fn features(out: &mut Sink, bind: &Bind<'_>) {
    let place: Place = ("p_cont_elem", CONTEXTS..CONTEXTS);
    let list: Vec<Context<'_>> = bind.contexts.iter().collect();
    let asked = |context: &Context<'_>| {
        let mut syntaxes = context.transfer_syntaxes.iter();
        syntaxes.find_map(|syntax| Features::asked_by(syntax).map(|mask| (syntax, mask)))
    };
    let asking = list
        .iter()
        .filter(|context| asked(context).is_some())
        .count();
    if asking == 0 {
        return;
    }
    out.judge(BIND_BTFN, place.clone(), asking == 1, || {
        words("one element at most", asking)
    });
    let mut before: Option<SyntaxId> = None;
    for context in &list {
        if let Some((syntax, mask)) = asked(context) {
            let alone = context.transfer_syntaxes.len() == 1;
            let version = (syntax.major, syntax.minor) == (1, 0);
            let known = mask.0 & !Features::ALL.0 == 0;
            let same = before.is_none_or(|before| before == context.abstract_syntax);
            out.judge(
                BIND_BTFN,
                place.clone(),
                alone && version && known && same,
                || {
                    let expected =
                        "one syntax of version 1, bits 1 and 2 alone, the interface before";
                    words(expected, format_args!("{context:?}"))
                },
            );
        }
        before = Some(context.abstract_syntax);
    }
}

fn sizes(out: &mut Sink, bind: &Bind<'_>, frag_length: usize) {
    let fields: [(Place, u16); 2] = [
        (("max_xmit_frag", 16..18), bind.max_xmit_frag),
        (("max_recv_frag", 18..20), bind.max_recv_frag),
    ];
    for (place, size) in fields {
        out.judge(BIND_SIZES, place, size >= MUST_RECEIVE, || {
            words(format_args!("at least {MUST_RECEIVE}"), size)
        });
    }
    let fits = frag_length <= usize::from(MUST_RECEIVE);
    out.judge(BIND_SIZES, FRAG_LENGTH, fits, || {
        words(format_args!("at most {MUST_RECEIVE}"), frag_length)
    });
    out.equal(
        BIND_SIZES,
        ("reserved", 25..28),
        &(0, 0),
        &bind.contexts.reserved(),
    );
    let reserved = bind.contexts.iter().find(|context| context.reserved != 0);
    out.judge(
        BIND_SIZES,
        ("p_cont_elem.reserved", CONTEXTS..CONTEXTS),
        reserved.is_none(),
        || words(0, "not 0"),
    );
}

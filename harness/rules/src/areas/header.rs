//! The common header of what a host sends.

use std::borrow::Cow;

use kmspec_wire::codec::DecodeError;
use kmspec_wire::pdu::{Drep, Header, Pdu, PduType};

use crate::conversation::Conversation;
use crate::cutter::mislabelled;
use crate::report::{Place, Sink, words};
use crate::table::{
    AUTH_LENGTH_ZERO, FAULT_FORMAT, FRAG_LENGTH_EXACT, NAK_FORMAT, REPLY_DREP, Rule,
    VERSION_IN_REPLIES,
};

pub(crate) const DREP: Place = ("packed_drep", 4..8);
pub(crate) const FLAGS: Place = ("pfc_flags", 3..4);
pub(crate) const FRAG_LENGTH: Place = ("frag_length", 8..10);
pub(crate) const AUTH_LENGTH: Place = ("auth_length", 10..12);
pub(crate) const CALL_ID: Place = ("call_id", 12..16);

/// Every reply carries version 5.0; minor 1 where the bind had it.
pub(crate) fn version(out: &mut Sink, known: &Conversation, header: &Header) {
    let minor = header.rpc_vers_minor;
    let lawful_minor = minor == 0 || (minor == 1 && (known.minor_one || !known.whole));
    out.judge(
        VERSION_IN_REPLIES,
        ("rpc_vers", 0..2),
        header.rpc_vers == 5 && lawful_minor,
        || words("5.0", format_args!("{}.{minor}", header.rpc_vers)),
    );
}

/// The label fits the octets; those of a PDU that calls itself big-endian and is not are put right for what follows.
pub(crate) fn drep(out: &mut Sink, octets: &mut Cow<'_, [u8]>) {
    let wrong_order = mislabelled(octets).is_some_and(|len| usize::from(len) == octets.len());
    let Some((_, [a, b, c, d, ..])) = octets.split_first_chunk::<4>() else {
        return;
    };
    let found = Drep([*a, *b, *c, *d]);
    out.judge(
        REPLY_DREP,
        DREP,
        found.is_supported() && !wrong_order,
        || (format!("{:?}", Drep::LITTLE_ENDIAN), format!("{found:?}")),
    );
    if wrong_order && let Some(label) = octets.to_mut().get_mut(4..8) {
        label.copy_from_slice(&Drep::LITTLE_ENDIAN.0);
    }
}

/// No verifier where none was negotiated; a verifier that is not there is left out for what follows.
pub(crate) fn auth_length(out: &mut Sink, known: &Conversation, octets: &mut Cow<'_, [u8]>) {
    let length = octets.get(10..12).unwrap_or_default();
    let zero = length.iter().all(|octet| *octet == 0);
    let there = || Pdu::decode(octets).is_ok_and(|pdu| pdu.auth.is_some());
    let holds = zero || ((known.authenticated || !known.whole) && there());
    out.judge(AUTH_LENGTH_ZERO, AUTH_LENGTH, holds, || {
        words("0", format_args!("{length:02x?}"))
    });
    if !holds && let Some(field) = octets.to_mut().get_mut(10..12) {
        field.fill(0);
    }
}

/// Every structure ends inside the PDU. Whose rule it is depends on the type.
pub(crate) fn undecodable(out: &mut Sink, ptype: PduType, len: usize, error: &DecodeError) {
    let rule: Rule = match ptype {
        PduType::FAULT => FAULT_FORMAT,
        PduType::BIND_NAK => NAK_FORMAT,
        _ => FRAG_LENGTH_EXACT,
    };
    let place = (error.field, error.at..len.max(error.at));
    out.judge(rule, place, false, || words("a whole field", error.problem));
}

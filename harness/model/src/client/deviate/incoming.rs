//! Faults in how a client takes what comes.

use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{
    BindAck, Body, CallId, ContextResult, Fault as FaultBody, Header, Pdu, PduType, PfcFlags,
    Response, ResultList,
};

use crate::client::fault::{Fault, Faults};

/// What a client does with a PDU that it has taken in another way than the honest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Deed {
    /// Goes on with it.
    Read,
    /// Finds that it is no answer.
    Refuse,
    /// Crashes.
    Crash,
}

/// Octets as they are read, before they are cut into PDUs; `waiting` is what is left of those before. False for octets that
/// are taken for no PDU.
pub(in crate::client) fn read(
    faults: Faults,
    calling: bool,
    waiting: usize,
    octets: &mut [u8],
) -> bool {
    let len = octets.len();
    if faults.has(Fault::FragLengthIgnored)
        && calling
        && let Some(place) = octets.get_mut(8..10)
    {
        let len = u16::try_from(len).unwrap_or(u16::MAX);
        place.copy_from_slice(&len.to_le_bytes());
    }
    let whole = || {
        waiting == 0 && Header::peek_frag_length(octets).is_some_and(|it| usize::from(it) == len)
    };
    !faults.has(Fault::OneReadOnePdu) || whole()
}

/// A PDU as it is taken, where the client waits for a call's answer or a bind's with this id. `fragments` counts those of
/// the response that came before.
pub(in crate::client) fn incoming(
    faults: Faults,
    calling: Option<TransferSyntax>,
    expected: CallId,
    fragments: usize,
    pdu: &mut Vec<u8>,
) -> Deed {
    if calling.is_none() {
        return of_bind(faults, expected, pdu);
    }
    if faults.has(Fault::CallIdIgnored) {
        put(pdu, 12, &expected.0.to_le_bytes());
    }
    if faults.has(Fault::ResponseByAnyName) && !is(pdu, PduType::FAULT) {
        put(pdu, 2, &[PduType::RESPONSE.0]);
    }
    if faults.has(Fault::FaultDataTaken) && is(pdu, PduType::FAULT) && pdu.len() > FaultBody::LEN {
        let data = pdu.split_off(FaultBody::LEN);
        pdu.truncate(Response::OVERHEAD);
        pdu.extend(data);
        put(pdu, 2, &[PduType::RESPONSE.0]);
        announce(pdu);
    }
    if !is(pdu, PduType::RESPONSE) {
        return Deed::Read;
    }
    of_call(faults, fragments, pdu)
}

fn of_call(faults: Faults, fragments: usize, pdu: &mut Vec<u8>) -> Deed {
    let octet = |at: usize| pdu.get(at).copied().unwrap_or_default();
    let hint = pdu.get(16..).and_then(<[u8]>::first_chunk);
    let hint = hint.map_or(0, |octets| u32::from_le_bytes(*octets));
    let len = pdu.len().saturating_sub(Response::OVERHEAD);
    let flags = PfcFlags(octet(3));
    let crashes = faults.has(Fault::CrashOnCancelCount) && octet(22) != 0
        || faults.has(Fault::CrashOnHugeHint) && hint >= 0x8000_0000
        || faults.has(Fault::CrashOnManyFragments) && fragments >= 4;
    if crashes {
        return Deed::Crash;
    }
    let believed = flags.has(PfcFlags::WHOLE) && usize::try_from(hint).ok() != Some(len);
    let refuses = faults.has(Fault::ReservedOctetRefused) && octet(23) != 0
        || faults.has(Fault::AllocHintBelieved) && believed;
    if refuses {
        return Deed::Refuse;
    }
    if faults.has(Fault::FirstFragmentAlone) && !flags.has(PfcFlags::LAST_FRAG) {
        put(pdu, 3, &[(flags | PfcFlags::LAST_FRAG).0]);
        pdu.extend([0; 4]);
        announce(pdu);
    }
    Deed::Read
}

fn of_bind(faults: Faults, expected: CallId, pdu: &mut Vec<u8>) -> Deed {
    let instead = faults.has(Fault::BindNakIgnored) && is(pdu, PduType::BIND_NAK)
        || faults.has(Fault::BindFaultIgnored) && is(pdu, PduType::FAULT);
    if instead {
        *pdu = acceptance(expected);
    }
    if faults.has(Fault::AckCallIdIgnored) {
        put(pdu, 12, &expected.0.to_le_bytes());
    }
    if faults.has(Fault::AckByAnyName) {
        put(pdu, 2, &[PduType::BIND_ACK.0]);
    }
    let long = pdu.get(25) != Some(&0) || pdu.get(24).is_none_or(|len| *len > 6);
    if faults.has(Fault::SecondaryAddressFixed) && is(pdu, PduType::BIND_ACK) && long {
        return Deed::Refuse;
    }
    Deed::Read
}

/// The `bind_ack` that a client takes a refusal for.
fn acceptance(call_id: CallId) -> Vec<u8> {
    let results = [ContextResult::accepted(TransferSyntax::Ndr32.id())];
    let mut octets = Vec::new();
    Pdu {
        header: Header::new(PduType::BIND_ACK, call_id),
        body: Body::BindAck(BindAck {
            max_xmit_frag: 5840,
            max_recv_frag: 5840,
            assoc_group_id: 1,
            secondary_address: &[],
            padding: &[],
            results: ResultList::new(&results),
            trailing: &[],
        }),
        auth: None,
    }
    .encode(&mut octets);
    octets
}

fn is(pdu: &[u8], ptype: PduType) -> bool {
    pdu.get(2) == Some(&ptype.0)
}

fn put(pdu: &mut [u8], at: usize, octets: &[u8]) {
    let place = pdu
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..octets.len()));
    if let Some(place) = place {
        place.copy_from_slice(octets);
    }
}

/// Corrects `frag_length`.
fn announce(pdu: &mut [u8]) {
    let len = u16::try_from(pdu.len()).unwrap_or(u16::MAX);
    put(pdu, 8, &len.to_le_bytes());
}

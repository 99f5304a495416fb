//! Faults of the PDUs the host sends.

use kmspec_wire::pdu::{
    BindNak, CallId, ContextResult, Drep, Fault as FaultBody, FaultStatus, Header, NakReason,
    PduType, PfcFlags, SyntaxId,
};

use crate::fault::{Fault, Faults};
use crate::reply::Ack;

/// The header of a reply.
pub(crate) fn header(faults: Faults, asked: &Header, header: &mut Header) {
    if faults.has(Fault::ReplyMinorVersion) {
        header.rpc_vers_minor = 1;
    }
    if faults.has(Fault::ReplyVersionCopied) {
        (header.rpc_vers, header.rpc_vers_minor) = (asked.rpc_vers, asked.rpc_vers_minor);
    }
    if faults.has(Fault::AlterServesAsBind)
        && asked.ptype == PduType::ALTER_CONTEXT
        && header.ptype == PduType::BIND_ACK
    {
        header.ptype = PduType::ALTER_CONTEXT_RESP;
    }
    header.call_id = call_id(faults, header.ptype, header.call_id);
    header.pfc_flags = flags(faults, header.ptype, header.pfc_flags, asked.pfc_flags);
}

fn call_id(faults: Faults, ptype: PduType, honest: CallId) -> CallId {
    match ptype {
        PduType::BIND_ACK if faults.has(Fault::AckCallIdFixed) => CallId(1),
        PduType::ALTER_CONTEXT_RESP if faults.has(Fault::AlterCallIdFixed) => CallId(1),
        PduType::FAULT if faults.has(Fault::FaultCallIdFixed) => CallId(1),
        PduType::RESPONSE if faults.has(Fault::ResponseCallIdFixed) => CallId(2),
        PduType::RESPONSE if faults.has(Fault::ResponseCallIdNext) => {
            CallId(honest.0.wrapping_add(1))
        }
        _ if faults.has(Fault::CallIdSigned) => CallId(honest.0 & 0x7fff_ffff),
        _ => honest,
    }
}

fn flags(faults: Faults, ptype: PduType, honest: PfcFlags, asked: PfcFlags) -> PfcFlags {
    let others = !(PfcFlags::WHOLE | PfcFlags::CONC_MPX | PfcFlags::HEADER_SIGN);
    match ptype {
        PduType::BIND_ACK if faults.has(Fault::BindFlagsCopied) => asked,
        PduType::BIND_ACK if faults.has(Fault::BindOtherFlagsCopied) => honest | (asked & others),
        PduType::BIND_ACK if faults.has(Fault::HeaderSignGranted) => honest | PfcFlags::HEADER_SIGN,
        PduType::ALTER_CONTEXT_RESP if faults.has(Fault::AlterFlagsCopied) => asked,
        PduType::RESPONSE if faults.has(Fault::ResponseFlagsCopied) => honest | asked,
        PduType::RESPONSE if faults.has(Fault::ResponseWithoutLast) => {
            honest & !PfcFlags::LAST_FRAG
        }
        PduType::FAULT if faults.has(Fault::RefusalsLookExecuted) => {
            honest & !PfcFlags::DID_NOT_EXECUTE
        }
        _ => honest,
    }
}

/// The octets of a reply that starts at `start`.
pub(crate) fn octets(
    faults: Faults,
    asked: &Header,
    auth_length: [u8; 2],
    ptype: PduType,
    out: &mut Vec<u8>,
    start: usize,
) {
    let mut patch = |at: usize, octets: &[u8]| {
        let from = start.saturating_add(at);
        if let Some(place) = out.get_mut(from..from.saturating_add(octets.len())) {
            place.copy_from_slice(octets);
        }
    };
    if faults.has(Fault::DrepCopied) && asked.drep != Drep::BIG_ENDIAN {
        patch(4, &asked.drep.0);
    }
    let faked = [
        Fault::AuthLengthCopied,
        Fault::AuthTypeFaked,
        Fault::PackageFaked,
    ];
    if faked.into_iter().any(|fault| faults.has(fault)) {
        patch(10, &auth_length);
    }
    if faults.has(Fault::AckReservedOctets) && ptype == PduType::BIND_ACK {
        scribble(out, start);
    }
    if faults.has(Fault::SecondaryAddressMisaligned) && ptype == PduType::BIND_ACK {
        misalign(out, start);
    }
    if faults.has(Fault::FragLengthTooLong) {
        change_length(out, start, 4);
    }
    if faults.has(Fault::StrayOctet) {
        out.push(0);
    }
    if faults.has(Fault::AnswersTruncated) && ptype == PduType::RESPONSE {
        let half = out.len().saturating_sub(start) / 2;
        out.truncate(start.saturating_add(half));
    }
}

/// Adds to the `frag_length` of the PDU that starts at `start`.
fn change_length(out: &mut [u8], start: usize, more: i16) {
    let place = out
        .get_mut(start..)
        .and_then(|pdu| pdu.get_mut(8..))
        .and_then(|pdu| pdu.first_chunk_mut());
    if let Some(place) = place {
        *place = u16::from_le_bytes(*place)
            .saturating_add_signed(more)
            .to_le_bytes();
    }
}

/// Writes into the reserved octets of the result list of a `bind_ack`.
fn scribble(out: &mut [u8], start: usize) {
    let address = start.saturating_add(26);
    let length = out
        .get(address.saturating_sub(2)..)
        .and_then(|octets| octets.first_chunk());
    let len = length.map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
    let list = address
        .saturating_add(len)
        .saturating_add(2usize.wrapping_sub(len) & 3);
    if let Some([_, reserved @ ..]) = out.get_mut(list..list.saturating_add(4)) {
        reserved.fill(0x5a);
    }
}

/// Moves the result list of a `bind_ack` to where it stood if the padding were counted from the address.
fn misalign(out: &mut Vec<u8>, start: usize) {
    let address = start.saturating_add(26);
    let length = out
        .get(address.saturating_sub(2)..)
        .and_then(|octets| octets.first_chunk());
    let len = length.map_or(0, |length| usize::from(u16::from_le_bytes(*length)));
    let end = address.saturating_add(len);
    let (right, wrong) = (2usize.wrapping_sub(len) & 3, len.wrapping_neg() & 3);
    let Some(_) = out.get(end..end.saturating_add(right)) else {
        return;
    };
    let padding = std::iter::repeat_n(0, wrong);
    drop(out.splice(end..end.saturating_add(right), padding));
    let change = i16::try_from(wrong)
        .unwrap_or(0)
        .saturating_sub(i16::try_from(right).unwrap_or(0));
    change_length(out, start, change);
}

/// What a `bind_ack` or `alter_context_resp` says.
pub(crate) fn ack(faults: Faults, ack: &mut Ack<'_>) {
    let alter = ack.ptype == PduType::ALTER_CONTEXT_RESP;
    if faults.has(Fault::SecondaryAddressWrong) && !alter {
        ack.address = b"135\0";
    }
    if faults.has(Fault::SecondaryAddressUnterminated) && !alter {
        ack.address = ack.address.strip_suffix(b"\0").unwrap_or(ack.address);
    }
    if faults.has(Fault::AlterAddress) && alter {
        ack.address = b"lab-host\0";
    }
    if faults.has(Fault::AlterAnsweredAsBind) && alter {
        ack.ptype = PduType::BIND_ACK;
    }
    if faults.has(Fault::AckTrailingOctets) {
        ack.trailing = &[0; 4];
    }
}

/// The results of a `bind_ack` or `alter_context_resp`.
pub(crate) fn results(faults: Faults, results: &mut Vec<ContextResult>) {
    if faults.has(Fault::ResultsReversed) {
        results.reverse();
    }
    if faults.has(Fault::RejectionsLeftOut) {
        results.retain(ContextResult::is_accepted);
    }
    if faults.has(Fault::OnlyFirstResult) {
        results.truncate(1);
    }
    if faults.has(Fault::SixteenResults) {
        results.truncate(16);
    }
    for result in results {
        if result.is_accepted() && faults.has(Fault::AckWithoutSyntax) {
            result.transfer_syntax = SyntaxId::NIL;
        }
        if result.is_accepted() && faults.has(Fault::AckSyntaxVersionZero) {
            result.transfer_syntax.major = 0;
        }
        if *result == ContextResult::rejected(result.reason)
            && faults.has(Fault::RejectionNamesSyntax)
        {
            result.transfer_syntax = SyntaxId::NDR32;
        }
    }
}

/// What a `bind_nak` says.
pub(crate) fn nak_body(faults: Faults, mut nak: BindNak<'_>) -> BindNak<'_> {
    if faults.has(Fault::NakReasonUndefined) {
        nak.reason = NakReason(77);
    }
    if faults.has(Fault::NakVersionList) {
        nak.versions = Some(&[[4, 0]]);
    }
    nak
}

/// What a fault says; `noise` is what happened to lie in memory.
pub(crate) fn fault_body(faults: Faults, noise: u8, mut fault: FaultBody<'_>) -> FaultBody<'_> {
    if faults.has(Fault::FaultHintZero) {
        fault.alloc_hint = 0;
    }
    if faults.has(Fault::FaultWithOctets) {
        fault.stub = &[0; 8];
    }
    if faults.has(Fault::FaultUninitialised) {
        fault.reserved = [noise, 0x7f, noise, 0];
    }
    fault.status = match fault.status {
        FaultStatus::OP_RNG_ERROR if faults.has(Fault::FaultStatusForbidden) => {
            FaultStatus(0xc000_0005)
        }
        FaultStatus::UNK_IF if faults.has(Fault::UnknownContextStatus) => FaultStatus::OP_RNG_ERROR,
        honest => honest,
    };
    fault
}

//! What clients have to do: cases that play the host.

mod ack;
mod bind;
mod close;
mod fragments;
mod policy;
mod refusals;
mod replies;
mod requests;
mod schedule;
mod segments;
mod stubs;
mod tampered;

use kmspec_runner::listener::Query;
use kmspec_runner::{Link, Listener, Stop, Suite};

pub(crate) static CLIENT: Suite = Suite::new(
    "client",
    &[
        &bind::BIND_FIRST,
        &bind::BIND_CONTEXTS,
        &bind::BIND_BTFN,
        &bind::BIND_SIZES,
        &bind::FRAG_LENGTH_EXACT,
        &bind::AUTH_LENGTH_ZERO,
        &bind::WAITS_FOR_ACK,
        &ack::USES_ACCEPTED_CONTEXT,
        &ack::RESPECTS_MAX_RECV,
        &ack::ILLEGAL_MAX_RECV,
        &ack::SECONDARY_ADDRESS,
        &ack::INCONSISTENT,
        &ack::MORE_RESULTS,
        &refusals::BIND_NAK,
        &refusals::BIND_FAULT,
        &refusals::ALL_REJECTED,
        &refusals::UNEXPECTED_FOR_BIND,
        &refusals::UNEXPECTED_FOR_CALL,
        &refusals::FAULT_REPORTED,
        &close::PEER_CLOSES,
        &close::PEER_SILENT,
        &close::NO_HOST,
        &requests::REQUEST_WELL_FORMED,
        &requests::CALL_ID_DISTINCT,
        &requests::NDR32_LAYOUT,
        &requests::NDR64_LAYOUT,
        &requests::PADDING_ZERO,
        &requests::MESSAGE_SIZE,
        &requests::VERSION_AGREES,
        &requests::WORKSTATION,
        &requests::LICENSE_STATUS,
        &requests::VM_FLAG,
        &requests::CMID_RANDOM,
        &requests::N_POLICY,
        &requests::V4_MAC,
        &requests::PKCS7,
        &replies::NDR32_RESPONSE,
        &replies::NDR64_RESPONSE,
        &replies::WRONG_CALL_ID,
        &replies::WRONG_CALL_ID_FIRST,
        &replies::ALLOC_HINT,
        &replies::HUGE_ALLOC_HINT,
        &replies::HARMLESS_VARIANTS,
        &replies::ODD_VARIANTS,
        &replies::FRAG_LENGTH,
        &fragments::REASSEMBLED,
        &fragments::RETURN_VALUE_LAST,
        &segments::OCTET_BY_OCTET,
        &segments::HEADER_THEN_BODY,
        &stubs::INCONSISTENT,
        &stubs::NULL_POINTER,
        &stubs::NULL_POINTER_SUCCESS,
        &stubs::SURPLUS,
        &stubs::ERROR_WITH_DATA,
        &tampered::V4_TAMPERED,
        &tampered::V5_TAMPERED,
        &tampered::V6_TAMPERED,
        &tampered::STATE_UNCHANGED,
        &tampered::NEIGHBOURING_SLOTS,
        &policy::THRESHOLD,
        &policy::COUNT_TOO_LOW,
        &schedule::ACTIVATION_INTERVAL,
        &schedule::RENEWAL_INTERVAL,
        &schedule::INTERVALS_TAKEN_OVER,
        &schedule::ACTIVATED_FOR_180_DAYS,
        &schedule::GRACE,
    ],
);

/// The client's first call, read, on a connection bound as Windows would.
async fn first_call(listener: &mut Listener) -> Result<(Link, Query), Stop> {
    let mut link = listener.bound().await?;
    let query = link.asked().await?;
    Ok((link, query))
}

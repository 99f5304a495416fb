//! Responses.

use kmspec_runner::check::{Field, fault};
use kmspec_runner::peer::{Arrival, Ending};
use kmspec_runner::{Link, Stop, Suite, case};
use kmspec_wire::pdu::{ContextId, FaultStatus, PfcFlags};

use crate::request::bound_on;

pub(crate) static RESPONSE: Suite = Suite::new(
    "response",
    &[
        &FLAGS_CLEAN,
        &FLAGS_CLEAN_MAYBE,
        &CONTEXT_ID,
        &SEVERAL_CALLS,
        &SEVERAL_CALLS_TWO_CLIENTS,
    ],
);

case! {
    /// The flags of a response do not copy the request's.
    FLAGS_CLEAN { id: "rpc.response.flags-clean" }
    for flags in [("reserved", 0x0b), ("conc-mpx", 0x13), ("did-not-execute", 0x23), ("all-three", 0x3b)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.call(&peer.call().flags(PfcFlags(flags))).await
    }
}

case! {
    /// The flags of a response, if a maybe call gets one, do not copy the request's.
    FLAGS_CLEAN_MAYBE { id: "rpc.response.flags-clean/maybe" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().flags(PfcFlags(0x43)).encoded()).await?;
        link.ok_or(2, &[kmspec_runner::check::silent()]).await.map(drop)
    }
}

case! {
    /// Responses carry the context id or its low octet, faults the context id.
    CONTEXT_ID { id: "rpc.response.context-id" }
    for context in [
        ("0x0001", 0x0001),
        ("0x00ff", 0x00ff),
        ("0x0100", 0x0100),
        ("0x1234", 0x1234),
        ("0x7fff", 0x7fff),
        ("0x8000", 0x8000),
        ("0xffff", 0xffff),
    ];
    async fn(peer) {
        let low = context & 0x00ff;
        let mut link = bound_on(&peer, context).await?;
        link.send(peer.call().context(context).encoded()).await?;
        let response = link.ok_response(2).await?;
        response.field("p_cont_id", response.body().context_id).one_of([ContextId(low), ContextId(context)])?;
        link.send(peer.call().context(context).call_id(3).opnum(peer.absent_opnum(1)).encoded()).await?;
        let out_of_range = || fault([FaultStatus::OP_RNG_ERROR]).call(3);
        let tolerated = [out_of_range().context(low), out_of_range().context(0)];
        link.answers(&[out_of_range().context(context)], &tolerated).await.map(drop)
    }
}

case! {
    /// Several calls on one connection are all answered, unless the target ends it in order behind a response.
    SEVERAL_CALLS { id: "rpc.response.several-calls", needs: [Time] }
    for count in [("10", 10), ("40", 40)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        for id in 2..2 + count {
            link.call(&peer.call().call_id(id)).await?;
            if ended_in_order(&mut link).await? {
                break;
            }
        }
        Ok::<(), Stop>(())
    }
}

case! {
    /// Two clients call in turn, each on its own connection, and neither disturbs the other.
    SEVERAL_CALLS_TWO_CLIENTS { id: "rpc.response.several-calls/two-clients" }
    async fn(peer) {
        let mut one = bound_on(&peer, 3).await?;
        let mut other = bound_on(&peer, 4).await?;
        one.call(&peer.call().context(3)).await?;
        other.send(peer.call().context(3).encoded()).await?;
        other.answers(&[fault([FaultStatus::UNK_IF]).call(2)], &[fault([FaultStatus::INVALID_PRES_CONTEXT_ID])]).await?;
        one.call_or_closed(&peer.call().context(3).call_id(3)).await?;
        other.call_or_closed(&peer.call().context(4).call_id(3)).await
    }
}

/// Whether the target ends the connection behind a response, given a moment to do so; it must not be by reset, which may
/// cost the client the response.
async fn ended_in_order(link: &mut Link) -> Result<bool, Stop> {
    let moment = link.peer().endpoint().timing.quiet / 10;
    match link.arrival_within(moment).await? {
        Arrival::Nothing => Ok(false),
        Arrival::Ended(ending) => Field::derived("end of the connection", ending)
            .is(Ending::Closed)
            .map(|()| true),
        Arrival::Pdu(octets) => Err(Stop::fail(
            "answer",
            "one response to each call",
            format!("{} octets more", octets.len()),
        )),
    }
}

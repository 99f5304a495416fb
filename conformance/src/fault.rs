//! Faults.

use kmspec_runner::check::{Field, Got};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::pdu::{Body, Encoded, Fault, Pdu, PduType, PfcFlags};

use crate::state::zeros;

pub(crate) static FAULT: Suite = Suite::new(
    "fault",
    &[
        &FORMAT,
        &NO_UNINITIALISED_OCTETS,
        &NO_UNINITIALISED_OCTETS_CONNECTIONS,
        &STATUS_ALLOWED,
    ],
);

case! {
    /// A fault is 32 octets long and says nothing but its status, its context and a hint.
    FORMAT { id: "rpc.fault.format" }
    for stimulus in [
        ("opnum", absent_operation as fn(&Peer) -> Encoded),
        ("context", unknown_context),
        ("fragment", |peer| peer.call().flags(PfcFlags::LAST_FRAG).encoded()),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(stimulus(&peer)).await?;
        let fault = link.fault().await?;
        let body = fault.body();
        let length = if body.flags & 1 == 0 { 32 } else { body.alloc_hint };
        fault.field("frag_length", fault.octets().len()).is(usize::try_from(length).unwrap_or(usize::MAX))?;
        fault.field("alloc_hint", body.alloc_hint).is_not(0)?;
        fault.field("cancel_count", body.cancel_count).is(0)?;
        fault.field("flags", body.flags).one_of([0, 1])?;
        fault.field("reserved", body.reserved).is([0; 4])
    }
}

case! {
    /// The same fault drawn three times on one connection, with calls between, is the same to the octet.
    NO_UNINITIALISED_OCTETS { id: "rpc.fault.no-uninitialised-octets/one-connection" }
    for stimulus in [("opnum", absent_operation as fn(&Peer) -> Encoded), ("context", unknown_context)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let first = drawn(&mut link, stimulus(&peer)).await?;
        link.call_or_closed(&peer.call().call_id(3)).await?;
        draws_again(&mut link, stimulus(&peer), &first).await?;
        link.call_or_closed(&peer.call().call_id(0xffff_ffff)).await?;
        draws_again(&mut link, stimulus(&peer), &first).await
    }
}

case! {
    /// The same fault drawn on three connections, behind different calls, is the same to the octet.
    NO_UNINITIALISED_OCTETS_CONNECTIONS { id: "rpc.fault.no-uninitialised-octets/three-connections" }
    for stimulus in [("opnum", absent_operation as fn(&Peer) -> Encoded), ("context", unknown_context)];
    async fn(peer) {
        let first = drawn(&mut peer.bound().await?, stimulus(&peer)).await?;
        let mut second = peer.bound().await?;
        second.call(&peer.call().call_id(0xffff_ffff).flags(PfcFlags(0x0b))).await?;
        draws_again(&mut second, stimulus(&peer), &first).await?;
        let mut third = peer.bound().await?;
        third.call(&peer.call().call_id(77).alloc_hint(1)).await?;
        draws_again(&mut third, stimulus(&peer), &first).await
    }
}

case! {
    /// No fault has a status that clients take for something else.
    STATUS_ALLOWED { id: "rpc.fault.status-allowed", needs: [Probe] }
    for stimulus in [
        ("opnum", absent_operation as fn(&Peer) -> Encoded),
        ("context", unknown_context),
        ("fragment-without-first", |peer| peer.call().flags(PfcFlags::LAST_FRAG).encoded()),
        ("pending-cancel", |peer| peer.call().flags(PfcFlags(0x05)).encoded()),
        ("alter-without-contexts", |peer| peer.alter().encoded()),
        ("hint-over-limit", |peer| peer.call().flags(PfcFlags::FIRST_FRAG).alloc_hint(u32::MAX).encoded()),
        ("empty-stub", |peer| empty_stub(peer)),
        ("server-only-pdu", |_| zeros(PduType::FAULT, 2, 16)),
        ("foreign-pdu", |_| zeros(PduType::PING, 2, 16)),
        ("second-bind", |peer| peer.bind().encoded()),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(stimulus(&peer)).await?;
        link.half_close().await?;
        status_is_allowed(&mut link).await
    }
}

fn absent_operation(peer: &Peer) -> Encoded {
    peer.call().opnum(peer.absent_opnum(1)).encoded()
}

fn unknown_context(peer: &Peer) -> Encoded {
    peer.call().context(12345).encoded()
}

fn empty_stub(peer: &Peer) -> Encoded {
    let mut call = peer.call();
    call.stub.clear();
    call.encoded()
}

/// Of a fault that came: no cancels, no flags, nothing in the reserved octets.
pub(crate) fn is_clean(got: &Got) -> Result<(), Stop> {
    let octets = got.octets.as_deref().unwrap_or_default();
    let Ok(Pdu {
        body:
            Body::Fault(Fault {
                cancel_count,
                flags,
                reserved,
                ..
            }),
        ..
    }) = Pdu::decode(octets)
    else {
        return Ok(());
    };
    Field::derived("cancel_count of the fault", cancel_count).is(0)?;
    Field::derived("flags of the fault", flags).one_of([0, 1])?;
    Field::derived("reserved octets of the fault", reserved).is([0; 4])
}

/// The fault that a stimulus draws: all octets behind its fragment length, which end with those a host may forget to
/// write.
async fn drawn(link: &mut Link, stimulus: Encoded) -> Result<Vec<u8>, Stop> {
    link.send(stimulus).await?;
    let fault = link.fault().await?;
    let body = fault.body();
    fault.field("cancel_count", body.cancel_count).is(0)?;
    fault.field("flags", body.flags).one_of([0, 1])?;
    fault.field("reserved", body.reserved).is([0; 4])?;
    Ok(fault.octets().to_vec())
}

/// The same stimulus draws the same octets, where the connection is still there.
async fn draws_again(link: &mut Link, stimulus: Encoded, first: &[u8]) -> Result<(), Stop> {
    link.send(stimulus).await?;
    let any = kmspec_runner::check::fault([]);
    let got = link
        .answers(&[any], &[kmspec_runner::check::closed()])
        .await?;
    match got.octets {
        Some(again) => Field::derived("octets of the fault", again).is(first.to_vec()),
        None => Ok(()),
    }
}

/// Whatever came until the end of the connection: no fault with a forbidden status.
async fn status_is_allowed(link: &mut Link) -> Result<(), Stop> {
    use kmspec_runner::peer::Arrival;
    let limit = link.peer().endpoint().timing.quiet;
    while let Arrival::Pdu(octets) = link.arrival_within(limit).await? {
        if let Ok(Pdu {
            body: Body::Fault(fault),
            ..
        }) = Pdu::decode(&octets)
        {
            Field::derived("status", fault.status)
                .satisfies("none of the forbidden", |status| !status.is_forbidden())?;
        }
    }
    Ok(())
}

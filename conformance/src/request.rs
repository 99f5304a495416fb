//! Requests: contexts, operations, hints, flags, pipelining.

use std::collections::BTreeSet;

use kmspec_runner::check::{closed, fault, responds, silent};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::Version;
use kmspec_wire::pdu::{CallId, ContextId, FaultStatus, PfcFlags, RequestBuilder, SyntaxId};

use crate::fragment::{long_call, piece};

pub(crate) static REQUEST: Suite = Suite::new(
    "request",
    &[
        &RESPONSE_BASIC,
        &RESPONSE_ECHOES_CALL_ID,
        &RESPONSE_ECHOES_CALL_ID_TWO_CLIENTS,
        &UNKNOWN_CONTEXT,
        &REJECTED_CONTEXT,
        &REJECTED_CONTEXT_ALONE,
        &OPNUM_OUT_OF_RANGE,
        &ALLOC_HINT_ZERO,
        &ALLOC_HINT_TOO_LARGE,
        &OBJECT_UUID,
        &OBJECT_FLAG_WITHOUT_UUID,
        &MAYBE_FLAG,
        &PENDING_CANCEL_ON_WHOLE,
        &PENDING_CANCEL_ON_FIRST,
        &PIPELINED_WITHOUT_MPX,
        &PIPELINED_WITH_MPX,
        &PIPELINED_NOT_MIXED,
    ],
);

case! {
    /// A call is answered by one response, whose fixed part says what it should.
    RESPONSE_BASIC { id: "rpc.request.response-basic" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().encoded()).await?;
        let response = link.ok_response(2).await?;
        let body = response.body();
        response.flags_are(PfcFlags::WHOLE)?;
        response.field("alloc_hint", body.alloc_hint).one_of([length(body.stub), 0])?;
        response.field("p_cont_id", body.context_id).is(ContextId(0))?;
        response.field("cancel_count", body.cancel_count).is(0)?;
        response.field("reserved", body.reserved).is(0)?;
        link.silent().await
    }
}

case! {
    /// Responses carry the call id of their request, call after call.
    RESPONSE_ECHOES_CALL_ID { id: "rpc.request.response-echoes-call-id" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.call(&peer.call().call_id(2)).await?;
        link.call(&peer.call().call_id(3)).await?;
        link.call(&peer.call().call_id(0x9988_7766)).await
    }
}

case! {
    /// Two clients call at once with different call ids and contexts, and each gets its own back.
    RESPONSE_ECHOES_CALL_ID_TWO_CLIENTS { id: "rpc.request.response-echoes-call-id/two-clients" }
    async fn(peer) {
        let mut one = bound_on(&peer, 1).await?;
        let mut other = bound_on(&peer, 2).await?;
        one.send(peer.call().call_id(0x0a0a).context(1).encoded()).await?;
        other.send(peer.call().call_id(0x0b0b).context(2).encoded()).await?;
        let (second, first) = (other.ok_response(0x0b0b).await?, one.ok_response(0x0a0a).await?);
        first.field("p_cont_id", first.body().context_id).is(ContextId(1))?;
        second.field("p_cont_id", second.body().context_id).is(ContextId(2))
    }
}

case! {
    /// A call on a context id that was never offered gets a fault, and the connection stays usable.
    UNKNOWN_CONTEXT { id: "rpc.request.unknown-context" }
    for context in [
        ("12345", 12345),
        ("1", 1),
        ("0x0100", 0x0100),
        ("0x7fff", 0x7fff),
        ("0x8000", 0x8000),
        ("0xfffe", 0xfffe),
        ("0xffff", 0xffff),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().context(context).encoded()).await?;
        let got = link.answers(
            &[not_executed(FaultStatus::UNK_IF).context(0)],
            &[fault([FaultStatus::INVALID_PRES_CONTEXT_ID]).call(2)],
        ).await?;
        crate::fault::is_clean(&got)?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// A call on a context that was rejected gets a fault, and the accepted context is not lost.
    REJECTED_CONTEXT { id: "rpc.request.rejected-context" }
    for (interface, transfer) in [
        ("interface", (Some(SyntaxId::UNKNOWN_INTERFACE), SyntaxId::NDR32)),
        ("transfer-syntax", (None, SyntaxId::UNASSIGNED)),
    ];
    async fn(peer) {
        let offered = interface.unwrap_or(peer.interface());
        let mut link = peer.bound_by(&peer.bind().offering(7, offered, &[transfer])).await?;
        link.send(peer.call().context(7).encoded()).await?;
        let other = fault([FaultStatus::INVALID_PRES_CONTEXT_ID]).call(2);
        link.answers(&[not_executed(FaultStatus::UNK_IF).context(0)], &[other]).await?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// A call on the only context, which was rejected, gets a fault.
    REJECTED_CONTEXT_ALONE { id: "rpc.request.rejected-context/alone" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        let bind = peer.bind_without_contexts().offering(0, SyntaxId::UNKNOWN_INTERFACE, &[SyntaxId::NDR32]);
        link.send(bind.encoded()).await?;
        link.bind_ack().await?;
        link.send(peer.call().encoded()).await?;
        let other = fault([FaultStatus::INVALID_PRES_CONTEXT_ID]).call(2);
        link.answers(&[not_executed(FaultStatus::UNK_IF).context(0)], &[other]).await.map(drop)
    }
}

case! {
    /// Operation numbers other than 0 do not exist; a call of one is not executed, and operation 0 still answers.
    OPNUM_OUT_OF_RANGE { id: "rpc.request.opnum-out-of-range" }
    for opnum in [
        ("1", 1),
        ("2", 2),
        ("0x00ff", 0x00ff),
        ("0x0100", 0x0100),
        ("0x7fff", 0x7fff),
        ("0x8000", 0x8000),
        ("0xffff", 0xffff),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().opnum(peer.absent_opnum(opnum)).encoded()).await?;
        let got = link.answers(&[not_executed(FaultStatus::OP_RNG_ERROR).context(0)], &[]).await?;
        crate::fault::is_clean(&got)?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// An `alloc_hint` of 0, or less than the stub's length, is only a missing or bad hint.
    ALLOC_HINT_ZERO { id: "rpc.request.alloc-hint-zero" }
    for hint in [("0", (|_| 0) as fn(u32) -> u32), ("1", |_| 1), ("one-less", |stub| stub.saturating_sub(1))];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = peer.call();
        let hint = hint(length(&call.stub));
        link.call(&call.alloc_hint(hint)).await
    }
}

case! {
    /// A too large `alloc_hint` in a complete request does no harm.
    ALLOC_HINT_TOO_LARGE { id: "rpc.request.alloc-hint-too-large", needs: [Probe] }
    for hint in [
        ("one-more", (|stub| stub + 1) as fn(u32) -> u32),
        ("0x0000ffff", |_| 0x0000_ffff),
        ("0x00400001", |_| 0x0040_0001),
        ("0x7fffffff", |_| 0x7fff_ffff),
        ("0x80000000", |_| 0x8000_0000),
        ("0xffffffff", |_| 0xffff_ffff),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = peer.call();
        let hint = hint(length(&call.stub));
        link.send(call.alloc_hint(hint).encoded()).await?;
        link.ok_or(2, &[fault([FaultStatus::ACCESS_DENIED, FaultStatus::PROTO_ERROR]).call(2)]).await.map(drop)
    }
}

case! {
    /// A request with an object UUID is answered as one without; the UUID is no part of the stub.
    OBJECT_UUID { id: "rpc.request.object-uuid" }
    for object in [
        ("nil", (|_| Guid::NIL) as fn(&Peer) -> Guid),
        ("random", |peer| Guid::random(peer.random())),
        ("all-ones", |_| Guid::from_u128(u128::MAX)),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let object = object(&peer);
        let unsupported = fault([FaultStatus::UNSUPPORTED_TYPE]).call(2);
        let tolerated = if object == Guid::NIL { vec![] } else { vec![unsupported] };
        link.send(peer.call().object(object).encoded()).await?;
        match link.ok_or(2, &tolerated).await? {
            Some(response) => {
                let body = response.body();
                response.flags_are(PfcFlags::WHOLE)?;
                response.field("alloc_hint", body.alloc_hint).one_of([length(body.stub), 0])
            }
            None => Ok(()),
        }
    }
}

case! {
    /// The object flag on a PDU too short for the UUID is an error, not a read beyond the PDU.
    OBJECT_FLAG_WITHOUT_UUID { id: "rpc.request.object-flag-without-uuid", needs: [Probe] }
    for len in [("24-octets", 24), ("25-octets", 25), ("32-octets", 32), ("39-octets", 39)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let mut call = peer.call().flags(PfcFlags(0x83));
        call.stub = vec![0; len - 24];
        link.send(call.encoded()).await?;
        link.answers(&[closed()], &[fault([FaultStatus::PROTO_ERROR, FaultStatus::BAD_STUB_DATA]).call(2)])
            .await
            .map(drop)
    }
}

case! {
    /// A call with the maybe flag is answered once or not at all, and the next call is answered.
    MAYBE_FLAG { id: "rpc.request.maybe-flag" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().flags(PfcFlags(0x43)).encoded()).await?;
        let maybe = link.answers(&[responds().call(2), silent()], &[]).await?;
        link.send(peer.call().call_id(3).encoded()).await?;
        match maybe.octets {
            Some(_) => link.ok_response(3).await.map(drop),
            None => late_answers(&mut link).await,
        }
    }
}

case! {
    /// Pending cancel on a request in one fragment: no call is active that could be cancelled.
    PENDING_CANCEL_ON_WHOLE { id: "rpc.request.pending-cancel-on-first/whole" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().flags(PfcFlags(0x07)).encoded()).await?;
        let expected = not_executed(FaultStatus::NO_CALL_ACTIVE).context(0).closes();
        link.answers(&[expected], &[responds().call(2), closed()]).await.map(drop)
    }
}

case! {
    /// Pending cancel on a first fragment: no call is active that could be cancelled.
    PENDING_CANCEL_ON_FIRST { id: "rpc.request.pending-cancel-on-first/first" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, 0x05, 0..8).encoded()).await?;
        let expected = not_executed(FaultStatus::NO_CALL_ACTIVE).context(0).closes();
        let got = link.answers(&[expected], &[silent(), closed()]).await?;
        if got.octets.is_some() || got.ended.is_some() {
            return Ok(());
        }
        link.send(piece(&call, 0x02, 8..call.stub.len()).encoded()).await?;
        link.answers(&[responds().call(2)], &[fault([]).call(2), closed()]).await.map(drop)
    }
}

case! {
    /// Two requests in one segment, no multiplexing negotiated: two responses in order.
    PIPELINED_WITHOUT_MPX { id: "rpc.request.pipelined-without-mpx" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(together(&[peer.call().call_id(2), peer.call().call_id(3)])).await?;
        in_order_or_refused(&mut link).await
    }
}

case! {
    /// Requests in one segment, multiplexing negotiated: one response for each call id, in any order.
    PIPELINED_WITH_MPX { id: "rpc.request.pipelined-with-mpx" }
    for count in [("2-calls", 2), ("3-calls", 3), ("20-calls", 20)];
    async fn(peer) {
        let mut link = multiplexed(&peer).await?;
        let calls: Vec<_> = (2..2 + count).map(|id| peer.call().call_id(id)).collect();
        link.send(together(&calls)).await?;
        let mut missing: BTreeSet<u32> = (2..2 + count).collect();
        while !missing.is_empty() {
            one_of_several(&mut link, &mut missing).await?;
        }
        link.silent().await
    }
}

case! {
    /// Two KMS requests of different versions in one segment, multiplexing negotiated: each is answered in its own
    /// version.
    PIPELINED_NOT_MIXED { id: "rpc.request.pipelined-with-mpx/not-mixed", needs: [Kms, Clock] }
    async fn(peer) {
        let mut link = multiplexed(&peer).await?;
        let call = |version, id| peer.call_with(&peer.seal(&peer.request(version)).message).call_id(id);
        link.send(together(&[call(Version::V6, 6), call(Version::V5, 5)])).await?;
        let mut missing = BTreeSet::from([5, 6]);
        answers_in_its_version(&mut link, &mut missing).await?;
        answers_in_its_version(&mut link, &mut missing).await
    }
}

/// A fault of call 2 that says the call was not executed.
fn not_executed(status: FaultStatus) -> kmspec_runner::check::Answer {
    fault([status]).flags(0x23).call(2)
}

/// The length of a stub as a hint gives it.
pub(crate) fn length(stub: &[u8]) -> u32 {
    u32::try_from(stub.len()).unwrap_or(u32::MAX)
}

/// All in one segment.
pub(crate) fn together(calls: &[RequestBuilder]) -> Vec<u8> {
    calls.iter().flat_map(|call| call.encoded().bytes).collect()
}

/// `BOUND`, but with this context id instead of 0.
pub(crate) async fn bound_on(peer: &Peer, context: u16) -> Result<Link, Stop> {
    let bind = peer.bind_without_contexts();
    peer.bound_by(&bind.offering(context, peer.interface(), &[SyntaxId::NDR32]))
        .await
}

/// A bound connection on which multiplexing was asked for and granted.
pub(crate) async fn multiplexed(peer: &Peer) -> Result<Link, Stop> {
    let mut link = peer.connect().await?;
    link.send(peer.bind().flags(PfcFlags(0x13)).encoded())
        .await?;
    let ack = link.bind_ack().await?;
    if ack.header().pfc_flags.has(PfcFlags::CONC_MPX) {
        Ok(link)
    } else {
        Err(Stop::Skip(
            "the target does not grant concurrent multiplexing".to_owned(),
        ))
    }
}

/// Responses to call 2 and then to call 3, or, while the first still runs, the fault that a second call is.
async fn in_order_or_refused(link: &mut Link) -> Result<(), Stop> {
    let refused = fault([FaultStatus::PROTO_ERROR]).flags(0x03).closes();
    match link.ok_or(2, std::slice::from_ref(&refused)).await? {
        Some(_) => link.ok_or(3, &[refused]).await.map(drop),
        None => Ok(()),
    }
}

/// An `OK_RESPONSE` to one of the calls that are not answered yet.
async fn one_of_several(link: &mut Link, missing: &mut BTreeSet<u32>) -> Result<Vec<u8>, Stop> {
    let response = link.response().await?;
    let CallId(id) = response.header().call_id;
    let wanted = format!("one of {missing:?}");
    response
        .field("call_id", id)
        .satisfies(wanted, |id| missing.remove(id))?;
    link.is_ok(&response, id)?;
    Ok(response.body().stub.to_vec())
}

/// One of the calls that are not answered yet, whose id is the major version of its KMS request, is answered in that
/// version: the first field of the message behind `responseSize`, referent and `max_count`.
async fn answers_in_its_version(link: &mut Link, missing: &mut BTreeSet<u32>) -> Result<(), Stop> {
    let before = missing.clone();
    let stub = one_of_several(link, missing).await?;
    let version = stub
        .get(14..16)
        .map(|major| u32::from(u16::from_le_bytes([major[0], major[1]])));
    let answered = before.difference(missing).next().copied();
    kmspec_runner::check::Field::derived("version of the answer", version).is(answered)
}

/// The answer to call 3; one to call 2 may come before it, late.
async fn late_answers(link: &mut Link) -> Result<(), Stop> {
    let first = link.response().await?;
    first
        .field("call_id", first.header().call_id)
        .one_of([CallId(3), CallId(2)])?;
    match first.header().call_id {
        CallId(3) => Ok(()),
        _ => link.ok_response(3).await.map(drop),
    }
}

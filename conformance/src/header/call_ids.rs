//! Call ids.

use kmspec_runner::check::{AlterContextRespPdu, SeenAck, closed};
use kmspec_runner::{Peer, Stop, case};
use kmspec_wire::pdu::{FaultStatus, RequestBuilder};

use crate::offer::{ACCEPTED, NDR32, NO_SYNTAX, needs_alter};

const BOUNDARIES: [(&str, u32); 8] = [
    ("0", 0),
    ("1", 1),
    ("2", 2),
    ("0x00010000", 0x0001_0000),
    ("0x7fffffff", 0x7fff_ffff),
    ("0x80000000", 0x8000_0000),
    ("0xfffffffe", 0xffff_fffe),
    ("0xffffffff", 0xffff_ffff),
];

case! {
    /// Any call id is accepted and echoed, by bind and call.
    ANY_VALUE { id: "rpc.header.call-id-any-value" }
    for call_id in BOUNDARIES;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().call_id(call_id).encoded()).await?;
        let ack = link.bind_ack().await?;
        ack.call_id_is(call_id)?;
        ack.results_among(&[&[ACCEPTED]])?;
        link.call(&peer.call().call_id(call_id)).await
    }
}

case! {
    /// Rising call ids, each with another octet in use, are echoed call after call.
    ANY_VALUE_ONE_CONNECTION { id: "rpc.header.call-id-any-value/one-connection" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        for call_id in [2, 0xff, 0x100, 0xffff, 0x0001_0000, 0x00ff_ffff, 0x0100_0000, 0x0102_0304] {
            link.call(&peer.call().call_id(call_id)).await?;
        }
        Ok(())
    }
}

case! {
    /// Faults carry the call id of the request they answer.
    ECHOED_IN_FAULT { id: "rpc.header.call-id-echoed-in-fault" }
    for (call_id, refused) in [
        ("unknown-context", (0x0102_0304u32, Refused::Context)),
        ("unknown-context-call-0", (0, Refused::Context)),
        ("unknown-context-call-0xffffffff", (0xffff_ffff, Refused::Context)),
        ("unknown-operation", (0x0102_0304, Refused::Operation)),
        ("unknown-operation-call-0x80000000", (0x8000_0000, Refused::Operation)),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let (request, status) = refused.request(&peer);
        link.send(request.call_id(call_id).encoded()).await?;
        let fault = link.fault().await?;
        fault.call_id_is(call_id)?;
        fault.field("status", fault.body().status).is(status)
    }
}

/// Why a request is refused.
#[derive(Clone, Copy)]
enum Refused {
    Context,
    Operation,
}

impl Refused {
    fn request(self, peer: &Peer) -> (RequestBuilder, FaultStatus) {
        match self {
            Self::Context => (peer.call().context(12_345), FaultStatus::UNK_IF),
            Self::Operation => (
                peer.call().opnum(peer.absent_opnum(1)),
                FaultStatus::OP_RNG_ERROR,
            ),
        }
    }
}

case! {
    /// Call ids may repeat and decrease from call to call.
    ORDER_FREE { id: "rpc.header.call-id-order-free" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.call(&peer.call().call_id(5)).await?;
        link.call(&peer.call().call_id(5)).await?;
        link.call(&peer.call().call_id(50)).await?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// Two `alter_context`s may have the same call id.
    ORDER_FREE_ALTER { id: "rpc.header.call-id-order-free/alter" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let mut link = peer.bound().await?;
        altered(&peer, &mut link, 1).await?;
        altered(&peer, &mut link, 2).await
    }
}

async fn altered(peer: &Peer, link: &mut kmspec_runner::Link, context: u16) -> Result<(), Stop> {
    let alter = peer
        .alter()
        .call_id(55)
        .offering(context, peer.interface(), NDR32);
    link.send(alter.encoded()).await?;
    let Some(resp) = link.expect_or::<AlterContextRespPdu>(&[closed()]).await? else {
        return Ok(());
    };
    resp.call_id_is(55)?;
    resp.results_among(&[&[ACCEPTED], &[NO_SYNTAX]])
}

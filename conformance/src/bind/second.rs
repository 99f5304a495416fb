//! What may follow a bind on its connection.

use kmspec_runner::check::{AlterContextRespPdu, SeenAck, closed, nak};
use kmspec_runner::{Link, Peer, Stop, case};
use kmspec_wire::pdu::{BindBuilder, SyntaxId};

use crate::offer::{ACCEPTED, NDR32, NO_INTERFACE, any_protocol_error, offered};

case! {
    /// A connection on which nothing was accepted can be rescued by `alter_context`.
    ALL_REJECTED { id: "rpc.bind.all-rejected-keeps-connection" }
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &unknown(&peer)).await?;
        ack.results_among(&[&[NO_INTERFACE]])?;
        link.send(peer.alter().offering(1, peer.interface(), NDR32).encoded()).await?;
        let Some(resp) = link.expect_or::<AlterContextRespPdu>(&[closed()]).await? else { return Ok(()) };
        resp.call_id_is(3)?;
        resp.results_among(&[&[ACCEPTED]])?;
        link.call(&peer.call().context(1).call_id(4)).await
    }
}

case! {
    /// A second bind on a bound connection is refused.
    SECOND_BIND { id: "rpc.bind.second-bind" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        is_refused_a_second(&peer, &mut link).await
    }
}

case! {
    /// A second bind is refused even where the first was acknowledged with rejections only.
    SECOND_BIND_AFTER_REJECTION { id: "rpc.bind.second-bind/after-rejection" }
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &unknown(&peer)).await?;
        ack.results_among(&[&[NO_INTERFACE]])?;
        is_refused_a_second(&peer, &mut link).await
    }
}

fn unknown(peer: &Peer) -> BindBuilder {
    peer.bind_without_contexts()
        .offering(0, SyntaxId::UNKNOWN_INTERFACE, NDR32)
}

async fn is_refused_a_second(peer: &Peer, link: &mut Link) -> Result<(), Stop> {
    let second = peer
        .bind_without_contexts()
        .offering(1, peer.interface(), NDR32)
        .call_id(2);
    link.send(second.encoded()).await?;
    let refused = [any_protocol_error().call(2), closed()];
    link.answers(&[nak([0]).call(2).closes()], &refused)
        .await
        .map(drop)
}

//! Several contexts in one bind.

use kmspec_runner::check::{BindAckPdu, SeenAck, closed, fault, nak};
use kmspec_runner::{Link, Peer, Stop, case};
use kmspec_wire::pdu::{ContextResult, FaultStatus, SyntaxId};

use crate::offer::{ACCEPTED, NDR32, NO_INTERFACE, NO_SYNTAX, offered};

case! {
    /// There is one result for each context, in the order sent, and nothing else.
    COUNT_AND_ORDER { id: "rpc.bind.result-count-and-order" }
    async fn(peer) {
        let bind = peer.bind_without_contexts()
            .offering(9, SyntaxId::NIL, NDR32)
            .offering(4, peer.interface(), NDR32)
            .offering(7, peer.interface(), &[SyntaxId::UNASSIGNED]);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[NO_INTERFACE, ACCEPTED, NO_SYNTAX]])?;
        let start = (26 + ack.body().secondary_address.len()).next_multiple_of(4);
        ack.field("frag_length", ack.octets().len()).is(start + 4 + 72)?;
        link.call(&peer.call().context(4)).await
    }
}

case! {
    /// The element behind one with several transfer syntaxes is found at the right offset.
    AFTER_LONG_LIST { id: "rpc.bind.element-after-long-list" }
    for nils in [("2", 2), ("4", 4), ("9", 9), ("12", 12)];
    async fn(peer) {
        let bind = peer.bind_without_contexts()
            .offering(0, peer.interface(), &vec![SyntaxId::NIL; nils])
            .offering(1, peer.interface(), NDR32);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[NO_SYNTAX, ACCEPTED]])?;
        link.call(&peer.call().context(1)).await
    }
}

case! {
    /// A rejected context does not spoil the accepted one behind or before it.
    MIXED_RESULTS_USABLE { id: "rpc.bind.mixed-results-usable" }
    for (accepted, results, rejected_in) in [
        ("rejected-first", (1, [NO_INTERFACE, ACCEPTED], SyntaxId::NDR32)),
        ("rejected-last", (0, [ACCEPTED, NO_INTERFACE], SyntaxId::NDR32)),
        ("rejected-first-in-ndr64", (1, [NO_INTERFACE, ACCEPTED], SyntaxId::NDR64)),
        ("rejected-last-in-ndr64", (0, [ACCEPTED, NO_INTERFACE], SyntaxId::NDR64)),
    ];
    async fn(peer) {
        let element = |id| if id == accepted { (peer.interface(), SyntaxId::NDR32) } else { (SyntaxId::UNKNOWN_INTERFACE, rejected_in) };
        let [(first, in_first), (second, in_second)] = [element(0), element(1)];
        let bind = peer.bind_without_contexts().offering(0, first, &[in_first]).offering(1, second, &[in_second]);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&results])?;
        link.send(peer.call().context(accepted).encoded()).await?;
        let response = link.ok_response(2).await?;
        response.field("p_cont_id", response.body().context_id.0).is(accepted)
    }
}

case! {
    /// Of two contexts that could both be accepted one is; where both are, both work.
    ONE_NEW_CONTEXT { id: "rpc.bind.one-new-context-per-bind" }
    async fn(peer) {
        let bind = peer.bind_without_contexts().offering(3, peer.interface(), NDR32).offering(4, peer.interface(), NDR32);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[ACCEPTED, NO_SYNTAX], &[ACCEPTED, ACCEPTED]])?;
        works_if_accepted(&peer, &mut link, 4, ack.results()[1]).await?;
        link.call(&peer.call().context(3).call_id(3)).await
    }
}

case! {
    /// Of two elements with the same id one is accepted, and its context works.
    SAME_ID_TWICE { id: "rpc.bind.one-new-context-per-bind/same-id" }
    async fn(peer) {
        let bind = peer.bind_without_contexts().offering(4, peer.interface(), NDR32).offering(4, peer.interface(), NDR32);
        let mut link = peer.connect().await?;
        link.send(bind.encoded()).await?;
        let Some(ack) = link.expect_or::<BindAckPdu>(&[nak([0])]).await? else { return Ok(()) };
        ack.results_among(&[&[ACCEPTED, NO_SYNTAX], &[ACCEPTED, ACCEPTED]])?;
        link.call(&peer.call().context(4)).await
    }
}

const IDS: [(&str, u16); 10] = [
    ("0", 0),
    ("1", 1),
    ("0x00ff", 0x00ff),
    ("0x0100", 0x0100),
    ("0x1234", 0x1234),
    ("0x7fff", 0x7fff),
    ("0x8000", 0x8000),
    ("0xff00", 0xff00),
    ("0xfffe", 0xfffe),
    ("0xffff", 0xffff),
];

case! {
    /// Any context id can be negotiated and used, and no other is then.
    CONTEXT_ID_ARBITRARY { id: "rpc.bind.context-id-arbitrary" }
    for id in IDS;
    async fn(peer) {
        let bind = peer.bind_without_contexts().offering(id, peer.interface(), NDR32);
        let mut link = peer.bound_by(&bind).await?;
        link.call(&peer.call().context(id)).await?;
        link.send(peer.call().context(id ^ 0x0100).call_id(3).encoded()).await?;
        link.answers(&[fault([FaultStatus::UNK_IF]).call(3)], &[fault([FaultStatus::INVALID_PRES_CONTEXT_ID]).call(3), closed()]).await.map(drop)
    }
}

case! {
    /// Connections open at once keep their context ids apart.
    CONTEXT_ID_MANY_CONNECTIONS { id: "rpc.bind.context-id-arbitrary/many-connections" }
    async fn(peer) {
        let mut links = Vec::new();
        for (_, id) in IDS {
            let bind = peer.bind_without_contexts().offering(id, peer.interface(), NDR32);
            links.push((id, peer.bound_by(&bind).await?));
        }
        for (id, link) in links.iter_mut().rev() {
            link.call(&peer.call().context(*id)).await?;
        }
        Ok(())
    }
}

case! {
    /// A bind above 1432 octets is answered in full, or refused as too large.
    LARGE { id: "rpc.bind.large-context-list", needs: [Probe] }
    for contexts in [("40", 40), ("130", 130)];
    async fn(peer) {
        let bind = (1..contexts).fold(peer.bind(), |bind, id| bind.offering(id, SyntaxId::UNKNOWN_INTERFACE, NDR32));
        let mut link = peer.connect().await?;
        link.send(bind.encoded()).await?;
        let Some(ack) = link.expect_or::<BindAckPdu>(&[nak([2, 4]), closed()]).await? else { return Ok(()) };
        ack.results_among(&[&first_of(contexts)])?;
        link.call(&peer.call()).await
    }
}

/// The first of so many contexts accepted, the others not.
fn first_of(contexts: u16) -> Vec<ContextResult> {
    let mut results = vec![NO_INTERFACE; usize::from(contexts)];
    results[0] = ACCEPTED;
    results
}

/// A call on a context is served if the context was accepted, and faults otherwise.
async fn works_if_accepted(
    peer: &Peer,
    link: &mut Link,
    context: u16,
    result: ContextResult,
) -> Result<(), Stop> {
    let call = peer.call().context(context);
    if result.is_accepted() {
        return link.call(&call).await;
    }
    link.send(call.encoded()).await?;
    link.answers(
        &[fault([FaultStatus::UNK_IF]).call(2)],
        &[fault([FaultStatus::INVALID_PRES_CONTEXT_ID]).call(2)],
    )
    .await
    .map(drop)
}

//! `alter_context`.

use kmspec_runner::check::{
    AlterContextRespPdu, FaultPdu, Seen, SeenAck, acks_with, closed, fault,
};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::pdu::{BindAck, ContextResult, FaultStatus, PfcFlags, SyntaxId};

use crate::offer::{
    ACCEPTED, NDR32, NO_INTERFACE, NO_SYNTAX, WHOLE_MPX, WHOLE_MPX_SIGN, WHOLE_SIGN,
    any_protocol_error, filled, needs_alter, offered, protocol_error, takes_ndr64,
};

pub(crate) static ALTER: Suite = Suite::new(
    "alter",
    &[
        &NEW_CONTEXT,
        &NEW_CONTEXT_OTHERS,
        &EMPTY_SECONDARY_ADDRESS,
        &SIZES_AND_GROUP_UNCHANGED,
        &FLAGS,
        &EMPTY_LIST,
        &EMPTY_ELEMENT,
        &UNKNOWN_INTERFACE,
        &KNOWN_CONTEXT_UNUSABLE_SYNTAXES,
        &KNOWN_CONTEXT_UNKNOWN_INTERFACE,
        &KNOWN_CONTEXT_AGAIN,
        &KNOWN_CONTEXT_OTHER_SYNTAX,
    ],
);

/// A transfer syntax that is none: an interface's UUID.
const NOT_A_SYNTAX: SyntaxId = SyntaxId::UNKNOWN_INTERFACE;

case! {
    /// `alter_context` adds a context; the old one stays, and offering the new one again changes nothing.
    NEW_CONTEXT { id: "rpc.alter.new-context" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        if !adds_context_1(&peer, &mut link, 3).await? { return Ok(()) }
        link.call(&peer.call().context(1).call_id(4)).await?;
        link.call(&peer.call().call_id(5)).await?;
        if !adds_context_1(&peer, &mut link, 6).await? { return Ok(()) }
        link.call(&peer.call().context(1).call_id(7)).await
    }
}

case! {
    /// A context that one connection adds is not added to another.
    NEW_CONTEXT_OTHERS { id: "rpc.alter.new-context/other-connection" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let (mut one, mut other) = (peer.bound().await?, peer.bound().await?);
        if !adds_context_1(&peer, &mut one, 3).await? { return Ok(()) }
        other.send(peer.call().context(1).encoded()).await?;
        other.answers(&[fault([FaultStatus::UNK_IF]).call(2)], &[fault([FaultStatus::INVALID_PRES_CONTEXT_ID]).call(2), closed()]).await?;
        one.call(&peer.call().context(1).call_id(4)).await
    }
}

case! {
    /// The secondary address of the answer is empty.
    EMPTY_SECONDARY_ADDRESS { id: "rpc.alter.resp-empty-secondary-address" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let mut link = peer.bound().await?;
        link.send(peer.alter().offering(1, peer.interface(), NDR32).encoded()).await?;
        let resp = link.alter_context_resp().await?;
        let BindAck { secondary_address, .. } = resp.body();
        let port = format!("{}\0", peer.endpoint().address.port());
        resp.field("sec_addr.port_spec", secondary_address).one_of([&b""[..], b"\0", port.as_bytes()])?;
        let start = (26 + secondary_address.len()).next_multiple_of(4);
        resp.field("frag_length", resp.octets().len()).is(start + 4 + ContextResult::LEN)
    }
}

case! {
    /// Sizes and group in `alter_context` are ignored: the connection keeps what the bind agreed on.
    SIZES_AND_GROUP_UNCHANGED { id: "rpc.alter.sizes-and-group-unchanged" }
    for size in [("2048", 2048), ("65535", 65535), ("0", 0), ("5840", 5840)];
    async fn(peer) {
        needs_alter(&peer).await?;
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(4280, 4280)).await?;
        let agreed = ack.body();
        let alter = peer.alter().offering(1, peer.interface(), NDR32).fragments(size, size).group(!agreed.assoc_group_id);
        link.send(alter.encoded()).await?;
        let resp = link.alter_context_resp().await?;
        resp.results_among(&[&[ACCEPTED]])?;
        note_changes(&peer, &agreed, &resp.body());
        link.send(filled(peer.call().context(1).call_id(4), agreed.max_recv_frag).encoded()).await?;
        link.ok_or(4, &[fault([FaultStatus::BAD_STUB_DATA]).call(4)]).await?;
        link.call(&peer.call().call_id(5)).await
    }
}

case! {
    /// Flags of `alter_context` are normalised: neither deficient nor odd ones are copied.
    FLAGS { id: "rpc.alter.flags" }
    for (flags, lawful) in [
        ("0x00", (0x00, vec![PfcFlags::WHOLE])),
        ("0x01", (0x01, vec![PfcFlags::WHOLE])),
        ("0x02", (0x02, vec![PfcFlags::WHOLE])),
        ("0x08", (0x08, vec![PfcFlags::WHOLE])),
        ("0x10", (0x10, vec![PfcFlags::WHOLE, WHOLE_MPX])),
        ("0x20", (0x20, vec![PfcFlags::WHOLE])),
        ("0x40", (0x40, vec![PfcFlags::WHOLE])),
        ("0x80", (0x80, vec![PfcFlags::WHOLE])),
        ("0x04", (0x04, vec![WHOLE_SIGN, PfcFlags::WHOLE])),
        (
            "0xff",
            (0xff, vec![WHOLE_SIGN, PfcFlags::WHOLE, WHOLE_MPX, WHOLE_MPX_SIGN]),
        ),
    ];
    async fn(peer) {
        needs_alter(&peer).await?;
        let mut link = peer.bound().await?;
        link.send(peer.alter().offering(1, peer.interface(), NDR32).flags(PfcFlags(flags)).encoded()).await?;
        let resp = link.alter_context_resp().await?;
        resp.flags_one_of(lawful)?;
        link.call(&peer.call().call_id(4)).await
    }
}

case! {
    /// `alter_context` without contexts is a protocol error.
    EMPTY_LIST { id: "rpc.alter.empty" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.alter().encoded()).await?;
        let Some(error) = link.expect_or::<FaultPdu>(&[closed()]).await? else { return Ok(()) };
        is_protocol_error(&mut link, &error).await
    }
}

case! {
    /// `alter_context` with a context without transfer syntaxes is a protocol error, or rejects the context.
    EMPTY_ELEMENT { id: "rpc.alter.empty/element" }
    for context in [("new-context", 1), ("known-context", 0)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.alter().offering(context, peer.interface(), &[]).encoded()).await?;
        let rejected = acks_with([NO_SYNTAX]).call(3);
        let Some(error) = link.expect_or::<FaultPdu>(&[closed(), rejected]).await? else { return Ok(()) };
        is_protocol_error(&mut link, &error).await
    }
}

case! {
    /// An unknown interface in `alter_context` is rejected in the result, and what was agreed on stays.
    UNKNOWN_INTERFACE { id: "rpc.alter.unknown-interface" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.alter().offering(1, SyntaxId::UNKNOWN_INTERFACE, NDR32).encoded()).await?;
        let Some(resp) = link.expect_or::<AlterContextRespPdu>(&[closed()]).await? else { return Ok(()) };
        resp.call_id_is(3)?;
        resp.results_are(&[NO_INTERFACE])?;
        link.call(&peer.call().call_id(4)).await
    }
}

case! {
    /// A context that is offered again with unusable syntaxes stays as it was.
    KNOWN_CONTEXT_UNUSABLE_SYNTAXES { id: "rpc.alter.known-context-unusable-syntaxes" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let mut link = bound_on_1(&peer).await?;
        link.send(peer.alter().offering(1, peer.interface(), &[SyntaxId::NIL, NOT_A_SYNTAX]).encoded()).await?;
        link.alter_context_resp().await?.results_are(&[NO_SYNTAX])?;
        context_1_works(&peer, &mut link).await
    }
}

case! {
    /// A context that is offered again for an unknown interface stays as it was.
    KNOWN_CONTEXT_UNKNOWN_INTERFACE { id: "rpc.alter.known-context-unusable-syntaxes/unknown-interface" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let mut link = bound_on_1(&peer).await?;
        link.send(peer.alter().offering(1, SyntaxId::UNKNOWN_INTERFACE, NDR32).encoded()).await?;
        let Some(resp) = link.expect_or::<AlterContextRespPdu>(&[any_protocol_error().call(3)]).await? else { return Ok(()) };
        resp.results_are(&[NO_INTERFACE])?;
        context_1_works(&peer, &mut link).await
    }
}

case! {
    /// A context that is offered again as it is stays, and so do all others.
    KNOWN_CONTEXT_AGAIN { id: "rpc.alter.new-context/known-context-again" }
    for again in [("first", 0), ("second", 1)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        if !adds_context_1(&peer, &mut link, 3).await? {
            return Ok(());
        }
        link.send(peer.alter().offering(again, peer.interface(), NDR32).call_id(4).encoded()).await?;
        link.alter_context_resp().await?.results_among(&[&[ACCEPTED]])?;
        for context in [0, 1] {
            link.call(&peer.call().context(context).call_id(5 + u32::from(context))).await?;
        }
        Ok(())
    }
}

case! {
    /// A context cannot be given another transfer syntax.
    KNOWN_CONTEXT_OTHER_SYNTAX { id: "rpc.alter.known-context-other-syntax" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let expected = if takes_ndr64(&peer).await? { protocol_error() } else { acks_with([NO_SYNTAX]) };
        let mut link = bound_on_1(&peer).await?;
        let syntaxes = [SyntaxId::NIL, SyntaxId::UNASSIGNED, SyntaxId::NDR64];
        link.send(peer.alter().offering(1, peer.interface(), &syntaxes).encoded()).await?;
        link.answers(&[expected.call(3)], &[]).await.map(drop)
    }
}

/// Offers context 1 and checks the answer; false if the target has one context to a connection, which is noted.
async fn adds_context_1(peer: &Peer, link: &mut Link, call_id: u32) -> Result<bool, Stop> {
    let alter = peer
        .alter()
        .offering(1, peer.interface(), NDR32)
        .call_id(call_id);
    link.send(alter.encoded()).await?;
    let Some(resp) = link.expect_or::<AlterContextRespPdu>(&[closed()]).await? else {
        return Ok(false);
    };
    resp.flags_are(PfcFlags::WHOLE)?;
    resp.call_id_is(call_id)?;
    resp.results_among(&[&[ACCEPTED], &[NO_SYNTAX]])?;
    Ok(resp.results().iter().all(ContextResult::is_accepted))
}

async fn bound_on_1(peer: &Peer) -> Result<Link, Stop> {
    peer.bound_by(
        &peer
            .bind_without_contexts()
            .offering(1, peer.interface(), NDR32),
    )
    .await
}

/// Context 1 is there: it knows which operations there are not, and serves the one there is.
async fn context_1_works(peer: &Peer, link: &mut Link) -> Result<(), Stop> {
    link.send(peer.call().context(1).opnum(0xffff).call_id(4).encoded())
        .await?;
    let fault = link.fault().await?;
    fault.call_id_is(4)?;
    fault
        .field("status", fault.body().status)
        .is(FaultStatus::OP_RNG_ERROR)?;
    link.call(&peer.call().context(1).call_id(5)).await
}

/// The fault of a PDU that breaks the protocol, to the last field, and the end of the connection.
async fn is_protocol_error(link: &mut Link, error: &Seen<FaultPdu>) -> Result<(), Stop> {
    let body = error.body();
    error.flags_are(PfcFlags::WHOLE | PfcFlags::DID_NOT_EXECUTE)?;
    error.call_id_is(3)?;
    error
        .field("status", body.status)
        .is(FaultStatus::PROTO_ERROR)?;
    error.field("p_cont_id", body.context_id.0).is(0)?;
    error.field("alloc_hint", body.alloc_hint).is_not(0)?;
    link.closes().await
}

fn note_changes(peer: &Peer, agreed: &BindAck<'_>, answered: &BindAck<'_>) {
    let fields = |ack: &BindAck<'_>| (ack.max_xmit_frag, ack.max_recv_frag, ack.assoc_group_id);
    let (wanted, got) = (fields(agreed), fields(answered));
    if wanted != got {
        peer.record().note(format!(
            "tolerated: sizes and group {got:?} in place of {wanted:?}"
        ));
    }
}

//! Data representation.

use kmspec_runner::check::{
    AnyPdu, BindAckPdu, Field, Got, Seen, SeenAck, acks, closed, nak, responds,
};
use kmspec_runner::{Link, Peer, Stop, case};
use kmspec_wire::codec::{ByteOrder, Writer};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, Drep, PfcFlags, RequestBuilder, SyntaxId};

use super::replies::{Drawn, draw};
use crate::offer::{ACCEPTED, any_protocol_error, protocol_error, reply};

/// How long a target may take to free a connection on which it waits for octets that never come: it has read a length
/// in another byte order than the tester wrote. In units of the wait for an answer: 40 s by default.
const IDLE: u32 = 8;

case! {
    /// The data representation of a reply is the one it is written in.
    REPLY_DREP_NOT_ECHOED { id: "rpc.header.reply-drep-not-echoed" }
    for kind in Drawn::TABLE;
    async fn(peer) {
        let (_, replies) = draw(&peer, kind).await?;
        replies.iter().try_for_each(is_as_labelled)
    }
}

case! {
    /// Odd octets in the data representation of a request are not copied into the reply.
    REPLY_DREP_OF_ODD_REQUESTS { id: "rpc.header.reply-drep-not-echoed/odd-request" }
    for drep in [
        ("reserved", [0x10, 0, 0, 1]),
        ("ebcdic", [0x11, 0, 0, 0]),
        ("all-ones-but-order", [0x1f, 0xff, 0xff, 0xff]),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().drep(Drep(drep)).encoded()).await?;
        let Some(octets) = reply(&mut link).await? else { return Ok(()) };
        Field::derived("packed_drep", Drep([octets[4], octets[5], octets[6], octets[7]])).is(Drep::LITTLE_ENDIAN)
    }
}

case! {
    /// A big-endian bind is understood, and so is a big-endian call behind it.
    BIG_ENDIAN_BIND { id: "rpc.header.drep-big-endian-bind" }
    for (context, call_id) in [("plain", (0, 1)), ("numbers-that-show-their-order", (0x0102, 0x0102_0304))];
    async fn(peer) {
        let Some(mut link) = bound_big_endian(&peer, context, call_id).await? else { return Ok(()) };
        let call = big_endian_call(&peer)?.context(context).call_id(call_id);
        link.call(&call).await
    }
}

case! {
    /// Each PDU has a byte order of its own: a little-endian call follows a big-endian bind.
    BIG_ENDIAN_BIND_THEN_LITTLE { id: "rpc.header.drep-big-endian-bind/then-little-endian" }
    async fn(peer) {
        let Some(mut link) = bound_big_endian(&peer, 0x0102, 0x0102_0304).await? else { return Ok(()) };
        link.call(&peer.call().context(0x0102)).await
    }
}

case! {
    /// A big-endian request on a little-endian connection is understood.
    BIG_ENDIAN_REQUEST { id: "rpc.header.drep-big-endian-request" }
    for (call_id, context) in [("plain", (2, 0)), ("numbers-that-show-their-order", (0x0102_0304, 0x0102))];
    async fn(peer) {
        let bind = peer.bind_without_contexts().offering(context, peer.interface(), &[SyntaxId::NDR32]);
        let mut link = peer.bound_by(&bind).await?;
        link.send(big_endian_call(&peer)?.context(context).call_id(call_id).encoded()).await?;
        if !stirs(&mut link).await? { return Ok(()) }
        let Some(response) = link.ok_or(call_id, &[any_protocol_error().call(call_id), closed()]).await? else { return Ok(()) };
        response.field("packed_drep", response.header().drep).is(Drep::LITTLE_ENDIAN)
    }
}

case! {
    /// A bind in an unusual data representation is refused, or understood for what it is.
    UNUSUAL_FORMATS_BIND { id: "rpc.header.drep-unusual-formats/bind" }
    for drep in UNUSUAL;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().drep(Drep(drep)).encoded()).await?;
        if !stirs(&mut link).await? { return Ok(()) }
        is_little_endian(&link.answers(&[nak([4]).call(1).closes()], &[acks().call(1), closed()]).await?)
    }
}

case! {
    /// A request in an unusual data representation is a protocol error, or understood for what it is.
    UNUSUAL_FORMATS_REQUEST { id: "rpc.header.drep-unusual-formats/request" }
    for drep in UNUSUAL;
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().drep(Drep(drep)).encoded()).await?;
        if !stirs(&mut link).await? { return Ok(()) }
        is_little_endian(&link.answers(&[protocol_error().call(2)], &[responds().call(2), closed()]).await?)
    }
}

const UNUSUAL: [(&str, [u8; 4]); 7] = [
    ("ebcdic", [0x11, 0, 0, 0]),
    ("vax", [0x10, 1, 0, 0]),
    ("cray", [0x10, 2, 0, 0]),
    ("ibm", [0x10, 3, 0, 0]),
    ("reserved-1", [0x10, 0, 1, 0]),
    ("reserved-2", [0x10, 0, 0, 1]),
    ("undefined-integers", [0x20, 0, 0, 0]),
];

/// A reply labelled big-endian is lawful if it is: then its lengths and call id were found where that order has them.
fn is_as_labelled(reply: &Seen<AnyPdu>) -> Result<(), Stop> {
    let drep = reply.header().drep;
    reply
        .field("packed_drep", drep)
        .one_of([Drep::LITTLE_ENDIAN, Drep::BIG_ENDIAN])?;
    reply
        .field("call_id", reply.header().call_id.0)
        .within(1..=3)
}

/// If a PDU came, it calls itself little-endian.
fn is_little_endian(got: &Got) -> Result<(), Stop> {
    let Some([_, _, _, _, a, b, c, d, ..]) = got.octets.as_deref() else {
        return Ok(());
    };
    Field::derived("packed_drep", Drep([*a, *b, *c, *d])).is(Drep::LITTLE_ENDIAN)
}

/// A connection bound in big-endian; `None` if the target does without, as it may.
async fn bound_big_endian(peer: &Peer, context: u16, call_id: u32) -> Result<Option<Link>, Stop> {
    let bind = peer
        .bind_without_contexts()
        .offering(context, peer.interface(), &[SyntaxId::NDR32])
        .drep(Drep::BIG_ENDIAN)
        .call_id(call_id);
    let mut link = peer.connect().await?;
    link.send(bind.encoded()).await?;
    if !stirs(&mut link).await? {
        return Ok(None);
    }
    let Some(ack) = link.expect_or::<BindAckPdu>(&[nak([4]), closed()]).await? else {
        return Ok(None);
    };
    ack.call_id_is(call_id)?;
    ack.flags_are(PfcFlags::WHOLE)?;
    ack.field("packed_drep", ack.header().drep)
        .is(Drep::LITTLE_ENDIAN)?;
    ack.field("max_xmit_frag", ack.body().max_xmit_frag)
        .within(1432..=BindBuilder::WINDOWS_FRAGMENT)?;
    ack.results_among(&[&[ACCEPTED]])?;
    Ok(Some(link))
}

/// `STD_CALL` in big-endian, its stub too.
fn big_endian_call(peer: &Peer) -> Result<RequestBuilder, Stop> {
    let call = peer.call().drep(Drep::BIG_ENDIAN);
    if call.stub.is_empty() {
        return Ok(call);
    }
    if !peer.endpoint().call.is_kms() {
        return Err(Stop::Skip("the stub given is little-endian".to_owned()));
    }
    let message = peer.seal(&peer.request(Version::V6)).message;
    let mut stub = Vec::new();
    let mut writer = Writer::new(&mut stub).with_order(ByteOrder::Big);
    RequestStub::new(&message).encode(TransferSyntax::Ndr32, &mut writer);
    Ok(RequestBuilder { stub, ..call })
}

/// Whether the target answers in time. One that waits for octets it will never get, because it has read a length in
/// another byte order, may do so until its idle limit ends the connection, which is noted.
async fn stirs(link: &mut Link) -> Result<bool, Stop> {
    let limit = link.peer().endpoint().timing.answer;
    if link.stirs_within(limit).await {
        return Ok(true);
    }
    if !link.stirs_within(limit * IDLE).await {
        return Err(Stop::fail(
            "answer",
            "an answer, or the end of an idle connection",
            "silence",
        ));
    }
    link.peer()
        .record()
        .note("tolerated: the connection ended for idleness");
    link.closes().await.map(|()| false)
}

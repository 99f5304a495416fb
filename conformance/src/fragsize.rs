//! Fragment sizes.

use kmspec_runner::check::{BindAckPdu, Seen, fault, nak};
use kmspec_runner::{Link, Stop, Suite, case};
use kmspec_wire::pdu::{FaultStatus, PfcFlags};

use crate::offer::{filled, offered};

pub(crate) static FRAGSIZE: Suite = Suite::new(
    "fragsize",
    &[
        &PLAIN,
        &CAP,
        &BOTH_EQUAL,
        &FLOOR,
        &HOST_KEEPS_OWN_LIMIT,
        &RESPONSE_WITHIN_LIMIT,
        &SIZES_OF_OTHERS,
    ],
);

/// Every implementation receives fragments of this size. Source: C706 table K-2.
const MUST_RECV: u16 = 1432;

case! {
    /// Offered sizes that suit the transport are taken over.
    PLAIN { id: "rpc.fragsize.plain" }
    for offer in [("5840", 5840), ("4280", 4280), ("5832", 5832), ("2048", 2048)];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(offer, offer)).await?;
        ack.field("max_xmit_frag", ack.body().max_xmit_frag).within(MUST_RECV..=offer)?;
        ack.field("max_recv_frag", ack.body().max_recv_frag).within(MUST_RECV..=offer)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Larger offers are cut to what the host can take, and what it says it takes it does take.
    CAP { id: "rpc.fragsize.cap" }
    for offer in [("65535", 65535), ("32768", 32768), ("32767", 32767), ("5841", 5841)];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(offer, offer)).await?;
        ack.field("max_xmit_frag", ack.body().max_xmit_frag).within(MUST_RECV..=offer)?;
        ack.field("max_recv_frag", ack.body().max_recv_frag).within(MUST_RECV..=offer)?;
        link.send(filled(peer.call(), ack.body().max_recv_frag).encoded()).await?;
        link.ok_or(2, &[fault([FaultStatus::BAD_STUB_DATA]).call(2)]).await.map(drop)
    }
}

case! {
    /// The smaller of the two offers stands in both fields, in multiples of 8; or each direction keeps to its own.
    BOTH_EQUAL { id: "rpc.fragsize.both-equal" }
    for (max_xmit, max_recv) in [
        ("3199-65535", (3199, 65535)),
        ("65535-3199", (65535, 3199)),
        ("4281-4281", (4281, 4281)),
        ("2049-2049", (2049, 2049)),
        ("2048-5840", (2048, 5840)),
        ("5840-2048", (5840, 2048)),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(max_xmit, max_recv)).await?;
        ack.field("max_xmit_frag", ack.body().max_xmit_frag).within(MUST_RECV..=max_recv)?;
        ack.field("max_recv_frag", ack.body().max_recv_frag).within(MUST_RECV..=max_xmit)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Too small offers are raised to 2048 in both fields; or refused, if they are below what everybody must receive.
    FLOOR { id: "rpc.fragsize.floor" }
    for (max_xmit, max_recv) in [
        ("0-0", (0, 0)),
        ("0-65535", (0, 65535)),
        ("65535-0", (65535, 0)),
        ("3199-0", (3199, 0)),
        ("0-3199", (0, 3199)),
        ("1-1", (1, 1)),
        ("1431-1431", (1431, 1431)),
        ("1432-1432", (1432, 1432)),
        ("2047-2047", (2047, 2047)),
    ];
    async fn(peer) {
        let smaller = max_xmit.min(max_recv);
        let mut link = peer.connect().await?;
        link.send(peer.bind().fragments(max_xmit, max_recv).encoded()).await?;
        let refused = (smaller < MUST_RECV).then(|| nak([0, 2]));
        let Some(ack) = link.expect_or::<BindAckPdu>(refused.as_slice()).await? else { return Ok(()) };
        raised(&ack, smaller)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// A host receives fragments of the size it announced, and of one octet less.
    HOST_KEEPS_OWN_LIMIT { id: "rpc.fragsize.host-keeps-own-limit" }
    for (offer, less) in [
        ("5840", (5840, 0)),
        ("5840-less-1", (5840, 1)),
        ("4280", (4280, 0)),
        ("2048", (2048, 0)),
        ("65535", (65535, 0)),
        ("1432", (1432, 0)),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(offer, offer)).await?;
        let frag_length = ack.body().max_recv_frag.saturating_sub(less);
        ack.field("max_recv_frag", frag_length).within(MUST_RECV - 1..)?;
        link.send(filled(peer.call(), frag_length).encoded()).await?;
        link.ok_or(2, &[fault([FaultStatus::BAD_STUB_DATA]).call(2)]).await?;
        link.call(&peer.call().call_id(3)).await
    }
}

case! {
    /// No fragment of a response is larger than what was agreed on.
    RESPONSE_WITHIN_LIMIT { id: "rpc.fragsize.response-within-limit" }
    for (max_xmit, max_recv) in [
        ("1432", (1432, 1432)),
        ("2048", (2048, 2048)),
        ("5840-2048", (5840, 2048)),
        ("5840", (5840, 5840)),
        ("65535", (65535, 65535)),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(max_xmit, max_recv)).await?;
        link.send(peer.call().encoded()).await?;
        response_within(&mut link, ack.body().max_xmit_frag).await
    }
}

case! {
    /// Sizes belong to a connection: what others agreed on at the same time does not change them.
    SIZES_OF_OTHERS { id: "rpc.fragsize.plain/side-by-side" }
    async fn(peer) {
        let (mut small, first) = offered(&peer, &peer.bind().fragments(2048, 2048)).await?;
        let (mut large, second) = offered(&peer, &peer.bind().fragments(5840, 5840)).await?;
        first.field("max_recv_frag", first.body().max_recv_frag).within(MUST_RECV..=2048)?;
        second.field("max_recv_frag", second.body().max_recv_frag).within(MUST_RECV..=5840)?;
        small.call(&peer.call()).await?;
        large.send(filled(peer.call(), second.body().max_recv_frag).encoded()).await?;
        large.ok_or(2, &[fault([FaultStatus::BAD_STUB_DATA]).call(2)]).await?;
        small.call(&peer.call().call_id(3)).await
    }
}

/// Both fields are 2048; 1432 will do for an offer of 1432.
fn raised(ack: &Seen<BindAckPdu>, offer: u16) -> Result<(), Stop> {
    let tolerated = offer.max(MUST_RECV);
    ack.field("max_xmit_frag", ack.body().max_xmit_frag)
        .one_of([2048, tolerated])?;
    ack.field("max_recv_frag", ack.body().max_recv_frag)
        .one_of([2048, tolerated])
}

/// Each fragment of the response, up to the last, has at most `limit` octets.
async fn response_within(link: &mut Link, limit: u16) -> Result<(), Stop> {
    loop {
        let part = link.response().await?;
        part.call_id_is(2)?;
        part.field("frag_length", part.octets().len())
            .within(24..=usize::from(limit))?;
        if part.header().pfc_flags.has(PfcFlags::LAST_FRAG) {
            return Ok(());
        }
    }
}

//! Lengths: `frag_length` and `auth_length`, honest and not.

use kmspec_runner::check::{Answer, Field, closed, fault, nak, responds, silent};
use kmspec_runner::{Link, Stop, case};
use kmspec_wire::pdu::{AuthVerifier, Encoded, FaultStatus, Pdu};

use super::replies::{Drawn, draw};
use crate::offer::{any_protocol_error, filled, nothing_follows, offered, reply};

case! {
    /// `frag_length` is the PDU's length: all structures fit in it, and no stray octets follow.
    FRAG_LENGTH_EXACT { id: "rpc.header.frag-length-exact" }
    for kind in Drawn::TABLE;
    async fn(peer) {
        let (mut link, replies) = draw(&peer, kind).await?;
        for reply in replies {
            reply.field("frag_length", reply.octets().len()).within(16..=5840)?;
        }
        ends_there(&mut link, kind).await
    }
}

case! {
    /// `auth_length` is 0 where no authentication was negotiated.
    AUTH_LENGTH_ZERO { id: "rpc.header.auth-length-zero-without-auth" }
    for kind in Drawn::TABLE;
    async fn(peer) {
        let (_, replies) = draw(&peer, kind).await?;
        replies.iter().try_for_each(|reply| reply.field("auth_length", auth_length(reply.octets())).is(0))
    }
}

case! {
    /// The reply to a bind with a security trailer has `auth_length` 0, or really ends in a trailer of its own.
    AUTH_LENGTH_NOT_ECHOED { id: "rpc.header.auth-length-zero-without-auth/asked-with-trailer" }
    for (auth_type, level) in [
        ("none-none", (0, 1)),
        ("none-connect", (0, 2)),
        ("spnego-connect", (9, 2)),
        ("ntlm-connect", (10, 2)),
        ("ntlm-privacy", (10, 6)),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().with_auth(Some(trailer(auth_type, level)))).await?;
        let Some(octets) = reply(&mut link).await? else { return Ok(()) };
        has_the_trailer_it_claims(&octets)
    }
}

case! {
    /// A `frag_length` that leaves no room for a bind's body ends the connection.
    TOO_SMALL_BIND { id: "rpc.header.frag-length-too-small/bind", needs: [Probe] }
    for frag_length in TOO_SMALL;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(claiming(peer.bind().encoded(), frag_length)).await?;
        link.answers(&[closed()], &refused()).await.map(drop)
    }
}

case! {
    /// A `frag_length` that leaves no room for a request's body ends the connection.
    TOO_SMALL_REQUEST { id: "rpc.header.frag-length-too-small/request", needs: [Probe] }
    for frag_length in TOO_SMALL;
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(claiming(peer.call().encoded(), frag_length)).await?;
        link.answers(&[closed()], &refused()).await.map(drop)
    }
}

case! {
    /// A request shorter than its fixed part is refused.
    SHORTER_THAN_FIXED_PART { id: "rpc.header.request-shorter-than-24", needs: [Probe] }
    for len in [("17", 17), ("18", 18), ("19", 19), ("20", 20), ("21", 21), ("22", 22), ("23", 23)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(cut(peer.call().encoded(), len)).await?;
        link.answers(&[closed()], &short()).await.map(drop)
    }
}

case! {
    /// A request shorter than its fixed part is refused even where an earlier call has left its octets in a buffer.
    SHORTER_AFTER_A_CALL { id: "rpc.header.request-shorter-than-24/after-a-call", needs: [Probe] }
    for len in [("20", 20), ("23", 23)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.call(&peer.call()).await?;
        link.send(cut(peer.call().call_id(3).encoded(), len)).await?;
        link.answers(&[closed()], &short()).await.map(drop)
    }
}

case! {
    /// A request is not processed before all octets its `frag_length` announces have come.
    LARGER_THAN_SENT { id: "rpc.header.frag-length-larger-than-sent", needs: [Probe] }
    for more in [("1-more", Some(1)), ("8-more", Some(8)), ("64-more", Some(64)), ("65535", None)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(announcing(peer.call().encoded(), more)).await?;
        waits_and_closes(&mut link).await
    }
}

case! {
    /// A bind is not processed before all octets its `frag_length` announces have come.
    LARGER_THAN_SENT_BIND { id: "rpc.header.frag-length-larger-than-sent/bind", needs: [Probe] }
    for more in [("1-more", Some(1)), ("44-more", Some(44)), ("65535", None)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(announcing(peer.bind().encoded(), more)).await?;
        waits_and_closes(&mut link).await
    }
}

case! {
    /// A request of which octets are missing is processed when they come.
    LARGER_THAN_SENT_COMPLETED { id: "rpc.header.frag-length-larger-than-sent/completed" }
    for missing in [("1-missing", 1), ("100-missing", 100)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let request = peer.call().encoded();
        let (start, rest) = request.bytes.split_at(request.bytes.len().saturating_sub(missing).max(16));
        link.send(start).await?;
        link.silent().await?;
        link.send(rest).await?;
        link.ok_response(2).await.map(drop)
    }
}

case! {
    /// A request fragment above the transport's 5840 octets is a protocol error, unless the host said it takes more.
    OVER_TRANSPORT_LIMIT { id: "rpc.header.request-over-transport-limit", needs: [Probe] }
    for (offer, frag_length) in [
        ("5841", (5840, 5841)),
        ("5841-after-2048", (2048, 5841)),
        ("5841-after-65535", (0xffff, 5841)),
        ("8192", (5840, 8192)),
        ("32768", (5840, 32768)),
        ("65535", (0xffff, 0xffff)),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().fragments(offer, offer)).await?;
        link.send(filled(peer.call(), frag_length).encoded()).await?;
        let expected = fault([FaultStatus::PROTO_ERROR]).flags(0x03).context(0).call(2).closes();
        let announced = (ack.body().max_recv_frag >= frag_length).then_some(responds().call(2));
        let tolerated: Vec<Answer> = [closed()].into_iter().chain(announced).collect();
        link.answers(&[expected], &tolerated).await.map(drop)
    }
}

case! {
    /// A request fragment above the negotiated size but within the transport's is served, or a protocol error.
    OVER_NEGOTIATED_SIZE { id: "rpc.header.request-over-negotiated-size" }
    for frag_length in [("2049", 2049), ("4000", 4000), ("5840", 5840)];
    async fn(peer) {
        let (mut link, _) = offered(&peer, &peer.bind().fragments(2048, 2048)).await?;
        link.send(filled(peer.call(), frag_length).encoded()).await?;
        link.ok_or(2, &[any_protocol_error().call(2), closed()]).await.map(drop)
    }
}

const TOO_SMALL: [(&str, u16); 7] = [
    ("0", 0),
    ("1", 1),
    ("8", 8),
    ("9", 9),
    ("10", 10),
    ("15", 15),
    ("16", 16),
];

/// What is tolerated instead of closing at once on a PDU without room for its body.
fn refused() -> [Answer; 2] {
    [nak([0, 4]).closes(), any_protocol_error()]
}

/// What is tolerated instead of closing at once on a short request.
fn short() -> [Answer; 1] {
    [fault([FaultStatus::PROTO_ERROR, FaultStatus::BAD_STUB_DATA]).closes()]
}

/// The target waits for what is missing, and closes without an answer when the tester sends no more; it may refuse at
/// once what is longer than it takes.
async fn waits_and_closes(link: &mut Link) -> Result<(), Stop> {
    let got = link.answers(&[silent()], &[any_protocol_error()]).await?;
    if got.octets.is_some() {
        return Ok(());
    }
    link.half_close().await?;
    link.closes().await
}

fn claiming(mut pdu: Encoded, frag_length: u16) -> Encoded {
    pdu.overwrite("frag_length", &frag_length.to_le_bytes());
    pdu
}

/// A PDU that announces this many octets more than it has; `None` for as many as can be announced.
fn announcing(pdu: Encoded, more: Option<usize>) -> Encoded {
    let len = more.map_or(usize::from(u16::MAX), |more| pdu.bytes.len() + more);
    claiming(pdu, u16::try_from(len).unwrap_or(u16::MAX))
}

fn cut(mut pdu: Encoded, len: usize) -> Encoded {
    pdu.cut(len);
    pdu
}

fn trailer(auth_type: u8, auth_level: u8) -> AuthVerifier<'static> {
    AuthVerifier {
        padding: &[],
        auth_type,
        auth_level,
        reserved: 0,
        auth_context_id: 1,
        token: b"NTLMSSP\0\x01\0\0\0\x07\x82\x08\xa2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    }
}

fn auth_length(octets: &[u8]) -> u16 {
    u16::from_le_bytes([octets[10], octets[11]])
}

/// No octet follows the last reply; behind a `bind_nak` the connection may end.
async fn ends_there(link: &mut Link, last: Drawn) -> Result<(), Stop> {
    if last != Drawn::BindNak {
        return nothing_follows(link).await;
    }
    link.answers(&[closed()], &[silent()]).await?;
    Field::derived("stray octets", link.unfinished().len()).is(0)
}

fn has_the_trailer_it_claims(octets: &[u8]) -> Result<(), Stop> {
    let whole = Pdu::decode(octets);
    Field::derived("auth_length", auth_length(octets))
        .satisfies("0, or that of a trailer that is there", |_| whole.is_ok())
}

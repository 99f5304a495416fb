//! The byte stream below the PDUs.

use std::time::{Duration, Instant};

use kmspec_runner::check::{Field, Got, acks, closed, responds};
use kmspec_runner::peer::{Arrival, Ending};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::pdu::PfcFlags;

use crate::fragment::{long_call, piece};
use crate::request::together;

pub(crate) static STREAM: Suite = Suite::new(
    "stream",
    &[
        &OCTET_BY_OCTET,
        &OCTET_BY_OCTET_FRAGMENTS,
        &HEADER_THEN_BODY_BIND,
        &HEADER_THEN_BODY_REQUEST,
        &BIND_AND_REQUEST_TOGETHER,
        &BIND_AND_REQUEST_ODDLY_CUT,
        &SPLIT_ACROSS_PDUS,
        &HALF_CLOSE_AFTER_REQUEST,
        &HALF_CLOSE_AFTER_BIND,
        &CLOSE_INSIDE_PDU,
        &IDLE_UNBOUND,
        &IDLE_BOUND,
        &SLOW_SENDER_DOES_NOT_BLOCK,
        &SLOW_SENDER_INSIDE_REQUESTS,
    ],
);

case! {
    /// Delivery in single octets gives the same result as in one piece.
    OCTET_BY_OCTET { id: "rpc.stream.octet-by-octet", needs: [Time] }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send_apart(peer.bind().encoded().bytes.chunks(1), PAUSE).await?;
        accepted(&mut link).await?;
        link.send_apart(peer.call().encoded().bytes.chunks(1), PAUSE).await?;
        link.ok_response(2).await.map(drop)
    }
}

case! {
    /// Fragments whose segments are cut without regard to them are reassembled all the same.
    OCTET_BY_OCTET_FRAGMENTS { id: "rpc.stream.octet-by-octet/fragments" }
    for segment in [("7-octets", 7), ("25-octets", 25), ("31-octets", 31)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        let pieces = [piece(&call, 0x01, 0..8), piece(&call, 0x00, 8..9), piece(&call, 0x02, 9..call.stub.len())];
        link.send_apart(together(&pieces).chunks(segment), PAUSE).await?;
        link.ok_response(2).await.map(drop)
    }
}

case! {
    /// A bind in two segments: nothing is answered between them, and the whole as if it had come in one.
    HEADER_THEN_BODY_BIND { id: "rpc.stream.header-then-body/bind" }
    for cut in [("1", 1), ("9", 9), ("10", 10), ("15", 15), ("16", 16), ("17", 17), ("28", 28), ("71", 71)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        let bind = peer.bind().encoded().bytes;
        link.send(&bind[..cut]).await?;
        link.silent().await?;
        link.send(&bind[cut..]).await?;
        accepted(&mut link).await
    }
}

case! {
    /// A request in two segments: nothing is answered between them, and the whole as if it had come in one.
    HEADER_THEN_BODY_REQUEST { id: "rpc.stream.header-then-body/request" }
    for cut in [
        ("1", (|_| 1) as fn(usize) -> usize),
        ("9", |_| 9),
        ("15", |_| 15),
        ("16", |_| 16),
        ("23", |_| 23),
        ("one-less", |end| end - 1),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = peer.call().encoded().bytes;
        let cut = cut(call.len());
        link.send(&call[..cut]).await?;
        link.silent().await?;
        link.send(&call[cut..]).await?;
        link.ok_response(2).await.map(drop)
    }
}

case! {
    /// bind and first request in one segment are both answered.
    BIND_AND_REQUEST_TOGETHER { id: "rpc.stream.bind-and-request-together" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send([peer.bind().encoded().bytes, peer.call().encoded().bytes].concat()).await?;
        accepted(&mut link).await?;
        link.ok_or(2, &[closed()]).await.map(drop)
    }
}

case! {
    /// bind and first request in two segments that are cut inside one or the other are both answered.
    BIND_AND_REQUEST_ODDLY_CUT { id: "rpc.stream.bind-and-request-together/cut" }
    for cut in [("inside-bind", 40), ("inside-header", 72 + 7), ("inside-stub", 72 + 30)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        let octets = [peer.bind().encoded().bytes, long_call(&peer).encoded().bytes].concat();
        link.send_apart([&octets[..cut], &octets[cut..]], PAUSE).await?;
        accepted(&mut link).await?;
        link.ok_or(2, &[closed()]).await.map(drop)
    }
}

case! {
    /// A segment that ends inside the next PDU: the first is answered at once, the next when it is whole.
    SPLIT_ACROSS_PDUS { id: "rpc.stream.split-across-pdus" }
    for cut in [("1", 1), ("9", 9), ("16", 16), ("20", 20), ("24", 24)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let next = long_call(&peer).call_id(3).encoded().bytes;
        link.send([&peer.call().encoded().bytes, &next[..cut]].concat()).await?;
        link.ok_response(2).await?;
        link.send(&next[cut..]).await?;
        link.ok_or(3, &[closed()]).await.map(drop)
    }
}

case! {
    /// A client that shuts down its sending side behind a request still gets the response, then the end.
    HALF_CLOSE_AFTER_REQUEST { id: "rpc.stream.half-close/request" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().encoded()).await?;
        link.half_close().await?;
        ends_in_order(&link.answers(&[responds().call(2).closes()], &[closed()]).await?)
    }
}

case! {
    /// A client that shuts down its sending side behind a bind still gets the bind_ack, then the end.
    HALF_CLOSE_AFTER_BIND { id: "rpc.stream.half-close/bind" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().encoded()).await?;
        link.half_close().await?;
        ends_in_order(&link.answers(&[acks().call(1).closes()], &[closed()]).await?)
    }
}

case! {
    /// Clients that disappear inside a PDU, in order or by reset, do no harm.
    CLOSE_INSIDE_PDU { id: "rpc.stream.close-inside-pdu", needs: [Probe] }
    for leave in [
        ("close-inside-bind", (|peer| Box::pin(closes_inside_bind(peer))) as Leave),
        ("reset-inside-request", |peer| Box::pin(resets_inside_request(peer))),
        ("half-close-inside-request", |peer| Box::pin(half_closes_inside_request(peer))),
        ("reset-with-answer-unread", |peer| Box::pin(resets_before_the_answer(peer))),
    ];
    async fn(peer) {
        peer.in_parallel(20, 4, |peer, _| leave(peer)).await?;
        peer.fresh().await
    }
}

case! {
    /// A connection on which nothing was ever sent is told nothing, and can be bound after a while or has ended.
    IDLE_UNBOUND { id: "rpc.stream.idle/unbound", needs: [Time] }
    async fn(peer) {
        let mut link = peer.connect().await?;
        if ended_while_idle(&mut link).await? {
            return Ok(());
        }
        link.send(peer.bind().encoded()).await?;
        link.answers(&[acks().call(1)], &[closed()]).await.map(drop)
    }
}

case! {
    /// A bound connection that stays idle is told nothing, and takes a call after a while or has ended.
    IDLE_BOUND { id: "rpc.stream.idle/bound", needs: [Time] }
    async fn(peer) {
        let mut link = peer.bound().await?;
        if ended_while_idle(&mut link).await? {
            return Ok(());
        }
        link.call_or_closed(&peer.call()).await
    }
}

case! {
    /// Connections stuck inside a bind do not block others.
    SLOW_SENDER_DOES_NOT_BLOCK { id: "rpc.stream.slow-sender-does-not-block" }
    async fn(peer) {
        let mut stuck = Vec::new();
        for _ in 0..10 {
            let mut link = peer.connect().await?;
            link.send(&peer.bind().encoded().bytes[..8]).await?;
            stuck.push(link);
        }
        peer.fresh().await?;
        peer.in_parallel(20, 20, |peer, _| async move { peer.fresh().await }).await?;
        stuck.pop().map_or(Ok(()), Link::reset)
    }
}

case! {
    /// Connections stuck inside a request or between its fragments do not block others, and are answered when the rest
    /// comes.
    SLOW_SENDER_INSIDE_REQUESTS { id: "rpc.stream.slow-sender-does-not-block/inside-requests" }
    async fn(peer) {
        let (mut inside, mut between) = (peer.bound().await?, peer.bound().await?);
        let call = long_call(&peer);
        let octets = call.encoded().bytes;
        inside.send(&octets[..30]).await?;
        between.send(piece(&call, PfcFlags::FIRST_FRAG.0, 0..8).encoded()).await?;
        peer.in_parallel(20, 20, |peer, _| async move { peer.fresh().await }).await?;
        inside.send(&octets[30..]).await?;
        inside.ok_response(2).await?;
        between.send(piece(&call, PfcFlags::LAST_FRAG.0, 8..call.stub.len()).encoded()).await?;
        between.ok_response(2).await.map(drop)
    }
}

/// Between segments, long enough for the target to read each by itself.
const PAUSE: Duration = Duration::from_millis(2);

/// How long a target must keep a connection that says nothing.
const LEAST_IDLE: Duration = Duration::from_secs(5);

type Leave = fn(Peer) -> std::pin::Pin<Box<dyn Future<Output = Result<(), Stop>> + Send>>;

/// A `bind_ack` that accepts the first context.
async fn accepted(link: &mut Link) -> Result<(), Stop> {
    let ack = link.bind_ack().await?;
    ack.call_id_is(1)?;
    ack.field("result[0]", ack.body().results.get(0))
        .satisfies("an accepted context", |result| {
            result.is_some_and(|result| result.is_accepted())
        })
}

async fn closes_inside_bind(peer: Peer) -> Result<(), Stop> {
    let mut link = peer.connect().await?;
    link.send(&peer.bind().encoded().bytes[..8]).await
}

async fn resets_inside_request(peer: Peer) -> Result<(), Stop> {
    let mut link = peer.bound().await?;
    let octets = long_call(&peer).encoded().bytes;
    link.send(&octets[..octets.len().min(100) - 1]).await?;
    link.reset()
}

async fn half_closes_inside_request(peer: Peer) -> Result<(), Stop> {
    let mut link = peer.bound().await?;
    link.send(&long_call(&peer).encoded().bytes[..40]).await?;
    link.half_close().await?;
    link.closes().await
}

async fn resets_before_the_answer(peer: Peer) -> Result<(), Stop> {
    let mut link = peer.bound().await?;
    link.send(peer.call().encoded()).await?;
    link.reset()
}

/// The connection ended by FIN: a reset stands for one only where the tester had sent more than the target read, and
/// may cost the client the reply.
fn ends_in_order(got: &Got) -> Result<(), Stop> {
    Field::derived("end of the connection", got.ended).is(Some(Ending::Closed))
}

/// Leaves the connection alone for the idle time; whether the target ended it, never by a PDU, and not before
/// [`LEAST_IDLE`]. When it did is noted.
async fn ended_while_idle(link: &mut Link) -> Result<bool, Stop> {
    let (idle, began) = (link.peer().endpoint().timing.idle, Instant::now());
    match link.arrival_within(idle).await? {
        Arrival::Nothing => link.nothing_unfinished(0).map(|()| false),
        Arrival::Ended(_) => {
            let after = began.elapsed();
            link.peer()
                .record()
                .note(format!("ended after {after:.1?} without traffic"));
            Field::derived("time until an idle connection ends", after)
                .within(LEAST_IDLE..)
                .map(|()| true)
        }
        Arrival::Pdu(octets) => Err(Stop::fail(
            "answer",
            "nothing unasked",
            format!("{} octets", octets.len()),
        )),
    }
}

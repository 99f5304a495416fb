//! Requests in fragments.

use std::ops::Range;

use kmspec_runner::check::{Answer, closed, fault, refusal, responds, silent};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::pdu::{FaultStatus, PfcFlags, RequestBuilder};

use crate::request::{bound_on, length, multiplexed, together};

pub(crate) static FRAGMENT: Suite = Suite::new(
    "fragment",
    &[
        &TWO,
        &TWO_TOGETHER,
        &TWO_TWICE,
        &MANY_SMALL,
        &MANY_SMALL_AT_ONCE,
        &EMPTY,
        &FIELDS_OF_FIRST,
        &FIELDS_OF_FIRST_ONLY,
        &WITHOUT_FIRST,
        &FIRST_TWICE,
        &FIRST_EXTRA_FLAGS,
        &INTERLEAVED_FIRST_NO_MPX,
        &INTERLEAVED_FIRST_MPX,
        &CONTINUATION_OTHER_CALL_ID,
        &ALLOC_HINT_OVER_LIMIT,
        &TOTAL_OVER_LIMIT,
        &TOTAL_AT_LIMIT,
        &ABANDONED,
        &ABANDONED_INTERLEAVED_CLIENTS,
        &ABANDONED_AND_LEFT,
        &ABANDONED_SUCCESSOR,
    ],
);

case! {
    /// A request in two fragments is reassembled: nothing is answered before the second.
    TWO { id: "rpc.fragment.two/apart" }
    for cut in CUTS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        let cut = cut(call.stub.len());
        link.send(piece(&call, FIRST, 0..cut).encoded()).await?;
        if !stays_silent(&mut link).await? {
            return Ok(());
        }
        link.send(piece(&call, LAST, cut..call.stub.len()).encoded()).await?;
        link.ok_or(2, &[fault([]).call(2), closed()]).await.map(drop)
    }
}

case! {
    /// A request in two fragments in one segment is reassembled and answered once.
    TWO_TOGETHER { id: "rpc.fragment.two/together" }
    for cut in CUTS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        let (cut, end) = (cut(call.stub.len()), call.stub.len());
        link.send(together(&[piece(&call, FIRST, 0..cut), piece(&call, LAST, cut..end)])).await?;
        if link.ok_or(2, &[fault([]).call(2), closed()]).await?.is_none() {
            return Ok(());
        }
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// A call in fragments is put together from its own fragments: nothing is left of the one before, which lacked half.
    TWO_TWICE { id: "rpc.fragment.two/one-call-after-another" }
    for cut in CUTS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let lacking = long_call(&peer);
        let half = lacking.stub.len() / 2;
        link.send(together(&[piece(&lacking, FIRST, 0..8), piece(&lacking, LAST, 8..half)])).await?;
        let answers = [fault([]).call(2), refusal().call(2), responds().call(2)];
        if link.answers(&answers, &[closed()]).await?.ended.is_some() {
            return Ok(());
        }
        for call_id in [3, 4] {
            let call = long_call(&peer).call_id(call_id);
            let (cut, end) = (cut(call.stub.len()), call.stub.len());
            link.send(together(&[piece(&call, FIRST, 0..cut), piece(&call, LAST, cut..end)])).await?;
            if link.ok_or(call_id, &[closed()]).await?.is_none() {
                return Ok(());
            }
        }
        Ok(())
    }
}

case! {
    /// Three fragments with pauses between: one response, behind the last.
    MANY_SMALL { id: "rpc.fragment.many-small/three" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..8).encoded()).await?;
        if !stays_silent(&mut link).await? {
            return Ok(());
        }
        link.send(piece(&call, MIDDLE, 8..16).encoded()).await?;
        if !stays_silent(&mut link).await? {
            return Ok(());
        }
        link.send(piece(&call, LAST, 16..call.stub.len()).encoded()).await?;
        link.ok_or(2, &[fault([]).call(2), closed()]).await.map(drop)
    }
}

case! {
    /// Fragments of very few octets in one segment: silence before the last, then one response.
    MANY_SMALL_AT_ONCE { id: "rpc.fragment.many-small" }
    for size in [("1-octet", 1), ("2-octets", 2), ("3-octets", 3), ("7-octets", 7), ("8-octets", 8)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let mut pieces = in_pieces(&long_call(&peer), size);
        let last = pieces.pop().unwrap_or_else(|| peer.call());
        link.send(together(&pieces)).await?;
        if !stays_silent(&mut link).await? {
            return Ok(());
        }
        link.send(last.encoded()).await?;
        link.ok_or(2, &[fault([]).call(2), closed()]).await.map(drop)
    }
}

case! {
    /// Fragments without stub octets are part of a call like any other.
    EMPTY { id: "rpc.fragment.empty" }
    for cuts in [
        ("first", (|_| [0, 0]) as fn(usize) -> [usize; 2]),
        ("middle", |end| [end / 2, end / 2]),
        ("last", |end| [end, end]),
        ("first-and-last", |end| [0, end]),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        let ([cut, again], end) = (cuts(call.stub.len()), call.stub.len());
        let pieces = [piece(&call, FIRST, 0..cut), piece(&call, MIDDLE, cut..again), piece(&call, LAST, again..end)];
        link.send(together(&pieces)).await?;
        link.ok_or(2, &[broken().call(2)]).await.map(drop)
    }
}

case! {
    /// A call goes by the context and the operation of its first fragment, whatever a later one names.
    FIELDS_OF_FIRST { id: "rpc.fragment.fields-of-first" }
    for odd in ODD_FIELDS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..8).encoded()).await?;
        if !stays_silent(&mut link).await? {
            return Ok(());
        }
        link.send(odd(piece(&call, LAST, 8..call.stub.len())).encoded()).await?;
        link.ok_or(2, &[broken().call(2), closed()]).await.map(drop)
    }
}

case! {
    /// A later fragment with a context or an operation that exists does not heal a first one without.
    FIELDS_OF_FIRST_ONLY { id: "rpc.fragment.fields-of-first/only" }
    for odd in ODD_FIELDS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(together(&[odd(piece(&call, FIRST, 0..8)), piece(&call, LAST, 8..call.stub.len())])).await?;
        link.answers(&[fault([]).call(2)], &[closed()]).await.map(drop)
    }
}

case! {
    /// A fragment without FIRST flag while no call is open is not executed.
    WITHOUT_FIRST { id: "rpc.fragment.without-first" }
    for flags in [("last", LAST), ("middle", MIDDLE)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(peer.call().flags(PfcFlags(flags)).encoded()).await?;
        link.answers(&[broken().flags(0x03).context(0).call(2)], &[closed()]).await.map(drop)
    }
}

case! {
    /// A second first fragment of the same call ends it and the connection.
    FIRST_TWICE { id: "rpc.fragment.first-twice" }
    async fn(peer) {
        let mut link = bound_on(&peer, CONTEXT).await?;
        let first = piece(&long_call(&peer).context(CONTEXT), FIRST, 0..8);
        link.send(first.encoded()).await?;
        link.silent().await?;
        link.send(first.encoded()).await?;
        link.answers(&[broken().flags(0x03).context(CONTEXT).call(2)], &[closed()]).await.map(drop)
    }
}

case! {
    /// Other flags on the first fragment do not change reassembly, nor the flags of the response.
    FIRST_EXTRA_FLAGS { id: "rpc.fragment.first-extra-flags" }
    for flags in [("reserved", 0x09), ("conc-mpx", 0x11), ("did-not-execute", 0x21), ("maybe", 0x41)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        let cut = call.stub.len() / 2;
        link.send(piece(&call, flags, 0..cut).encoded()).await?;
        link.silent().await?;
        link.send(piece(&call, LAST, cut..call.stub.len()).encoded()).await?;
        link.ok_response(2).await?.flags_are(PfcFlags::WHOLE)
    }
}

case! {
    /// A new call while another is being sent, no multiplexing: a protocol error of the call that was open.
    INTERLEAVED_FIRST_NO_MPX { id: "rpc.fragment.interleaved-first-no-mpx" }
    for flags in [("first-fragment", FIRST), ("whole-call", FIRST | LAST)];
    async fn(peer) {
        let mut link = bound_on(&peer, CONTEXT).await?;
        let call = long_call(&peer).context(CONTEXT);
        link.send(piece(&call.clone().call_id(50), FIRST, 0..8).encoded()).await?;
        link.send(call.call_id(51).flags(PfcFlags(flags)).encoded()).await?;
        let expected = broken().flags(0x03).context(CONTEXT);
        link.answers(&[expected.clone().call(50)], &[expected.call(51), closed()]).await.map(drop)
    }
}

case! {
    /// A new call while another is being sent, multiplexing negotiated: refused, or both are completed.
    INTERLEAVED_FIRST_MPX { id: "rpc.fragment.interleaved-first-mpx" }
    async fn(peer) {
        let mut link = multiplexed(&peer).await?;
        let call = long_call(&peer).call_id(1);
        link.send(piece(&call, FIRST, 0..8).encoded()).await?;
        link.send(peer.call().call_id(2).encoded()).await?;
        let got = link.answers(&[broken().flags(0x03).call(2)], &[responds().call(2)]).await?;
        if got.ended.is_some() {
            return Ok(());
        }
        link.send(piece(&call, LAST, 8..call.stub.len()).encoded()).await?;
        link.ok_response(1).await.map(drop)
    }
}

case! {
    /// A continuation of a call that was never started is no part of the open one.
    CONTINUATION_OTHER_CALL_ID { id: "rpc.fragment.continuation-other-call-id" }
    for flags in [("last", LAST), ("middle", MIDDLE)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..8).encoded()).await?;
        link.send(piece(&call.clone().call_id(3), flags, 8..call.stub.len()).encoded()).await?;
        let expected = broken().flags(0x03);
        link.answers(&[expected.clone().call(2)], &[expected.call(3), closed()]).await.map(drop)
    }
}

case! {
    /// A first fragment that announces more than 4 MiB is refused at once.
    ALLOC_HINT_OVER_LIMIT { id: "rpc.fragment.alloc-hint-over-limit", needs: [Probe] }
    for hint in [
        ("one-more", 0x0040_0001_u32),
        ("0x7fffffff", 0x7fff_ffff),
        ("0x80000000", 0x8000_0000),
        ("0xffffffff", 0xffff_ffff),
    ];
    async fn(peer) {
        let mut link = bound_on(&peer, CONTEXT).await?;
        let first = piece(&long_call(&peer).context(CONTEXT), FIRST, 0..8);
        link.send(first.alloc_hint(hint).encoded()).await?;
        let denied = fault([FaultStatus::ACCESS_DENIED]).flags(0x03).context(CONTEXT).call(2).closes();
        link.answers(&[denied], &[closed(), silent()]).await.map(drop)
    }
}

case! {
    /// The total of all fragments is limited: at 4 MiB, or less, the call is refused.
    TOTAL_OVER_LIMIT { id: "rpc.fragment.total-over-limit/refused", needs: [Probe] }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..call.stub.len()).alloc_hint(0).encoded()).await?;
        if zeros_are_refused(&mut link, LIMIT - call.stub.len()).await? {
            return Ok(());
        }
        link.send(filler(1).encoded()).await?;
        let refused = denied().flags(0x03);
        let got = link.answers(&[refused], &[closed(), silent()]).await?;
        if got.octets.is_some() || got.ended.is_some() || zeros_are_refused(&mut link, LIMIT).await? {
            return Ok(());
        }
        Err(Stop::fail("total of all fragments", "a limit", "8 MiB and no refusal"))
    }
}

case! {
    /// A request of exactly 4 MiB in all is still answered, or a smaller limit refuses it.
    TOTAL_AT_LIMIT { id: "rpc.fragment.total-over-limit/exactly-the-limit", needs: [Probe] }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..call.stub.len()).alloc_hint(0).encoded()).await?;
        if zeros_are_refused(&mut link, LIMIT - call.stub.len() - 1).await? {
            return Ok(());
        }
        link.send(filler(1).flags(PfcFlags::LAST_FRAG).encoded()).await?;
        let refused = fault([FaultStatus::ACCESS_DENIED, FaultStatus::BAD_STUB_DATA]).call(2);
        link.answers(&[responds().call(2)], &[refused, closed()]).await.map(drop)
    }
}

case! {
    /// An unfinished request on one connection blocks no other.
    ABANDONED { id: "rpc.fragment.abandoned" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(piece(&long_call(&peer), FIRST, 0..8).encoded()).await?;
        peer.fresh().await?;
        link.silent().await
    }
}

case! {
    /// Two clients send the fragments of calls with the same id in turn; each call is put together from its own.
    ABANDONED_INTERLEAVED_CLIENTS { id: "rpc.fragment.abandoned/interleaved-clients" }
    async fn(peer) {
        let (mut one, mut other) = (peer.bound().await?, bound_on(&peer, CONTEXT).await?);
        let (call, second) = (long_call(&peer), long_call(&peer).context(CONTEXT));
        let end = call.stub.len();
        one.send(piece(&call, FIRST, 0..9).encoded()).await?;
        other.send(piece(&second, FIRST, 0..20).encoded()).await?;
        one.send(piece(&call, LAST, 9..end).encoded()).await?;
        other.send(piece(&second, LAST, 20..second.stub.len()).encoded()).await?;
        other.ok_or(2, &[fault([]).call(2), closed()]).await?;
        one.ok_or(2, &[fault([]).call(2), closed()]).await.map(drop)
    }
}

case! {
    /// A client that leaves inside a call, in order or not, hurts nobody.
    ABANDONED_AND_LEFT { id: "rpc.fragment.abandoned/left", needs: [Probe] }
    for (in_order, fragments) in [
        ("shut-down", (true, 1)),
        ("shut-down-after-many", (true, 20)),
        ("reset", (false, 1)),
        ("reset-after-many", (false, 20)),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..1).encoded()).await?;
        for at in 1..fragments {
            link.send(piece(&call, MIDDLE, at..at + 1).encoded()).await?;
        }
        if in_order {
            link.half_close().await?;
            link.closes().await?;
        } else {
            link.reset()?;
        }
        peer.fresh().await
    }
}

case! {
    /// What a client that left had sent of its call is no part of the next client's.
    ABANDONED_SUCCESSOR { id: "rpc.fragment.abandoned/successor" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer);
        link.send(piece(&call, FIRST, 0..8).encoded()).await?;
        link.reset()?;
        let mut next = peer.bound().await?;
        next.send(piece(&call, LAST, 8..call.stub.len()).encoded()).await?;
        next.answers(&[broken().call(2)], &[closed()]).await.map(drop)
    }
}

const FIRST: u8 = 0x01;
const MIDDLE: u8 = 0x00;
const LAST: u8 = 0x02;

/// A context id that is not the default, so that a fault which should name it shows whether it does.
const CONTEXT: u16 = 0x34;

/// Most octets of a call. Source: MS-RPCE 3.3.3.5.4.
const LIMIT: usize = 0x0040_0000;

/// Changes what a fragment says of its call.
type Odd = fn(RequestBuilder) -> RequestBuilder;

/// A context that was never offered, an operation that the interface does not have.
const ODD_FIELDS: [(&str, Odd); 2] = [
    ("context", |fragment| fragment.context(CONTEXT)),
    ("opnum", |fragment| fragment.opnum(0x7fff)),
];

/// Where a stub of so many octets is cut.
type Cut = fn(usize) -> usize;

/// Where a stub is cut in two.
const CUTS: [(&str, Cut); 8] = [
    ("1", |_| 1),
    ("3", |_| 3),
    ("4", |_| 4),
    ("5", |_| 5),
    ("8", |_| 8),
    ("9", |_| 9),
    ("half", |end| end / 2),
    ("one-less", |end| end - 1),
];

fn broken() -> Answer {
    fault([FaultStatus::PROTO_ERROR]).closes()
}

fn denied() -> Answer {
    fault([FaultStatus::ACCESS_DENIED]).call(2).closes()
}

/// `STD_CALL` with a stub long enough to be cut: surplus zeros behind an interface's short parameters do not matter.
pub(crate) fn long_call(peer: &Peer) -> RequestBuilder {
    let mut call = peer.call();
    let len = call.stub.len().max(32);
    call.stub.resize(len, 0);
    call
}

/// A fragment of a call: these octets of its stub; the hint counts what is still to come.
pub(crate) fn piece(call: &RequestBuilder, flags: u8, octets: Range<usize>) -> RequestBuilder {
    let mut piece = call.clone().flags(PfcFlags(flags));
    piece.alloc_hint = Some(length(&call.stub[octets.start..]));
    piece.stub = call.stub[octets].to_vec();
    piece
}

/// A call in fragments of this many octets each.
fn in_pieces(call: &RequestBuilder, size: usize) -> Vec<RequestBuilder> {
    let end = call.stub.len();
    let flags = |start, stop| {
        let first = if start == 0 { FIRST } else { MIDDLE };
        first | if stop == end { LAST } else { MIDDLE }
    };
    (0..end)
        .step_by(size)
        .map(|start| (start, end.min(start + size)))
        .map(|(start, stop)| piece(call, flags(start, stop), start..stop))
        .collect()
}

/// A middle fragment of call 2 with so many zeros and no hint.
fn filler(len: usize) -> RequestBuilder {
    RequestBuilder::new(vec![0; len])
        .flags(PfcFlags(MIDDLE))
        .alloc_hint(0)
}

/// Whether the target waits for the rest of a call; a host without reassembly may refuse the fragment instead.
async fn stays_silent(link: &mut Link) -> Result<bool, Stop> {
    let got = link.answers(&[silent()], &[fault([]), closed()]).await?;
    Ok(got.octets.is_none() && got.ended.is_none())
}

/// Sends so many zeros in middle fragments of call 2, as large as Windows takes them; whether the call is refused.
async fn zeros_are_refused(link: &mut Link, total: usize) -> Result<bool, Stop> {
    const ROOM: usize = 5816;
    const AT_ONCE: usize = 64;
    let whole = filler(ROOM).encoded().bytes;
    let count = total / ROOM;
    for sent in (0..count).step_by(AT_ONCE) {
        link.send(whole.repeat(AT_ONCE.min(count - sent))).await?;
    }
    link.send(filler(total % ROOM).encoded()).await?;
    let got = link.answers(&[silent()], &[denied(), closed()]).await?;
    Ok(got.octets.is_some() || got.ended.is_some())
}

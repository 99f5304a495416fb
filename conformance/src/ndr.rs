//! Stubs in NDR32, and what is the same in NDR64.

use kmspec_runner::check::{Answer, Field, ResponsePdu, Seen, SeenAck, closed, fault, refusal};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{ContextResult, FaultStatus, RequestBuilder};

use crate::request::length;

pub(crate) static NDR: Suite = Suite::new(
    "ndr",
    &[
        &REQUEST_LAYOUT,
        &RESPONSE_LAYOUT,
        &RETURN_VALUE_ALIGNED,
        &ERROR_RESPONSE_LAYOUT,
        &STUB_TRUNCATED,
        &STUB_TRUNCATED_NDR64,
        &STUB_TRAILING_OCTETS,
        &COUNTS_DISAGREE,
        &COUNTS_HUGE,
        &COUNTS_HUGE_NDR64,
        &SIZE_ZERO,
        &PADDING_ZERO,
    ],
);

case! {
    /// A stub of size, count and request is understood in each version.
    REQUEST_LAYOUT { id: "rpc.ndr.request-layout", needs: [Kms, Clock] }
    for version in VERSIONS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let asked = peer.seal(&peer.request(version));
        link.call(&peer.call_with(&asked.message)).await
    }
}

case! {
    /// The response stub has size, referent, count, data, padding and return value, and nothing behind it.
    RESPONSE_LAYOUT { id: "rpc.ndr.response-layout", needs: [Kms, Clock] }
    for version in VERSIONS;
    async fn(peer) {
        let mut link = peer.bound().await?;
        answers_in_layout(&mut link, TransferSyntax::Ndr32, version).await
    }
}

case! {
    /// The return value stands at a multiple of 4, whatever the length of the data.
    RETURN_VALUE_ALIGNED { id: "rpc.ndr.return-value-aligned", needs: [Kms, Clock] }
    for syntax in SYNTAXES;
    async fn(peer) {
        let mut link = bound_in(&peer, syntax).await?;
        let response = ask(&mut link, Version::V4).await?;
        let body = response.body();
        let size = body.stub.first_chunk().map(|size| u32::from_le_bytes(*size)).unwrap_or_default();
        let before = if syntax == TransferSyntax::Ndr32 { 12 } else { 24 };
        let whole = before + size.next_multiple_of(4) + 4;
        response.field("stub", length(body.stub)).is(whole)?;
        response.field("alloc_hint", body.alloc_hint).one_of([whole, 0])?;
        if size % 4 == 0 {
            return Err(Stop::Skip("the host's version 4 response needs no padding".to_owned()));
        }
        Ok(())
    }
}

case! {
    /// A failure has size 0, a null referent and a return value that is not 0.
    ERROR_RESPONSE_LAYOUT { id: "rpc.ndr.error-response-layout", needs: [Kms] }
    for (syntax, message) in [
        ("ndr32-unknown-version", (TransferSyntax::Ndr32, UNKNOWN_VERSION)),
        ("ndr32-too-short", (TransferSyntax::Ndr32, TOO_SHORT)),
        ("ndr64-unknown-version", (TransferSyntax::Ndr64, UNKNOWN_VERSION)),
        ("ndr64-too-short", (TransferSyntax::Ndr64, TOO_SHORT)),
    ];
    async fn(peer) {
        let mut link = bound_in(&peer, syntax).await?;
        send_stub(&mut link, RequestStub::new(message).to_bytes(syntax)).await?;
        let got = link.answers(&[refusal().call(2)], &[fault([]).call(2)]).await?;
        refused_in_layout(syntax, got.octets.as_deref())
    }
}

case! {
    /// A stub that ends too early is bad stub data, and the connection stays usable.
    STUB_TRUNCATED { id: "rpc.ndr.stub-truncated", needs: [Kms, Probe, Clock] }
    for cut in [
        ("0", (|_| 0) as fn(usize) -> usize),
        ("3", |_| 3),
        ("4", |_| 4),
        ("7", |_| 7),
        ("8", |_| 8),
        ("12", |_| 12),
        ("half", |end| end / 2),
        ("one-less", |end| end - 1),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let stub = valid(&peer, TransferSyntax::Ndr32);
        send_stub(&mut link, stub[..cut(stub.len())].to_vec()).await?;
        link.answers(&[bad_stub().flags(0x03)], &[bad_stub().flags(0x23), closed(), refusal().call(2)]).await?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// An NDR64 stub that ends too early is bad stub data, and the connection stays usable.
    STUB_TRUNCATED_NDR64 { id: "rpc.ndr.stub-truncated/ndr64", needs: [Kms, Probe, Clock] }
    for cut in [
        ("0", (|_| 0) as fn(usize) -> usize),
        ("4", |_| 4),
        ("8", |_| 8),
        ("12", |_| 12),
        ("15", |_| 15),
        ("16", |_| 16),
        ("half", |end| end / 2),
        ("one-less", |end| end - 1),
    ];
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        let stub = valid(&peer, TransferSyntax::Ndr64);
        send_stub(&mut link, stub[..cut(stub.len())].to_vec()).await?;
        link.answers(&[bad_stub().flags(0x03)], &[bad_stub().flags(0x23), closed(), refusal().call(2)]).await?;
        send_again(&mut link, valid(&peer, TransferSyntax::Ndr64)).await
    }
}

case! {
    /// Surplus octets behind the parameters are ignored.
    STUB_TRAILING_OCTETS { id: "rpc.ndr.stub-trailing-octets", needs: [Kms, Clock] }
    for surplus in [("1", 1), ("4", 4), ("8", 8), ("1000", 1000)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let mut stub = valid(&peer, TransferSyntax::Ndr32);
        stub.resize(stub.len() + surplus, 0xcc);
        send_stub(&mut link, stub).await?;
        link.ok_or(2, &[bad_stub()]).await.map(drop)
    }
}

case! {
    /// `requestSize` and `max_count` must be equal.
    COUNTS_DISAGREE { id: "rpc.ndr.counts-disagree", needs: [Kms, Probe, Clock] }
    for lie in [
        ("max-count-4-more", (|stub| RequestStub { max_count: stub.max_count + 4, trailing: &[0; 4], ..stub }) as Lie),
        ("max-count-1-more", |stub| RequestStub { max_count: stub.max_count + 1, trailing: &[0; 4], ..stub }),
        ("max-count-4-less", |stub| RequestStub { max_count: stub.max_count - 4, ..stub }),
        ("max-count-0", |stub| RequestStub { max_count: 0, ..stub }),
        ("request-size-0", |stub| RequestStub { request_size: 0, ..stub }),
        ("request-size-1-more", |stub| RequestStub { request_size: stub.request_size + 1, ..stub }),
        ("request-size-1-less", |stub| RequestStub { request_size: stub.request_size - 1, ..stub }),
        ("request-size-sign-bit", |stub| RequestStub { request_size: stub.request_size | 0x8000_0000, ..stub }),
        ("max-count-sign-bit", |stub| RequestStub { max_count: stub.max_count | 0x8000_0000, ..stub }),
        ("request-size-high-half", |stub| RequestStub { request_size: stub.request_size | 0x0001_0000, ..stub }),
        ("max-count-high-half", |stub| RequestStub { max_count: stub.max_count | 0x0001_0000, ..stub }),
        ("request-size-0x7fffffff", |stub| RequestStub { request_size: 0x7fff_ffff, ..stub }),
        ("request-size-0xffffffff", |stub| RequestStub { request_size: 0xffff_ffff, ..stub }),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let asked = peer.seal(&peer.request(Version::V6));
        send_stub(&mut link, lie(RequestStub::new(&asked.message)).to_bytes(TransferSyntax::Ndr32)).await?;
        let expected = fault([FaultStatus::BAD_STUB_DATA, FaultStatus::INVALID_BOUND]).call(2);
        link.answers(&[expected], &[closed(), refusal().call(2)]).await?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// Huge counts do no harm.
    COUNTS_HUGE { id: "rpc.ndr.counts-huge", needs: [Kms, Probe, Clock] }
    for count in HUGE;
    async fn(peer) {
        let mut link = peer.bound().await?;
        let asked = peer.seal(&peer.request(Version::V6));
        let stub = RequestStub { request_size: count, max_count: u64::from(count), ..RequestStub::new(&asked.message) };
        send_stub(&mut link, stub.to_bytes(TransferSyntax::Ndr32)).await?;
        link.answers(&[bad_stub()], &[no_memory(), closed(), refusal().call(2)]).await?;
        link.call_or_closed(&peer.call().call_id(3)).await
    }
}

case! {
    /// Huge counts do no harm in NDR64.
    COUNTS_HUGE_NDR64 { id: "rpc.ndr.counts-huge/ndr64", needs: [Kms, Probe, Clock] }
    for count in HUGE;
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        let asked = peer.seal(&peer.request(Version::V6));
        let stub = RequestStub { request_size: count, max_count: u64::from(count), ..RequestStub::new(&asked.message) };
        send_stub(&mut link, stub.to_bytes(TransferSyntax::Ndr64)).await?;
        link.answers(&[bad_stub()], &[no_memory(), closed(), refusal().call(2)]).await?;
        send_again(&mut link, valid(&peer, TransferSyntax::Ndr64)).await
    }
}

case! {
    /// An empty array is valid NDR, and no request.
    SIZE_ZERO { id: "rpc.ndr.size-zero", needs: [Kms] }
    for syntax in SYNTAXES;
    async fn(peer) {
        let mut link = bound_in(&peer, syntax).await?;
        send_stub(&mut link, RequestStub::new(&[]).to_bytes(syntax)).await?;
        link.answers(&[refusal().call(2), bad_stub()], &[closed()]).await.map(drop)
    }
}

case! {
    /// The padding of a response stub is zero.
    PADDING_ZERO { id: "rpc.stub.padding-zero", needs: [Kms, Clock] }
    for (syntax, version) in [
        ("ndr32-v4", (TransferSyntax::Ndr32, Version::V4)),
        ("ndr32-v5", (TransferSyntax::Ndr32, Version::V5)),
        ("ndr32-v6", (TransferSyntax::Ndr32, Version::V6)),
        ("ndr64-v4", (TransferSyntax::Ndr64, Version::V4)),
        ("ndr64-v5", (TransferSyntax::Ndr64, Version::V5)),
        ("ndr64-v6", (TransferSyntax::Ndr64, Version::V6)),
    ];
    async fn(peer) {
        let mut link = bound_in(&peer, syntax).await?;
        let response = ask(&mut link, version).await?;
        let stub = decoded(&response, syntax)?;
        let padding = stub.returned.map(|returned| returned.padding).unwrap_or_default();
        response.field("stub", [stub.gap, padding].concat()).satisfies("padding of zeros", |octets| octets.iter().all(|octet| *octet == 0))
    }
}

pub(crate) const VERSIONS: [(&str, Version); 3] = [
    ("v4", Version::V4),
    ("v5", Version::V5),
    ("v6", Version::V6),
];

const SYNTAXES: [(&str, TransferSyntax); 2] = [
    ("ndr32", TransferSyntax::Ndr32),
    ("ndr64", TransferSyntax::Ndr64),
];

/// Counts that no stub can keep, at the places where sums and signs turn over.
const HUGE: [(&str, u32); 6] = [
    ("0x7ffffff8", 0x7fff_fff8),
    ("0x7fffffff", 0x7fff_ffff),
    ("0x80000000", 0x8000_0000),
    ("0xfffffff8", 0xffff_fff8),
    ("0xfffffffc", 0xffff_fffc),
    ("0xffffffff", 0xffff_ffff),
];

/// A message of version 7.0. Source: kms-protocol section 2.
const UNKNOWN_VERSION: &[u8] = &{
    let mut message = [0; 260];
    message[2] = 7;
    message
};

/// A message of version 6.0 that ends behind its version. Source: kms-protocol section 2.
const TOO_SHORT: &[u8] = &[0, 0, 6, 0, 0, 0, 0, 0];

type Lie = for<'a> fn(RequestStub<'a>) -> RequestStub<'a>;

fn bad_stub() -> Answer {
    fault([FaultStatus::BAD_STUB_DATA]).call(2)
}

fn no_memory() -> Answer {
    fault([FaultStatus::REMOTE_NO_MEMORY]).call(2)
}

/// A stub that the host answers.
pub(crate) fn valid(peer: &Peer, syntax: TransferSyntax) -> Vec<u8> {
    RequestStub::new(&peer.seal(&peer.request(Version::V6)).message).to_bytes(syntax)
}

/// A connection whose context 0 has this transfer syntax.
pub(crate) async fn bound_in(peer: &Peer, syntax: TransferSyntax) -> Result<Link, Stop> {
    let mut link = peer.connect().await?;
    let bind = peer
        .bind_without_contexts()
        .offering(0, peer.interface(), &[syntax.id()]);
    link.send(bind.encoded()).await?;
    let ack = link.bind_ack().await?;
    if ack
        .results()
        .first()
        .is_some_and(ContextResult::is_accepted)
    {
        link.use_context(kmspec_wire::pdu::ContextId(0), syntax);
        Ok(link)
    } else {
        Err(Stop::Skip(format!(
            "the host does not take {}",
            syntax.name()
        )))
    }
}

/// `STD_CALL` with this stub.
pub(crate) async fn send_stub(link: &mut Link, stub: Vec<u8>) -> Result<(), Stop> {
    let opnum = link.peer().endpoint().call.opnum;
    link.send(RequestBuilder::new(stub).opnum(opnum).encoded())
        .await
}

/// A later call with this stub: answered, or the connection has ended.
pub(crate) async fn send_again(link: &mut Link, stub: Vec<u8>) -> Result<(), Stop> {
    let opnum = link.peer().endpoint().call.opnum;
    link.call_or_closed(&RequestBuilder::new(stub).opnum(opnum).call_id(3))
        .await
}

/// The response to a good request of this version, as `OK_RESPONSE`.
pub(crate) async fn ask(link: &mut Link, version: Version) -> Result<Seen<ResponsePdu>, Stop> {
    let (_, syntax) = link.context();
    let asked = link.peer().seal(&link.peer().request(version));
    send_stub(link, RequestStub::new(&asked.message).to_bytes(syntax)).await?;
    link.ok_response(2).await
}

/// The response's stub, which must decode.
pub(crate) fn decoded(
    response: &Seen<ResponsePdu>,
    syntax: TransferSyntax,
) -> Result<ResponseStub<'_>, Stop> {
    ResponseStub::decode(syntax, ByteOrder::Little, response.body().stub).map_err(|error| {
        let layout = format!("a response stub in {}", syntax.name());
        response.field("stub", error.to_string()).violates(layout)
    })
}

/// A good request of this version is answered by a stub in the layout of this syntax.
pub(crate) async fn answers_in_layout(
    link: &mut Link,
    syntax: TransferSyntax,
    version: Version,
) -> Result<(), Stop> {
    let response = ask(link, version).await?;
    let stub = decoded(&response, syntax)?;
    let message = stub.response().unwrap_or_default();
    response
        .field("responseSize", stub.response_size)
        .is(length(message))?;
    response
        .field("responseSize", stub.response_size)
        .is_not(0)?;
    response.field("return_value", stub.return_value).is(0)?;
    response
        .field("octets behind the return value", stub.trailing)
        .is(&[])?;
    response
        .field("stub", stub.returned.map(|returned| returned.referent))
        .satisfies("a referent that is not null", |referent| {
            referent.is_some_and(|referent| referent != 0)
        })
}

/// Of a refusal: null pointer, or one to an empty array, in the layout of this syntax.
pub(crate) fn refused_in_layout(syntax: TransferSyntax, octets: Option<&[u8]>) -> Result<(), Stop> {
    use kmspec_wire::pdu::{Body, Pdu};
    let Some(Body::Response(response)) = octets
        .and_then(|octets| Pdu::decode(octets).ok())
        .map(|pdu| pdu.body)
    else {
        return Ok(());
    };
    let lengths = if syntax == TransferSyntax::Ndr32 {
        [12, 16]
    } else {
        [20, 28]
    };
    Field::derived("length of the stub of a refusal", response.stub.len()).one_of(lengths)?;
    let stub = ResponseStub::decode(syntax, ByteOrder::Little, response.stub)
        .map_err(|error| Stop::fail("stub of a refusal", syntax.name(), error.to_string()))?;
    Field::derived("responseSize of a refusal", stub.response_size).is(0)?;
    Field::derived("return_value of a refusal", stub.return_value).is_not(0)?;
    Field::derived("alloc_hint of a refusal", response.alloc_hint)
        .one_of([length(response.stub), 0])
}

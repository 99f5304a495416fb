//! Stubs in NDR64.

use kmspec_runner::check::{Answer, SeenAck, closed, fault, refusal};
use kmspec_runner::{Suite, case};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{ContextId, ContextResult, FaultStatus};

use crate::fragment::piece;
use crate::ndr::{
    VERSIONS, answers_in_layout, ask, bound_in, refused_in_layout, send_again, send_stub, valid,
};
use crate::offer::needs_alter;

pub(crate) static NDR64: Suite = Suite::new(
    "ndr64",
    &[
        &REQUEST_LAYOUT,
        &REQUEST_LAYOUT_FRAGMENTS,
        &RESPONSE_LAYOUT,
        &PADDING_IGNORED,
        &MAX_COUNT_HIGH_HALF,
        &SYNTAX_FOLLOWS_CONTEXT,
        &SYNTAX_FOLLOWS_CONTEXT_TWO_CLIENTS,
        &SYNTAX_FOLLOWS_CONTEXT_BOTH_AT_ONCE,
    ],
);

case! {
    /// An NDR64 stub of size, padding, count and request is understood in each version.
    REQUEST_LAYOUT { id: "rpc.ndr64.request-layout", needs: [Kms, Clock] }
    for version in VERSIONS;
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        ask(&mut link, version).await.map(drop)
    }
}

case! {
    /// An NDR64 stub is understood in fragments too, wherever it is cut.
    REQUEST_LAYOUT_FRAGMENTS { id: "rpc.ndr64.request-layout/fragments", needs: [Kms, Clock] }
    for cut in [("1", 1), ("4", 4), ("8", 8), ("12", 12), ("15", 15), ("16", 16), ("17", 17)];
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        let mut call = peer.call();
        call.stub = valid(&peer, TransferSyntax::Ndr64);
        link.send(piece(&call, 0x01, 0..cut).encoded()).await?;
        link.send(piece(&call, 0x02, cut..call.stub.len()).encoded()).await?;
        link.ok_or(2, &[fault([]).call(2), closed()]).await.map(drop)
    }
}

case! {
    /// The NDR64 response stub has size, padding, referent, count, data, padding and a 32-bit return value.
    RESPONSE_LAYOUT { id: "rpc.ndr64.response-layout", needs: [Kms, Clock] }
    for version in VERSIONS;
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        answers_in_layout(&mut link, TransferSyntax::Ndr64, version).await
    }
}

case! {
    /// The octets between `requestSize` and `max_count` are ignored.
    PADDING_IGNORED { id: "rpc.ndr64.padding-ignored", needs: [Kms, Clock] }
    for padding in [("0xaa", [0xaa; 4]), ("0xff", [0xff; 4]), ("lowest-bit", [1, 0, 0, 0]), ("highest-bit", [0, 0, 0, 0x80])];
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        let asked = peer.seal(&peer.request(Version::V6));
        let stub = RequestStub { gap: &padding, ..RequestStub::new(&asked.message) };
        send_stub(&mut link, stub.to_bytes(TransferSyntax::Ndr64)).await?;
        link.ok_response(2).await.map(drop)
    }
}

case! {
    /// All 64 bits of `max_count` count.
    MAX_COUNT_HIGH_HALF { id: "rpc.ndr64.max-count-high-half", needs: [Kms, Probe, Clock] }
    for high in [("lowest-bit", 1_u64 << 32), ("highest-bit", 1 << 63), ("all", 0xffff_ffff << 32)];
    async fn(peer) {
        let mut link = bound_in(&peer, TransferSyntax::Ndr64).await?;
        let asked = peer.seal(&peer.request(Version::V6));
        let honest = RequestStub::new(&asked.message);
        let stub = RequestStub { max_count: honest.max_count | high, ..honest };
        send_stub(&mut link, stub.to_bytes(TransferSyntax::Ndr64)).await?;
        let expected = fault([FaultStatus::BAD_STUB_DATA, FaultStatus::INVALID_BOUND]).call(2);
        link.answers(&[expected], &[closed(), refusal().call(2)]).await?;
        send_again(&mut link, valid(&peer, TransferSyntax::Ndr64)).await
    }
}

case! {
    /// The transfer syntax of the context decides how a stub is read and written, not its content.
    SYNTAX_FOLLOWS_CONTEXT { id: "rpc.ndr64.syntax-follows-context", needs: [Kms, Probe, Clock] }
    for (context, stub) in [
        ("ndr32-stub-on-ndr64", (TransferSyntax::Ndr64, TransferSyntax::Ndr32)),
        ("ndr64-stub-on-ndr32", (TransferSyntax::Ndr32, TransferSyntax::Ndr64)),
    ];
    async fn(peer) {
        let mut link = bound_in(&peer, context).await?;
        send_stub(&mut link, valid(&peer, stub)).await?;
        let got = link.answers(&[bad_stub()], &[refusal().call(2), closed()]).await?;
        refused_in_layout(context, got.octets.as_deref())
    }
}

case! {
    /// Two clients with one transfer syntax each are answered each in its own.
    SYNTAX_FOLLOWS_CONTEXT_TWO_CLIENTS { id: "rpc.ndr64.syntax-follows-context/two-clients", needs: [Kms, Clock] }
    for version in VERSIONS;
    async fn(peer) {
        let mut one = bound_in(&peer, TransferSyntax::Ndr64).await?;
        let mut other = bound_in(&peer, TransferSyntax::Ndr32).await?;
        answers_in_layout(&mut one, TransferSyntax::Ndr64, version).await?;
        answers_in_layout(&mut other, TransferSyntax::Ndr32, version).await?;
        answers_in_layout(&mut one, TransferSyntax::Ndr64, version).await
    }
}

case! {
    /// Two contexts of one connection keep each its own transfer syntax, whichever was agreed on last.
    SYNTAX_FOLLOWS_CONTEXT_BOTH_AT_ONCE { id: "rpc.ndr64.syntax-follows-context/one-connection", needs: [Kms, Clock] }
    for (first, second) in [
        ("ndr64-first", (TransferSyntax::Ndr64, TransferSyntax::Ndr32)),
        ("ndr32-first", (TransferSyntax::Ndr32, TransferSyntax::Ndr64)),
    ];
    async fn(peer) {
        needs_alter(&peer).await?;
        bound_in(&peer, TransferSyntax::Ndr64).await?;
        let mut link = bound_in(&peer, first).await?;
        link.send(peer.alter().offering(1, peer.interface(), &[second.id()]).encoded()).await?;
        link.alter_context_resp().await?.results_among(&[&[ContextResult::accepted(second.id())]])?;
        for (context, syntax) in [(0, first), (1, second), (0, first)] {
            link.use_context(ContextId(context), syntax);
            link.activate(&peer.request(Version::V6)).await?;
        }
        Ok(())
    }
}

fn bad_stub() -> Answer {
    fault([FaultStatus::BAD_STUB_DATA]).call(2)
}

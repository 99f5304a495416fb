//! Bind-time feature negotiation.

use kmspec_runner::check::{AlterContextRespPdu, SeenAck, acks_with, closed, nak};
use kmspec_runner::{Peer, Suite, case};
use kmspec_wire::btfn::Features;
use kmspec_wire::pdu::{BindBuilder, ContextResult, SyntaxId};

use crate::offer::{
    ACCEPTED, NDR32, NO_INTERFACE, NO_SYNTAX, needs_alter, needs_features, offered, unknown_context,
};

pub(crate) static BTFN: Suite = Suite::new(
    "btfn",
    &[
        &NEGOTIATE_ACK,
        &MASK_NOT_ABOVE_REQUEST,
        &MASK_FROM_CONNECTION_TO_CONNECTION,
        &ABSTRACT_IGNORED,
        &FIRST_SYNTAX_DECIDES,
        &FIRST_SYNTAX_IS_NONE,
        &TWICE,
        &ANY_POSITION,
        &CONTEXT_NOT_CALLABLE,
        &VERSION_1_ONLY,
        &IN_BIND_ONLY,
    ],
);

case! {
    /// The request for features is acknowledged with the features granted, and no transfer syntax.
    NEGOTIATE_ACK { id: "rpc.btfn.negotiate-ack" }
    async fn(peer) {
        let bind = peer.bind().offering(1, peer.interface(), &asking(3));
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[ACCEPTED, granted(3)], &[ACCEPTED, NO_SYNTAX]])?;
        ack.field("result[1]", ack.results()[1].transfer_syntax).is(SyntaxId::NIL)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Of the features requested only known ones are granted, and the other context is accepted and callable.
    MASK_NOT_ABOVE_REQUEST { id: "rpc.btfn.mask-not-above-request" }
    for mask in MASKS;
    async fn(peer) {
        let bind = peer.bind().offering(1, peer.interface(), &asking(mask));
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&lists(&at_most(mask)).each_ref().map(|list| &list[..]))?;
        link.call(&peer.call()).await
    }
}

case! {
    /// What one connection asks for is not granted to the next.
    MASK_FROM_CONNECTION_TO_CONNECTION { id: "rpc.btfn.mask-not-above-request/next-connection" }
    async fn(peer) {
        let mut links = Vec::new();
        for mask in [3, 0, 1, 2] {
            let bind = peer.bind().offering(1, peer.interface(), &asking(mask));
            let (link, ack) = offered(&peer, &bind).await?;
            ack.results_among(&lists(&at_most(mask)).each_ref().map(|list| &list[..]))?;
            links.push(link);
        }
        Ok(())
    }
}

case! {
    /// The abstract syntax beside the request for features does not matter.
    ABSTRACT_IGNORED { id: "rpc.btfn.abstract-ignored" }
    for (interface, mask) in [
        ("nil", (SyntaxId::NIL, 0)),
        ("ndr64", (SyntaxId::NDR64, 2)),
        ("nobodys", (SyntaxId::UNKNOWN_INTERFACE, 1)),
    ];
    async fn(peer) {
        let bind = peer.bind_without_contexts().offering(0, interface, &asking(mask));
        let (_, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[granted(mask)], &[NO_INTERFACE], &[granted(0)]])
    }
}

case! {
    /// The first transfer syntax of an element decides which features are asked for.
    FIRST_SYNTAX_DECIDES { id: "rpc.btfn.first-syntax-decides" }
    for (first, second) in [("1-then-2", (1, 2)), ("2-then-1", (2, 1)), ("0-then-3", (0, 3))];
    async fn(peer) {
        needs_features(&peer).await?;
        let [first_asked, second_asked] = [first, second].map(|mask| Features(mask).syntax());
        let bind = peer.bind_without_contexts()
            .offering(0, peer.interface(), &[first_asked, second_asked, SyntaxId::NIL]);
        let (_, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[granted(first)], &[granted(0)]])
    }
}

case! {
    /// A request for features that does not come first in its element is none.
    FIRST_SYNTAX_IS_NONE { id: "rpc.btfn.first-syntax-decides/not-first" }
    async fn(peer) {
        let [two, one] = [2, 1].map(|mask| Features(mask).syntax());
        let bind = peer.bind_without_contexts()
            .offering(0, SyntaxId::NIL, &[SyntaxId::NIL, two, one, SyntaxId::NIL]);
        let (_, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[NO_INTERFACE], &[NO_SYNTAX]])
    }
}

case! {
    /// Two requests for features in one bind are refused.
    TWICE { id: "rpc.btfn.twice" }
    async fn(peer) {
        needs_features(&peer).await?;
        let bind = peer.bind_without_contexts()
            .offering(1, peer.interface(), &asking(2))
            .offering(2, peer.interface(), &asking(1));
        let mut link = peer.connect().await?;
        link.send(bind.encoded()).await?;
        let both = [[granted(2), granted(1)], [granted(0), granted(1)], [granted(2), granted(0)], [granted(0), granted(0)]];
        link.answers(&[nak([0]).call(1).closes()], &both.map(acks_with)).await.map(drop)
    }
}

case! {
    /// The request for features may come first.
    ANY_POSITION { id: "rpc.btfn.any-position" }
    async fn(peer) {
        let bind = features_first(&peer);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[granted(3), ACCEPTED], &[NO_SYNTAX, ACCEPTED]])?;
        link.call(&peer.call().context(1)).await
    }
}

case! {
    /// The context that asked for features cannot carry calls, and spoils nothing.
    CONTEXT_NOT_CALLABLE { id: "rpc.btfn.context-not-callable" }
    for (bind, features, good) in [
        ("features-last", ((|peer| peer.bind().offering(1, peer.interface(), &asking(3))) as fn(&Peer) -> BindBuilder, 1, 0)),
        ("features-first", (features_first, 0, 1)),
    ];
    async fn(peer) {
        let (mut link, _) = offered(&peer, &bind(&peer)).await?;
        link.send(peer.call().context(features).encoded()).await?;
        let got = link.answers(&[unknown_context().call(2)], &[closed()]).await?;
        if got.octets.is_none() { return Ok(()) }
        link.call(&peer.call().context(good).call_id(3)).await
    }
}

case! {
    /// Features are negotiated in version 1 only.
    VERSION_1_ONLY { id: "rpc.btfn.version-1-in-bind-only/version" }
    for (major, minor) in [("2.0", (2, 0)), ("0.0", (0, 0)), ("1.1", (1, 1))];
    async fn(peer) {
        let syntax = Features::ALL.syntax().version(major, minor);
        let (mut link, ack) = offered(&peer, &peer.bind().offering(1, peer.interface(), &[syntax])).await?;
        ack.results_among(&[&[ACCEPTED, NO_SYNTAX], &[ACCEPTED, granted(3)]])?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Features are negotiated in the bind only.
    IN_BIND_ONLY { id: "rpc.btfn.version-1-in-bind-only/alter" }
    async fn(peer) {
        needs_alter(&peer).await?;
        let mut link = peer.bound().await?;
        link.send(peer.alter().offering(1, peer.interface(), &asking(3)).encoded()).await?;
        let resp = link.expect::<AlterContextRespPdu>().await?;
        resp.results_among(&[&[NO_SYNTAX], &[granted(3)]])?;
        link.call(&peer.call()).await
    }
}

const MASKS: [(&str, u64); 11] = [
    ("0", 0),
    ("1", 1),
    ("2", 2),
    ("3", 3),
    ("4", 4),
    ("7", 7),
    ("0x8000", 0x8000),
    ("0x0001000000000000", 1 << 48),
    ("0x8000000000000000", 1 << 63),
    ("0xfffffffffffffffe", u64::MAX - 1),
    ("0xffffffffffffffff", u64::MAX),
];

/// The transfer syntax that asks for these features.
fn asking(mask: u64) -> [SyntaxId; 1] {
    [Features(mask).syntax()]
}

/// The result that grants those of these features that there are.
fn granted(mask: u64) -> ContextResult {
    ContextResult::negotiated(Features(mask).granted(Features::ALL))
}

/// What a host may answer: the features it has of those asked for, or that it does not negotiate.
fn at_most(mask: u64) -> [ContextResult; 5] {
    [
        granted(mask),
        granted(mask & 1),
        granted(mask & 2),
        granted(0),
        NO_SYNTAX,
    ]
}

/// Each of these behind an accepted context.
fn lists(results: &[ContextResult; 5]) -> [[ContextResult; 2]; 5] {
    results.map(|result| [ACCEPTED, result])
}

fn features_first(peer: &Peer) -> BindBuilder {
    peer.bind_without_contexts()
        .offering(0, peer.interface(), &asking(3))
        .offering(1, peer.interface(), NDR32)
}

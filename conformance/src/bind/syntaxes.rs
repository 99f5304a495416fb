//! Abstract and transfer syntaxes, one context at a time.

use kmspec_runner::check::{BindAckPdu, SeenAck, nak};
use kmspec_runner::{Peer, case};
use kmspec_wire::pdu::{BindBuilder, SyntaxId};

use crate::offer::{ACCEPTED, NDR32, NO_INTERFACE, NO_SYNTAX, interface_version, offered};

const UNKNOWN: SyntaxId = SyntaxId::UNASSIGNED;

case! {
    /// An unknown interface is rejected in the result, and the connection stays open.
    UNKNOWN_INTERFACE { id: "rpc.bind.unknown-interface" }
    for interface in [
        ("nobodys", |_: &Peer| SyntaxId::UNKNOWN_INTERFACE),
        ("nil", |_: &Peer| SyntaxId::NIL),
        ("first-octet-differs", |peer: &Peer| differing(peer, 0)),
        ("middle-octet-differs", |peer: &Peer| differing(peer, 7)),
        ("last-octet-differs", |peer: &Peer| differing(peer, 15)),
        ("transfer-syntax", |_: &Peer| SyntaxId::NDR32),
    ] as [(&str, fn(&Peer) -> SyntaxId); 6];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &alone(&peer, interface(&peer), NDR32)).await?;
        ack.results_among(&[&[NO_INTERFACE]])?;
        link.silent().await
    }
}

case! {
    /// Another major version of the interface is rejected.
    INTERFACE_MAJOR { id: "rpc.bind.interface-major-version" }
    for add in [("1-above", 1), ("1-below", 0xffff), ("0x0100-above", 0x0100), ("0x8000-above", 0x8000)];
    async fn(peer) {
        let (_, ack) = offered(&peer, &alone(&peer, interface_version(&peer, add, 0), NDR32)).await?;
        ack.results_among(&[&[NO_INTERFACE]])
    }
}

case! {
    /// A newer minor version of the interface is rejected, unless the host looks at the major version only.
    INTERFACE_MINOR_NEWER { id: "rpc.bind.interface-minor-version-newer" }
    for add in [("1-above", 1), ("65535", 0xffff)];
    async fn(peer) {
        let (_, ack) = offered(&peer, &alone(&peer, interface_version(&peer, 0, add), NDR32)).await?;
        ack.results_among(&[&[NO_INTERFACE], &[ACCEPTED]])
    }
}

case! {
    /// An unknown transfer syntax is rejected with its own reason, and the connection stays open.
    UNKNOWN_TRANSFER_SYNTAX { id: "rpc.bind.unknown-transfer-syntax" }
    for (syntaxes, interface, lawful) in [
        ("unknown", (vec![UNKNOWN], None, [NO_SYNTAX; 2])),
        ("nil", (vec![SyntaxId::NIL], None, [NO_SYNTAX; 2])),
        ("two-unknown", (vec![UNKNOWN, SyntaxId::NIL], None, [NO_SYNTAX; 2])),
        ("interface-unknown-too", (vec![UNKNOWN], Some(SyntaxId::UNKNOWN_INTERFACE), [NO_INTERFACE, NO_SYNTAX])),
    ];
    async fn(peer) {
        let interface = interface.unwrap_or(peer.interface());
        let (mut link, ack) = offered(&peer, &alone(&peer, interface, &syntaxes)).await?;
        ack.results_among(&lawful.each_ref().map(std::slice::from_ref))?;
        link.silent().await
    }
}

case! {
    /// A transfer syntax whose UUID differs in a single octet is another one.
    UNKNOWN_TRANSFER_SYNTAX_OCTET { id: "rpc.bind.unknown-transfer-syntax/one-octet" }
    for syntax in [("ndr32", SyntaxId::NDR32), ("ndr64", SyntaxId::NDR64)];
    async fn(peer) {
        for octet in 0..16 {
            let (_, ack) = offered(&peer, &alone(&peer, peer.interface(), &[off_by(syntax, octet)])).await?;
            ack.results_among(&[&[NO_SYNTAX]])?;
        }
        Ok(())
    }
}

case! {
    /// The version of a transfer syntax counts.
    TRANSFER_SYNTAX_VERSION { id: "rpc.bind.transfer-syntax-version" }
    for syntax in [
        ("ndr32-1.0", SyntaxId::NDR32.version(1, 0)),
        ("ndr32-3.0", SyntaxId::NDR32.version(3, 0)),
        ("ndr32-0.0", SyntaxId::NDR32.version(0, 0)),
        ("ndr64-2.0", SyntaxId::NDR64.version(2, 0)),
        ("ndr64-0.0", SyntaxId::NDR64.version(0, 0)),
        ("ndr32-2.1", SyntaxId::NDR32.version(2, 1)),
        ("ndr64-1.1", SyntaxId::NDR64.version(1, 1)),
        ("ndr32-0.2", SyntaxId::NDR32.version(0, 2)),
    ];
    async fn(peer) {
        let (_, ack) = offered(&peer, &alone(&peer, peer.interface(), &[syntax])).await?;
        ack.results_among(&[&[NO_SYNTAX]])
    }
}

case! {
    /// Of several transfer syntaxes a supported one is chosen wherever it stands.
    LIST_PICKS_SUPPORTED { id: "rpc.bind.transfer-list-picks-supported" }
    for (syntaxes, may_be_too_long) in [
        ("second", (vec![SyntaxId::NIL, SyntaxId::NDR32], false)),
        ("third", (vec![UNKNOWN, UNKNOWN, SyntaxId::NDR32], false)),
        ("repeated", (vec![SyntaxId::NIL, SyntaxId::NDR32, SyntaxId::NDR32, SyntaxId::NDR32], false)),
        ("first", (vec![SyntaxId::NDR32, UNKNOWN], false)),
        ("wrong-version-first", (vec![SyntaxId::NDR32.version(1, 0), SyntaxId::NDR32], false)),
        ("thirtieth", (thirty(), true)),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(alone(&peer, peer.interface(), &syntaxes).encoded()).await?;
        let tolerated = may_be_too_long.then(|| nak([2]));
        let Some(ack) = link.expect_or::<BindAckPdu>(tolerated.as_slice()).await? else { return Ok(()) };
        ack.results_among(if may_be_too_long { &[&[ACCEPTED], &[NO_SYNTAX]] } else { &[&[ACCEPTED]] })
    }
}

/// 29 unknown transfer syntaxes and NDR32.
fn thirty() -> Vec<SyntaxId> {
    [vec![UNKNOWN; 29], vec![SyntaxId::NDR32]].concat()
}

/// A bind with this one context.
fn alone(peer: &Peer, interface: SyntaxId, syntaxes: &[SyntaxId]) -> BindBuilder {
    peer.bind_without_contexts()
        .offering(0, interface, syntaxes)
}

/// The target's interface with one octet of its UUID changed.
fn differing(peer: &Peer, octet: usize) -> SyntaxId {
    off_by(peer.interface(), octet)
}

/// This syntax with one octet of its UUID changed.
fn off_by(syntax: SyntaxId, octet: usize) -> SyntaxId {
    let SyntaxId { uuid, major, minor } = syntax;
    SyntaxId::new(uuid.as_u128() ^ 0x01 << (8 * (15 - octet)), major, minor)
}

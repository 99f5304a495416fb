//! Binds that are no good, or only nearly.

use kmspec_runner::case;
use kmspec_runner::check::{Answer, BindNakPdu, acks_with, closed, nak};
use kmspec_wire::pdu::Encoded;

use super::ack::is_plain;
use crate::offer::{NDR32, NO_SYNTAX};

case! {
    /// A bind without contexts is refused.
    NO_CONTEXTS { id: "rpc.bind.no-contexts" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind_without_contexts().encoded()).await?;
        let Some(refusal) = link.expect_or::<BindNakPdu>(&[closed()]).await? else { return Ok(()) };
        refusal.call_id_is(1)?;
        refusal.field("provider_reject_reason", refusal.body().reason.0).one_of([4, 0])?;
        refusal.field("p_protocols", refusal.body().versions).one_of([Some(&[[5, 0]][..]), None])
    }
}

case! {
    /// A context without transfer syntaxes is refused.
    ZERO_TRANSFER_SYNTAXES { id: "rpc.bind.zero-transfer-syntaxes" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind_without_contexts().offering(0, peer.interface(), &[]).encoded()).await?;
        link.answers(&[nak([0]).call(1).closes()], &[closed(), acks_with([NO_SYNTAX]).call(1)]).await.map(drop)
    }
}

case! {
    /// A count of contexts that points beyond the bind ends the connection.
    TOO_MANY_ELEMENTS { id: "rpc.bind.counts-beyond-body/contexts", needs: [Probe] }
    for count in COUNTS;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(counting(peer.bind().encoded(), "n_context_elem", count)).await?;
        link.answers(&[closed()], &unreadable()).await.map(drop)
    }
}

case! {
    /// Octets behind the bind do not make up for the contexts it lacks.
    TOO_MANY_ELEMENTS_BEHIND { id: "rpc.bind.counts-beyond-body/contexts-behind-the-bind", needs: [Probe] }
    async fn(peer) {
        let whole = peer.bind().offering(1, peer.interface(), NDR32).encoded();
        let mut bind = counting(peer.bind().encoded(), "n_context_elem", 2);
        bind.bytes.extend(&whole.bytes[72..]);
        let mut link = peer.connect().await?;
        link.send(bind).await?;
        link.answers(&[closed()], &unreadable()).await.map(drop)
    }
}

case! {
    /// A count of transfer syntaxes that points beyond the bind ends the connection.
    TOO_MANY_SYNTAXES { id: "rpc.bind.counts-beyond-body/transfer-syntaxes", needs: [Probe] }
    for count in COUNTS;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(counting(peer.bind().encoded(), "n_transfer_syn", count)).await?;
        link.answers(&[closed()], &unreadable()).await.map(drop)
    }
}

case! {
    /// A bind that ends inside its fields is refused.
    TRUNCATED { id: "rpc.bind.truncated-body", needs: [Probe] }
    for len in [
        ("17", 17),
        ("23", 23),
        ("24", 24),
        ("27", 27),
        ("28", 28),
        ("32", 32),
        ("46", 46),
        ("52", 52),
        ("60", 60),
        ("71", 71),
    ];
    async fn(peer) {
        let mut bind = peer.bind().encoded();
        bind.cut(len);
        let mut link = peer.connect().await?;
        link.send(bind).await?;
        link.answers(&[closed()], &unreadable()).await.map(drop)
    }
}

case! {
    /// Reserved octets of the context list are ignored.
    RESERVED_IGNORED { id: "rpc.bind.reserved-fields-ignored" }
    for (field, octets) in [
        ("list", ("reserved", &[0xff, 0xff, 0xff][..])),
        ("element", ("p_cont_elem.reserved", &[0xff])),
        ("element-sign-bit", ("p_cont_elem.reserved", &[0x80])),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(reserved(peer.bind().encoded(), field, octets)).await?;
        let Some(ack) = link.expect_or(&[closed()]).await? else { return Ok(()) };
        is_plain(&ack)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// A count of contexts is one octet: reserved octets behind it do not make another number of it.
    RESERVED_AS_COUNT { id: "rpc.bind.reserved-fields-ignored/as-a-count", needs: [Probe] }
    async fn(peer) {
        let bind = counting(peer.bind().encoded(), "n_context_elem", 94);
        let mut link = peer.connect().await?;
        link.send(reserved(bind, "reserved", &[0x74, 0xd1, 0x05])).await?;
        link.answers(&[closed()], &[nak([])]).await.map(drop)
    }
}

const COUNTS: [(&str, u8); 4] = [("2", 2), ("127", 127), ("128", 128), ("255", 255)];

/// What is tolerated instead of closing at once on a bind that cannot be read.
fn unreadable() -> [Answer; 1] {
    [nak([0, 4]).closes()]
}

fn counting(mut bind: Encoded, field: &str, count: u8) -> Encoded {
    bind.overwrite(field, &[count]);
    bind
}

/// The bind with these octets from the start of `field` on.
fn reserved(mut bind: Encoded, field: &str, octets: &[u8]) -> Encoded {
    if let Some(span) = bind.span(field, 0) {
        bind.bytes[span.start..span.start + octets.len()].copy_from_slice(octets);
    }
    bind
}

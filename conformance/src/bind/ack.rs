//! The acknowledgement's own fields.

use std::time::Duration;

use kmspec_runner::check::{BindAckPdu, Seen, SeenAck};
use kmspec_runner::{Peer, Stop, case};
use kmspec_wire::pdu::{BindAck, ContextResult, PfcFlags, SyntaxId};

use crate::offer::{ACCEPTED, NDR32, NO_INTERFACE, offered};

case! {
    /// `bind_ack` carries the call id of the bind.
    ECHOES_CALL_ID { id: "rpc.bind.ack-echoes-call-id" }
    for call_id in [("0x11223344", 0x1122_3344u32), ("0x000000ff", 0xff), ("0xff000000", 0xff00_0000)];
    async fn(peer) {
        let (_, ack) = offered(&peer, &peer.bind().call_id(call_id)).await?;
        ack.call_id_is(call_id)
    }
}

case! {
    /// A plain NDR32 bind is accepted with NDR32, and nothing stands behind the result.
    BASIC { id: "rpc.bind.ack-basic" }
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind()).await?;
        is_plain(&ack)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// The same bind in pieces is answered just the same.
    BASIC_SEGMENTED { id: "rpc.bind.ack-basic/segmented" }
    for piece in [("octet-by-octet", 1), ("inside-the-header", 10), ("behind-the-header", 16), ("inside-the-element", 33)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send_apart(peer.bind().encoded().bytes.chunks(piece), Duration::from_millis(2)).await?;
        is_plain(&link.bind_ack().await?)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// The transfer syntax of a rejected context is all zero; a client must not use it.
    REJECTED_SYNTAX_ZERO { id: "rpc.bind.rejected-syntax-zero" }
    async fn(peer) {
        let bind = peer.bind_without_contexts().offering(0, SyntaxId::UNKNOWN_INTERFACE, NDR32);
        let (_, ack) = offered(&peer, &bind).await?;
        ack.results_among(&[&[NO_INTERFACE]])?;
        note_what_is_not_zero(&peer, &ack.results());
        Ok(())
    }
}

case! {
    /// The secondary address is the port in decimal with a terminating zero, or empty.
    SECONDARY_ADDRESS_PORT { id: "rpc.bind.secondary-address-port" }
    for contexts in [("1-context", 1), ("3-contexts", 3)];
    async fn(peer) {
        let (_, ack) = offered(&peer, &with_contexts(&peer, contexts)).await?;
        let address = String::from_utf8_lossy(ack.body().secondary_address).into_owned();
        let port = peer.endpoint().address.port();
        ack.field("sec_addr.port_spec", address)
            .satisfies(format!("port {port} in decimal with a zero behind it, or nothing"), |address| is_address(&peer, address))
    }
}

case! {
    /// The result list begins on a boundary of 4 octets, as many octets behind the address as that takes.
    SECONDARY_ADDRESS_PADDING { id: "rpc.bind.secondary-address-padding" }
    for contexts in [("1-context", 1), ("2-contexts", 2), ("5-contexts", 5)];
    async fn(peer) {
        let (_, ack) = offered(&peer, &with_contexts(&peer, contexts)).await?;
        ack.field("n_results", ack.results().len()).is(usize::from(contexts))?;
        ack.field("result[0]", ack.results()[0]).satisfies("accepted with NDR32", |result| {
            result.is_accepted() && result.transfer_syntax == SyntaxId::NDR32
        })?;
        let address = ack.body().secondary_address.len();
        let start = (26 + address).next_multiple_of(4);
        ack.field("frag_length", ack.octets().len()).is(start + 4 + ContextResult::LEN * usize::from(contexts))
    }
}

/// What `STD_BIND` must be answered with.
pub(super) fn is_plain(ack: &Seen<BindAckPdu>) -> Result<(), Stop> {
    let BindAck { trailing, .. } = ack.body();
    ack.flags_are(PfcFlags::WHOLE)?;
    ack.call_id_is(1)?;
    ack.results_among(&[&[ACCEPTED]])?;
    ack.field("trailing", trailing.len()).is(0)
}

/// The target's interface first, then interfaces that nobody has.
fn with_contexts(peer: &Peer, count: u16) -> kmspec_wire::pdu::BindBuilder {
    (1..count).fold(peer.bind(), |bind, id| {
        bind.offering(id, SyntaxId::UNKNOWN_INTERFACE, NDR32)
    })
}

/// Where the connection does not stay on this machine, ports may be translated in between.
fn is_address(peer: &Peer, address: &str) -> bool {
    let target = peer.endpoint().address;
    let Some(digits) = address.strip_suffix('\0') else {
        return address.is_empty();
    };
    let decimal = |port: u16| digits == port.to_string();
    let translated = !target.ip().is_loopback() && digits.parse().is_ok_and(decimal);
    digits.is_empty() || decimal(target.port()) || translated
}

fn note_what_is_not_zero(peer: &Peer, results: &[ContextResult]) {
    for result in results
        .iter()
        .filter(|result| result.transfer_syntax != SyntaxId::NIL)
    {
        let note = format!(
            "tolerated: a rejected context names {}",
            result.transfer_syntax
        );
        peer.record().note(note);
    }
}

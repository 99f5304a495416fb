//! Flags of a bind.

use kmspec_runner::case;
use kmspec_runner::check::{BindAckPdu, closed, nak};
use kmspec_wire::pdu::PfcFlags;

use crate::offer::{WHOLE_MPX, WHOLE_SIGN, offered};

case! {
    /// A bind without the first or the last flag is accepted, and the deficient flags are not copied.
    FIRST_LAST_OPTIONAL { id: "rpc.bind.flags-first-last-optional" }
    for (flags, tolerated) in [
        ("0x00", (0x00, vec![closed(), nak([])])),
        ("0x01", (0x01, vec![])),
        ("0x02", (0x02, vec![])),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().flags(PfcFlags(flags)).encoded()).await?;
        let Some(ack) = link.expect_or::<BindAckPdu>(&tolerated).await? else { return Ok(()) };
        ack.flags_are(PfcFlags::WHOLE)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Concurrent multiplexing is granted exactly when it is asked for.
    CONC_MPX { id: "rpc.bind.flags-conc-mpx" }
    for (flags, granted) in [
        ("0x10", (0x10, [WHOLE_MPX, PfcFlags::WHOLE])),
        ("0x13", (0x13, [WHOLE_MPX, PfcFlags::WHOLE])),
        ("0x03", (0x03, [PfcFlags::WHOLE, WHOLE_MPX])),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().flags(PfcFlags(flags))).await?;
        ack.flags_one_of(granted)?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Header signing is granted, or not by a host without authentication.
    HEADER_SIGNING { id: "rpc.bind.flags-header-signing" }
    for flags in [("0x04", 0x04), ("0x07", 0x07)];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().flags(PfcFlags(flags))).await?;
        ack.flags_one_of([WHOLE_SIGN, PfcFlags::WHOLE])?;
        link.call(&peer.call()).await
    }
}

case! {
    /// Other flags are ignored and not copied, and a call works.
    OTHERS_IGNORED { id: "rpc.bind.flags-others-ignored" }
    for flags in [
        ("0x08", 0x08),
        ("0x20", 0x20),
        ("0x40", 0x40),
        ("0x80", 0x80),
        ("0x2b", 0x2b),
        ("0x43", 0x43),
        ("0x83", 0x83),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &peer.bind().flags(PfcFlags(flags))).await?;
        ack.flags_are(PfcFlags::WHOLE)?;
        link.call(&peer.call()).await
    }
}

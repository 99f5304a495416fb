//! The common header: versions, data representation, lengths, call ids.

mod call_ids;
mod drep;
mod lengths;
mod replies;

use kmspec_runner::check::{BindNakPdu, Field, acks, closed, nak};
use kmspec_runner::{Suite, case};
use kmspec_wire::pdu::{Encoded, PfcFlags};

use crate::offer::{protocol_error, reply};
use replies::{Drawn, draw};

pub(crate) static HEADER: Suite = Suite::new(
    "header",
    &[
        &VERSION_IN_REPLIES,
        &VERSION_IN_REPLIES_TO_ODD_BIND,
        &VERSION_IN_REPLIES_TO_ODD_REQUEST,
        &lengths::FRAG_LENGTH_EXACT,
        &lengths::AUTH_LENGTH_ZERO,
        &lengths::AUTH_LENGTH_NOT_ECHOED,
        &drep::REPLY_DREP_NOT_ECHOED,
        &drep::REPLY_DREP_OF_ODD_REQUESTS,
        &drep::BIG_ENDIAN_BIND,
        &drep::BIG_ENDIAN_BIND_THEN_LITTLE,
        &drep::BIG_ENDIAN_REQUEST,
        &drep::UNUSUAL_FORMATS_BIND,
        &drep::UNUSUAL_FORMATS_REQUEST,
        &BIND_MAJOR_VERSION,
        &BIND_MINOR_VERSION,
        &REQUEST_VERSION,
        &lengths::TOO_SMALL_BIND,
        &lengths::TOO_SMALL_REQUEST,
        &lengths::SHORTER_THAN_FIXED_PART,
        &lengths::SHORTER_AFTER_A_CALL,
        &lengths::LARGER_THAN_SENT,
        &lengths::LARGER_THAN_SENT_BIND,
        &lengths::LARGER_THAN_SENT_COMPLETED,
        &lengths::OVER_TRANSPORT_LIMIT,
        &lengths::OVER_NEGOTIATED_SIZE,
        &call_ids::ANY_VALUE,
        &call_ids::ANY_VALUE_ONE_CONNECTION,
        &call_ids::ECHOED_IN_FAULT,
        &call_ids::ORDER_FREE,
        &call_ids::ORDER_FREE_ALTER,
    ],
);

case! {
    /// Every reply carries RPC version 5.0.
    VERSION_IN_REPLIES { id: "rpc.header.version-in-replies" }
    for kind in Drawn::TABLE;
    async fn(peer) {
        let (_, replies) = draw(&peer, kind).await?;
        for reply in replies {
            reply.field("rpc_vers", reply.header().rpc_vers).is(5)?;
            reply.field("rpc_vers_minor", reply.header().rpc_vers_minor).is(0)?;
        }
        Ok(())
    }
}

case! {
    /// The reply to a bind of another version is one of version 5.0.
    VERSION_IN_REPLIES_TO_ODD_BIND { id: "rpc.header.version-in-replies/bind" }
    for (version, minors) in [
        ("4.0", ([4, 0], [0, 0])),
        ("6.0", ([6, 0], [0, 0])),
        ("0.0", ([0, 0], [0, 0])),
        ("255.255", ([255, 255], [0, 0])),
        ("5.1", ([5, 1], [0, 1])),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(versioned(peer.bind().encoded(), version)).await?;
        let Some(octets) = reply(&mut link).await? else { return Ok(()) };
        Field::derived("rpc_vers", octets[0]).is(5)?;
        Field::derived("rpc_vers_minor", octets[1]).one_of(minors)
    }
}

case! {
    /// The reply to a request of another version is one of version 5.0.
    VERSION_IN_REPLIES_TO_ODD_REQUEST { id: "rpc.header.version-in-replies/request" }
    for version in [("4.0", [4, 0]), ("5.1", [5, 1]), ("6.0", [6, 0]), ("255.255", [255, 255])];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(versioned(peer.call().encoded(), version)).await?;
        let Some(octets) = reply(&mut link).await? else { return Ok(()) };
        Field::derived("rpc_vers", octets[0]).is(5)?;
        Field::derived("rpc_vers_minor", octets[1]).is(0)
    }
}

case! {
    /// A bind of another major version is refused with the one version that is supported.
    BIND_MAJOR_VERSION { id: "rpc.header.bind-major-version-mismatch" }
    for major in [("4", 4), ("0", 0), ("6", 6), ("1", 1), ("127", 127), ("128", 128), ("255", 255)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(versioned(peer.bind().call_id(0x0405).encoded(), [major, 0])).await?;
        let Some(refusal) = link.expect_or::<BindNakPdu>(&[closed()]).await? else { return Ok(()) };
        refusal.field("provider_reject_reason", refusal.body().reason.0).is(4)?;
        refusal.field("p_protocols", refusal.body().versions).is(Some(&[[5, 0]]))?;
        refusal.flags_are(PfcFlags::WHOLE)?;
        refusal.call_id_is(0x0405)?;
        link.closes().await
    }
}

case! {
    /// A bind of minor version 1 is refused with the version that is supported, or taken.
    BIND_MINOR_VERSION { id: "rpc.header.bind-minor-version-1" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(versioned(peer.bind().encoded(), [5, 1])).await?;
        link.answers(&[nak([4]).call(1).closes(), acks().call(1)], &[]).await.map(drop)
    }
}

case! {
    /// A request of another version is a protocol error.
    REQUEST_VERSION { id: "rpc.header.request-version-mismatch" }
    for version in [
        ("4.0", [4, 0]),
        ("5.1", [5, 1]),
        ("6.0", [6, 0]),
        ("0.0", [0, 0]),
        ("5.127", [5, 127]),
        ("5.128", [5, 128]),
        ("5.254", [5, 254]),
        ("5.255", [5, 255]),
        ("21.0", [0x15, 0]),
        ("133.0", [0x85, 0]),
        ("254.0", [254, 0]),
        ("255.0", [255, 0]),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(versioned(peer.call().encoded(), version)).await?;
        link.answers(&[protocol_error().call(2)], &[closed()]).await.map(drop)
    }
}

/// The same PDU with another version.
fn versioned(mut pdu: Encoded, [major, minor]: [u8; 2]) -> Encoded {
    pdu.overwrite("rpc_vers", &[major]);
    pdu.overwrite("rpc_vers_minor", &[minor]);
    pdu
}

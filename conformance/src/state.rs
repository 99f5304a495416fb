//! PDUs in the wrong state of a connection.

use kmspec_runner::check::{acks, closed, fault, nak, silent};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::pdu::{
    Body, CallId, Encoded, FaultStatus, Header, Pdu, PduType, PfcFlags, SyntaxId,
};

use crate::fragment::{long_call, piece};

pub(crate) static STATE: Suite = Suite::new(
    "state",
    &[
        &REQUEST_BEFORE_BIND,
        &ALTER_BEFORE_BIND,
        &OTHER_FIRST_PDU,
        &OTHER_FIRST_PDU_IGNORED,
        &SERVER_ONLY_PDUS,
        &FOREIGN_PTYPES,
        &UNKNOWN_PTYPE_FIRST,
        &UNKNOWN_PTYPE_BOUND,
        &NO_SERVICE_AFTER_PROTOCOL_ERROR,
    ],
);

case! {
    /// No call is served before a bind, whatever context it names.
    REQUEST_BEFORE_BIND { id: "rpc.state.request-before-bind", needs: [Probe] }
    for context in [("context-0", 0), ("context-1", 1), ("context-0x7fff", 0x7fff), ("context-0xffff", 0xffff)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.call().context(context).encoded()).await?;
        let refused = fault([FaultStatus::UNK_IF, FaultStatus::PROTO_ERROR]).call(2);
        link.answers(&[nak([4]).call(2).closes()], &[closed(), refused]).await.map(drop)
    }
}

case! {
    /// `alter_context` before bind is refused.
    ALTER_BEFORE_BIND { id: "rpc.state.alter-before-bind", needs: [Probe] }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.alter().offering(0, peer.interface(), &[SyntaxId::NDR32]).encoded()).await?;
        link.answers(&[nak([4]).call(3).closes()], &[protocol_error().call(3).closes(), closed()]).await.map(drop)
    }
}

case! {
    /// Any other first PDU ends the connection.
    OTHER_FIRST_PDU { id: "rpc.state.other-first-pdu", needs: [Probe] }
    for (ptype, body) in [
        ("response", (PduType::RESPONSE, 16)),
        ("fault", (PduType::FAULT, 16)),
        ("bind-ack", (PduType::BIND_ACK, 16)),
        ("bind-nak", (PduType::BIND_NAK, 16)),
        ("alter-context-resp", (PduType::ALTER_CONTEXT_RESP, 16)),
        ("auth3", (PduType::AUTH3, 16)),
        ("shutdown", (PduType::SHUTDOWN, 0)),
        ("rts", (PduType::RTS, 16)),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(zeros(ptype, 1, body)).await?;
        link.answers(&[nak([4]).call(1).closes()], &[closed()]).await.map(drop)
    }
}

case! {
    /// `co_cancel` or `orphaned` as the first PDU ends the connection, or is ignored and a bind then works.
    OTHER_FIRST_PDU_IGNORED { id: "rpc.state.other-first-pdu", needs: [Probe] }
    for ptype in [("co-cancel", PduType::CO_CANCEL), ("orphaned", PduType::ORPHANED)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(zeros(ptype, 1, 0)).await?;
        let got = link.answers(&[nak([4]).call(1).closes()], &[closed(), silent()]).await?;
        if got.ended.is_none() { binds(&peer, &mut link).await } else { Ok(()) }
    }
}

case! {
    /// PDU types that only a server sends are a protocol error.
    SERVER_ONLY_PDUS { id: "rpc.state.server-only-pdus", needs: [Probe] }
    for ptype in [
        ("response", PduType::RESPONSE),
        ("fault", PduType::FAULT),
        ("bind-ack", PduType::BIND_ACK),
        ("bind-nak", PduType::BIND_NAK),
        ("alter-context-resp", PduType::ALTER_CONTEXT_RESP),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(zeros(ptype, 7, 16)).await?;
        let expected = protocol_error().flags(0x23).context(0).call(7).closes();
        link.answers(&[expected], &[closed()]).await.map(drop)
    }
}

case! {
    /// PDU types that have no place on a bound TCP connection end it.
    FOREIGN_PTYPES { id: "rpc.state.foreign-ptypes", needs: [Probe] }
    for (ptype, body) in [
        ("ping", (PduType::PING, 16)),
        ("working", (PduType::WORKING, 16)),
        ("nocall", (PduType::NOCALL, 16)),
        ("reject", (PduType::REJECT, 16)),
        ("ack", (PduType::ACK, 16)),
        ("cl-cancel", (PduType::CL_CANCEL, 16)),
        ("fack", (PduType::FACK, 16)),
        ("cancel-ack", (PduType::CANCEL_ACK, 16)),
        ("shutdown", (PduType::SHUTDOWN, 0)),
        ("rts", (PduType::RTS, 16)),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(zeros(ptype, 7, body)).await?;
        let expected = protocol_error().flags(0x23).context(0).call(7).closes();
        link.answers(&[expected], &[closed()]).await.map(drop)
    }
}

case! {
    /// An undefined PDU type as the first PDU ends the connection.
    UNKNOWN_PTYPE_FIRST { id: "rpc.state.unknown-ptype/first", needs: [Probe] }
    for ptype in UNDEFINED;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(zeros(PduType(ptype), 1, 16)).await?;
        link.answers(&[closed()], &[protocol_error().closes(), nak([]).closes()]).await.map(drop)
    }
}

case! {
    /// An undefined PDU type on a bound connection ends it.
    UNKNOWN_PTYPE_BOUND { id: "rpc.state.unknown-ptype/bound", needs: [Probe] }
    for ptype in UNDEFINED;
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(zeros(PduType(ptype), 7, 16)).await?;
        link.answers(&[closed()], &[protocol_error().closes(), nak([]).closes()]).await.map(drop)
    }
}

case! {
    /// Nothing is served after a protocol error: of a broken PDU and a call in one segment, only the first is answered.
    NO_SERVICE_AFTER_PROTOCOL_ERROR { id: "rpc.state.no-service-after-protocol-error", needs: [Probe] }
    for broken in [
        ("alter-without-contexts", (|peer| peer.alter().call_id(9).encoded()) as fn(&Peer) -> Encoded),
        ("bind-ack", |_| zeros(PduType::BIND_ACK, 9, 16)),
        ("fragment-without-first", |peer| peer.call().call_id(9).flags(PfcFlags::LAST_FRAG).encoded()),
        ("later-fragment-of-nothing", |peer| piece(&long_call(peer).call_id(9), 0, 8..16).encoded()),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send([broken(&peer).bytes, peer.call().encoded().bytes].concat()).await?;
        link.answers(&[protocol_error().call(9).closes()], &[closed()]).await.map(drop)
    }
}

/// Values that no PDU type has, from the first behind `rts` to the last.
const UNDEFINED: [(&str, u8); 6] = [
    ("21", 21),
    ("22", 22),
    ("0x3f", 0x3f),
    ("0x7f", 0x7f),
    ("0x80", 0x80),
    ("0xff", 0xff),
];

fn protocol_error() -> kmspec_runner::check::Answer {
    fault([FaultStatus::PROTO_ERROR])
}

/// A PDU of this type with a body of zeros.
pub(crate) fn zeros(ptype: PduType, call_id: u32, len: usize) -> Encoded {
    let pdu = Pdu {
        header: Header::new(ptype, CallId(call_id)),
        body: Body::Unknown(&[0; 16][..len]),
        auth: None,
    };
    pdu.encoded()
}

/// A connection that ignored what came before can still be bound.
async fn binds(peer: &Peer, link: &mut Link) -> Result<(), Stop> {
    link.send(peer.bind().encoded()).await?;
    link.answers(&[acks().call(1)], &[]).await.map(drop)
}

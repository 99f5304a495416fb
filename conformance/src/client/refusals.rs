//! Answers that refuse a bind or a call.

use kmspec_runner::case;
use kmspec_runner::listener::{Ack, fault};
use kmspec_wire::pdu::{
    BindNak, Body, CallId, ContextId, ContextResult, ContextResultCode, Encoded, Fault,
    FaultStatus, Header, NakReason, Pdu, PduType, PfcFlags, Reason, SyntaxId,
};

use super::first_call;

case! {
    /// A bind_nak ends the attempt, whatever its reason and layout.
    BIND_NAK { id: "rpc.client.bind-nak" }
    for (reason, layout) in NAKS;
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        link.send(nak(bind.header().call_id, reason, layout)).await?;
        listener.gives_up(link).await
    }
}

/// How much stands behind the reason.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// Versions and three octets of padding: 24 octets, as Windows sends.
    Padded,
    /// Versions: 21 octets.
    Versions,
    /// Nothing: 18 octets.
    Bare,
    /// Versions, a signature and extended error data.
    Extended,
}

const NAKS: [(&str, (u16, Layout)); 10] = [
    ("not-specified", (0, Layout::Padded)),
    ("temporary-congestion", (1, Layout::Padded)),
    ("local-limit", (2, Layout::Padded)),
    ("version", (4, Layout::Padded)),
    ("authentication-type", (8, Layout::Padded)),
    ("checksum", (9, Layout::Padded)),
    ("unknown-reason", (0x1234, Layout::Padded)),
    ("21-octets", (4, Layout::Versions)),
    ("18-octets", (4, Layout::Bare)),
    ("extended-error", (2, Layout::Extended)),
];

/// Says that extended error data follow. Source: MS-RPCE 2.2.2.9.
const SIGNATURE: [u8; 16] = [
    0x20, 0x03, 0x74, 0x90, 0xd0, 0xfa, 0xd3, 0x11, 0x82, 0xd7, 0x00, 0x90, 0x27, 0xb1, 0x30, 0xab,
];

fn nak(call_id: CallId, reason: u16, layout: Layout) -> Encoded {
    let mut extended = vec![0; 3];
    extended.extend(SIGNATURE);
    extended.extend([0; 24]);
    let honest = BindNak::new(NakReason(reason));
    let body = match layout {
        Layout::Padded => honest,
        Layout::Versions => BindNak {
            trailing: &[],
            ..honest
        },
        Layout::Bare => BindNak {
            versions: None,
            trailing: &[],
            ..honest
        },
        Layout::Extended => BindNak {
            trailing: &extended,
            ..honest
        },
    };
    pdu(PduType::BIND_NAK, call_id, Body::BindNak(body))
}

fn pdu(ptype: PduType, call_id: CallId, body: Body<'_>) -> Encoded {
    Pdu {
        header: Header::new(ptype, call_id),
        body,
        auth: None,
    }
    .encoded()
}

case! {
    /// A fault in answer to the bind ends the attempt.
    BIND_FAULT { id: "rpc.client.bind-fault" }
    for status in [("protocol-error", FaultStatus::PROTO_ERROR), ("access-denied", FaultStatus::ACCESS_DENIED)];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        link.send(fault(bind.header().call_id, status, ContextId(0))).await?;
        listener.gives_up(link).await
    }
}

case! {
    /// Without an accepted context nothing is called.
    ALL_REJECTED { id: "rpc.client.all-rejected" }
    for result in [
        ("interface", Some(ContextResult::rejected(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED))),
        ("transfer-syntaxes", Some(ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED))),
        ("user", Some(ContextResult {
            result: ContextResultCode::USER_REJECTION,
            reason: Reason::NOT_SPECIFIED,
            transfer_syntax: SyntaxId::NIL,
        })),
        ("only-features", None),
    ];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = Ack::choosing(&bind, link.port(), None);
        let ack = match result {
            Some(result) => ack.all(result),
            None => ack,
        };
        link.send(ack.encoded()).await?;
        listener.gives_up_or(link, Some(PduType::ALTER_CONTEXT)).await
    }
}

case! {
    /// What is no answer to a bind is an error.
    UNEXPECTED_FOR_BIND { id: "rpc.client.unexpected-pdu/for-bind" }
    for ptype in [
        ("response", PduType::RESPONSE),
        ("alter-context-resp", PduType::ALTER_CONTEXT_RESP),
        ("shutdown", PduType::SHUTDOWN),
        ("unknown", PduType(0xff)),
    ];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let mut octets = link.ack(&bind).encoded();
        if ptype == PduType::SHUTDOWN {
            octets.cut(Header::LEN);
        }
        octets.overwrite("PTYPE", &[ptype.0]);
        link.send(octets).await?;
        listener.gives_up(link).await
    }
}

case! {
    /// What is no answer to a call is an error, even where the rest of it would be one.
    UNEXPECTED_FOR_CALL { id: "rpc.client.unexpected-pdu/for-call" }
    for ptype in [
        ("request", PduType::REQUEST),
        ("bind-ack", PduType::BIND_ACK),
        ("bind-nak", PduType::BIND_NAK),
        ("alter-context", PduType::ALTER_CONTEXT),
        ("unknown", PduType(0xff)),
    ];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let mut octets = link.good(&query).encoded();
        octets.overwrite("PTYPE", &[ptype.0]);
        link.send(octets).await?;
        listener.gives_up(link).await
    }
}

case! {
    /// A fault on the call is reported, whatever its status, and nothing in it is taken for data.
    FAULT_REPORTED { id: "rpc.client.fault-reported" }
    for (status, kind) in FAULTS;
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let data = query.stub(&link.sealed(&query, |_| {}));
        let context_id = match kind {
            Shape::NoContext => ContextId(0),
            _ => query.context_id,
        };
        let mut body = Fault::new(FaultStatus(status), context_id);
        if matches!(kind, Shape::WithData) {
            body.stub = &data;
        }
        let mut octets = pdu(PduType::FAULT, query.call_id, Body::Fault(body));
        if matches!(kind, Shape::NotExecuted) {
            let flags = PfcFlags::WHOLE | PfcFlags::DID_NOT_EXECUTE;
            octets.overwrite("pfc_flags", &[flags.0]);
        }
        link.send(octets).await?;
        listener.gives_up(link).await
    }
}

/// What is odd about a fault beside its status.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Usual,
    NotExecuted,
    NoContext,
    WithData,
}

const FAULTS: [(&str, (u32, Shape)); 11] = [
    ("op-rng-error", (0x1c01_0002, Shape::Usual)),
    ("unk-if", (0x1c01_0003, Shape::Usual)),
    ("proto-error", (0x1c01_000b, Shape::Usual)),
    ("undefined", (0x1c01_000d, Shape::Usual)),
    ("access-denied", (0x0000_0005, Shape::Usual)),
    ("bad-stub-data", (0x0000_06f7, Shape::Usual)),
    ("invalid-data", (0x8007_000d, Shape::Usual)),
    ("status-0", (0, Shape::Usual)),
    ("did-not-execute", (0x1c01_000b, Shape::NotExecuted)),
    ("context-0", (0x1c01_0003, Shape::NoContext)),
    ("with-data", (0x1c01_0003, Shape::WithData)),
];

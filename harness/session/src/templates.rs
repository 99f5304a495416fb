//! Sessions to begin with: what clients do, and what the protocol allows them.

use kmspec_wire::btfn::Features;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{PduType, PfcFlags, SyntaxId};

use crate::session::{
    Action, Call, Content, Group, Message, Offer, Order, Plain, Sending, Session, Step, Stub,
};

/// Sessions that touch every part of the protocol, all lawful or nearly so.
pub fn templates() -> Vec<Session> {
    let mut all: Vec<Session> = Version::ALL
        .into_iter()
        .map(|v| plain(&[request(v)]))
        .collect();
    all.extend([
        windows(),
        plain(&[in_fragments(), request(Version::V6)]),
        several_calls(),
        alter(),
        joined(),
        cancelled(),
        plain(&[cancelled_amid(), request(Version::V6)]),
        big_endian(),
        hurried(),
        half_read(),
        multiplexed(),
        raw(b"GET / HTTP/1.1\r\n\r\n"),
        raw(&[]),
        Session {
            steps: vec![connect(), Step::new(Action::Close)],
        },
    ]);
    all
}

/// One step of any kind, for a mutation to put in.
pub(crate) fn steps() -> Vec<Step> {
    let mut all: Vec<Step> = Version::ALL.into_iter().map(request).collect();
    all.extend([
        connect(),
        bind(),
        Step::send(Content::Bind(windows_offer())),
        Step::send(Content::Alter(Offer::kms().offering(
            1,
            SyntaxId::KMS,
            &[SyntaxId::NDR64],
        ))),
        ndr64(1),
        in_fragments(),
        cancelled_amid(),
        Step::new(Action::HalfClose),
        Step::new(Action::Close),
        Step::new(Action::Wait(5)),
        Step::send(Content::Raw(b"GET / HTTP/1.1\r\n\r\n".to_vec())),
        Step::send(Content::Request(Call {
            stub: Stub::Octets(Vec::new()),
            ..Call::kms(Version::V6)
        })),
        Step::send(Content::Request(Call {
            stub: Stub::Marshalled(TransferSyntax::Ndr32, Message::Octets(Vec::new())),
            ..Call::kms(Version::V6)
        })),
    ]);
    let types = [
        PduType::CO_CANCEL,
        PduType::ORPHANED,
        PduType::SHUTDOWN,
        PduType::AUTH3,
        PduType::RESPONSE,
        PduType::FAULT,
        PduType(0x55),
    ];
    all.extend(types.map(|ptype| Step::send(Content::Pdu(Plain::empty(ptype, 2)))));
    all.extend(
        [PfcFlags::FIRST_FRAG, PfcFlags(0), PfcFlags::LAST_FRAG].map(|flags| {
            Step::send(Content::Pdu(Plain {
                flags,
                body: vec![0; 16],
                ..Plain::empty(PduType::REQUEST, 2)
            }))
        }),
    );
    all
}

fn plain(rest: &[Step]) -> Session {
    let mut steps = vec![connect(), bind()];
    steps.extend_from_slice(rest);
    Session { steps }
}

fn connect() -> Step {
    Step::new(Action::Connect)
}

fn bind() -> Step {
    Step::send(Content::Bind(Offer::kms()))
}

fn request(version: Version) -> Step {
    Step::send(Content::Request(Call::kms(version)))
}

/// As Windows binds: both syntaxes and feature negotiation.
fn windows_offer() -> Offer {
    Offer {
        call_id: 2,
        flags: PfcFlags::WHOLE | PfcFlags::CONC_MPX,
        ..Offer::kms()
            .offering(1, SyntaxId::KMS, &[SyntaxId::NDR64])
            .offering(2, SyntaxId::KMS, &[Features::ALL.syntax()])
    }
}

fn ndr64(context_id: u16) -> Step {
    let stub = Stub::Marshalled(TransferSyntax::Ndr64, Message::Kms(Version::V6.protocol()));
    Step::send(Content::Request(Call {
        context_id,
        stub,
        ..Call::kms(Version::V6)
    }))
}

fn windows() -> Session {
    let steps = vec![
        connect(),
        Step::send(Content::Bind(windows_offer())),
        ndr64(1),
    ];
    Session { steps }
}

fn in_fragments() -> Step {
    Step::send(Content::Request(Call {
        fragment: 88,
        ..Call::kms(Version::V5)
    }))
}

fn cancelled_amid() -> Step {
    Step::send(Content::Request(Call {
        fragment: 88,
        amid: Some(PduType::CO_CANCEL),
        ..Call::kms(Version::V5)
    }))
}

fn several_calls() -> Session {
    let mut sending = Sending::new(Content::Request(Call::kms(Version::V6)));
    sending.times = 3;
    plain(&[Step::new(Action::Send(Box::new(sending)))])
}

fn alter() -> Session {
    let mut offer = Offer::kms();
    offer.call_id = 3;
    offer.contexts.clear();
    let offer = offer.offering(1, SyntaxId::KMS, &[SyntaxId::NDR32]);
    let call = Call {
        context_id: 1,
        call_id: 4,
        ..Call::kms(Version::V4)
    };
    plain(&[
        Step::send(Content::Alter(offer)),
        Step::send(Content::Request(call)),
    ])
}

/// Two connections in one association group.
fn joined() -> Session {
    let offer = Offer {
        group: Group::Of(0),
        ..Offer::kms()
    };
    plain(&[
        connect().on(1),
        Step::send(Content::Bind(offer)).on(1),
        request(Version::V6).on(1),
        request(Version::V6),
    ])
}

fn fragment(flags: PfcFlags, len: u16) -> Step {
    let body = [
        [0, 1, 0, 0, 0, 0, 0, 0].as_slice(),
        &vec![0; usize::from(len)],
    ]
    .concat();
    Step::send(Content::Pdu(Plain {
        flags,
        body,
        ..Plain::empty(PduType::REQUEST, 2)
    }))
}

fn cancelled() -> Session {
    plain(&[
        fragment(PfcFlags::FIRST_FRAG, 64),
        Step::send(Content::Pdu(Plain::empty(PduType::CO_CANCEL, 2))),
        Step::send(Content::Pdu(Plain::empty(PduType::ORPHANED, 2))),
        request(Version::V6),
    ])
}

fn big_endian() -> Session {
    let offer = Offer {
        order: Order::Big,
        ..Offer::kms()
    };
    let call = Call {
        order: Order::Big,
        ..Call::kms(Version::V6)
    };
    Session {
        steps: vec![
            connect(),
            Step::send(Content::Bind(offer)),
            Step::send(Content::Request(call)),
        ],
    }
}

/// Everything before any answer, an octet at a time.
fn hurried() -> Session {
    let mut session = plain(&[request(Version::V6)]);
    for sending in session.sendings_mut() {
        sending.hurry = matches!(sending.content, Content::Bind(_));
        sending.segment = 40;
    }
    session
}

/// A connection that ends inside a PDU.
fn half_read() -> Session {
    plain(&[
        Step::send(Content::Raw(vec![5, 0, 0, 3, 0x10, 0, 0, 0, 0x80, 0])),
        Step::new(Action::Close),
    ])
}

fn multiplexed() -> Session {
    let mut session = plain(&[request(Version::V5), request(Version::V4)]);
    for (number, sending) in (2..).zip(session.sendings_mut().skip(1)) {
        sending.hurry = number == 2;
        if let Content::Request(call) = &mut sending.content {
            call.call_id = number;
        }
    }
    for sending in session.sendings_mut().take(1) {
        if let Content::Bind(offer) = &mut sending.content {
            offer.flags = PfcFlags::WHOLE | PfcFlags::CONC_MPX;
        }
    }
    session
}

fn raw(octets: &[u8]) -> Session {
    let mut steps = vec![connect()];
    if !octets.is_empty() {
        steps.push(Step::send(Content::Raw(octets.to_vec())));
    }
    steps.push(Step::new(Action::HalfClose));
    Session { steps }
}

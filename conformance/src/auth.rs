//! Verifiers where no authentication was negotiated.

use kmspec_runner::check::{Field, acks, closed, fault, nak, responds, silent};
use kmspec_runner::peer::Arrival;
use kmspec_runner::{Link, Stop, Suite, case};
use kmspec_wire::pdu::{
    AuthVerifier, Body, CallId, Encoded, FaultStatus, Header, NakReason, Pdu, PduType,
};

use crate::request::bound_on;

pub(crate) static AUTH: Suite = Suite::new(
    "auth",
    &[
        &BIND_INVALID_LEVEL,
        &BIND_UNKNOWN_TYPE,
        &BIND_NTLM_OR_SPNEGO,
        &LENGTH_WITHOUT_TRAILER_NO_CONTEXTS,
        &LENGTH_WITHOUT_TRAILER_BIND,
        &LENGTH_WITHOUT_TRAILER_REQUEST,
        &REQUEST_VERIFIER_UNEXPECTED,
        &AUTH3_UNEXPECTED,
    ],
);

case! {
    /// Invalid authentication levels are refused.
    BIND_INVALID_LEVEL { id: "rpc.auth.bind-invalid-level", needs: [Probe] }
    for level in [("0", 0), ("1", 1), ("7", 7), ("128", 128), ("255", 255)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().with_auth(Some(verifier(0, level, &[0; 4])))).await?;
        link.answers(&[nak([0]).call(1).closes()], &[nak([8]).call(1).closes(), closed()]).await.map(drop)
    }
}

case! {
    /// Unknown authentication types are refused, or authentication is not answered at all.
    BIND_UNKNOWN_TYPE { id: "rpc.auth.bind-unknown-type", needs: [Probe] }
    for (auth_type, level) in [
        ("type-99", (99, 5)),
        ("connect", (0, 2)),
        ("call", (0, 3)),
        ("packet", (0, 4)),
        ("integrity", (0, 5)),
        ("privacy", (0, 6)),
    ];
    async fn(peer) {
        let mut link = peer.connect().await?;
        let auth = AuthVerifier { auth_context_id: 1, ..verifier(auth_type, level, &[0; 4]) };
        link.send(peer.bind().with_auth(Some(auth))).await?;
        let tolerated = [nak([0, 1, 2, 9]).call(1).closes(), closed(), acks().call(1)];
        link.answers(&[nak([8]).call(1).closes()], &tolerated).await.map(drop)
    }
}

case! {
    /// A real security package is negotiated or refused, not faked.
    BIND_NTLM_OR_SPNEGO { id: "rpc.auth.bind-ntlm-or-spnego", needs: [Probe] }
    for (auth_type, token) in [("ntlmssp", (10, NTLM_NEGOTIATE)), ("spnego", (9, SPNEGO_INIT))];
    async fn(peer) {
        let mut link = peer.connect().await?;
        let auth = AuthVerifier { auth_context_id: 0x0102_0304, ..verifier(auth_type, 2, token) };
        link.send(peer.bind().with_auth(Some(auth))).await?;
        negotiates_or_refuses(&mut link, auth).await
    }
}

case! {
    /// A bind without contexts and with an `auth_length`, but no trailer, is refused.
    LENGTH_WITHOUT_TRAILER_NO_CONTEXTS { id: "rpc.auth.length-without-trailer/no-contexts", needs: [Probe] }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(claiming(peer.bind_without_contexts().encoded(), 8)).await?;
        link.answers(&[nak([4]).call(1).closes()], &[nak([0]).call(1).closes(), closed()]).await.map(drop)
    }
}

case! {
    /// A bind with an `auth_length`, but no trailer, is refused.
    LENGTH_WITHOUT_TRAILER_BIND { id: "rpc.auth.length-without-trailer/bind", needs: [Probe] }
    for length in [("8", 8), ("one-too-long", 49), ("0x7fff", 0x7fff), ("0x8000", 0x8000), ("0xffff", 0xffff)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(claiming(peer.bind().encoded(), length)).await?;
        link.answers(&[nak([4]).call(1).closes()], &[nak([0]).call(1).closes(), closed()]).await.map(drop)
    }
}

case! {
    /// A request with an `auth_length`, but no trailer, is refused.
    LENGTH_WITHOUT_TRAILER_REQUEST { id: "rpc.auth.length-without-trailer/request", needs: [Probe] }
    for length in [("16", 16), ("0x7fff", 0x7fff), ("0x8000", 0x8000), ("0xffff", 0xffff)];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(claiming(peer.call().encoded(), length)).await?;
        let broken = fault([FaultStatus::PROTO_ERROR]).flags(0x23).call(2).closes();
        let denied = fault([FaultStatus::ACCESS_DENIED]).flags(0x03).call(2).closes();
        link.answers(&[broken, denied], &[closed()]).await.map(drop)
    }
}

case! {
    /// A verifier on a request of an unauthenticated connection is refused, not taken for stub data.
    REQUEST_VERIFIER_UNEXPECTED { id: "rpc.auth.request-verifier-unexpected", needs: [Probe] }
    for (auth_type, level, token) in [
        ("level-0", (0, 0, [0_u8; 4].as_slice())),
        ("level-1", (0, 1, &[0; 4])),
        ("level-2", (0, 2, &[0; 4])),
        ("level-3", (0, 3, &[0; 4])),
        ("level-4", (0, 4, &[0; 4])),
        ("type-99", (99, 5, &[0; 16])),
    ];
    async fn(peer) {
        let mut link = bound_on(&peer, 0x34).await?;
        let call = peer.call().context(0x34);
        link.send(call.with_auth(Some(verifier(auth_type, level, token)))).await?;
        let denied = fault([FaultStatus::ACCESS_DENIED]).flags(0x03).context(0x34).call(2).closes();
        let broken = fault([FaultStatus::PROTO_ERROR]).call(2).closes();
        link.answers(&[denied], &[broken, closed()]).await.map(drop)
    }
}

case! {
    /// auth3 without authentication in progress is a protocol error, or ignored.
    AUTH3_UNEXPECTED { id: "rpc.auth.auth3-unexpected", needs: [Probe] }
    for auth in [("without-trailer", None), ("with-trailer", Some(verifier(10, 2, &[0; 4])))];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(auth3(auth)).await?;
        let expected = fault([FaultStatus::PROTO_ERROR]).flags(0x23).context(0).call(1).closes();
        let got = link.answers(&[expected], &[closed(), silent()]).await?;
        if got.octets.is_some() || got.ended.is_some() {
            return Ok(());
        }
        link.send(peer.call().encoded()).await?;
        link.answers(&[responds().call(2), fault([]).call(2), closed()], &[]).await.map(drop)
    }
}

/// A security trailer with this token, aligned as the PDU's body is.
const fn verifier(auth_type: u8, auth_level: u8, token: &[u8]) -> AuthVerifier<'_> {
    AuthVerifier {
        padding: &[],
        auth_type,
        auth_level,
        reserved: 0,
        auth_context_id: 0,
        token,
    }
}

/// The same PDU with this `auth_length`.
fn claiming(mut pdu: Encoded, auth_length: u16) -> Encoded {
    pdu.overwrite("auth_length", &auth_length.to_le_bytes());
    pdu
}

/// auth3: four octets of padding, perhaps a trailer.
fn auth3(auth: Option<AuthVerifier<'_>>) -> Encoded {
    let pdu = Pdu {
        header: Header::new(PduType::AUTH3, CallId(1)),
        body: Body::Auth3(&[0; 4]),
        auth,
    };
    pdu.encoded()
}

/// A `bind_ack` with a trailer of the same package, level and context and with a token; or one with no trailer; or a
/// `bind_nak` that says the type is not recognised.
async fn negotiates_or_refuses(link: &mut Link, asked: AuthVerifier<'_>) -> Result<(), Stop> {
    let limit = link.peer().endpoint().timing.answer;
    let octets = match link.arrival_within(limit).await? {
        Arrival::Pdu(octets) => octets,
        other => {
            return Err(Stop::fail(
                "answer",
                "bind_ack or bind_nak",
                format!("{other:?}"),
            ));
        }
    };
    let pdu = Pdu::decode(&octets)
        .map_err(|error| Stop::fail("answer", "bind_ack or bind_nak", error.to_string()))?;
    match (pdu.body, pdu.auth) {
        (Body::BindNak(nak), _) => {
            Field::derived("provider_reject_reason", nak.reason).is(NakReason(8))
        }
        (Body::BindAck(_), None) => {
            link.peer()
                .record()
                .note("tolerated: bind_ack without a security trailer");
            Ok(())
        }
        (Body::BindAck(_), Some(given)) => {
            Field::derived("auth_type", given.auth_type).is(asked.auth_type)?;
            Field::derived("auth_level", given.auth_level).is(asked.auth_level)?;
            Field::derived("auth_context_id", given.auth_context_id).is(asked.auth_context_id)?;
            Field::derived("auth_value", given.token.len()).is_not(0)
        }
        (body, _) => Err(Stop::fail(
            "answer",
            "bind_ack or bind_nak",
            format!("{body:?}"),
        )),
    }
}

/// An NTLMSSP NEGOTIATE message without names. Source: MS-NLMP 2.2.1.1.
const NTLM_NEGOTIATE: &[u8] = &[
    b'N', b'T', b'L', b'M', b'S', b'S', b'P', 0, // signature
    1, 0, 0, 0, // type
    0x07, 0x82, 0x08, 0xa2, // flags
    0, 0, 0, 0, 0, 0, 0, 0, // domain
    0, 0, 0, 0, 0, 0, 0, 0, // workstation
    6, 1, 0xb1, 0x1d, 0, 0, 0, 15, // version
];

/// A SPNEGO initial token that offers NTLMSSP and carries the message above. Source: RFC 4178 4.2.1; RFC 2743 3.1.
const SPNEGO_INIT: &[u8] = &[
    0x60, 72, 0x06, 6, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x02, // application 0, SPNEGO
    0xa0, 62, 0x30, 60, // NegTokenInit
    0xa0, 14, 0x30, 12, 0x06, 10, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02,
    0x0a, // mechTypes
    0xa2, 42, 0x04, 40, // mechToken
    b'N', b'T', b'L', b'M', b'S', b'S', b'P', 0, 1, 0, 0, 0, 0x07, 0x82, 0x08, 0xa2, //
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 1, 0xb1, 0x1d, 0, 0, 0, 15,
];

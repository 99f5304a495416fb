//! Robustness against what is not the protocol at all.

mod regressions;

use kmspec_runner::check::{Answer, Field, closed, nak, silent};
use kmspec_runner::peer::{Arrival, Product};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::btfn::Features;
use kmspec_wire::pdu::{CallId, Header, PduType, SyntaxId};

pub(crate) static ROBUST: Suite = Suite::new(
    "robust",
    &[
        &FOREIGN_PROTOCOL,
        &FOREIGN_PROTOCOL_BOUND,
        &RANDOM_OCTETS,
        &MUTATED_BIND,
        &MUTATED_REQUEST,
        &CONNECT_AND_CLOSE,
        &CONNECT_AND_RESET,
        &REGRESSIONS,
    ],
);

case! {
    /// Foreign protocols are dropped without harm, and get no RPC reply but a refusal.
    FOREIGN_PROTOCOL { id: "rpc.robust.foreign-protocol", needs: [Probe] }
    for (octets, may_wait) in FOREIGN;
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(octets()).await?;
        link.answers(&dropped(may_wait), &[nak([])]).await?;
        peer.fresh().await
    }
}

case! {
    /// Foreign protocols behind a bind are dropped without harm.
    FOREIGN_PROTOCOL_BOUND { id: "rpc.robust.foreign-protocol/bound", needs: [Probe] }
    for (octets, may_wait) in FOREIGN;
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.send(octets()).await?;
        link.answers(&dropped(may_wait), &[kmspec_runner::check::fault([]), nak([])]).await?;
        peer.fresh().await
    }
}

case! {
    /// Random octets, half of them behind a valid header, do not harm the host.
    RANDOM_OCTETS { id: "rpc.robust.random-octets", needs: [Crowd, Probe] }
    for header in [
        ("bare", None),
        ("request", Some(PduType::REQUEST)),
        ("bind", Some(PduType::BIND)),
        ("alter-context", Some(PduType::ALTER_CONTEXT)),
    ];
    async fn(peer) {
        let connections = if header.is_none() { 500 } else { 167 };
        in_batches(&peer, connections, move |peer, _| sends_garbage(peer, header)).await
    }
}

case! {
    /// A bind of three contexts with one octet changed gets a defined reply or the end.
    MUTATED_BIND { id: "rpc.robust.mutated-bind-and-request/bind", needs: [Crowd, Probe] }
    for value in VALUES;
    async fn(peer) {
        let bind = three_contexts(&peer);
        peer.in_parallel(bind.len(), 10, move |peer, at| {
            let mutated = mutated(three_contexts(&peer), at, value);
            async move { plays(&mut peer.connect().await?, mutated).await }
        }).await?;
        peer.fresh().await
    }
}

case! {
    /// A call with one octet changed gets a defined reply or the end.
    MUTATED_REQUEST { id: "rpc.robust.mutated-bind-and-request/request", needs: [Crowd, Probe] }
    for value in VALUES;
    async fn(peer) {
        let call = peer.call().encoded().bytes;
        peer.in_parallel(call.len(), 10, move |peer, at| {
            let mutated = mutated(call.clone(), at, value);
            async move {
                if raises_the_cap(&peer, &mutated) {
                    return Ok(());
                }
                plays(&mut peer.bound().await?, mutated).await
            }
        }).await?;
        peer.fresh().await
    }
}

case! {
    /// Many connections that are closed at once, without data, do no harm.
    CONNECT_AND_CLOSE { id: "rpc.robust.connect-and-leave/close", needs: [Crowd, Probe] }
    async fn(peer) {
        in_batches(&peer, 500, |peer, _| async move { peer.connect().await.map(drop) }).await
    }
}

case! {
    /// Many connections that are reset at once, without data, do no harm.
    CONNECT_AND_RESET { id: "rpc.robust.connect-and-leave/reset", needs: [Probe] }
    async fn(peer) {
        in_batches(&peer, 100, |peer, _| async move { peer.connect().await?.reset() }).await
    }
}

case! {
    /// What harmed some host once, and was found by fuzzing, does no harm.
    REGRESSIONS { id: "rpc.robust.mutated-bind-and-request/found", needs: [Probe] }
    for session in regressions::REGRESSIONS.iter().copied();
    async fn(peer) {
        regressions::plays(&peer, session).await?;
        peer.fresh().await
    }
}

type Foreign = (fn() -> Vec<u8>, bool);

/// First octets of other protocols; whether they happen to announce a long PDU, for which a host may wait.
const FOREIGN: [(&str, Foreign); 8] = [
    (
        "http",
        (
            || b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n".to_vec(),
            true,
        ),
    ),
    ("tls", (client_hello, true)),
    ("zeros", (|| vec![0; 64], false)),
    ("ones", (|| vec![0xff; 64], true)),
    ("ssh", (|| b"SSH-2.0-OpenSSH_9.9\r\n".to_vec(), true)),
    ("smb2", (smb2_negotiate, true)),
    ("connectionless-rpc", (connectionless_ping, false)),
    ("line-feeds", (|| vec![b'\n'; 200], true)),
];

/// The values that each octet is changed to.
const VALUES: [(&str, u8); 4] = [("0x00", 0), ("0x7f", 0x7f), ("0x80", 0x80), ("0xff", 0xff)];

/// Longest fragment a host may send, whatever a mutated bind asks for.
const LONGEST: usize = 5840;

fn dropped(may_wait: bool) -> Vec<Answer> {
    if may_wait {
        vec![closed(), silent()]
    } else {
        vec![closed()]
    }
}

/// A TLS 1.2 `ClientHello` of 201 octets, its random part and session id zero. Source: RFC 5246 7.4.1.2.
fn client_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 3, 1, 0, 196, 1, 0, 0, 192, 3, 3];
    hello.resize(201, 0);
    hello
}

/// An SMB2 negotiate request's transport and packet header. Source: MS-SMB2 2.1, 2.2.1.2.
fn smb2_negotiate() -> Vec<u8> {
    let mut packet = vec![0, 0, 0, 0x66, 0xfe, b'S', b'M', b'B', 64, 0];
    packet.resize(106, 0);
    packet
}

/// A connectionless RPC ping, version 4. Source: C706 12.5.2.
fn connectionless_ping() -> Vec<u8> {
    let mut ping = vec![4, 1, 0x20, 0, 0x10, 0, 0, 0];
    ping.resize(80, 0);
    ping
}

/// What a Windows client binds with: NDR32, NDR64, feature negotiation.
fn three_contexts(peer: &Peer) -> Vec<u8> {
    let interface = peer.interface();
    peer.bind()
        .offering(1, interface, &[SyntaxId::NDR64])
        .offering(2, interface, &[Features::ALL.syntax()])
        .encoded()
        .bytes
}

fn mutated(mut octets: Vec<u8>, at: usize, value: u8) -> Vec<u8> {
    if let Some(octet) = octets.get_mut(at) {
        *octet = value;
    }
    octets
}

/// Whether this call still opens and makes the host count further than before: what precedes a sealed N policy changes it.
/// A host counts up to twice the largest one, so that its table would be too small for the cases that follow.
fn raises_the_cap(peer: &Peer, call: &[u8]) -> bool {
    peer.opened(call)
        .is_some_and(|asked| (Product::WINDOWS.n_policy + 1..=1000).contains(&asked.n_policy))
}

/// Plays a story so many times, 50 times between one `FRESH` and the next: the target has then taken all connections
/// that were made, and its queue of new ones does not overflow.
async fn in_batches<F, S>(peer: &Peer, total: usize, story: F) -> Result<(), Stop>
where
    F: Fn(Peer, usize) -> S + Copy,
    S: Future<Output = Result<(), Stop>> + Send + 'static,
{
    const BATCH: usize = 50;
    for done in (0..total).step_by(BATCH) {
        peer.in_parallel(BATCH.min(total - done), 10, story).await?;
        peer.fresh().await?;
    }
    Ok(())
}

/// 1 to 2000 random octets, perhaps behind a header that announces them, on a new connection.
async fn sends_garbage(peer: Peer, header: Option<PduType>) -> Result<(), Stop> {
    let len = 1 + peer.pick(2000);
    let mut octets = peer.random_octets(len);
    if let Some(ptype) = header {
        let mut pdu = kmspec_wire::pdu::Pdu {
            header: Header::new(ptype, CallId(2)),
            body: kmspec_wire::pdu::Body::Unknown(&[]),
            auth: None,
        }
        .encoded();
        pdu.extend(&octets);
        octets = pdu.bytes;
    }
    plays(&mut peer.connect().await?, octets).await
}

/// Sends octets and no more, and takes what comes until the end: PDUs a host sends, none too long.
async fn plays(link: &mut Link, octets: Vec<u8>) -> Result<(), Stop> {
    link.send(octets).await?;
    link.half_close().await?;
    let quiet = link.peer().endpoint().timing.quiet;
    while let Arrival::Pdu(answer) = link.arrival_within(quiet).await? {
        let ptype = answer.get(2).copied().map(PduType);
        Field::derived("PTYPE of the reply", ptype)
            .satisfies("a PDU that hosts send", |ptype| {
                ptype.is_some_and(|ptype| SENT_BY_HOSTS.contains(&ptype))
            })?;
        Field::derived("frag_length of the reply", answer.len()).within(..=LONGEST)?;
    }
    link.nothing_unfinished(0)
}

/// What a host sends.
const SENT_BY_HOSTS: [PduType; 6] = [
    PduType::RESPONSE,
    PduType::FAULT,
    PduType::BIND_ACK,
    PduType::BIND_NAK,
    PduType::ALTER_CONTEXT_RESP,
    PduType::SHUTDOWN,
];

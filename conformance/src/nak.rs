//! The refusal of a bind.

use kmspec_runner::check::{BindNakPdu, Seen, acks, acks_with, closed};
use kmspec_runner::{Link, Peer, Stop, Suite, case};
use kmspec_wire::pdu::{BindNak, PfcFlags};

use crate::offer::{NO_SYNTAX, any_protocol_error};

pub(crate) static NAK: Suite = Suite::new(
    "nak",
    &[
        &FORMAT,
        &CLOSES_CONNECTION,
        &SECOND_BIND_BEHIND_IS_NOT_SERVED,
    ],
);

/// UUID 90740320-fad0-11d3-82d7-009027b130ab, which says that extended error data follow. Source: MS-RPCE 2.2.2.9.
const SIGNATURE: [u8; 16] = [
    0x20, 0x03, 0x74, 0x90, 0xd0, 0xfa, 0xd3, 0x11, 0x82, 0xd7, 0x00, 0x90, 0x27, 0xb1, 0x30, 0xab,
];

case! {
    /// A `bind_nak` is laid out as it should be: reason, the one version, padding.
    FORMAT { id: "rpc.nak.format" }
    for cause in [
        ("no-contexts", Cause::NoContexts),
        ("no-transfer-syntaxes", Cause::NoTransferSyntaxes),
        ("version-4", Cause::Version),
        ("second-bind", Cause::SecondBind),
    ];
    async fn(peer) {
        let mut link = cause.play(&peer).await?;
        let refusal = refusal(&mut link).await?;
        refusal.flags_are(PfcFlags::WHOLE)?;
        refusal.call_id_is(Cause::CALL_ID)?;
        refusal.field("auth_length", [refusal.octets()[10], refusal.octets()[11]]).is([0, 0])?;
        refusal.field("provider_reject_reason", refusal.body().reason.0).one_of([0, 1, 2, 4, 8, 9])?;
        refusal.field("p_protocols", refusal.body().versions).one_of([Some(&[[5, 0]][..]), None])?;
        refusal.field("frag_length", refusal.octets().len()).satisfies("24, 21, 18, or more with a signature", |_| is_layout(refusal.body()))
    }
}

case! {
    /// The connection ends behind a `bind_nak`, or serves a new bind.
    CLOSES_CONNECTION { id: "rpc.nak.closes-connection" }
    async fn(peer) {
        let mut link = Cause::NoContexts.play(&peer).await?;
        refusal(&mut link).await?;
        ends_or_serves(&peer, &mut link).await
    }
}

case! {
    /// A good bind right behind the bad one is not served, or the connection goes on in earnest.
    SECOND_BIND_BEHIND_IS_NOT_SERVED { id: "rpc.nak.closes-connection/bind-behind" }
    async fn(peer) {
        let both = [peer.bind_without_contexts().encoded().bytes, peer.bind().call_id(2).encoded().bytes];
        let mut link = peer.connect().await?;
        link.send(both.concat()).await?;
        refusal(&mut link).await?;
        let got = link.answers(&[closed()], &[acks().call(2)]).await?;
        if got.octets.is_none() { return Ok(()) }
        link.call(&peer.call()).await
    }
}

/// Why a bind is refused.
#[derive(Clone, Copy)]
enum Cause {
    NoContexts,
    NoTransferSyntaxes,
    Version,
    SecondBind,
}

impl Cause {
    const CALL_ID: u32 = 0x0506;

    /// A connection on which the bad bind was sent.
    async fn play(self, peer: &Peer) -> Result<Link, Stop> {
        let mut link = match self {
            Self::SecondBind => peer.bound().await?,
            _ => peer.connect().await?,
        };
        let bind = match self {
            Self::NoContexts => peer.bind_without_contexts(),
            Self::NoTransferSyntaxes => {
                peer.bind_without_contexts()
                    .offering(0, peer.interface(), &[])
            }
            Self::Version | Self::SecondBind => peer.bind(),
        };
        let mut bind = bind.call_id(Self::CALL_ID).encoded();
        if let Self::Version = self {
            bind.overwrite("rpc_vers", &[4]);
        }
        link.send(bind).await?;
        Ok(link)
    }
}

/// The next PDU is a `bind_nak`.
///
/// # Errors
/// A skip where the target refuses in another of the ways that other requirements judge.
async fn refusal(link: &mut Link) -> Result<Seen<BindNakPdu>, Stop> {
    let others = [closed(), any_protocol_error(), acks_with([NO_SYNTAX])];
    let refusal = link.expect_or::<BindNakPdu>(&others).await?;
    refusal.ok_or_else(|| Stop::Skip("the target does not send a bind_nak for this".to_owned()))
}

/// The three lawful lengths, or extended error data behind their signature.
fn is_layout(nak: BindNak<'_>) -> bool {
    match (nak.versions, nak.trailing) {
        (None, []) | (Some(_), [] | [_, _, _]) => true,
        (_, trailing) => trailing
            .windows(16)
            .take(4)
            .any(|window| window == SIGNATURE),
    }
}

/// The connection ends within the close limit, or a new bind on it works.
async fn ends_or_serves(peer: &Peer, link: &mut Link) -> Result<(), Stop> {
    if link.stirs_within(peer.endpoint().timing.close).await {
        return link.closes().await;
    }
    peer.record().note("tolerated: the connection stays open");
    link.send(peer.bind().call_id(2).encoded()).await?;
    link.bind_ack().await?.call_id_is(2)?;
    link.call(&peer.call().call_id(3)).await
}

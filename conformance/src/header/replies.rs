//! One reply of each kind.

use kmspec_runner::check::{AlterContextRespPdu, AnyPdu, BindNakPdu, Seen, closed};
use kmspec_runner::{Link, Peer, Stop};

use crate::offer::{NDR32, offered};

/// A kind of reply, and how to draw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Drawn {
    BindAck,
    Response,
    Fault,
    AlterContextResp,
    BindNak,
}

impl Drawn {
    /// All of them, as rows.
    pub(super) const TABLE: [(&'static str, Self); 5] = [
        ("bind-ack", Self::BindAck),
        ("response", Self::Response),
        ("fault", Self::Fault),
        ("alter-context-resp", Self::AlterContextResp),
        ("bind-nak", Self::BindNak),
    ];
}

/// The connection on which a reply of this kind was drawn, and every PDU that came on it.
pub(super) async fn draw(peer: &Peer, wanted: Drawn) -> Result<(Link, Vec<Seen<AnyPdu>>), Stop> {
    if wanted == Drawn::BindNak {
        return refused(peer).await;
    }
    let (mut link, ack) = offered(peer, &peer.bind()).await?;
    let second = match wanted {
        Drawn::BindAck | Drawn::BindNak => None,
        Drawn::Response => {
            link.send(peer.call().encoded()).await?;
            Some(link.response().await?.untyped())
        }
        Drawn::Fault => {
            link.send(peer.call().context(12_345).encoded()).await?;
            Some(link.fault().await?.untyped())
        }
        Drawn::AlterContextResp => {
            let alter = peer.alter().offering(1, peer.interface(), NDR32);
            link.send(alter.encoded()).await?;
            let resp = link.expect_or::<AlterContextRespPdu>(&[closed()]).await?;
            Some(resp.ok_or_else(|| without("alter_context_resp"))?.untyped())
        }
    };
    Ok((link, [ack.untyped()].into_iter().chain(second).collect()))
}

async fn refused(peer: &Peer) -> Result<(Link, Vec<Seen<AnyPdu>>), Stop> {
    let mut link = peer.connect().await?;
    link.send(peer.bind_without_contexts().encoded()).await?;
    let refusal = link.expect_or::<BindNakPdu>(&[closed()]).await?;
    let refusal = refusal.ok_or_else(|| without("bind_nak"))?;
    Ok((link, vec![refusal.untyped()]))
}

fn without(what: &str) -> Stop {
    Stop::Skip(format!("the target closes instead of sending a {what}"))
}

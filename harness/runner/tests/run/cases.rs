//! Cases to run: good ones, and ones that misbehave.

use kmspec_runner::case;
use kmspec_runner::peer::Link;
use kmspec_runner::plan::Planned;
use kmspec_runner::verdict::{Level, Stop};
use kmspec_runner::{Case, Peer};
use kmspec_wire::kms::Version;

use crate::fake::{DEADLY, IGNORED};

async fn hurt(peer: &Peer, opnum: u16) -> Result<Link, Stop> {
    let mut link = peer.bound().await?;
    link.send(peer.call().opnum(opnum).encoded()).await?;
    Ok(link)
}

case! {
    /// A call is answered.
    ANSWERS { id: "test.answers" }
    async fn(peer) { peer.bound().await?.call(&peer.call()).await }
}

case! {
    /// Each version is answered, and names its own.
    VERSIONS { id: "test.versions" }
    for version in [("v4", Version::V4), ("v5", Version::V5), ("v6", Version::V6)];
    async fn(peer) {
        let activation = peer.activate(&peer.request(version)).await?;
        activation.field("version", activation.version).is(version.protocol())
    }
}

case! {
    /// Fragments of 1432 octets are announced, whatever was offered.
    SMALL_FRAGMENTS { id: "test.small-fragments" }
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().encoded()).await?;
        let ack = link.bind_ack().await?;
        ack.field("max_recv_frag", ack.body().max_recv_frag).is(1432)
    }
}

case! {
    /// A count of its own is seen by each client.
    FRESH { id: "test.fresh", needs: [Fresh] }
    async fn(peer) { peer.activate(&peer.request(Version::V6)).await.map(drop) }
}

case! {
    /// Nobody else is served meanwhile.
    ALONE { id: "test.alone", needs: [Alone] }
    async fn(peer) { peer.bound().await.map(drop) }
}

case! {
    /// Only KMS is asked this.
    KMS_ONLY { id: "test.kms-only", needs: [Kms] }
    async fn(peer) { peer.activate(&peer.request(Version::V4)).await.map(drop) }
}

case! {
    /// The clock is right.
    CLOCK { id: "test.clock", needs: [Clock] }
    async fn(peer) { peer.bound().await.map(drop) }
}

case! {
    /// It does not apply.
    SKIPS { id: "test.skips" }
    async fn(_peer) { Err(Stop::Skip("needs a thing that is not there".to_owned())) }
}

case! {
    /// It has a bug.
    PANICS { id: "test.panics" }
    async fn(_peer) { panic!("an unlikely thing") }
}

case! {
    /// It never ends.
    NEVER_ENDS { id: "test.never-ends" }
    async fn(_peer) { std::future::pending().await }
}

case! {
    /// A call that is never answered.
    HANGS { id: "test.hangs" }
    async fn(peer) { hurt(&peer, IGNORED).await?.response().await.map(drop) }
}

case! {
    /// A stimulus that is meant to hurt leaves the target well.
    KILLS { id: "test.kills", needs: [Probe] }
    async fn(peer) { hurt(&peer, DEADLY).await?.closes().await }
}

case! {
    /// An answer comes, and what was sent meanwhile is not looked at.
    KILLS_UNSEEN { id: "test.kills-unseen" }
    async fn(peer) { hurt(&peer, DEADLY).await?.closes().await }
}

/// The rows of a case whose requirement weighs this much.
pub(crate) fn rows_at(level: Level, case: &'static Case) -> Vec<Planned> {
    let rows = case.ids().into_iter().enumerate();
    rows.map(|(row, id)| Planned {
        case,
        row,
        id,
        suite: "test".to_owned(),
        level,
        role: "host",
        title: "A thing that is tested".to_owned(),
        source: "C706 12.6.3.1".to_owned(),
    })
    .collect()
}

/// The rows of cases whose requirements are all `must`.
pub(crate) fn rows(cases: &[&'static Case]) -> Vec<Planned> {
    cases
        .iter()
        .flat_map(|case| rows_at(Level::Must, case))
        .collect()
}

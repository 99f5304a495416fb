//! What a host has of itself in DNS, deployment rows 19 and 20, and how clients look for it.

pub(crate) mod looking;

use kmspec_dns::{Fault, Srv};
use kmspec_runner::check::Field;
use kmspec_runner::{Peer, Stop, Suite, case};

/// How a host lets itself be found.
pub(crate) static DISCOVERY: Suite = Suite::new(
    "discovery",
    &[
        &PUBLISHED,
        &TARGET,
        &PORT,
        &OTHERS_STAY,
        &WITHDRAWN,
        &PORT_FOLLOWS,
        &DNS_FAILS,
        &looking::QUERY,
        &looking::SUFFIXES_IN_ORDER,
        &looking::PRIORITY,
        &looking::WEIGHTS,
        &looking::TRIES_NEXT,
        &looking::REGISTERED_WINS,
        &looking::LAST_HOST_FIRST,
        &looking::LOOKS_AGAIN,
        &looking::LOOKUP,
        &looking::NO_HOST_FOUND,
    ],
);

case! {
    /// A host that is to be found by its clients adds one record of itself to the zone.
    PUBLISHED { id: "discovery.published", needs: [Kms, Fresh] }
    async fn(peer) {
        let names = peer.names(&[]).await?;
        peer.control("publish", &names.place()).await?;
        let hosts = names.hosts(|hosts| !hosts.is_empty()).await;
        one(&hosts)
    }
}

case! {
    /// Its record names a machine; the root would say that there is no host.
    TARGET { id: "discovery.target", needs: [Kms, Fresh] }
    async fn(peer) {
        let host = published(&peer).await?;
        Field::derived("target of the record", host.target.to_string()).is_not(".".to_owned())
    }
}

case! {
    /// Its record carries the port at which it answers.
    PORT { id: "discovery.port", needs: [Kms, Fresh] }
    async fn(peer) {
        peer.fresh().await?;
        let host = published(&peer).await?;
        Field::derived("port of the record", host.port).is(peer.endpoint().address.port())
    }
}

case! {
    /// The record of another host stays while this one comes and goes.
    OTHERS_STAY { id: "discovery.others-stay", needs: [Kms, Fresh] }
    async fn(peer) {
        let names = peer.names(&["_vlmcs._tcp SRV 10 0 1688 other"]).await?;
        let other = names.hosts(|_| true).await;
        let has_other = |hosts: &Vec<Srv>| hosts.iter().any(|host| other.contains(host));
        peer.control("publish", &names.place()).await?;
        let both = names.hosts(|hosts| hosts.iter().any(|host| !other.contains(host))).await;
        let field = Field::derived("hosts once this one is published", lines(&both));
        field.satisfies("the other one too", |_| has_other(&both))?;
        peer.control("cdns", "").await?;
        peer.control("restart", "").await?;
        let left = names.hosts(|hosts| hosts.len() <= other.len()).await;
        let field = Field::derived("hosts once this one is withdrawn", lines(&left));
        field.satisfies("the other one too", |_| has_other(&left))
    }
}

case! {
    /// Publishing that is switched off takes the record away at the next start, and puts it back when it is switched on.
    WITHDRAWN { id: "discovery.withdrawn", needs: [Kms, Fresh] }
    async fn(peer) {
        let names = peer.names(&[]).await?;
        peer.control("publish", &names.place()).await?;
        one(&names.hosts(|hosts| !hosts.is_empty()).await)?;
        peer.control("cdns", "").await?;
        peer.control("restart", "").await?;
        let left = names.hosts(<[Srv]>::is_empty).await;
        Field::derived("hosts after -cdns and a restart", lines(&left)).is(Vec::new())?;
        peer.control("sdns", "").await?;
        peer.control("restart", "").await?;
        one(&names.hosts(|hosts| !hosts.is_empty()).await)
    }
}

case! {
    /// When the port changes, the record does, and the old one is gone.
    PORT_FOLLOWS { id: "discovery.port-follows", needs: [Kms, Fresh] }
    async fn(peer) {
        let names = peer.names(&[]).await?;
        peer.control("publish", &names.place()).await?;
        one(&names.hosts(|hosts| !hosts.is_empty()).await)?;
        let port = peer.free_port().await;
        peer.control("sprt", &port.to_string()).await?;
        peer.control("restart", "").await?;
        let hosts = names.hosts(|hosts| hosts.iter().any(|host| host.port == port)).await;
        let ports: Vec<u16> = hosts.iter().map(|host| host.port).collect();
        Field::derived("ports of the records after -sprt and a restart", ports).is(vec![port])
    }
}

case! {
    /// A host whose record nobody takes goes on serving whoever finds it otherwise.
    DNS_FAILS { id: "discovery.dns-fails", needs: [Kms, Fresh] }
    for fault in [("refused", Fault::NoUpdates), ("fails", Fault::ServFail), ("silent", Fault::Silent)];
    async fn(peer) {
        let names = peer.names(&[]).await?;
        names.misbehave(fault);
        let mut link = peer.bound().await?;
        peer.control("publish", &names.place()).await?;
        let field = Field::derived("an update came", names.was_told().await);
        field.is(true)?;
        link.silent().await?;
        link.call(&peer.call()).await?;
        peer.fresh().await
    }
}

/// The host's record, published in a zone of its own.
async fn published(peer: &Peer) -> Result<Srv, Stop> {
    let names = peer.names(&[]).await?;
    peer.control("publish", &names.place()).await?;
    let hosts = names.hosts(|hosts| !hosts.is_empty()).await;
    one(&hosts)?;
    hosts
        .into_iter()
        .next()
        .ok_or_else(|| Stop::Error("a record came and went".to_owned()))
}

fn one(hosts: &[Srv]) -> Result<(), Stop> {
    let field = Field::derived("SRV records of _vlmcs._tcp", lines(hosts));
    field.satisfies("one record", |records| records.len() == 1)
}

/// The records, without what differs from run to run.
fn lines(hosts: &[Srv]) -> Vec<String> {
    hosts.iter().map(Srv::to_string).collect()
}

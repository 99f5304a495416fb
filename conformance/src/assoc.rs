//! Association groups.

use kmspec_runner::check::{acks, nak};
use kmspec_runner::{Link, Peer, Stop, Suite, case};

use crate::offer::{NDR32, offered, unknown_context};

pub(crate) static ASSOC: Suite = Suite::new(
    "assoc",
    &[
        &ZERO_GETS_NEW_GROUP,
        &JOIN_EXISTING,
        &UNKNOWN_REFUSED,
        &ENDED_REFUSED,
        &CONTEXTS_NOT_SHARED,
    ],
);

case! {
    /// Group 0 gets a new group for each connection; a client does not rely on it.
    ZERO_GETS_NEW_GROUP { id: "rpc.assoc.zero-gets-new-group" }
    async fn(peer) {
        let (mut one, first) = offered(&peer, &peer.bind()).await?;
        let (mut other, second) = offered(&peer, &peer.bind()).await?;
        let groups = [first.body().assoc_group_id, second.body().assoc_group_id];
        note_unless_new(&peer, groups);
        one.call(&peer.call()).await?;
        other.call(&peer.call()).await
    }
}

case! {
    /// Naming an existing group joins it, and calls work on both connections, also when the first has gone.
    JOIN_EXISTING { id: "rpc.assoc.join-existing" }
    async fn(peer) {
        let (mut one, first) = offered(&peer, &peer.bind()).await?;
        let group = first.body().assoc_group_id;
        let (mut other, second) = offered(&peer, &peer.bind().group(group)).await?;
        note_unless_joined(&peer, group, second.body().assoc_group_id);
        one.call(&peer.call()).await?;
        other.call(&peer.call()).await?;
        ended(one).await?;
        other.call(&peer.call().call_id(3)).await
    }
}

case! {
    /// Naming an unknown group is refused, or gets a group.
    UNKNOWN_REFUSED { id: "rpc.assoc.unknown-refused" }
    for group in [("1", 1u32), ("0x7fffffff", 0x7fff_ffff), ("0x80000000", 0x8000_0000), ("0xffffffff", 0xffff_ffff)];
    async fn(peer) {
        let mut link = peer.connect().await?;
        link.send(peer.bind().group(group).encoded()).await?;
        link.answers(&[nak([0]).call(1).closes()], &[acks().call(1)]).await.map(drop)
    }
}

case! {
    /// Naming a group whose last connection has ended is refused, or gets a group.
    ENDED_REFUSED { id: "rpc.assoc.unknown-refused/ended" }
    async fn(peer) {
        let (link, ack) = offered(&peer, &peer.bind()).await?;
        let group = ack.body().assoc_group_id;
        ended(link).await?;
        let mut link = peer.connect().await?;
        link.send(peer.bind().group(group).encoded()).await?;
        link.answers(&[nak([0]).call(1).closes()], &[acks().call(1)]).await.map(drop)
    }
}

case! {
    /// Contexts belong to the connection, whether or not the other is of its group.
    CONTEXTS_NOT_SHARED { id: "rpc.assoc.contexts-not-shared" }
    for same in [("same-group", true), ("other-group", false)];
    async fn(peer) {
        let (mut one, first) = offered(&peer, &peer.bind_without_contexts().offering(1, peer.interface(), NDR32)).await?;
        let group = if same { first.body().assoc_group_id } else { 0 };
        let second = peer.bind_without_contexts().offering(2, peer.interface(), NDR32).group(group);
        let (mut other, _) = offered(&peer, &second).await?;
        other.send(peer.call().context(1).encoded()).await?;
        other.answers(&[unknown_context().call(2)], &[]).await?;
        one.call(&peer.call().context(1)).await?;
        other.call(&peer.call().context(2).call_id(3)).await
    }
}

/// Ends a connection and waits until the target has ended its side too.
async fn ended(mut link: Link) -> Result<(), Stop> {
    link.half_close().await?;
    link.closes().await
}

fn note_unless_new(peer: &Peer, [one, other]: [u32; 2]) {
    if one == 0 || one == other {
        peer.record()
            .note(format!("tolerated: groups 0x{one:08x} and 0x{other:08x}"));
    }
}

fn note_unless_joined(peer: &Peer, wanted: u32, got: u32) {
    if wanted != got {
        peer.record().note(format!(
            "tolerated: group 0x{got:08x} in place of 0x{wanted:08x}"
        ));
    }
}

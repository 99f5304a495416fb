//! `co_cancel` and pending cancels.

use kmspec_runner::check::{Answer, closed, fault, silent};
use kmspec_runner::{Link, Stop, Suite, case};
use kmspec_wire::pdu::{FaultStatus, PduType};

use crate::fragment::{long_call, piece};
use crate::state::zeros;

pub(crate) static CANCEL: Suite = Suite::new(
    "cancel",
    &[
        &NO_CALL,
        &DURING_FRAGMENTS,
        &FLAG_ON_LATER_FRAGMENT,
        &FLAG_ON_SECOND_FRAGMENT,
    ],
);

case! {
    /// `co_cancel` and orphaned are ignored while no call is open, and calls behind them are answered.
    NO_CALL { id: "rpc.cancel.no-call", needs: [Time] }
    for (first, second, call_id) in [
        ("never-made", (PduType::CO_CANCEL, PduType::ORPHANED, 3_u32)),
        ("already-answered", (PduType::CO_CANCEL, PduType::ORPHANED, 2)),
        ("orphaned-first", (PduType::ORPHANED, PduType::CO_CANCEL, 3)),
        ("highest-call-id", (PduType::CO_CANCEL, PduType::ORPHANED, 0xffff_ffff)),
    ];
    async fn(peer) {
        let mut link = peer.bound().await?;
        link.call(&peer.call()).await?;
        link.send(zeros(first, call_id, 0)).await?;
        link.answers(&[silent()], &[closed()]).await?;
        link.send(peer.call().call_id(4).encoded()).await?;
        not_cancelled(&mut link, 4, &[closed()], &[0]).await?;
        link.send(zeros(second, call_id, 0)).await?;
        link.answers(&[silent()], &[closed()]).await?;
        link.send(peer.call().call_id(5).encoded()).await?;
        not_cancelled(&mut link, 5, &[closed()], &[0]).await
    }
}

case! {
    /// `co_cancel` between fragments does not cancel the call.
    DURING_FRAGMENTS { id: "rpc.cancel.during-fragments" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer).call_id(1);
        link.send(piece(&call, 0x01, 0..8).encoded()).await?;
        link.send(zeros(PduType::CO_CANCEL, 1, 0)).await?;
        let got = link.answers(&[silent()], &[cancelled()]).await?;
        if got.octets.is_none() {
            link.send(piece(&call, 0x02, 8..call.stub.len()).encoded()).await?;
            not_cancelled(&mut link, 1, &[cancelled()], &[0, 1]).await?;
        }
        link.call(&peer.call()).await
    }
}

case! {
    /// Pending cancel on a middle or last fragment is ignored.
    FLAG_ON_LATER_FRAGMENT { id: "rpc.cancel.flag-on-later-fragment" }
    for (middle, last) in [("middle", (0x04, 0x02)), ("last", (0x00, 0x06)), ("both", (0x04, 0x06))];
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer).call_id(1);
        link.send(piece(&call, 0x01, 0..8).encoded()).await?;
        link.send(piece(&call, middle, 8..16).encoded()).await?;
        link.send(piece(&call, last, 16..call.stub.len()).encoded()).await?;
        not_cancelled(&mut link, 1, &[cancelled()], &[0]).await
    }
}

case! {
    /// Pending cancel on the second and last fragment is ignored.
    FLAG_ON_SECOND_FRAGMENT { id: "rpc.cancel.flag-on-later-fragment/second-of-two" }
    async fn(peer) {
        let mut link = peer.bound().await?;
        let call = long_call(&peer).call_id(1);
        link.send(piece(&call, 0x01, 0..8).encoded()).await?;
        link.send(piece(&call, 0x06, 8..call.stub.len()).encoded()).await?;
        not_cancelled(&mut link, 1, &[cancelled()], &[0]).await
    }
}

fn cancelled() -> Answer {
    fault([FaultStatus::CANCEL])
}

/// The call is answered with one of these cancel counts, or in a tolerated way.
async fn not_cancelled(
    link: &mut Link,
    call_id: u32,
    tolerated: &[Answer],
    counts: &[u8],
) -> Result<(), Stop> {
    match link.ok_or(call_id, tolerated).await? {
        Some(response) => response
            .field("cancel_count", response.body().cancel_count)
            .one_of(counts.iter().copied()),
        None => Ok(()),
    }
}

//! Orphaned calls.

use kmspec_runner::check::{fault, responds};
use kmspec_runner::{Suite, case};
use kmspec_wire::pdu::{FaultStatus, PduType};

use crate::fragment::{long_call, piece};
use crate::request::{bound_on, multiplexed};
use crate::state::zeros;

pub(crate) static ORPHANED: Suite = Suite::new("orphaned", &[&THEN_LAST, &THEN_NEW_CALL]);

case! {
    /// Orphaned, followed by the rest of the call: the call is answered nevertheless, or no longer known.
    THEN_LAST { id: "rpc.orphaned.then-last" }
    for mpx in [("without-mpx", false), ("with-mpx", true)];
    async fn(peer) {
        let mut link = if mpx { multiplexed(&peer).await? } else { peer.bound().await? };
        let call = long_call(&peer).call_id(1);
        link.send(piece(&call, 0x01, 0..8).encoded()).await?;
        link.send(zeros(PduType::ORPHANED, 1, 0)).await?;
        link.silent().await?;
        link.send(piece(&call, 0x02, 8..call.stub.len()).encoded()).await?;
        match link.ok_or(1, &[fault([FaultStatus::PROTO_ERROR]).closes()]).await? {
            Some(_) => link.call(&peer.call()).await,
            None => Ok(()),
        }
    }
}

case! {
    /// Orphaned, followed by a new call: the first call is still open and the new one a protocol error, or it is gone
    /// and the new one is answered.
    THEN_NEW_CALL { id: "rpc.orphaned.then-new-call" }
    async fn(peer) {
        let mut link = bound_on(&peer, 0x34).await?;
        let call = long_call(&peer).context(0x34);
        link.send(piece(&call.clone().call_id(1), 0x01, 0..8).encoded()).await?;
        link.send(zeros(PduType::ORPHANED, 1, 0)).await?;
        link.send(call.call_id(2).encoded()).await?;
        let expected = fault([FaultStatus::PROTO_ERROR]).flags(0x03).context(0x34).call(1).closes();
        link.answers(&[expected], &[responds().call(2)]).await.map(drop)
    }
}

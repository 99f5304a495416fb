//! Rows 9 to 11 and 24 to 26: whole organisations of machines.

use kmspec_runner::check::Field;
use kmspec_runner::{Peer, Stop, case};
use kmspec_wire::kms::{HResult, RequestBody, Version};

/// Machines that a client edition needs. Source: the deployment document, step 26.
const THRESHOLD: usize = 25;

case! {
    /// 25 machines copied from one image share a CMID and count as one: none of them is ever activated.
    CLONES { id: "deployment.client-deploy/clones", needs: [Kms, Fresh] }
    async fn(peer) {
        let image = peer.request(Version::V6);
        let clones: Vec<RequestBody> = (0..THRESHOLD).map(|nth| named(image, nth)).collect();
        let verdicts = verdicts(&peer, &clones).await?;
        Field::derived("what 25 clones conclude", verdicts).is(vec![HResult::NOT_ENOUGH_COUNT; THRESHOLD])?;
        let again = self::verdicts(&peer, &clones).await?;
        Field::derived("what they conclude at their next try", again).is(vec![HResult::NOT_ENOUGH_COUNT; THRESHOLD])
    }
}

case! {
    /// Machines that were generalised before they were copied have CMIDs of their own, and each counts.
    GENERALISED { id: "deployment.client-deploy/generalised", needs: [Kms, Fresh] }
    async fn(peer) {
        let image = peer.request(Version::V6);
        let machines: Vec<RequestBody> = (0..THRESHOLD)
            .map(|nth| RequestBody { cmid: peer.cmid(), previous_cmid: image.cmid, ..named(image, nth) })
            .collect();
        let verdicts = verdicts(&peer, &machines).await?;
        Field::derived("what the last of 25 machines concludes", verdicts.last()).is(Some(&HResult::OK))
    }
}

case! {
    /// 24 machines fail with 0xC004F038, the 25th is activated, and so are the others at their next try.
    TWENTY_FIVE { id: "deployment.activate-ui", needs: [Kms, Fresh] }
    async fn(peer) {
        let machines: Vec<RequestBody> = (0..THRESHOLD).map(|nth| named(peer.request(Version::V6), nth)).collect();
        let (last, others) = machines.split_last().ok_or_else(|| Stop::Error("no machines".to_owned()))?;
        let first = verdicts(&peer, others).await?;
        Field::derived("what the first 24 machines conclude", first).is(vec![HResult::NOT_ENOUGH_COUNT; THRESHOLD - 1])?;
        let last = verdicts(&peer, std::slice::from_ref(last)).await?;
        Field::derived("what the 25th concludes", last).is(vec![HResult::OK])?;
        let again = verdicts(&peer, others).await?;
        Field::derived("what the others conclude at their next try", again).is(vec![HResult::OK; THRESHOLD - 1])
    }
}

/// The same machine under a name of its own.
fn named(body: RequestBody, nth: usize) -> RequestBody {
    let workstation = format!("pc{nth:03}.corp.example")
        .parse()
        .unwrap_or_default();
    RequestBody {
        workstation,
        ..body
    }
}

/// What clients conclude from the answers they get, one after the other. Source: kms-protocol section 6.
async fn verdicts(peer: &Peer, machines: &[RequestBody]) -> Result<Vec<HResult>, Stop> {
    let mut verdicts = Vec::new();
    for machine in machines {
        let count = peer.activate(machine).await?.count;
        verdicts.push(if count < machine.n_policy {
            HResult::NOT_ENOUGH_COUNT
        } else {
            HResult::OK
        });
    }
    Ok(verdicts)
}

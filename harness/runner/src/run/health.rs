//! Whether a target serves at all.

use std::sync::Arc;

use kmspec_wire::kms::Version;
use kmspec_wire::pdu::{Body, ContextResult, FaultStatus, Pdu, PduType, RequestBuilder};

use crate::peer::{Arrival, Endpoint, Link, Peer, Record};
use crate::verdict::Stop;

/// How exactly a target's health is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exactness {
    /// A bind is accepted, and a call answered well.
    Well,
    /// A bind is accepted and a call answered, well or not: all that can be asked of a target that never answers well.
    AtAll,
}

/// Looks at the health of a target of which nothing is known yet.
///
/// # Errors
/// Why it cannot be judged: refused, silent, another interface.
pub(super) async fn first_look(endpoint: &Arc<Endpoint>, seed: u64) -> Result<Exactness, String> {
    serves_at_all(endpoint, seed).await?;
    let well = look(endpoint, seed, Exactness::Well).await;
    Ok(well.map_or(Exactness::AtAll, |()| Exactness::Well))
}

/// Looks at the health of a target that was healthy before.
///
/// # Errors
/// What it does instead of serving.
pub(super) async fn look(
    endpoint: &Arc<Endpoint>,
    seed: u64,
    exactness: Exactness,
) -> Result<(), String> {
    match exactness {
        Exactness::AtAll => serves_at_all(endpoint, seed).await,
        Exactness::Well => peer(endpoint, seed).fresh().await.map_err(said),
    }
}

fn peer(endpoint: &Arc<Endpoint>, seed: u64) -> Peer {
    let record = Arc::new(Record::default());
    Peer::new(Arc::clone(endpoint), record, seed, "health")
}

fn said(stop: Stop) -> String {
    match stop {
        Stop::Fail(failure) if failure.step == 0 => failure.got,
        Stop::Fail(failure) => failure.to_string(),
        Stop::Skip(reason) | Stop::Error(reason) => reason,
    }
}

async fn serves_at_all(endpoint: &Arc<Endpoint>, seed: u64) -> Result<(), String> {
    let peer = peer(endpoint, seed);
    let calls = if endpoint.call.is_kms() {
        let call = |version| peer.call_with(&peer.seal(&peer.request(version)).message);
        vec![call(Version::V6), call(Version::V5), call(Version::V4)]
    } else {
        vec![peer.call()]
    };
    let mut problem = String::new();
    for call in calls {
        match answers_a_call(&peer, &call).await {
            Ok(()) => return Ok(()),
            Err(said) if problem.is_empty() => problem = said,
            Err(_) => {}
        }
    }
    Err(problem)
}

/// That an answer is not well-formed is for the cases to say: here it need only be recognisable as one.
async fn answers_a_call(peer: &Peer, call: &RequestBuilder) -> Result<(), String> {
    let mut link = peer.connect().await.map_err(said)?;
    link.send(peer.bind().encoded()).await.map_err(said)?;
    let answer = next(&mut link, "a bind").await?;
    match Pdu::decode(&answer).map(|pdu| pdu.body) {
        Ok(Body::BindAck(ack)) => match ack.results.get(0) {
            Some(result) if !result.is_accepted() => return Err(rejected(result)),
            _ => {}
        },
        Ok(Body::BindNak(nak)) => {
            let how = format!("it answers a bind with bind_nak {}", nak.reason);
            return Err(no_service(&how));
        }
        Ok(_) => return Err(no_service("it answers a bind with another PDU")),
        Err(_) if is_bind_ack(&answer) => return Ok(()),
        Err(error) => {
            let how = format!("it answers a bind with what is no PDU: {error}");
            return Err(no_service(&how));
        }
    }
    link.send(call.encoded()).await.map_err(said)?;
    let answer = next(&mut link, "a call").await?;
    match Pdu::decode(&answer).map(|pdu| pdu.body) {
        Ok(Body::Fault(fault)) if is_absence(fault.status) => {
            let how = format!("it answers a call with fault {}", fault.status);
            Err(no_service(&how))
        }
        _ => Ok(()),
    }
}

/// The next PDU, or the octets that cannot be cut into one.
async fn next(link: &mut Link, to: &str) -> Result<Vec<u8>, String> {
    let limit = link.peer().endpoint().timing.answer;
    match link.arrival_within(limit).await {
        Ok(Arrival::Pdu(octets)) => Ok(octets),
        _ if !link.unfinished().is_empty() => Ok(link.unfinished().to_vec()),
        Err(stop) => Err(said(stop)),
        Ok(Arrival::Ended(ending)) => Err(format!(
            "the connection {ending} instead of an answer to {to}"
        )),
        Ok(Arrival::Nothing) => Err(format!("silent: no answer to {to} within {limit:?}")),
    }
}

/// Whether octets begin as a `bind_ack` does, however they go on.
fn is_bind_ack(octets: &[u8]) -> bool {
    matches!(octets, [5, _, ptype, ..] if *ptype == PduType::BIND_ACK.0)
}

fn rejected(result: ContextResult) -> String {
    no_service(&format!("it rejects the interface: {result:?}"))
}

fn no_service(how: &str) -> String {
    format!("it does not serve the interface: {how}")
}

fn is_absence(status: FaultStatus) -> bool {
    [FaultStatus::UNK_IF, FaultStatus::OP_RNG_ERROR].contains(&status)
}

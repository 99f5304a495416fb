//! What an administrator does to hosts and clients, and what a deployment sees of it: the deployment document, row by row.

mod client;
mod configure;
mod counted;
mod install;
mod intervals;
mod shown;

use kmspec_runner::check::Field;
use kmspec_runner::peer::{Activation, Lawful};
use kmspec_runner::{Peer, Stop, Suite};
use kmspec_slmgr::Report;
use kmspec_slmgr::report::{License, Read, Service};
use kmspec_wire::kms::Version;

/// The rows of the deployment document.
pub(crate) static DEPLOYMENT: Suite = Suite::new(
    "deployment",
    &[
        &client::install::ZERO_CONFIGURATION,
        &client::convert::CONVERTED,
        &client::convert::OTHER_EDITION,
        &client::convert::LAST_DAY,
        &client::configure::FORMS,
        &client::configure::UNREACHABLE,
        &client::configure::REFUSED,
        &client::configure::ELEVATION,
        &client::configure::STANDARD_USER,
        &client::configure::SERVICE,
        &client::reset::REARMED,
        &counted::CLONES,
        &counted::GENERALISED,
        &install::ONLINE,
        &install::TELEPHONE,
        &install::FOREIGN_KEY,
        &configure::AFTER_RESTART,
        &configure::ELEVATION,
        &configure::PORT,
        &configure::PORT_REFUSED,
        &configure::PUBLISHING,
        &configure::PRIORITY,
        &intervals::ACTIVATION,
        &intervals::ACTIVATION_RANGE,
        &intervals::RENEWAL,
        &intervals::RENEWAL_RANGE,
        &counted::TWENTY_FIVE,
        &client::script::TELLS,
        &client::script::TWENTY_FIVE,
        &client::shown::AGREES,
        &shown::AGREES,
        &shown::PARTIAL_KEY,
        &shown::GRACE,
        &client::shown::SUPPORT,
        &shown::SUPPORT,
        &shown::ALL,
    ],
);

/// A key of the lab's. Hosts that take others have theirs in the command of `ipk`.
const KEY: &str = "LABAA-BBBBB-CCCCC-DDDDD-EEEEE";

/// Restarts the service, so that what was set takes effect.
async fn restart(peer: &Peer) -> Result<(), Stop> {
    peer.control("restart", "").await.map(drop)
}

/// Sets something and restarts the service.
async fn set(peer: &Peer, verb: &str, value: &str) -> Result<(), Stop> {
    peer.control(verb, value).await?;
    restart(peer).await
}

/// An answer to a good request of a new machine.
async fn asked(peer: &Peer) -> Result<Activation, Stop> {
    peer.activate(&peer.request(Version::V6)).await
}

/// A good request must be answered.
async fn served(peer: &Peer) -> Result<(), Stop> {
    let asked = peer.seal(&peer.request(Version::V6));
    peer.meets(&asked, &[Lawful::Answered], &[]).await
}

/// A good request must be refused, however.
async fn refused(peer: &Peer) -> Result<(), Stop> {
    let asked = peer.seal(&peer.request(Version::V6));
    peer.meets(&asked, &[Lawful::AnyFailure], &[]).await
}

/// What the licence manager of a host shows: `dli`, or `dlv` with or without `all`.
async fn report(peer: &Peer, verb: &str, value: &str) -> Result<Report, Stop> {
    read(verb, &peer.control(verb, value).await?)
}

/// What the licence manager shows, by what it prints.
fn read(verb: &str, text: &str) -> Result<Report, Stop> {
    match Report::read(text) {
        Ok(Read { report, .. }) => Ok(report),
        Err(errors) => Err(Stop::fail(
            format!("-{verb}"),
            "fields of the document's form",
            errors.to_string(),
        )),
    }
}

/// The report has what support asks for, beyond what `dli` shows.
fn has_details(report: &Report, license: &License) -> Result<(), Stop> {
    let there = [
        ("service version", report.service_version.is_some()),
        ("activation id", license.activation_id.is_some()),
        ("application id", license.application_id.is_some()),
        ("extended PID", license.extended_pid.is_some()),
        ("installation id", license.installation_id.is_some()),
    ];
    let missing = there.iter().filter(|(_, there)| !there);
    let missing: Vec<&str> = missing.map(|(name, _)| *name).collect();
    Field::derived("-dlv: fields that are missing", missing).is(Vec::new())
}

/// The licence of what the licence manager shows that can be used.
fn usable<'a>(report: &'a Report, verb: &str) -> Result<&'a License, Stop> {
    let usable: Vec<&License> = report.usable().collect();
    match usable.as_slice() {
        [license] => Ok(license),
        several => Err(Stop::fail(
            format!("-{verb}: licences with a partial product key"),
            "one",
            several.len().to_string(),
        )),
    }
}

/// What `dli` shows of the service.
async fn service(peer: &Peer) -> Result<Service, Stop> {
    let report = report(peer, "dli", "").await?;
    let service = report.service().copied();
    service.ok_or_else(|| {
        let got = "no such part";
        Stop::fail("-dli", "a Key Management Service that is enabled", got)
    })
}

/// What the story came to, once what it changed has been put right.
fn then(story: Result<(), Stop>, restored: Result<(), Stop>) -> Result<(), Stop> {
    story.and(restored)
}

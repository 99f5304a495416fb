//! Faults of what is done to a client by hand, and of what it shows.

use kmspec_slmgr::report::Expiry;
use kmspec_slmgr::{Command, HostName, Report, Service};
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::LicenseStatus;

use crate::client::fault::{Fault, Faults};
use crate::client::state::State;

/// Whether a command is refused that should not be.
pub(in crate::client) fn refuses(faults: Faults, command: &Command) -> bool {
    let Command::Register(host) = command else {
        return false;
    };
    let ipv6 = matches!(host.name, HostName::Address(address) if address.is_ipv6());
    ipv6 && faults.has(Fault::Ipv6Refused)
}

/// Whether it asks hosts although its licensing service does not run.
pub(in crate::client) fn goes_on(faults: Faults) -> bool {
    faults.has(Fault::ServiceNotNeeded) || faults.has(Fault::ServiceAsNoHost)
}

/// The faults of an activation: that of a service that does not run may come to nothing instead of being refused.
pub(in crate::client) fn while_activating(faults: Faults, service: Service) -> Faults {
    if service != Service::Running && faults.has(Fault::ServiceAsNoHost) {
        return Faults::only(Fault::NeverConnects);
    }
    faults
}

/// Whether a command needs elevation, by whether standard users may activate.
pub(in crate::client) fn needs_elevation(faults: Faults, standard_users: bool) -> bool {
    if faults.has(Fault::ElevationNotNeeded) {
        return false;
    }
    !standard_users || faults.has(Fault::StandardUsersRefused)
}

/// A machine that was reset, by what it was before.
pub(in crate::client) fn rearmed(faults: Faults, before: &State, now: &mut State) {
    if faults.has(Fault::RearmKeepsId) {
        now.identity = before.identity;
        now.previous_cmid = before.previous_cmid;
    }
    if faults.has(Fault::RearmKeepsTimer) {
        now.licence = before.licence;
    }
    if faults.has(Fault::RearmRemovesKey) {
        now.key = None;
    }
}

/// A report as it is shown.
pub(in crate::client) fn shown(faults: Faults, mut report: Report) -> Report {
    for license in &mut report.licenses {
        if faults.has(Fault::StatusShownLicensed) {
            license.status = LicenseStatus::LICENSED;
        }
        if faults.has(Fault::DaysRoundedUp)
            && let Some(Expiry { minutes, days }) = &mut license.expiry
        {
            *days = minutes.div_ceil(24 * 60);
        }
        if faults.has(Fault::ActivationIdNotShown) {
            license.activation_id = None;
        }
        if let Some(client) = &mut license.client {
            if faults.has(Fault::CmidShownWrong) {
                client.cmid = Guid::random([0x5a; 16]);
            }
            if faults.has(Fault::HostEpidNotShown) {
                client.host_epid = None;
            }
        }
    }
    report
}

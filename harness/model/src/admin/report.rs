use kmspec_slmgr::Report;
use kmspec_slmgr::report::{Expiry, HostPart, License, Service};
use kmspec_slmgr::{DEFAULT_PORT, PartialKey};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{LicenseStatus, ids};

use crate::deviate::admin as deviate;
use crate::fault::Fault;
use crate::host::Host;

/// What the lab host's licence is for.
pub(super) const NAME: &str = "kmspec lab host, Windows edition";
const DESCRIPTION: &str = "kmspec lab, VOLUME_KMS channel";
/// The lab host's own activation id; no product has it.
const ACTIVATION_ID: Guid = Guid::from_u128(0x6b6d_7370_6563_4c61_b000_686f_7374_0001);
/// Licences that are installed beside it, and cannot be used.
const OTHERS: [(&str, &str, Guid, Guid); 2] = [
    (
        "kmspec lab client, Windows edition",
        "kmspec lab, VOLUME_KMSCLIENT channel",
        Guid::from_u128(0x6b6d_7370_6563_4c61_b000_686f_7374_0002),
        ids::WINDOWS,
    ),
    (
        "kmspec lab host, Office edition",
        "kmspec lab, VOLUME_KMS channel",
        Guid::from_u128(0x6b6d_7370_6563_4c61_b000_686f_7374_0003),
        ids::OFFICE_2013,
    ),
];

impl Host {
    /// What `-dli` shows, `-dlv` with details, `-dlv all` of every licence.
    pub(super) fn report(&self, now: FileTime, details: bool, all: bool) -> Report {
        let faults = self.settings.faults;
        let details = details && !faults.has(Fault::DlvAsDli);
        let mut licenses = vec![self.license(now, details)];
        if all {
            let others = OTHERS
                .iter()
                .map(|(name, description, activation, application)| License {
                    description: Some((*description).to_owned()),
                    activation_id: Some(*activation),
                    application_id: Some(*application),
                    partial_key: self
                        .partial_key()
                        .filter(|_| faults.has(Fault::DlvAllUsable)),
                    ..License::new(*name, LicenseStatus::UNLICENSED)
                });
            licenses.extend(others);
        }
        Report {
            service_version: details.then(|| env!("CARGO_PKG_VERSION").to_owned()),
            licenses,
        }
    }

    fn license(&self, now: FileTime, details: bool) -> License {
        let faults = self.settings.faults;
        let (status, left) = self.admin.status(now);
        let expiry = left.map(|left| deviate::expiry(faults, Expiry::of_minutes(left)));
        let mut license = License {
            description: Some(DESCRIPTION.to_owned()),
            partial_key: self.partial_key(),
            expiry,
            host: Some(HostPart {
                service: self.service(now),
            }),
            ..License::new(NAME, status)
        };
        if details {
            license.activation_id = Some(ACTIVATION_ID);
            license.application_id = Some(ids::WINDOWS);
            license.extended_pid = Some(deviate::shown_pid(faults, *self.settings.epid.epid()));
            if self.admin.key.is_some() {
                license.installation_id = Some(self.admin.installation_id(&self.settings.epid));
            }
        }
        license
    }

    /// The service runs once there is a key.
    fn service(&self, now: FileTime) -> Option<Service> {
        self.admin.key?;
        let effective = &self.admin.effective;
        let honest = Service {
            count: self.policy.count_of(&self.settings, now, ids::WINDOWS),
            port: effective.port.unwrap_or(DEFAULT_PORT),
            publishing: effective.publishing,
            normal_priority: effective.normal_priority,
            activation_interval: None,
            renewal_interval: None,
        };
        Some(deviate::service(self.settings.faults, honest))
    }

    fn partial_key(&self) -> Option<PartialKey> {
        let shown = |key: kmspec_slmgr::ProductKey| {
            if self.settings.faults.has(Fault::DliPartialKeyFirst) {
                key.first_group()
            } else {
                key.partial()
            }
        };
        self.admin.key.map(shown)
    }
}

//! What `-dli` and `-dlv` show, as a value.

mod date;
mod error;
mod labels;
mod read;
mod write;

#[cfg(test)]
mod tests;

use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{Epid, LicenseStatus};

pub use date::Date;
pub use error::{ReportError, ReportErrors, ReportProblem};
pub use read::Read;

use crate::ids::InstallationId;
use crate::key::PartialKey;
use crate::name::RegisteredHost;

/// What the script shows. Source: the deployment document, step 32 and its part on support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Version of the licensing service; `-dlv` shows it.
    pub service_version: Option<String>,
    /// The licences: one, or every installed one for `-dlv all`.
    pub licenses: Vec<License>,
}

/// One licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// What it is for.
    pub name: String,
    /// More of that.
    pub description: Option<String>,
    /// Activation (SKU) id; `-dlv` shows it.
    pub activation_id: Option<Guid>,
    /// Application id; `-dlv` shows it.
    pub application_id: Option<Guid>,
    /// The machine's own extended PID; `-dlv` shows it.
    pub extended_pid: Option<Epid>,
    /// Installation id; `-dlv` shows it.
    pub installation_id: Option<InstallationId>,
    /// Last five characters of its product key. Only a licence that has one can be used.
    pub partial_key: Option<PartialKey>,
    /// Its status.
    pub status: LicenseStatus,
    /// What is left of its volume activation, or of its grace period.
    pub expiry: Option<Expiry>,
    /// When evaluation ends.
    pub evaluation_end: Option<Date>,
    /// What a KMS client shows.
    pub client: Option<ClientPart>,
    /// What a KMS host shows.
    pub host: Option<HostPart>,
}

/// Time left, in minutes and in whole days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry {
    /// Minutes.
    pub minutes: u32,
    /// Days as they are shown.
    pub days: u32,
}

/// What a KMS client shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientPart {
    /// Client machine id.
    pub cmid: Guid,
    /// The host that was registered with `-skms`.
    pub registered: Option<RegisteredHost>,
    /// What DNS discovery gave.
    pub discovery: Option<Discovery>,
    /// Extended PID of the host that activated it.
    pub host_epid: Option<Epid>,
    /// Minutes between attempts while it is not activated.
    pub activation_interval: Option<u32>,
    /// Minutes between renewals.
    pub renewal_interval: Option<u32>,
}

/// What DNS discovery gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// Nothing.
    NotAvailable,
    /// This host.
    Found(RegisteredHost),
}

/// What a KMS host shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPart {
    /// Whether the service runs; what follows is there only then.
    pub service: Option<Service>,
}

/// A KMS service that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Machines counted.
    pub count: u32,
    /// Port it listens on.
    pub port: u16,
    /// Whether it publishes in DNS.
    pub publishing: bool,
    /// Whether its scheduling priority is normal, and not low.
    pub normal_priority: bool,
    /// Minutes between attempts that clients are given. The document's example does not show it on a host.
    pub activation_interval: Option<u32>,
    /// Minutes between renewals that clients are given.
    pub renewal_interval: Option<u32>,
}

impl Expiry {
    /// So many minutes, and the whole days in them: 43162 minutes are 29 days.
    pub const fn of_minutes(minutes: u32) -> Self {
        let days = minutes / Self::DAY;
        Self { minutes, days }
    }

    /// Whether the days are those of the minutes.
    pub const fn agrees(self) -> bool {
        self.days == self.minutes / Self::DAY
    }

    /// Minutes of a day.
    const DAY: u32 = 1440;
}

impl Report {
    /// The licences that can be used: those that have a partial product key.
    pub fn usable(&self) -> impl Iterator<Item = &License> {
        let usable = |license: &&License| license.partial_key.is_some();
        self.licenses.iter().filter(usable)
    }

    /// What a KMS host shows, if one that runs is shown.
    pub fn service(&self) -> Option<&Service> {
        let mut parts = self
            .licenses
            .iter()
            .filter_map(|license| license.host.as_ref());
        parts.find_map(|part| part.service.as_ref())
    }

    /// What a KMS client shows, if one is shown.
    pub fn client(&self) -> Option<&ClientPart> {
        self.licenses
            .iter()
            .find_map(|license| license.client.as_ref())
    }
}

impl License {
    /// A licence of which only name and status are known.
    pub fn new(name: impl Into<String>, status: LicenseStatus) -> Self {
        Self {
            name: name.into(),
            description: None,
            activation_id: None,
            application_id: None,
            extended_pid: None,
            installation_id: None,
            partial_key: None,
            status,
            expiry: None,
            evaluation_end: None,
            client: None,
            host: None,
        }
    }
}

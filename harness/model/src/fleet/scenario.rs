use kmspec_wire::filetime::FileTime;

use crate::client::Edition;
use crate::settings::Interval;

/// What happens. Times are in units of 100 ns since the start, a Monday at midnight.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What the machines are.
    pub edition: &'static Edition,
    /// How many there are.
    pub clients: u32,
    /// Days that are simulated.
    pub days: u32,
    /// What chance follows from.
    pub seed: u64,
    /// The machines are set up at random within this time.
    pub joining: u64,
    /// Of these machines, the first ones are made of one disk that was not generalised: they share a CMID.
    pub cloned: u32,
    /// Machines in a thousand that leave for good in a year.
    pub leaving_per_mille: u32,
    /// Machines in a thousand that run in office hours only: from 8 or a little later to 18, Monday to Friday.
    pub office_per_mille: u32,
    /// Machines that are off for a long stretch.
    pub away: Option<Away>,
    /// The hosts, all in one zone.
    pub hosts: Vec<HostPlan>,
    /// Whether each question is bound, sealed, sent and verified.
    pub wire: bool,
}

/// Machines that are off for a long stretch, each at a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Away {
    /// Machines in a thousand.
    pub per_mille: u32,
    /// How long.
    pub length: u64,
}

/// A host and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPlan {
    /// Its name.
    pub name: String,
    /// Priority of its SRV record.
    pub priority: u16,
    /// Weight of its SRV record.
    pub weight: u16,
    /// When it does not answer.
    pub outages: Vec<Outage>,
    /// When it is not in DNS.
    pub unpublished: Vec<Span>,
    /// Minutes it tells machines to wait while not activated.
    pub activation_interval: Interval,
    /// Minutes it tells machines to wait while activated.
    pub renewal_interval: Interval,
}

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its start.
    pub from: u64,
    /// Its end, not in it.
    pub until: u64,
}

/// A time without a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// When.
    pub span: Span,
    /// Whether the host comes back without its memory of machines, as one that was set up anew.
    pub forgets: bool,
}

impl Span {
    /// From this day, for so many days.
    pub const fn of_days(from: u32, days: u32) -> Self {
        let end = from.saturating_add(days);
        Self {
            from: in_days(from),
            until: in_days(end),
        }
    }

    /// Whether this time is in it.
    pub const fn has(self, time: u64) -> bool {
        self.from <= time && time < self.until
    }
}

impl HostPlan {
    /// A host that is always there and always published.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            priority: 0,
            weight: 0,
            outages: Vec::new(),
            unpublished: Vec::new(),
            activation_interval: Interval::ACTIVATION,
            renewal_interval: Interval::RENEWAL,
        }
    }

    /// Whether it answers at this time.
    pub fn answers(&self, time: u64) -> bool {
        !self.outages.iter().any(|outage| outage.span.has(time))
    }

    /// Whether it is in DNS at this time.
    pub fn is_published(&self, time: u64) -> bool {
        !self.unpublished.iter().any(|span| span.has(time))
    }
}

impl Default for Scenario {
    /// A thousand machines, set up within a week, and one host, for a year.
    fn default() -> Self {
        Self {
            edition: Edition::LAB,
            clients: 1000,
            days: 365,
            seed: 1,
            joining: in_days(7),
            cloned: 0,
            leaving_per_mille: 0,
            office_per_mille: 0,
            away: None,
            hosts: vec![HostPlan::named("kms1")],
            wire: false,
        }
    }
}

/// So many days.
pub(super) const fn in_days(days: u32) -> u64 {
    let [a, b, c, d] = days.to_le_bytes();
    u64::from_le_bytes([a, b, c, d, 0, 0, 0, 0]).saturating_mul(FileTime::DAY)
}

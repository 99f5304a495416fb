use kmspec_wire::filetime::FileTime;

/// What a simulation showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Machines by licence state, at the start, at each midnight, and at the end.
    pub samples: Vec<Sample>,
    /// The hosts, in the scenario's order.
    pub hosts: Vec<HostReport>,
    /// Machines whose activation expired at least once, so that they ran on tolerance.
    pub expired: Causes,
    /// Machines that lapsed at least once: they came to reduced functionality.
    pub lapsed: Causes,
    /// When the first machine lapsed, in units of 100 ns since the start.
    pub first_lapse: Option<u64>,
    /// Attempts to activate.
    pub attempts: u64,
    /// Attempts that no host answered.
    pub unanswered: u64,
    /// Answers with a count that was too low.
    pub too_few: u64,
}

/// Machines by licence state at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    /// Units of 100 ns since the start.
    pub at: u64,
    /// In out-of-box grace.
    pub oob_grace: u32,
    /// Licensed.
    pub licensed: u32,
    /// In out-of-tolerance grace.
    pub oot_grace: u32,
    /// In notification: reduced functionality.
    pub notification: u32,
}

/// Machines by why they were not activated in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes {
    /// No host answered.
    pub no_host: u32,
    /// The host had counted too few machines.
    pub too_few: u32,
    /// The host refused.
    pub refused: u32,
    /// The machine was off, and did not ask.
    pub off: u32,
}

/// What a host had to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostReport {
    /// Its name.
    pub name: String,
    /// Its requests.
    pub load: Load,
}

/// Requests over time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// All requests.
    pub requests: u64,
    /// Most requests within one second.
    pub peak: u32,
    /// In which second since the start, the first of them.
    pub peak_at: u64,
    /// Requests and busiest second of each day.
    pub days: Vec<(u64, u32)>,
    /// Seconds in all.
    pub seconds: u64,
    /// How many seconds had so many requests, those with none left out.
    pub seconds_with: Vec<u64>,
    second: u64,
    within: u32,
}

impl Causes {
    /// Machines in all.
    pub const fn total(&self) -> u32 {
        let Self {
            no_host,
            too_few,
            refused,
            off,
        } = *self;
        no_host
            .saturating_add(too_few)
            .saturating_add(refused)
            .saturating_add(off)
    }

    /// Each cause in words, with its machines.
    pub const fn named(&self) -> [(&'static str, u32); 4] {
        [
            ("no host answered", self.no_host),
            ("the host had counted too few machines", self.too_few),
            ("the host refused", self.refused),
            ("the machine was off", self.off),
        ]
    }
}

impl Sample {
    /// Machines there are.
    pub const fn total(&self) -> u32 {
        let known = self.oob_grace.saturating_add(self.licensed);
        known
            .saturating_add(self.oot_grace)
            .saturating_add(self.notification)
    }
}

impl Load {
    /// The rate that suffices in so many of a million seconds.
    pub fn rate_of(&self, parts: u32) -> u32 {
        let busy: u64 = self
            .seconds_with
            .iter()
            .copied()
            .fold(0, u64::saturating_add);
        let wanted = u128::from(self.seconds)
            .saturating_mul(parts.into())
            .div_ceil(1_000_000);
        let mut seen = u128::from(self.seconds.saturating_sub(busy));
        for (rate, seconds) in (0..).zip(&self.seconds_with) {
            seen = seen.saturating_add(u128::from(*seconds));
            if seen >= wanted {
                return rate;
            }
        }
        self.peak
    }

    /// A request at this time.
    pub(super) fn one(&mut self, passed: u64) {
        let second = passed / FileTime::SECOND;
        if second != self.second {
            self.close();
            self.second = second;
        }
        self.within = self.within.saturating_add(1);
        self.requests = self.requests.saturating_add(1);
    }

    pub(super) fn ended(mut self, length: u64) -> Self {
        self.close();
        self.seconds = length / FileTime::SECOND;
        let days = usize::try_from(length.div_ceil(FileTime::DAY)).unwrap_or(0);
        self.days.resize(days, (0, 0));
        self
    }

    /// The present second is over.
    fn close(&mut self) {
        let within = std::mem::take(&mut self.within);
        if within == 0 {
            return;
        }
        if within > self.peak {
            self.peak = within;
            self.peak_at = self.second;
        }
        if let Some(count) = place(&mut self.seconds_with, within.into()) {
            *count = count.saturating_add(1);
        }
        if let Some((requests, busiest)) = place(&mut self.days, self.second / 86_400) {
            *requests = requests.saturating_add(within.into());
            *busiest = within.max(*busiest);
        }
    }
}

/// The element with this index, of a list that grows to have it.
fn place<T: Clone + Default>(list: &mut Vec<T>, index: u64) -> Option<&mut T> {
    let index = usize::try_from(index).ok()?;
    if list.len() <= index {
        list.resize(index.saturating_add(1), T::default());
    }
    list.get_mut(index)
}

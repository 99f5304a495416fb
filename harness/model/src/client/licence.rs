use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::{LicenseStatus, ResponseBody};
use thiserror::Error;

/// Days an activation lasts. Source: kms-protocol 7.
const ACTIVATED_DAYS: u64 = 180;
/// Days of grace after an activation that was not renewed: what Microsoft documents for out-of-tolerance grace.
const TOLERANCE_DAYS: u64 = 30;
/// How often a licence can be reset: three times, as Microsoft documents for `sysprep /generalize`.
const REARMS: u8 = 3;

/// The timers of one machine's licence, and when it next wants to ask a host.
///
/// Which state it is in follows from the time alone: nothing needs to be told that a day has passed.
///
/// ```
/// use kmspec_model::client::Licence;
/// use kmspec_wire::filetime::FileTime;
/// use kmspec_wire::kms::LicenseStatus;
///
/// let start = FileTime(134_398_416_170_000_000);
/// let mut licence = Licence::installed(start, 30);
/// assert_eq!(licence.due(), Some(start));
/// licence.activated(start, 120, 10_080);
/// let later = start.plus(179 * FileTime::DAY);
/// assert_eq!(licence.standing(later).status, LicenseStatus::LICENSED);
/// assert_eq!(licence.standing(later.plus(FileTime::DAY)).status, LicenseStatus::OOT_GRACE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Licence {
    /// What the present state follows from.
    pub basis: Basis,
    /// Days of out-of-box grace: 30, or 14 for two release candidates.
    pub grace_days: u32,
    /// The last time a host was asked, or should have been found.
    pub last: Option<LastTry>,
    /// Minutes between attempts while not activated, from the last good response.
    pub activation_interval: u32,
    /// Minutes between renewals while activated, from the last good response.
    pub renewal_interval: u32,
    /// How often the licence can still be reset.
    pub rearms_left: u8,
}

/// What a licence state follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// No key that could license anything is installed.
    Unlicensed,
    /// Installed, or reset, at this time and not activated since.
    Grace {
        /// When.
        since: FileTime,
    },
    /// Activated at this time, the last of them.
    Activated {
        /// When.
        at: FileTime,
    },
}

/// An attempt to activate, by how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastTry {
    /// When.
    pub at: FileTime,
    /// Whether it activated the machine.
    pub activated: bool,
}

/// A licence state and when it ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The state. Notification is what the document calls reduced functionality.
    pub status: LicenseStatus,
    /// When the next one comes, unless a host is reached before; `None` where none does.
    pub until: Option<FileTime>,
}

/// A licence that was reset as often as it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the licence was reset {REARMS} times already, and cannot be reset again")]
pub struct NoRearmLeft;

impl Standing {
    /// Minutes left in the state, one that has begun counted; 0 where it does not end. What a request carries and `-dli`
    /// prints.
    pub fn minutes_left(&self, now: FileTime) -> u32 {
        let left = self.until.map_or(0, |until| until.minus(now.0).0);
        let minutes = left.div_ceil(FileTime::MINUTE);
        u32::try_from(minutes).unwrap_or(u32::MAX)
    }

    /// Whole days of that many minutes, as `-dli` prints them.
    pub const fn whole_days(minutes: u32) -> u32 {
        minutes / (24 * 60)
    }
}

impl Licence {
    /// That of a machine installed at this time, with so many days of grace.
    pub const fn installed(now: FileTime, grace_days: u32) -> Self {
        Self {
            basis: Basis::Grace { since: now },
            grace_days,
            last: None,
            activation_interval: ResponseBody::ACTIVATION_INTERVAL,
            renewal_interval: ResponseBody::RENEWAL_INTERVAL,
            rearms_left: REARMS,
        }
    }

    /// The state at this time.
    pub fn standing(&self, now: FileTime) -> Standing {
        match self.basis {
            Basis::Unlicensed => Standing {
                status: LicenseStatus::UNLICENSED,
                until: None,
            },
            Basis::Grace { since } => {
                let end = since.plus(days(self.grace_days.into()));
                first_ahead(now, &[(LicenseStatus::OOB_GRACE, end)])
            }
            Basis::Activated { at } => {
                let end = at.plus(days(ACTIVATED_DAYS));
                let late = end.plus(days(TOLERANCE_DAYS));
                let states = [
                    (LicenseStatus::LICENSED, end),
                    (LicenseStatus::OOT_GRACE, late),
                ];
                first_ahead(now, &states)
            }
        }
    }

    /// When it comes to reduced functionality unless a host is reached before; `None` without a key.
    pub fn lapses(&self) -> Option<FileTime> {
        match self.basis {
            Basis::Unlicensed => None,
            Basis::Grace { since } => Some(since.plus(days(self.grace_days.into()))),
            Basis::Activated { at } => {
                Some(at.plus(days(ACTIVATED_DAYS)).plus(days(TOLERANCE_DAYS)))
            }
        }
    }

    /// When the machine next wants to ask a host, which may be in the past: then it asks as soon as it can.
    ///
    /// After a success it waits the renewal interval; before the first, and after a failure, the activation interval.
    pub fn due(&self) -> Option<FileTime> {
        let since = match self.basis {
            Basis::Unlicensed => return None,
            Basis::Grace { since } => since,
            Basis::Activated { at } => at,
        };
        Some(match self.last {
            None => since,
            Some(LastTry { at, activated }) => {
                let interval = if activated {
                    self.renewal_interval
                } else {
                    self.activation_interval
                };
                at.plus(u64::from(interval).saturating_mul(FileTime::MINUTE))
            }
        })
    }

    /// A good response with a count that is high enough: activated anew, for 180 days from now.
    pub const fn activated(&mut self, now: FileTime, activation: u32, renewal: u32) {
        self.intervals(activation, renewal);
        self.basis = Basis::Activated { at: now };
        self.last = Some(LastTry {
            at: now,
            activated: true,
        });
    }

    /// A good response with a count that is too low: its intervals hold, and nothing else changes.
    pub const fn too_few(&mut self, now: FileTime, activation: u32, renewal: u32) {
        self.intervals(activation, renewal);
        self.failed(now);
    }

    /// No good response: all that changes is when to try again.
    pub const fn failed(&mut self, now: FileTime) {
        self.last = Some(LastTry {
            at: now,
            activated: false,
        });
    }

    /// Starts the grace anew, as `sysprep /generalize` does.
    ///
    /// # Errors
    /// It was done as often as it may be; nothing has changed.
    pub fn rearm(&mut self, now: FileTime) -> Result<(), NoRearmLeft> {
        let left = self.rearms_left.checked_sub(1).ok_or(NoRearmLeft)?;
        let grace_days = self.grace_days;
        let basis = match self.basis {
            Basis::Unlicensed => Basis::Unlicensed,
            Basis::Grace { .. } | Basis::Activated { .. } => Basis::Grace { since: now },
        };
        *self = Self {
            basis,
            rearms_left: left,
            ..Self::installed(now, grace_days)
        };
        Ok(())
    }

    const fn intervals(&mut self, activation: u32, renewal: u32) {
        self.activation_interval = activation;
        self.renewal_interval = renewal;
    }
}

/// The first of these states that has not ended, or notification.
fn first_ahead(now: FileTime, states: &[(LicenseStatus, FileTime)]) -> Standing {
    let found = states.iter().find(|(_, end)| now < *end);
    found.map_or(
        Standing {
            status: LicenseStatus::NOTIFICATION,
            until: None,
        },
        |(status, end)| Standing {
            status: *status,
            until: Some(*end),
        },
    )
}

const fn days(count: u64) -> u64 {
    count.saturating_mul(FileTime::DAY)
}

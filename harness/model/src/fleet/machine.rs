use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{LicenseStatus, RequestBody, WorkstationName};

use super::random::Random;
use super::report::{Causes, Sample};
use super::scenario::{Scenario, Span, in_days};
use super::simulation::{START, at};
use crate::client::Licence;

/// A machine as far as the simulation knows it.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) licence: Licence,
    pub(super) cmid: Guid,
    /// When it is there at all.
    pub(super) there: Span,
    away: Span,
    /// Seconds after 8 at which it is switched on, for one that runs in office hours.
    office: Option<u16>,
    /// The host that answered last, by its place.
    pub(super) cached: Option<u16>,
    /// Why its last attempt failed.
    pub(super) failed: Option<Failed>,
    expired: bool,
    lapsed: bool,
}

/// Why an attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    NoHost,
    TooFew,
    Refused,
}

impl Machine {
    /// The machine with this number.
    pub(super) fn join(scenario: &Scenario, number: u32, random: &mut Random, image: Guid) -> Self {
        let length = in_days(scenario.days);
        let from = random.below(scenario.joining.max(1));
        let leaves = random.per_mille(yearly(scenario.leaving_per_mille, scenario.days));
        let until = if leaves {
            from.saturating_add(random.below(length.saturating_sub(from)))
        } else {
            u64::MAX
        };
        let office = random.per_mille(scenario.office_per_mille);
        // Most come within the first hour, nobody after 10.
        let late = random.below(7200).min(random.below(7200));
        let away = scenario
            .away
            .filter(|away| random.per_mille(away.per_mille));
        let away = away.map_or(Span { from: 0, until: 0 }, |away| {
            let from = from.saturating_add(random.below(length));
            let until = from.saturating_add(away.length);
            Span { from, until }
        });
        let own = Guid::random(random.block());
        let mut machine = Self {
            licence: Licence::installed(START, scenario.edition.grace_days),
            cmid: if number < scenario.cloned { image } else { own },
            there: Span { from, until },
            away,
            office: office.then_some(u16::try_from(late).unwrap_or(0)),
            cached: None,
            failed: None,
            expired: false,
            lapsed: false,
        };
        machine.there.from = machine.running(from);
        let joined = at(machine.there.from);
        machine.licence = Licence::installed(joined, scenario.edition.grace_days);
        machine
    }

    /// When it next asks a host; `None` if it leaves before.
    pub(super) fn next(&self) -> Option<u64> {
        let due = self.licence.due()?.minus(START.0).0;
        let next = self.running(due);
        (next < self.there.until).then_some(next)
    }

    /// The first time from this one on at which it is switched on.
    fn running(&self, time: u64) -> u64 {
        let mut time = time;
        // A stretch away may end at night, and a weekend may begin one: a few rounds settle it.
        for _ in 0..8 {
            let before = time;
            if self.away.has(time) {
                time = self.away.until;
            }
            if let Some(late) = self.office {
                time = in_office(time, late);
            }
            if time == before {
                break;
            }
        }
        time
    }

    /// What it asks at this time, written into a request that is otherwise the same for all.
    pub(super) fn ask(&self, now: FileTime, body: &mut RequestBody) {
        let standing = self.licence.standing(now);
        body.license_status = standing.status;
        body.binding_expiration = standing.minutes_left(now);
        body.cmid = self.cmid;
        body.client_time = now;
    }

    /// Counts it by its state.
    pub(super) fn sample(&self, passed: u64, sample: &mut Sample) {
        if !self.there.has(passed) {
            return;
        }
        let place = match self.licence.standing(at(passed)).status {
            LicenseStatus::LICENSED => &mut sample.licensed,
            LicenseStatus::OOT_GRACE => &mut sample.oot_grace,
            LicenseStatus::NOTIFICATION => &mut sample.notification,
            _ => &mut sample.oob_grace,
        };
        *place = place.saturating_add(1);
    }

    /// Notes whether it has expired or lapsed by now, each once and with its cause; when it lapsed, if that is news.
    pub(super) fn note(
        &mut self,
        passed: u64,
        expired: &mut Causes,
        lapsed: &mut Causes,
    ) -> Option<u64> {
        let end = passed.min(self.there.until.saturating_sub(1));
        let status = self.licence.standing(at(end)).status;
        let has_lapsed = status == LicenseStatus::NOTIFICATION;
        let was_activated = matches!(self.licence.basis, crate::client::Basis::Activated { .. });
        if !self.expired && was_activated && (has_lapsed || status == LicenseStatus::OOT_GRACE) {
            self.expired = true;
            self.blame(expired);
        }
        if self.lapsed || !has_lapsed {
            return None;
        }
        self.lapsed = true;
        self.blame(lapsed);
        let lapse = self.licence.lapses()?;
        Some(lapse.minus(START.0).0)
    }

    fn blame(&self, causes: &mut Causes) {
        let cause = match self.failed {
            Some(Failed::NoHost) => &mut causes.no_host,
            Some(Failed::TooFew) => &mut causes.too_few,
            Some(Failed::Refused) => &mut causes.refused,
            None => &mut causes.off,
        };
        *cause = cause.saturating_add(1);
    }
}

/// What all requests of the scenario have in common.
pub(super) fn request(scenario: &Scenario) -> RequestBody {
    let edition = scenario.edition;
    RequestBody {
        version: edition.version.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 0,
        application_id: edition.application_id,
        activation_id: edition.activation_id,
        counted_id: edition.counted_id,
        cmid: Guid::NIL,
        n_policy: edition.n_policy,
        client_time: START,
        previous_cmid: Guid::NIL,
        workstation: WorkstationName::default(),
    }
}

/// The first time from this one on that is in office hours: Monday to Friday, 8 and so many seconds to 18.
fn in_office(time: u64, late: u16) -> u64 {
    let opens = 8u64
        .saturating_mul(FileTime::HOUR)
        .saturating_add(u64::from(late).saturating_mul(FileTime::SECOND));
    let closes = 18u64.saturating_mul(FileTime::HOUR);
    let (day, within) = (time / FileTime::DAY, time % FileTime::DAY);
    // The start is a Monday.
    let weekday = day % 7;
    let midnight = time.saturating_sub(within);
    let ahead = match weekday {
        5 => 2,
        6 => 1,
        _ if within < opens => 0,
        _ if within < closes => return time,
        4 => 3,
        _ => 1,
    };
    let days = FileTime::DAY.saturating_mul(ahead);
    midnight.saturating_add(days).saturating_add(opens)
}

/// Of a share for a year, that for so many days.
fn yearly(per_mille: u32, days: u32) -> u32 {
    per_mille.saturating_mul(days).div_ceil(365).min(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn office_hours_end_on_friday_and_begin_on_monday() {
        let time = |day: u32, hour: u64| in_days(day) + hour * FileTime::HOUR;
        for (from, to) in [
            (time(0, 0), time(0, 8)),
            (time(0, 8), time(0, 8)),
            (time(0, 17), time(0, 17)),
            (time(0, 18), time(1, 8)),
            (time(4, 18), time(7, 8)),
            (time(5, 9), time(7, 8)),
            (time(6, 23), time(7, 8)),
        ] {
            assert_eq!(in_office(from, 0), to);
        }
        assert_eq!(in_office(time(0, 8), 60), time(0, 8) + FileTime::MINUTE);
    }
}

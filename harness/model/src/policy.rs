use std::collections::{BTreeMap, VecDeque};

use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, LicenseStatus, RequestBody};

use crate::deviate::policy as deviate;
use crate::fault::{Fault, Faults};
use crate::products::Product;
use crate::settings::Settings;

/// How long a client is counted after it was last seen. Source: kms-protocol 6, `policy.expire-30-days`.
const COUNTED_FOR: u64 = 30 * FileTime::DAY;
/// How far a client's clock may be off. Source: kms-protocol 6, `policy.clock-skew`.
const CLOCK_SKEW: u64 = 4 * FileTime::HOUR;
/// Largest N policy that is answered. Source: kms-protocol 6, `policy.n-policy-sane`.
const MAX_N_POLICY: u32 = 1000;

/// Requests by license status. Source: kms-protocol 6, `policy.request-counters`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// All requests.
    pub total: u64,
    /// Those that were refused, for whatever reason.
    pub failed: u64,
    /// From unlicensed clients.
    pub unlicensed: u64,
    /// From licensed clients.
    pub licensed: u64,
    /// In out-of-box grace.
    pub oob_grace: u64,
    /// In out-of-tolerance grace.
    pub oot_grace: u64,
    /// In non-genuine grace.
    pub non_genuine_grace: u64,
    /// In notification.
    pub notification: u64,
}

impl Counters {
    pub(crate) fn requested(&mut self) {
        self.total = self.total.saturating_add(1);
    }

    pub(crate) fn refused(&mut self) {
        self.failed = self.failed.saturating_add(1);
    }

    pub(crate) fn status(&mut self, status: LicenseStatus) {
        let counter = match status {
            LicenseStatus::UNLICENSED => &mut self.unlicensed,
            LicenseStatus::LICENSED => &mut self.licensed,
            LicenseStatus::OOB_GRACE => &mut self.oob_grace,
            LicenseStatus::OOT_GRACE => &mut self.oot_grace,
            LicenseStatus::NON_GENUINE_GRACE => &mut self.non_genuine_grace,
            LicenseStatus::NOTIFICATION => &mut self.notification,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }
}

/// The host's memory of its clients: one list per family of products.
#[derive(Debug, Default)]
pub(crate) struct Policy {
    families: BTreeMap<Guid, Family>,
}

#[derive(Debug)]
struct Family {
    largest_n: u32,
    /// The longest unseen first.
    clients: VecDeque<Client>,
    /// None was seen before this. The order alone does not say it: a clock may have been set back.
    since: FileTime,
}

#[derive(Clone, Copy, Debug)]
struct Client {
    cmid: Guid,
    seen: FileTime,
}

impl Policy {
    /// Decides a request that is well-formed; the count, or why it is refused.
    pub(crate) fn decide(
        &mut self,
        settings: &Settings,
        now: FileTime,
        request: &RequestBody,
    ) -> Result<u32, HResult> {
        let faults = settings.faults;
        let charged = || Family::charged(settings, now);
        if faults.has(Fault::CountOfRefused) {
            let family = self.families.entry(deviate::family(faults, request));
            // Whatever becomes of the request.
            let _ = family.or_insert_with(charged).count(settings, now, request);
        }
        let (answered, refused) = deviate::n_policy(faults, MAX_N_POLICY, request.n_policy);
        if !answered.contains(&request.n_policy) {
            return Err(refused);
        }
        if !settings.activated && !faults.has(Fault::NotActivatedAnswers) {
            return Err(HResult::HOST_NOT_ACTIVATED);
        }
        if !Product::is_covered(request.application_id, request.counted_id)
            && !faults.has(Fault::ProductUnchecked)
        {
            return Err(HResult::PRODUCT_NOT_COVERED);
        }
        if request.client_time.distance(now) > deviate::skew(faults, CLOCK_SKEW, request, now) {
            return Err(HResult::INVALID_TIMESTAMP);
        }
        let of_others = self.families.values().map(|family| family.largest_n).max();
        let family = self.families.entry(deviate::family(faults, request));
        let family = family.or_insert_with(charged);
        if faults.has(Fault::CapOfAllApplications) {
            family.largest_n = family.largest_n.max(of_others.unwrap_or_default());
        }
        family.count(settings, now, request)
    }
}

/// The clients of a family of products that a host has counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedFamily {
    /// The family.
    pub application_id: Guid,
    /// The largest N policy it has seen.
    pub largest_n: u32,
    /// Client machine ids, and when each was last seen; the longest unseen first.
    pub clients: Vec<(Guid, FileTime)>,
}

impl Policy {
    /// Forgets all clients.
    pub(crate) fn forget(&mut self) {
        self.families.clear();
    }

    /// Machines of this family that are counted now.
    pub(crate) fn count_of(&self, settings: &Settings, now: FileTime, application: Guid) -> u32 {
        let Some(family) = self.families.get(&application) else {
            return settings.start_count;
        };
        let counted_for = deviate::counted_for(settings.faults, COUNTED_FOR);
        let counted = |client: &&Client| now.minus(client.seen.0).0 < counted_for;
        let clients = family.clients.iter().filter(counted).count();
        u32::try_from(clients.min(family.cap(settings))).unwrap_or(u32::MAX)
    }

    /// All lists.
    pub(crate) fn counted(&self) -> Vec<CountedFamily> {
        let family = |(id, family): (&Guid, &Family)| CountedFamily {
            application_id: *id,
            largest_n: family.largest_n,
            clients: family
                .clients
                .iter()
                .map(|client| (client.cmid, client.seen))
                .collect(),
        };
        self.families.iter().map(family).collect()
    }

    /// These lists instead of the present ones.
    pub(crate) fn recall(&mut self, families: Vec<CountedFamily>) {
        let client = |(cmid, seen)| Client { cmid, seen };
        let family = |counted: CountedFamily| {
            let family = Family {
                largest_n: counted.largest_n,
                clients: counted.clients.into_iter().map(client).collect(),
                since: FileTime(0),
            };
            (counted.application_id, family)
        };
        self.families = families.into_iter().map(family).collect();
    }
}

impl Family {
    /// A family that has seen [`Settings::start_count`] clients just now.
    fn charged(settings: &Settings, now: FileTime) -> Self {
        let most = u128::try_from(settings.limits.clients).unwrap_or(u128::MAX);
        let strangers = 1..=u128::from(settings.start_count).min(most);
        let clients = strangers.map(|number| Client {
            cmid: Guid::random(number.to_be_bytes()),
            seen: now,
        });
        Self {
            largest_n: 0,
            clients: clients.collect(),
            since: now,
        }
    }

    fn count(
        &mut self,
        settings: &Settings,
        now: FileTime,
        request: &RequestBody,
    ) -> Result<u32, HResult> {
        let faults = settings.faults;
        self.forget_unseen(now, deviate::counted_for(faults, COUNTED_FOR));
        self.largest_n = deviate::largest_n(faults, self.largest_n, request.n_policy);
        let cmid = deviate::client(faults, request);
        let cap = self.cap(settings);
        let known = self
            .clients
            .iter()
            .position(|client| deviate::same_machine(faults, client.cmid, cmid));
        let known = known.filter(|_| !faults.has(Fault::DuplicatesCounted));
        let before = if let Some(place) = known {
            self.clients.remove(place)
        } else {
            self.make_room(faults, cap, settings.limits.clients)?;
            None
        };
        let renewed = before.filter(|_| faults.has(Fault::ExpiryNotRenewed));
        if deviate::is_listed(faults, request) {
            let client = renewed.unwrap_or(Client { cmid, seen: now });
            self.since = self.since.min(client.seen);
            self.clients.push_back(client);
        }
        let count = deviate::count(faults, self.clients.len().min(cap), cap, request)?;
        Ok(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// Lets go of who was not seen for so long. Nobody is looked at before one of them can be.
    fn forget_unseen(&mut self, now: FileTime, counted_for: u64) {
        if now.minus(self.since.0).0 < counted_for {
            return;
        }
        self.clients
            .retain(|client| now.minus(client.seen.0).0 < counted_for);
        let seen = self.clients.iter().map(|client| client.seen);
        self.since = seen.min().unwrap_or(now);
    }

    /// Where counting stops.
    fn cap(&self, settings: &Settings) -> usize {
        let largest = usize::try_from(self.largest_n).unwrap_or(usize::MAX);
        deviate::cap(settings.faults, largest.saturating_mul(2).max(1))
    }

    /// Lets go of the longest unseen where the list has reached its cap; a table that is full before that is an error.
    fn make_room(&mut self, faults: Faults, cap: usize, most: usize) -> Result<(), HResult> {
        while self.clients.len() >= cap {
            if faults.has(Fault::NewestMakesRoom) {
                self.clients.pop_back();
            } else {
                self.clients.pop_front();
            }
        }
        if self.clients.len() >= most {
            return Err(HResult::CMID_TABLE_EXHAUSTED);
        }
        Ok(())
    }
}

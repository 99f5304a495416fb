use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use kmspec_wire::kms::Version;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::stats::Entry;
use crate::client::{Job, Sent};
use crate::engine::{Manner, Next, Tcp, Work, serve, syntax};
use crate::measure::{ErrorClass, Interval};
use crate::mix::{Kind, Mix, Weighted};
use crate::num::{SECOND, float, nanos};
use crate::plan::{Endpoint, Plan};
use crate::prepare::Pool;

/// All users of this worker.
pub(super) struct Users {
    plan: Plan,
    endpoint: Endpoint,
    classes: BTreeMap<String, Class>,
    shared: Rc<Shared>,
}

/// The users of one class.
struct Class {
    desk: Rc<Desk>,
    pool: Arc<Pool>,
    tasks: Vec<JoinHandle<()>>,
}

/// What all users write into.
pub(super) struct Shared {
    start: Instant,
    entries: RefCell<BTreeMap<String, Entry>>,
    total: RefCell<Interval>,
}

/// Seconds since 1970-01-01 UTC.
pub(super) fn unix_now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0.0, |since| float(nanos(since)) / float(SECOND))
}

impl Shared {
    pub(super) fn new() -> Self {
        Self {
            start: Instant::now(),
            entries: RefCell::default(),
            total: RefCell::default(),
        }
    }

    /// What came since the last time, by name.
    pub(super) fn take(&self) -> BTreeMap<String, Entry> {
        self.entries.take()
    }

    /// Forgets everything: a test begins.
    pub(super) fn clear(&self) {
        self.entries.take();
        self.total.take();
    }

    /// Everything since the last test began.
    pub(super) fn total(&self) -> Interval {
        self.total.borrow().clone()
    }
}

impl Users {
    pub(super) fn new(plan: Plan, endpoint: Endpoint, shared: Rc<Shared>) -> Self {
        Self {
            plan,
            endpoint,
            classes: BTreeMap::new(),
            shared,
        }
    }

    /// Makes it so many users of each class. Those that are too many end when they are answered.
    pub(super) fn reach(&mut self, counts: &BTreeMap<String, usize>) {
        for (name, count) in counts {
            if !self.classes.contains_key(name) {
                let class = self.class(name);
                self.classes.insert(name.clone(), class);
            }
            if let Some(class) = self.classes.get_mut(name) {
                class.reach(*count, &self.plan, &self.endpoint);
            }
        }
    }

    /// How many there are to be of each class.
    pub(super) fn counts(&self) -> BTreeMap<String, usize> {
        let counts = self.classes.iter();
        counts
            .map(|(name, class)| (name.clone(), class.desk.wanted.get()))
            .collect()
    }

    /// Ends all and waits for those that wait for an answer, so long at most.
    pub(super) async fn stop(&mut self, patience: Duration) {
        let mut tasks = Vec::new();
        for class in self.classes.values_mut() {
            class.desk.wanted.set(0);
            tasks.append(&mut class.tasks);
        }
        let all = async {
            for task in &mut tasks {
                drop(task.await);
            }
        };
        if tokio::time::timeout(patience, all).await.is_err() {
            tasks.iter().for_each(JoinHandle::abort);
        }
    }

    fn class(&self, name: &str) -> Class {
        let mix = mix(name, &self.plan.mix);
        let Endpoint { keys, now, .. } = &self.endpoint;
        let pool = Pool::new(
            &mix,
            self.plan.clients,
            self.plan.seed ^ hash(name),
            keys,
            *now,
        );
        // No comma: the master writes tables with them.
        let names: Vec<String> = mix.versions.kinds().map(Kind::name).collect();
        Class {
            desk: Rc::new(Desk {
                name: names.join("+"),
                verify: self.plan.verify,
                wanted: Cell::new(0),
                place: Cell::new(0),
                owed: Cell::new(0.0),
                shared: Rc::clone(&self.shared),
            }),
            pool: Arc::new(pool),
            tasks: Vec::new(),
        }
    }
}

impl Class {
    fn reach(&mut self, count: usize, plan: &Plan, endpoint: &Endpoint) {
        self.desk.wanted.set(count);
        for number in 0..count {
            let runs = self
                .tasks
                .get(number)
                .is_some_and(|task| !task.is_finished());
            if runs {
                continue;
            }
            let manner = Manner {
                dial: Tcp(endpoint.address),
                pool: Arc::clone(&self.pool),
                keys: Arc::clone(&endpoint.keys),
                syntax: syntax(plan, number),
                timeout: plan.timeout,
                pipeline: 1,
                reuse: plan.reuse,
            };
            let task = tokio::task::spawn_local(serve(Rc::clone(&self.desk), manner, number, None));
            match self.tasks.get_mut(number) {
                Some(place) => *place = task,
                None => self.tasks.push(task),
            }
        }
    }
}

/// What users of a class ask: in the version that its name has in it, or what the plan's mix says.
fn mix(class: &str, usual: &Mix) -> Mix {
    let class = class.to_lowercase();
    let named = [
        ("v4", Version::V4),
        ("v5", Version::V5),
        ("v6", Version::V6),
    ]
    .into_iter()
    .find(|(name, _)| class.contains(name));
    Mix {
        versions: named.map_or_else(
            || usual.versions.clone(),
            |(_, version)| Weighted::only(version),
        ),
        ..usual.clone()
    }
}

/// Keeps the clients of classes apart: FNV-1a.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
        (hash ^ u64::from(octet)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Where users of a class get their work from.
struct Desk {
    name: String,
    verify: f64,
    /// Users from this number on end.
    wanted: Cell<usize>,
    place: Cell<usize>,
    owed: Cell<f64>,
    shared: Rc<Shared>,
}

impl Desk {
    fn ended(&self, outcome: Result<u64, ErrorClass>) {
        let now = unix_now();
        let mut entries = self.shared.entries.borrow_mut();
        let entry = entries
            .entry(self.name.clone())
            .or_insert_with(|| Entry::new(now));
        entry.ended(now, outcome);
        let total = &mut *self.shared.total.borrow_mut();
        match outcome {
            Ok(nanos) => {
                total.counts.answered += 1;
                total.corrected.record(nanos);
                total.uncorrected.record(nanos);
            }
            Err(class) => total.counts.fail(class),
        }
    }
}

impl Work for Desk {
    fn now(&self) -> u64 {
        nanos(self.shared.start.elapsed())
    }

    fn next(&self, number: usize) -> Next {
        if number >= self.wanted.get() {
            return Next::Over;
        }
        let place = self.place.get();
        self.place.set(place.wrapping_add(1));
        let owed = self.owed.get() + self.verify;
        let verify = owed >= 1.0;
        self.owed.set(if verify { owed - 1.0 } else { owed });
        Next::Work(Job {
            place,
            verify,
            due: self.now(),
        })
    }

    async fn wake(&self) {
        sleep(Duration::from_millis(10)).await;
    }

    fn wakes(&self) -> bool {
        false
    }

    fn sent(&self, _: &Job, octets: usize) {
        let counts = &mut self.shared.total.borrow_mut().counts;
        counts.due += 1;
        counts.sent += 1;
        counts.octets_out += crate::num::wide(octets);
    }

    fn answered(&self, sent: &Sent, now: u64, outcome: Result<(), ErrorClass>) {
        if outcome.is_ok() && sent.verify {
            self.shared.total.borrow_mut().counts.verified += 1;
        }
        self.ended(outcome.map(|()| now.saturating_sub(sent.due)));
    }

    fn failed(&self, _: u64, class: ErrorClass) {
        self.ended(Err(class));
    }

    fn connected(&self) {
        self.shared.total.borrow_mut().counts.connected += 1;
    }

    fn received(&self, octets: usize, _: u64) {
        self.shared.total.borrow_mut().counts.octets_in += crate::num::wide(octets);
        if let Some(entry) = self.shared.entries.borrow_mut().get_mut(&self.name) {
            entry.received(octets);
        }
    }
}

/// The part of a processor that this process takes, in percent, since the last time this was asked.
pub(super) struct Cpu {
    cpu: u64,
    at: Instant,
}

impl Cpu {
    pub(super) fn new() -> Self {
        Self {
            cpu: crate::machine::process_cpu(),
            at: Instant::now(),
        }
    }

    pub(super) fn percent(&mut self) -> f64 {
        let before = std::mem::replace(self, Self::new());
        let wall = float(nanos(self.at.duration_since(before.at)).max(1));
        float(self.cpu.saturating_sub(before.cpu)) / wall * 100.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_asks_in_the_version_of_its_name() {
        let usual = crate::fleet::mix().unwrap();
        for (class, expected) in [
            ("KmsV4User", "v4"),
            ("v5", "v5"),
            ("LaptopsV6", "v6"),
            ("KmsUser", "v4=3,v5=7,v6=90"),
        ] {
            assert_eq!(mix(class, &usual).versions.to_string(), expected, "{class}");
        }
    }
}

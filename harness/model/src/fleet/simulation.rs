use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::{HResult, RequestBody};

use super::host::Serving;
use super::machine::{Failed, Machine, request};
use super::queue::Queue;
use super::random::Random;
use super::report::{Causes, Report, Sample};
use super::scenario::{Scenario, in_days};
use crate::client::{Srv, in_order};

/// Monday, 2026-01-05.
pub(super) const START: FileTime = FileTime::from_unix_nanos(1_767_571_200_000_000_000);

/// The time of day after so much time.
pub(super) const fn at(passed: u64) -> FileTime {
    START.plus(passed)
}

/// Lets a scenario happen.
///
/// The same scenario gives the same report, to the last request.
pub fn simulate(scenario: &Scenario) -> Report {
    let mut simulation = Simulation::new(scenario);
    let length = in_days(scenario.days);
    while let Some(acting) = simulation.queue.take() {
        for (passed, number) in acting {
            simulation.sample_until(passed);
            simulation.turn(passed, number);
        }
    }
    simulation.finish(length)
}

struct Simulation<'a> {
    scenario: &'a Scenario,
    random: Random,
    /// Apart from the other, so that chance is the same with and without the wire.
    ivs: Random,
    machines: Vec<Machine>,
    hosts: Vec<Serving<'a>>,
    queue: Queue,
    body: RequestBody,
    samples: Vec<Sample>,
    expired: Causes,
    lapsed: Causes,
    first_lapse: Option<u64>,
    attempts: u64,
    unanswered: u64,
    too_few: u64,
}

impl<'a> Simulation<'a> {
    fn new(scenario: &'a Scenario) -> Self {
        let mut random = Random::new(scenario.seed);
        let image = Guid::random(random.block());
        let numbers = 0..scenario.clients;
        let machines: Vec<_> = numbers
            .clone()
            .map(|number| Machine::join(scenario, number, &mut random, image))
            .collect();
        let mut queue = Queue::until(in_days(scenario.days));
        for (number, machine) in numbers.zip(&machines) {
            if let Some(next) = machine.next() {
                queue.push(next, number);
            }
        }
        let hosts = (0..).zip(&scenario.hosts);
        Self {
            scenario,
            ivs: Random::new(!scenario.seed),
            random,
            queue,
            hosts: hosts
                .map(|(number, plan)| Serving::new(plan, number))
                .collect(),
            machines,
            body: request(scenario),
            samples: Vec::new(),
            expired: Causes::default(),
            lapsed: Causes::default(),
            first_lapse: None,
            attempts: 0,
            unanswered: 0,
            too_few: 0,
        }
    }

    /// One machine asks.
    fn turn(&mut self, passed: u64, number: u32) {
        let Some(index) = usize::try_from(number).ok() else {
            return;
        };
        let Some(mut machine) = self.machines.get(index).cloned() else {
            return;
        };
        self.note(passed, &mut machine);
        self.attempts = self.attempts.saturating_add(1);
        let now = at(passed);
        match self.ask(passed, now, &mut machine) {
            None => {
                self.unanswered = self.unanswered.saturating_add(1);
                machine.failed = Some(Failed::NoHost);
                machine.licence.failed(now);
            }
            Some(Err(_)) => {
                machine.failed = Some(Failed::Refused);
                machine.licence.failed(now);
            }
            Some(Ok(said)) if said.count < self.body.n_policy => {
                self.too_few = self.too_few.saturating_add(1);
                machine.failed = Some(Failed::TooFew);
                machine.licence.too_few(now, said.activation, said.renewal);
            }
            Some(Ok(said)) => {
                machine.failed = None;
                machine
                    .licence
                    .activated(now, said.activation, said.renewal);
            }
        }
        if let Some(next) = machine.next() {
            self.queue.push(next, number);
        }
        if let Some(place) = self.machines.get_mut(index) {
            *place = machine;
        }
    }

    /// Finds a host and asks it; `None` if none answers.
    fn ask(
        &mut self,
        passed: u64,
        now: FileTime,
        machine: &mut Machine,
    ) -> Option<Result<super::host::Said, HResult>> {
        let place = self.find(passed, machine.cached)?;
        machine.ask(now, &mut self.body);
        let iv = self.scenario.wire.then(|| self.ivs.block());
        let said = self
            .hosts
            .get_mut(usize::from(place))?
            .ask(passed, now, &self.body, iv);
        if said.is_ok() {
            machine.cached = Some(place);
        }
        Some(said)
    }

    /// The host that a machine gets to: the one that answered last, or else as DNS has them.
    fn find(&mut self, passed: u64, cached: Option<u16>) -> Option<u16> {
        let answers = |place: &u16| {
            let host = self.hosts.get(usize::from(*place));
            host.is_some_and(|host| host.plan.answers(passed))
        };
        if let Some(place) = cached.filter(answers) {
            return Some(place);
        }
        let serves =
            |host: &Serving<'_>| host.plan.is_published(passed) && host.plan.answers(passed);
        if !self.hosts.iter().any(serves) {
            return None;
        }
        let published = (0..)
            .zip(&self.hosts)
            .filter(|(_, host)| host.plan.is_published(passed));
        let published: Vec<(u16, &Serving<'_>)> = published.collect();
        // The port tells them apart.
        let record = |(place, host): &(u16, &Serving<'_>)| Srv {
            priority: host.plan.priority,
            weight: host.plan.weight,
            port: place.saturating_add(1),
            target: "host.test".to_owned(),
        };
        if let [(only, _)] = published.as_slice() {
            return Some(*only);
        }
        let records: Vec<Srv> = published.iter().map(record).collect();
        let ordered = in_order(&records, self.random.next());
        let places = ordered.into_iter().map(|host| host.port.saturating_sub(1));
        places.into_iter().find(answers)
    }

    /// Takes the samples that are due before this time.
    fn sample_until(&mut self, passed: u64) {
        loop {
            let taken = u32::try_from(self.samples.len()).unwrap_or(u32::MAX);
            let next = in_days(taken);
            if next > passed || taken > self.scenario.days {
                return;
            }
            self.sample(next);
        }
    }

    fn sample(&mut self, passed: u64) {
        let mut sample = Sample {
            at: passed,
            ..Sample::default()
        };
        for machine in &self.machines {
            machine.sample(passed, &mut sample);
        }
        self.samples.push(sample);
    }

    fn note(&mut self, passed: u64, machine: &mut Machine) {
        if let Some(lapse) = machine.note(passed, &mut self.expired, &mut self.lapsed) {
            let first = self.first_lapse.map_or(lapse, |first| first.min(lapse));
            self.first_lapse = Some(first);
        }
    }

    fn finish(mut self, length: u64) -> Report {
        // The end is the last midnight; who is there until then is still there.
        self.sample_until(length.saturating_sub(1));
        self.sample(length);
        for mut machine in std::mem::take(&mut self.machines) {
            if machine.there.from < length {
                self.note(length, &mut machine);
            }
        }
        Report {
            samples: self.samples,
            hosts: self
                .hosts
                .into_iter()
                .map(|host| host.report(length))
                .collect(),
            expired: self.expired,
            lapsed: self.lapsed,
            first_lapse: self.first_lapse,
            attempts: self.attempts,
            unanswered: self.unanswered,
            too_few: self.too_few,
        }
    }
}

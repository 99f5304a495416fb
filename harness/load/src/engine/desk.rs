use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use kmspec_wire::ndr::TransferSyntax;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};

use crate::client::{Job, Sent};
use crate::measure::{ErrorClass, Interval, Latencies};
use crate::num::{nanos, size, wide};
use crate::plan::{Interrupt, Pattern, Plan};
use crate::schedule::Schedule;

/// Where the connections of one thread get their work from and hand in what came of it.
pub(crate) struct Desk {
    pub(super) plan: Plan,
    pub(super) schedule: Schedule,
    pub(super) interrupt: Interrupt,
    start: Instant,
    /// Where this thread is in the list of clients, and how many threads share that list.
    place: Cell<usize>,
    stride: usize,
    /// Part of an answer that is owed to verification.
    owed: Cell<f64>,
    /// When the requests that wait for a connection were due.
    queue: RefCell<VecDeque<u64>>,
    over: Cell<bool>,
    wake: Notify,
    interval: RefCell<Box<Interval>>,
    /// How late this thread was, by its own fault.
    lateness: RefCell<Latencies>,
    /// Measured requests that connections have and of which nothing came yet.
    held: Cell<u64>,
    last: Cell<u64>,
    /// How often something was sent, came, or went wrong.
    events: Cell<u64>,
    /// Nanoseconds for which this thread had nothing to do and was awake.
    idle: Cell<u64>,
}

/// What a connection is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Send this.
    Work(Job),
    /// Ask again later.
    Wait,
    /// Nothing more will come.
    Over,
}

/// What gives connections their work, and takes what comes of it.
pub(crate) trait Work {
    /// Nanoseconds since the start.
    fn now(&self) -> u64;
    /// What the connection of this number is to do.
    fn next(&self, number: usize) -> Next;
    /// Waits until asking again may bring something.
    fn wake(&self) -> impl Future<Output = ()>;
    /// Whether waiting for work makes sense while there are answers to come.
    fn wakes(&self) -> bool;
    /// A request went out.
    fn sent(&self, job: &Job, octets: usize);
    /// An answer came.
    fn answered(&self, sent: &Sent, now: u64, outcome: Result<(), ErrorClass>);
    /// A request that was due then came to nothing.
    fn failed(&self, due: u64, class: ErrorClass);
    /// A connection was made.
    fn connected(&self);
    /// Octets came at this time.
    fn received(&self, octets: usize, now: u64);
}

/// Where a desk stands among those of all threads.
pub(super) struct Seat {
    pub(super) index: usize,
    pub(super) of: usize,
    pub(super) start: Instant,
}

/// How long a connection that a stage leaves out waits before it asks again.
const PAUSE: Duration = Duration::from_millis(10);

impl Desk {
    pub(super) fn new(plan: Plan, interrupt: Interrupt, seat: Seat) -> Self {
        Self {
            schedule: plan.schedule(),
            plan,
            interrupt,
            start: seat.start,
            place: Cell::new(seat.index),
            stride: seat.of,
            owed: Cell::new(0.0),
            queue: RefCell::default(),
            over: Cell::new(false),
            wake: Notify::new(),
            interval: RefCell::default(),
            lateness: RefCell::default(),
            held: Cell::new(0),
            last: Cell::new(0),
            events: Cell::new(0),
            idle: Cell::new(0),
        }
    }

    /// The instant of a time of the run.
    pub(super) fn instant(&self, nanos: u64) -> Instant {
        self.start + Duration::from_nanos(nanos)
    }

    /// A request is due. If too many wait already it is dropped.
    pub(super) fn put(&self, due: u64, now: u64) {
        let measured = self.measures(due);
        let lateness = now.saturating_sub(due);
        let full = self.queue.borrow().len() >= self.plan.backlog;
        if measured {
            let counts = &mut self.interval.borrow_mut().counts;
            counts.due += 1;
            counts.late += u64::from(lateness > nanos(self.plan.late));
            counts.dropped += u64::from(full);
            self.lateness.borrow_mut().record(lateness);
        }
        if !full {
            self.queue.borrow_mut().push_back(due);
            self.wake.notify_one();
        }
    }

    /// Nothing more is due. Of an interrupted run nothing more is sent either.
    pub(super) fn close(&self) {
        if self.interrupt.is_asked() {
            self.queue.borrow_mut().clear();
        }
        self.over.set(true);
        self.wake.notify_waiters();
    }

    /// Whatever still waits for a connection or an answer has waited long enough. Leaving it out would flatter the target.
    pub(super) fn give_up(&self) {
        let waiting = self.queue.take();
        let waiting = waiting
            .into_iter()
            .filter(|due| self.measures(*due))
            .count();
        let counts = &mut self.interval.borrow_mut().counts;
        for _ in 0..self.held.take() + wide(waiting) {
            counts.fail(ErrorClass::Timeout);
        }
    }

    /// What was measured since the last time this was asked.
    pub(super) fn take(&self) -> Box<Interval> {
        mem::take(&mut *self.interval.borrow_mut())
    }

    /// How late this thread was in all.
    pub(super) fn lateness(&self) -> Latencies {
        self.lateness.borrow().clone()
    }

    /// When the last request ended, in nanoseconds since measuring began.
    pub(super) fn last(&self) -> u64 {
        self.last.get()
    }

    /// How often something happened on this thread's connections.
    pub(super) fn events(&self) -> u64 {
        self.events.get()
    }

    /// This thread had nothing to do for so many nanoseconds, and was awake.
    pub(super) fn idle(&self, nanos: u64) {
        self.idle.set(self.idle.get().saturating_add(nanos));
    }

    /// For how long that was so since the last time this was asked.
    pub(super) fn take_idle(&self) -> u64 {
        self.idle.take()
    }

    fn happened(&self) {
        self.events.set(self.events.get().wrapping_add(1));
    }

    fn measures(&self, time: u64) -> bool {
        time >= self.schedule.measured_from()
    }

    fn job(&self, due: u64) -> Job {
        if self.measures(due) {
            self.held.set(self.held.get() + 1);
        }
        let place = self.place.get();
        self.place.set(place.wrapping_add(self.stride));
        let owed = self.owed.get() + self.plan.verify;
        let verify = owed >= 1.0;
        self.owed.set(if verify { owed - 1.0 } else { owed });
        Job { place, verify, due }
    }

    fn ended(&self, now: u64) {
        self.held.set(self.held.get().saturating_sub(1));
        let since = now.saturating_sub(self.schedule.measured_from());
        self.last.set(self.last.get().max(since));
    }
}

impl Work for Desk {
    fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    fn next(&self, number: usize) -> Next {
        if let Pattern::Open(_) = self.plan.pattern {
            let due = self.queue.borrow_mut().pop_front();
            return match due {
                Some(due) => Next::Work(self.job(due)),
                None if self.over.get() => Next::Over,
                None => Next::Wait,
            };
        }
        let now = self.now();
        if now >= self.schedule.end() || self.interrupt.is_asked() {
            Next::Over
        } else if size(number) < self.schedule.level(now) {
            if self.measures(now) {
                self.interval.borrow_mut().counts.due += 1;
            }
            Next::Work(self.job(now))
        } else {
            Next::Wait
        }
    }

    async fn wake(&self) {
        match self.plan.pattern {
            Pattern::Closed => sleep(PAUSE).await,
            Pattern::Open(_) if self.over.get() => {}
            Pattern::Open(_) => self.wake.notified().await,
        }
    }

    fn wakes(&self) -> bool {
        matches!(self.plan.pattern, Pattern::Open(_)) && !self.over.get()
    }

    fn sent(&self, job: &Job, octets: usize) {
        self.happened();
        if self.measures(job.due) {
            let counts = &mut self.interval.borrow_mut().counts;
            counts.sent += 1;
            counts.octets_out += wide(octets);
        }
    }

    fn answered(&self, sent: &Sent, now: u64, outcome: Result<(), ErrorClass>) {
        if let Err(class) = outcome {
            return self.failed(sent.due, class);
        }
        if self.measures(sent.due) {
            let interval = &mut *self.interval.borrow_mut();
            interval.counts.answered += 1;
            interval.counts.verified += u64::from(sent.verify);
            interval.corrected.record(now.saturating_sub(sent.due));
            interval.uncorrected.record(now.saturating_sub(sent.at));
            self.ended(now);
        }
    }

    fn failed(&self, due: u64, class: ErrorClass) {
        self.happened();
        if self.measures(due) {
            self.interval.borrow_mut().counts.fail(class);
            self.ended(self.now());
        }
    }

    fn connected(&self) {
        self.happened();
        if self.measures(self.now()) {
            self.interval.borrow_mut().counts.connected += 1;
        }
    }

    fn received(&self, octets: usize, now: u64) {
        self.happened();
        if self.measures(now) {
            self.interval.borrow_mut().counts.octets_in += wide(octets);
        }
    }
}

/// The transfer syntax of a connection: the kinds' weights, laid over the connections' numbers.
pub(crate) fn syntax(plan: &Plan, number: usize) -> TransferSyntax {
    // The golden ratio spreads any number of connections evenly.
    let point = (size(number) * 0.618_033_988_749_895).fract();
    plan.mix.syntaxes.at(point).unwrap_or(TransferSyntax::Ndr32)
}

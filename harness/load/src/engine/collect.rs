use std::collections::BTreeMap;
use std::sync::mpsc;

use tokio::sync::watch;
use tokio::time::Instant;

use super::Watch;
use super::worker::Said;
use crate::measure::{Counts, Interval, Latencies};
use crate::num::{SECOND, float};
use crate::outcome::Second;
use crate::plan::Plan;

/// What all threads together have told.
#[derive(Default)]
pub(super) struct Collected {
    pub(super) total: Interval,
    pub(super) series: Vec<Second>,
    pub(super) lateness: Latencies,
    /// When the last request ended, in nanoseconds since measuring began.
    pub(super) last: u64,
    /// The part of the time that each thread was busy, from 0 to 1.
    pub(super) busy: Vec<f64>,
}

/// Waits until all are ready, starts them, and listens until all are through.
pub(super) fn collect(
    plan: &Plan,
    hear: &mpsc::Receiver<Said>,
    start: &watch::Sender<Option<Instant>>,
    watching: &dyn Watch,
) -> Collected {
    let mut collecting = Collecting::new(plan);
    let mut ready = 0;
    for said in hear {
        match said {
            Said::Ready => {
                ready += 1;
                if ready == plan.threads {
                    start.send_replace(Some(Instant::now()));
                }
            }
            Said::Second {
                thread,
                second,
                interval,
                cpu,
                wall,
            } => {
                collecting.busy(thread, second, cpu, wall);
                collecting.take(second, &interval);
                collecting.tell(watching, false);
            }
            Said::Done { lateness, last } => {
                collecting.all.lateness.add(&lateness);
                collecting.all.last = collecting.all.last.max(last);
            }
        }
    }
    collecting.tell(watching, true);
    collecting.end()
}

struct Collecting<'p> {
    plan: &'p Plan,
    all: Collected,
    /// Seconds of which not all threads have told.
    open: BTreeMap<u64, (usize, Interval)>,
    /// Processor time and time of each thread.
    times: Vec<(u64, u64)>,
}

impl<'p> Collecting<'p> {
    fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            all: Collected::default(),
            open: BTreeMap::new(),
            times: vec![(0, 0); plan.threads],
        }
    }

    /// Whole seconds of the plan count; a run too short to have one counts as a whole.
    fn busy(&mut self, thread: usize, second: u64, cpu: u64, wall: u64) {
        let schedule = self.plan.schedule();
        let planned = schedule.end() - schedule.measured_from();
        let counts = second == 0 || (second + 1) * SECOND <= planned;
        if let Some(times) = self.times.get_mut(thread).filter(|_| counts) {
            times.0 += cpu;
            times.1 += wall;
        }
    }

    fn take(&mut self, second: u64, interval: &Interval) {
        self.all.total.add(interval);
        let (told, sum) = self.open.entry(second).or_default();
        *told += 1;
        sum.add(interval);
    }

    /// Tells of the seconds that are complete, in order.
    fn tell(&mut self, watching: &dyn Watch, all: bool) {
        while let Some(entry) = self.open.first_entry() {
            if entry.get().0 < self.plan.threads && !all {
                return;
            }
            let (second, (_, interval)) = entry.remove_entry();
            let schedule = self.plan.schedule();
            let middle = schedule.measured_from() + second * SECOND + SECOND / 2;
            let level = schedule.level(middle);
            // Behind the plan there is only what was still on its way.
            if level <= 0.0 && interval.counts == Counts::default() {
                continue;
            }
            let second = Second::new(second, level, &interval);
            watching.second(&second);
            self.all.series.push(second);
        }
    }

    fn end(mut self) -> Collected {
        let part = |(cpu, wall): &(u64, u64)| float(*cpu) / float((*wall).max(1));
        self.all.busy = self.times.iter().map(part).collect();
        self.all
    }
}

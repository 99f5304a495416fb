use std::mem;
use std::rc::Rc;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use kmspec_wire::keys::KeySet;
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet, yield_now};
use tokio::time::{Instant, sleep_until, timeout};

use super::desk::{Desk, Seat, Work, syntax};
use super::dial::Dial;
use super::link::{Link, Manner, serve};
use super::pace::Pacer;
use crate::machine;
use crate::measure::{Interval, Latencies};
use crate::num::SECOND;
use crate::plan::{Interrupt, Pattern, Plan, Reuse};
use crate::prepare::Pool;

/// A thread that generates load.
pub(super) struct Worker {
    pub(super) plan: Plan,
    pub(super) index: usize,
    pub(super) keys: Arc<KeySet>,
    pub(super) pool: Arc<Pool>,
    pub(super) interrupt: Interrupt,
    /// Whether it stays awake in a closed loop. It needs a processor of its own for that.
    pub(super) awake: bool,
    pub(super) say: mpsc::Sender<Said>,
    /// The instant at which all begin, once all are ready.
    pub(super) started: watch::Receiver<Option<Instant>>,
}

/// What a thread tells.
pub(super) enum Said {
    /// Its connections are there.
    Ready,
    /// A second is over.
    Second {
        /// Which thread.
        thread: usize,
        /// Its number, from 0, from the end of the warm-up.
        second: u64,
        interval: Box<Interval>,
        /// Nanoseconds of the processor that the thread took while it had something to do.
        cpu: u64,
        /// Nanoseconds that went by meanwhile.
        wall: u64,
    },
    /// It is through.
    Done {
        lateness: Box<Latencies>,
        /// When its last request ended, in nanoseconds since measuring began.
        last: u64,
    },
}

/// How many requests that are due already are handed out before connections get their turn.
const BATCH: usize = 64;

impl Worker {
    /// Does this thread's part of the plan. `pacer` is made inside the runtime.
    pub(super) async fn work<D: Dial>(mut self, dial: D, pacer: impl FnOnce() -> Pacer) {
        let links = self.open(&dial).await;
        drop(self.say.send(Said::Ready));
        let start = match self.started.wait_for(Option::is_some).await {
            Ok(start) => start.unwrap_or_else(Instant::now),
            Err(_) => return,
        };
        let seat = Seat {
            index: self.index,
            of: self.plan.threads,
            start,
        };
        let desk = Rc::new(Desk::new(self.plan.clone(), self.interrupt.clone(), seat));
        LocalSet::new()
            .run_until(self.play(Rc::clone(&desk), dial, links, pacer()))
            .await;
        drop(self.say.send(Said::Done {
            lateness: Box::new(desk.lateness()),
            last: desk.last(),
        }));
    }

    /// This thread's connections by number, those that are kept being open already. After the first that fails no more
    /// are tried: the run will tell.
    async fn open<D: Dial>(&self, dial: &D) -> Vec<(usize, Option<Link<D>>)> {
        let mut links = Vec::new();
        let mut trying = self.plan.reuse == Reuse::Kept;
        for number in (self.index..self.plan.connections).step_by(self.plan.threads) {
            let link = if trying {
                Link::open(&self.manner(dial, number)).await.ok()
            } else {
                None
            };
            trying = link.is_some();
            links.push((number, link));
        }
        links
    }

    fn manner<D: Dial>(&self, dial: &D, number: usize) -> Manner<D> {
        Manner {
            dial: dial.clone(),
            pool: Arc::clone(&self.pool),
            keys: Arc::clone(&self.keys),
            syntax: syntax(&self.plan, number),
            timeout: self.plan.timeout,
            pipeline: self.plan.pipeline,
            reuse: self.plan.reuse,
        }
    }

    async fn play<D: Dial>(
        &self,
        desk: Rc<Desk>,
        dial: D,
        links: Vec<(usize, Option<Link<D>>)>,
        pacer: Pacer,
    ) {
        let mut connections = JoinSet::new();
        for (number, link) in links {
            let manner = self.manner(&dial, number);
            connections.spawn_local(serve(Rc::clone(&desk), manner, number, link));
        }
        let mut seconds = Seconds::new(Rc::clone(&desk), self.index, self.say.clone());
        let working = async {
            if let Pattern::Open(arrivals) = self.plan.pattern {
                let due = desk.schedule.arrivals(arrivals, self.plan.seed);
                let due = due.skip(self.index).step_by(self.plan.threads);
                hand_out(&desk, due, &pacer).await;
            } else {
                let end = desk.schedule.end();
                let nap = if self.awake { NAP } else { LOOK };
                while desk.now() < end && !desk.interrupt.is_asked() {
                    if self.awake {
                        stay_awake(&desk, end).await;
                    }
                    sleep_until(desk.instant(end.min(desk.now() + nap))).await;
                }
            }
            desk.close();
            // Whoever waits for an answer waits at most that long; connecting and binding come before.
            let patience = self.plan.timeout * 2 + Duration::from_millis(100);
            drop(timeout(patience, drain(&mut connections)).await);
            desk.give_up();
        };
        tokio::select! {
            () = working => {}
            () = seconds.tell() => {}
        }
        seconds.rest();
    }
}

/// How often to look whether somebody wants the run to end.
const LOOK: u64 = SECOND / 20;
/// How long a thread that could stay awake leaves its connections to themselves when they have nothing to do.
const NAP: u64 = SECOND / 1000;

async fn drain(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// Lets connections have their turns without falling asleep, until nothing has happened for some time or all is over. To
/// wake a thread takes both sides longer than a target's answer does, and would be measured as the target's. A target that
/// needs longer than that, or this processor, has it.
pub(super) async fn stay_awake(desk: &Desk, end: u64) {
    let (mut now, mut events) = (desk.now(), desk.events());
    let mut asleep_at = now + AWAKE;
    while now < asleep_at.min(end) && !desk.interrupt.is_asked() {
        yield_now().await;
        let began = mem::replace(&mut now, desk.now());
        if desk.events() == events {
            desk.idle(now.saturating_sub(began).min(LONGEST_TURN));
        } else {
            events = desk.events();
            asleep_at = now + AWAKE;
        }
    }
}

/// Nanoseconds without an event after which a thread goes to sleep: more than an answer over loopback takes.
const AWAKE: u64 = 50_000;
/// The most nanoseconds of a turn in which nothing happened: in more, others had the processor.
const LONGEST_TURN: u64 = 10_000;

/// Hands requests out when they are due. Nobody's slowness changes when the next one is.
async fn hand_out(desk: &Desk, due: impl Iterator<Item = u64>, pacer: &Pacer) {
    let mut without_turn = 0;
    for due in due {
        let mut now = desk.now();
        while due > now {
            if desk.interrupt.is_asked() {
                return;
            }
            pacer.wait((due - now).min(LOOK)).await;
            without_turn = 0;
            now = desk.now();
        }
        desk.put(due, now);
        without_turn += 1;
        if without_turn == BATCH {
            if desk.interrupt.is_asked() {
                return;
            }
            yield_now().await;
            without_turn = 0;
        }
    }
}

/// Tells what each second brought.
struct Seconds {
    desk: Rc<Desk>,
    thread: usize,
    say: mpsc::Sender<Said>,
    second: u64,
    cpu: u64,
    since: u64,
}

impl Seconds {
    fn new(desk: Rc<Desk>, thread: usize, say: mpsc::Sender<Said>) -> Self {
        Self {
            desk,
            thread,
            say,
            second: 0,
            cpu: 0,
            since: 0,
        }
    }

    /// Never ends by itself.
    async fn tell(&mut self) {
        let began = self.desk.schedule.measured_from();
        sleep_until(self.desk.instant(began)).await;
        self.cpu = machine::thread_cpu();
        self.since = self.desk.now();
        self.desk.take_idle();
        loop {
            let end = began + (self.second + 1) * SECOND;
            sleep_until(self.desk.instant(end)).await;
            self.rest();
        }
    }

    /// Tells what has come since the last time.
    fn rest(&mut self) {
        let (cpu, now) = (machine::thread_cpu(), self.desk.now());
        let said = Said::Second {
            thread: self.thread,
            second: self.second,
            interval: self.desk.take(),
            cpu: cpu
                .saturating_sub(self.cpu)
                .saturating_sub(self.desk.take_idle()),
            wall: now.saturating_sub(self.since),
        };
        drop(self.say.send(said));
        self.second += 1;
        (self.cpu, self.since) = (cpu, now);
    }
}

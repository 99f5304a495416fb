//! Runs against a host in the test, under a clock that goes only when all wait.

mod frozen;

use std::io;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use kmspec_lab::{LabHost, Settings as LabSettings};
use kmspec_model::{Clock, Connection, Delivery, Host, Settings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use super::collect::{Collected, collect};
use super::desk::{Desk, Seat, Work};
use super::dial::Dial;
use super::pace::Pacer;
use super::worker::{Worker, stay_awake};
use super::{LoadError, run};
use crate::measure::ErrorClass;
use crate::num::{SECOND, float};
use crate::plan::{Endpoint, Interrupt, Pattern, Plan, Reuse};
use crate::prepare::Pool;
use crate::schedule::{Arrivals, Stage};

const NOW: FileTime = FileTime(FileTime::UNIX_EPOCH.0 + 1_800_000_000 * FileTime::SECOND);
/// Time for making connections.
const AHEAD: Duration = Duration::from_millis(100);

/// A host in the test.
#[derive(Clone)]
struct Fake {
    host: Arc<Mutex<Host>>,
    manners: Manners,
}

/// How it behaves.
#[derive(Clone, Copy, Debug)]
struct Manners {
    /// It stands still from one instant to another.
    frozen: Option<(Instant, Instant)>,
    /// How long each answer takes.
    service: Duration,
    /// It says nothing from then on.
    silent: Option<Instant>,
    /// It takes no connection from then on.
    refuses: Option<Instant>,
    /// It ends a connection after so many turns.
    turns: usize,
}

impl Default for Manners {
    fn default() -> Self {
        Self {
            frozen: None,
            service: Duration::from_micros(100),
            silent: None,
            refuses: None,
            turns: usize::MAX,
        }
    }
}

impl Fake {
    fn new(manners: Manners) -> Self {
        let mut host = Host::new(Settings::default());
        host.set_clock(Clock::Fixed(NOW));
        Self {
            host: Arc::new(Mutex::new(host)),
            manners,
        }
    }

    async fn serve(self, mut stream: DuplexStream) -> io::Result<()> {
        let mut machine = Connection::open(&mut self.host.lock().unwrap(), NOW, 1688);
        let mut octets = vec![0; 65_536];
        for _ in 0..self.manners.turns {
            let got = stream.read(&mut octets).await?;
            if got == 0 {
                break;
            }
            if let Some((from, to)) = self.manners.frozen
                && (from..to).contains(&Instant::now())
            {
                sleep_until(to).await;
            }
            if self.manners.silent.is_some_and(|at| Instant::now() >= at) {
                std::future::pending::<()>().await;
            }
            if !self.manners.service.is_zero() {
                sleep(self.manners.service).await;
            }
            let mut out = Vec::new();
            let next = machine.receive(
                &mut self.host.lock().unwrap(),
                NOW,
                &octets[..got],
                &mut out,
            );
            assert_eq!(next.after, kmspec_model::After::Open);
            stream.write_all(&out).await?;
        }
        Ok(())
    }
}

impl Dial for Fake {
    type Stream = DuplexStream;

    async fn dial(&self) -> io::Result<DuplexStream> {
        if self.manners.refuses.is_some_and(|at| Instant::now() >= at) {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (near, far) = duplex(65_536);
        tokio::spawn(self.clone().serve(far));
        Ok(near)
    }

    fn reset(_: DuplexStream) {}
}

/// What a plan comes to; `manners` is asked with the instant at which measuring begins.
async fn play(plan: &Plan, manners: impl FnOnce(Instant) -> Manners) -> Collected {
    plan.check().unwrap();
    let start = Instant::now() + AHEAD;
    let fake = Fake::new(manners(start + plan.warmup));
    let keys = Arc::new(KeySet::lab());
    let pool = Arc::new(Pool::new(&plan.mix, plan.clients, plan.seed, &keys, NOW));
    let (say, hear) = mpsc::channel();
    let (sender, started) = watch::channel(Some(start));
    let worker = Worker {
        plan: plan.clone(),
        index: 0,
        keys,
        pool,
        interrupt: Interrupt::new(),
        awake: false,
        say,
        started,
    };
    worker.work(fake, || Pacer::Tokio).await;
    collect(plan, &hear, &sender, &())
}

fn open(rate: f64, seconds: u64) -> Plan {
    Plan {
        stages: vec![Stage::flat(Duration::from_secs(seconds), rate)],
        clients: 50,
        ..Plan::default()
    }
}

/// Nothing gets lost: whatever was due was answered, failed or was dropped.
fn adds_up(collected: &Collected) {
    let counts = &collected.total.counts;
    let ended = counts.answered + counts.failed() + counts.dropped;
    assert_eq!(counts.due, ended, "{counts:?}");
    assert_eq!(collected.total.corrected.count(), counts.answered);
    assert_eq!(collected.total.uncorrected.count(), counts.answered);
    let by_seconds: u64 = collected
        .series
        .iter()
        .map(|second| second.counts.answered)
        .sum();
    assert_eq!(by_seconds, counts.answered);
}

/// A host stands still for 2 of 20 seconds at 1,000 requests a second. A request that is due t seconds into that time is
/// answered 2 - t seconds later. Those 2,000 of 20,000 are the slowest tenth, evenly spread from 0 to 2 s, so that the
/// 99th percentile stands at nine tenths of them: 1.8 s.
#[tokio::test(start_paused = true)]
async fn a_frozen_host_has_the_corrected_latency_of_theory() {
    for (pipeline, connections) in [(1, 1), (1, 16), (8, 4)] {
        let plan = Plan {
            connections,
            pipeline,
            ..open(1000.0, 20)
        };
        let frozen = |start: Instant| {
            let from = start + Duration::from_secs(5);
            Manners {
                frozen: Some((from, from + Duration::from_secs(2))),
                service: Duration::ZERO,
                ..Manners::default()
            }
        };
        let collected = play(&plan, frozen).await;
        adds_up(&collected);
        assert_eq!(collected.total.counts.answered, 20_000);
        for (percentile, theory) in [(99.0, 1.8), (99.5, 1.9), (95.0, 1.0), (100.0, 2.0)] {
            let got = float(collected.total.corrected.percentile(percentile)) / float(SECOND);
            let off = (got / theory - 1.0).abs();
            assert!(
                off < 0.01,
                "{connections}x{pipeline} p{percentile}: {got} s, theory {theory} s"
            );
        }
        // Of what was sent, only what was on its way then is slow: that is the omission.
        let uncorrected = collected.total.uncorrected.percentile(99.0);
        assert!(uncorrected < 10_000_000, "{uncorrected}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_host_has_both_latencies_alike() {
    let collected = play(&open(500.0, 3), |_| Manners::default()).await;
    adds_up(&collected);
    assert_eq!(collected.total.counts.due, 1500);
    assert_eq!(collected.total.counts.verified, 1500);
    assert_eq!(collected.series.len(), 3);
    let (corrected, uncorrected) = (&collected.total.corrected, &collected.total.uncorrected);
    assert!(corrected.max() < 4_000_000, "{}", corrected.max());
    assert!(corrected.percentile(50.0) >= uncorrected.percentile(50.0));
}

#[tokio::test(start_paused = true)]
async fn poisson_arrivals_wait_as_theory_says() {
    // One server, 5 ms an answer, half of its capacity: by Pollaczek and Khinchin the mean wait is 2.5 ms.
    let plan = Plan {
        pattern: Pattern::Open(Arrivals::Poisson),
        connections: 1,
        ..open(100.0, 200)
    };
    let service = Duration::from_millis(5);
    let collected = play(&plan, |_| Manners {
        service,
        ..Manners::default()
    })
    .await;
    adds_up(&collected);
    let mean = collected.total.corrected.mean() / 1e6;
    // Half a millisecond to a whole one more, twice: tokio's timers round up.
    assert!((7.5..10.0).contains(&mean), "{mean} ms");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_falls_silent_loses_no_request() {
    let plan = Plan {
        timeout: Duration::from_millis(500),
        connections: 4,
        ..open(100.0, 4)
    };
    let silent = |start: Instant| Manners {
        silent: Some(start + Duration::from_secs(2)),
        ..Manners::default()
    };
    let collected = play(&plan, silent).await;
    adds_up(&collected);
    let counts = &collected.total.counts;
    assert_eq!(counts.due, 400);
    assert!(counts.answered.abs_diff(200) <= 2, "{counts:?}");
    assert_eq!(
        counts.errors.keys().collect::<Vec<_>>(),
        [&ErrorClass::Timeout]
    );
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_to_wait_is_dropped_and_counted() {
    let plan = Plan {
        backlog: 10,
        connections: 1,
        timeout: Duration::from_secs(1),
        ..open(100.0, 3)
    };
    let silent = |start: Instant| Manners {
        silent: Some(start + Duration::from_secs(1)),
        ..Manners::default()
    };
    let collected = play(&plan, silent).await;
    adds_up(&collected);
    assert!(
        collected.total.counts.dropped > 150,
        "{:?}",
        collected.total.counts
    );
}

#[tokio::test(start_paused = true)]
async fn connections_that_end_are_made_again() {
    // Each serves its bind and four requests.
    let plan = open(100.0, 2);
    let collected = play(&plan, |_| Manners {
        turns: 5,
        ..Manners::default()
    })
    .await;
    adds_up(&collected);
    let counts = &collected.total.counts;
    assert_eq!(counts.answered, 200, "{counts:?}");
    assert!(counts.connected >= 40, "{counts:?}");
}

#[tokio::test(start_paused = true)]
async fn a_host_that_takes_no_more_connections_is_an_error_a_request() {
    let plan = Plan {
        reuse: Reuse::New,
        ..open(100.0, 2)
    };
    let refuses = |start: Instant| Manners {
        refuses: Some(start + Duration::from_secs(1)),
        ..Manners::default()
    };
    let collected = play(&plan, refuses).await;
    adds_up(&collected);
    let counts = &collected.total.counts;
    assert_eq!((counts.answered, counts.connected), (100, 100));
    assert_eq!(counts.errors.get(&ErrorClass::Connect), Some(&100));
}

#[tokio::test(start_paused = true)]
async fn a_closed_loop_has_as_many_on_their_way_as_its_stages_say() {
    let plan = Plan {
        pattern: Pattern::Closed,
        stages: vec!["2s@1".parse().unwrap(), "2s@4".parse().unwrap()],
        connections: 4,
        ..open(1.0, 1)
    };
    let service = Duration::from_millis(10);
    let collected = play(&plan, |_| Manners {
        service,
        ..Manners::default()
    })
    .await;
    adds_up(&collected);
    let answers: Vec<u64> = collected
        .series
        .iter()
        .map(|second| second.counts.answered)
        .collect();
    let one = answers[0];
    assert!((80..=100).contains(&one), "{answers:?}");
    assert!(answers[3].abs_diff(4 * one) < 20, "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_is_as_deep_as_asked() {
    let answers = |pipeline| async move {
        let plan = Plan {
            pattern: Pattern::Closed,
            stages: vec!["2s@1".parse().unwrap()],
            connections: 1,
            pipeline,
            ..open(1.0, 1)
        };
        let service = Duration::from_millis(10);
        let collected = play(&plan, |_| Manners {
            service,
            ..Manners::default()
        })
        .await;
        adds_up(&collected);
        collected.total.counts.answered
    };
    // The host in the test answers all that has come in one turn.
    let (one, eight) = (answers(1).await, answers(8).await);
    assert!(eight.abs_diff(8 * one) < one, "{one} {eight}");
}

#[tokio::test(start_paused = true)]
async fn only_the_asked_part_is_verified() {
    let plan = Plan {
        verify: 0.25,
        ..open(100.0, 4)
    };
    let collected = play(&plan, |_| Manners::default()).await;
    assert!(collected.total.counts.verified.abs_diff(100) <= 1);
}

fn endpoint(address: std::net::SocketAddr, now: FileTime) -> Endpoint {
    Endpoint {
        name: "lab host".to_owned(),
        address,
        keys: Arc::new(KeySet::lab()),
        now,
    }
}

/// A plan that a busy machine can carry out, over real sockets.
fn small(reuse: Reuse) -> Plan {
    Plan {
        mix: crate::fleet::mix().unwrap(),
        reuse,
        threads: 2,
        warmup: Duration::from_millis(100),
        late: Duration::from_secs(60),
        ..open(100.0, 1)
    }
}

#[test]
fn the_lab_host_answers_over_real_sockets() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut settings = LabSettings::default();
    settings.host.clock = Clock::Fixed(NOW);
    let host = runtime.block_on(LabHost::start(settings)).unwrap();
    let endpoint = endpoint(host.address(), NOW);
    for reuse in [Reuse::Kept, Reuse::New] {
        let plan = small(reuse);
        let outcome = run(&plan, &endpoint, &Interrupt::new(), &()).unwrap();
        let counts = &outcome.total.counts;
        assert_eq!(
            (counts.due, counts.answered, counts.verified),
            (100, 100, 100),
            "{counts:?}"
        );
        assert_eq!(outcome.errors(), 0);
        assert_eq!(outcome.generator.busy.len(), 2);
        assert!(
            outcome
                .generator
                .busy
                .iter()
                .all(|busy| *busy > 0.0 && *busy < 1.0)
        );
    }
    // Asked to stop before it begins, it does.
    let interrupt = Interrupt::new();
    interrupt.stop();
    let outcome = run(&open(10.0, 3600), &endpoint, &interrupt, &()).unwrap();
    assert!(outcome.interrupted);
    runtime.block_on(host.stop());
}

#[tokio::test]
async fn a_thread_that_is_awake_and_has_nothing_to_do_is_idle_and_falls_asleep() {
    let seat = Seat {
        index: 0,
        of: 1,
        start: Instant::now(),
    };
    let desk = Desk::new(open(1.0, 3600), Interrupt::new(), seat);
    stay_awake(&desk, desk.schedule.end()).await;
    assert!(desk.take_idle() > 0);
    // What happens keeps it awake until all is over, and is work.
    let end = desk.now() + SECOND / 100;
    let busy = async {
        while desk.now() < end {
            desk.connected();
            yield_now().await;
        }
    };
    let fell_asleep = async {
        stay_awake(&desk, end).await;
        desk.now()
    };
    let ((), at) = tokio::join!(biased; busy, fell_asleep);
    assert!(at >= end, "{at} {end}");
    assert!(desk.take_idle() < SECOND / 10_000);
}

/// Staying awake is no work: a generator that waits for a slow host is not the bottleneck.
#[test]
fn a_closed_loop_that_waits_is_not_busy() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut settings = LabSettings::default();
    settings.host.clock = Clock::Fixed(NOW);
    settings.host.delivery = Delivery::Halves { pause: 50_000 };
    let host = runtime.block_on(LabHost::start(settings)).unwrap();
    let plan = Plan {
        pattern: Pattern::Closed,
        ..open(1.0, 1)
    };
    let endpoint = endpoint(host.address(), NOW);
    let outcome = run(&plan, &endpoint, &Interrupt::new(), &()).unwrap();
    assert!(outcome.total.counts.answered > 0, "{outcome:?}");
    let busy = outcome.generator.busy[0];
    assert!(busy < 0.5, "{busy}");
    runtime.block_on(host.stop());
}

#[test]
fn a_target_that_does_not_answer_is_one_error() {
    let socket = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let plan = small(Reuse::Kept);
    let outcome = run(&plan, &endpoint(address, NOW), &Interrupt::new(), &());
    let Err(LoadError::Unfit { what, .. }) = outcome else {
        panic!("{outcome:?}");
    };
    assert!(what.starts_with("no connection: "), "{what}");
}

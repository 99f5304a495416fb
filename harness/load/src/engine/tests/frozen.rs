//! A lab host on real sockets whose only thread stands still for two seconds.

use std::net::SocketAddr;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use kmspec_lab::{LabHost, Settings};
use kmspec_model::Clock;
use tokio::sync::oneshot;

use super::{NOW, endpoint, open};
use crate::engine::{Watch, run};
use crate::num::{SECOND, float};
use crate::outcome::Second;
use crate::plan::{Interrupt, Plan};

const RATE: f64 = 500.0;
const SECONDS: u64 = 5;
const FROZEN: Duration = Duration::from_secs(2);

/// The slowest hundredth of all requests are those that were due in the first hundredth of the run's time after the host
/// stood still: they waited for all of that time but this.
#[test]
fn a_frozen_lab_host_on_sockets_has_the_corrected_latency_of_theory() {
    let mut seen = Vec::new();
    for _ in 0..3 {
        let tried = Tried::now();
        let theory = tried.stood_still.as_secs_f64() - 0.01 * float(SECONDS);
        let ratio = tried.latency / theory;
        // Nothing makes an answer come before the host goes on.
        assert!(ratio > 0.99, "{} s, theory {theory} s", tried.latency);
        if ratio < 1.01 {
            return;
        }
        if tried.lateness < BUSY {
            seen.push((tried.latency, theory));
        }
    }
    // Beside others that take the processors all answers are late, by the machine's fault.
    assert!(
        seen.is_empty(),
        "99th percentile and theory, in seconds: {seen:?}"
    );
}

/// On a machine that hands out a request so late, latencies are its own.
const BUSY: Duration = Duration::from_millis(5);

/// What came of a run.
struct Tried {
    /// The corrected 99th percentile, in seconds.
    latency: f64,
    /// How long the host really stood still.
    stood_still: Duration,
    /// How late the generator was at most.
    lateness: Duration,
}

impl Tried {
    fn now() -> Self {
        let (tell, told) = mpsc::channel();
        let (freeze, asked) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let host = thread::spawn(move || stand_still(&tell, asked, stopped));
        let plan = Plan {
            verify: 0.1,
            ..open(RATE, SECONDS)
        };
        let watching = AfterASecond(Mutex::new(Some(freeze)));
        let endpoint = endpoint(told.recv().unwrap(), NOW);
        let outcome = run(&plan, &endpoint, &Interrupt::new(), &watching).unwrap();
        stop.send(()).unwrap();
        Self {
            latency: float(outcome.total.corrected.percentile(99.0)) / float(SECOND),
            stood_still: host.join().unwrap(),
            lateness: Duration::from_nanos(outcome.lateness.max()),
        }
    }
}

/// A lab host in this thread alone, which stands still when it is asked to: for how long it did.
fn stand_still(
    tell: &mpsc::Sender<SocketAddr>,
    asked: oneshot::Receiver<()>,
    stopped: oneshot::Receiver<()>,
) -> Duration {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(async {
        let mut settings = Settings::default();
        settings.host.clock = Clock::Fixed(NOW);
        let host = LabHost::start(settings).await.unwrap();
        tell.send(host.address()).unwrap();
        asked.await.unwrap();
        let began = Instant::now();
        thread::sleep(FROZEN);
        let stood_still = began.elapsed();
        stopped.await.unwrap();
        host.stop().await;
        stood_still
    })
}

/// Asks once, when the first second is over.
struct AfterASecond(Mutex<Option<oneshot::Sender<()>>>);

impl Watch for AfterASecond {
    fn second(&self, _: &Second) {
        if let Some(ask) = self.0.lock().unwrap().take() {
            ask.send(()).unwrap();
        }
    }
}

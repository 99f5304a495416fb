//! A campaign from its start to its end.

mod analyst;
mod worker;

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kmspec_runner::Target;
use kmspec_runner::target::{LaunchError, Origin};
use kmspec_session::{Mutator, Session};
use thiserror::Error;
use tokio::sync::{Notify, RwLock, mpsc};

use crate::corpus::Corpus;
use crate::examine::{Known, Suspicion};
use crate::finding::{Facts, Finding};
use crate::ground::Ground;
use crate::machine::{Learning, Machine};
use crate::play::Player;
use crate::store::{Findings, StoreError};
use crate::trial::Sought;
use crate::watch::{Progress, Watch};
use analyst::Analyst;

/// What a campaign is to do.
#[derive(Debug)]
pub struct Plan {
    /// Against what.
    pub target: Target,
    /// How the target is named on the command line, with a space before it; nothing for the lab host.
    pub target_word: String,
    /// Where all chance comes from.
    pub seed: u64,
    /// Sessions at the same time.
    pub jobs: usize,
    /// Sessions to begin with.
    pub seeds: Vec<Session>,
    /// Where findings go.
    pub findings: PathBuf,
    /// Where sessions that showed something new go, and those of other campaigns come from.
    pub corpus: Option<PathBuf>,
    /// The first execution; `None` goes on where the corpus was left.
    pub start: Option<u64>,
    /// How long it goes on.
    pub duration: Option<Duration>,
    /// How many executions it has at most.
    pub max_execs: Option<u64>,
    /// Whether the first finding ends it.
    pub until_finding: bool,
    /// Whether answers are compared with the lab host's.
    pub differential: bool,
    /// From when on an answer is late.
    pub slow: Duration,
    /// Whether a target that is not on loopback is fuzzed.
    pub allow_remote: bool,
}

/// What came of a campaign.
#[derive(Debug)]
pub struct Outcome {
    /// How it was at the end.
    pub progress: Progress,
    /// What it found, and what it found again of what was there.
    pub findings: Vec<Facts>,
    /// The target's state machine, as far as it was learnt.
    pub machine: Machine,
    /// Why it ended early or could not keep what it found, if so.
    pub unable: Option<String>,
    /// Findings that could not be written.
    pub unwritten: usize,
}

/// Why a campaign could not begin, or could not be carried through.
#[derive(Debug, Error)]
pub enum CampaignError {
    /// The target.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A folder.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target is somebody else's, as far as anybody knows.
    #[error(
        "{0} is not on loopback; fuzzing it may break it and what it serves: allow it with --allow-remote"
    )]
    Remote(SocketAddr),
    /// No thread, or no runtime in it.
    #[error("cannot start a thread that plays sessions: {0}")]
    Thread(io::Error),
    /// Nothing answers.
    #[error("{0} answers no bind: nothing can be learnt from it")]
    Mute(String),
}

/// What workers and the analyst share.
pub(crate) struct Shared {
    pub(crate) seed: u64,
    pub(crate) corpus: Mutex<Corpus>,
    pub(crate) seeds: Arc<Vec<Session>>,
    pub(crate) mutator: Mutator,
    pub(crate) learning: Mutex<Learning>,
    pub(crate) known: Mutex<Known>,
    /// Sessions begun last, the newest at the end.
    pub(crate) recent: Mutex<VecDeque<(u64, Arc<Session>)>>,
    pub(crate) player: Mutex<Player>,
    pub(crate) address: Mutex<SocketAddr>,
    /// Held by each session while it is played, and by the analyst alone while it tries one.
    pub(crate) gate: RwLock<()>,
    /// The target is gone: nobody plays until it is back.
    pub(crate) down: AtomicBool,
    pub(crate) stop: AtomicBool,
    pub(crate) changed: Notify,
    pub(crate) executions: AtomicU64,
    pub(crate) news: Mutex<Instant>,
    pub(crate) end: Option<u64>,
    pub(crate) slow: Duration,
    pub(crate) differential: bool,
    pub(crate) suspicions: mpsc::Sender<Suspicion>,
}

/// How long the first bind may take: some hosts are slow to come up.
const FIRST_ANSWER: Duration = Duration::from_secs(5);

/// Sessions that are remembered in case one of them ended the target.
pub(crate) const RECENT: usize = 512;

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves collections that are still good.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs a campaign until one of its limits, or until `stop` comes.
///
/// # Errors
/// It could not begin.
pub async fn run(
    plan: Plan,
    watch: Arc<dyn Watch>,
    stop: impl Future<Output = ()>,
) -> Result<Outcome, CampaignError> {
    let findings = Findings::open(&plan.findings)?;
    let player = player(&plan.target, plan.seed);
    let mut ground = up(plan.target.clone(), plan.allow_remote).await?;
    let start = plan
        .start
        .or_else(|| plan.corpus.as_deref().and_then(|f| left_at(f, plan.seed)));
    let start = start.unwrap_or(0);
    let corpus = Corpus::open(plan.seed, plan.seeds.clone(), plan.corpus.as_deref(), start)?;
    let is_mute = !player.serves(ground.address(), FIRST_ANSWER).await;
    // At an address there may be anything; a program that was started to be a host and does not answer is at fault.
    if is_mute && matches!(plan.target.origin, Origin::Address(_)) {
        let name = ground.name().to_owned();
        ground.down().await;
        return Err(CampaignError::Mute(name));
    }
    let (send, receive) = mpsc::channel(1024);
    let shared = Arc::new(Shared {
        seed: plan.seed,
        seeds: corpus.seeds(),
        corpus: Mutex::new(corpus),
        mutator: Mutator::new(),
        learning: Mutex::default(),
        known: Mutex::default(),
        recent: Mutex::default(),
        player: Mutex::new(player.clone()),
        address: Mutex::new(ground.address()),
        gate: RwLock::new(()),
        down: AtomicBool::new(false),
        stop: AtomicBool::new(false),
        changed: Notify::new(),
        executions: AtomicU64::new(0),
        news: Mutex::new(Instant::now()),
        end: plan.max_execs.map(|most| start.saturating_add(most)),
        slow: plan.slow,
        differential: plan.differential,
        suspicions: send,
    });
    let mut analyst = Analyst::new(Arc::clone(&shared), ground, player, findings, watch, plan);
    analyst.resume().await?;
    if is_mute {
        let judged = analyst.judge_mute().await;
        let outcome = analyst.end(None).await;
        return judged.map(|()| outcome);
    }
    let workers = worker::start(&shared, analyst.jobs()).map_err(CampaignError::Thread)?;
    let unable = analyst.watch(receive, stop).await;
    shared.stop.store(true, Ordering::Relaxed);
    shared.changed.notify_waiters();
    for worker in workers {
        // A worker that is in the middle of a session ends it first.
        drop(tokio::task::spawn_blocking(|| worker.join()).await);
    }
    Ok(analyst.end(unable).await)
}

/// Tries a finding again; what it shows now, if it shows. `None` is a finding that does not show any more.
///
/// # Errors
/// The target cannot be started.
pub async fn repeat(
    target: Target,
    finding: &Finding,
    slow: Duration,
    allow_remote: bool,
) -> Result<Option<String>, CampaignError> {
    let mut player = player(&target, finding.facts.seed);
    let mut ground = up(target, allow_remote).await?;
    let sought = Sought {
        kind: finding.facts.kind,
        about: finding.facts.about.clone(),
    };
    let mut trials = crate::trial::Trials {
        ground: &mut ground,
        player: &mut player,
        slow,
        next: 0,
        octets_of: None,
    };
    let (_, _, shown) = trials
        .again_or_as(finding.facts.execution, &sought, &finding.session)
        .await?;
    ground.down().await;
    Ok(shown.map(|shown| shown.detail))
}

async fn up(target: Target, allow_remote: bool) -> Result<Ground, CampaignError> {
    let refused = |address: SocketAddr| !allow_remote && !address.ip().is_loopback();
    // What is not ours to start is not even looked at; where a program listens is known once it does.
    if let Origin::Address(address) = target.origin
        && refused(address)
    {
        return Err(CampaignError::Remote(address));
    }
    let mut ground = Ground::up(target).await?;
    let address = ground.address();
    if refused(address) {
        ground.down().await;
        return Err(CampaignError::Remote(address));
    }
    Ok(ground)
}

fn player(target: &Target, seed: u64) -> Player {
    let [a, b, ..] = crate::novelty::digest(&format!("tag {seed}")).to_le_bytes();
    Player {
        keys: Arc::clone(&target.keys),
        memory: kmspec_rules::Memory::new(),
        // Not zero: zeros are everywhere.
        tag: [a | 0x80, b | 0x11],
    }
}

/// Where a campaign of this seed left its corpus.
fn left_at(folder: &std::path::Path, seed: u64) -> Option<u64> {
    let text = std::fs::read_to_string(folder.join(format!("seed-{seed}.next"))).ok()?;
    text.trim().parse().ok()
}

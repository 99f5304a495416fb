use std::io;
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kmspec_session::Session;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::{RECENT, Shared, lock};
use crate::corpus::Corpus;
use crate::examine::{self, Suspicion};
use crate::finding::Kind;
use crate::novelty;
use crate::play::{Manner, Played, Player};
use crate::reference;
use crate::trial::{self, Sought};

/// Starts so many workers, on a thread with a runtime of its own for each core: a session that is handed from one core to
/// another costs more than it does.
pub(super) fn start(shared: &Arc<Shared>, jobs: usize) -> io::Result<Vec<JoinHandle<()>>> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = threads.min(jobs);
    let mut all = Vec::with_capacity(threads);
    for index in 0..threads {
        let here = jobs / threads + usize::from(index < jobs % threads);
        let shared = Arc::clone(shared);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = thread::Builder::new().name(format!("fuzz-{index}"));
        all.push(thread.spawn(move || {
            let mut workers: JoinSet<()> = JoinSet::new();
            runtime.block_on(async {
                for _ in 0..here {
                    workers.spawn(work(Arc::clone(&shared)));
                }
                while workers.join_next().await.is_some() {}
            });
        })?);
    }
    Ok(all)
}

/// Plays one session after the other until the campaign ends.
async fn work(shared: Arc<Shared>) {
    while !shared.stop.load(Ordering::Relaxed) {
        if shared.down.load(Ordering::Relaxed) {
            pause(&shared).await;
            continue;
        }
        let playing = shared.gate.read().await;
        if shared.down.load(Ordering::Relaxed) || shared.stop.load(Ordering::Relaxed) {
            continue;
        }
        let ticket = lock(&shared.corpus).ticket();
        let Some(ticket) = ticket else {
            drop(playing);
            pause(&shared).await;
            continue;
        };
        if shared.end.is_some_and(|end| ticket.number >= end) {
            shared.stop.store(true, Ordering::Relaxed);
            shared.changed.notify_waiters();
            return;
        }
        let session = Corpus::session(&ticket, shared.seed, &shared.seeds, &shared.mutator);
        let session = Arc::new(session);
        remember(&shared, ticket.number, &session);
        let player = lock(&shared.player).clone();
        let address = *lock(&shared.address);
        let played = player
            .play(&session, address, ticket.number, Manner::QUICK)
            .await;
        let silent = silent(&player, address, ticket.number, &session, &played).await;
        drop(playing);
        examine(&shared, ticket.number, &session, &player, &played, silent);
    }
}

/// The first step that the lab host answers and the target does not, if it still does not when more patience is had with
/// it: on a busy machine much is late.
async fn silent(
    player: &Player,
    address: SocketAddr,
    number: u64,
    session: &Session,
    played: &Played,
) -> Option<usize> {
    if played.unanswered.is_some() || !played.rows.iter().any(|row| row.waited) {
        return None;
    }
    reference::unanswered(session, player, played)?;
    let again = player.play(session, address, number, Manner::STEADY).await;
    let (step, _) = reference::unanswered(session, player, &again)?;
    Some(step)
}

/// Until something changes, or for a moment.
async fn pause(shared: &Shared) {
    drop(tokio::time::timeout(MOMENT, shared.changed.notified()).await);
}

fn remember(shared: &Shared, number: u64, session: &Arc<Session>) {
    let mut recent = lock(&shared.recent);
    if recent.len() >= RECENT {
        recent.pop_front();
    }
    recent.push_back((number, Arc::clone(session)));
}

fn examine(
    shared: &Shared,
    number: u64,
    session: &Arc<Session>,
    player: &Player,
    played: &Played,
    silent: Option<usize>,
) {
    shared.executions.fetch_add(1, Ordering::Relaxed);
    if played.refused {
        // It tells of the target's end and not of this session.
        shared.down.store(true, Ordering::Relaxed);
        lock(&shared.corpus).done(number, session, Vec::new());
        suspect(shared, gone(session, number));
        return;
    }
    lock(&shared.learning).learn(&played.rows);
    // What mostly waits is nothing to build on, whatever it shows.
    let features = if played.silences > MOST_SILENCES {
        Vec::new()
    } else {
        novelty::features(played)
    };
    if lock(&shared.corpus).done(number, session, features) {
        *lock(&shared.news) = Instant::now();
    }
    for suspicion in examine::suspicions(session, number, played, silent, shared.slow) {
        suspect(shared, suspicion);
    }
    let compare = if shared.differential {
        trial::differs
    } else {
        trial::fails
    };
    if let Some(about) = compare(session, player, played) {
        let detail = format!("Lab host and target: {about}.");
        let sought = Sought {
            kind: Kind::Difference,
            about,
        };
        suspect(
            shared,
            Suspicion {
                sought,
                session: Arc::clone(session),
                execution: number,
                detail,
            },
        );
    }
}

/// The target is gone; which session did it is to be found out.
fn gone(session: &Arc<Session>, execution: u64) -> Suspicion {
    Suspicion {
        sought: Sought {
            kind: Kind::Crash,
            about: "connections refused".to_owned(),
        },
        session: Arc::clone(session),
        execution,
        detail: "Nobody accepts connections any more.".to_owned(),
    }
}

fn suspect(shared: &Shared, suspicion: Suspicion) {
    let signature = suspicion.sought.signature();
    let known = suspicion.sought.kind != Kind::Crash && !lock(&shared.known).is_news(&signature);
    if known {
        return;
    }
    if let Err(error) = shared.suspicions.try_send(suspicion) {
        // The analyst has more than enough to do; it will be seen again.
        tracing::debug!(%error, "a suspicion is put off");
        lock(&shared.known).doubt(&signature);
    }
}

/// How long a worker that has nothing to do waits at most.
const MOMENT: Duration = Duration::from_millis(5);
/// Times that a session of the corpus waits in vain, at most.
const MOST_SILENCES: usize = 2;

//! Sessions that showed something new, and which of them execution N is made of.
//!
//! Executions come in epochs. What epoch E adds is there for execution N from epoch E + 2 on, whatever the order in which
//! executions end: so execution N follows from the seed, N, and what the corpus has of earlier epochs, and can be made
//! again without those before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kmspec_session::{Choices, Dice, Mutator, Session};

use crate::novelty::{Seen, digest};
use crate::store::{self, StoreError};

/// Executions of an epoch.
pub(crate) const EPOCH: u64 = 512;

/// The corpus of a campaign, and where it stands.
#[derive(Debug)]
pub(crate) struct Corpus {
    seed: u64,
    seeds: Arc<Vec<Session>>,
    folder: Option<PathBuf>,
    names: BTreeSet<String>,
    /// With the epoch and the execution that added each, sorted by them.
    entries: Vec<(u64, u64, Arc<Session>)>,
    snapshots: BTreeMap<u64, Arc<Vec<Arc<Session>>>>,
    seen: Seen,
    next: u64,
    running: BTreeMap<u64, Epoch>,
}

#[derive(Debug, Default)]
struct Epoch {
    left: u64,
    news: BTreeMap<u64, (Arc<Session>, Vec<u64>)>,
}

/// One execution to be done.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) number: u64,
    pub(crate) snapshot: Arc<Vec<Arc<Session>>>,
}

impl Corpus {
    /// The corpus of a seed: these sessions, and those of its folder. Execution `next` is the first.
    pub(crate) fn open(
        seed: u64,
        seeds: Vec<Session>,
        folder: Option<&Path>,
        next: u64,
    ) -> Result<Self, StoreError> {
        let mut corpus = Self {
            seed,
            seeds: Arc::new(seeds),
            folder: folder.map(Path::to_owned),
            names: BTreeSet::new(),
            entries: Vec::new(),
            snapshots: BTreeMap::new(),
            seen: Seen::default(),
            next,
            running: BTreeMap::new(),
        };
        if let Some(folder) = folder {
            fs::create_dir_all(folder).map_err(|error| store::failed(folder, &error))?;
            corpus.share();
        }
        Ok(corpus)
    }

    /// The next execution; `None` while an epoch it builds on is not over yet.
    pub(crate) fn ticket(&mut self) -> Option<Ticket> {
        let number = self.next;
        let epoch = number / EPOCH;
        let wanted = epoch.checked_sub(2);
        if wanted.is_some_and(|wanted| self.running.keys().any(|running| *running <= wanted)) {
            return None;
        }
        self.next += 1;
        self.running.entry(epoch).or_insert_with(|| Epoch {
            // A campaign may begin in the middle of one.
            left: EPOCH - number % EPOCH,
            news: BTreeMap::new(),
        });
        let entries = &self.entries;
        let snapshot = self.snapshots.entry(epoch).or_insert_with(|| {
            let old = entries
                .iter()
                .filter(|(added, ..)| wanted.is_some_and(|wanted| *added <= wanted));
            Arc::new(old.map(|(.., session)| Arc::clone(session)).collect())
        });
        Some(Ticket {
            number,
            snapshot: Arc::clone(snapshot),
        })
    }

    /// The session of an execution.
    pub(crate) fn session(
        ticket: &Ticket,
        seed: u64,
        seeds: &[Session],
        mutator: &Mutator,
    ) -> Session {
        let index = usize::try_from(ticket.number).unwrap_or(usize::MAX);
        if let Some(session) = seeds.get(index) {
            return session.clone();
        }
        let mut dice = Dice::new(seed, ticket.number);
        let mut session = match (dice.below(8), ticket.snapshot.len()) {
            (0, _) => mutator.generate(&mut dice),
            (1, _) | (_, 0) => some(&mut dice, seeds),
            _ => promising(&mut dice, &ticket.snapshot),
        };
        let mut changes = 1;
        while changes < 8 && dice.once_in(2) {
            changes += 1;
        }
        for _ in 0..changes {
            mutator.mutate(&mut session, &mut dice, &ticket.snapshot);
        }
        session
    }

    pub(crate) fn seeds(&self) -> Arc<Vec<Session>> {
        Arc::clone(&self.seeds)
    }

    /// An execution is over; true if it showed something new.
    pub(crate) fn done(&mut self, number: u64, session: &Arc<Session>, features: Vec<u64>) -> bool {
        let epoch = number / EPOCH;
        let is_news = self.seen.is_news(&features);
        let Some(running) = self.running.get_mut(&epoch) else {
            return false;
        };
        if is_news {
            running.news.insert(number, (Arc::clone(session), features));
        }
        running.left = running.left.saturating_sub(1);
        if running.left == 0 {
            self.end(epoch);
        }
        is_news
    }

    /// Takes in what an epoch showed, in the order of its executions.
    fn end(&mut self, epoch: u64) {
        let Some(Epoch { news, .. }) = self.running.remove(&epoch) else {
            return;
        };
        for (number, (session, features)) in news {
            if self.seen.take(&features) {
                self.keep(epoch, number, session);
            }
        }
        self.snapshots.retain(|known, _| *known > epoch);
        if epoch.is_multiple_of(8) {
            self.share();
        }
    }

    fn keep(&mut self, epoch: u64, number: u64, session: Arc<Session>) {
        let name = name(&session);
        if !self.names.insert(name.clone()) {
            return;
        }
        if let Some(folder) = &self.folder {
            let seed = self.seed;
            let text = format!("# seed {seed} execution {number} epoch {epoch}\n{session}");
            // A corpus that cannot be written is still one.
            if let Err(error) = store::write(&folder.join(name), text.as_bytes()) {
                tracing::warn!(%error, "cannot write to the corpus");
            }
        }
        self.entries.push((epoch, number, session));
    }

    /// Takes in what other campaigns have put into the folder. Of this campaign's own seed, each session comes back in the
    /// epoch that added it.
    fn share(&mut self) {
        let Some(folder) = &self.folder else { return };
        let now = self.next / EPOCH;
        for (name, text) in sessions(folder) {
            if self.names.contains(&name) {
                continue;
            }
            let Ok(session) = Session::parse(&text) else {
                continue;
            };
            let (epoch, execution) = match origin(&text) {
                Some((seed, execution, epoch)) if seed == self.seed => (epoch, execution),
                _ => (now, u64::MAX),
            };
            self.names.insert(name);
            self.entries.push((epoch, execution, Arc::new(session)));
        }
        self.entries
            .sort_by_key(|(epoch, execution, _)| (*epoch, *execution));
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn features(&self) -> usize {
        self.seen.len()
    }

    pub(crate) const fn next(&self) -> u64 {
        self.next
    }
}

/// Files of sessions in a folder, by name.
pub(crate) fn sessions(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut all: Vec<(String, String)> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().to_str()?.to_owned();
            let is_session = Path::new(&name)
                .extension()
                .is_some_and(|end| end == "session");
            let text = fs::read_to_string(entry.path()).ok()?;
            (is_session && !name.starts_with('.')).then_some((name, text))
        })
        .collect();
    all.sort();
    all
}

/// Name of a session's file.
pub(crate) fn name(session: &Session) -> String {
    format!("{:016x}.session", digest(&session.to_string()))
}

/// Seed, execution and epoch of a session's first line.
fn origin(text: &str) -> Option<(u64, u64, u64)> {
    let words: Vec<&str> = text.lines().next()?.split(' ').collect();
    let ["#", "seed", seed, "execution", execution, "epoch", epoch] = words.as_slice() else {
        return None;
    };
    Some((
        seed.parse().ok()?,
        execution.parse().ok()?,
        epoch.parse().ok()?,
    ))
}

/// Of four sessions, the newer of the two that cost least: what was found last leads furthest, and in the time of a long
/// session several short ones are played.
fn promising(dice: &mut Dice, sessions: &[Arc<Session>]) -> Session {
    let mut some = [(); 4].map(|()| {
        let at = dice.index(sessions.len()).unwrap_or_default();
        (sessions.get(at).map(|session| session.cost()), at)
    });
    some.sort_by_key(|(cost, _)| *cost);
    let [(_, one), (_, other), ..] = some;
    let newer = sessions.get(one.max(other));
    newer.map(|newer| Session::clone(newer)).unwrap_or_default()
}

fn some(dice: &mut Dice, sessions: &[Session]) -> Session {
    let at = dice.index(sessions.len());
    at.and_then(|at| sessions.get(at))
        .cloned()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use kmspec_session::templates;

    use super::*;

    /// Runs executions up to `end`, each with features of its own every so often; gives session `end`.
    fn run(folder: Option<&Path>, from: u64, end: u64, backwards: bool) -> Arc<Session> {
        let mut corpus = Corpus::open(5, templates(), folder, from).unwrap();
        let (seeds, mutator) = (corpus.seeds(), Mutator::new());
        loop {
            let mut tickets: Vec<Ticket> =
                std::iter::from_fn(|| corpus.ticket()).take(400).collect();
            if backwards {
                tickets.reverse();
            }
            for ticket in tickets {
                let session = Corpus::session(&ticket, 5, &seeds, &mutator);
                let session = Arc::new(session);
                if ticket.number == end {
                    return session;
                }
                let features = vec![ticket.number / 37];
                corpus.done(ticket.number, &session, features);
            }
        }
    }

    #[test]
    fn an_execution_is_the_same_in_whatever_order_those_before_it_end() {
        let end = 6 * EPOCH + 17;
        assert_eq!(run(None, 0, end, false), run(None, 0, end, true));
    }

    #[test]
    fn an_execution_is_made_again_without_those_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let end = 6 * EPOCH + 17;
        let expected = run(Some(folder.path()), 0, end, false);
        assert_eq!(run(Some(folder.path()), end, end, false), expected);
    }
}

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use kmspec_rules::{Tally, Violation};

use super::Ending;

/// Who sent it, or did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// The tester, to the target.
    ToTarget,
    /// The target, to the tester.
    FromTarget,
}

/// Something that happened on a connection of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection was opened.
    Opened {
        /// Its number in the case, from 0.
        connection: usize,
        /// Since the case began.
        at: Duration,
        /// Who opened it: the tester where the target is a host.
        by: Direction,
        /// The end that opened it.
        from: SocketAddr,
        /// The end that listened.
        to: SocketAddr,
    },
    /// Octets went over it, as one segment.
    Octets {
        /// The connection.
        connection: usize,
        /// Since the case began.
        at: Duration,
        /// Who sent them.
        direction: Direction,
        /// The octets.
        octets: Vec<u8>,
    },
    /// It ended.
    Ended {
        /// The connection.
        connection: usize,
        /// Since the case began.
        at: Duration,
        /// Who ended it.
        by: Direction,
        /// How.
        ending: Ending,
    },
}

/// Everything a case did and saw.
#[derive(Debug)]
pub struct Record {
    began: Instant,
    steps: AtomicUsize,
    connections: AtomicUsize,
    events: Mutex<Vec<Event>>,
    notes: Mutex<Vec<String>>,
    broken: Mutex<Vec<Broken>>,
    tally: Mutex<Tally>,
}

/// A requirement on every answer that one broke, whatever the case was about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The connection of the case.
    pub connection: usize,
    /// The step of the case's story, counted from 1.
    pub step: usize,
    /// What was broken, and where.
    pub violation: Violation,
}

impl Default for Record {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            steps: AtomicUsize::new(0),
            connections: AtomicUsize::new(0),
            events: Mutex::default(),
            notes: Mutex::default(),
            broken: Mutex::default(),
            tally: Mutex::default(),
        }
    }
}

impl Record {
    /// Takes the number of the next step of the story, counted from 1.
    pub(crate) fn step(&self) -> usize {
        self.steps.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of the step taken last.
    pub(crate) fn steps(&self) -> usize {
        self.steps.load(Ordering::Relaxed)
    }

    /// Takes the number of the next connection, counted from 0.
    pub(super) fn connection(&self) -> usize {
        self.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// Time since the case began.
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn push(&self, event: Event) {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(event);
    }

    /// Notes something a reader of the verdict should know: a tolerated answer, a figure observed.
    pub fn note(&self, note: impl Into<String>) {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(note.into());
    }

    /// All that happened so far.
    pub fn events(&self) -> Vec<Event> {
        self.events
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// All notes so far.
    pub fn notes(&self) -> Vec<String> {
        self.notes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Keeps what the judge of a connection found.
    pub(super) fn broken(&self, connection: usize, violations: Vec<Violation>) {
        if violations.is_empty() {
            return;
        }
        let step = self.steps.load(Ordering::Relaxed);
        let found = violations.into_iter().map(|violation| Broken {
            connection,
            step,
            violation,
        });
        self.broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(found);
    }

    /// Keeps how often the judge of a connection judged what.
    pub(super) fn judged(&self, tally: &Tally) {
        self.tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .merge(tally);
    }

    /// Every requirement on every answer that was broken so far.
    pub fn violations(&self) -> Vec<Broken> {
        self.broken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// How often each of them was judged, on the connections that are no longer open.
    pub fn tally(&self) -> Tally {
        self.tally
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kmspec_wire::filetime::FileTime;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Which connections there are and when each was last heard of, so that a full house can let one go.
pub(crate) struct Registry {
    most: usize,
    next: AtomicU64,
    /// By what `filed` of each says, and by number.
    connections: Mutex<BTreeMap<(u64, u64), Arc<Entry>>>,
}

/// One connection.
#[derive(Default)]
pub(crate) struct Entry {
    heard: AtomicU64,
    /// When it had last been heard of the last time anybody looked. Changes under the lock only.
    filed: AtomicU64,
    leave: Notify,
}

/// A connection's place; given back when dropped.
pub(crate) struct Place<'a> {
    registry: &'a Registry,
    number: u64,
    entry: Arc<Entry>,
}

impl Registry {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            next: AtomicU64::new(1),
            connections: Mutex::new(BTreeMap::new()),
        }
    }

    /// A place for a new connection. In a full house the one that was idle longest is told to leave.
    pub(crate) fn enter(&self, now: FileTime) -> Place<'_> {
        if self.len() >= self.most {
            self.evict();
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let entry = Arc::new(Entry::default());
        entry.heard.store(now.0, Ordering::Relaxed);
        entry.filed.store(now.0, Ordering::Relaxed);
        self.lock().insert((now.0, number), Arc::clone(&entry));
        Place {
            registry: self,
            number,
            entry,
        }
    }

    /// Tells the connection that was idle longest to leave. False if there is none.
    pub(crate) fn evict(&self) -> bool {
        let mut connections = self.lock();
        while let Some(((filed, number), entry)) = connections.pop_first() {
            // All others are filed no earlier, and were heard of no earlier than they are filed.
            let heard = entry.heard.load(Ordering::Relaxed);
            if heard <= filed {
                entry.leave.notify_one();
                return true;
            }
            entry.filed.store(heard, Ordering::Relaxed);
            connections.insert((heard, number), entry);
        }
        false
    }

    /// Tells all connections to leave.
    pub(crate) fn clear(&self) {
        while self.evict() {}
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(u64, u64), Arc<Entry>>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place<'_> {
    /// The connection was heard of.
    pub(crate) fn heard(&self, now: FileTime) {
        self.entry.heard.store(now.0, Ordering::Relaxed);
    }

    /// Its number, counted from 1.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Waits until it is told to leave.
    pub(crate) fn told_to_leave(&self) -> Notified<'_> {
        self.entry.leave.notified()
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut connections = self.registry.lock();
        connections.remove(&(self.entry.filed.load(Ordering::Relaxed), self.number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_house_lets_the_longest_idle_go() {
        let registry = Registry::new(2);
        let (first, second) = (registry.enter(FileTime(1)), registry.enter(FileTime(2)));
        first.heard(FileTime(3));
        let third = registry.enter(FileTime(4));
        second.told_to_leave().await;
        assert_eq!(registry.len(), 2);
        drop((first, second, third));
        assert_eq!(registry.len(), 0);
        assert!(!registry.evict());
    }
}

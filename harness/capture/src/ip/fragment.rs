use std::collections::VecDeque;
use std::net::IpAddr;

use super::Place;

/// What fragments of one datagram have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    pub(super) id: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment<'a> {
    pub(super) place: Place,
    /// The bytes there are.
    pub(super) data: &'a [u8],
    /// The bytes there were on the wire.
    pub(super) len: usize,
}

/// Datagrams whose fragments are not all there yet.
#[derive(Debug, Default)]
pub(crate) struct Fragments {
    waiting: VecDeque<Waiting>,
    /// The datagram completed last, lent to the caller.
    whole: Vec<u8>,
    dropped: u64,
}

#[derive(Debug)]
struct Waiting {
    key: Key,
    since_ns: u64,
    /// Length of the whole, once the last fragment was seen.
    total: Option<usize>,
    /// Byte runs in order, without overlap.
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    start: usize,
    /// End on the wire; `data` is shorter if the snap length cut it.
    end: usize,
    data: Vec<u8>,
}

impl Fragments {
    /// Datagrams given up: too many at once, or never completed.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Datagrams still incomplete.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Adds a fragment; gives the datagram's bytes and its length on the wire once that is complete.
    pub(super) fn add(
        &mut self,
        key: Key,
        fragment: Fragment<'_>,
        time_ns: u64,
    ) -> Option<(&[u8], usize)> {
        let end = fragment.place.offset.checked_add(fragment.len)?;
        if end > MAX_DATAGRAM {
            return None;
        }
        let mut datagram = self.find(key, time_ns);
        if !fragment.place.more {
            datagram.total.get_or_insert(end);
        }
        datagram.insert(fragment.place.offset, end, fragment.data);
        let Some(total) = datagram.complete() else {
            self.waiting.push_back(datagram);
            return None;
        };
        self.whole.clear();
        for run in &datagram.runs {
            self.whole.extend_from_slice(&run.data);
            // Behind the first cut no byte stands where it belongs.
            if run.data.len() < run.end.saturating_sub(run.start) {
                break;
            }
        }
        Some((&self.whole, total))
    }

    /// Takes the datagram out of the queue, or begins one.
    fn find(&mut self, key: Key, time_ns: u64) -> Waiting {
        let found = self.waiting.iter().position(|waiting| waiting.key == key);
        let fresh = Waiting {
            key,
            since_ns: time_ns,
            total: None,
            runs: Vec::new(),
        };
        let known = found.and_then(|at| self.waiting.remove(at));
        match known {
            Some(known) if time_ns.saturating_sub(known.since_ns) <= LIFETIME_NS => known,
            Some(_) => {
                self.dropped = self.dropped.saturating_add(1);
                fresh
            }
            None => {
                if self.waiting.len() >= MAX_WAITING {
                    self.waiting.pop_front();
                    self.dropped = self.dropped.saturating_add(1);
                }
                fresh
            }
        }
    }
}

impl Waiting {
    /// Keeps the parts of the fragment that are not there yet: what came first stands.
    fn insert(&mut self, start: usize, end: usize, data: &[u8]) {
        let mut at = start;
        let mut fresh = Vec::new();
        for run in &self.runs {
            if run.end <= at {
                continue;
            }
            if run.start >= end {
                break;
            }
            if at < run.start {
                fresh.push(Run::cut_from(data, start, at, run.start));
            }
            at = run.end;
        }
        if at < end {
            fresh.push(Run::cut_from(data, start, at, end));
        }
        self.runs.extend(fresh);
        self.runs.sort_by_key(|run| run.start);
    }

    fn complete(&self) -> Option<usize> {
        let total = self.total?;
        let mut at = 0;
        for run in &self.runs {
            if run.start != at {
                return None;
            }
            at = run.end;
        }
        (at >= total).then_some(total)
    }
}

impl Run {
    /// The bytes from `from` to `to` of a fragment that begins at `base`, as many of them as there are.
    fn cut_from(data: &[u8], base: usize, from: usize, to: usize) -> Self {
        let first = from.saturating_sub(base).min(data.len());
        let last = to.saturating_sub(base).min(data.len());
        Self {
            start: from,
            end: to,
            data: data.get(first..last).unwrap_or_default().to_vec(),
        }
    }
}

/// Longest datagram. Source: RFC 791 3.1, 16-bit total length.
const MAX_DATAGRAM: usize = 65_535;

/// Datagrams waited for at once: with the longest each, 8 MiB.
const MAX_WAITING: usize = 128;

/// How long fragments of one datagram may be apart. Source: RFC 8200 4.5, 60 seconds.
const LIFETIME_NS: u64 = 60_000_000_000;

use std::collections::HashMap;
use std::net::IpAddr;

use foldhash::fast::RandomState;

use super::slot::Slot;
use super::{CloseReason, Connection, Endpoint, Segment, Stamp, TcpEvent};
use crate::ip::Datagram;

/// Bounds on memory.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections kept at once, closed ones included; the one silent longest goes first.
    pub connections: usize,
    /// Bytes kept behind a hole of one direction of one connection.
    pub pending: usize,
    /// Bytes kept behind holes of all connections together.
    pub pending_total: usize,
    /// Bytes of a call's stub, all its fragments together.
    pub stub: usize,
    /// Bytes of unfinished PDUs and calls of all connections together.
    pub unfinished_total: usize,
    /// Calls of a connection that wait for their reply at once.
    pub open_calls: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            pending: 256 * 1024,
            pending_total: 16 * 1024 * 1024,
            stub: 256 * 1024,
            unfinished_total: 16 * 1024 * 1024,
            open_calls: 64,
        }
    }
}

/// Takes what happens on the connections; each has a state of its own, kept with it.
pub trait Handler {
    /// What is kept for each connection.
    type State: Default;

    /// Something happened on `connection`.
    fn event(
        &mut self,
        state: &mut Self::State,
        connection: &Connection,
        at: Stamp,
        event: TcpEvent<'_>,
    );
}

/// All connections of a capture.
pub struct Connections<S> {
    limits: Limits,
    /// By a hash that is quicker than the default and keyed all the same; the bound on connections limits what
    /// addresses chosen to collide could cost.
    places: HashMap<Flow, usize, RandomState>,
    slots: Vec<Slot<S>>,
    /// Where in `slots` connections were given up, and new ones may begin.
    vacant: Vec<usize>,
    /// The connection of the segment before: packets come in bunches.
    latest: usize,
    streams: u32,
    evicted: u64,
    pending_total: usize,
}

/// Both ends, the smaller first: the same for both directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flow(Endpoint, Endpoint);

impl Flow {
    fn new(source: Endpoint, destination: Endpoint) -> Self {
        Self(source.min(destination), source.max(destination))
    }

    fn of(connection: &Connection) -> Self {
        Self::new(connection.opener, connection.peer)
    }
}

impl<S: Default> Connections<S> {
    /// No connections yet.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            places: HashMap::default(),
            slots: Vec::new(),
            vacant: Vec::new(),
            latest: 0,
            streams: 0,
            evicted: 0,
            pending_total: 0,
        }
    }

    /// Connections seen so far.
    pub const fn streams(&self) -> u32 {
        self.streams
    }

    /// Connections given up while open because there were too many.
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Takes a segment and hands on what it completes.
    pub(crate) fn segment(
        &mut self,
        datagram: &Datagram<'_>,
        segment: &Segment<'_>,
        at: Stamp,
        handler: &mut impl Handler<State = S>,
    ) {
        let source = endpoint(datagram.source, segment.source_port);
        let destination = endpoint(datagram.destination, segment.destination_port);
        let place = self.place(source, destination, segment, at, handler);
        let Some(slot) = self.slots.get_mut(place) else {
            return;
        };
        slot.last = at;
        let before = slot.pending();
        slot.segment(source, segment, at, self.limits.pending, handler);
        let after = slot.pending();
        self.pending_total = self
            .pending_total
            .saturating_sub(before)
            .saturating_add(after);
        if self.pending_total > self.limits.pending_total {
            let freed = slot.flush(at, handler);
            self.pending_total = self.pending_total.saturating_sub(freed);
        }
    }

    /// Ends all connections, in the order of their numbers.
    pub fn finish(&mut self, handler: &mut impl Handler<State = S>) {
        self.places.clear();
        self.vacant.clear();
        self.slots.sort_by_key(|slot| slot.connection.stream);
        for mut slot in self.slots.drain(..) {
            slot.close(CloseReason::EndOfCapture, slot.last, handler);
        }
        self.pending_total = 0;
    }

    /// Finds the connection of a segment, or begins one.
    fn place(
        &mut self,
        source: Endpoint,
        destination: Endpoint,
        segment: &Segment<'_>,
        at: Stamp,
        handler: &mut impl Handler<State = S>,
    ) -> usize {
        let latest = self.slots.get(self.latest);
        let known = if latest.is_some_and(|slot| slot.is_between(source, destination)) {
            Some(self.latest)
        } else {
            self.places.get(&Flow::new(source, destination)).copied()
        };
        if let Some(place) = known
            && let Some(slot) = self.slots.get_mut(place)
        {
            if slot.is_reused_by(source, segment) {
                let freed = slot.pending();
                slot.close(CloseReason::PortsReused, at, handler);
                self.pending_total = self.pending_total.saturating_sub(freed);
                *slot = Slot::new(self.streams, source, destination, segment);
                self.streams = self.streams.saturating_add(1);
            }
            self.latest = place;
            return place;
        }
        let most = self.limits.connections.max(1);
        if self.vacant.is_empty() && self.slots.len() >= most {
            self.make_room(handler);
        }
        let slot = Slot::new(self.streams, source, destination, segment);
        let vacant = self.vacant.pop();
        let place = vacant.unwrap_or(self.slots.len());
        match self.slots.get_mut(place) {
            Some(given_up) => *given_up = slot,
            None => self.slots.push(slot),
        }
        if vacant.is_none() && self.slots.len() == most {
            // From now on some go when others come. In a nearly full table those that go leave marks, for which it would
            // grow at some time; one that is half empty stays as it is.
            self.places.reserve(most);
        }
        self.streams = self.streams.saturating_add(1);
        self.places.insert(Flow::new(source, destination), place);
        self.latest = place;
        place
    }

    /// Drops the eighth of the connections that has been silent longest, closed ones first.
    ///
    /// Many at once, because finding them takes a look at all.
    fn make_room(&mut self, handler: &mut impl Handler<State = S>) {
        let count = (self.slots.len() / 8).max(1);
        let slots = self.slots.iter().enumerate();
        let mut silent: Vec<_> = slots
            .map(|(place, slot)| (!slot.is_closed(), slot.last.packet, place))
            .collect();
        silent.select_nth_unstable(count.saturating_sub(1));
        silent.truncate(count);
        silent.sort_unstable();
        for (.., place) in silent {
            let Some(slot) = self.slots.get_mut(place) else {
                continue;
            };
            self.pending_total = self.pending_total.saturating_sub(slot.pending());
            if !slot.is_closed() {
                self.evicted = self.evicted.saturating_add(1);
            }
            slot.close(CloseReason::Evicted, slot.last, handler);
            self.places.remove(&Flow::of(&slot.connection));
            self.vacant.push(place);
        }
    }
}

const fn endpoint(address: IpAddr, port: u16) -> Endpoint {
    Endpoint { address, port }
}

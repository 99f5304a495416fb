use std::collections::BTreeMap;
use std::sync::Arc;

use kmspec_capture::open::Opener;
use kmspec_capture::rpc::{self, Exchange, Interface, Notice, Observer, Reply};
use kmspec_capture::tcp::{CloseReason, Connection, Endpoint, Side, Stamp, TcpEvent};
use kmspec_capture::view::ExchangeView;
use kmspec_rules::{Count, Direction, Judge, Memory, PduRef, Role, Roles, Rule, Tally, Violation};
use kmspec_wire::keys::KeySet;
use kmspec_wire::pdu::{Body, Pdu, SyntaxId};

use super::Sighting;
use crate::check::evidence;

/// Shows the connections of a capture to judges.
pub(super) struct Watch<'k> {
    keys: &'k Arc<KeySet>,
    opener: Opener<'k>,
    /// Calls with a message that the keys do not open.
    sealed: u64,
    hosts: BTreeMap<Endpoint, Host>,
    open: BTreeMap<u32, Watched>,
}

/// What was found of all connections to one address and port.
#[derive(Default)]
struct Host {
    memory: Memory,
    /// KMS was spoken there.
    kms: bool,
    found: Found,
}

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    pub(super) connections: u64,
    pub(super) partly: u64,
    pub(super) counts: Vec<(Rule, Count)>,
    pub(super) sightings: Vec<Sighting>,
    pub(super) sealed: u64,
    tally: Tally,
    listed: BTreeMap<(Role, &'static str), usize>,
}

/// A connection that is open.
struct Watched {
    stream: u32,
    client: Endpoint,
    host: Endpoint,
    feed: Feed,
    /// Who sent what came last.
    from: Side,
    /// A PDU was found on it.
    rpc: bool,
    /// All of it is in the file so far.
    whole: bool,
    /// PDUs so far, of the client and of the host.
    pdus: [usize; 2],
    /// What one side sent and the judge has not seen yet. Only when the other side is heard again is it sure that nothing of
    /// it is missing in front of this: a lost request shows behind its answer.
    held: Vec<(Side, Stamp, Vec<u8>)>,
    held_octets: usize,
    /// The PDUs in there.
    held_pdus: Vec<(PduRef, Stamp, Vec<u8>)>,
    sightings: Vec<Sighting>,
}

/// How a connection is judged.
enum Feed {
    /// Nothing was seen of it.
    Fresh,
    /// From its first octet: octet by octet, so that the judge knows of half a PDU what the host knew.
    Octets(Box<Judge>),
    /// Bytes are missing: by the PDUs that are whole.
    Pdus(Box<Judge>),
    /// It is of another protocol.
    Foreign,
}

impl<'k> Watch<'k> {
    pub(super) fn new(keys: &'k Arc<KeySet>) -> Self {
        Self {
            keys,
            opener: Opener::new(keys),
            sealed: 0,
            hosts: BTreeMap::new(),
            open: BTreeMap::new(),
        }
    }

    /// What was found of all KMS hosts.
    pub(super) fn finish(mut self) -> Found {
        // A reader that ends has closed all; nothing may depend on it.
        for stream in self.open.keys().copied().collect::<Vec<_>>() {
            self.close(stream, CloseReason::EndOfCapture);
        }
        let mut all = Found {
            sealed: self.sealed,
            ..Found::default()
        };
        for host in self.hosts.into_values().filter(|host| host.kms) {
            all.connections += host.found.connections;
            all.partly += host.found.partly;
            all.tally.merge(&host.found.tally);
            all.sightings.extend(host.found.sightings);
        }
        all.counts = all.tally.iter().collect();
        all.sightings.sort_by_key(|seen| seen.packet);
        all
    }

    fn judge(&mut self, host: Endpoint) -> Judge {
        let memory = self.hosts.entry(host).or_default().memory.clone();
        Judge::new(Roles::BOTH)
            .with_keys(Arc::clone(self.keys))
            .with_memory(memory)
    }

    fn data(&mut self, connection: &Connection, at: Stamp, from: Side, bytes: &[u8]) {
        let watched = self.watched(connection);
        watched.from = from;
        if let Feed::Fresh = watched.feed
            && watched.whole
        {
            if bytes.first() == Some(&RPC_VERSION) {
                let judge = self.judge(connection.peer);
                self.watched(connection).feed = Feed::Octets(Box::new(judge));
            } else {
                watched.feed = Feed::Foreign;
            }
        }
        self.watched(connection).hold(at, from, bytes);
    }

    fn watched(&mut self, connection: &Connection) -> &mut Watched {
        self.open
            .entry(connection.stream)
            .or_insert_with(|| Watched::new(connection))
    }

    /// Bytes of the connection are missing here.
    fn gap(&mut self, stream: u32) {
        if let Some(watched) = self.open.get_mut(&stream) {
            watched.gap();
        }
    }

    /// A PDU of a connection that is judged by whole PDUs.
    fn whole_pdu(&mut self, pdu: &rpc::Pdu<'_>, way: Direction) {
        let watched = self.watched(pdu.connection);
        if let Feed::Fresh = watched.feed {
            let host = watched.turn(way, pdu.connection);
            let judge = self.judge(host).mid_stream();
            let watched = self.watched(pdu.connection);
            watched.feed = Feed::Pdus(Box::new(judge));
            watched.whole = false;
        }
        let watched = self.watched(pdu.connection);
        let Feed::Pdus(judge) = &mut watched.feed else {
            return;
        };
        if pdu.is_cut() {
            judge.gap();
            watched.whole = false;
            return;
        }
        judge.pdu(way, pdu.bytes);
        for violation in judge.take_violations() {
            watched.tell(pdu.at, violation, Some(pdu.bytes));
        }
    }

    fn close(&mut self, stream: u32, reason: CloseReason) {
        let Some(mut watched) = self.open.remove(&stream) else {
            return;
        };
        if let CloseReason::Finished | CloseReason::Reset = reason {
            watched.release();
        }
        // Otherwise what the last words answer may be missing, and nobody would know.
        let judge = match watched.feed {
            Feed::Octets(judge) | Feed::Pdus(judge) if watched.rpc => judge,
            _ => return,
        };
        let host = self.hosts.entry(watched.host).or_default();
        let found = &mut host.found;
        found.connections += 1;
        found.partly += u64::from(!watched.whole);
        found.tally.merge(judge.tally());
        for seen in watched.sightings {
            let listed = found
                .listed
                .entry((seen.role, seen.requirement))
                .or_default();
            *listed += 1;
            if *listed <= MOST_SIGHTINGS {
                found.sightings.push(seen);
            }
        }
        self.forget();
    }

    /// Drops what was kept of hosts that never spoke KMS, when there are too many.
    fn forget(&mut self) {
        if self.hosts.len() > MOST_HOSTS {
            self.hosts.retain(|_, host| host.kms);
        }
    }
}

impl Observer for Watch<'_> {
    fn tcp(&mut self, connection: &Connection, at: Stamp, event: &TcpEvent<'_>) {
        match *event {
            TcpEvent::Data { from, bytes } => self.data(connection, at, from, bytes),
            TcpEvent::Gap { from, .. } => {
                let watched = self.watched(connection);
                watched.from = from;
                watched.gap_of(from);
            }
            // What is left of PDUs is handed on behind this; it is cut off, and nothing follows.
            TcpEvent::Closed(reason) => self.close(connection.stream, reason),
        }
    }

    fn pdu(&mut self, pdu: &rpc::Pdu<'_>) {
        let stream = pdu.connection.stream;
        let Some(watched) = self.open.get_mut(&stream) else {
            return;
        };
        let way = match pdu.direction {
            rpc::Direction::ToHost => Direction::FromClient,
            rpc::Direction::ToClient => Direction::FromHost,
        };
        watched.rpc = true;
        match watched.feed {
            Feed::Octets(_) => watched.hold_pdu(way, pdu.at, pdu.bytes),
            Feed::Fresh | Feed::Pdus(_) => self.whole_pdu(pdu, way),
            Feed::Foreign => {}
        }
        if pdu.interface == Interface::Kms || offers_kms(pdu.bytes) {
            let host = self.open.get(&stream).map(|watched| watched.host);
            if let Some(host) = host {
                self.hosts.entry(host).or_default().kms = true;
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange<'_>) {
        // A call whose bind is not in the file is known by its form. One without reply is told behind the connection's end.
        self.hosts.entry(exchange.host).or_default().kms = true;
        if exchange.request_cut || matches!(exchange.reply, Reply::Response { cut: true, .. }) {
            return;
        }
        let view = ExchangeView::new(&"".into(), exchange, Some(&mut self.opener));
        let sealed = view
            .error
            .is_some_and(|error| error.starts_with("cannot open"));
        self.sealed += u64::from(sealed);
    }

    fn notice(&mut self, notice: &Notice) {
        match *notice {
            Notice::Shed { stream, .. } => self.gap(stream),
            Notice::NoPdu { stream, .. } => {
                // Octet by octet the judge has seen it, and has said what there is to say.
                if let Some(watched) = self.open.get_mut(&stream)
                    && matches!(watched.feed, Feed::Pdus(_))
                {
                    watched.gap();
                }
            }
            _ => {}
        }
    }
}

impl Watched {
    fn new(connection: &Connection) -> Self {
        Self {
            stream: connection.stream,
            client: connection.opener,
            host: connection.peer,
            feed: Feed::Fresh,
            from: Side::Opener,
            rpc: false,
            whole: !connection.mid_stream,
            pdus: [0; 2],
            held: Vec::new(),
            held_octets: 0,
            held_pdus: Vec::new(),
            sightings: Vec::new(),
        }
    }

    /// Which end is the host, by a PDU that went `way`; the first packet seen need not be the client's.
    fn turn(&mut self, way: Direction, connection: &Connection) -> Endpoint {
        let client = match way {
            Direction::FromClient => self.from,
            Direction::FromHost => self.from.other(),
        };
        (self.client, self.host) = match client {
            Side::Opener => (connection.opener, connection.peer),
            Side::Peer => (connection.peer, connection.opener),
        };
        self.host
    }

    /// Octets for the judge, when it is sure that nothing in front of them is missing.
    fn hold(&mut self, at: Stamp, from: Side, bytes: &[u8]) {
        if !matches!(self.feed, Feed::Octets(_)) {
            return;
        }
        let turned = self.held.first().is_some_and(|(side, ..)| *side != from);
        if turned || self.held_octets > MOST_HELD {
            self.release();
        }
        self.held_octets += bytes.len();
        self.held.push((from, at, bytes.to_vec()));
    }

    /// A PDU that what is held completes.
    fn hold_pdu(&mut self, direction: Direction, at: Stamp, octets: &[u8]) {
        let count = match direction {
            Direction::FromClient => &mut self.pdus[0],
            Direction::FromHost => &mut self.pdus[1],
        };
        let pdu = PduRef {
            direction,
            index: *count,
        };
        *count += 1;
        self.held_pdus.push((pdu, at, octets.to_vec()));
    }

    /// Shows the judge what is held.
    fn release(&mut self) {
        self.held_octets = 0;
        let held = std::mem::take(&mut self.held);
        let pdus = std::mem::take(&mut self.held_pdus);
        for (from, at, octets) in held {
            let Feed::Octets(judge) = &mut self.feed else {
                return;
            };
            judge.octets(direction(from), &octets);
            for violation in judge.take_violations() {
                let pdu = pdus.iter().find(|(pdu, ..)| *pdu == violation.pdu);
                let octets = pdu.map(|(_, _, octets)| octets.as_slice());
                self.tell(at, violation, octets);
            }
        }
    }

    /// Bytes of this side are missing: in front of all that the other side has sent since.
    fn gap_of(&mut self, side: Side) {
        let behind = self.held.first().is_some_and(|(from, ..)| *from != side);
        let pdus = if behind {
            self.held.clear();
            self.held_octets = 0;
            std::mem::take(&mut self.held_pdus)
        } else {
            Vec::new()
        };
        self.gap();
        for (pdu, at, octets) in pdus {
            let Feed::Pdus(judge) = &mut self.feed else {
                return;
            };
            judge.pdu(pdu.direction, &octets);
            for violation in judge.take_violations() {
                self.tell(at, violation, Some(&octets));
            }
        }
    }

    fn gap(&mut self) {
        self.whole = false;
        self.release();
        self.feed = match std::mem::replace(&mut self.feed, Feed::Foreign) {
            Feed::Octets(mut judge) | Feed::Pdus(mut judge) => {
                judge.gap();
                Feed::Pdus(judge)
            }
            other => other,
        };
    }

    fn tell(&mut self, at: Stamp, violation: Violation, octets: Option<&[u8]>) {
        let evidence = octets.map(|octets| {
            let inside = !violation.at.is_empty() && violation.at.end <= octets.len();
            evidence(octets, inside.then(|| violation.at.clone()))
        });
        self.sightings.push(Sighting {
            requirement: violation.requirement,
            role: violation.role,
            packet: at.packet,
            time_ns: at.time_ns,
            stream: self.stream,
            client: self.client,
            host: self.host,
            field: violation.field,
            expected: violation.expected,
            got: violation.got,
            evidence,
        });
    }
}

const fn direction(from: Side) -> Direction {
    match from {
        Side::Opener => Direction::FromClient,
        Side::Peer => Direction::FromHost,
    }
}

/// Whether a PDU is an offer to speak KMS.
fn offers_kms(octets: &[u8]) -> bool {
    let Ok(Pdu {
        body: Body::Bind(bind) | Body::AlterContext(bind),
        ..
    }) = Pdu::decode(octets)
    else {
        return false;
    };
    let mut contexts = bind.contexts.iter();
    contexts.any(|context| context.abstract_syntax.uuid == SyntaxId::KMS.uuid)
}

/// The first octet of every PDU. Source: C706 12.6.3.1.
const RPC_VERSION: u8 = 5;
/// Times that one requirement broken on one host is listed; it is counted to the end.
const MOST_SIGHTINGS: usize = 100;
/// Addresses and ports that are remembered; those that never spoke KMS are forgotten first.
const MOST_HOSTS: usize = 4096;
/// Octets of one connection that are held, more or less.
const MOST_HELD: usize = 1 << 16;

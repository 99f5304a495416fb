//! All layers together: packets in, what an [`Observer`] wants to know out.

use std::io::Read;

use crate::error::CaptureError;
use crate::file::{Packet, PacketReader};
use crate::ip::{self, Fragments, Held};
use crate::link::network_layer;
use crate::num::index;
use crate::rpc::{Calls, Framer, Interface, Lost, Notice, Observer, Scratch, Sink};
use crate::summary::{Counts, Summary, add};
use crate::tcp::{Connection, Connections, Handler, Limits, Segment, Side, Stamp, TcpEvent};

/// What reading a capture came to.
#[derive(Debug)]
pub struct Outcome {
    /// What was found, up to the damage if there is any.
    pub summary: Summary,
    /// Why reading stopped before the end.
    pub damage: Option<CaptureError>,
}

/// Reads a whole capture and hands what it holds to `observer`.
///
/// ```
/// use kmspec_capture::tcp::Limits;
///
/// let outcome = kmspec_capture::read(&b"not a capture"[..], Limits::default(), &mut ());
/// assert_eq!(
///     outcome.damage.unwrap().to_string(),
///     "byte 0: neither pcap nor pcapng (the file begins with 6e 6f 74 20)"
/// );
/// ```
pub fn read<R: Read, O: Observer>(input: R, limits: Limits, observer: &mut O) -> Outcome {
    let mut dissector = Dissector::new(limits, observer);
    let damage = dissector.read(input).err();
    Outcome {
        summary: dissector.finish(),
        damage,
    }
}

/// Takes packets from wherever they come.
pub struct Dissector<'o, O> {
    connections: Connections<Conversation>,
    fragments: Fragments,
    dispatch: Dispatch<'o, O>,
}

/// What is kept for each connection.
#[derive(Debug, Default)]
struct Conversation {
    opener: Framer,
    peer: Framer,
    calls: Calls,
    /// A gap from before the connection turned out to carry DCE/RPC.
    early_gap: Option<Notice>,
    begun: bool,
    /// Counted as a connection of DCE/RPC, and of KMS.
    counted: (bool, bool),
}

struct Dispatch<'o, O> {
    observer: &'o mut O,
    counts: Counts,
    scratch: Scratch,
    limits: Limits,
    /// Bytes of unfinished PDUs and calls, on all connections.
    unfinished: usize,
}

impl<'o, O: Observer> Dissector<'o, O> {
    /// Nothing seen yet.
    pub fn new(limits: Limits, observer: &'o mut O) -> Self {
        Self {
            connections: Connections::new(limits),
            fragments: Fragments::default(),
            dispatch: Dispatch {
                observer,
                counts: Counts::default(),
                scratch: Scratch::default(),
                limits,
                unfinished: 0,
            },
        }
    }

    /// Takes all packets of a file.
    pub fn read<R: Read>(&mut self, input: R) -> Result<(), CaptureError> {
        let mut reader = PacketReader::new(input)?;
        while let Some(packet) = reader.next_packet()? {
            self.packet(&packet);
        }
        Ok(())
    }

    /// Takes a packet.
    pub fn packet(&mut self, packet: &Packet<'_>) {
        self.dispatch.observer.packet(packet);
        let counts = &mut self.dispatch.counts;
        add(&mut counts.summary.packets);
        let wire_len = index(u64::from(packet.original_len)).max(packet.data.len());
        let at = Stamp {
            packet: packet.number,
            time_ns: packet.time_ns,
        };
        let Some(ip) = network_layer(packet.link, packet.data) else {
            if !packet.link.is_known() && counts.unknown_link(packet.link) {
                let link = packet.link;
                self.dispatch
                    .observer
                    .notice(&Notice::UnknownLink { at, link });
            }
            return;
        };
        let header = packet.data.len().saturating_sub(ip.len());
        let ip_len = wire_len.saturating_sub(header);
        // Rewritten captures are known whose packet headers state any length: the IP header knows better.
        let mut cut = ip_len > ip.len();
        let segment = match ip::tcp(ip, ip_len, packet.time_ns, &mut self.fragments) {
            Held::Tcp(datagram) => {
                cut = datagram.data.len() < datagram.len;
                Segment::parse(datagram.data, datagram.len).map(|segment| (datagram, segment))
            }
            Held::Fragment | Held::Other => return,
            Held::Malformed => None,
        };
        let summary = &mut self.dispatch.counts.summary;
        if cut {
            add(&mut summary.cut_packets);
        } else if segment.is_none() {
            add(&mut summary.malformed_packets);
        }
        if let Some((datagram, segment)) = segment {
            self.connections
                .segment(&datagram, &segment, at, &mut self.dispatch);
        }
    }

    /// Ends all connections; what was found.
    pub fn finish(mut self) -> Summary {
        self.connections.finish(&mut self.dispatch);
        let counts = &mut self.dispatch.counts;
        counts.summary.tcp_connections = u64::from(self.connections.streams());
        counts.incomplete(self.fragments.dropped(), self.fragments.waiting());
        counts.summary()
    }
}

impl<O: Observer> Handler for Dispatch<'_, O> {
    type State = Conversation;

    fn event(
        &mut self,
        state: &mut Conversation,
        connection: &Connection,
        at: Stamp,
        event: TcpEvent<'_>,
    ) {
        self.observer.tcp(connection, at, &event);
        let mut sink = Sink {
            connection,
            observer: &mut *self.observer,
            counts: &mut self.counts,
            scratch: &mut self.scratch,
            stub_limit: self.limits.stub,
            open_limit: self.limits.open_calls,
        };
        let before = state.unfinished(self.limits.stub);
        state.event(at, event, &mut sink);
        let mut after = state.unfinished(self.limits.stub);
        let others = self.unfinished.saturating_sub(before);
        if others.saturating_add(after) > self.limits.unfinished_total {
            state.shed(at, &mut sink);
            after = state.unfinished(self.limits.stub);
        }
        self.unfinished = others.saturating_add(after);
    }
}

impl Conversation {
    fn event<O: Observer>(&mut self, at: Stamp, event: TcpEvent<'_>, sink: &mut Sink<'_, O>) {
        if !self.begun {
            self.begun = true;
            if sink.connection.mid_stream {
                self.opener.start_anywhere();
                self.peer.start_anywhere();
            }
        }
        match event {
            TcpEvent::Data { from, bytes } => {
                let (framer, calls) = self.side(from);
                let lost = framer.bytes(bytes, &mut |pdu, len| calls.pdu(from, at, pdu, len, sink));
                if lost == Lost::NoPdu {
                    let stream = sink.connection.stream;
                    sink.notice(Notice::NoPdu { stream, at });
                }
            }
            TcpEvent::Gap { from, len, cause } => {
                let (framer, calls) = self.side(from);
                framer.gap(len, &mut |pdu, len| calls.pdu(from, at, pdu, len, sink));
                let notice = Notice::Gap {
                    stream: sink.connection.stream,
                    at,
                    len,
                    cause,
                };
                if self.is_rpc() {
                    sink.notice(notice);
                } else {
                    self.early_gap.get_or_insert(notice);
                }
            }
            TcpEvent::Closed(reason) => {
                self.end(at, sink);
                if let Some(notice) = Notice::of_close(sink.connection.stream, at, reason) {
                    sink.notice(notice);
                }
            }
        }
        self.count(sink);
    }

    fn unfinished(&self, stub_limit: usize) -> usize {
        let framers = self
            .opener
            .unfinished()
            .saturating_add(self.peer.unfinished());
        framers.saturating_add(self.calls.unfinished(stub_limit))
    }

    /// Hands on what is unfinished as far as it goes, and keeps none of it.
    fn shed<O: Observer>(&mut self, at: Stamp, sink: &mut Sink<'_, O>) {
        self.end(at, sink);
        let stream = sink.connection.stream;
        sink.notice(Notice::Shed { stream, at });
    }

    fn end<O: Observer>(&mut self, at: Stamp, sink: &mut Sink<'_, O>) {
        for from in [Side::Opener, Side::Peer] {
            let (framer, calls) = self.side(from);
            framer.finish(&mut |pdu, len| calls.pdu(from, at, pdu, len, sink));
        }
        self.calls.finish(sink);
    }

    fn side(&mut self, side: Side) -> (&mut Framer, &mut Calls) {
        match side {
            Side::Opener => (&mut self.opener, &mut self.calls),
            Side::Peer => (&mut self.peer, &mut self.calls),
        }
    }

    const fn is_rpc(&self) -> bool {
        self.opener.has_found() || self.peer.has_found()
    }

    /// Counts the connection once it shows what it carries.
    fn count<O: Observer>(&mut self, sink: &mut Sink<'_, O>) {
        if !self.counted.0 && self.is_rpc() {
            self.counted.0 = true;
            add(&mut sink.counts.summary.rpc_connections);
            if let Some(gap) = self.early_gap.take() {
                sink.notice(gap);
            }
        }
        if !self.counted.1 && self.calls.interface() == Interface::Kms {
            self.counted.1 = true;
            add(&mut sink.counts.summary.kms_connections);
        }
    }
}

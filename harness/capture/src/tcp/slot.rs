use super::half::{Half, Piece};
use super::table::Handler;
use super::{CloseReason, Connection, Endpoint, Segment, Side, Stamp, TcpEvent};

/// A connection in the table.
pub(super) struct Slot<S> {
    pub(super) connection: Connection,
    /// Its latest packet.
    pub(super) last: Stamp,
    phase: Phase<S>,
}

/// Most connections of a long capture are closed, and wait only for their ports to be used again.
enum Phase<S> {
    Open(Box<Open<S>>),
    Closed(FirstSequences),
}

/// Sequence numbers of the first bytes of opener and peer, where they are known.
type FirstSequences = (Option<u32>, Option<u32>);

/// What is kept of a connection as long as something can come.
#[derive(Default)]
struct Open<S> {
    opener: Half,
    peer: Half,
    state: S,
}

impl<S: Default> Slot<S> {
    /// Begins with a segment.
    pub(super) fn new(
        stream: u32,
        source: Endpoint,
        destination: Endpoint,
        segment: &Segment<'_>,
    ) -> Self {
        // SYN with ACK comes from the side that was called.
        let answers = segment.syn() && segment.ack();
        let (opener, peer) = if answers {
            (destination, source)
        } else {
            (source, destination)
        };
        Self {
            connection: Connection {
                stream,
                opener,
                peer,
                mid_stream: !segment.syn(),
            },
            last: Stamp::default(),
            phase: Phase::Open(Box::default()),
        }
    }

    pub(super) const fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed(_))
    }

    /// Bytes kept behind holes.
    pub(super) fn pending(&self) -> usize {
        match &self.phase {
            Phase::Open(open) => open.pending(),
            Phase::Closed(_) => 0,
        }
    }

    pub(super) fn is_between(&self, source: Endpoint, destination: Endpoint) -> bool {
        let ends = (self.connection.opener, self.connection.peer);
        ends == (source, destination) || ends == (destination, source)
    }

    /// Whether the segment opens another connection with the same addresses and ports.
    pub(super) fn is_reused_by(&self, source: Endpoint, segment: &Segment<'_>) -> bool {
        if !segment.syn() || segment.ack() {
            return false;
        }
        let (opener, peer) = match &self.phase {
            Phase::Open(open) => open.first_sequences(),
            Phase::Closed(first) => *first,
        };
        let first = match self.side(source) {
            Side::Opener => opener,
            Side::Peer => peer,
        };
        match first {
            Some(first) => first != segment.sequence.wrapping_add(1),
            None => self.is_closed(),
        }
    }

    /// Takes a segment and hands on what it completes.
    pub(super) fn segment(
        &mut self,
        source: Endpoint,
        segment: &Segment<'_>,
        at: Stamp,
        max_pending: usize,
        handler: &mut impl Handler<State = S>,
    ) {
        let side = self.side(source);
        let Phase::Open(open) = &mut self.phase else {
            return;
        };
        let mut sequence = segment.sequence;
        if segment.syn() {
            open.half(side).0.start(sequence);
            sequence = sequence.wrapping_add(1);
        }
        if segment.len > 0 {
            if segment.ack() {
                // What the peer acknowledged was sent before this: holes in it must be given up first, or a reply would
                // be handed on in front of its request.
                let (half, mut give) = open.giving(side.other(), &self.connection, at, handler);
                half.acknowledged(segment.acknowledgment, &mut give);
            }
            let (half, mut give) = open.giving(side, &self.connection, at, handler);
            half.segment(
                sequence,
                segment.payload,
                segment.len,
                max_pending,
                &mut give,
            );
        }
        if segment.fin() {
            open.half(side).0.finish(sequence, segment.len);
        }
        if segment.rst() {
            self.close(CloseReason::Reset, at, handler);
        } else if open.opener.is_finished() && open.peer.is_finished() {
            self.close(CloseReason::Finished, at, handler);
        }
    }

    /// Hands on all that waits behind holes; how many bytes that were.
    pub(super) fn flush(&mut self, at: Stamp, handler: &mut impl Handler<State = S>) -> usize {
        let freed = self.pending();
        if let Phase::Open(open) = &mut self.phase {
            open.flush(&self.connection, at, handler);
        }
        freed
    }

    /// Hands on all that waits, and keeps none of it; nothing happens if it is closed already.
    pub(super) fn close(
        &mut self,
        reason: CloseReason,
        at: Stamp,
        handler: &mut impl Handler<State = S>,
    ) {
        let Phase::Open(open) = &mut self.phase else {
            return;
        };
        open.flush(&self.connection, at, handler);
        let closed = TcpEvent::Closed(reason);
        handler.event(&mut open.state, &self.connection, at, closed);
        self.phase = Phase::Closed(open.first_sequences());
    }

    fn side(&self, source: Endpoint) -> Side {
        if source == self.connection.opener {
            Side::Opener
        } else {
            Side::Peer
        }
    }
}

impl<S> Open<S> {
    const fn pending(&self) -> usize {
        self.opener
            .pending_bytes()
            .saturating_add(self.peer.pending_bytes())
    }

    fn first_sequences(&self) -> FirstSequences {
        (self.opener.first_sequence(), self.peer.first_sequence())
    }

    fn half(&mut self, side: Side) -> (&mut Half, &mut S) {
        match side {
            Side::Opener => (&mut self.opener, &mut self.state),
            Side::Peer => (&mut self.peer, &mut self.state),
        }
    }

    /// A direction, and what to do with the pieces it gives.
    fn giving<'a>(
        &'a mut self,
        side: Side,
        connection: &'a Connection,
        at: Stamp,
        handler: &'a mut impl Handler<State = S>,
    ) -> (&'a mut Half, impl FnMut(Piece<'_>) + 'a) {
        let (half, state) = self.half(side);
        let give = move |piece: Piece<'_>| {
            let event = match piece {
                Piece::Data(bytes) => TcpEvent::Data { from: side, bytes },
                Piece::Gap(len, cause) => TcpEvent::Gap {
                    from: side,
                    len,
                    cause,
                },
            };
            handler.event(state, connection, at, event);
        };
        (half, give)
    }

    fn flush(&mut self, connection: &Connection, at: Stamp, handler: &mut impl Handler<State = S>) {
        for side in [Side::Opener, Side::Peer] {
            let (half, mut give) = self.giving(side, connection, at, handler);
            half.flush(&mut give);
        }
    }
}

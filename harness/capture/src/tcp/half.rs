use super::GapCause;
use crate::num::{from, index, len64};

/// One direction of a connection: puts segments into order.
///
/// Positions count the bytes of the direction from the first one seen.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Sequence number that the byte at `next` has; none before the first segment.
    expected: Option<u32>,
    next: u64,
    /// Segments behind a hole, by position.
    pending: Vec<Pending>,
    pending_bytes: usize,
    /// Position of the FIN.
    fin: Option<u64>,
    /// Whether the SYN was seen, so that position 0 is the stream's first byte.
    from_start: bool,
}

#[derive(Debug)]
struct Pending {
    start: u64,
    /// End on the wire; `data` is shorter if the snap length cut it.
    end: u64,
    data: Vec<u8>,
}

/// What a direction gives, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Data(&'a [u8]),
    Gap(u64, GapCause),
}

impl Half {
    /// The sequence number of the first byte, if the SYN was seen and nothing else yet or since.
    pub(super) fn first_sequence(&self) -> Option<u32> {
        let [low, ..] = split(self.next);
        self.expected.map(|expected| expected.wrapping_sub(low))
    }

    /// Bytes kept behind holes.
    pub(super) const fn pending_bytes(&self) -> usize {
        self.pending_bytes
    }

    /// Whether everything up to the FIN was given.
    pub(super) fn is_finished(&self) -> bool {
        self.fin.is_some_and(|fin| self.next >= fin)
    }

    /// Fixes the start by a SYN.
    pub(super) fn start(&mut self, sequence: u32) {
        if self.expected.is_none() {
            self.expected = Some(sequence.wrapping_add(1));
            self.from_start = true;
        }
    }

    /// Takes a segment whose payload begins at `sequence` and had `len` bytes on the wire.
    pub(super) fn segment(
        &mut self,
        sequence: u32,
        payload: &[u8],
        len: usize,
        max_pending: usize,
        give: &mut impl FnMut(Piece<'_>),
    ) {
        let expected = *self.expected.get_or_insert(sequence);
        let ahead = sequence.wrapping_sub(expected).cast_signed();
        if ahead > 0 {
            let start = self.next.saturating_add(u64::from(ahead.unsigned_abs()));
            self.keep(start, payload, len);
            if self.pending_bytes > max_pending || self.pending.len() > MAX_PENDING {
                self.skip_hole(give);
            }
            return;
        }
        let old = index(u64::from(ahead.unsigned_abs()));
        if old >= len {
            self.before_start(old, len, give);
            return;
        }
        self.before_start(old, old, give);
        self.give(from(payload, old), len.saturating_sub(old), give);
        if !self.pending.is_empty() {
            self.drain(give);
        }
    }

    /// Notes the FIN that follows the payload just given.
    pub(super) fn finish(&mut self, sequence: u32, len: usize) {
        let Some(expected) = self.expected else {
            return;
        };
        let end = sequence.wrapping_add(u32::try_from(len).unwrap_or_default());
        let ahead = end.wrapping_sub(expected).cast_signed();
        let fin = self.next.saturating_add_signed(i64::from(ahead));
        self.fin.get_or_insert(fin);
    }

    /// Gives up holes that the peer has acknowledged: it has the bytes, the capture does not and never will.
    pub(super) fn acknowledged(&mut self, sequence: u32, give: &mut impl FnMut(Piece<'_>)) {
        while let (Some(first), Some(expected)) = (self.pending.first(), self.expected) {
            let ahead = sequence.wrapping_sub(expected).cast_signed();
            let position = self.next.saturating_add_signed(i64::from(ahead));
            if position <= first.start {
                return;
            }
            self.skip_hole(give);
        }
    }

    /// Gives everything kept, with the gaps between: nothing more will come.
    pub(super) fn flush(&mut self, give: &mut impl FnMut(Piece<'_>)) {
        while !self.pending.is_empty() {
            self.skip_hole(give);
        }
        self.pending = Vec::new();
    }

    fn skip_hole(&mut self, give: &mut impl FnMut(Piece<'_>)) {
        if let Some(first) = self.pending.first() {
            let hole = first.start.saturating_sub(self.next);
            if hole > 0 {
                give(Piece::Gap(hole, GapCause::Missing));
                self.advance(hole);
            }
            self.drain(give);
        }
    }

    /// Gives what is kept and begins where the direction stands.
    fn drain(&mut self, give: &mut impl FnMut(Piece<'_>)) {
        let ready = self
            .pending
            .iter()
            .take_while({
                let mut reach = self.next;
                move |piece| {
                    let joins = piece.start <= reach;
                    reach = reach.max(piece.end);
                    joins
                }
            })
            .count();
        let mut kept = std::mem::take(&mut self.pending);
        for piece in kept.drain(..ready) {
            self.pending_bytes = self.pending_bytes.saturating_sub(piece.data.len());
            let old = self.next.saturating_sub(piece.start);
            let len = piece.end.saturating_sub(piece.start);
            if old < len {
                let left = index(len.saturating_sub(old));
                self.give(from(&piece.data, index(old)), left, give);
            }
        }
        self.pending = kept;
    }

    /// Gives `len` bytes, of which `data` is what there is.
    fn give(&mut self, data: &[u8], len: usize, give: &mut impl FnMut(Piece<'_>)) {
        if !data.is_empty() {
            give(Piece::Data(data));
        }
        let cut = len.saturating_sub(data.len());
        if cut > 0 {
            give(Piece::Gap(len64(cut), GapCause::CutShort));
        }
        self.advance(len64(len));
    }

    fn advance(&mut self, len: u64) {
        let [low, ..] = split(len);
        self.next = self.next.saturating_add(len);
        self.expected = self.expected.map(|expected| expected.wrapping_add(low));
    }

    fn keep(&mut self, start: u64, payload: &[u8], len: usize) {
        if len == 0 {
            return;
        }
        let end = start.saturating_add(len64(len));
        let at = self.pending.partition_point(|piece| piece.start < start);
        let known = self.pending.get(at);
        if known.is_some_and(|known| known.start == start && known.end >= end) {
            return;
        }
        self.pending_bytes = self.pending_bytes.saturating_add(payload.len());
        let data = payload.to_vec();
        self.pending.insert(at, Pending { start, end, data });
    }

    /// Bytes in front of the first one seen cannot be put in order any more: they are reported, not dropped silently.
    fn before_start(&self, old: usize, len: usize, give: &mut impl FnMut(Piece<'_>)) {
        let before = len64(old).saturating_sub(self.next).min(len64(len));
        // A single byte in front of the window is how a connection is kept alive. Source: RFC 9293 3.8.4.
        if !self.from_start && before > 1 {
            give(Piece::Gap(before, GapCause::BeforeStart));
        }
    }
}

/// Low and high half of a position.
const fn split(position: u64) -> [u32; 2] {
    let [a, b, c, d, e, f, g, h] = position.to_le_bytes();
    [
        u32::from_le_bytes([a, b, c, d]),
        u32::from_le_bytes([e, f, g, h]),
    ]
}

/// Segments kept behind holes of one direction; a bound on the work to keep them in order.
const MAX_PENDING: usize = 1024;

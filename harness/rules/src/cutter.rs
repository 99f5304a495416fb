use kmspec_wire::pdu::{Drep, Header};

use crate::report::Direction;

/// No PDU of a KMS conversation is longer, whatever a byte order makes of its `frag_length`.
const PLAUSIBLE: u16 = 5840;

/// Cuts one direction of a connection into PDUs.
#[derive(Debug)]
pub(crate) struct Cutter {
    direction: Direction,
    buffer: Vec<u8>,
    done: usize,
    lost: bool,
}

/// What a cutter finds next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cut<'a> {
    /// A whole PDU.
    Pdu(&'a [u8]),
    /// A `frag_length` below the common header; what follows cannot be cut.
    Lost(&'a [u8]),
}

impl Cutter {
    pub(crate) const fn new(direction: Direction) -> Self {
        Self {
            direction,
            buffer: Vec::new(),
            done: 0,
            lost: false,
        }
    }

    pub(crate) fn push(&mut self, octets: &[u8]) {
        if !self.lost {
            self.buffer.drain(..self.done.min(self.buffer.len()));
            self.done = 0;
            self.buffer.extend_from_slice(octets);
        }
    }

    pub(crate) fn next(&mut self) -> Option<Cut<'_>> {
        let waiting = self.pending();
        let len = usize::from(self.length(waiting)?);
        let start = self.done;
        if len < Header::LEN {
            self.lost = true;
            self.done = self.buffer.len();
            let waiting = self.buffer.get(start..).unwrap_or_default();
            return Some(Cut::Lost(waiting.get(..Header::LEN).unwrap_or(waiting)));
        }
        let end = start.saturating_add(len);
        let pdu = self.buffer.get(start..end)?;
        self.done = end;
        Some(Cut::Pdu(pdu))
    }

    /// Octets that are no whole PDU yet.
    pub(crate) fn pending(&self) -> &[u8] {
        self.buffer.get(self.done..).unwrap_or_default()
    }

    /// Starts anew behind a gap.
    pub(crate) fn restart(&mut self) {
        *self = Self::new(self.direction);
    }

    fn length(&self, waiting: &[u8]) -> Option<u16> {
        if self.lost {
            return None;
        }
        let labelled = Header::peek_frag_length(waiting)?;
        match (self.direction, mislabelled(waiting)) {
            (Direction::FromHost, Some(real)) => Some(real),
            _ => Some(labelled),
        }
    }
}

/// The `frag_length` of a PDU that calls itself big-endian and is little-endian: a `drep` copied from elsewhere.
pub(crate) fn mislabelled(waiting: &[u8]) -> Option<u16> {
    let (start, _) = waiting.split_first_chunk::<10>()?;
    let [_, _, _, _, a, b, c, d, low, high] = *start;
    let little = u16::from_le_bytes([low, high]);
    let big = u16::from_be_bytes([low, high]);
    let lawful = 16..=PLAUSIBLE;
    let whole = usize::from(little) == waiting.len() && usize::from(big) != waiting.len();
    let labelled_big = Drep([a, b, c, d]).order() == kmspec_wire::codec::ByteOrder::Big;
    let is_little = lawful.contains(&little) && (whole || !lawful.contains(&big));
    (labelled_big && is_little).then_some(little)
}

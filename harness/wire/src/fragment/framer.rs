use thiserror::Error;

use crate::pdu::Header;

/// Cuts a byte stream into PDUs by their `frag_length`, whatever the segments it arrives in.
///
/// A PDU that arrives in one piece is lent out where it lies; only one that straddles is copied.
///
/// ```
/// use kmspec_wire::fragment::Framer;
///
/// let mut framer = Framer::new();
/// let shutdown = [5, 0, 17, 3, 0x10, 0, 0, 0, 16, 0, 0, 0, 1, 0, 0, 0];
/// framer.push(&shutdown[..7]);
/// assert_eq!(framer.next_pdu(), Ok(None));
/// framer.push(&shutdown[7..]);
/// assert_eq!(framer.next_pdu(), Ok(Some(&shutdown[..])));
/// ```
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// Octets at the start of `buffer` that were handed out already.
    done: usize,
}

/// A `frag_length` that leaves no room for the common header: the stream cannot be followed further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("frag_length {got} is less than the 16 octets of the common header")]
pub struct FramingError {
    /// The `frag_length` found.
    pub got: u16,
}

impl Framer {
    /// A framer at the start of a PDU.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes octets as they arrive.
    pub fn push(&mut self, octets: &[u8]) {
        self.compact();
        self.buffer.extend_from_slice(octets);
    }

    /// The next whole PDU, if there is one.
    ///
    /// # Errors
    /// The next PDU announces less than its own header. The octets stay; asking again gives the same error.
    pub fn next_pdu(&mut self) -> Result<Option<&[u8]>, FramingError> {
        let waiting = self.buffer.get(self.done..).unwrap_or_default();
        let Some(frag_length) = Header::peek_frag_length(waiting) else {
            return Ok(None);
        };
        let len = usize::from(frag_length);
        if len < Header::LEN {
            return Err(FramingError { got: frag_length });
        }
        if waiting.len() < len {
            return Ok(None);
        }
        self.done = self.done.saturating_add(len);
        Ok(waiting.get(..len))
    }

    /// Octets that are not a whole PDU yet.
    pub fn pending(&self) -> &[u8] {
        self.buffer.get(self.done..).unwrap_or_default()
    }

    /// Forgets all octets: another stream begins. The memory stays.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.done = 0;
    }

    fn compact(&mut self) {
        if self.done == self.buffer.len() {
            self.buffer.clear();
        } else if self.done > 0 {
            self.buffer.drain(..self.done);
        }
        self.done = 0;
    }
}

use kmspec_wire::pdu::{Drep, Header};

use crate::num::{from, index, len64, upto};

/// Cuts one direction of a connection into PDUs.
///
/// A PDU that lies wholly in the bytes given is handed on where it lies; one that straddles is put together first.
#[derive(Debug, Default)]
pub(crate) struct Framer {
    state: State,
    /// The PDU begun and not ended.
    partial: Vec<u8>,
    /// Bytes of a PDU already handed on that are still to come.
    rest: u64,
    /// Whether a PDU was found in this direction.
    found: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// The next byte begins a PDU, or continues one.
    #[default]
    InStep,
    /// It may be anywhere: the next chunk that looks like a PDU counts as one.
    Searching,
    /// The stream is of another protocol.
    Foreign,
}

/// What a framer has to tell beside PDUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nothing.
    No,
    /// Bytes are no PDU, in a direction that had PDUs before.
    NoPdu,
}

impl Framer {
    /// Does not take the first byte for that of a PDU: the connection's start is not in the file.
    pub(crate) fn start_anywhere(&mut self) {
        self.state = State::Searching;
    }

    /// Bytes of the PDU begun.
    pub(crate) const fn unfinished(&self) -> usize {
        self.partial.len()
    }

    /// Whether the direction had a PDU.
    pub(crate) const fn has_found(&self) -> bool {
        self.found
    }

    /// Takes the next bytes, hands on the PDUs they complete.
    pub(crate) fn bytes(&mut self, mut bytes: &[u8], pdu: &mut impl FnMut(&[u8], u16)) -> Lost {
        if self.rest > 0 {
            let skip = upto(bytes, index(self.rest)).len();
            self.rest = self.rest.saturating_sub(len64(skip));
            bytes = from(bytes, skip);
        }
        if !self.partial.is_empty() {
            bytes = self.complete(bytes, pdu);
        }
        while !bytes.is_empty() {
            match self.state {
                State::Foreign => return Lost::No,
                State::Searching if bytes.len() < Header::LEN || !looks_like_pdu(bytes) => {
                    return Lost::No;
                }
                State::InStep if !looks_like_pdu(bytes) => return self.lose_step(),
                _ => self.state = State::InStep,
            }
            let len = Header::peek_frag_length(bytes).filter(|_| bytes.len() >= Header::LEN);
            let whole = len.and_then(|len| Some((len, bytes.get(..usize::from(len))?)));
            let Some((len, whole)) = whole else {
                self.partial.extend_from_slice(bytes);
                break;
            };
            self.found = true;
            pdu(whole, len);
            bytes = from(bytes, whole.len());
        }
        Lost::No
    }

    /// Takes note that `len` bytes are not there; a PDU of which they are part is handed on as far as it goes.
    pub(crate) fn gap(&mut self, mut len: u64, pdu: &mut impl FnMut(&[u8], u16)) {
        if self.state == State::Foreign {
            return;
        }
        let header = (self.partial.len() >= Header::LEN)
            .then(|| Header::peek_frag_length(&self.partial))
            .flatten();
        if let Some(whole) = header {
            self.found = true;
            pdu(&self.partial, whole);
            self.rest = u64::from(whole).saturating_sub(len64(self.partial.len()));
            self.partial.clear();
        }
        let inside = len.min(self.rest);
        self.rest = self.rest.saturating_sub(inside);
        len = len.saturating_sub(inside);
        if len > 0 {
            self.partial.clear();
            self.state = State::Searching;
        }
    }

    /// Hands on what is left of a PDU that will not be completed.
    pub(crate) fn finish(&mut self, pdu: &mut impl FnMut(&[u8], u16)) {
        self.gap(u64::MAX, pdu);
        self.partial = Vec::new();
    }

    /// Adds to the PDU begun; what is left of `bytes` behind it.
    fn complete<'a>(&mut self, bytes: &'a [u8], pdu: &mut impl FnMut(&[u8], u16)) -> &'a [u8] {
        let missing = Header::LEN.saturating_sub(self.partial.len());
        let (head, bytes) = split(bytes, missing);
        self.partial.extend_from_slice(head);
        if !looks_like_pdu(&self.partial) {
            self.partial.clear();
            self.lose_step();
            return &[];
        }
        let Some(len) =
            Header::peek_frag_length(&self.partial).filter(|_| self.partial.len() >= Header::LEN)
        else {
            return bytes;
        };
        let missing = usize::from(len).saturating_sub(self.partial.len());
        let (body, bytes) = split(bytes, missing);
        self.partial.extend_from_slice(body);
        if self.partial.len() >= usize::from(len) {
            self.found = true;
            pdu(&self.partial, len);
            self.partial.clear();
        }
        bytes
    }

    fn lose_step(&mut self) -> Lost {
        if self.found {
            self.state = State::Searching;
            Lost::NoPdu
        } else {
            self.state = State::Foreign;
            Lost::No
        }
    }
}

fn split(bytes: &[u8], at: usize) -> (&[u8], &[u8]) {
    bytes.split_at_checked(at).unwrap_or((bytes, &[]))
}

/// Whether the bytes, as far as they go, can begin a PDU. Source: C706 12.6.1, 14.1.
fn looks_like_pdu(bytes: &[u8]) -> bool {
    match *bytes {
        [5, 0 | 1, ptype, _, a, b, c, d, _, _, ..] => {
            ptype <= LAST_PTYPE
                && Drep([a, b, c, d]).is_supported()
                && Header::peek_frag_length(bytes)
                    .is_some_and(|len| usize::from(len) >= Header::LEN)
        }
        [5, 0 | 1, ptype, ..] => ptype <= LAST_PTYPE,
        [5, 0 | 1] | [5] => true,
        _ => false,
    }
}

/// RTS, the last PDU type given out. Source: MS-RPCH 2.2.3.6.1.
const LAST_PTYPE: u8 = 20;

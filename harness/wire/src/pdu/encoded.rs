use std::ops::Range;

use crate::codec::Span;

/// A PDU's octets with the map of its fields: the place to lie in one field and in nothing else.
///
/// ```
/// use kmspec_wire::pdu::{BindBuilder, SyntaxId};
///
/// let mut bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32]).encoded();
/// assert_eq!(bind.bytes.len(), 72);
/// bind.overwrite("frag_length", &[0xff, 0xff]);
/// assert_eq!(bind.bytes[8..10], [0xff, 0xff]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The octets.
    pub bytes: Vec<u8>,
    /// Where each field stands, in wire order; a field of a list stands once for each element.
    pub spans: Vec<Span>,
}

impl Encoded {
    /// Where `field` stands for the `nth` time, counted from 0.
    pub fn span(&self, field: &str, nth: usize) -> Option<Range<usize>> {
        self.spans
            .iter()
            .filter(|span| span.field == field)
            .nth(nth)
            .map(|span| span.range.clone())
    }

    /// Replaces the start of a field; true if the field is there.
    pub fn overwrite(&mut self, field: &str, octets: &[u8]) -> bool {
        self.overwrite_nth(field, 0, octets)
    }

    /// Replaces the start of the `nth` field of that name, counted from 0; true if it is there.
    pub fn overwrite_nth(&mut self, field: &str, nth: usize, octets: &[u8]) -> bool {
        let place = self
            .span(field, nth)
            .and_then(|range| self.bytes.get_mut(range)?.get_mut(..octets.len()));
        place.map(|place| place.copy_from_slice(octets)).is_some()
    }

    /// Keeps the first `len` octets and corrects `frag_length` (little-endian).
    pub fn cut(&mut self, len: usize) {
        self.bytes.truncate(len);
        self.correct_frag_length();
    }

    /// Appends octets and corrects `frag_length` (little-endian).
    pub fn extend(&mut self, octets: &[u8]) {
        self.bytes.extend_from_slice(octets);
        self.correct_frag_length();
    }

    fn correct_frag_length(&mut self) {
        let frag_length = super::length16(self.bytes.len());
        self.overwrite("frag_length", &frag_length.to_le_bytes());
    }
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

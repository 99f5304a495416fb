use std::ops::Range;

use super::ByteOrder;
use crate::guid::Guid;

/// Where a field stands in what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// Name of the field, as the specification spells it.
    pub field: &'static str,
    /// Its bytes.
    pub range: Range<usize>,
}

/// Fields of most PDUs and messages, at most.
const SPANS: usize = 48;

/// Writes fields in wire order behind whatever the buffer holds already.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    order: ByteOrder,
    spans: Option<&'a mut Vec<Span>>,
}

impl<'a> Writer<'a> {
    /// Writes behind the present end of `out`, integers little-endian. Offsets count from there.
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        Self {
            out,
            start,
            order: ByteOrder::Little,
            spans: None,
        }
    }

    /// The same writer with integers in another order.
    #[must_use]
    pub fn with_order(self, order: ByteOrder) -> Self {
        Self { order, ..self }
    }

    /// The same writer, which also records where each field stands.
    #[must_use]
    pub fn with_spans(self, spans: &'a mut Vec<Span>) -> Self {
        // Growing from nothing would move them five times.
        spans.reserve(SPANS);
        Self {
            spans: Some(spans),
            ..self
        }
    }

    /// Bytes written by this writer.
    #[inline]
    pub fn position(&self) -> usize {
        self.out.len().saturating_sub(self.start)
    }

    /// Byte order of integers.
    pub const fn order(&self) -> ByteOrder {
        self.order
    }

    /// Raw bytes.
    #[inline]
    pub fn bytes(&mut self, field: &'static str, bytes: &[u8]) {
        let from = self.position();
        self.out.extend_from_slice(bytes);
        let range = from..self.position();
        if let Some(spans) = &mut self.spans {
            spans.push(Span { field, range });
        }
    }

    /// Some fields of `N` octets together, appended at once: each alone asks whether there is room.
    #[inline]
    pub fn fields<const N: usize>(&mut self, put: impl FnOnce(&mut Fields<'_, N>)) {
        let mut fields = Fields {
            bytes: [0; N],
            at: 0,
            base: self.position(),
            order: self.order,
            spans: self.spans.as_deref_mut(),
        };
        put(&mut fields);
        let bytes = fields.bytes;
        self.out.extend_from_slice(&bytes);
    }

    /// `len` zero octets, as padding.
    pub fn zeros(&mut self, field: &'static str, len: usize) {
        let from = self.position();
        self.out.resize(self.out.len().saturating_add(len), 0);
        let range = from..self.position();
        if let Some(spans) = &mut self.spans {
            spans.push(Span { field, range });
        }
    }

    /// Padding of `len` octets: these if there are as many, else zeros; no field at all where there is none.
    pub(crate) fn padding(&mut self, field: &'static str, len: usize, octets: &[u8]) {
        match len {
            0 => {}
            len if len == octets.len() => self.bytes(field, octets),
            len => self.zeros(field, len),
        }
    }

    /// An 8-bit integer.
    pub fn u8(&mut self, field: &'static str, value: u8) {
        self.bytes(field, &[value]);
    }

    /// A 16-bit integer.
    #[inline]
    pub fn u16(&mut self, field: &'static str, value: u16) {
        self.bytes(field, &self.order.u16(value));
    }

    /// A 32-bit integer.
    #[inline]
    pub fn u32(&mut self, field: &'static str, value: u32) {
        self.bytes(field, &self.order.u32(value));
    }

    /// A 64-bit integer.
    #[inline]
    pub fn u64(&mut self, field: &'static str, value: u64) {
        self.bytes(field, &self.order.u64(value));
    }

    /// A GUID: its first three fields are integers and follow the byte order.
    #[inline]
    pub fn guid(&mut self, field: &'static str, value: Guid) {
        self.bytes(field, &value.to_wire(self.order));
    }

    /// Replaces bytes written before, counted from this writer's start. Bytes beyond the end are left alone.
    pub fn patch(&mut self, at: usize, bytes: &[u8]) {
        let from = self.start.saturating_add(at);
        let to = from.saturating_add(bytes.len());
        if let Some(place) = self.out.get_mut(from..to) {
            place.copy_from_slice(bytes);
        }
    }
}

/// Fields of `N` octets in all, in wire order. What goes beyond them is left out.
#[derive(Debug)]
pub struct Fields<'a, const N: usize> {
    bytes: [u8; N],
    at: usize,
    base: usize,
    order: ByteOrder,
    spans: Option<&'a mut Vec<Span>>,
}

impl<const N: usize> Fields<'_, N> {
    /// Raw bytes.
    #[inline]
    pub fn bytes<const LEN: usize>(&mut self, field: &'static str, bytes: [u8; LEN]) -> &mut Self {
        let end = self.at.saturating_add(LEN);
        if let Some(place) = self.bytes.get_mut(self.at..end) {
            place.copy_from_slice(&bytes);
        }
        if let Some(spans) = &mut self.spans {
            let range = self.base.saturating_add(self.at)..self.base.saturating_add(end);
            spans.push(Span { field, range });
        }
        self.at = end;
        self
    }

    /// A 16-bit integer.
    #[inline]
    pub fn u16(&mut self, field: &'static str, value: u16) -> &mut Self {
        self.bytes(field, self.order.u16(value))
    }

    /// A 32-bit integer.
    #[inline]
    pub fn u32(&mut self, field: &'static str, value: u32) -> &mut Self {
        self.bytes(field, self.order.u32(value))
    }

    /// A 64-bit integer.
    #[inline]
    pub fn u64(&mut self, field: &'static str, value: u64) -> &mut Self {
        self.bytes(field, self.order.u64(value))
    }

    /// A GUID.
    #[inline]
    pub fn guid(&mut self, field: &'static str, value: Guid) -> &mut Self {
        self.bytes(field, value.to_wire(self.order))
    }
}

use super::{ByteOrder, DecodeError, Problem};
use crate::guid::Guid;

/// Reads fields in wire order and remembers where it stands.
///
/// ```
/// use kmspec_wire::codec::Reader;
///
/// let mut r = Reader::new(&[5, 0, 0x48]);
/// assert_eq!(r.u8("rpc_vers"), Ok(5));
/// assert_eq!(r.u32("frag_length").unwrap_err().to_string(), "frag_length at byte 0x0001: needs 4 bytes, 2 left");
/// ```
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    at: usize,
    order: ByteOrder,
}

impl<'a> Reader<'a> {
    /// Reads `bytes`, integers little-endian.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            at: 0,
            order: ByteOrder::Little,
        }
    }

    /// The same reader with integers in another order.
    #[must_use]
    pub const fn with_order(self, order: ByteOrder) -> Self {
        Self { order, ..self }
    }

    /// The same reader reporting errors as if its first byte stood at `at` of the outermost buffer.
    #[must_use]
    pub const fn starting_at(self, at: usize) -> Self {
        Self { at, ..self }
    }

    /// Offset of the next byte from the start of the outermost buffer.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Byte order of integers.
    pub const fn order(&self) -> ByteOrder {
        self.order
    }

    /// Bytes not read yet.
    pub const fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// All bytes not read yet; the reader then stands at the end.
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = std::mem::take(&mut self.rest);
        self.at = self.at.saturating_add(rest.len());
        rest
    }

    /// The next `len` bytes.
    #[inline]
    pub fn bytes(&mut self, field: &'static str, len: usize) -> Result<&'a [u8], DecodeError> {
        let Some((taken, rest)) = self.rest.split_at_checked(len) else {
            return Err(truncated(self.at, field, len, self.rest.len()));
        };
        self.rest = rest;
        self.at = self.at.saturating_add(len);
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    #[inline]
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        self.chunk(field).copied()
    }

    /// The next `N` bytes as an array, where they are.
    #[inline]
    pub fn chunk<const N: usize>(
        &mut self,
        field: &'static str,
    ) -> Result<&'a [u8; N], DecodeError> {
        let Some((taken, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(truncated(self.at, field, N, self.rest.len()));
        };
        self.rest = rest;
        self.at = self.at.saturating_add(N);
        Ok(taken)
    }

    /// A reader of the next `len` bytes alone; this one then stands behind them.
    pub fn sub(&mut self, field: &'static str, len: usize) -> Result<Self, DecodeError> {
        let (at, order) = (self.at, self.order);
        Ok(Self {
            rest: self.bytes(field, len)?,
            at,
            order,
        })
    }

    /// An 8-bit integer.
    #[inline]
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    /// A 16-bit integer.
    #[inline]
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        let bytes = self.array(field)?;
        Ok(match self.order {
            ByteOrder::Little => u16::from_le_bytes(bytes),
            ByteOrder::Big => u16::from_be_bytes(bytes),
        })
    }

    /// A 32-bit integer.
    #[inline]
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        let bytes = self.array(field)?;
        Ok(match self.order {
            ByteOrder::Little => u32::from_le_bytes(bytes),
            ByteOrder::Big => u32::from_be_bytes(bytes),
        })
    }

    /// A 64-bit integer.
    #[inline]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        let bytes = self.array(field)?;
        Ok(match self.order {
            ByteOrder::Little => u64::from_le_bytes(bytes),
            ByteOrder::Big => u64::from_be_bytes(bytes),
        })
    }

    /// A GUID: its first three fields are integers and follow the byte order.
    #[expect(
        clippy::inline_always,
        reason = "a result that goes through memory in halves is waited for where it is read whole"
    )]
    #[inline(always)]
    pub fn guid(&mut self, field: &'static str) -> Result<Guid, DecodeError> {
        let bytes = self.array(field)?;
        Ok(Guid::from_wire(bytes, self.order))
    }

    /// Fails unless everything was read.
    pub fn finish(self, field: &'static str) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(self.error(field, Problem::Trailing { left })),
        }
    }

    /// An error about `field` at the present position.
    pub const fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        DecodeError {
            at: self.at,
            field,
            problem,
        }
    }
}

/// Apart, so that reading is small enough to become part of its callers, and without the reader, so that those can keep
/// it in registers.
#[cold]
#[inline(never)]
const fn truncated(at: usize, field: &'static str, need: usize, have: usize) -> DecodeError {
    DecodeError {
        at,
        field,
        problem: Problem::Truncated { need, have },
    }
}

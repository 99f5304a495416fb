use crate::num::{be16, be32, from, octet, upto};

/// A TCP segment. Source: RFC 9293 3.1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Segment<'a> {
    pub(crate) source_port: u16,
    pub(crate) destination_port: u16,
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    flags: u8,
    /// The payload there is.
    pub(crate) payload: &'a [u8],
    /// Length of the payload on the wire.
    pub(crate) len: usize,
}

impl<'a> Segment<'a> {
    /// Reads a segment that had `wire_len` bytes on the wire.
    pub(crate) fn parse(data: &'a [u8], wire_len: usize) -> Option<Self> {
        let header = usize::from(octet(data, 12)? >> 4).checked_mul(4)?;
        if header < 20 {
            return None;
        }
        let len = wire_len.checked_sub(header)?;
        Some(Self {
            source_port: be16(data, 0)?,
            destination_port: be16(data, 2)?,
            sequence: be32(data, 4)?,
            acknowledgment: be32(data, 8)?,
            flags: octet(data, 13)?,
            payload: upto(from(data, header), len),
            len,
        })
    }

    pub(crate) const fn fin(&self) -> bool {
        self.flags & 0x01 != 0
    }

    pub(crate) const fn syn(&self) -> bool {
        self.flags & 0x02 != 0
    }

    pub(crate) const fn rst(&self) -> bool {
        self.flags & 0x04 != 0
    }

    pub(crate) const fn ack(&self) -> bool {
        self.flags & 0x10 != 0
    }
}

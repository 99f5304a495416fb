//! Reading and writing of fixed layouts: a [`Reader`] and a [`Writer`] that look alike, and one error for both.
//!
//! The writer can keep a map of what it wrote ([`Span`]); failure messages, annotated hex, fuzzers and deliberate lies
//! all use that one map.

mod error;
mod reader;
mod writer;

pub use error::{DecodeError, Problem};
pub use reader::Reader;
pub use writer::{Fields, Span, Writer};

/// Order of the octets of an integer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ByteOrder {
    /// Least significant octet first: what every KMS peer sends.
    #[default]
    Little,
    /// Most significant octet first: allowed by C706 14.1, understood on reading.
    Big,
}

impl ByteOrder {
    /// A 16-bit integer in this order.
    #[inline]
    pub const fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    /// A 32-bit integer in this order.
    #[inline]
    pub const fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    /// A 64-bit integer in this order.
    #[inline]
    pub const fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

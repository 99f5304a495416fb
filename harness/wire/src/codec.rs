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

//! What can be wrong with a capture file.

use std::io;

/// Why reading a capture stopped, and at which byte of it (of the decompressed data if it is gzip).
///
/// Everything in front of that byte has been delivered when the error is.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// Reading the input failed.
    #[error("byte {offset}: {source}")]
    Io {
        /// Where the next byte would have come from.
        offset: u64,
        /// What the reader said.
        source: io::Error,
    },
    /// The first bytes are neither pcap nor pcapng nor gzip of one.
    #[error("byte 0: neither pcap nor pcapng (the file begins with {start})")]
    NotACapture {
        /// The first bytes, in hexadecimal.
        start: String,
    },
    /// There is not a single byte.
    #[error("byte 0: the file is empty")]
    Empty,
    /// The file ends inside a header, a packet or a block.
    #[error("byte {offset}: the file ends inside {what}: {have} bytes are left of it")]
    Ends {
        /// Where the unfinished piece begins.
        offset: u64,
        /// What is unfinished.
        what: &'static str,
        /// Bytes of it that are there.
        have: u64,
    },
    /// A packet or block says it is longer than any may be.
    #[error("byte {offset}: {what} of {len} bytes, more than the {max} one may have")]
    TooLong {
        /// Where it begins.
        offset: u64,
        /// What it is.
        what: &'static str,
        /// The length it states.
        len: u64,
        /// The largest length accepted.
        max: u64,
    },
    /// A block contradicts itself.
    #[error("byte {offset}: {what}")]
    Malformed {
        /// Where the block begins.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// A packet names an interface that its section has not described.
    #[error("byte {offset}: packet of interface {interface}, the section has {described}")]
    UnknownInterface {
        /// Where the packet block begins.
        offset: u64,
        /// The interface named.
        interface: u32,
        /// How many the section describes.
        described: usize,
    },
}

impl CaptureError {
    /// The byte at which reading stopped.
    pub const fn offset(&self) -> u64 {
        match self {
            Self::NotACapture { .. } | Self::Empty => 0,
            Self::Io { offset, .. }
            | Self::Ends { offset, .. }
            | Self::TooLong { offset, .. }
            | Self::Malformed { offset, .. }
            | Self::UnknownInterface { offset, .. } => *offset,
        }
    }
}

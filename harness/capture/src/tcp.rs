//! TCP: segments, the bytes of each direction in order, and the table of connections.

mod half;
mod segment;
mod slot;
mod table;

use std::fmt;
use std::net::{IpAddr, SocketAddr};

pub(crate) use self::segment::Segment;
pub use self::table::{Connections, Handler, Limits};

/// Address and port of one side of a connection. Plain data: nothing is ever connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// Its address.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        SocketAddr::new(self.address, self.port).fmt(f)
    }
}

/// One of the two ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Sender of the SYN; of the first packet, if no handshake is in the file.
    Opener,
    /// The other one.
    Peer,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Opener => Self::Peer,
            Self::Peer => Self::Opener,
        }
    }
}

/// A connection, numbered by its first packet as other tools do (`tcp.stream`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its number, from 0.
    pub stream: u32,
    /// Sender of the SYN or of the first packet.
    pub opener: Endpoint,
    /// The other end.
    pub peer: Endpoint,
    /// Whether its start is not in the file.
    pub mid_stream: bool,
}

/// The packet that made something happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Number of the packet, from 1.
    pub packet: u64,
    /// Its time stamp, nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
}

/// Something that happened on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpEvent<'a> {
    /// The next bytes of one direction.
    Data {
        /// Who sent them.
        from: Side,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes that are not in the file. What follows comes behind them.
    Gap {
        /// Who sent them.
        from: Side,
        /// How many.
        len: u64,
        /// Why they are missing.
        cause: GapCause,
    },
    /// Nothing more will come.
    Closed(CloseReason),
}

/// Why bytes of a stream are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum GapCause {
    /// No packet of the file has them.
    Missing,
    /// The snap length cut them off.
    CutShort,
    /// They belong in front of the first byte seen of a connection whose start is not in the file.
    BeforeStart,
}

impl fmt::Display for GapCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "not in the capture",
            Self::CutShort => "cut off by the snap length",
            Self::BeforeStart => "older than the first packet seen",
        })
    }
}

/// Why nothing more comes of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Both sides sent FIN.
    Finished,
    /// One side sent RST.
    Reset,
    /// A new connection uses the same addresses and ports.
    PortsReused,
    /// Too many connections were open: this one had been silent longest.
    Evicted,
    /// The capture ends.
    EndOfCapture,
}

use std::fmt;

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::kms::ProtocolVersion;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{FaultStatus, Header};

use crate::file::Packet;
use crate::link::LinkType;
use crate::num::array;
use crate::tcp::{CloseReason, Connection, Endpoint, GapCause, Stamp, TcpEvent};

/// Takes what a capture holds, layer by layer; each method does nothing unless it is written.
///
/// What is lent lives as long as the call.
pub trait Observer {
    /// A packet of the file, whatever it holds.
    fn packet(&mut self, _packet: &Packet<'_>) {}

    /// Something happened on a TCP connection, of any protocol.
    fn tcp(&mut self, _connection: &Connection, _at: Stamp, _event: &TcpEvent<'_>) {}

    /// A DCE/RPC PDU, of any interface. Those of a connection come in order within each direction.
    fn pdu(&mut self, _pdu: &Pdu<'_>) {}

    /// A KMS call with its reply, or without if there is none.
    ///
    /// Those of a connection come as they are answered.
    fn exchange(&mut self, _exchange: &Exchange<'_>) {}

    /// Something to be told beside exchanges.
    fn notice(&mut self, _notice: &Notice) {}
}

/// Does nothing: for counting alone.
impl Observer for () {}

/// Which way a PDU goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the client.
    ToHost,
    /// From the host.
    ToClient,
}

/// What a connection has been bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Interface {
    /// No bind seen.
    #[default]
    Unknown,
    /// KMS was offered in a bind, or a call is one by its form.
    Kms,
    /// Other interfaces alone.
    Other,
}

/// A PDU on its way.
#[derive(Clone, Copy, Debug)]
pub struct Pdu<'a> {
    /// The connection it is on.
    pub connection: &'a Connection,
    /// Which way it goes.
    pub direction: Direction,
    /// The packet that completed it.
    pub at: Stamp,
    /// What the connection was bound to before this PDU.
    pub interface: Interface,
    /// Its common header.
    pub header: Header,
    /// Its length as the header states it.
    pub frag_length: u16,
    /// Its bytes: fewer than `frag_length` if the rest is not in the file.
    pub bytes: &'a [u8],
}

impl Pdu<'_> {
    /// Whether bytes of it are not in the file.
    pub fn is_cut(&self) -> bool {
        self.bytes.len() < usize::from(self.frag_length)
    }
}

/// A KMS call with its reply.
#[derive(Clone, Copy, Debug)]
pub struct Exchange<'a> {
    /// The connection it was made on.
    pub connection: &'a Connection,
    /// Who asked.
    pub client: Endpoint,
    /// Who was asked.
    pub host: Endpoint,
    /// Index of the request on its connection, from 0.
    pub call: u32,
    /// The facts of the call.
    pub rpc: Rpc<'a>,
    /// The request's stub.
    pub request_stub: &'a [u8],
    /// Byte order of its integers.
    pub request_order: ByteOrder,
    /// Whether bytes of the request are not in the file.
    pub request_cut: bool,
    /// What came back.
    pub reply: Reply<'a>,
}

impl Exchange<'_> {
    /// The version the request states in the clear, if its stub goes so far.
    pub fn request_version(&self) -> Option<ProtocolVersion> {
        let sizes = match self.rpc.syntax {
            TransferSyntax::Ndr32 => 8,
            TransferSyntax::Ndr64 => 16,
        };
        array(self.request_stub, sizes).map(ProtocolVersion::from_le_bytes)
    }
}

/// The facts of a call that need no key.
#[derive(Clone, Copy, Debug)]
pub struct Rpc<'a> {
    /// PDU types since the call before, up to this call's reply.
    pub ptypes: &'a [u8],
    /// Call id of the request.
    pub call_id: u32,
    /// Presentation context of the request.
    pub context_id: u16,
    /// The operation asked for.
    pub opnum: u16,
    /// Encoding of the stubs: the one agreed on, or the one the stub has by its form.
    pub syntax: TransferSyntax,
    /// Whether the capture shows that the context was accepted.
    pub bound: bool,
    /// The packet that completed the request.
    pub request: Stamp,
    /// The packet that completed the reply.
    pub answered: Option<Stamp>,
    /// Call id of the reply, where it is not that of the request.
    pub reply_call_id: Option<u32>,
}

/// What came back for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// Nothing that is in the file.
    None,
    /// A response.
    Response {
        /// Its stub.
        stub: &'a [u8],
        /// Byte order of its integers.
        order: ByteOrder,
        /// Whether bytes of it are not in the file.
        cut: bool,
    },
    /// A fault.
    Fault(FaultStatus),
}

/// Something to be told beside exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// Bytes of a DCE/RPC connection are not there.
    Gap {
        /// The connection.
        stream: u32,
        /// The packet behind the gap.
        at: Stamp,
        /// How many bytes.
        len: u64,
        /// Why.
        cause: GapCause,
    },
    /// Bytes of a DCE/RPC connection that are no PDU: skipped up to the next packet that begins with one.
    NoPdu {
        /// The connection.
        stream: u32,
        /// The packet they stand in.
        at: Stamp,
    },
    /// A PDU whose body contradicts itself or does not fit its call.
    BadPdu {
        /// The connection.
        stream: u32,
        /// The packet that completed it.
        at: Stamp,
        /// Its type.
        ptype: u8,
    },
    /// A reply that answers no request of the file.
    Orphan {
        /// The connection.
        stream: u32,
        /// The packet that completed it.
        at: Stamp,
        /// Its call id.
        call_id: u32,
    },
    /// A connection was given up while open: there were too many.
    Evicted {
        /// The connection.
        stream: u32,
        /// Its last packet.
        at: Stamp,
    },
    /// What was unfinished on a connection was given up: too much was, on all connections together.
    Shed {
        /// The connection.
        stream: u32,
        /// The packet that made it too much.
        at: Stamp,
    },
    /// Packets of a link type that is not known; told once for each type.
    UnknownLink {
        /// The first such packet.
        at: Stamp,
        /// The link type.
        link: LinkType,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Gap {
                stream,
                at,
                len,
                cause,
            } => {
                let place = match cause {
                    GapCause::CutShort => "of",
                    GapCause::Missing => "before",
                    GapCause::BeforeStart => "in",
                };
                let packet = at.packet;
                write!(
                    f,
                    "stream {stream}: {len} bytes {place} packet {packet} are {cause}"
                )
            }
            Self::NoPdu { stream, at } => {
                write!(f, "stream {stream}: packet {} holds no PDU", at.packet)
            }
            Self::BadPdu { stream, at, ptype } => write!(
                f,
                "stream {stream}: packet {} ends a PDU of type {ptype} that cannot be read",
                at.packet
            ),
            Self::Orphan {
                stream,
                at,
                call_id,
            } => write!(
                f,
                "stream {stream}: the reply in packet {} to call id {call_id} has no request in the capture",
                at.packet
            ),
            Self::Evicted { stream, at } => write!(
                f,
                "stream {stream}: given up after packet {}, too many connections are open",
                at.packet
            ),
            Self::Shed { stream, at } => write!(
                f,
                "stream {stream}: what was unfinished at packet {} is given up, too much is on all streams",
                at.packet
            ),
            Self::UnknownLink { at, link } => {
                write!(f, "packet {}: {link} is not known", at.packet)
            }
        }
    }
}

impl Notice {
    /// What a closed connection has to tell, if anything.
    pub(crate) fn of_close(stream: u32, at: Stamp, reason: CloseReason) -> Option<Self> {
        (reason == CloseReason::Evicted).then_some(Self::Evicted { stream, at })
    }
}

use std::fmt;
use std::ops::{BitAnd, BitOr, Not};

use super::length16;
use crate::codec::{ByteOrder, DecodeError, Reader, Writer};
use crate::open_enum::open_enum;

open_enum! {
    /// PDU type of the common header. Source: C706 12.6.1; MS-RPCE 2.2.2.1; MS-RPCH 2.2.3.6.1.
    pub struct PduType(u8) {
        /// A call.
        REQUEST = 0,
        /// Connectionless only.
        PING = 1,
        /// The answer to a call.
        RESPONSE = 2,
        /// The refusal of a call.
        FAULT = 3,
        /// Connectionless only.
        WORKING = 4,
        /// Connectionless only.
        NOCALL = 5,
        /// Connectionless only.
        REJECT = 6,
        /// Connectionless only.
        ACK = 7,
        /// Connectionless only.
        CL_CANCEL = 8,
        /// Connectionless only.
        FACK = 9,
        /// Connectionless only.
        CANCEL_ACK = 10,
        /// Asks for an association.
        BIND = 11,
        /// Grants it.
        BIND_ACK = 12,
        /// Refuses it.
        BIND_NAK = 13,
        /// Offers further presentation contexts.
        ALTER_CONTEXT = 14,
        /// Answers that offer.
        ALTER_CONTEXT_RESP = 15,
        /// Third leg of an authentication.
        AUTH3 = 16,
        /// Asks the client to end the connection.
        SHUTDOWN = 17,
        /// Cancels a call.
        CO_CANCEL = 18,
        /// Abandons a call.
        ORPHANED = 19,
        /// RPC over HTTP only.
        RTS = 20,
    }
}

/// Flags of the common header (`pfc_flags`). Source: C706 12.6.1; MS-RPCE 2.2.2.3.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct PfcFlags(pub u8);

impl PfcFlags {
    /// First fragment of a call.
    pub const FIRST_FRAG: Self = Self(0x01);
    /// Last fragment of a call.
    pub const LAST_FRAG: Self = Self(0x02);
    /// First and last fragment: the whole in one PDU.
    pub const WHOLE: Self = Self(0x03);
    /// On a request: a cancel was pending at the sender.
    pub const PENDING_CANCEL: Self = Self(0x04);
    /// On bind, `alter_context` and their answers: header signing. The same bit as [`Self::PENDING_CANCEL`].
    pub const HEADER_SIGN: Self = Self(0x04);
    /// Concurrent multiplexing of the connection.
    pub const CONC_MPX: Self = Self(0x10);
    /// On a fault: the call was certainly not executed.
    pub const DID_NOT_EXECUTE: Self = Self(0x20);
    /// `maybe` call semantics.
    pub const MAYBE: Self = Self(0x40);
    /// An object UUID stands before the stub.
    pub const OBJECT_UUID: Self = Self(0x80);

    /// Whether all bits of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for PfcFlags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitAnd for PfcFlags {
    type Output = Self;
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl Not for PfcFlags {
    type Output = Self;
    fn not(self) -> Self {
        Self(!self.0)
    }
}

impl fmt::Debug for PfcFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PfcFlags(0x{:02x})", self.0)
    }
}

/// Data representation label. Source: C706 14.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Drep(pub [u8; 4]);

impl Drep {
    /// Little-endian integers, ASCII, IEEE floats: what every KMS peer sends.
    pub const LITTLE_ENDIAN: Self = Self([0x10, 0, 0, 0]);
    /// Big-endian integers, ASCII, IEEE floats.
    pub const BIG_ENDIAN: Self = Self([0, 0, 0, 0]);

    /// Order of integers; an undefined integer format reads as little-endian.
    pub const fn order(self) -> ByteOrder {
        let [integers, ..] = self.0;
        match integers >> 4 {
            0 => ByteOrder::Big,
            _ => ByteOrder::Little,
        }
    }

    /// Whether it names formats that this implementation reads: either integer order, ASCII, IEEE, reserved octets 0.
    pub const fn is_supported(self) -> bool {
        matches!(self.0, [0x00 | 0x10, 0, 0, 0])
    }
}

impl Default for Drep {
    fn default() -> Self {
        Self::LITTLE_ENDIAN
    }
}

impl fmt::Debug for Drep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a:02x} {b:02x} {c:02x} {d:02x}")
    }
}

/// Names a call on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct CallId(pub u32);

/// Names a presentation context on its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ContextId(pub u16);

/// The common header without its two lengths. Source: C706 12.6.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Major RPC version: 5.
    pub rpc_vers: u8,
    /// Minor RPC version: 0.
    pub rpc_vers_minor: u8,
    /// PDU type.
    pub ptype: PduType,
    /// Flags.
    pub pfc_flags: PfcFlags,
    /// Data representation of this PDU.
    pub drep: Drep,
    /// The call it belongs to.
    pub call_id: CallId,
}

/// The two lengths of the common header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) frag_length: u16,
    pub(super) auth_length: u16,
}

impl Header {
    /// Octets of the common header.
    pub const LEN: usize = 16;

    /// A header of version 5.0 in one fragment, little-endian.
    pub fn new(ptype: PduType, call_id: CallId) -> Self {
        Self {
            rpc_vers: 5,
            rpc_vers_minor: 0,
            ptype,
            pfc_flags: PfcFlags::WHOLE,
            drep: Drep::LITTLE_ENDIAN,
            call_id,
        }
    }

    /// The same header with other flags.
    #[must_use]
    pub const fn with_flags(self, pfc_flags: PfcFlags) -> Self {
        Self { pfc_flags, ..self }
    }

    /// The `frag_length` of a PDU of which at least the first ten octets are there.
    pub fn peek_frag_length(bytes: &[u8]) -> Option<u16> {
        let (start, _) = bytes.split_first_chunk::<10>()?;
        let [_, _, _, _, integers, b, c, d, low, high] = *start;
        Some(match Drep([integers, b, c, d]).order() {
            ByteOrder::Little => u16::from_le_bytes([low, high]),
            ByteOrder::Big => u16::from_be_bytes([low, high]),
        })
    }

    /// Reads the header alone: version, type, flags and call id of a PDU whose body may make no sense.
    pub fn peek(bytes: &[u8]) -> Result<Self, DecodeError> {
        Ok(Self::decode(&mut Reader::new(bytes))?.0)
    }

    /// Reads the header and sets the reader's byte order by the `drep`.
    #[expect(
        clippy::inline_always,
        reason = "a result that goes through memory in octets is waited for where it is read whole"
    )]
    #[inline(always)]
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<(Self, Lengths), DecodeError> {
        let rpc_vers = r.u8("rpc_vers")?;
        let rpc_vers_minor = r.u8("rpc_vers_minor")?;
        let ptype = PduType(r.u8("PTYPE")?);
        let pfc_flags = PfcFlags(r.u8("pfc_flags")?);
        let drep = Drep(r.array("packed_drep")?);
        *r = r.clone().with_order(drep.order());
        let lengths = Lengths {
            frag_length: r.u16("frag_length")?,
            auth_length: r.u16("auth_length")?,
        };
        let call_id = CallId(r.u32("call_id")?);
        Ok((
            Self {
                rpc_vers,
                rpc_vers_minor,
                ptype,
                pfc_flags,
                drep,
                call_id,
            },
            lengths,
        ))
    }

    /// Writes the header with both lengths 0, for [`Self::patch_lengths`] to fill in.
    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            rpc_vers,
            rpc_vers_minor,
            ptype,
            pfc_flags,
            drep,
            call_id,
        } = *self;
        w.u8("rpc_vers", rpc_vers);
        w.u8("rpc_vers_minor", rpc_vers_minor);
        w.u8("PTYPE", ptype.0);
        w.u8("pfc_flags", pfc_flags.0);
        w.bytes("packed_drep", &drep.0);
        w.u16("frag_length", 0);
        w.u16("auth_length", 0);
        w.u32("call_id", call_id.0);
    }

    /// Fills in the lengths of the PDU that `w` has written.
    pub(super) fn patch_lengths(w: &mut Writer<'_>, auth_length: u16) {
        let frag_length = length16(w.position());
        for (at, value) in [(8, frag_length), (10, auth_length)] {
            let bytes = match w.order() {
                ByteOrder::Little => value.to_le_bytes(),
                ByteOrder::Big => value.to_be_bytes(),
            };
            w.patch(at, &bytes);
        }
    }
}

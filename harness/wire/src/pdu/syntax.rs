use std::fmt;

use crate::codec::{DecodeError, Reader, Writer};
use crate::guid::Guid;

/// A syntax identifier: the UUID and version of an interface or a transfer syntax. Source: C706 12.6.3.1.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct SyntaxId {
    /// UUID.
    pub uuid: Guid,
    /// Major version.
    pub major: u16,
    /// Minor version.
    pub minor: u16,
}

impl SyntaxId {
    /// Octets of its wire form.
    pub const LEN: usize = 20;
    /// All zero.
    pub const NIL: Self = Self::new(0, 0, 0);
    /// The KMS interface, version 1.0.
    pub const KMS: Self = Self::new(0x51c8_2175_844e_4750_b0d8_ec25_5555_bc06, 1, 0);
    /// NDR32, version 2.0. Source: C706 appendix I.
    pub const NDR32: Self = Self::new(0x8a88_5d04_1ceb_11c9_9fe8_0800_2b10_4860, 2, 0);
    /// NDR64, version 1.0. Source: MS-RPCE 2.2.4.12.
    pub const NDR64: Self = Self::new(0x7171_0533_beba_4937_8319_b5db_ef9c_cc36, 1, 0);
    /// A transfer syntax that nobody has.
    pub const UNASSIGNED: Self = Self::new(0x2222_2222_2222_2222_2222_2222_2222_2222, 2, 0);
    /// An interface that nobody has.
    pub const UNKNOWN_INTERFACE: Self = Self::new(0x1111_1111_2222_3333_4444_5555_5555_5555, 1, 0);

    /// From the number the UUID's text form spells, and a version.
    pub const fn new(uuid: u128, major: u16, minor: u16) -> Self {
        Self {
            uuid: Guid::from_u128(uuid),
            major,
            minor,
        }
    }

    /// The same UUID with another version.
    #[must_use]
    pub const fn version(self, major: u16, minor: u16) -> Self {
        Self {
            major,
            minor,
            ..self
        }
    }

    pub(super) fn decode(
        r: &mut Reader<'_>,
        [uuid, version]: [&'static str; 2],
    ) -> Result<Self, DecodeError> {
        let uuid = r.guid(uuid)?;
        // One 32-bit integer on the wire, the major version in its low half: its halves follow the byte order as one.
        let version = r.u32(version)?;
        let [a, b, c, d] = version.to_le_bytes();
        Ok(Self {
            uuid,
            major: u16::from_le_bytes([a, b]),
            minor: u16::from_le_bytes([c, d]),
        })
    }

    pub(super) fn encode(self, w: &mut Writer<'_>, [uuid, version]: [&'static str; 2]) {
        w.guid(uuid, self.uuid);
        w.u32(version, u32::from(self.major) | u32::from(self.minor) << 16);
    }
}

impl fmt::Display for SyntaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::KMS => f.write_str("KMS 1.0"),
            Self::NDR32 => f.write_str("NDR32 2.0"),
            Self::NDR64 => f.write_str("NDR64 1.0"),
            Self { uuid, major, minor } => write!(f, "{uuid} {major}.{minor}"),
        }
    }
}

impl fmt::Debug for SyntaxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

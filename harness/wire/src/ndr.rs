//! The stubs of `RequestActivation` in NDR32 and NDR64. Source: C706 chapter 14; MS-RPCE 2.2.5; kms-protocol section 2.

mod request;
mod response;

#[cfg(test)]
mod tests;

pub use request::RequestStub;
pub use response::{ResponseStub, Returned};

use crate::codec::{DecodeError, Reader, Writer};
use crate::pdu::SyntaxId;

/// A transfer syntax this implementation speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TransferSyntax {
    /// NDR, 32-bit counts and referents.
    Ndr32,
    /// NDR64, 64-bit counts and referents.
    Ndr64,
}

impl TransferSyntax {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ndr32, Self::Ndr64];

    /// The one that an identifier names, version included.
    pub fn from_id(id: SyntaxId) -> Option<Self> {
        Self::ALL.into_iter().find(|syntax| syntax.id() == id)
    }

    /// Its identifier.
    pub const fn id(self) -> SyntaxId {
        match self {
            Self::Ndr32 => SyntaxId::NDR32,
            Self::Ndr64 => SyntaxId::NDR64,
        }
    }

    /// `ndr32` or `ndr64`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ndr32 => "ndr32",
            Self::Ndr64 => "ndr64",
        }
    }

    /// Octets between a 32-bit size and the first 64-bit field.
    const fn gap(self) -> usize {
        match self {
            Self::Ndr32 => 0,
            Self::Ndr64 => 4,
        }
    }

    /// A count or referent: 32 bits in NDR32, 64 in NDR64.
    fn read(self, r: &mut Reader<'_>, field: &'static str) -> Result<u64, DecodeError> {
        match self {
            Self::Ndr32 => r.u32(field).map(u64::from),
            Self::Ndr64 => r.u64(field),
        }
    }

    /// Writes a count or referent; in NDR32 what does not fit saturates.
    fn write(self, w: &mut Writer<'_>, field: &'static str, value: u64) {
        match self {
            Self::Ndr32 => w.u32(field, u32::try_from(value).unwrap_or(u32::MAX)),
            Self::Ndr64 => w.u64(field, value),
        }
    }
}

/// A length as a 32-bit size; what does not fit saturates.
fn size32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

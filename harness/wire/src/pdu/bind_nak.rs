use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::open_enum::open_enum;

open_enum! {
    /// Why a bind was refused. Source: C706 12.6.3.1; MS-RPCE 2.2.2.5.
    pub struct NakReason(u16) {
        /// No reason given.
        NOT_SPECIFIED = 0,
        /// The host is busy.
        TEMPORARY_CONGESTION = 1,
        /// A limit of the host.
        LOCAL_LIMIT_EXCEEDED = 2,
        /// Unused in practice.
        CALLED_PADDR_UNKNOWN = 3,
        /// Another RPC version, or a bind that makes no sense.
        PROTOCOL_VERSION_NOT_SUPPORTED = 4,
        /// Unused in practice.
        DEFAULT_CONTEXT_NOT_SUPPORTED = 5,
        /// Unused in practice.
        USER_DATA_NOT_READABLE = 6,
        /// Unused in practice.
        NO_PSAP_AVAILABLE = 7,
        /// The authentication type is not known.
        AUTHENTICATION_TYPE_NOT_RECOGNIZED = 8,
        /// The authentication failed.
        INVALID_CHECKSUM = 9,
    }
}

/// Body of `bind_nak`. Source: C706 12.6.4.5; MS-RPCE 2.2.2.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindNak<'a> {
    /// Why the bind was refused.
    pub reason: NakReason,
    /// Protocol versions the host speaks, as pairs of major and minor; absent where the PDU ends behind the reason.
    pub versions: Option<&'a [[u8; 2]]>,
    /// Octets behind the versions: padding, or a signature UUID with extended error data.
    pub trailing: &'a [u8],
}

impl<'a> BindNak<'a> {
    /// Version 5.0 alone, with three octets of padding: what Windows sends.
    pub const fn new(reason: NakReason) -> Self {
        Self {
            reason,
            versions: Some(&[[5, 0]]),
            trailing: &[0, 0, 0],
        }
    }

    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let reason = NakReason(r.u16("provider_reject_reason")?);
        if r.remaining() == 0 {
            return Ok(Self {
                reason,
                versions: None,
                trailing: &[],
            });
        }
        let count = r.u8("n_protocols")?;
        let need = usize::from(count).saturating_mul(2);
        let (pairs, rest) = r.bytes("p_protocols", need)?.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(r.error("p_protocols", Problem::Trailing { left: rest.len() }));
        }
        Ok(Self {
            reason,
            versions: Some(pairs),
            trailing: r.rest(),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            reason,
            versions,
            trailing,
        } = *self;
        w.u16("provider_reject_reason", reason.0);
        if let Some(versions) = versions {
            w.u8(
                "n_protocols",
                u8::try_from(versions.len()).unwrap_or(u8::MAX),
            );
            for [major, minor] in versions {
                w.u8("p_protocols.major", *major);
                w.u8("p_protocols.minor", *minor);
            }
        }
        if !trailing.is_empty() {
            w.bytes("trailing", trailing);
        }
    }
}

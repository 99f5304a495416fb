use super::{ContextId, PfcFlags};
use crate::codec::{DecodeError, Reader, Writer};
use crate::guid::Guid;
use crate::open_enum::open_enum;

/// Body of a request. Source: C706 12.6.4.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Octets of the whole stub that are still to come, this fragment included; 0 for no hint.
    pub alloc_hint: u32,
    /// The presentation context.
    pub context_id: ContextId,
    /// The operation.
    pub opnum: u16,
    /// The object, present exactly when [`PfcFlags::OBJECT_UUID`] is set.
    pub object: Option<Guid>,
    /// The stub, or this fragment's part of it.
    pub stub: &'a [u8],
}

impl<'a> Request<'a> {
    /// Octets of a request PDU before its stub, without an object.
    pub const OVERHEAD: usize = 24;

    pub(super) fn decode(flags: PfcFlags, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            alloc_hint: r.u32("alloc_hint")?,
            context_id: ContextId(r.u16("p_cont_id")?),
            opnum: r.u16("opnum")?,
            object: if flags.has(PfcFlags::OBJECT_UUID) {
                Some(r.guid("object")?)
            } else {
                None
            },
            stub: r.rest(),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            alloc_hint,
            context_id,
            opnum,
            object,
            stub,
        } = *self;
        w.u32("alloc_hint", alloc_hint);
        w.u16("p_cont_id", context_id.0);
        w.u16("opnum", opnum);
        if let Some(object) = object {
            w.guid("object", object);
        }
        w.bytes("stub", stub);
    }
}

/// Body of a response. Source: C706 12.6.4.10.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// Octets of the whole stub that are still to come, this fragment included; 0 for no hint.
    pub alloc_hint: u32,
    /// The presentation context.
    pub context_id: ContextId,
    /// Cancels received: 0.
    pub cancel_count: u8,
    /// Reserved octet, 0.
    pub reserved: u8,
    /// The stub, or this fragment's part of it.
    pub stub: &'a [u8],
}

impl<'a> Response<'a> {
    /// Octets of a response PDU before its stub.
    pub const OVERHEAD: usize = 24;

    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            alloc_hint: r.u32("alloc_hint")?,
            context_id: ContextId(r.u16("p_cont_id")?),
            cancel_count: r.u8("cancel_count")?,
            reserved: r.u8("reserved")?,
            stub: r.rest(),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            alloc_hint,
            context_id,
            cancel_count,
            reserved,
            stub,
        } = *self;
        w.u32("alloc_hint", alloc_hint);
        w.u16("p_cont_id", context_id.0);
        w.u8("cancel_count", cancel_count);
        w.u8("reserved", reserved);
        w.bytes("stub", stub);
    }
}

open_enum! {
    /// Status of a fault. Source: C706 appendix E; MS-RPCE 2.2.2.8, 3.3.3.5.
    pub struct FaultStatus(u32) {
        /// `ERROR_ACCESS_DENIED`: a limit or an unexpected verifier.
        ACCESS_DENIED = 0x0000_0005,
        /// `RPC_S_SERVER_UNAVAILABLE`.
        SERVER_UNAVAILABLE = 0x0000_06ba,
        /// `RPC_S_NO_CALL_ACTIVE`.
        NO_CALL_ACTIVE = 0x0000_06bd,
        /// `RPC_X_BAD_STUB_DATA`: the stub does not unmarshal.
        BAD_STUB_DATA = 0x0000_06f7,
        /// `RPC_S_SEC_PKG_ERROR`.
        SEC_PKG_ERROR = 0x0000_0721,
        /// `nca_s_op_rng_error`: no such operation.
        OP_RNG_ERROR = 0x1c01_0002,
        /// `nca_s_unk_if`: no such interface, or no such presentation context.
        UNK_IF = 0x1c01_0003,
        /// `nca_s_proto_error`: the peer broke the protocol.
        PROTO_ERROR = 0x1c01_000b,
        /// `nca_s_out_args_too_big`.
        OUT_ARGS_TOO_BIG = 0x1c01_0013,
        /// `nca_s_server_too_busy`.
        SERVER_TOO_BUSY = 0x1c01_0014,
        /// `nca_s_unsupported_type`: no such object.
        UNSUPPORTED_TYPE = 0x1c01_0017,
        /// `nca_s_fault_invalid_bound`.
        INVALID_BOUND = 0x1c00_0007,
        /// `nca_s_rpc_version_mismatch`.
        RPC_VERSION_MISMATCH = 0x1c00_0008,
        /// `nca_s_unspec_reject`.
        UNSPEC_REJECT = 0x1c00_0009,
        /// `nca_s_fault_cancel`.
        CANCEL = 0x1c00_000d,
        /// `nca_s_fault_context_mismatch`: a stale context handle.
        CONTEXT_MISMATCH = 0x1c00_001a,
        /// `nca_s_fault_remote_no_memory`.
        REMOTE_NO_MEMORY = 0x1c00_001b,
        /// `nca_s_invalid_pres_context_id`.
        INVALID_PRES_CONTEXT_ID = 0x1c00_001c,
        /// `nca_s_unsupported_authn_level`.
        UNSUPPORTED_AUTHN_LEVEL = 0x1c00_001d,
        /// `nca_s_invalid_checksum`.
        INVALID_CHECKSUM = 0x1c00_001f,
    }
}

impl FaultStatus {
    /// Whether a fault must not have it: success, warnings, and exceptions that clients' run-time systems raise
    /// themselves. Source: MS-RPCE 3.3.3.5.1.
    pub const fn is_forbidden(self) -> bool {
        matches!(
            self.0,
            0x0000_0000
                | 0x8000_0001
                | 0x8000_0002
                | 0x8000_0003
                | 0xc000_0005
                | 0xc000_0006
                | 0xc000_001d
                | 0xc000_0096
                | 0xc000_00aa
                | 0xc000_00fd
                | 0xc000_0194
                | 0xc000_0235
                | 0xc000_0409
                | 0xc000_0420
        )
    }
}

/// Body of a fault. Source: C706 12.6.4.7; MS-RPCE 2.2.2.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault<'a> {
    /// Not 0 where Windows' clients are to read it: Windows sends 32.
    pub alloc_hint: u32,
    /// The presentation context, 0 where there is none.
    pub context_id: ContextId,
    /// Cancels received: 0.
    pub cancel_count: u8,
    /// Bit 0 says that extended error data follow. Reserved in C706.
    pub flags: u8,
    /// Why the call failed.
    pub status: FaultStatus,
    /// Four reserved octets, 0.
    pub reserved: [u8; 4],
    /// Extended error data: none as a rule.
    pub stub: &'a [u8],
}

impl<'a> Fault<'a> {
    /// Octets of a fault PDU without extended error data.
    pub const LEN: usize = 32;

    /// A fault with nothing but its status and context.
    pub const fn new(status: FaultStatus, context_id: ContextId) -> Self {
        Self {
            alloc_hint: 32,
            context_id,
            cancel_count: 0,
            flags: 0,
            status,
            reserved: [0; 4],
            stub: &[],
        }
    }

    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            alloc_hint: r.u32("alloc_hint")?,
            context_id: ContextId(r.u16("p_cont_id")?),
            cancel_count: r.u8("cancel_count")?,
            flags: r.u8("flags")?,
            status: FaultStatus(r.u32("status")?),
            reserved: r.array("reserved")?,
            stub: r.rest(),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            alloc_hint,
            context_id,
            cancel_count,
            flags,
            status,
            reserved,
            stub,
        } = *self;
        w.u32("alloc_hint", alloc_hint);
        w.u16("p_cont_id", context_id.0);
        w.u8("cancel_count", cancel_count);
        w.u8("flags", flags);
        w.u32("status", status.0);
        w.bytes("reserved", &reserved);
        w.bytes("stub", stub);
    }
}

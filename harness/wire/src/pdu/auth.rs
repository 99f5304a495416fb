use super::length16;
use crate::codec::{DecodeError, Problem, Reader, Writer};

/// A security trailer with its token. Source: C706 13.2.6; MS-RPCE 2.2.2.11.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthVerifier<'a> {
    /// Octets between the body and the trailer, counted by `auth_pad_length`.
    pub padding: &'a [u8],
    /// Security provider.
    pub auth_type: u8,
    /// Level of protection.
    pub auth_level: u8,
    /// Reserved octet, 0.
    pub reserved: u8,
    /// Names the security context.
    pub auth_context_id: u32,
    /// The provider's token; its length is `auth_length`.
    pub token: &'a [u8],
}

impl<'a> AuthVerifier<'a> {
    /// Octets of the trailer without padding and token.
    pub const TRAILER: usize = 8;

    /// Takes the verifier off the end of a PDU whose common header was read; `r` keeps the body.
    pub(super) fn split_off(
        r: &mut Reader<'a>,
        auth_length: usize,
    ) -> Result<Option<Self>, DecodeError> {
        if auth_length == 0 {
            return Ok(None);
        }
        let body_and_verifier = r.remaining();
        let too_long = |at, field, max: usize, got: usize| DecodeError {
            at,
            field,
            problem: Problem::TooLong {
                max: widen(max),
                got: widen(got),
            },
        };
        let Some(before) = body_and_verifier.checked_sub(auth_length.saturating_add(Self::TRAILER))
        else {
            return Err(too_long(
                10,
                "auth_length",
                body_and_verifier.saturating_sub(Self::TRAILER),
                auth_length,
            ));
        };
        let mut body = r.sub("body", before)?;
        let at_pad_length = r.position().saturating_add(2);
        let (auth_type, auth_level) = (r.u8("auth_type")?, r.u8("auth_level")?);
        let pad_length = usize::from(r.u8("auth_pad_length")?);
        let reserved = r.u8("auth_reserved")?;
        let auth_context_id = r.u32("auth_context_id")?;
        let token = r.rest();
        let Some(body_len) = before.checked_sub(pad_length) else {
            return Err(too_long(
                at_pad_length,
                "auth_pad_length",
                before,
                pad_length,
            ));
        };
        *r = body.sub("body", body_len)?;
        let padding = body.rest();
        Ok(Some(Self {
            padding,
            auth_type,
            auth_level,
            reserved,
            auth_context_id,
            token,
        }))
    }

    /// Writes padding, trailer and token; the value of `auth_length`.
    pub(super) fn encode(&self, w: &mut Writer<'_>) -> u16 {
        let Self {
            padding,
            auth_type,
            auth_level,
            reserved,
            auth_context_id,
            token,
        } = *self;
        w.bytes("auth_padding", padding);
        w.u8("auth_type", auth_type);
        w.u8("auth_level", auth_level);
        w.u8(
            "auth_pad_length",
            u8::try_from(padding.len()).unwrap_or(u8::MAX),
        );
        w.u8("auth_reserved", reserved);
        w.u32("auth_context_id", auth_context_id);
        w.bytes("auth_value", token);
        length16(token.len())
    }
}

fn widen(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

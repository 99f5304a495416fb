//! Connection-oriented DCE/RPC PDUs. Source: C706 chapter 12; MS-RPCE 2.2.2.
//!
//! [`Pdu::decode`] reads exactly one PDU and borrows from it; lists (context elements, results) stay in wire form and
//! are read by iterators, so that decoding allocates nothing. [`Pdu::encode`] writes the honest form: `frag_length` and
//! `auth_length` follow from the content. [`Encoded`] is what to use to lie in one field.

mod auth;
mod bind;
mod bind_ack;
mod bind_nak;
mod build;
mod call;
mod encoded;
mod header;
mod list;
mod syntax;

#[cfg(test)]
mod tests;

pub use auth::AuthVerifier;
pub use bind::{Bind, Context, ContextElement, ContextList};
pub use bind_ack::{BindAck, ContextResult, ContextResultCode, Reason, ResultList};
pub use bind_nak::{BindNak, NakReason};
pub use build::{BindBuilder, RequestBuilder};
pub use call::{Fault, FaultStatus, Request, Response};
pub use encoded::Encoded;
pub use header::{CallId, ContextId, Drep, Header, PduType, PfcFlags};
pub use list::SyntaxList;
pub use syntax::SyntaxId;

use crate::codec::{DecodeError, Problem, Reader, Writer};

/// One PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pdu<'a> {
    /// The common header, without the two lengths, which follow from the content.
    pub header: Header,
    /// What follows the header.
    pub body: Body<'a>,
    /// The security trailer, if `auth_length` was not 0.
    pub auth: Option<AuthVerifier<'a>>,
}

/// What follows the common header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body<'a> {
    /// A call, or a fragment of it. Source: C706 12.6.4.9.
    Request(Request<'a>),
    /// Its answer, or a fragment of it. Source: C706 12.6.4.10.
    Response(Response<'a>),
    /// The refusal of a call. Source: C706 12.6.4.7.
    Fault(Fault<'a>),
    /// Asks for an association. Source: C706 12.6.4.3.
    Bind(Bind<'a>),
    /// Grants it. Source: C706 12.6.4.4.
    BindAck(BindAck<'a>),
    /// Refuses it. Source: C706 12.6.4.5.
    BindNak(BindNak<'a>),
    /// Offers further presentation contexts. Source: C706 12.6.4.1.
    AlterContext(Bind<'a>),
    /// Answers that offer. Source: C706 12.6.4.2.
    AlterContextResp(BindAck<'a>),
    /// Third leg of an authentication: four octets of padding, then the trailer. Source: MS-RPCE 2.2.2.5.
    Auth3(&'a [u8]),
    /// Asks the client to end the connection. Source: C706 12.6.4.11.
    Shutdown(&'a [u8]),
    /// Cancels a call. Source: C706 12.6.4.6.
    CoCancel(&'a [u8]),
    /// Abandons a call. Source: C706 12.6.4.8.
    Orphaned(&'a [u8]),
    /// Any other PDU type, its octets kept.
    Unknown(&'a [u8]),
}

impl<'a> Pdu<'a> {
    /// Decodes one PDU: `bytes` holds exactly the octets its `frag_length` announces.
    ///
    /// # Errors
    /// The first field that does not fit, with its offset from the start of the PDU.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        let (header, lengths) = Header::decode(&mut r)?;
        let frag_length = usize::from(lengths.frag_length);
        if frag_length != bytes.len() {
            let (got, expected) = (
                u64::from(lengths.frag_length),
                u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            );
            return Err(DecodeError {
                at: 8,
                field: "frag_length",
                problem: Problem::Disagrees { expected, got },
            });
        }
        let auth = AuthVerifier::split_off(&mut r, usize::from(lengths.auth_length))?;
        let body = Body::decode(&header, &mut r)?;
        Ok(Self { header, body, auth })
    }

    /// Appends the PDU to `out`; integers in the order the header's `drep` names.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.write(Writer::new(out));
    }

    /// The PDU's octets with the map of its fields.
    pub fn encoded(&self) -> Encoded {
        let mut encoded = Encoded::default();
        self.write(Writer::new(&mut encoded.bytes).with_spans(&mut encoded.spans));
        encoded
    }

    fn write(&self, w: Writer<'_>) {
        let Self { header, body, auth } = self;
        let mut w = w.with_order(header.drep.order());
        header.encode(&mut w);
        body.encode(&mut w);
        let auth_length = auth.map_or(0, |auth| auth.encode(&mut w));
        Header::patch_lengths(&mut w, auth_length);
    }
}

impl<'a> Body<'a> {
    fn decode(header: &Header, r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match header.ptype {
            PduType::REQUEST => Self::Request(Request::decode(header.pfc_flags, r)?),
            PduType::RESPONSE => Self::Response(Response::decode(r)?),
            PduType::FAULT => Self::Fault(Fault::decode(r)?),
            PduType::BIND => Self::Bind(Bind::decode(r)?),
            PduType::BIND_ACK => Self::BindAck(BindAck::decode(r)?),
            PduType::BIND_NAK => Self::BindNak(BindNak::decode(r)?),
            PduType::ALTER_CONTEXT => Self::AlterContext(Bind::decode(r)?),
            PduType::ALTER_CONTEXT_RESP => Self::AlterContextResp(BindAck::decode(r)?),
            PduType::AUTH3 => Self::Auth3(r.rest()),
            PduType::SHUTDOWN => Self::Shutdown(r.rest()),
            PduType::CO_CANCEL => Self::CoCancel(r.rest()),
            PduType::ORPHANED => Self::Orphaned(r.rest()),
            _ => Self::Unknown(r.rest()),
        })
    }

    fn encode(&self, w: &mut Writer<'_>) {
        match self {
            Self::Request(request) => request.encode(w),
            Self::Response(response) => response.encode(w),
            Self::Fault(fault) => fault.encode(w),
            Self::Bind(bind) | Self::AlterContext(bind) => bind.encode(w),
            Self::BindAck(ack) | Self::AlterContextResp(ack) => ack.encode(w),
            Self::BindNak(nak) => nak.encode(w),
            Self::Auth3(octets)
            | Self::Shutdown(octets)
            | Self::CoCancel(octets)
            | Self::Orphaned(octets)
            | Self::Unknown(octets) => w.bytes("body", octets),
        }
    }
}

/// A length as the 16-bit field that carries it; what does not fit saturates.
fn length16(len: usize) -> u16 {
    u16::try_from(len).unwrap_or(u16::MAX)
}

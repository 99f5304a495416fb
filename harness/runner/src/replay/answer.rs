use std::fmt;

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::{Assembler, Limits, Part};
use kmspec_wire::kms::HResult;
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Body, FaultStatus, NakReason, Pdu, PduType};

use crate::peer::Ending;

/// What a host did in answer to one thing sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Its PDUs: one, or the fragments of a response.
    pub pdus: Vec<Vec<u8>>,
    /// How the connection ended instead of, or behind, them; as far as that was looked at.
    pub ended: Option<Ending>,
}

/// What an answer amounts to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An association or further contexts are granted, each context perhaps not.
    Acknowledged,
    /// An association is refused.
    Nak(NakReason),
    /// The request is answered with a KMS response.
    Served,
    /// The request is answered with an error.
    Refused(HResult),
    /// The call is answered with a fault.
    Fault(FaultStatus),
    /// The connection ended without an answer.
    Ended(Ending),
    /// There is no answer.
    Silence,
    /// A PDU that cannot be read as any of these.
    Unreadable(PduType),
}

impl Answer {
    /// One PDU.
    pub fn of(pdu: Vec<u8>) -> Self {
        Self {
            pdus: vec![pdu],
            ended: None,
        }
    }

    /// Whether nothing is known of it.
    pub fn is_empty(&self) -> bool {
        self.pdus.is_empty() && self.ended.is_none()
    }

    /// What it amounts to, its stub read in this transfer syntax.
    pub fn outcome(&self, syntax: TransferSyntax) -> Outcome {
        let Some(first) = self.pdus.first() else {
            return self.ended.map_or(Outcome::Silence, Outcome::Ended);
        };
        let unreadable = Outcome::Unreadable(PduType(first.get(2).copied().unwrap_or(u8::MAX)));
        match Pdu::decode(first).map(|pdu| pdu.body) {
            Ok(Body::BindAck(_) | Body::AlterContextResp(_)) => Outcome::Acknowledged,
            Ok(Body::BindNak(nak)) => Outcome::Nak(nak.reason),
            Ok(Body::Fault(fault)) => Outcome::Fault(fault.status),
            Ok(Body::Response(_)) => self.response(syntax).unwrap_or(unreadable),
            _ => unreadable,
        }
    }

    fn response(&self, syntax: TransferSyntax) -> Option<Outcome> {
        let (stub, order) = self.stub()?;
        let stub = ResponseStub::decode(syntax, order, &stub).ok()?;
        Some(match stub.return_value {
            0 if stub.returned.is_some() => Outcome::Served,
            value => Outcome::Refused(HResult(value)),
        })
    }

    /// The whole stub of a response, and the order of its integers.
    pub(super) fn stub(&self) -> Option<(Vec<u8>, ByteOrder)> {
        let mut assembler = Assembler::new(Limits::default());
        for octets in &self.pdus {
            let pdu = Pdu::decode(octets).ok()?;
            let Body::Response(response) = pdu.body else {
                return None;
            };
            let order = pdu.header.drep.order();
            let part = Part::of_response(&pdu.header, &response);
            if let Some(stub) = assembler.push(part).ok()? {
                return Some((stub.to_vec(), order));
            }
        }
        None
    }
}

impl Outcome {
    /// Whether it is an answer of the same form as the other, so that their fields can be set side by side.
    pub(super) fn is_like(self, other: Self) -> bool {
        std::mem::discriminant(&self) == std::mem::discriminant(&other)
    }

    /// Whether it grants nothing.
    pub(super) const fn is_refusal(self) -> bool {
        matches!(
            self,
            Self::Nak(_) | Self::Refused(_) | Self::Fault(_) | Self::Ended(_)
        )
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acknowledged => f.write_str("an acknowledgement"),
            Self::Nak(reason) => write!(f, "bind_nak {reason}"),
            Self::Served => f.write_str("a KMS response"),
            Self::Refused(hresult) => write!(f, "HRESULT {hresult}"),
            Self::Fault(status) => write!(f, "fault {status}"),
            Self::Ended(ending) => write!(f, "no answer, the connection {ending}"),
            Self::Silence => f.write_str("no answer"),
            Self::Unreadable(ptype) => write!(f, "an unreadable PDU of type {}", ptype.0),
        }
    }
}

use std::fmt;

use kmspec_wire::pdu::{
    Body, CallId, ContextId, ContextResult, FaultStatus, Header, NakReason, Pdu, PduType, PfcFlags,
};

use super::{describe_pdu, ptype_name, same_results};

/// One lawful way of answering. A requirement's `expect` and `tolerate` are lists of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    first: First,
    closes: bool,
    call_id: Option<CallId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum First {
    Nothing,
    Nak(Vec<NakReason>),
    Fault {
        statuses: Vec<FaultStatus>,
        flags: Option<PfcFlags>,
        context_id: Option<ContextId>,
    },
    Response,
    Refusal,
    Ack,
    Results(Vec<ContextResult>),
    Kind(PduType),
}

/// The connection ends without a PDU.
pub const fn closed() -> Answer {
    Answer::beginning(First::Nothing).closes()
}

/// No octet arrives and the connection stays open.
pub const fn silent() -> Answer {
    Answer::beginning(First::Nothing)
}

/// A `bind_nak` with one of these reasons; any reason if there are none.
pub fn nak(reasons: impl IntoIterator<Item = u16>) -> Answer {
    Answer::beginning(First::Nak(reasons.into_iter().map(NakReason).collect()))
}

/// A fault with one of these statuses; any status if there are none.
pub fn fault(statuses: impl IntoIterator<Item = FaultStatus>) -> Answer {
    let statuses = statuses.into_iter().collect();
    Answer::beginning(First::Fault {
        statuses,
        flags: None,
        context_id: None,
    })
}

/// A response, whatever is in it.
pub const fn responds() -> Answer {
    Answer::beginning(First::Response)
}

/// A response whose return value is not 0: its last four octets, in NDR32 and NDR64 alike.
pub const fn refusal() -> Answer {
    Answer::beginning(First::Refusal)
}

/// A `bind_ack` without a security trailer, whatever its results.
pub const fn acks() -> Answer {
    Answer::beginning(First::Ack)
}

/// A `bind_ack` or `alter_context_resp` with these results, in what a client may use of them.
pub fn acks_with(results: impl IntoIterator<Item = ContextResult>) -> Answer {
    Answer::beginning(First::Results(results.into_iter().collect()))
}

/// A PDU of this type, whatever is in it.
pub const fn kind(ptype: PduType) -> Answer {
    Answer::beginning(First::Kind(ptype))
}

impl Answer {
    const fn beginning(first: First) -> Self {
        Self {
            first,
            closes: false,
            call_id: None,
        }
    }

    /// … of this call.
    #[must_use]
    pub const fn call(mut self, call_id: u32) -> Self {
        self.call_id = Some(CallId(call_id));
        self
    }

    /// … and then the connection ends.
    #[must_use]
    pub const fn closes(mut self) -> Self {
        self.closes = true;
        self
    }

    /// … with exactly these flags (of a fault).
    #[must_use]
    pub fn flags(mut self, wanted: u8) -> Self {
        if let First::Fault { flags, .. } = &mut self.first {
            *flags = Some(PfcFlags(wanted));
        }
        self
    }

    /// … with this context id (of a fault).
    #[must_use]
    pub fn context(mut self, wanted: u16) -> Self {
        if let First::Fault { context_id, .. } = &mut self.first {
            *context_id = Some(ContextId(wanted));
        }
        self
    }

    /// Whether it ends the connection.
    pub const fn is_closing(&self) -> bool {
        self.closes
    }

    /// Whether what came is this answer: it begins so, and ends the connection or, where no PDU came, does not. That the
    /// connection ends behind the PDU of an answer which need not end it is not looked at.
    pub(crate) fn is_given_by(&self, got: &Got) -> bool {
        let ends_right = self.closes == got.ended.is_some() || !self.closes && got.octets.is_some();
        ends_right && self.begins_with(got.octets.as_deref())
    }

    /// Whether one of these answers is silence.
    pub(crate) fn may_be_silence(lawful: &[Self]) -> bool {
        lawful
            .iter()
            .any(|answer| !answer.closes && answer.begins_with(None))
    }

    /// Whether each of these answers that begins with this PDU ends the connection.
    pub(crate) fn must_end(lawful: &[Self], octets: &[u8]) -> bool {
        let fitting = || {
            lawful
                .iter()
                .filter(|answer| answer.begins_with(Some(octets)))
        };
        fitting().next().is_some() && fitting().all(Self::is_closing)
    }

    /// All of these in words.
    pub(crate) fn list(lawful: &[Self]) -> String {
        let words: Vec<String> = lawful.iter().map(ToString::to_string).collect();
        words.join("; or ")
    }

    /// Whether a PDU, or none before an end or silence, begins this answer.
    pub(crate) fn begins_with(&self, octets: Option<&[u8]>) -> bool {
        let Some(octets) = octets else {
            return self.first == First::Nothing;
        };
        let Ok(pdu) = Pdu::decode(octets) else {
            return matches!((&self.first, Header::peek(octets)), (First::Kind(kind), Ok(header)) if *kind == header.ptype);
        };
        self.call_id.is_none_or(|id| id == pdu.header.call_id) && self.first.is(&pdu)
    }
}

impl First {
    fn is(&self, pdu: &Pdu<'_>) -> bool {
        match (self, pdu.body) {
            (Self::Nak(reasons), Body::BindNak(nak)) => {
                reasons.is_empty() || reasons.contains(&nak.reason)
            }
            (
                Self::Fault {
                    statuses,
                    flags,
                    context_id,
                },
                Body::Fault(fault),
            ) => {
                (statuses.is_empty() || statuses.contains(&fault.status))
                    && flags.is_none_or(|flags| flags == pdu.header.pfc_flags)
                    && context_id.is_none_or(|id| id == fault.context_id)
            }
            (Self::Response, Body::Response(_)) => true,
            (Self::Refusal, Body::Response(response)) => response
                .stub
                .last_chunk()
                .is_some_and(|value| *value != [0; 4]),
            (Self::Ack, Body::BindAck(_)) => pdu.auth.is_none(),
            (Self::Results(wanted), Body::BindAck(ack) | Body::AlterContextResp(ack)) => {
                same_results(&ack.results.iter().collect::<Vec<_>>(), wanted)
            }
            (Self::Kind(kind), _) => *kind == pdu.header.ptype,
            _ => false,
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.first {
            First::Nothing if self.closes => {
                return f.write_str("the connection closed without a PDU");
            }
            First::Nothing => return f.write_str("silence"),
            First::Nak(reasons) => write!(f, "bind_nak{}", list(reasons))?,
            First::Fault {
                statuses,
                flags,
                context_id,
            } => {
                write!(f, "fault{}", list(statuses))?;
                if let Some(flags) = flags {
                    write!(f, ", pfc 0x{:02x}", flags.0)?;
                }
                if let Some(id) = context_id {
                    write!(f, ", context {}", id.0)?;
                }
            }
            First::Response => f.write_str("response")?,
            First::Refusal => f.write_str("response with a return value other than 0")?,
            First::Ack => f.write_str("bind_ack without a security trailer")?,
            First::Results(results) => write!(f, "results {results:?}")?,
            First::Kind(kind) => f.write_str(&ptype_name(*kind))?,
        }
        if let Some(CallId(id)) = self.call_id {
            write!(f, " of call {id}")?;
        }
        f.write_str(if self.closes { ", then closed" } else { "" })
    }
}

fn list<T: fmt::Display>(values: &[T]) -> String {
    let words: Vec<String> = values.iter().map(T::to_string).collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" {}", words.join("/"))
    }
}

/// What a target did where several answers are lawful.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    /// The PDU, if one came.
    pub octets: Option<Vec<u8>>,
    /// How the connection ended behind it, if it did.
    pub ended: Option<crate::peer::Ending>,
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.octets, self.ended) {
            (None, None) => f.write_str("silence"),
            (None, Some(ending)) => write!(f, "the connection {ending} without a PDU"),
            (Some(octets), None) => f.write_str(&describe_pdu(octets)),
            (Some(octets), Some(ending)) => write!(f, "{}, then {ending}", describe_pdu(octets)),
        }
    }
}

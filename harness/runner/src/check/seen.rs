use std::marker::PhantomData;
use std::ops::Range;

use kmspec_wire::pdu::{
    Bind, BindAck, BindNak, Body, CallId, ContextResult, Encoded, Fault, Header, Pdu, PduType,
    PfcFlags, Request, Response,
};

use super::Field;
use crate::verdict::{Evidence, Stop};

/// A kind of PDU that a case can expect.
pub trait Kind {
    /// Its body.
    type Body<'a>;
    /// Its type.
    const PTYPE: PduType;
    /// The body, if it is of this kind.
    fn of(body: Body<'_>) -> Option<Self::Body<'_>>;
    /// What a failure calls it.
    fn name() -> String {
        ptype_name(Self::PTYPE)
    }
}

/// Any PDU at all: for what holds of each.
#[derive(Clone, Copy, Debug)]
pub struct AnyPdu;

impl Kind for AnyPdu {
    type Body<'a> = Body<'a>;
    const PTYPE: PduType = PduType(u8::MAX);
    fn of(body: Body<'_>) -> Option<Self::Body<'_>> {
        Some(body)
    }
    fn name() -> String {
        "PDU".to_owned()
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident: $ptype:ident, $variant:ident($body:ident);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        impl Kind for $name {
            type Body<'a> = $body<'a>;
            const PTYPE: PduType = PduType::$ptype;
            fn of(body: Body<'_>) -> Option<Self::Body<'_>> {
                match body {
                    Body::$variant(body) => Some(body),
                    _ => None,
                }
            }
        }
    )*};
}

kinds! {
    /// `bind_ack`.
    BindAckPdu: BIND_ACK, BindAck(BindAck);
    /// `bind_nak`.
    BindNakPdu: BIND_NAK, BindNak(BindNak);
    /// `alter_context_resp`.
    AlterContextRespPdu: ALTER_CONTEXT_RESP, AlterContextResp(BindAck);
    /// `response`.
    ResponsePdu: RESPONSE, Response(Response);
    /// `fault`.
    FaultPdu: FAULT, Fault(Fault);
    /// `bind`.
    BindPdu: BIND, Bind(Bind);
    /// `request`.
    RequestPdu: REQUEST, Request(Request);
}

/// A PDU that came and is of the kind expected.
#[derive(Clone, Debug)]
pub struct Seen<K> {
    octets: Vec<u8>,
    step: usize,
    kind: PhantomData<K>,
}

impl<K: Kind> Seen<K> {
    pub(crate) fn new(octets: Vec<u8>, step: usize) -> Result<Self, Stop> {
        let problem = match Pdu::decode(&octets) {
            Ok(pdu) if K::of(pdu.body).is_some() => {
                return Ok(Self {
                    octets,
                    step,
                    kind: PhantomData,
                });
            }
            Ok(_) => describe_pdu(&octets),
            Err(error) => format!("{}: {error}", describe_pdu(&octets)),
        };
        let wanted = format!("a well-formed {}", K::name());
        Err(Field::new("PDU", problem, step, evidence(&octets, None)).violates(wanted))
    }

    /// The same PDU among those of other kinds.
    pub fn untyped(&self) -> Seen<AnyPdu> {
        Seen {
            octets: self.octets.clone(),
            step: self.step,
            kind: PhantomData,
        }
    }

    /// The common header.
    pub fn header(&self) -> Header {
        self.pdu().header
    }

    /// The body.
    pub fn body(&self) -> K::Body<'_> {
        K::of(self.pdu().body).expect("decoded as this kind when it came")
    }

    /// All octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The step of the case's story in which it came.
    pub const fn step(&self) -> usize {
        self.step
    }

    /// A value of this PDU under the name of its field, as the specification spells it; `result[1]` is the field's
    /// second occurrence.
    pub fn field<T: std::fmt::Debug>(&self, name: &str, value: T) -> Field<T> {
        let highlight = highlight(&self.pdu().encoded(), name);
        Field::new(name, value, self.step, evidence(&self.octets, highlight))
    }

    /// Its flags must be exactly these.
    ///
    /// # Errors
    /// A failure with both values.
    pub fn flags_are(&self, flags: PfcFlags) -> Result<(), Stop> {
        self.field("pfc_flags", self.header().pfc_flags).is(flags)
    }

    /// Its flags must be one of these.
    ///
    /// # Errors
    /// A failure with all values.
    pub fn flags_one_of(&self, flags: impl IntoIterator<Item = PfcFlags>) -> Result<(), Stop> {
        self.field("pfc_flags", self.header().pfc_flags)
            .one_of(flags)
    }

    /// Its call id must be this.
    ///
    /// # Errors
    /// A failure with both values.
    pub fn call_id_is(&self, call_id: u32) -> Result<(), Stop> {
        self.field("call_id", self.header().call_id)
            .is(CallId(call_id))
    }

    fn pdu(&self) -> Pdu<'_> {
        Pdu::decode(&self.octets).expect("decoded when it came")
    }
}

/// What `bind_ack` and `alter_context_resp` have in common.
pub trait SeenAck {
    /// The results, in order.
    fn results(&self) -> Vec<ContextResult>;
    /// The results must be exactly these, result code, reason and transfer syntax.
    ///
    /// # Errors
    /// A failure with the first result that differs, or their number.
    fn results_are(&self, expected: &[ContextResult]) -> Result<(), Stop>;
    /// The results must be those of one of these lists, in what a client may use of them: the transfer syntax of an
    /// acceptance, the reason of anything else.
    ///
    /// # Errors
    /// A failure with all lists.
    fn results_among(&self, lawful: &[&[ContextResult]]) -> Result<(), Stop>;
}

/// Whether two lists of results say the same to a client: of an acceptance the reason, of anything else the transfer
/// syntax means nothing. Source: C706 12.6.3.1.
pub(crate) fn same_results(got: &[ContextResult], wanted: &[ContextResult]) -> bool {
    let same = |(got, wanted): (&ContextResult, &ContextResult)| {
        got.result == wanted.result
            && if got.is_accepted() {
                got.transfer_syntax == wanted.transfer_syntax
            } else {
                got.reason == wanted.reason
            }
    };
    got.len() == wanted.len() && got.iter().zip(wanted).all(same)
}

impl<K> SeenAck for Seen<K>
where
    K: for<'a> Kind<Body<'a> = BindAck<'a>>,
{
    fn results(&self) -> Vec<ContextResult> {
        self.body().results.iter().collect()
    }

    fn results_are(&self, expected: &[ContextResult]) -> Result<(), Stop> {
        let results = self.results();
        self.field("n_results", results.len()).is(expected.len())?;
        for (nth, (got, wanted)) in results.into_iter().zip(expected).enumerate() {
            self.field(&format!("result[{nth}]"), got).is(*wanted)?;
        }
        Ok(())
    }

    fn results_among(&self, lawful: &[&[ContextResult]]) -> Result<(), Stop> {
        let wanted: Vec<String> = lawful.iter().map(|list| format!("{list:?}")).collect();
        self.field("result", self.results())
            .satisfies(wanted.join(" or "), |got| {
                lawful.iter().any(|list| same_results(got, list))
            })
    }
}

/// The octets of the field called `name`, or of its occurrence in `name[nth]`.
fn highlight(encoded: &Encoded, name: &str) -> Option<Range<usize>> {
    let (field, nth) = match name.strip_suffix(']').and_then(|name| name.split_once('[')) {
        Some((field, nth)) => (field, nth.parse().ok()?),
        None => (name, 0),
    };
    encoded.span(field, nth)
}

pub(crate) fn evidence(octets: &[u8], highlight: Option<Range<usize>>) -> Evidence {
    Evidence {
        what: describe_pdu(octets),
        octets: octets.to_vec(),
        highlight,
    }
}

/// A PDU in a few words: `bind_ack, 60 octets`.
pub(crate) fn describe_pdu(octets: &[u8]) -> String {
    match Header::peek(octets) {
        Err(_) => format!("{} octets that are no PDU", octets.len()),
        Ok(header) => match Pdu::decode(octets).map(|pdu| pdu.body) {
            Ok(Body::Fault(fault)) => format!("fault {}, {} octets", fault.status, octets.len()),
            Ok(Body::BindNak(nak)) => format!("bind_nak {}, {} octets", nak.reason, octets.len()),
            _ => format!("{}, {} octets", ptype_name(header.ptype), octets.len()),
        },
    }
}

/// The PDU type as the specifications write it.
pub(crate) fn ptype_name(ptype: PduType) -> String {
    ptype.name().map_or_else(
        || format!("PDU of type 0x{:02x}", ptype.0),
        str::to_ascii_lowercase,
    )
}

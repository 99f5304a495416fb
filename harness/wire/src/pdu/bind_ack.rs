use std::fmt;

use super::list::TRANSFER;
use super::{SyntaxId, length16};
use crate::codec::{ByteOrder, DecodeError, Reader, Writer};
use crate::open_enum::open_enum;

/// Body of `bind_ack` and `alter_context_resp`. Source: C706 12.6.4.4, 12.6.4.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindAck<'a> {
    /// Largest fragment the host will send, in octets.
    pub max_xmit_frag: u16,
    /// Largest fragment the host can receive, in octets.
    pub max_recv_frag: u16,
    /// The association group of the connection.
    pub assoc_group_id: u32,
    /// Secondary address with its terminating NUL: the port in decimal in a `bind_ack`, nothing in an
    /// `alter_context_resp`.
    pub secondary_address: &'a [u8],
    /// Octets that align the result list to 4; any content. On writing, zeros unless their number is right.
    pub padding: &'a [u8],
    /// One result per context element, in the order offered.
    pub results: ResultList<'a>,
    /// Octets behind the result list: none in an honest answer.
    pub trailing: &'a [u8],
}

impl<'a> BindAck<'a> {
    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let max_xmit_frag = r.u16("max_xmit_frag")?;
        let max_recv_frag = r.u16("max_recv_frag")?;
        let assoc_group_id = r.u32("assoc_group_id")?;
        let len = r.u16("sec_addr.length")?;
        let secondary_address = r.bytes("sec_addr.port_spec", usize::from(len))?;
        Ok(Self {
            max_xmit_frag,
            max_recv_frag,
            assoc_group_id,
            secondary_address,
            padding: r.bytes("sec_addr.padding", padding_after(secondary_address.len()))?,
            results: ResultList::decode(r)?,
            trailing: r.rest(),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            max_xmit_frag,
            max_recv_frag,
            assoc_group_id,
            secondary_address,
            padding,
            results,
            trailing,
        } = *self;
        w.u16("max_xmit_frag", max_xmit_frag);
        w.u16("max_recv_frag", max_recv_frag);
        w.u32("assoc_group_id", assoc_group_id);
        w.u16("sec_addr.length", length16(secondary_address.len()));
        w.bytes("sec_addr.port_spec", secondary_address);
        w.padding(
            "sec_addr.padding",
            padding_after(secondary_address.len()),
            padding,
        );
        results.encode(w);
        if !trailing.is_empty() {
            w.bytes("trailing", trailing);
        }
    }
}

/// Octets between the secondary address and the result list, which starts on a multiple of 4 of the PDU.
const fn padding_after(address_len: usize) -> usize {
    // The length field ends on an even offset that is 2 mod 4: header 16, three fields of 8 octets, length 2.
    2usize.wrapping_sub(address_len) & 3
}

open_enum! {
    /// What became of an offered context. Source: C706 12.6.3.1; MS-RPCE 2.2.2.4.
    pub struct ContextResultCode(u16) {
        /// The context may be used.
        ACCEPTANCE = 0,
        /// Refused by the host's user.
        USER_REJECTION = 1,
        /// Refused by the host's run-time.
        PROVIDER_REJECTION = 2,
        /// Answer to bind-time feature negotiation; the reason field holds the features.
        NEGOTIATE_ACK = 3,
    }
}

open_enum! {
    /// Why an offered context was refused. Source: C706 12.6.3.1.
    pub struct Reason(u16) {
        /// No reason given; also what stands in an acceptance.
        NOT_SPECIFIED = 0,
        /// The interface is not served.
        ABSTRACT_SYNTAX_NOT_SUPPORTED = 1,
        /// None of the transfer syntaxes is known.
        TRANSFER_SYNTAXES_NOT_SUPPORTED = 2,
        /// A limit of the host.
        LOCAL_LIMIT_EXCEEDED = 3,
    }
}

/// What became of one offered context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContextResult {
    /// Accepted, rejected or negotiated.
    pub result: ContextResultCode,
    /// Why it was rejected; the granted feature mask of a [`ContextResultCode::NEGOTIATE_ACK`].
    pub reason: Reason,
    /// The transfer syntax chosen; all zero unless accepted.
    pub transfer_syntax: SyntaxId,
}

impl ContextResult {
    /// Octets of its wire form.
    pub const LEN: usize = 24;

    /// Accepted with this transfer syntax.
    pub const fn accepted(transfer_syntax: SyntaxId) -> Self {
        Self {
            result: ContextResultCode::ACCEPTANCE,
            reason: Reason::NOT_SPECIFIED,
            transfer_syntax,
        }
    }

    /// Refused for this reason.
    pub const fn rejected(reason: Reason) -> Self {
        Self {
            result: ContextResultCode::PROVIDER_REJECTION,
            reason,
            transfer_syntax: SyntaxId::NIL,
        }
    }

    /// These features of bind-time feature negotiation are granted.
    pub const fn negotiated(mask: u16) -> Self {
        Self {
            result: ContextResultCode::NEGOTIATE_ACK,
            reason: Reason(mask),
            transfer_syntax: SyntaxId::NIL,
        }
    }

    /// Whether the context may be used.
    pub fn is_accepted(&self) -> bool {
        self.result == ContextResultCode::ACCEPTANCE
    }

    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            result: ContextResultCode(r.u16("result")?),
            reason: Reason(r.u16("reason")?),
            transfer_syntax: SyntaxId::decode(r, TRANSFER)?,
        })
    }

    fn encode(self, w: &mut Writer<'_>) {
        w.u16("result", self.result.0);
        w.u16("reason", self.reason.0);
        self.transfer_syntax.encode(w, TRANSFER);
    }
}

/// The results of a `bind_ack`: in wire form when decoded, a slice when built.
#[derive(Clone, Copy)]
pub struct ResultList<'a> {
    form: Form<'a>,
    reserved: u8,
    reserved2: u16,
}

#[derive(Clone, Copy)]
enum Form<'a> {
    Wire { bytes: &'a [u8], order: ByteOrder },
    Built(&'a [ContextResult]),
}

impl<'a> ResultList<'a> {
    /// A list to be sent; at most 255 results, more are left out.
    pub fn new(results: &'a [ContextResult]) -> Self {
        let most = results.len().min(usize::from(u8::MAX));
        Self {
            form: Form::Built(results.get(..most).unwrap_or(results)),
            reserved: 0,
            reserved2: 0,
        }
    }

    /// How many there are (`num_results`).
    pub const fn len(&self) -> usize {
        match self.form {
            Form::Wire { bytes, .. } => bytes.len() / ContextResult::LEN,
            Form::Built(results) => results.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The two reserved fields behind the count: 0 when honest.
    pub const fn reserved(&self) -> (u8, u16) {
        (self.reserved, self.reserved2)
    }

    /// The result of the context element in this place.
    pub fn get(self, index: usize) -> Option<ContextResult> {
        self.iter().nth(index)
    }

    /// All, in the order sent.
    pub fn iter(self) -> impl Iterator<Item = ContextResult> + use<'a> {
        let (bytes, order, built): (&[u8], _, &[ContextResult]) = match self.form {
            Form::Wire { bytes, order } => (bytes, order, &[]),
            Form::Built(results) => (&[], ByteOrder::Little, results),
        };
        let mut r = Reader::new(bytes).with_order(order);
        let decoded = std::iter::from_fn(move || ContextResult::decode(&mut r).ok());
        decoded.chain(built.iter().copied())
    }

    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = r.u8("n_results")?;
        let (reserved, reserved2) = (r.u8("reserved")?, r.u16("reserved2")?);
        let bytes = r.bytes(
            "p_results",
            usize::from(count).saturating_mul(ContextResult::LEN),
        )?;
        Ok(Self {
            form: Form::Wire {
                bytes,
                order: r.order(),
            },
            reserved,
            reserved2,
        })
    }

    fn encode(self, w: &mut Writer<'_>) {
        w.u8("n_results", u8::try_from(self.len()).unwrap_or(u8::MAX));
        w.u8("reserved", self.reserved);
        w.u16("reserved2", self.reserved2);
        for result in self.iter() {
            result.encode(w);
        }
    }
}

impl PartialEq for ResultList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.reserved() == other.reserved() && self.iter().eq(other.iter())
    }
}

impl Eq for ResultList<'_> {}

impl fmt::Debug for ResultList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

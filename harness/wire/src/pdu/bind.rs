use std::fmt;

use super::list::ABSTRACT;
use super::{ContextId, SyntaxId, SyntaxList};
use crate::codec::{ByteOrder, DecodeError, Reader, Writer};

/// Body of bind and `alter_context`. Source: C706 12.6.4.3, 12.6.4.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bind<'a> {
    /// Largest fragment the sender will send, in octets.
    pub max_xmit_frag: u16,
    /// Largest fragment the sender can receive, in octets.
    pub max_recv_frag: u16,
    /// Association group to join; 0 asks for a new one.
    pub assoc_group_id: u32,
    /// The presentation contexts offered.
    pub contexts: ContextList<'a>,
    /// Octets behind the context list: none in an honest bind.
    pub trailing: &'a [u8],
}

impl<'a> Bind<'a> {
    pub(super) fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            max_xmit_frag: r.u16("max_xmit_frag")?,
            max_recv_frag: r.u16("max_recv_frag")?,
            assoc_group_id: r.u32("assoc_group_id")?,
            contexts: ContextList::decode(r)?,
            trailing: r.rest(),
        })
    }

    pub(super) fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            max_xmit_frag,
            max_recv_frag,
            assoc_group_id,
            contexts,
            trailing,
        } = *self;
        w.u16("max_xmit_frag", max_xmit_frag);
        w.u16("max_recv_frag", max_recv_frag);
        w.u32("assoc_group_id", assoc_group_id);
        contexts.encode(w);
        if !trailing.is_empty() {
            w.bytes("trailing", trailing);
        }
    }
}

/// One presentation context as offered. Source: C706 12.6.3.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context<'a> {
    /// Its id, chosen by the client.
    pub id: ContextId,
    /// Reserved octet, 0.
    pub reserved: u8,
    /// The interface.
    pub abstract_syntax: SyntaxId,
    /// The encodings offered for it.
    pub transfer_syntaxes: SyntaxList<'a>,
}

/// One presentation context to be offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextElement {
    /// Its id.
    pub id: ContextId,
    /// The interface.
    pub abstract_syntax: SyntaxId,
    /// The encodings offered for it.
    pub transfer_syntaxes: Vec<SyntaxId>,
}

/// The presentation contexts of a bind: in wire form when decoded, a slice when built.
#[derive(Clone, Copy)]
pub struct ContextList<'a> {
    form: Form<'a>,
    reserved: u8,
    reserved2: u16,
}

#[derive(Clone, Copy)]
enum Form<'a> {
    Wire {
        count: u8,
        bytes: &'a [u8],
        order: ByteOrder,
    },
    Built(&'a [ContextElement]),
}

impl<'a> ContextList<'a> {
    /// A list to be sent; at most 255 elements, more are left out.
    pub fn new(elements: &'a [ContextElement]) -> Self {
        let most = elements.len().min(usize::from(u8::MAX));
        Self {
            form: Form::Built(elements.get(..most).unwrap_or(elements)),
            reserved: 0,
            reserved2: 0,
        }
    }

    /// How many there are (`n_context_elem`).
    pub const fn len(&self) -> usize {
        match self.form {
            Form::Wire { count, .. } => usize_from(count),
            Form::Built(elements) => elements.len(),
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

    /// All, in the order sent.
    pub fn iter(self) -> impl Iterator<Item = Context<'a>> + use<'a> {
        let (bytes, order, built): (&[u8], _, &[ContextElement]) = match self.form {
            Form::Wire { bytes, order, .. } => (bytes, order, &[]),
            Form::Built(elements) => (&[], ByteOrder::Little, elements),
        };
        let mut r = Reader::new(bytes).with_order(order);
        let decoded = std::iter::from_fn(move || Context::decode(&mut r).ok());
        decoded.chain(built.iter().map(Context::from))
    }

    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = r.u8("n_context_elem")?;
        let (reserved, reserved2) = (r.u8("reserved")?, r.u16("reserved2")?);
        let mut elements = r.clone();
        for _ in 0..count {
            Context::decode(r)?;
        }
        let len = r.position().saturating_sub(elements.position());
        let bytes = elements.bytes("p_cont_elem", len)?;
        Ok(Self {
            form: Form::Wire {
                count,
                bytes,
                order: r.order(),
            },
            reserved,
            reserved2,
        })
    }

    fn encode(self, w: &mut Writer<'_>) {
        w.u8(
            "n_context_elem",
            u8::try_from(self.len()).unwrap_or(u8::MAX),
        );
        w.u8("reserved", self.reserved);
        w.u16("reserved2", self.reserved2);
        for context in self.iter() {
            context.encode(w);
        }
    }
}

impl PartialEq for ContextList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.reserved() == other.reserved() && self.iter().eq(other.iter())
    }
}

impl Eq for ContextList<'_> {}

impl fmt::Debug for ContextList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Context<'a> {
    fn decode(r: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let id = ContextId(r.u16("p_cont_id")?);
        let count = r.u8("n_transfer_syn")?;
        Ok(Self {
            id,
            reserved: r.u8("p_cont_elem.reserved")?,
            abstract_syntax: SyntaxId::decode(r, ABSTRACT)?,
            transfer_syntaxes: SyntaxList::decode(r, count)?,
        })
    }

    fn encode(&self, w: &mut Writer<'_>) {
        let Self {
            id,
            reserved,
            abstract_syntax,
            transfer_syntaxes,
        } = *self;
        w.u16("p_cont_id", id.0);
        w.u8(
            "n_transfer_syn",
            u8::try_from(transfer_syntaxes.len()).unwrap_or(u8::MAX),
        );
        w.u8("p_cont_elem.reserved", reserved);
        abstract_syntax.encode(w, ABSTRACT);
        transfer_syntaxes.encode(w);
    }
}

impl<'a> From<&'a ContextElement> for Context<'a> {
    fn from(element: &'a ContextElement) -> Self {
        let ContextElement {
            id,
            abstract_syntax,
            ref transfer_syntaxes,
        } = *element;
        Self {
            id,
            reserved: 0,
            abstract_syntax,
            transfer_syntaxes: SyntaxList::new(transfer_syntaxes),
        }
    }
}

#[expect(
    clippy::as_conversions,
    reason = "widening in a const fn, where From is not to be had"
)]
const fn usize_from(count: u8) -> usize {
    count as usize
}

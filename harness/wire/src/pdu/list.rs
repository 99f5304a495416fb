use std::fmt;

use super::SyntaxId;
use crate::codec::{ByteOrder, DecodeError, Reader, Writer};

const NAMES: [&str; 2] = ["if_uuid", "if_version"];
pub(super) const TRANSFER: [&str; 2] = ["transfer_syntax.if_uuid", "transfer_syntax.if_version"];
pub(super) const ABSTRACT: [&str; 2] = ["abstract_syntax.if_uuid", "abstract_syntax.if_version"];

/// The transfer syntaxes of a context element: in wire form when decoded, a slice when built.
#[derive(Clone, Copy)]
pub struct SyntaxList<'a>(Form<'a>);

#[derive(Clone, Copy)]
enum Form<'a> {
    Wire { bytes: &'a [u8], order: ByteOrder },
    Built(&'a [SyntaxId]),
}

impl<'a> SyntaxList<'a> {
    /// A list to be sent.
    pub const fn new(syntaxes: &'a [SyntaxId]) -> Self {
        Self(Form::Built(syntaxes))
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        match self.0 {
            Form::Wire { bytes, .. } => bytes.len() / SyntaxId::LEN,
            Form::Built(syntaxes) => syntaxes.len(),
        }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The first.
    pub fn first(&self) -> Option<SyntaxId> {
        self.iter().next()
    }

    /// All, in the order sent.
    pub fn iter(self) -> impl Iterator<Item = SyntaxId> + use<'a> {
        let (wire, order, built): (&[u8], _, &[SyntaxId]) = match self.0 {
            Form::Wire { bytes, order } => (bytes, order, &[]),
            Form::Built(syntaxes) => (&[], ByteOrder::Little, syntaxes),
        };
        let decoded = wire.chunks_exact(SyntaxId::LEN).map_while(move |chunk| {
            SyntaxId::decode(&mut Reader::new(chunk).with_order(order), NAMES).ok()
        });
        decoded.chain(built.iter().copied())
    }

    pub(super) fn decode(r: &mut Reader<'a>, count: u8) -> Result<Self, DecodeError> {
        let order = r.order();
        let bytes = r.bytes(
            "transfer_syntaxes",
            usize::from(count).saturating_mul(SyntaxId::LEN),
        )?;
        Ok(Self(Form::Wire { bytes, order }))
    }

    pub(super) fn encode(self, w: &mut Writer<'_>) {
        for syntax in self.iter() {
            syntax.encode(w, TRANSFER);
        }
    }
}

impl PartialEq for SyntaxList<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for SyntaxList<'_> {}

impl fmt::Debug for SyntaxList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

use kmspec_wire::codec::Span;
use kmspec_wire::pdu::Encoded;

/// One lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where in the making of the PDU it is told; what is made later is made of what is there then.
    pub layer: Layer,
    /// Where in that layer.
    pub place: Place,
    /// What is done there.
    pub op: Op,
}

/// A layer of a PDU, innermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Layer {
    /// The plaintext of a request before it is sealed: its fields and, in versions 5 and 6, `padding`. MACs, padding and
    /// encryption are made afterwards.
    Body,
    /// The sealed message: `version`, `iv`, `ciphertext`, or in version 4 `body`, `mac`.
    Message,
    /// The stub. The message's length is right before the edit.
    Stub,
    /// The PDU, or all fragments of a call one behind the other. Lengths are right before the edit.
    Pdu,
}

/// A place in a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// A field by its name, or [`Place::WHOLE`].
    pub field: String,
    /// Which of the fields of that name, counted from 0.
    pub nth: u16,
    /// Octets into it.
    pub at: u16,
}

/// What is done at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    /// These octets replace as many.
    Set(Vec<u8>),
    /// These octets are xored in.
    Xor(Vec<u8>),
    /// These octets are put before the place.
    Insert(Vec<u8>),
    /// So many octets zero are put before the place.
    Grow(u16),
    /// So many octets are taken out.
    Remove(u16),
    /// Everything from the place on is left out.
    Cut,
}

impl Layer {
    /// All, innermost first.
    pub const ALL: [Self; 4] = [Self::Body, Self::Message, Self::Stub, Self::Pdu];

    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Message => "message",
            Self::Stub => "stub",
            Self::Pdu => "pdu",
        }
    }
}

impl Place {
    /// The name that stands for all octets of a layer.
    pub const WHOLE: &str = "*";

    /// The start of the first field of this name.
    pub fn field(field: &str) -> Self {
        Self {
            field: field.to_owned(),
            nth: 0,
            at: 0,
        }
    }

    /// An octet of the layer.
    pub fn octet(at: u16) -> Self {
        Self {
            field: Self::WHOLE.to_owned(),
            nth: 0,
            at,
        }
    }

    /// The octet it means; `None` if there is no such field, or nothing there.
    fn find(&self, encoded: &Encoded) -> Option<usize> {
        let start = if self.field == Self::WHOLE {
            0
        } else {
            encoded.span(&self.field, usize::from(self.nth))?.start
        };
        let at = start.saturating_add(usize::from(self.at));
        (at <= encoded.bytes.len()).then_some(at)
    }
}

impl Edit {
    /// These octets in place of the start of a field.
    pub fn set(layer: Layer, field: &str, octets: &[u8]) -> Self {
        Self {
            layer,
            place: Place::field(field),
            op: Op::Set(octets.to_vec()),
        }
    }

    /// Does it. Fields keep their names and move; what is not there is left alone.
    pub(crate) fn apply(&self, encoded: &mut Encoded) {
        let Some(at) = self.place.find(encoded) else {
            return;
        };
        match &self.op {
            Op::Set(octets) => overlay(encoded, at, octets, |_, new| new),
            Op::Xor(octets) => overlay(encoded, at, octets, |old, new| old ^ new),
            Op::Insert(octets) => insert(encoded, at, octets.iter().copied()),
            Op::Grow(len) => insert(encoded, at, std::iter::repeat_n(0, usize::from(*len))),
            Op::Remove(len) => remove(encoded, at, usize::from(*len)),
            Op::Cut => remove(encoded, at, encoded.bytes.len()),
        }
    }
}

fn overlay(encoded: &mut Encoded, at: usize, octets: &[u8], how: fn(u8, u8) -> u8) {
    let there = encoded.bytes.get_mut(at..).unwrap_or_default();
    for (old, new) in there.iter_mut().zip(octets) {
        *old = how(*old, *new);
    }
}

fn insert(encoded: &mut Encoded, at: usize, octets: impl Iterator<Item = u8>) {
    let before = encoded.bytes.len();
    encoded.bytes.splice(at..at, octets);
    let grown = encoded.bytes.len().saturating_sub(before);
    let moved = |place: usize| {
        if place >= at {
            place.saturating_add(grown)
        } else {
            place
        }
    };
    for Span { range, .. } in &mut encoded.spans {
        // What is inserted at a field's start belongs to no field.
        *range = moved(range.start)..moved(range.end);
    }
}

fn remove(encoded: &mut Encoded, at: usize, len: usize) {
    let end = at.saturating_add(len).min(encoded.bytes.len());
    encoded.bytes.drain(at..end);
    let gone = end.saturating_sub(at);
    let moved = |place: usize| {
        if place >= end {
            place.saturating_sub(gone)
        } else {
            place.min(at)
        }
    };
    for Span { range, .. } in &mut encoded.spans {
        *range = moved(range.start)..moved(range.end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded() -> Encoded {
        let span = |field, range| Span { field, range };
        Encoded {
            bytes: vec![1, 2, 3, 4, 5, 6],
            spans: vec![span("a", 0..2), span("b", 2..4), span("b", 4..6)],
        }
    }

    #[test]
    fn an_edit_changes_its_place_and_fields_move_along() {
        let place = |field: &str, nth, at| Place {
            field: field.to_owned(),
            nth,
            at,
        };
        let (a, b1, whole) = (place("a", 0, 1), place("b", 1, 0), place("*", 0, 3));
        for (place, op, bytes, last) in [
            (&a, Op::Set(vec![9, 9]), vec![1, 9, 9, 4, 5, 6], 4..6),
            (&b1, Op::Xor(vec![1]), vec![1, 2, 3, 4, 4, 6], 4..6),
            (&b1, Op::Xor(vec![0; 9]), vec![1, 2, 3, 4, 5, 6], 4..6),
            (&a, Op::Insert(vec![7]), vec![1, 7, 2, 3, 4, 5, 6], 5..7),
            (&b1, Op::Grow(2), vec![1, 2, 3, 4, 0, 0, 5, 6], 6..8),
            (&whole, Op::Remove(2), vec![1, 2, 3, 6], 3..4),
            (&whole, Op::Remove(9), vec![1, 2, 3], 3..3),
            (&whole, Op::Cut, vec![1, 2, 3], 3..3),
        ] {
            let mut got = encoded();
            let edit = Edit {
                layer: Layer::Pdu,
                place: place.clone(),
                op,
            };
            edit.apply(&mut got);
            assert_eq!(
                (got.bytes, got.spans[2].range.clone()),
                (bytes, last),
                "{edit:?}"
            );
        }
    }

    #[test]
    fn what_is_not_there_is_left_alone() {
        for place in [Place::field("c"), Place::octet(7)] {
            let mut got = encoded();
            let edit = Edit {
                layer: Layer::Stub,
                place,
                op: Op::Cut,
            };
            edit.apply(&mut got);
            assert_eq!(got, encoded());
        }
    }
}

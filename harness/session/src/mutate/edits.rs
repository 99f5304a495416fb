//! New edits, and changes of those there are.

use kmspec_wire::guid::Guid;
use kmspec_wire::kms::ids::{OFFICE_2010, OFFICE_2013, WINDOWS};
use kmspec_wire::pdu::Encoded;

use super::{Mutator, some_sending};
use crate::choices::{Choices, one_of};
use crate::edit::{Edit, Layer, Op, Place};
use crate::render::Surroundings;
use crate::session::{Sending, Session};

/// Most octets of a field that are set at once.
const LONGEST: usize = 512;
/// Most edits of one sending.
const MOST: usize = 16;

impl Mutator {
    /// Adds an edit to something the session sends, or changes or drops one.
    pub(super) fn edit(&self, session: &mut Session, choices: &mut dyn Choices) {
        let Some(sending) = some_sending(session, choices) else {
            return;
        };
        let there = choices.index(sending.edits.len());
        match (choices.below(8), there) {
            (0, Some(at)) => {
                sending.edits.remove(at);
            }
            (1, Some(at)) => {
                if let Some(edit) = sending.edits.get_mut(at) {
                    change(edit, choices);
                }
            }
            _ if sending.edits.len() < MOST => self.add(sending, choices),
            _ => sending.edits.clear(),
        }
    }

    fn add(&self, sending: &mut Sending, choices: &mut dyn Choices) {
        let around = Surroundings::nowhere(&self.keys);
        let rendered = sending.outlined(&around);
        let layers: Vec<Layer> = Layer::ALL
            .into_iter()
            .filter(|layer| !rendered.layer(*layer).bytes.is_empty())
            .collect();
        let Some(&layer) = one_of(choices, &layers) else {
            return;
        };
        let encoded = rendered.layer(layer);
        if layer == Layer::Stub && choices.once_in(4) {
            sending.edits.extend(counts(encoded, choices));
            return;
        }
        let (place, len) = place(encoded, choices);
        let op = op(&place.field, len, choices);
        sending.edits.push(Edit { layer, place, op });
    }
}

/// A field, or any octet, and how many octets there are from there on.
fn place(encoded: &Encoded, choices: &mut dyn Choices) -> (Place, usize) {
    let span = one_of(choices, &encoded.spans).filter(|_| !choices.once_in(8));
    let Some(span) = span else {
        let at = choices.index(encoded.bytes.len()).unwrap_or_default();
        let left = encoded.bytes.len().saturating_sub(at);
        return (Place::octet(u16::try_from(at).unwrap_or_default()), left);
    };
    let same = encoded
        .spans
        .iter()
        .filter(|other| other.field == span.field);
    let nth = same.take_while(|other| other.range != span.range).count();
    let len = span.range.len();
    let at = if len > 8 && choices.once_in(2) {
        choices.index(len).unwrap_or_default()
    } else {
        0
    };
    let place = Place {
        field: span.field.to_owned(),
        nth: u16::try_from(nth).unwrap_or_default(),
        at: u16::try_from(at).unwrap_or_default(),
    };
    (place, len.saturating_sub(at))
}

fn op(field: &str, len: usize, choices: &mut dyn Choices) -> Op {
    match choices.below(16) {
        0..=8 => Op::Set(value(field, len, choices)),
        9..=11 => {
            let bit = 1u8.checked_shl(choices.below(8)).unwrap_or_default();
            Op::Xor(vec![bit])
        }
        12 => {
            let len = usize::try_from(choices.below(16)).unwrap_or_default();
            Op::Insert(choices.octets(len.saturating_add(1)))
        }
        13 => Op::Grow(*one_of(choices, &[1, 2, 4, 8, 16, 64, 4096]).unwrap_or(&1)),
        14 => Op::Remove(*one_of(choices, &[1, 2, 4, 8, 16, 64]).unwrap_or(&1)),
        _ => Op::Cut,
    }
}

/// Octets for a field of this name and length.
fn value(field: &str, len: usize, choices: &mut dyn Choices) -> Vec<u8> {
    let known: &[u8] = match field {
        "PTYPE" => &[0, 2, 3, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 0xff],
        "rpc_vers" => &[4, 6, 0, 5],
        "rpc_vers_minor" => &[1, 2, 0xff],
        "pfc_flags" => &[0, 1, 2, 3, 7, 0x13, 0x23, 0x43, 0x83, 0xff],
        "packed_drep" => &[0, 0x10, 0x11, 0x20, 0xf0, 0x01],
        "frag_length" => &[0, 1, 15, 16, 17, 24, 0x40, 0x80, 0xff],
        "auth_length" => &[0, 1, 8, 16, 0xff],
        _ => &[],
    };
    if let Some(octet) = one_of(choices, known).filter(|_| !choices.once_in(4)) {
        return if field == "frag_length" || field == "auth_length" {
            vec![*octet, 0]
        } else {
            vec![*octet]
        };
    }
    if len == 16 && choices.once_in(2) {
        let ids = [WINDOWS, OFFICE_2010, OFFICE_2013, Guid::NIL];
        let id = one_of(choices, &ids).copied().unwrap_or_default();
        return id.to_le_bytes().to_vec();
    }
    // A text, or a key, that is full from its first octet to its last.
    if len > 8 && choices.once_in(3) {
        let octet = *one_of(choices, &[0, 1, 0x41, 0xd8, 0xff]).unwrap_or(&0);
        return vec![octet; len.min(LONGEST)];
    }
    let len = len.min(8);
    let octets = match choices.below(9) {
        0 => 0,
        1 => u64::from(choices.below(16)),
        2 => u64::MAX,
        3 => 1u64.checked_shl(choices.below(64)).unwrap_or_default(),
        4 => 1u64
            .checked_shl(choices.below(64))
            .unwrap_or_default()
            .wrapping_sub(1),
        5 => sign(len),
        6 => sign(len).wrapping_sub(1),
        7 => u64::from(choices.below(1 << 16)),
        _ => u64::from(choices.below(u32::MAX)),
    };
    octets
        .to_le_bytes()
        .iter()
        .copied()
        .take(len.max(1))
        .collect()
}

/// The highest bit of a number of this many octets.
fn sign(len: usize) -> u64 {
    let bits = u32::try_from(len)
        .unwrap_or(8)
        .saturating_mul(8)
        .clamp(1, 64);
    1u64.checked_shl(bits.saturating_sub(1)).unwrap_or_default()
}

/// Both counts of a stub alike: a lie that comparing them does not find.
fn counts(encoded: &Encoded, choices: &mut dyn Choices) -> Vec<Edit> {
    let Some(len) = encoded.span("max_count", 0).map(|range| range.len()) else {
        return Vec::new();
    };
    let count = match choices.below(4) {
        0 => 0x7fff_ffff,
        1 => 0x8000_0000,
        2 => u32::MAX,
        _ => choices.below(1 << 12),
    };
    let wide = u64::from(count).to_le_bytes();
    vec![
        Edit::set(Layer::Stub, "requestSize", &count.to_le_bytes()),
        Edit::set(Layer::Stub, "max_count", wide.get(..len).unwrap_or(&wide)),
    ]
}

fn change(edit: &mut Edit, choices: &mut dyn Choices) {
    if choices.once_in(3) {
        edit.place.at = u16::try_from(choices.below(64)).unwrap_or_default();
        return;
    }
    match &mut edit.op {
        Op::Set(octets) | Op::Xor(octets) | Op::Insert(octets) => {
            let Some(at) = choices.index(octets.len()) else {
                return;
            };
            let new = choices.octets(1);
            octets.splice(at..at.saturating_add(1), new);
        }
        Op::Grow(len) | Op::Remove(len) => {
            *len = u16::try_from(choices.below(512)).unwrap_or_default();
        }
        Op::Cut => edit.place.at = u16::try_from(choices.below(512)).unwrap_or_default(),
    }
}

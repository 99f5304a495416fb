//! Varying sessions at every layer.

mod edits;

use std::borrow::Borrow;

use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::ProtocolVersion;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{ContextElement, ContextId, PduType, PfcFlags, SyntaxId};

use crate::choices::{Choices, one_of};
use crate::session::{
    Call, Content, Group, Message, Offer, Order, Plain, Sending, Session, Step, Stub,
};
use crate::templates::{self, templates};

/// Varies sessions. It holds keys only to find out how many octets a field has.
#[derive(Debug)]
pub struct Mutator {
    keys: KeySet,
    steps: Vec<Step>,
    templates: Vec<Session>,
}

impl Default for Mutator {
    fn default() -> Self {
        Self::new()
    }
}

impl Mutator {
    /// A mutator.
    pub fn new() -> Self {
        Self {
            keys: KeySet::lab(),
            steps: templates::steps(),
            templates: templates(),
        }
    }

    /// A session from nothing but choices: a template, a few times varied.
    pub fn generate(&self, choices: &mut dyn Choices) -> Session {
        let mut session = one_of(choices, &self.templates)
            .cloned()
            .unwrap_or_default();
        for _ in 0..choices.below(6) {
            self.mutate(&mut session, choices, &self.templates);
        }
        session
    }

    /// Changes a session in one way. `others` are sessions to take parts from.
    pub fn mutate(
        &self,
        session: &mut Session,
        choices: &mut dyn Choices,
        others: &[impl Borrow<Session>],
    ) {
        match choices.below(20) {
            0..=7 => self.edit(session, choices),
            8..=11 => vary_content(session, choices),
            12..=13 => vary_delivery(session, choices),
            14..=18 => self.rearrange(session, choices),
            _ => splice(session, choices, others),
        }
        session.steps.truncate(MOST_STEPS);
        session.bound();
    }

    /// Steps come, go and change places.
    fn rearrange(&self, session: &mut Session, choices: &mut dyn Choices) {
        let steps = &mut session.steps;
        let Some(at) = choices.index(steps.len()) else {
            steps.extend(one_of(choices, &self.steps).cloned());
            return;
        };
        match choices.below(8) {
            0..=2 => {
                let Some(mut step) = one_of(choices, &self.steps).cloned() else {
                    return;
                };
                step.connection = steps.get(at).map_or(0, |step| step.connection);
                let place = at.saturating_add(1).min(steps.len());
                steps.insert(place, step);
            }
            3 => {
                steps.remove(at);
            }
            4 => {
                let copy = steps.get(at).cloned();
                steps.extend(copy);
            }
            5 => {
                if let Some(other) = choices.index(steps.len()) {
                    steps.swap(at, other);
                }
            }
            6 => {
                // From here on everything happens on another connection, too.
                let other = u8::try_from(choices.below(4)).unwrap_or_default();
                let copies: Vec<Step> = steps.iter().cloned().map(|step| step.on(other)).collect();
                steps.extend(copies);
            }
            _ => {
                let other = u8::try_from(choices.below(4)).unwrap_or_default();
                if let Some(step) = steps.get_mut(at) {
                    step.connection = other;
                }
            }
        }
    }
}

/// What may go between the fragments of a call: mostly nothing.
const AMID: [Option<PduType>; 6] = [
    None,
    None,
    None,
    Some(PduType::CO_CANCEL),
    Some(PduType::ORPHANED),
    Some(PduType::REQUEST),
];

/// Most steps of a session that was varied: longer ones take time and show little more.
const MOST_STEPS: usize = 8;

fn splice(session: &mut Session, choices: &mut dyn Choices, others: &[impl Borrow<Session>]) {
    let Some(other) = one_of(choices, others).map(Borrow::borrow) else {
        return;
    };
    let keep = choices.index(session.steps.len()).unwrap_or_default();
    let from = choices.index(other.steps.len()).unwrap_or_default();
    session.steps.truncate(keep.saturating_add(1));
    session.steps.extend(other.steps.iter().skip(from).cloned());
}

/// Something the session sends.
fn some_sending<'a>(
    session: &'a mut Session,
    choices: &mut dyn Choices,
) -> Option<&'a mut Sending> {
    let count = session.sendings().count();
    let at = choices.index(count)?;
    session.sendings_mut().nth(at)
}

fn vary_delivery(session: &mut Session, choices: &mut dyn Choices) {
    let Some(sending) = some_sending(session, choices) else {
        return;
    };
    match choices.below(4) {
        0 => sending.segment = *one_of(choices, &[0, 1, 2, 9, 15, 16, 17, 24, 100]).unwrap_or(&0),
        1 => sending.times = *one_of(choices, &[1, 1, 2, 3, 10]).unwrap_or(&1),
        2 => sending.hurry = !sending.hurry,
        _ => {
            if let Content::Request(call) = &mut sending.content {
                call.fragment = *one_of(choices, &[0, 24, 32, 40, 88, 160, 280]).unwrap_or(&0);
                call.amid = *one_of(choices, &AMID).unwrap_or(&None);
            }
        }
    }
}

fn vary_content(session: &mut Session, choices: &mut dyn Choices) {
    let Some(sending) = some_sending(session, choices) else {
        return;
    };
    match &mut sending.content {
        Content::Bind(offer) | Content::Alter(offer) => vary_offer(offer, choices),
        Content::Request(call) => vary_call(call, choices),
        Content::Pdu(plain) => vary_plain(plain, choices),
        Content::Raw(octets) => vary_octets(octets, choices),
    }
}

fn vary_offer(offer: &mut Offer, choices: &mut dyn Choices) {
    let sizes = [5840, 0, 1, 16, 1431, 1432, 2047, 2048, 4096, 4280, 65535];
    match choices.below(8) {
        0 => offer.max_xmit_frag = *one_of(choices, &sizes).unwrap_or(&5840),
        1 => offer.max_recv_frag = *one_of(choices, &sizes).unwrap_or(&5840),
        2 => offer.flags = PfcFlags(small(choices)),
        3 => offer.call_id = number(choices),
        4 => {
            offer.group = match choices.below(3) {
                0 => Group::Of(small(choices) & 3),
                1 => Group::Given(number(choices)),
                _ => Group::Given(0),
            };
        }
        5 => {
            offer.order = match offer.order {
                Order::Little => Order::Big,
                Order::Big => Order::Little,
            };
        }
        _ => vary_contexts(&mut offer.contexts, choices),
    }
}

fn vary_contexts(contexts: &mut Vec<ContextElement>, choices: &mut dyn Choices) {
    let syntaxes = [
        SyntaxId::NDR32,
        SyntaxId::NDR64,
        SyntaxId::KMS,
        SyntaxId::UNASSIGNED,
        SyntaxId::UNKNOWN_INTERFACE,
        SyntaxId::NIL,
        kmspec_wire::btfn::Features(u64::from(choices.below(8))).syntax(),
        SyntaxId::NDR32.version(1, 0),
        SyntaxId::KMS.version(1, 1),
    ];
    let syntax = one_of(choices, &syntaxes).copied().unwrap_or_default();
    let Some(at) = choices.index(contexts.len()) else {
        contexts.extend(Offer::kms().contexts);
        return;
    };
    match choices.below(6) {
        0 => {
            contexts.remove(at);
        }
        1 => {
            let copies = *one_of(choices, &[1usize, 2, 15, 40, 200]).unwrap_or(&1);
            let Some(copy) = contexts.get(at).cloned() else {
                return;
            };
            for _ in 0..copies {
                let id = u16::try_from(contexts.len()).unwrap_or_default();
                let id = ContextId(id);
                if contexts.len() < 255 {
                    contexts.push(ContextElement { id, ..copy.clone() });
                }
            }
        }
        kind => {
            let Some(context) = contexts.get_mut(at) else {
                return;
            };
            match kind {
                2 => {
                    context.id =
                        ContextId(u16::try_from(number(choices) & 0xffff).unwrap_or_default());
                }
                3 => context.abstract_syntax = syntax,
                4 => context.transfer_syntaxes.push(syntax),
                _ => context.transfer_syntaxes = vec![syntax],
            }
        }
    }
}

fn vary_call(call: &mut Call, choices: &mut dyn Choices) {
    match choices.below(9) {
        0 => call.call_id = number(choices),
        1 => call.context_id = *one_of(choices, &[0, 1, 2, 3, 7, 255, 256, 65535]).unwrap_or(&0),
        2 => call.opnum = *one_of(choices, &[0, 1, 2, 5, 255, 65535]).unwrap_or(&0),
        3 => {
            call.order = match call.order {
                Order::Little => Order::Big,
                Order::Big => Order::Little,
            };
        }
        4 => {
            if let Stub::Marshalled(syntax, _) = &mut call.stub {
                *syntax = match syntax {
                    TransferSyntax::Ndr32 => TransferSyntax::Ndr64,
                    TransferSyntax::Ndr64 => TransferSyntax::Ndr32,
                };
            }
        }
        5..=6 => {
            let major = *one_of(choices, &[4, 5, 6, 0, 3, 7, 255, 65535]).unwrap_or(&6);
            let minor = *one_of(choices, &[0, 0, 0, 1, 65535]).unwrap_or(&0);
            let message = Message::Kms(ProtocolVersion { major, minor });
            call.stub = match &call.stub {
                Stub::Marshalled(syntax, _) => Stub::Marshalled(*syntax, message),
                Stub::Octets(_) => Stub::Marshalled(TransferSyntax::Ndr32, message),
            };
        }
        7 => {
            let len = choices.below(300);
            let octets = choices.octets(usize::try_from(len).unwrap_or_default());
            call.stub = Stub::Marshalled(TransferSyntax::Ndr32, Message::Octets(octets));
        }
        _ => {
            let len = choices.below(32);
            call.stub = Stub::Octets(choices.octets(usize::try_from(len).unwrap_or_default()));
        }
    }
}

fn vary_plain(plain: &mut Plain, choices: &mut dyn Choices) {
    match choices.below(4) {
        0 => {
            plain.ptype =
                PduType(*one_of(choices, &[0, 11, 14, 16, 17, 18, 19, 20, 21, 255]).unwrap_or(&0));
        }
        1 => plain.flags = PfcFlags(small(choices)),
        2 => plain.call_id = number(choices),
        _ => vary_octets(&mut plain.body, choices),
    }
}

fn vary_octets(octets: &mut Vec<u8>, choices: &mut dyn Choices) {
    match (choices.below(3), choices.index(octets.len())) {
        (0, Some(at)) => octets.truncate(at),
        (1, Some(at)) => {
            let new = choices.octets(1);
            octets.splice(at..at.saturating_add(1), new);
        }
        _ => {
            let len = usize::try_from(choices.below(64)).unwrap_or_default();
            octets.extend(choices.octets(len));
        }
    }
}

/// An octet, flags above all: one bit more often than any value.
fn small(choices: &mut dyn Choices) -> u8 {
    let bit = 1u8.checked_shl(choices.below(8)).unwrap_or_default();
    match choices.below(3) {
        0 => bit,
        1 => bit | PfcFlags::WHOLE.0,
        _ => u8::try_from(choices.below(256)).unwrap_or_default(),
    }
}

/// A number as programmers get them wrong.
fn number(choices: &mut dyn Choices) -> u32 {
    match choices.below(4) {
        0 => choices.below(8),
        1 => 1u32.checked_shl(choices.below(32)).unwrap_or_default(),
        2 => u32::MAX.wrapping_sub(choices.below(4)),
        _ => choices.below(u32::MAX),
    }
}

#[cfg(feature = "arbitrary")]
impl<'a> arbitrary::Arbitrary<'a> for Session {
    /// Any session a mutator may come to from a template, decision by decision.
    fn arbitrary(u: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        static MUTATOR: std::sync::LazyLock<Mutator> = std::sync::LazyLock::new(Mutator::new);
        let mut session = one_of(u, &MUTATOR.templates).cloned().unwrap_or_default();
        let mut left = 32u8;
        while !u.is_empty() && left > 0 {
            MUTATOR.mutate(&mut session, u, &MUTATOR.templates);
            left = left.saturating_sub(1);
        }
        Ok(session)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use kmspec_wire::filetime::FileTime;

    use super::*;
    use crate::render::Surroundings;
    use crate::{Dice, Layer};

    #[test]
    fn the_same_choices_give_the_same_session() {
        let mutator = Mutator::new();
        for number in 0..200 {
            let one = mutator.generate(&mut Dice::new(9, number));
            assert_eq!(one, mutator.generate(&mut Dice::new(9, number)));
        }
    }

    #[test]
    fn an_outline_has_the_lengths_and_places_of_what_is_sealed() {
        let mutator = Mutator::new();
        let keys = KeySet::lab();
        let around = Surroundings {
            keys: &keys,
            now: FileTime(0),
            mark: 1,
            groups: &[],
        };
        for number in 0..500 {
            let session = mutator.generate(&mut Dice::new(4, number));
            for sending in session.sendings() {
                let (sealed, outlined) = (sending.rendered(&around, 0), sending.outlined(&around));
                for layer in Layer::ALL {
                    let (sealed, outlined) = (sealed.layer(layer), outlined.layer(layer));
                    assert_eq!(sealed.spans, outlined.spans, "{session}");
                    assert_eq!(sealed.bytes.len(), outlined.bytes.len(), "{session}");
                }
            }
        }
    }

    #[test]
    fn every_layer_is_edited_and_no_session_is_beyond_its_bounds() {
        let mutator = Mutator::new();
        let keys = KeySet::lab();
        let around = Surroundings {
            keys: &keys,
            now: FileTime(0),
            mark: 1,
            groups: &[],
        };
        let mut layers = BTreeSet::new();
        for number in 0..2000 {
            let session = mutator.generate(&mut Dice::new(3, number));
            assert!(session.steps.len() <= Session::MOST_STEPS);
            for sending in session.sendings() {
                layers.extend(sending.edits.iter().map(|edit| edit.layer));
                assert!(sending.times <= Session::MOST_TIMES);
                assert!(sending.render(&around).len() < 1 << 20);
            }
        }
        assert_eq!(layers.into_iter().collect::<Vec<_>>(), Layer::ALL);
    }
}

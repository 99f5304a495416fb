use std::collections::VecDeque;

use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{Bind, BindAck, CallId, ContextId, PduType, SyntaxId};

use super::Interface;

/// Presentation contexts of a connection: offered, and what became of them.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    offers: VecDeque<Offer>,
    accepted: Vec<Accepted>,
    interface: Interface,
}

#[derive(Debug)]
struct Offer {
    ptype: PduType,
    call_id: CallId,
    contexts: Vec<(ContextId, Interface)>,
}

#[derive(Debug)]
struct Accepted {
    id: ContextId,
    interface: Interface,
    syntax: Option<TransferSyntax>,
}

impl Contexts {
    /// What the connection is about, as far as binds say.
    pub(super) const fn interface(&self) -> Interface {
        self.interface
    }

    /// A call was recognised by its form.
    pub(super) fn is_kms_after_all(&mut self) {
        self.interface = Interface::Kms;
    }

    /// The interface and encoding of a context that was accepted.
    pub(super) fn accepted(&self, id: ContextId) -> Option<(Interface, Option<TransferSyntax>)> {
        let known = self.accepted.iter().rfind(|context| context.id == id)?;
        Some((known.interface, known.syntax))
    }

    /// A bind or `alter_context` of the client.
    pub(super) fn offer(&mut self, ptype: PduType, call_id: CallId, bind: Option<&Bind<'_>>) {
        let contexts: Vec<_> = bind
            .map(|bind| {
                bind.contexts
                    .iter()
                    .map(|context| {
                        let interface = if context.abstract_syntax.uuid == SyntaxId::KMS.uuid {
                            Interface::Kms
                        } else {
                            Interface::Other
                        };
                        (context.id, interface)
                    })
                    .collect()
            })
            .unwrap_or_default();
        for &(_, interface) in &contexts {
            if self.interface != Interface::Kms {
                self.interface = interface;
            }
        }
        if self.offers.len() >= MAX_OFFERS {
            self.offers.pop_front();
        }
        self.offers.push_back(Offer {
            ptype,
            call_id,
            contexts,
        });
    }

    /// The answer to a bind or `alter_context`; the type of what it answers, if that is in the file.
    pub(super) fn answer(
        &mut self,
        asked: PduType,
        call_id: CallId,
        ack: Option<&BindAck<'_>>,
    ) -> Option<PduType> {
        let same = |offer: &Offer| offer.ptype == asked && offer.call_id == call_id;
        let at = self
            .offers
            .iter()
            .position(same)
            .or_else(|| self.offers.iter().position(|offer| offer.ptype == asked))?;
        let offer = self.offers.remove(at)?;
        let results = ack.into_iter().flat_map(|ack| ack.results.iter());
        for ((id, interface), result) in offer.contexts.iter().copied().zip(results) {
            self.accepted.retain(|context| context.id != id);
            if result.is_accepted() && self.accepted.len() < MAX_CONTEXTS {
                self.accepted.push(Accepted {
                    id,
                    interface,
                    syntax: TransferSyntax::from_id(result.transfer_syntax),
                });
            }
        }
        Some(asked)
    }
}

/// What a PDU of the host answers.
pub(super) const fn asked_by(answer: PduType) -> PduType {
    match answer {
        PduType::ALTER_CONTEXT_RESP => PduType::ALTER_CONTEXT,
        _ => PduType::BIND,
    }
}

/// Binds waiting for their answer: two are odd already.
const MAX_OFFERS: usize = 16;

/// Contexts remembered for a connection: one bind can offer 255.
const MAX_CONTEXTS: usize = 256;

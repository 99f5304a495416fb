use std::collections::{BTreeMap, BTreeSet};

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::pdu::{Bind, CallId, ContextId, PfcFlags, SyntaxId};

/// PDUs of the client that wait for an answer; with more the judge stops following.
const MOST_WAITING: usize = 4096;
/// Octets of a stub that are kept. No KMS stub is longer; the length is counted on.
const MOST_STUB: usize = 1 << 13;

/// What the judge knows of a connection.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about the connection"
)]
pub(crate) struct Conversation {
    /// Everything was seen, from the first octet.
    pub(crate) whole: bool,
    /// Nothing the client sent can be read in another way than the judge reads it.
    pub(crate) clear: bool,
    /// The bind was of version 5.1.
    pub(crate) minor_one: bool,
    /// The client sent a verifier, or called something one.
    pub(crate) authenticated: bool,
    /// The client asked for a cancel.
    pub(crate) cancelled: bool,
    /// Flags of all binds and `alter_context`s.
    pub(crate) asked: PfcFlags,
    /// Call ids of what is not answered, and what it was, oldest first.
    waiting: Vec<Waiting>,
    /// Sizes of the `bind_ack`: what the host sends at most, and receives at most.
    pub(crate) sizes: Option<(u16, u16)>,
    /// Contexts ever offered.
    pub(crate) offered: BTreeSet<ContextId>,
    /// Contexts accepted.
    pub(crate) accepted: BTreeMap<ContextId, Accepted>,
    /// Why no call may follow.
    pub(crate) refusal: Option<Refusal>,
    /// Responses of which fragments are missing.
    pub(crate) responses: BTreeMap<CallId, Partial>,
}

/// A PDU of the client that is not answered.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) call_id: CallId,
    pub(crate) kind: Kind,
}

/// What kind of PDU waits.
#[derive(Debug)]
pub(crate) enum Kind {
    Bind(Option<Offer>),
    Alter(Option<Offer>),
    Request(Call),
    /// Anything else; lawfully it is refused or gets no answer.
    Other,
}

/// What a bind or `alter_context` offered.
#[derive(Debug)]
pub(crate) struct Offer {
    pub(crate) flags: PfcFlags,
    pub(crate) max_xmit_frag: u16,
    pub(crate) max_recv_frag: u16,
    pub(crate) contexts: Vec<Offered>,
}

/// One context of an offer.
#[derive(Debug)]
pub(crate) struct Offered {
    pub(crate) id: ContextId,
    pub(crate) abstract_syntax: SyntaxId,
    pub(crate) transfer_syntaxes: Vec<SyntaxId>,
}

impl Offer {
    pub(crate) fn of(flags: PfcFlags, bind: &Bind<'_>) -> Self {
        let contexts = bind.contexts.iter().map(|context| Offered {
            id: context.id,
            abstract_syntax: context.abstract_syntax,
            transfer_syntaxes: context.transfer_syntaxes.iter().collect(),
        });
        Self {
            flags,
            max_xmit_frag: bind.max_xmit_frag,
            max_recv_frag: bind.max_recv_frag,
            contexts: contexts.collect(),
        }
    }
}

/// An accepted context.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accepted {
    pub(crate) abstract_syntax: SyntaxId,
    /// `None` if the id was accepted twice with different ones.
    pub(crate) transfer_syntax: Option<SyntaxId>,
}

/// A request as far as it has come.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) context_id: ContextId,
    pub(crate) opnum: u16,
    pub(crate) order: ByteOrder,
    /// All fragments are there.
    pub(crate) complete: bool,
    /// There are several.
    pub(crate) several: bool,
    pub(crate) stub: Stub,
}

/// A stub as it grows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stub {
    octets: Vec<u8>,
    pub(crate) len: usize,
}

impl Stub {
    pub(crate) fn push(&mut self, part: &[u8]) {
        self.len = self.len.saturating_add(part.len());
        if self.len <= MOST_STUB {
            self.octets.extend_from_slice(part);
        }
    }

    /// All of it, unless it is too long to be kept.
    pub(crate) fn whole(&self) -> Option<&[u8]> {
        (self.len == self.octets.len()).then_some(&self.octets)
    }
}

/// A response of which fragments are missing.
#[derive(Debug, Default)]
pub(crate) struct Partial {
    pub(crate) stub: Stub,
    /// Of each fragment its hint and where it starts in the stub.
    pub(crate) hints: Vec<(u32, usize)>,
}

/// Why no call may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Nak,
    Fault,
    AllRejected,
}

impl Conversation {
    pub(crate) const fn new(whole: bool) -> Self {
        Self {
            whole,
            clear: true,
            minor_one: false,
            authenticated: false,
            cancelled: false,
            asked: PfcFlags(0),
            waiting: Vec::new(),
            sizes: None,
            offered: BTreeSet::new(),
            accepted: BTreeMap::new(),
            refusal: None,
            responses: BTreeMap::new(),
        }
    }

    /// What is not answered is known.
    pub(crate) const fn is_known(&self) -> bool {
        self.whole && self.clear
    }

    /// Octets are missing: what was agreed on stays, what waits is not known any more.
    pub(crate) fn gap(&mut self) {
        self.whole = false;
        self.waiting.clear();
        self.responses.clear();
    }

    pub(crate) fn wait(&mut self, call_id: CallId, kind: Kind) {
        if self.waiting.len() >= MOST_WAITING {
            self.gap();
        }
        let other = matches!(kind, Kind::Other);
        let known =
            |waiting: &Waiting| waiting.call_id == call_id && matches!(waiting.kind, Kind::Other);
        if !(other && self.waiting.iter().any(known)) {
            self.waiting.push(Waiting { call_id, kind });
        }
    }

    pub(crate) fn waiting(&self) -> &[Waiting] {
        &self.waiting
    }

    /// The call a further fragment belongs to.
    pub(crate) fn open_call(&mut self, call_id: CallId) -> Option<&mut Call> {
        self.waiting.iter_mut().rev().find_map(|waiting| {
            let open = waiting.call_id == call_id;
            match &mut waiting.kind {
                Kind::Request(call) if open && !call.complete => Some(call),
                _ => None,
            }
        })
    }

    /// Takes what an answer answers out of what waits: by call id among those of `kind`, else the oldest of that kind.
    pub(crate) fn answer(
        &mut self,
        call_id: CallId,
        kind: impl Fn(&Kind) -> bool,
    ) -> Option<Waiting> {
        let right = |waiting: &Waiting| kind(&waiting.kind);
        let exact = |waiting: &Waiting| waiting.call_id == call_id && right(waiting);
        // What is hardly ever answered, a cancel above all, does not take the answer of a call with the same id.
        let called = |waiting: &Waiting| exact(waiting) && !matches!(waiting.kind, Kind::Other);
        let at = self.waiting.iter().position(called);
        let at = at.or_else(|| self.waiting.iter().position(exact));
        let at = at.or_else(|| self.waiting.iter().position(right))?;
        Some(self.waiting.remove(at))
    }

    /// The request that a fragment of a response belongs to, by call id or else the oldest.
    pub(crate) fn called(&self, call_id: CallId) -> Option<(CallId, &Call)> {
        let calls = |complete: bool| {
            self.waiting
                .iter()
                .filter_map(move |waiting| match &waiting.kind {
                    Kind::Request(call) if call.complete == complete => {
                        Some((waiting.call_id, call))
                    }
                    _ => None,
                })
        };
        // Complete ones first: an unfinished call is not answered while a finished one of the same id waits.
        let calls = calls(true).chain(calls(false));
        let mut exact = calls.clone().filter(|(id, _)| *id == call_id);
        exact.next().or_else(|| calls.clone().next())
    }

    /// The call that was completed last.
    pub(crate) fn newest_call(&self) -> Option<&Call> {
        let mut waiting = self.waiting.iter().rev();
        waiting.find_map(|waiting| match &waiting.kind {
            Kind::Request(call) if call.complete => Some(call),
            _ => None,
        })
    }
}

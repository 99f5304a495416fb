//! Which reply belongs to which request.

use super::{
    Answer, Calls, Exchange, Header, Interface, Lead, Notice, Observer, OpenCall, Reply, Rpc, Side,
    Sink, Stamp, TransferSyntax, sniff,
};
use kmspec_wire::pdu::PduType;

impl Calls {
    /// Notes a reply's fragment with the call it belongs to.
    pub(super) fn push_ptype(&mut self, header: &Header) {
        if let Some(open) = self
            .open
            .iter_mut()
            .find(|open| open.call_id == header.call_id)
        {
            open.lead.push(Lead {
                ptype: header.ptype.0,
                answered: true,
            });
        }
    }

    pub(super) fn close_call<O: Observer>(&mut self, answer: &Answer<'_>, sink: &mut Sink<'_, O>) {
        let by_id = self
            .open
            .iter()
            .position(|open| open.call_id == answer.call_id);
        // Some hosts answer with another call id. Where the start of the connection is missing, such a reply may belong to
        // a request in front of the capture: there only a fault is taken for the answer.
        let is_fault = matches!(answer.reply, Reply::Fault(_));
        let guess = is_fault || !sink.connection.mid_stream;
        let at = by_id.or_else(|| (guess && !self.open.is_empty()).then_some(0));
        match at.and_then(|at| self.open.remove(at)) {
            Some(open) => self.hand_on(open, Some(answer), sink),
            None => sink.notice(Notice::Orphan {
                stream: sink.connection.stream,
                at: answer.at,
                call_id: answer.call_id.0,
            }),
        }
    }

    /// Hands on a call if it is one of KMS.
    pub(super) fn hand_on<O: Observer>(
        &mut self,
        mut open: OpenCall,
        answer: Option<&Answer<'_>>,
        sink: &mut Sink<'_, O>,
    ) {
        let Some((syntax, bound)) = self.syntax_if_kms(&open) else {
            return;
        };
        let ptype = match answer.map(|answer| answer.reply) {
            Some(Reply::Response { .. }) => Some(PduType::RESPONSE),
            Some(Reply::Fault(_)) => Some(PduType::FAULT),
            _ => None,
        };
        let mut ptypes = std::mem::take(&mut sink.scratch.ptypes);
        ptypes.clear();
        ptypes.extend(open.lead.iter().map(|pdu| pdu.ptype));
        ptypes.extend(ptype.map(|ptype| ptype.0));
        let (client, host) = match self.client.unwrap_or(Side::Opener) {
            Side::Opener => (sink.connection.opener, sink.connection.peer),
            Side::Peer => (sink.connection.peer, sink.connection.opener),
        };
        let exchange = Exchange {
            connection: sink.connection,
            client,
            host,
            call: open.call,
            rpc: Rpc {
                ptypes: &ptypes,
                call_id: open.call_id.0,
                context_id: open.context_id.0,
                opnum: open.opnum,
                syntax,
                bound,
                request: open.at,
                answered: answer.map(|answer| answer.at),
                reply_call_id: answer
                    .map(|answer| answer.call_id)
                    .filter(|&id| id != open.call_id)
                    .map(|id| id.0),
            },
            request_stub: &open.stub,
            request_order: open.order,
            request_cut: open.cut,
            reply: answer.map_or(Reply::None, |answer| answer.reply),
        };
        sink.counts.exchange(&exchange);
        sink.observer.exchange(&exchange);
        sink.scratch.ptypes = ptypes;
        sink.scratch.stub = std::mem::take(&mut open.stub);
        sink.scratch.lead = std::mem::take(&mut open.lead);
    }

    /// The encoding of a call's stubs and whether it was agreed on, if the call is one of KMS.
    fn syntax_if_kms(&mut self, open: &OpenCall) -> Option<(TransferSyntax, bool)> {
        match self.contexts.accepted(open.context_id) {
            Some((Interface::Kms, Some(syntax))) => return Some((syntax, true)),
            Some((Interface::Other, _)) => return None,
            _ => {}
        }
        if self.contexts.interface() == Interface::Kms {
            let by_form = if open.cut {
                sniff::cut_request(&open.stub, open.alloc_hint, open.order)
            } else {
                sniff::request_syntax(&open.stub, open.order)
            };
            return Some((by_form.unwrap_or(TransferSyntax::Ndr32), false));
        }
        let syntax = if open.cut {
            sniff::cut_request(&open.stub, open.alloc_hint, open.order)?
        } else {
            sniff::kms_request(&open.stub, open.order)?
        };
        self.contexts.is_kms_after_all();
        Some((syntax, false))
    }
}

impl<O: Observer> Sink<'_, O> {
    pub(super) fn bad_pdu(&mut self, at: Stamp, ptype: PduType) {
        self.notice(Notice::BadPdu {
            stream: self.connection.stream,
            at,
            ptype: ptype.0,
        });
    }

    /// Tells something, and counts it.
    pub(crate) fn notice(&mut self, notice: Notice) {
        self.counts.notice(&notice);
        self.observer.notice(&notice);
    }
}

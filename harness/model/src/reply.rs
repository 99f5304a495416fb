use kmspec_wire::fragment::fragments;
use kmspec_wire::pdu::{
    BindAck, BindNak, Body, CallId, ContextId, ContextResult, Fault, FaultStatus, Header,
    NakReason, Pdu, PduType, PfcFlags, Response, ResultList,
};

use crate::deviate;
use crate::fault::{self, Faults};
use crate::next::After;

/// Writes the answers to one PDU.
pub(crate) struct Reply<'a> {
    /// Header of what is answered.
    pub(crate) asked: Header,
    pub(crate) faults: Faults,
    /// Header and `auth_length` of what came, before a fault took it for something else.
    pub(crate) original: Header,
    pub(crate) asked_auth_length: [u8; 2],
    /// What happens to lie in memory.
    pub(crate) noise: u8,
    /// A call whose id is mixed up with this one's.
    pub(crate) mixed: Option<CallId>,
    /// The type of the last PDU sent.
    pub(crate) sent: Option<PduType>,
    pub(crate) out: &'a mut Vec<u8>,
}

/// What a `bind_ack` or `alter_context_resp` says of the connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ack<'a> {
    pub(crate) ptype: PduType,
    pub(crate) flags: PfcFlags,
    pub(crate) fragment: u16,
    pub(crate) group: u32,
    pub(crate) address: &'a [u8],
    pub(crate) results: &'a [ContextResult],
    pub(crate) trailing: &'a [u8],
}

impl<'a> Reply<'a> {
    pub(crate) fn new(asked: Header, faults: Faults, out: &'a mut Vec<u8>) -> Self {
        Self {
            asked,
            faults,
            original: asked,
            asked_auth_length: [0; 2],
            noise: 0,
            mixed: None,
            sent: None,
            out,
        }
    }
}

impl Reply<'_> {
    /// Grants an association, or what was asked to be altered in it.
    pub(crate) fn ack(&mut self, ack: Ack<'_>) {
        let mut results = Vec::new();
        let mut ack = ack;
        if !self.faults.is_empty() {
            deviate::ack(self.faults, &mut ack);
            results.extend_from_slice(ack.results);
            deviate::results(self.faults, &mut results);
            ack.results = &results;
        }
        let body = BindAck {
            max_xmit_frag: ack.fragment,
            max_recv_frag: ack.fragment,
            assoc_group_id: ack.group,
            secondary_address: ack.address,
            padding: &[],
            results: ResultList::new(ack.results),
            trailing: ack.trailing,
        };
        let body = match ack.ptype {
            PduType::ALTER_CONTEXT_RESP => Body::AlterContextResp(body),
            _ => Body::BindAck(body),
        };
        self.send(ack.ptype, ack.flags, self.asked.call_id, body);
    }

    /// Refuses an association; the connection ends with it.
    pub(crate) fn nak(&mut self, reason: NakReason) -> After {
        let body = Body::BindNak(deviate::nak_body(self.faults, BindNak::new(reason)));
        self.send(PduType::BIND_NAK, PfcFlags::WHOLE, self.asked.call_id, body);
        After::Close
    }

    /// Refuses a call of this connection.
    pub(crate) fn fault(
        &mut self,
        call_id: CallId,
        flags: PfcFlags,
        status: FaultStatus,
        context: ContextId,
    ) {
        let fault = Fault::new(status, context);
        let body = Body::Fault(deviate::fault_body(self.faults, self.noise, fault));
        self.send(PduType::FAULT, flags, call_id, body);
    }

    /// The peer broke the protocol: `pfc_flags` 0x23, no context, and the end of the connection.
    /// Source: Samba; MS-RPCE 3.3.3.5.
    pub(crate) fn protocol_error(&mut self) -> After {
        let flags = PfcFlags::WHOLE | PfcFlags::DID_NOT_EXECUTE;
        self.fault(
            self.asked.call_id,
            flags,
            FaultStatus::PROTO_ERROR,
            ContextId(0),
        );
        After::Close
    }

    /// Refuses a call and ends the connection, without saying whether the call was executed.
    pub(crate) fn disconnect(
        &mut self,
        call_id: CallId,
        status: FaultStatus,
        context: ContextId,
    ) -> After {
        self.fault(call_id, PfcFlags::WHOLE, status, context);
        After::Close
    }

    /// Answers a call, in as many fragments as the client's size asks for.
    pub(crate) fn response(&mut self, context: ContextId, max_frag: u16, stub: &[u8]) {
        use fault::Fault as F;
        let context = if self.faults.has(F::ResponseContextZero) {
            ContextId(0)
        } else {
            context
        };
        let times = if self.faults.has(F::MaybeAnsweredTwice)
            && self.asked.pfc_flags.has(PfcFlags::MAYBE)
        {
            2
        } else {
            1
        };
        for _ in 0..times {
            if self.faults.has(F::ResponseOverLimit) {
                let mut long = stub.to_vec();
                long.resize(stub.len().max(usize::from(max_frag)), 0);
                self.fragments(context, u16::MAX, &long);
            } else {
                self.fragments(context, max_frag, stub);
            }
        }
    }

    fn fragments(&mut self, context: ContextId, max_frag: u16, stub: &[u8]) {
        let more = if self.faults.has(fault::Fault::ResponseHintWrong) {
            8
        } else {
            0
        };
        let cancels = u8::from(self.faults.has(fault::Fault::ResponseCancelCount));
        for fragment in fragments(stub, usize::from(max_frag), Response::OVERHEAD) {
            let left = fragment.left.saturating_add(more);
            let body = Body::Response(Response {
                alloc_hint: u32::try_from(left).unwrap_or(u32::MAX),
                context_id: context,
                cancel_count: cancels,
                reserved: 0,
                stub: fragment.stub,
            });
            let call_id = self.mixed.unwrap_or(self.asked.call_id);
            self.send(PduType::RESPONSE, fragment.flags, call_id, body);
        }
    }

    fn send(&mut self, ptype: PduType, flags: PfcFlags, call_id: CallId, body: Body<'_>) {
        let mut header = Header::new(ptype, call_id).with_flags(flags);
        self.sent = Some(ptype);
        let start = self.out.len();
        if !self.faults.is_empty() {
            deviate::header(self.faults, &self.original, &mut header);
        }
        Pdu {
            header,
            body,
            auth: None,
        }
        .encode(self.out);
        if !self.faults.is_empty() {
            deviate::octets(
                self.faults,
                &self.original,
                self.asked_auth_length,
                ptype,
                self.out,
                start,
            );
        }
    }
}

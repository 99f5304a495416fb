use kmspec_wire::fragment::fragments;
use kmspec_wire::pdu::{
    BindAck, BindNak, Body, CallId, ContextId, ContextResult, Fault, FaultStatus, Header,
    NakReason, Pdu, PduType, PfcFlags, Response, ResultList,
};

use crate::next::After;

/// Writes the answers to one PDU.
pub(crate) struct Reply<'a> {
    /// Header of what is answered.
    pub(crate) asked: Header,
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
}

impl Reply<'_> {
    /// Grants an association, or what was asked to be altered in it.
    pub(crate) fn ack(&mut self, ack: &Ack<'_>) {
        let body = BindAck {
            max_xmit_frag: ack.fragment,
            max_recv_frag: ack.fragment,
            assoc_group_id: ack.group,
            secondary_address: ack.address,
            padding: &[],
            results: ResultList::new(ack.results),
            trailing: &[],
        };
        let body = match ack.ptype {
            PduType::ALTER_CONTEXT_RESP => Body::AlterContextResp(body),
            _ => Body::BindAck(body),
        };
        self.send(ack.ptype, ack.flags, self.asked.call_id, body);
    }

    /// Refuses an association; the connection ends with it.
    pub(crate) fn nak(&mut self, reason: NakReason) -> After {
        let body = Body::BindNak(BindNak::new(reason));
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
        let body = Body::Fault(Fault::new(status, context));
        self.send(PduType::FAULT, flags, call_id, body);
    }

    /// The peer broke the protocol: `pfc_flags` 0x23, no context, and the end of the connection.
    /// Source: observed, Samba; MS-RPCE 3.3.3.5.
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
        for fragment in fragments(stub, usize::from(max_frag), Response::OVERHEAD) {
            let body = Body::Response(Response {
                alloc_hint: u32::try_from(fragment.left).unwrap_or(u32::MAX),
                context_id: context,
                cancel_count: 0,
                reserved: 0,
                stub: fragment.stub,
            });
            self.send(PduType::RESPONSE, fragment.flags, self.asked.call_id, body);
        }
    }

    fn send(&mut self, ptype: PduType, flags: PfcFlags, call_id: CallId, body: Body<'_>) {
        let header = Header::new(ptype, call_id).with_flags(flags);
        Pdu {
            header,
            body,
            auth: None,
        }
        .encode(self.out);
    }
}

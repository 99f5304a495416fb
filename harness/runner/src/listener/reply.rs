use kmspec_wire::pdu::{
    Body, CallId, ContextId, Encoded, Fault, FaultStatus, Header, Pdu, PduType, PfcFlags, Response,
};

use super::Query;

/// A response, good until a field is bent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The common header; the fragment flags of a response in one piece.
    pub header: Header,
    /// Hint for the size of the stub; the right one unless set.
    pub alloc_hint: Option<u32>,
    /// The presentation context.
    pub context_id: ContextId,
    /// Cancels received.
    pub cancel_count: u8,
    /// Reserved octet.
    pub reserved: u8,
    /// The stub.
    pub stub: Vec<u8>,
}

/// What stands in the hint of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// What is left of the stub, this fragment included.
    Left,
    /// The whole stub's length, each time.
    Total,
    /// 0.
    Zero,
}

impl Reply {
    /// The response to a call.
    pub fn to(query: &Query, stub: impl Into<Vec<u8>>) -> Self {
        Self {
            header: Header::new(PduType::RESPONSE, query.call_id),
            alloc_hint: None,
            context_id: query.context_id,
            cancel_count: 0,
            reserved: 0,
            stub: stub.into(),
        }
    }

    /// With these flags.
    #[must_use]
    pub const fn flags(mut self, flags: PfcFlags) -> Self {
        self.header.pfc_flags = flags;
        self
    }

    /// For this call.
    #[must_use]
    pub const fn call_id(mut self, call_id: CallId) -> Self {
        self.header.call_id = call_id;
        self
    }

    /// With this hint.
    #[must_use]
    pub const fn alloc_hint(mut self, alloc_hint: u32) -> Self {
        self.alloc_hint = Some(alloc_hint);
        self
    }

    /// The PDU's octets and fields.
    pub fn encoded(&self) -> Encoded {
        let hint = self.alloc_hint.unwrap_or_else(|| size(self.stub.len()));
        self.pdu(self.header.pfc_flags, hint, &self.stub)
    }

    /// The same in fragments, whose parts of the stub have this many octets each, the last one aside.
    pub fn in_fragments(&self, part: usize, hint: Hint) -> Vec<Encoded> {
        let parts: Vec<&[u8]> = self.stub.chunks(part.max(1)).collect();
        let mut left = self.stub.len();
        let mut fragments = Vec::new();
        for (number, part) in parts.iter().enumerate() {
            let mut flags = PfcFlags(0);
            if number == 0 {
                flags = flags | PfcFlags::FIRST_FRAG;
            }
            if number + 1 == parts.len() {
                flags = flags | PfcFlags::LAST_FRAG;
            }
            let hint = match hint {
                Hint::Left => left,
                Hint::Total => self.stub.len(),
                Hint::Zero => 0,
            };
            fragments.push(self.pdu(flags, size(hint), part));
            left -= part.len();
        }
        fragments
    }

    fn pdu(&self, flags: PfcFlags, alloc_hint: u32, stub: &[u8]) -> Encoded {
        let body = Body::Response(Response {
            alloc_hint,
            context_id: self.context_id,
            cancel_count: self.cancel_count,
            reserved: self.reserved,
            stub,
        });
        Pdu {
            header: self.header.with_flags(flags),
            body,
            auth: None,
        }
        .encoded()
    }
}

/// A fault in answer to a PDU with this call id.
pub fn fault(call_id: CallId, status: FaultStatus, context_id: ContextId) -> Encoded {
    Pdu {
        header: Header::new(PduType::FAULT, call_id),
        body: Body::Fault(Fault::new(status, context_id)),
        auth: None,
    }
    .encoded()
}

fn size(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

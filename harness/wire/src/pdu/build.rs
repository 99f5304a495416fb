use super::{
    AuthVerifier, Bind, Body, CallId, ContextElement, ContextId, ContextList, Drep, Encoded,
    Header, Pdu, PduType, PfcFlags, Request, SyntaxId,
};
use crate::guid::Guid;

/// Makes a bind or `alter_context`. The default is the one of a plain client: version 5.0, call id 1, fragments of 5840,
/// a new association group, no contexts yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindBuilder {
    /// The common header.
    pub header: Header,
    /// Largest fragment the client will send, in octets.
    pub max_xmit_frag: u16,
    /// Largest fragment the client can receive, in octets.
    pub max_recv_frag: u16,
    /// Association group to join; 0 asks for a new one.
    pub assoc_group_id: u32,
    /// The contexts offered.
    pub contexts: Vec<ContextElement>,
}

impl Default for BindBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BindBuilder {
    /// Largest fragment that Windows takes over TCP, in octets. Source: MS-RPCE 3.3.1.5.6 and its notes.
    pub const WINDOWS_FRAGMENT: u16 = 5840;

    /// A bind without contexts.
    pub fn new() -> Self {
        Self {
            header: Header::new(PduType::BIND, CallId(1)),
            max_xmit_frag: Self::WINDOWS_FRAGMENT,
            max_recv_frag: Self::WINDOWS_FRAGMENT,
            assoc_group_id: 0,
            contexts: Vec::new(),
        }
    }

    /// An `alter_context` without contexts.
    pub fn alter() -> Self {
        let mut alter = Self::new();
        alter.header.ptype = PduType::ALTER_CONTEXT;
        alter
    }

    /// Offers one more context.
    #[must_use]
    pub fn offering(
        mut self,
        id: u16,
        abstract_syntax: SyntaxId,
        transfer_syntaxes: &[SyntaxId],
    ) -> Self {
        let transfer_syntaxes = transfer_syntaxes.to_vec();
        self.contexts.push(ContextElement {
            id: ContextId(id),
            abstract_syntax,
            transfer_syntaxes,
        });
        self
    }

    /// With these flags.
    #[must_use]
    pub const fn flags(mut self, flags: PfcFlags) -> Self {
        self.header.pfc_flags = flags;
        self
    }

    /// With this call id.
    #[must_use]
    pub const fn call_id(mut self, call_id: u32) -> Self {
        self.header.call_id = CallId(call_id);
        self
    }

    /// With this data representation.
    #[must_use]
    pub const fn drep(mut self, drep: Drep) -> Self {
        self.header.drep = drep;
        self
    }

    /// Offers these fragment sizes, in octets.
    #[must_use]
    pub const fn fragments(mut self, max_xmit_frag: u16, max_recv_frag: u16) -> Self {
        self.max_xmit_frag = max_xmit_frag;
        self.max_recv_frag = max_recv_frag;
        self
    }

    /// Asks to join this association group.
    #[must_use]
    pub const fn group(mut self, assoc_group_id: u32) -> Self {
        self.assoc_group_id = assoc_group_id;
        self
    }

    /// Appends the PDU to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        self.pdu(None).encode(out);
    }

    /// The PDU's octets and fields.
    pub fn encoded(&self) -> Encoded {
        self.with_auth(None)
    }

    /// The same with a security trailer.
    pub fn with_auth(&self, auth: Option<AuthVerifier<'_>>) -> Encoded {
        self.pdu(auth).encoded()
    }

    fn pdu<'a>(&'a self, auth: Option<AuthVerifier<'a>>) -> Pdu<'a> {
        let bind = Bind {
            max_xmit_frag: self.max_xmit_frag,
            max_recv_frag: self.max_recv_frag,
            assoc_group_id: self.assoc_group_id,
            contexts: ContextList::new(&self.contexts),
            trailing: &[],
        };
        let body = match self.header.ptype {
            PduType::ALTER_CONTEXT => Body::AlterContext(bind),
            _ => Body::Bind(bind),
        };
        Pdu {
            header: self.header,
            body,
            auth,
        }
    }
}

/// Makes a request PDU. The default is version 5.0, call id 2, context 0, opnum 0, an exact `alloc_hint`, no object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestBuilder {
    /// The common header.
    pub header: Header,
    /// Hint for the size of the stub; the stub's length unless set.
    pub alloc_hint: Option<u32>,
    /// The presentation context.
    pub context_id: ContextId,
    /// The operation.
    pub opnum: u16,
    /// The object; setting it sets the flag.
    pub object: Option<Guid>,
    /// The stub.
    pub stub: Vec<u8>,
}

impl RequestBuilder {
    /// A request with this stub.
    pub fn new(stub: impl Into<Vec<u8>>) -> Self {
        Self {
            header: Header::new(PduType::REQUEST, CallId(2)),
            alloc_hint: None,
            context_id: ContextId(0),
            opnum: 0,
            object: None,
            stub: stub.into(),
        }
    }

    /// With these flags.
    #[must_use]
    pub const fn flags(mut self, flags: PfcFlags) -> Self {
        self.header.pfc_flags = flags;
        self
    }

    /// With this call id.
    #[must_use]
    pub const fn call_id(mut self, call_id: u32) -> Self {
        self.header.call_id = CallId(call_id);
        self
    }

    /// With this data representation.
    #[must_use]
    pub const fn drep(mut self, drep: Drep) -> Self {
        self.header.drep = drep;
        self
    }

    /// On this presentation context.
    #[must_use]
    pub const fn context(mut self, context_id: u16) -> Self {
        self.context_id = ContextId(context_id);
        self
    }

    /// For this operation.
    #[must_use]
    pub const fn opnum(mut self, opnum: u16) -> Self {
        self.opnum = opnum;
        self
    }

    /// With this hint.
    #[must_use]
    pub const fn alloc_hint(mut self, alloc_hint: u32) -> Self {
        self.alloc_hint = Some(alloc_hint);
        self
    }

    /// For this object.
    #[must_use]
    pub fn object(mut self, object: Guid) -> Self {
        self.object = Some(object);
        self.header.pfc_flags = self.header.pfc_flags | PfcFlags::OBJECT_UUID;
        self
    }

    /// The PDU's octets and fields.
    pub fn encoded(&self) -> Encoded {
        self.with_auth(None)
    }

    /// The same with a security trailer.
    pub fn with_auth(&self, auth: Option<AuthVerifier<'_>>) -> Encoded {
        let body = Body::Request(Request {
            alloc_hint: self
                .alloc_hint
                .unwrap_or_else(|| u32::try_from(self.stub.len()).unwrap_or(u32::MAX)),
            context_id: self.context_id,
            opnum: self.opnum,
            object: self.object,
            stub: &self.stub,
        });
        Pdu {
            header: self.header,
            body,
            auth,
        }
        .encoded()
    }
}

use kmspec_wire::btfn::Features;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{
    BindAck, BindBuilder, Body, Context, ContextId, ContextResult, Encoded, Header, Pdu, PduType,
    PfcFlags, Reason, ResultList, SyntaxId,
};

use crate::check::{BindPdu, Seen};

/// A `bind_ack`, good until a field is bent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The common header: that of the bind, as far as an answer shares it.
    pub header: Header,
    /// Largest fragment the host will send, in octets.
    pub max_xmit_frag: u16,
    /// Largest fragment the host can receive, in octets.
    pub max_recv_frag: u16,
    /// The association group.
    pub assoc_group_id: u32,
    /// The secondary address with its NUL.
    pub secondary_address: Vec<u8>,
    /// What aligns the result list.
    pub padding: Vec<u8>,
    /// The results.
    pub results: Vec<ContextResult>,
    /// Octets behind them.
    pub trailing: Vec<u8>,
    /// The context of the bind that is accepted, and how its stubs are encoded.
    pub chosen: Option<(ContextId, TransferSyntax)>,
}

impl Ack {
    /// The answer of a host that prefers NDR64, as Windows does.
    pub fn to(bind: &Seen<BindPdu>, port: u16) -> Self {
        let syntaxes = [TransferSyntax::Ndr64, TransferSyntax::Ndr32];
        let offered = |syntax: &TransferSyntax| offers(bind, *syntax).is_some();
        let syntax = syntaxes.into_iter().find(offered);
        Self::choosing(bind, port, syntax)
    }

    /// The answer of a host that speaks only this encoding, or none.
    pub fn choosing(bind: &Seen<BindPdu>, port: u16, syntax: Option<TransferSyntax>) -> Self {
        let (header, body) = (bind.header(), bind.body());
        let chosen = syntax.and_then(|syntax| Some((offers(bind, syntax)?, syntax)));
        let result = |context: Context<'_>| result(&context, chosen);
        let size = |offered: u16| offered.clamp(1432, BindBuilder::WINDOWS_FRAGMENT);
        Self {
            header: Header::new(PduType::BIND_ACK, header.call_id)
                .with_flags(PfcFlags::WHOLE | (header.pfc_flags & PfcFlags::CONC_MPX)),
            max_xmit_frag: size(body.max_recv_frag),
            max_recv_frag: size(body.max_xmit_frag),
            assoc_group_id: 0x1063,
            secondary_address: format!("{port}\0").into_bytes(),
            padding: Vec::new(),
            results: body.contexts.iter().map(result).collect(),
            trailing: Vec::new(),
            chosen,
        }
    }

    /// With these sizes, in octets.
    #[must_use]
    pub fn fragments(mut self, size: u16) -> Self {
        (self.max_xmit_frag, self.max_recv_frag) = (size, size);
        self
    }

    /// With the same result for every context.
    #[must_use]
    pub fn all(mut self, result: ContextResult) -> Self {
        self.results.fill(result);
        self
    }

    /// The PDU's octets and fields.
    pub fn encoded(&self) -> Encoded {
        let body = Body::BindAck(BindAck {
            max_xmit_frag: self.max_xmit_frag,
            max_recv_frag: self.max_recv_frag,
            assoc_group_id: self.assoc_group_id,
            secondary_address: &self.secondary_address,
            padding: &self.padding,
            results: ResultList::new(&self.results),
            trailing: &self.trailing,
        });
        Pdu {
            header: self.header,
            body,
            auth: None,
        }
        .encoded()
    }
}

/// The first context that offers the KMS interface in this encoding.
fn offers(bind: &Seen<BindPdu>, syntax: TransferSyntax) -> Option<ContextId> {
    let mut contexts = bind.body().contexts.iter();
    let context = contexts.find(|context| {
        let mut syntaxes = context.transfer_syntaxes.iter();
        context.abstract_syntax == SyntaxId::KMS && syntaxes.any(|offered| offered == syntax.id())
    });
    context.map(|context| context.id)
}

fn result(context: &Context<'_>, chosen: Option<(ContextId, TransferSyntax)>) -> ContextResult {
    if let Some((id, syntax)) = chosen
        && id == context.id
    {
        return ContextResult::accepted(syntax.id());
    }
    let mut syntaxes = context.transfer_syntaxes.iter();
    match syntaxes.find_map(Features::asked_by) {
        Some(mask) => ContextResult::negotiated(mask.granted(Features::ALL)),
        None if context.abstract_syntax == SyntaxId::KMS => {
            ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED)
        }
        None => ContextResult::rejected(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED),
    }
}

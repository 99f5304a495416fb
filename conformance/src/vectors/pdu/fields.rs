//! What is in a PDU, by the names of the specification.

use kmspec_wire::pdu::{AuthVerifier, Bind, BindAck, BindNak, Body, Pdu, SyntaxId};

use crate::vectors::{Fields, Value};

/// Every field of a PDU of this length.
pub(super) fn fields(pdu: &Pdu<'_>, frag_length: usize) -> Fields {
    let header = &pdu.header;
    let auth_length = pdu.auth.map_or(0, |auth| auth.token.len());
    let fields = Fields::default()
        .with("rpc_vers", header.rpc_vers)
        .with("rpc_vers_minor", header.rpc_vers_minor)
        .with("PTYPE", header.ptype.0)
        .with("pfc_flags", header.pfc_flags.0)
        .with("packed_drep", &header.drep.0[..])
        .with("frag_length", length(frag_length))
        .with("auth_length", length(auth_length))
        .with("call_id", header.call_id.0);
    let fields = body(fields, &pdu.body);
    match &pdu.auth {
        None => fields,
        Some(auth) => fields.with("auth_verifier", verifier(auth)),
    }
}

fn body(fields: Fields, body: &Body<'_>) -> Fields {
    match body {
        Body::Bind(bind) | Body::AlterContext(bind) => offered(fields, bind),
        Body::BindAck(ack) | Body::AlterContextResp(ack) => granted(fields, ack),
        Body::BindNak(nak) => refused(fields, nak),
        Body::Request(request) => {
            let fields = fields
                .with("alloc_hint", request.alloc_hint)
                .with("p_cont_id", request.context_id.0)
                .with("opnum", request.opnum);
            let fields = match request.object {
                None => fields,
                Some(object) => fields.with("object", object.to_string().as_str()),
            };
            fields.with("stub", request.stub)
        }
        Body::Response(response) => fields
            .with("alloc_hint", response.alloc_hint)
            .with("p_cont_id", response.context_id.0)
            .with("cancel_count", response.cancel_count)
            .with("reserved", response.reserved)
            .with("stub", response.stub),
        Body::Fault(fault) => fields
            .with("alloc_hint", fault.alloc_hint)
            .with("p_cont_id", fault.context_id.0)
            .with("cancel_count", fault.cancel_count)
            .with("flags", fault.flags)
            .with("status", fault.status.0)
            .with("reserved", &fault.reserved[..])
            .with("stub", fault.stub),
        Body::Auth3(octets)
        | Body::Shutdown(octets)
        | Body::CoCancel(octets)
        | Body::Orphaned(octets)
        | Body::Unknown(octets) => fields.with("body", *octets),
        _ => fields,
    }
}

fn offered(fields: Fields, bind: &Bind<'_>) -> Fields {
    let contexts = bind.contexts.iter().map(|context| {
        let syntaxes = context.transfer_syntaxes.iter().map(syntax);
        let syntaxes: Vec<Value> = syntaxes.collect();
        let fields = Fields::default()
            .with("p_cont_id", context.id.0)
            .with("abstract_syntax", syntax(context.abstract_syntax));
        Value::Fields(fields.with("transfer_syntaxes", syntaxes))
    });
    let contexts: Vec<Value> = contexts.collect();
    fields
        .with("max_xmit_frag", bind.max_xmit_frag)
        .with("max_recv_frag", bind.max_recv_frag)
        .with("assoc_group_id", bind.assoc_group_id)
        .with("p_context_elem", contexts)
}

fn granted(fields: Fields, ack: &BindAck<'_>) -> Fields {
    let results = ack.results.iter().map(|result| {
        let fields = Fields::default()
            .with("result", result.result.0)
            .with("reason", result.reason.0);
        Value::Fields(fields.with("transfer_syntax", syntax(result.transfer_syntax)))
    });
    let results: Vec<Value> = results.collect();
    fields
        .with("max_xmit_frag", ack.max_xmit_frag)
        .with("max_recv_frag", ack.max_recv_frag)
        .with("assoc_group_id", ack.assoc_group_id)
        .with("sec_addr", ack.secondary_address)
        .with("p_result_list", results)
}

fn refused(fields: Fields, nak: &BindNak<'_>) -> Fields {
    let versions = nak.versions.unwrap_or_default().iter();
    let versions: Vec<Value> = versions.map(|version| (&version[..]).into()).collect();
    fields
        .with("provider_reject_reason", nak.reason.0)
        .with("versions", versions)
        .with("trailing", nak.trailing)
}

fn verifier(auth: &AuthVerifier<'_>) -> Fields {
    Fields::default()
        .with("auth_pad", auth.padding)
        .with("auth_type", auth.auth_type)
        .with("auth_level", auth.auth_level)
        .with("auth_context_id", auth.auth_context_id)
        .with("auth_value", auth.token)
}

/// UUID and version as they are usually written.
fn syntax(syntax: SyntaxId) -> Value {
    let SyntaxId { uuid, major, minor } = syntax;
    Value::Text(format!("{uuid}/{major}.{minor}"))
}

fn length(octets: usize) -> u64 {
    u64::try_from(octets).unwrap_or(u64::MAX)
}

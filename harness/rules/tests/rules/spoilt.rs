//! The table: what is done to an honest conversation, and the one rule it breaks.

use kmspec_rules::Role::{self, Client, Host};
use kmspec_wire::btfn::Features;
use kmspec_wire::kms::envelope::{Content, Mac, Padding, RequestParts, ResponseParts};
use kmspec_wire::kms::{ProtocolVersion, RequestBody, ResponseBody, Version, WorkstationName};
use kmspec_wire::ndr::TransferSyntax::{self, Ndr32, Ndr64};
use kmspec_wire::ndr::{RequestStub, ResponseStub};
use kmspec_wire::pdu::{
    BindBuilder, ContextResult, FaultStatus, NakReason, PfcFlags, Reason, RequestBuilder, SyntaxId,
};

use crate::talk::{Talk, messages};

type Row = (Role, &'static str, Talk);

/// Conversations beside the plain one that break nothing, whatever they look like.
pub(crate) fn honest() -> Vec<(&'static str, Talk)> {
    let bound = || Talk::bound(Ndr32);
    let failure = ResponseStub::failure(0x8007_000d).to_bytes(Ndr32);
    let (request, response) = messages(Version::V4, |_| {}, |_| {});
    let call = RequestStub::new(&request).to_bytes(Ndr32);
    let reply = ResponseStub::success(&response).to_bytes(Ndr32);
    let total = u32::try_from(reply.len()).unwrap();
    vec![
        ("failure", bound().calls(2, &call).answers(2, &failure)),
        ("fragments", fragments(total, total - 64)),
        ("fragments without hints", fragments(0, 0)),
        ("bind_nak", offer().naked(NakReason::LOCAL_LIMIT_EXCEEDED)),
        (
            "fault",
            bound()
                .calls(2, &call)
                .faults(2, FaultStatus::BAD_STUB_DATA),
        ),
        ("alter_context", altered()),
    ]
}

/// Lawful answers to what only a tester sends.
pub(crate) fn provoked() -> Vec<(&'static str, Talk)> {
    let bound = || Talk::bound(Ndr32);
    let odd = |talk: Talk| talk.faults(2, FaultStatus::PROTO_ERROR);
    let whole = || Talk::of(Version::V4);
    let one = || RequestBuilder::new(call());
    vec![
        (
            "a request of unknown drep",
            odd(bound().calls(2, &call()).but(2, "packed_drep", &[0x20])),
        ),
        (
            "a bind of version 4",
            offer().but(0, "rpc_vers", &[4]).naked(NakReason(4)),
        ),
        ("a bind of version 5.1", minor_one()),
        ("a PDU that is not whole", unfinished()),
        (
            "nothing that is a PDU",
            offer().edit(0, |pdu| pdu[8] = 3).naked(NakReason(0)),
        ),
        (
            "a cancel",
            whole()
                .but(2, "pfc_flags", &[7])
                .but(3, "cancel_count", &[1]),
        ),
        ("a first fragment twice", interleaved()),
        ("a refused first fragment, then the last", refused_twice()),
        ("a masked context id", masked()),
        ("a hint of 0", whole().but(3, "alloc_hint", &[0; 4])),
        (
            "a multiplexed connection",
            whole()
                .but(1, "pfc_flags", &[0x13])
                .but(3, "pfc_flags", &[0x13]),
        ),
        (
            "a cut stub",
            bound()
                .calls(2, &call()[..9])
                .faults(2, FaultStatus::BAD_STUB_DATA),
        ),
        (
            "another operation",
            odd(bound().sent(one().opnum(7).encoded())),
        ),
    ]
}

fn minor_one() -> Talk {
    Talk::bound(Ndr32)
        .but(0, "rpc_vers_minor", &[1])
        .but(1, "rpc_vers_minor", &[1])
}

/// A host refuses a PDU of which it has seen the header.
fn unfinished() -> Talk {
    Talk::bound(Ndr32)
        .calls(77, &call())
        .edit(2, |pdu| pdu.truncate(20))
        .faults(77, FaultStatus::PROTO_ERROR)
}

fn interleaved() -> Talk {
    let part = |id| {
        RequestBuilder::new(call())
            .flags(PfcFlags::FIRST_FRAG)
            .call_id(id)
            .encoded()
    };
    let talk = Talk::bound(Ndr32).sent(part(50)).sent(part(51));
    talk.faults(50, FaultStatus::PROTO_ERROR)
}

/// A host refuses the first fragment for its context, and then the last for belonging to nothing.
fn refused_twice() -> Talk {
    let part = |flags| {
        let part = RequestBuilder::new(call()).context(0x34).flags(flags);
        part.encoded()
    };
    let talk = Talk::bound(Ndr32)
        .sent(part(PfcFlags::FIRST_FRAG))
        .sent(part(PfcFlags::LAST_FRAG));
    talk.faults(2, FaultStatus::UNK_IF)
        .faults(2, FaultStatus::PROTO_ERROR)
}

fn masked() -> Talk {
    let bind = BindBuilder::new().offering(0x1234, SyntaxId::KMS, &[SyntaxId::NDR32]);
    Talk::default()
        .sent(bind.encoded())
        .acked(&[ContextResult::accepted(SyntaxId::NDR32)])
        .sent(RequestBuilder::new(call()).context(0x1234).encoded())
        .answers(2, &reply())
        .but(3, "p_cont_id", &[0x34, 0])
}

fn offer() -> Talk {
    Talk::default().sent(kms_bind().encoded())
}

fn kms_bind() -> BindBuilder {
    BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32])
}

fn altered() -> Talk {
    let alter = BindBuilder::alter()
        .call_id(2)
        .offering(5, SyntaxId::KMS, &[SyntaxId::NDR32]);
    Talk::bound(Ndr32)
        .sent(alter.encoded())
        .altered(2, &[ContextResult::accepted(SyntaxId::NDR32)])
}

fn call() -> Vec<u8> {
    RequestStub::new(&messages(Version::V4, |_| {}, |_| {}).0).to_bytes(Ndr32)
}

fn reply() -> Vec<u8> {
    ResponseStub::success(&messages(Version::V4, |_| {}, |_| {}).1).to_bytes(Ndr32)
}

fn fragments(first: u32, second: u32) -> Talk {
    let reply = reply();
    Talk::bound(Ndr32)
        .calls(2, &call())
        .part(2, PfcFlags::FIRST_FRAG, first, &reply[..64])
        .part(2, PfcFlags::LAST_FRAG, second, &reply[64..])
}

pub(crate) fn table() -> Vec<Row> {
    [
        headers(),
        acks(),
        refusals(),
        responses(),
        stubs(),
        answers(),
        binds(),
        calls(),
        requests(),
    ]
    .concat()
}

fn headers() -> Vec<Row> {
    let plain = || Talk::of(Version::V4);
    vec![
        (
            Host,
            "rpc.header.version-in-replies",
            plain().but(3, "rpc_vers", &[4]),
        ),
        (
            Host,
            "rpc.header.version-in-replies",
            plain().but(1, "rpc_vers_minor", &[1]),
        ),
        (
            Host,
            "rpc.header.reply-drep-not-echoed",
            plain().but(3, "packed_drep", &[0]),
        ),
        (
            Host,
            "rpc.header.reply-drep-not-echoed",
            plain().but(1, "packed_drep", &[0x10, 0, 0, 1]),
        ),
        (
            Host,
            "rpc.header.auth-length-zero-without-auth",
            plain().but(1, "auth_length", &[8]),
        ),
        (Host, "rpc.header.frag-length-exact", plain().shorter(1, 30)),
        (
            Client,
            "rpc.header.frag-length-exact",
            plain().sent(kms_bind().encoded()).shorter(4, 30),
        ),
        (
            Client,
            "rpc.header.auth-length-zero-without-auth",
            auth_without_trailer(),
        ),
        (
            Host,
            "rpc.state.server-only-pdus",
            plain().but(3, "PTYPE", &[20]),
        ),
    ]
}

/// A whole call is there before the one whose `auth_length` lies.
fn auth_without_trailer() -> Talk {
    let lie = kmspec_wire::pdu::Encoded {
        bytes: vec![5, 0, 17, 3, 0x10, 0, 0, 0, 16, 0, 8, 0, 9, 0, 0, 0],
        spans: Vec::new(),
    };
    Talk::of(Version::V4).sent(lie)
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn acks() -> Vec<Row> {
    let bound = || Talk::bound(Ndr32);
    let wide = || {
        let bind = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32]);
        Talk::default().sent(bind.encoded())
    };
    let ndr32 = || ContextResult::accepted(SyntaxId::NDR32);
    let version = ContextResult::accepted(SyntaxId::NDR32.version(1, 0));
    let foreign = ContextResult::accepted(SyntaxId::UNASSIGNED);
    let second = || ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED);
    let swapped = Talk::bound(Ndr32).0[0].1.clone();
    let swapped = Talk::default().sent(swapped).acked(&[
        ContextResult::accepted(SyntaxId::NDR64),
        second(),
        ContextResult::negotiated(3),
    ]);
    let late = Features::ALL.syntax();
    let late = BindBuilder::new()
        .offering(0, SyntaxId::KMS, &[SyntaxId::NDR32])
        .offering(1, SyntaxId::KMS, &[late]);
    let late_answer = [ndr32(), ContextResult::accepted(Features::ALL.syntax())];
    vec![
        (
            Host,
            "rpc.bind.ack-echoes-call-id",
            bound().but(1, "call_id", &[9]),
        ),
        (
            Host,
            "rpc.bind.flags-first-last-optional",
            bound().but(1, "pfc_flags", &[1]),
        ),
        (
            Host,
            "rpc.bind.flags-header-signing",
            bound().but(1, "pfc_flags", &[7]),
        ),
        (
            Host,
            "rpc.bind.flags-others-ignored",
            bound().but(1, "pfc_flags", &[0x43]),
        ),
        (
            Host,
            "rpc.bind.secondary-address-port",
            bound().but(1, "sec_addr.port_spec", b"x"),
        ),
        (
            Host,
            "rpc.bind.secondary-address-port",
            bound().edit(1, |pdu| pdu[30] = b'8'),
        ),
        (Host, "rpc.bind.secondary-address-padding", shifted()),
        (
            Host,
            "rpc.fragsize.floor",
            bound().but(1, "max_recv_frag", &[0, 4]),
        ),
        (
            Host,
            "rpc.fragsize.both-equal",
            bound().but(1, "max_xmit_frag", &[0, 0x17]),
        ),
        (
            Host,
            "rpc.fragsize.both-equal",
            bound().but(0, "max_recv_frag", &[0, 0x10]),
        ),
        (
            Host,
            "rpc.bind.result-count-and-order",
            wide().acked(&[ndr32(), ndr32()]),
        ),
        (Host, "rpc.bind.result-count-and-order", swapped),
        (Host, "rpc.bind.ack-basic", wide().acked(&[foreign])),
        (Host, "rpc.bind.ack-basic", bound().longer(1, &[0; 4])),
        (
            Host,
            "rpc.bind.transfer-syntax-version",
            wide().acked(&[version]),
        ),
        (
            Host,
            "rpc.bind.rejected-syntax-zero",
            bound().but_nth(1, "transfer_syntax.if_version", 1, &[1]),
        ),
        (
            Host,
            "rpc.btfn.mask-not-above-request",
            bound().but_nth(1, "reason", 2, &[7]),
        ),
        (
            Host,
            "rpc.btfn.negotiate-ack",
            bound().but_nth(1, "result", 1, &[3]),
        ),
        (
            Host,
            "rpc.btfn.negotiate-ack",
            Talk::default().sent(late.encoded()).acked(&late_answer),
        ),
        (Host, "rpc.bind.second-bind", twice()),
        (
            Host,
            "rpc.alter.new-context",
            altered().but(3, "call_id", &[7]),
        ),
        (
            Host,
            "rpc.alter.flags",
            altered().but(3, "pfc_flags", &[0x23]),
        ),
        (Host, "rpc.state.alter-before-bind", alter_first()),
        (Host, "rpc.btfn.first-syntax-decides", features_second()),
    ]
}

/// Features asked for behind another syntax, and granted.
fn features_second() -> Talk {
    let alter = BindBuilder::alter().call_id(2).offering(
        5,
        SyntaxId::KMS,
        &[SyntaxId::UNASSIGNED, Features::ALL.syntax()],
    );
    Talk::bound(Ndr32)
        .sent(alter.encoded())
        .altered(2, &[ContextResult::negotiated(3)])
}

/// Results one octet early: an address of 4 digits without its padding.
fn shifted() -> Talk {
    Talk::bound(Ndr32).edit(1, |pdu| {
        pdu.remove(31);
        let len = u16::try_from(pdu.len()).unwrap();
        pdu[8..10].copy_from_slice(&len.to_le_bytes());
    })
}

fn twice() -> Talk {
    let mut talk = Talk::bound(Ndr32);
    talk.0.extend(Talk::bound(Ndr32).0);
    talk
}

fn alter_first() -> Talk {
    // The bind is refused; the connection goes on.
    let alter = BindBuilder::alter()
        .call_id(2)
        .offering(5, SyntaxId::KMS, &[SyntaxId::NDR32]);
    offer()
        .naked(NakReason::NOT_SPECIFIED)
        .sent(alter.encoded())
        .altered(2, &[ContextResult::accepted(SyntaxId::NDR32)])
}

fn refusals() -> Vec<Row> {
    let nak = || offer().naked(NakReason::NOT_SPECIFIED);
    let fault = || {
        let asked = Talk::bound(Ndr32).sent(RequestBuilder::new(call()).encoded());
        asked.faults(2, FaultStatus::BAD_STUB_DATA)
    };
    let fault_rows = [
        (
            "rpc.header.call-id-echoed-in-fault",
            fault().but(3, "call_id", &[7]),
        ),
        ("rpc.response.context-id", fault().but(3, "p_cont_id", &[7])),
        ("rpc.fault.format", fault().but(3, "alloc_hint", &[0; 4])),
        ("rpc.fault.format", fault().but(3, "pfc_flags", &[1])),
        ("rpc.fault.format", fault().longer(3, &[1])),
        ("rpc.fault.format", fault().shorter(3, 4)),
        (
            "rpc.fault.no-uninitialised-octets",
            fault().but(3, "cancel_count", &[1]),
        ),
        (
            "rpc.fault.no-uninitialised-octets",
            fault().but(3, "flags", &[2]),
        ),
        (
            "rpc.fault.no-uninitialised-octets",
            fault().but(3, "reserved", &[0, 0, 0, 1]),
        ),
        (
            "rpc.fault.status-allowed",
            fault().but(3, "status", &[0; 4]),
        ),
        ("rpc.nak.format", nak().but(1, "call_id", &[7])),
        ("rpc.nak.format", nak().but(1, "pfc_flags", &[0x23])),
        (
            "rpc.nak.format",
            nak().but(1, "provider_reject_reason", &[3]),
        ),
        ("rpc.nak.format", nak().but(1, "p_protocols.minor", &[1])),
        ("rpc.nak.format", nak().longer(1, &[0])),
        ("rpc.nak.format", nak().shorter(1, 4)),
    ];
    fault_rows
        .into_iter()
        .map(|(id, talk)| (Host, id, talk))
        .collect()
}

fn responses() -> Vec<Row> {
    let plain = || Talk::of(Version::V4);
    let rows = [
        (
            "rpc.request.response-echoes-call-id",
            plain().but(3, "call_id", &[9]),
        ),
        (
            "rpc.response.flags-clean",
            plain().but(3, "pfc_flags", &[0x23]),
        ),
        ("rpc.response.context-id", plain().but(3, "p_cont_id", &[9])),
        (
            "rpc.request.response-basic",
            plain().but(3, "cancel_count", &[1]),
        ),
        (
            "rpc.request.response-basic",
            plain().but(3, "reserved", &[1]),
        ),
        (
            "rpc.request.response-basic",
            plain().but(3, "alloc_hint", &[1]),
        ),
        (
            "rpc.request.response-basic",
            plain().but(3, "pfc_flags", &[2]),
        ),
        ("rpc.request.response-basic", fragments(1, 0)),
        ("rpc.fragsize.response-within-limit", too_large()),
    ];
    let mut rows: Vec<Row> = rows
        .into_iter()
        .map(|(id, talk)| (Host, id, talk))
        .collect();
    rows.extend(served());
    rows
}

/// A response of more octets than the host announced.
fn too_large() -> Talk {
    let mut stub = reply();
    let end = stub.split_off(stub.len() - 4);
    let padding = vec![0; 1432];
    let response = [&stub[12..], &padding].concat();
    let size = u32::try_from(response.len()).unwrap().to_le_bytes();
    let stub = [&size, &[0, 0, 2, 0], &size, &response[..], &end].concat();
    // Not KMS any more, and not on its interface.
    let other = SyntaxId::UNKNOWN_INTERFACE;
    let bind = kms_bind()
        .fragments(2048, 2048)
        .offering(1, other, &[SyntaxId::NDR32]);
    let accepted = ContextResult::accepted(SyntaxId::NDR32);
    Talk::default()
        .sent(bind.encoded())
        .acked(&[accepted, accepted])
        .but(1, "max_xmit_frag", &1432_u16.to_le_bytes())
        .but(1, "max_recv_frag", &2048_u16.to_le_bytes())
        .sent(RequestBuilder::new([0; 4]).context(1).encoded())
        .answers(2, &stub)
        .but(3, "p_cont_id", &[1])
}

/// Calls that deserve no normal answer, and get one. Their client is at fault too.
fn served() -> Vec<Row> {
    type Edit = fn(&mut RequestParts<'_>);
    let bound = || Talk::bound(Ndr32);
    let one = || RequestBuilder::new(call());
    let unbound = Talk::default().sent(one().encoded()).answers(2, &reply());
    let on = |context: u8| {
        let asked = bound().sent(one().context(context.into()).encoded());
        asked.answers(2, &reply()).but(3, "p_cont_id", &[context])
    };
    let stub = |edit: fn(&mut Vec<u8>)| {
        let mut stub = call();
        edit(&mut stub);
        bound().calls(2, &stub).answers(2, &reply())
    };
    let asked = |version, edit: Edit| Talk::with(version, Ndr32, edit, |_| {});
    let rows = [
        ("rpc.state.request-before-bind", unbound),
        ("rpc.request.unknown-context", on(9)),
        ("rpc.request.rejected-context", on(1)),
        (
            "rpc.request.opnum-out-of-range",
            bound().sent(one().opnum(1).encoded()).answers(2, &reply()),
        ),
        (
            "rpc.ndr.stub-truncated",
            stub(|stub| stub.truncate(stub.len() - 1)),
        ),
        ("rpc.ndr.counts-disagree", stub(|stub| stub[4] ^= 4)),
        (
            "message.unknown-version",
            asked(Version::V4, |p| match &mut p.body {
                Content::Fields(body) => body.version.major = 3,
                Content::Given(_) => unreachable!("all are fields"),
            }),
        ),
        (
            "message.too-short",
            asked(Version::V4, |p| p.body = Content::Given(&[0, 0, 4, 0])),
        ),
        (
            "crypto.reject-tampered",
            asked(Version::V5, |p| p.padding = Padding::Given(&[0; 4])),
        ),
    ];
    rows.into_iter()
        .map(|(id, talk)| (Host, id, talk))
        .collect()
}

fn stubs() -> Vec<Row> {
    let answer = |syntax: TransferSyntax, edit: fn(&mut Vec<u8>)| {
        let (request, response) = messages(Version::V4, |_| {}, |_| {});
        let mut stub = ResponseStub::success(&response).to_bytes(syntax);
        edit(&mut stub);
        Talk::bound(syntax)
            .calls(2, &RequestStub::new(&request).to_bytes(syntax))
            .answers(2, &stub)
    };
    let failure = |syntax: TransferSyntax, edit: fn(&mut Vec<u8>)| {
        let mut stub = ResponseStub::failure(0x8007_000d).to_bytes(syntax);
        edit(&mut stub);
        let request = messages(Version::V4, |_| {}, |_| {}).0;
        Talk::bound(syntax)
            .calls(2, &RequestStub::new(&request).to_bytes(syntax))
            .answers(2, &stub)
    };
    let unaligned = |stub: &mut Vec<u8>| {
        let end = stub.len() - 4;
        stub.drain(end - 2..end);
    };
    let rows = [
        (
            "rpc.ndr.response-layout",
            answer(Ndr32, |stub| stub[8] ^= 4),
        ),
        (
            "rpc.ndr.response-layout",
            answer(Ndr32, |stub| stub.extend([0; 4])),
        ),
        (
            "rpc.ndr.response-layout",
            failure(Ndr32, |stub| stub[8..12].fill(0)),
        ),
        (
            "rpc.ndr64.response-layout",
            answer(Ndr64, |stub| stub[16] ^= 4),
        ),
        (
            "rpc.ndr64.response-layout",
            answer(Ndr64, |stub| stub.extend([0; 4])),
        ),
        ("rpc.ndr.return-value-aligned", answer(Ndr32, unaligned)),
        (
            "rpc.ndr.error-response-layout",
            failure(Ndr32, |stub| stub.extend([0; 4])),
        ),
        (
            "rpc.ndr.error-response-layout",
            failure(Ndr64, |stub| stub.truncate(12)),
        ),
        (
            "rpc.ndr.error-response-layout",
            answer(Ndr32, |stub| *stub.last_mut().unwrap() = 0x80),
        ),
        ("rpc.stub.padding-zero", answer(Ndr64, |stub| stub[4] = 1)),
        (
            "rpc.stub.padding-zero",
            answer(Ndr32, |stub| {
                let end = stub.len() - 4;
                stub[end - 1] = 1;
            }),
        ),
    ];
    rows.into_iter()
        .map(|(id, talk)| (Host, id, talk))
        .collect()
}

/// A response with one thing wrong in it.
fn answers() -> Vec<Row> {
    type Edit = fn(&mut ResponseParts<'_>);
    fn body<'a, 'b>(parts: &'b mut ResponseParts<'a>) -> &'b mut ResponseBody<'a> {
        match &mut parts.body {
            Content::Fields(body) => body,
            Content::Given(_) => unreachable!("all are fields"),
        }
    }
    let rows: [(Version, &'static str, Edit); 21] = [
        (Version::V4, "message.echo-cmid", |p| {
            body(p).cmid = kmspec_wire::guid::Guid::NIL;
        }),
        (Version::V4, "message.echo-time", |p| {
            body(p).client_time.0 += 1;
        }),
        (Version::V4, "message.echo-version", |p| {
            body(p).version.minor = 1;
        }),
        (Version::V4, "message.intervals-range", |p| {
            body(p).activation_interval = 14;
        }),
        (Version::V4, "message.intervals-range", |p| {
            body(p).renewal_interval = 43_201;
        }),
        (Version::V4, "message.pid-size", |p| {
            *body(p) = body(p).with_epid(&[0, 0]);
        }),
        (Version::V4, "message.pid-terminated", |p| {
            *body(p) = body(p).with_epid(&[49, 0, 50, 0]);
        }),
        (Version::V4, "message.pid-grammar", |p| {
            *body(p) = body(p).with_epid(b"1\0\0\0");
        }),
        (Version::V4, "crypto.v4-mac", |p| {
            p.mac = Mac::Given([0; 16]);
        }),
        (Version::V5, "crypto.v5-iv-echo", |p| p.iv = [0x34; 16]),
        (Version::V5, "crypto.v5-hash", |p| p.hash[31] ^= 1),
        (Version::V5, "crypto.padding", |p| {
            p.padding = Padding::Given(&[0; 2]);
        }),
        (Version::V5, "message.size", |p| {
            p.padding = Padding::Given(&[16; 3]);
        }),
        (Version::V6, "crypto.v6-iv-fresh", |p| p.iv = [0x11; 16]),
        (Version::V6, "crypto.v6-hash", |p| p.x[0] ^= 1),
        (Version::V6, "crypto.v6-iv-proof", |p| p.iv_proof[15] ^= 1),
        (Version::V6, "crypto.v6-hmac", |p| {
            p.mac = Mac::Given([0; 16]);
        }),
        (Version::V6, "crypto.v6-hmac", |p| {
            p.mac_time = Some(kmspec_wire::filetime::FileTime(1));
        }),
        (Version::V6, "message.version-agrees", |p| {
            p.version = ProtocolVersion { major: 6, minor: 1 };
        }),
        (Version::V6, "message.echo-cmid", |p| {
            body(p).cmid = kmspec_wire::guid::Guid::NIL;
        }),
        (Version::V6, "message.echo-time", |p| {
            p.mac_time = Some(body(p).client_time);
            body(p).client_time.0 += 1;
        }),
    ];
    let spoil = |(version, id, edit)| (Host, id, Talk::with(version, Ndr32, |_| {}, edit));
    rows.into_iter().map(spoil).collect()
}

fn binds() -> Vec<Row> {
    let accepted = ContextResult::accepted(SyntaxId::NDR32);
    let plain = || offer().acked(&[accepted]);
    let features = |mask| BindBuilder::offering(kms_bind(), 1, SyntaxId::KMS, &[mask]);
    let asked = |bind: BindBuilder| {
        let sent = Talk::default().sent(bind.encoded());
        sent.acked(&[
            accepted,
            ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED),
        ])
    };
    let long = (1..=33).fold(kms_bind(), |bind, id| {
        bind.offering(id, SyntaxId::UNKNOWN_INTERFACE, &[SyntaxId::NDR32])
    });
    let unknown = BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::UNASSIGNED]);
    let rows = [
        (
            "rpc.client.bind-first",
            plain().but(0, "pfc_flags", &[0x43]),
        ),
        (
            "rpc.client.bind-first",
            plain().but(0, "packed_drep", &[0x10, 1]),
        ),
        ("rpc.client.bind-first", plain().longer(0, &[0])),
        (
            "rpc.client.bind-contexts",
            asked(kms_bind().offering(0, SyntaxId::KMS, &[SyntaxId::NDR64])),
        ),
        (
            "rpc.client.bind-contexts",
            Talk::default().sent(unknown.encoded()),
        ),
        (
            "rpc.client.bind-btfn",
            asked(features(Features(4).syntax())),
        ),
        (
            "rpc.client.bind-btfn",
            asked(features(Features(1).syntax().version(2, 0))),
        ),
        (
            "rpc.client.bind-sizes",
            Talk::default().sent(kms_bind().fragments(1431, 5840).encoded()),
        ),
        (
            "rpc.client.bind-sizes",
            Talk::default().sent(long.encoded()),
        ),
        ("rpc.client.bind-sizes", plain().but(0, "reserved2", &[1])),
    ];
    rows.into_iter()
        .map(|(id, talk)| (Client, id, talk))
        .collect()
}

fn calls() -> Vec<Row> {
    let bound = || Talk::bound(Ndr32);
    let one = || RequestBuilder::new(call());
    let small = || {
        bound()
            .but(1, "max_recv_frag", &1432_u16.to_le_bytes())
            .sent(RequestBuilder::new([call(), vec![0; 1432]].concat()).encoded())
    };
    let rejected = ContextResult::rejected(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED);
    let rows = [
        ("rpc.client.waits-for-ack", offer().calls(2, &call())),
        (
            "rpc.client.uses-accepted-context",
            bound().sent(one().context(1).encoded()),
        ),
        (
            "rpc.client.request-well-formed",
            bound().sent(one().opnum(1).encoded()),
        ),
        (
            "rpc.client.request-well-formed",
            bound().sent(one().alloc_hint(1).encoded()),
        ),
        (
            "rpc.client.request-well-formed",
            bound().sent(one().flags(PfcFlags(0x07)).encoded()),
        ),
        (
            "rpc.client.call-id-distinct",
            bound().calls(2, &call()).calls(2, &call()),
        ),
        ("rpc.client.request-respects-max-recv", small()),
        (
            "rpc.client.bind-nak",
            offer().naked(NakReason::NOT_SPECIFIED).calls(2, &call()),
        ),
        (
            "rpc.client.bind-fault",
            offer()
                .faults(1, FaultStatus::ACCESS_DENIED)
                .calls(2, &call()),
        ),
        (
            "rpc.client.all-rejected",
            offer().acked(&[rejected]).calls(2, &call()),
        ),
        ("rpc.ndr.request-layout", bound().calls(2, &call()[..20])),
        (
            "rpc.ndr64.request-layout",
            Talk::bound(Ndr64).calls(2, &[1; 20]),
        ),
        ("rpc.stub.padding-zero", padded()),
    ];
    rows.into_iter()
        .map(|(id, talk)| (Client, id, talk))
        .collect()
}

fn padded() -> Talk {
    let request = messages(Version::V4, |_| {}, |_| {}).0;
    let mut stub = RequestStub::new(&request).to_bytes(Ndr64);
    stub[5] = 1;
    Talk::bound(Ndr64).calls(2, &stub)
}

/// A request with one thing wrong in it, that nobody answers.
fn requests() -> Vec<Row> {
    type Edit = fn(&mut RequestParts<'_>);
    fn body<'a>(parts: &'a mut RequestParts<'_>) -> &'a mut RequestBody {
        match &mut parts.body {
            Content::Fields(body) => body,
            Content::Given(_) => unreachable!("all are fields"),
        }
    }
    let rows: [(Version, &'static str, Edit); 9] = [
        (Version::V4, "message.vm-flag-range", |p| {
            body(p).is_client_vm = 2;
        }),
        (Version::V4, "message.license-status-range", |p| {
            body(p).license_status.0 = 7;
        }),
        (Version::V4, "message.cmid-v4", |p| {
            body(p).cmid = kmspec_wire::guid::Guid::NIL;
        }),
        (Version::V4, "message.workstation-terminated", |p| {
            body(p).workstation = WorkstationName::from_units([65; 64]);
        }),
        (Version::V4, "policy.n-policy-sane", |p| {
            body(p).n_policy = 1001;
        }),
        (Version::V4, "crypto.v4-mac", |p| {
            p.mac = Mac::Given([0; 16]);
        }),
        (Version::V5, "crypto.padding", |p| {
            p.padding = Padding::Given(&[0; 4]);
        }),
        (Version::V6, "message.version-agrees", |p| {
            p.version = ProtocolVersion { major: 6, minor: 1 };
        }),
        (Version::V6, "message.size", |p| {
            p.padding = Padding::Given(&[4; 20]);
        }),
    ];
    let spoil = |(version, id, edit)| {
        let (request, _) = messages(version, edit, |_| {});
        let stub = RequestStub::new(&request).to_bytes(Ndr32);
        (Client, id, Talk::bound(Ndr32).calls(2, &stub))
    };
    rows.into_iter().map(spoil).collect()
}

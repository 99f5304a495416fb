use kmspec_wire::btfn::Features;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{AuthVerifier, BindBuilder, Encoded, PfcFlags, SyntaxId};

use super::header::other;
use crate::kit::{bind, call, request, together};
use crate::script::{ACK, Script, World};

const OK: &str = "resp 03 ctx 0 = 1; open";
const OK1: &str = "resp 03 ctx 1 = 1; open";
const GONE: &str = "fault 1c010003 23 ctx 0; open";
const PROTO_23: &str = "fault 1c01000b 23 ctx 0; closed";
const KMS: SyntaxId = SyntaxId::KMS;
const NDR32: SyntaxId = SyntaxId::NDR32;
const NDR64: SyntaxId = SyntaxId::NDR64;
const NIL: SyntaxId = SyntaxId::NIL;
const OTHER: SyntaxId = SyntaxId::UNASSIGNED;
const STRANGE: SyntaxId = SyntaxId::UNKNOWN_INTERFACE;

fn empty() -> BindBuilder {
    BindBuilder::new()
}

fn alter() -> BindBuilder {
    BindBuilder::alter()
}

fn btfn(mask: u64) -> SyntaxId {
    Features(mask).syntax()
}

pub(super) fn scripts() -> Vec<Script> {
    [
        plain(),
        flags(),
        syntaxes(),
        broken(),
        features(),
        sizes(),
        groups(),
        alters(),
        auths(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn plain() -> Vec<Script> {
    let windows = empty()
        .flags(PfcFlags(0x13))
        .offering(0, KMS, &[NDR32])
        .offering(1, KMS, &[NDR64])
        .offering(2, KMS, &[btfn(3)]);
    vec![
        Script::bound("rpc.bind.ack-basic").send(call().encoded(), OK),
        Script::new("rpc.bind.ack-echoes-call-id").send(bind().call_id(0x1122_3344).encoded(), ACK),
        Script::new("rpc.bind.result-count-and-order").send(
            empty()
                .offering(9, NIL, &[NDR32])
                .offering(4, KMS, &[NDR32])
                .offering(7, KMS, &[OTHER])
                .encoded(),
            "ack 03 (2,1) (0,0 NDR32) (2,2); open",
        ),
        Script::new("rpc.bind.windows-client-shape")
            .send(windows.encoded(), "ack 13 (2,2) (0,0 NDR64) (3,3); open"),
        Script::new("rpc.bind.mixed-results-usable")
            .send(
                empty()
                    .offering(0, STRANGE, &[NDR32])
                    .offering(1, KMS, &[NDR32])
                    .encoded(),
                "ack 03 (2,1) (0,0 NDR32); open",
            )
            .send(call().context(1).encoded(), OK1),
        Script::new("rpc.bind.all-rejected-keeps-connection")
            .send(
                empty().offering(0, STRANGE, &[NDR32]).encoded(),
                "ack 03 (2,1); open",
            )
            .send(
                alter().offering(1, KMS, &[NDR32]).encoded(),
                "alter-ack 03 group 0 (0,0 NDR32); open",
            )
            .send(call().context(1).encoded(), OK1),
        Script::bound("rpc.bind.second-bind").send(bind().call_id(2).encoded(), "nak 0; closed"),
        Script::new("rpc.bind.second-bind")
            .send(
                empty().offering(0, STRANGE, &[NDR32]).encoded(),
                "ack 03 (2,1); open",
            )
            .send(bind().call_id(2).encoded(), "nak 0; closed"),
        Script::new("rpc.nak.closes-connection").send(
            together(&[empty().encoded(), bind().encoded()]),
            "nak 4; closed",
        ),
        Script::new("rpc.stream.bind-and-request-together").made(
            |_| together(&[bind().call_id(2).encoded(), call().encoded()]),
            "ack 03 (0,0 NDR32); resp 03 ctx 0 = 1; open",
        ),
        Script::new("rpc.request.rejected-context")
            .send(
                empty()
                    .offering(0, KMS, &[NDR32])
                    .offering(7, STRANGE, &[NDR32])
                    .encoded(),
                "ack 03 (0,0 NDR32) (2,1); open",
            )
            .send(call().context(7).encoded(), GONE)
            .send(call().encoded(), OK),
    ]
}

fn flags() -> Vec<Script> {
    let rows = [
        ("first-last-optional", 0x00, 0x03),
        ("first-last-optional", 0x01, 0x03),
        ("first-last-optional", 0x02, 0x03),
        ("conc-mpx", 0x10, 0x13),
        ("conc-mpx", 0x13, 0x13),
        ("conc-mpx", 0x03, 0x03),
        ("header-signing", 0x00, 0x03),
        ("header-signing", 0x04, 0x07),
        ("header-signing", 0x07, 0x07),
        ("others-ignored", 0x08, 0x03),
        ("others-ignored", 0x20, 0x03),
        ("others-ignored", 0x40, 0x03),
        ("others-ignored", 0x80, 0x03),
        ("others-ignored", 0x2b, 0x03),
        ("others-ignored", 0x43, 0x03),
        ("others-ignored", 0x83, 0x03),
    ];
    rows.into_iter()
        .map(|(name, asked, granted)| {
            let id = match name {
                "first-last-optional" => "rpc.bind.flags-first-last-optional",
                "conc-mpx" => "rpc.bind.flags-conc-mpx",
                "header-signing" => "rpc.bind.flags-header-signing",
                _ => "rpc.bind.flags-others-ignored",
            };
            Script::new(id)
                .send(
                    bind().flags(PfcFlags(asked)).encoded(),
                    &format!("ack {granted:02x} (0,0 NDR32); open"),
                )
                .send(call().encoded(), OK)
        })
        .collect()
}

#[expect(clippy::too_many_lines, reason = "a table, a few lines a row")]
fn syntaxes() -> Vec<Script> {
    let mut long = vec![OTHER; 29];
    long.push(NDR32);
    let rows: Vec<(&'static str, BindBuilder, &str)> = vec![
        (
            "rpc.bind.unknown-interface",
            empty().offering(0, STRANGE, &[NDR32]),
            "(2,1)",
        ),
        (
            "rpc.bind.interface-major-version",
            empty().offering(0, KMS.version(2, 0), &[NDR32]),
            "(2,1)",
        ),
        (
            "rpc.bind.interface-major-version",
            empty().offering(0, KMS.version(0, 0), &[NDR32]),
            "(2,1)",
        ),
        (
            "rpc.bind.interface-minor-version-newer",
            empty().offering(0, KMS.version(1, 1), &[NDR32]),
            "(2,1)",
        ),
        (
            "rpc.bind.interface-minor-version-newer",
            empty().offering(0, KMS.version(1, 65535), &[NDR32]),
            "(2,1)",
        ),
        (
            "rpc.bind.unknown-transfer-syntax",
            empty().offering(0, KMS, &[OTHER]),
            "(2,2)",
        ),
        (
            "rpc.bind.unknown-transfer-syntax",
            empty().offering(0, STRANGE, &[OTHER]),
            "(2,1)",
        ),
        (
            "rpc.bind.transfer-syntax-version",
            empty().offering(0, KMS, &[NDR32.version(1, 0)]),
            "(2,2)",
        ),
        (
            "rpc.bind.transfer-syntax-version",
            empty().offering(0, KMS, &[NDR64.version(2, 0)]),
            "(2,2)",
        ),
        (
            "rpc.bind.transfer-list-picks-supported",
            empty().offering(0, KMS, &[NIL, NDR32]),
            "(0,0 NDR32)",
        ),
        (
            "rpc.bind.transfer-list-picks-supported",
            empty().offering(0, KMS, &[NIL, NDR32, NDR32, NDR32]),
            "(0,0 NDR32)",
        ),
        (
            "rpc.bind.transfer-list-picks-supported",
            empty().offering(0, KMS, &long),
            "(0,0 NDR32)",
        ),
        (
            "rpc.bind.element-after-long-list",
            empty()
                .offering(1, KMS, &[NIL; 4])
                .offering(0, KMS, &[NDR32]),
            "(2,2) (0,0 NDR32)",
        ),
        (
            "rpc.bind.one-new-context-per-bind",
            empty()
                .offering(3, KMS, &[NDR32])
                .offering(4, KMS, &[NDR32]),
            "(0,0 NDR32) (2,2)",
        ),
        (
            "rpc.bind.one-new-context-per-bind",
            empty()
                .offering(4, KMS, &[NDR32])
                .offering(4, KMS, &[NDR32]),
            "(0,0 NDR32) (2,2)",
        ),
        (
            "rpc.bind.ndr64-one-of-two",
            empty()
                .offering(1, KMS, &[NDR64])
                .offering(0, KMS, &[NDR32]),
            "(0,0 NDR64) (2,2)",
        ),
        (
            "rpc.bind.ndr64-only",
            empty().offering(0, KMS, &[NDR64]),
            "(0,0 NDR64)",
        ),
        (
            "rpc.bind.ndr64-in-one-element",
            empty().offering(0, KMS, &[NDR32, NDR64]),
            "(0,0 NDR64)",
        ),
    ];
    let mut scripts: Vec<Script> = rows
        .into_iter()
        .map(|(id, bind, results)| {
            let script = Script::new(id).send(bind.encoded(), &format!("ack 03 {results}; open"));
            if id == "rpc.bind.ndr64-one-of-two" {
                let body = request(Version::V6, 1);
                return script.ask(TransferSyntax::Ndr64, &body, |call| call.context(1), OK1);
            }
            if results.contains("NDR32") && !results.contains("(0,0 NDR32) (2,2)") {
                return script.send(call().encoded(), OK);
            }
            script
        })
        .collect();
    for context in [1, 0x00ff, 0x0100, 0x1234, 0xfffe, 0xffff] {
        scripts.push(
            Script::new("rpc.bind.context-id-arbitrary")
                .send(empty().offering(context, KMS, &[NDR32]).encoded(), ACK)
                .send(
                    call().context(context).encoded(),
                    &format!("resp 03 ctx {} = 1; open", context & 0xff),
                )
                .send(
                    call().context(context).opnum(1).encoded(),
                    &format!("fault 1c010002 23 ctx {context}; open"),
                ),
        );
    }
    let two = empty()
        .offering(3, KMS, &[NDR32])
        .offering(4, KMS, &[NDR32]);
    scripts.push(
        Script::new("rpc.bind.one-new-context-per-bind")
            .send(two.encoded(), "ack 03 (0,0 NDR32) (2,2); open")
            .send(call().context(4).encoded(), GONE),
    );
    for count in [40u16, 130] {
        let many = (1..count).fold(bind(), |bind, id| bind.offering(id, STRANGE, &[NDR32]));
        let results = " (2,1)".repeat(usize::from(count) - 1);
        scripts.push(Script::new("rpc.bind.large-context-list").send(
            many.encoded(),
            &format!("ack 03 (0,0 NDR32){results}; open"),
        ));
    }
    scripts
}

fn broken() -> Vec<Script> {
    let mut scripts = vec![
        Script::new("rpc.bind.no-contexts").send(empty().encoded(), "nak 4; closed"),
        Script::new("rpc.nak.format").send(empty().call_id(7).encoded(), "nak 4; closed"),
        Script::new("rpc.bind.zero-transfer-syntaxes")
            .send(empty().offering(0, KMS, &[]).encoded(), "nak 0; closed"),
    ];
    for (field, count) in [
        ("n_context_elem", 2),
        ("n_context_elem", 255),
        ("n_transfer_syn", 2),
        ("n_transfer_syn", 255),
    ] {
        let mut lie = bind().encoded();
        lie.overwrite(field, &[count]);
        scripts.push(Script::new("rpc.bind.counts-beyond-body").send(lie, "closed"));
    }
    for len in [24, 28, 46, 60] {
        let mut short = bind().encoded();
        short.cut(len);
        scripts.push(Script::new("rpc.bind.truncated-body").send(short, "closed"));
    }
    let mut reserved = bind().encoded();
    for (field, octets) in [
        ("reserved", &[0xff][..]),
        ("reserved2", &[0xff, 0xff]),
        ("p_cont_elem.reserved", &[0xff]),
    ] {
        assert!(reserved.overwrite(field, octets), "{field}");
    }
    scripts.push(
        Script::new("rpc.bind.reserved-fields-ignored")
            .send(reserved, ACK)
            .send(call().encoded(), OK),
    );
    let mut reserved = bind().encoded();
    reserved.overwrite("n_context_elem", &[94]);
    reserved.overwrite("reserved", &[0x74]);
    scripts.push(Script::new("rpc.bind.reserved-fields-ignored").send(reserved, "closed"));
    scripts
}

#[expect(clippy::too_many_lines, reason = "a table, a few lines a row")]
fn features() -> Vec<Script> {
    let asking = |mask| bind().offering(1, KMS, &[btfn(mask)]);
    let mut scripts: Vec<Script> = [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 3),
        (4, 0),
        (7, 3),
        (u64::MAX, 3),
    ]
    .into_iter()
    .map(|(asked, granted)| {
        Script::new("rpc.btfn.mask-not-above-request")
            .send(
                asking(asked).encoded(),
                &format!("ack 03 (0,0 NDR32) (3,{granted}); open"),
            )
            .send(call().encoded(), OK)
    })
    .collect();
    let rows: [(&'static str, BindBuilder, &str); 8] = [
        (
            "rpc.btfn.negotiate-ack",
            asking(3),
            "ack 03 (0,0 NDR32) (3,3); open",
        ),
        (
            "rpc.btfn.abstract-ignored",
            empty().offering(0, NIL, &[btfn(0)]),
            "ack 03 (3,0); open",
        ),
        (
            "rpc.btfn.abstract-ignored",
            empty().offering(0, NDR64, &[btfn(2)]),
            "ack 03 (3,2); open",
        ),
        (
            "rpc.btfn.first-syntax-decides",
            empty().offering(0, KMS, &[btfn(1), btfn(2), NIL]),
            "ack 03 (3,1); open",
        ),
        (
            "rpc.btfn.first-syntax-decides",
            empty().offering(0, NIL, &[NIL, btfn(2), btfn(1), NIL]),
            "ack 03 (2,1); open",
        ),
        (
            "rpc.btfn.twice",
            empty()
                .offering(1, KMS, &[btfn(2)])
                .offering(2, KMS, &[btfn(1)]),
            "nak 0; closed",
        ),
        (
            "rpc.btfn.any-position",
            empty()
                .offering(0, KMS, &[btfn(3)])
                .offering(1, KMS, &[NDR32]),
            "ack 03 (3,3) (0,0 NDR32); open",
        ),
        (
            "rpc.btfn.version-1-in-bind-only",
            bind().offering(1, KMS, &[btfn(3).version(2, 0)]),
            "ack 03 (0,0 NDR32) (2,2); open",
        ),
    ];
    for (id, bind, expected) in rows {
        let script = Script::new(id).send(bind.encoded(), expected);
        scripts.push(if id.ends_with("any-position") {
            script.send(call().context(1).encoded(), OK1)
        } else {
            script
        });
    }
    scripts.push(
        Script::new("rpc.btfn.context-not-callable")
            .send(asking(3).encoded(), "ack 03 (0,0 NDR32) (3,3); open")
            .send(call().context(1).encoded(), GONE)
            .send(call().encoded(), OK),
    );
    scripts.push(
        Script::bound("rpc.btfn.version-1-in-bind-only")
            .send(
                alter().offering(1, KMS, &[btfn(3)]).encoded(),
                "alter-ack 03 group 0 (2,2); open",
            )
            .send(call().encoded(), OK),
    );
    scripts
}

fn sizes() -> Vec<Script> {
    let rows = [
        ("rpc.fragsize.plain", 5840, 5840, 5840),
        ("rpc.fragsize.plain", 4280, 4280, 4280),
        ("rpc.fragsize.cap", 0xffff, 0xffff, 5840),
        ("rpc.fragsize.both-equal", 3199, 65_535, 3192),
        ("rpc.fragsize.both-equal", 65_535, 3199, 3192),
        ("rpc.fragsize.both-equal", 4281, 4281, 4280),
        ("rpc.fragsize.both-equal", 2049, 2049, 2048),
        ("rpc.fragsize.floor", 0, 0, 2048),
        ("rpc.fragsize.floor", 0, 65_535, 2048),
        ("rpc.fragsize.floor", 1432, 1432, 2048),
        ("rpc.fragsize.floor", 2047, 2047, 2048),
        ("rpc.fragsize.floor", 3199, 0, 2048),
        ("rpc.fragsize.response-within-limit", 1432, 1432, 2048),
    ];
    rows.into_iter()
        .map(|(id, xmit, recv, agreed)| {
            let sizes = if agreed == 5840 {
                String::new()
            } else {
                format!(" {agreed}/{agreed}")
            };
            Script::new(id)
                .send(
                    bind().fragments(xmit, recv).encoded(),
                    &format!("ack 03{sizes} (0,0 NDR32); open"),
                )
                .send(call().encoded(), OK)
        })
        .collect()
}

fn groups() -> Vec<Script> {
    let joining = |world: &World| bind().group(world.groups[0]).encoded().bytes;
    let joining_with_2 = |world: &World| {
        empty()
            .group(world.groups[0])
            .offering(2, KMS, &[NDR32])
            .encoded()
            .bytes
    };
    vec![
        Script::bound("rpc.assoc.zero-gets-new-group")
            .connect()
            .send(bind().encoded(), ACK),
        Script::bound("rpc.assoc.join-existing")
            .connect()
            .made(joining, "ack 03 group 0 (0,0 NDR32); open")
            .send(call().encoded(), OK)
            .uses(0)
            .send(call().encoded(), OK),
        Script::new("rpc.assoc.unknown-refused")
            .send(bind().group(u32::MAX).encoded(), "nak 0; closed"),
        Script::new("rpc.assoc.unknown-refused").send(bind().group(1).encoded(), "nak 0; closed"),
        Script::bound("rpc.assoc.unknown-refused")
            .leave()
            .connect()
            .made(joining, "nak 0; closed"),
        Script::new("rpc.assoc.contexts-not-shared")
            .send(empty().offering(1, KMS, &[NDR32]).encoded(), ACK)
            .connect()
            .made(joining_with_2, "ack 03 group 0 (0,0 NDR32); open")
            .send(call().context(1).encoded(), GONE)
            .send(call().context(2).encoded(), "resp 03 ctx 2 = 1; open")
            .uses(0)
            .send(call().context(1).encoded(), OK1),
    ]
}

#[expect(clippy::too_many_lines, reason = "a table, a few lines a row")]
fn alters() -> Vec<Script> {
    const DONE: &str = "alter-ack 03 group 0 (0,0 NDR32); open";
    let one = || alter().offering(1, KMS, &[NDR32]);
    let mut scripts = vec![
        Script::bound("rpc.alter.new-context")
            .send(one().call_id(7).encoded(), DONE)
            .send(call().context(1).encoded(), OK1)
            .send(call().encoded(), OK)
            .send(one().encoded(), DONE)
            .send(call().context(1).encoded(), OK1),
        Script::bound("rpc.alter.resp-empty-secondary-address").send(one().encoded(), DONE),
        Script::new("rpc.alter.sizes-and-group-unchanged")
            .send(
                bind().fragments(4280, 4280).encoded(),
                "ack 03 4280/4280 (0,0 NDR32); open",
            )
            .made(
                |world| {
                    BindBuilder::alter()
                        .fragments(2048, 2048)
                        .group(!world.groups[0])
                        .offering(1, KMS, &[NDR32])
                        .encoded()
                        .bytes
                },
                "alter-ack 03 4280/4280 group 0 (0,0 NDR32); open",
            )
            .made(
                |_| {
                    let mut long = call().encoded();
                    long.extend(&vec![0; 4280 - long.bytes.len()]);
                    long.bytes
                },
                OK,
            ),
        Script::bound("rpc.alter.empty").send(alter().encoded(), PROTO_23),
        Script::bound("rpc.alter.empty").send(alter().offering(1, KMS, &[]).encoded(), PROTO_23),
        Script::bound("rpc.alter.empty").send(alter().offering(0, KMS, &[]).encoded(), PROTO_23),
        Script::bound("rpc.state.no-service-after-protocol-error").made(
            |_| together(&[alter().call_id(2).encoded(), call().encoded()]),
            PROTO_23,
        ),
        Script::bound("rpc.alter.unknown-interface")
            .send(
                alter().offering(1, STRANGE, &[NDR32]).encoded(),
                "alter-ack 03 group 0 (2,1); open",
            )
            .send(call().encoded(), OK),
        Script::bound("rpc.alter.known-context-unusable-syntaxes")
            .send(
                alter().offering(0, KMS, &[NIL, OTHER]).encoded(),
                "alter-ack 03 group 0 (2,2); open",
            )
            .send(
                alter().offering(0, STRANGE, &[NDR32]).encoded(),
                "alter-ack 03 group 0 (2,1); open",
            )
            .send(
                call().opnum(0xffff).encoded(),
                "fault 1c010002 23 ctx 0; open",
            )
            .send(call().encoded(), OK),
        Script::bound("rpc.alter.known-context-other-syntax").send(
            alter().offering(0, KMS, &[NIL, OTHER, NDR64]).encoded(),
            PROTO_23,
        ),
        Script::new("rpc.state.alter-before-bind").send(
            alter().offering(0, KMS, &[NDR32]).encoded(),
            "nak 4; closed",
        ),
        Script::bound("rpc.cancel.no-call")
            .send(other(18, &[]), "open")
            .send(call().encoded(), OK)
            .send(other(19, &[]), "open")
            .send(call().encoded(), OK),
    ];
    let mut flags = Script::bound("rpc.alter.flags");
    for (asked, granted) in [
        (0, 3),
        (1, 3),
        (2, 3),
        (8, 3),
        (0x10, 3),
        (0x20, 3),
        (0x40, 3),
        (0x80, 3),
        (4, 7),
        (0xff, 7),
    ] {
        let expected = format!("alter-ack {granted:02x} group 0 (0,0 NDR32); open");
        flags = flags.send(one().flags(PfcFlags(asked)).encoded(), &expected);
    }
    scripts.push(flags);
    scripts
}

fn auths() -> Vec<Script> {
    let verifier = |auth_type, auth_level| AuthVerifier {
        padding: &[],
        auth_type,
        auth_level,
        reserved: 0,
        auth_context_id: 1,
        token: &[1, 2, 3, 4],
    };
    let with = |auth_type, auth_level| bind().with_auth(Some(verifier(auth_type, auth_level)));
    let mut scripts = Vec::new();
    for level in [0, 1, 7, 255] {
        scripts
            .push(Script::new("rpc.auth.bind-invalid-level").send(with(0, level), "nak 0; closed"));
    }
    for (kind, level) in [(99, 5), (0, 2), (0, 3), (0, 4), (0, 5), (0, 6)] {
        scripts.push(
            Script::new("rpc.auth.bind-unknown-type").send(with(kind, level), "nak 8; closed"),
        );
    }
    for kind in [9, 10] {
        scripts
            .push(Script::new("rpc.auth.bind-ntlm-or-spnego").send(with(kind, 2), "nak 8; closed"));
    }
    let lying = |mut pdu: Encoded, len: u16| {
        pdu.overwrite("auth_length", &len.to_le_bytes());
        pdu
    };
    for bad in [
        lying(empty().encoded(), 8),
        lying(bind().encoded(), 8),
        lying(bind().encoded(), 0xffff),
    ] {
        scripts.push(Script::new("rpc.auth.length-without-trailer").send(bad, "nak 4; closed"));
    }
    scripts.push(
        Script::bound("rpc.auth.length-without-trailer")
            .send(lying(call().encoded(), 0xffff), PROTO_23),
    );
    for (kind, level) in [(0, 0), (0, 1), (0, 4), (99, 5)] {
        scripts.push(Script::bound("rpc.auth.request-verifier-unexpected").send(
            call().with_auth(Some(verifier(kind, level))),
            "fault 00000005 03 ctx 0; closed",
        ));
    }
    scripts
}

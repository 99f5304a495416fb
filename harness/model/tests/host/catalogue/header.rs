use kmspec_wire::pdu::{CallId, Drep, Encoded, FaultStatus, Header, PduType};

use crate::kit::{bind, call};
use crate::script::{ACK, Script};

const PROTO_23: &str = "fault 1c01000b 23 ctx 0; closed";
const PROTO_03: &str = "fault 1c01000b 03 ctx 0; closed";

/// With a field of the first kind overwritten.
fn lying(mut pdu: Encoded, field: &str, octets: &[u8]) -> Encoded {
    assert!(pdu.overwrite(field, octets), "{field}");
    pdu
}

/// Filled with zeros to this many octets.
fn filled(mut pdu: Encoded, len: usize) -> Encoded {
    let more = vec![0; len - pdu.bytes.len()];
    pdu.extend(&more);
    pdu
}

/// A PDU of any type with any body.
pub(super) fn other(ptype: u8, body: &[u8]) -> Vec<u8> {
    let header = Header::new(PduType(ptype), CallId(6));
    let mut octets = vec![
        5,
        0,
        header.ptype.0,
        3,
        0x10,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        6,
        0,
        0,
        0,
    ];
    octets.extend_from_slice(body);
    octets[8] = u8::try_from(octets.len()).unwrap();
    octets
}

pub(super) fn scripts() -> Vec<Script> {
    [versions(), dreps(), lengths(), call_ids(), types()]
        .into_iter()
        .flatten()
        .collect()
}

fn versions() -> Vec<Script> {
    let mut scripts = Vec::new();
    for version in [0, 4, 6] {
        let bad = lying(bind().encoded(), "rpc_vers", &[version]);
        scripts
            .push(Script::new("rpc.header.bind-major-version-mismatch").send(bad, "nak 4; closed"));
    }
    let minor = lying(bind().encoded(), "rpc_vers_minor", &[1]);
    scripts.push(Script::new("rpc.header.bind-minor-version-1").send(minor, "nak 4; closed"));
    let odd = lying(call().encoded(), "rpc_vers_minor", &[0xff]);
    scripts.push(Script::bound("rpc.robust.mutated-bind-and-request").send(odd, PROTO_23));
    let odd = lying(bind().encoded(), "rpc_vers", &[6]);
    scripts.push(Script::new("rpc.header.version-in-replies").send(odd, "nak 4; closed"));
    for (field, value) in [("rpc_vers", 4), ("rpc_vers_minor", 1)] {
        let bad = lying(call().encoded(), field, &[value]);
        scripts.push(Script::bound("rpc.header.request-version-mismatch").send(bad, PROTO_23));
    }
    scripts.push(
        Script::bound("rpc.header.version-in-replies")
            .send(call().encoded(), "resp 03 ctx 0 = 1; open"),
    );
    scripts
}

fn dreps() -> Vec<Script> {
    let mut scripts = Vec::new();
    for odd in [
        [0x11, 0, 0, 0],
        [0x10, 1, 0, 0],
        [0x10, 3, 0, 0],
        [0x10, 0, 1, 0],
        [0x10, 0, 0, 1],
        [0x20, 0, 0, 0],
    ] {
        let bad = lying(bind().encoded(), "packed_drep", &odd);
        scripts.push(Script::new("rpc.header.drep-unusual-formats").send(bad, "nak 4; closed"));
        let bad = lying(call().encoded(), "packed_drep", &odd);
        scripts.push(Script::bound("rpc.header.reply-drep-not-echoed").send(bad, PROTO_23));
    }
    let mut big = call();
    for half in [0..4, 4..8] {
        big.stub[half].reverse();
    }
    let big = big.drep(Drep::BIG_ENDIAN).encoded();
    scripts.push(
        Script::new("rpc.header.drep-big-endian-bind")
            .send(bind().drep(Drep::BIG_ENDIAN).encoded(), ACK)
            .send(&big, "resp 03 ctx 0 = 1; open"),
    );
    scripts.push(
        Script::bound("rpc.header.drep-big-endian-request").send(big, "resp 03 ctx 0 = 1; open"),
    );
    scripts
}

fn lengths() -> Vec<Script> {
    let mut scripts = Vec::new();
    for len in [0u16, 1, 8, 15, 16] {
        let short = |mut pdu: Encoded| {
            pdu.overwrite("frag_length", &len.to_le_bytes());
            pdu
        };
        scripts.push(
            Script::new("rpc.header.frag-length-too-small").send(short(bind().encoded()), "closed"),
        );
        scripts.push(
            Script::bound("rpc.header.frag-length-too-small")
                .send(short(call().encoded()), "closed"),
        );
    }
    for len in [20, 23] {
        let mut short = call().encoded();
        short.cut(len);
        scripts.push(Script::bound("rpc.header.request-shorter-than-24").send(short, "closed"));
    }
    let long = |more: u16| {
        let mut long = call().encoded();
        let len = u16::try_from(long.bytes.len())
            .unwrap()
            .saturating_add(more);
        long.overwrite("frag_length", &len.to_le_bytes());
        long
    };
    for more in [64, 65_535] {
        let script =
            Script::bound("rpc.header.frag-length-larger-than-sent").send(long(more), "open");
        scripts.push(script.half_close("closed"));
    }
    let id = "rpc.header.request-over-transport-limit";
    scripts.push(Script::bound(id).send(filled(call().encoded(), 5841), PROTO_03));
    let small = bind().fragments(2048, 2048).encoded();
    for len in [4000, 5840] {
        let script = Script::new("rpc.header.request-over-negotiated-size")
            .send(&small, "ack 03 2048/2048 (0,0 NDR32); open");
        scripts.push(script.send(filled(call().encoded(), len), "resp 03 ctx 0 = 1; open"));
    }
    let id = "rpc.fragsize.host-keeps-own-limit";
    scripts.push(Script::bound(id).send(filled(call().encoded(), 5840), "resp 03 ctx 0 = 1; open"));
    scripts
}

fn call_ids() -> Vec<Script> {
    let mut scripts = Vec::new();
    for id in [0, 1, 2, 0x7fff_ffff, 0x8000_0000, u32::MAX] {
        scripts.push(
            Script::new("rpc.header.call-id-any-value")
                .send(bind().call_id(id).encoded(), ACK)
                .send(call().call_id(id).encoded(), "resp 03 ctx 0 = 1; open"),
        );
    }
    scripts.push(Script::bound("rpc.header.call-id-echoed-in-fault").send(
        call().context(9).call_id(0x0102_0304).encoded(),
        "fault 1c010003 23 ctx 0; open",
    ));
    let mut order = Script::bound("rpc.header.call-id-order-free");
    for id in [5, 5, 50, 3] {
        order = order.send(call().call_id(id).encoded(), "resp 03 ctx 0 = 1; open");
    }
    scripts.push(order);
    scripts
}

fn types() -> Vec<Script> {
    let mut scripts = Vec::new();
    for ptype in [2, 3, 12, 13, 15, 16, 20] {
        scripts.push(
            Script::new("rpc.state.other-first-pdu").send(other(ptype, &[0; 16]), "nak 4; closed"),
        );
    }
    for ptype in [17, 18, 19] {
        scripts.push(
            Script::new("rpc.state.other-first-pdu").send(other(ptype, &[]), "nak 4; closed"),
        );
    }
    for context in [0, 0xffff, 1] {
        let early = call().context(context).encoded();
        scripts.push(Script::new("rpc.state.request-before-bind").send(early, "nak 4; closed"));
    }
    for ptype in [2, 3, 12, 13, 15] {
        scripts.push(
            Script::bound("rpc.state.server-only-pdus").send(other(ptype, &[0; 16]), PROTO_23),
        );
    }
    for ptype in [1, 4, 6, 7, 8, 10, 20] {
        scripts
            .push(Script::bound("rpc.state.foreign-ptypes").send(other(ptype, &[0; 16]), PROTO_23));
    }
    scripts.push(Script::bound("rpc.state.foreign-ptypes").send(other(17, &[]), PROTO_23));
    for ptype in [5, 9] {
        scripts
            .push(Script::bound("rpc.state.foreign-ptypes").send(other(ptype, &[0; 16]), "closed"));
    }
    for ptype in [21, 22, 0x7f, 0xff] {
        scripts.push(Script::new("rpc.state.unknown-ptype").send(other(ptype, &[0; 16]), "closed"));
        scripts
            .push(Script::bound("rpc.state.unknown-ptype").send(other(ptype, &[0; 16]), "closed"));
    }
    for body in [
        vec![0; 4],
        [vec![0; 4], vec![10, 2, 0, 0, 0, 0, 0, 0], vec![0; 4]].concat(),
    ] {
        let mut auth3 = other(16, &body);
        auth3[10] = if body.len() > 4 { 4 } else { 0 };
        scripts.push(Script::bound("rpc.auth.auth3-unexpected").send(auth3, PROTO_23));
    }
    assert_eq!(FaultStatus::PROTO_ERROR.0, 0x1c01_000b);
    scripts
}

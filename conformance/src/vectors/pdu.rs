//! PDUs of connection-oriented DCE/RPC.

mod fields;

use kmspec_wire::pdu::{
    AuthVerifier, Bind, BindAck, BindNak, Body, CallId, ContextElement, ContextId, ContextList,
    ContextResult, Drep, Encoded, Fault, FaultStatus, Header, NakReason, Pdu, PduType, PfcFlags,
    Reason, Request, Response, ResultList, SyntaxId,
};

use self::fields::fields;
use super::sample::octets;
use super::{Book, Fields, Group, Verdict};
use kmspec_wire::btfn::Features;
use kmspec_wire::guid::Guid;

/// PDUs of every type that the protocol uses.
pub(super) fn book() -> Book {
    Book {
        name: "rpc_pdus.json",
        algorithm: "connection-oriented DCE/RPC PDUs",
        header: &[
            "pdu is one PDU, fields what is in it, all of it: octets as hexadecimal, UUIDs as text. An invalid PDU contradicts",
            "itself or has a version that is not 5.",
        ],
        notes: &[
            ("Plain", "What peers send."),
            ("Boundary", "Unusual numbers or counts in a lawful PDU."),
            (
                "BigEndian",
                "Integers in big-endian order, as packed_drep says.",
            ),
            ("Verifier", "With a security trailer."),
            ("FragLength", "frag_length is not the PDU's length."),
            (
                "AuthLength",
                "auth_length or the trailer's padding exceeds the PDU.",
            ),
            ("Count", "A count or length inside exceeds the PDU."),
            (
                "Truncated",
                "Octets of the fixed part are missing, frag_length notwithstanding.",
            ),
            ("Version", "Another RPC version."),
            (
                "Representation",
                "Another data representation in a PDU without characters and floats.",
            ),
        ],
        groups: vec![
            binds(),
            acks(),
            naks(),
            requests(),
            responses(),
            faults(),
            bare(),
        ],
    }
}

fn header(ptype: PduType) -> Header {
    Header::new(ptype, CallId(2))
}

fn valid(group: &mut Group, comment: &str, flag: &'static str, pdu: &Pdu<'_>) -> Encoded {
    let encoded = pdu.encoded();
    let data = with_pdu(&encoded.bytes).with("fields", fields(pdu, encoded.bytes.len()));
    group.add(Verdict::Valid, comment, &[flag], data);
    encoded
}

fn with_pdu(octets: &[u8]) -> Fields {
    Fields::default().with("pdu", octets)
}

/// The variants that every PDU has: byte order, call id, flags, trailer, and lies in the common header.
fn common(group: &mut Group, plain: &Pdu<'_>, fixed: usize) {
    let big = Header {
        drep: Drep::BIG_ENDIAN,
        ..plain.header
    };
    valid(
        group,
        "big-endian",
        "BigEndian",
        &Pdu {
            header: big,
            ..*plain
        },
    );
    for call_id in [0, 0x1122_3344, u32::MAX] {
        let header = Header {
            call_id: CallId(call_id),
            ..plain.header
        };
        valid(
            group,
            &format!("call id {call_id}"),
            "Boundary",
            &Pdu { header, ..*plain },
        );
    }
    for flags in [0x00, 0x01, 0x02, 0x13, 0x23, 0x43] {
        let header = plain.header.with_flags(PfcFlags(flags));
        valid(
            group,
            &format!("flags {flags:#04x}"),
            "Boundary",
            &Pdu { header, ..*plain },
        );
    }
    let token = octets("token", 16);
    for (comment, padding) in [
        ("without padding", &[][..]),
        ("with padding", &[0, 0, 0, 0]),
    ] {
        let auth = AuthVerifier {
            padding,
            auth_type: 10,
            auth_level: 2,
            reserved: 0,
            auth_context_id: 0x0102_0304,
            token: &token,
        };
        let pdu = Pdu {
            auth: Some(auth),
            ..*plain
        };
        let mut encoded = valid(group, &format!("trailer {comment}"), "Verifier", &pdu);
        encoded.overwrite("auth_pad_length", &[0xff]);
        let text = format!("trailer {comment}, auth_pad_length 255");
        if encoded.bytes.len() < 16 + 255 {
            group.add(
                Verdict::Invalid,
                text,
                &["AuthLength"],
                with_pdu(&encoded.bytes),
            );
        }
    }
    lies(group, &plain.encoded(), fixed);
}

fn lies(group: &mut Group, honest: &Encoded, fixed: usize) {
    let len = u16::try_from(honest.bytes.len()).unwrap_or(u16::MAX);
    for frag_length in [0, 15, 16, len - 1, len + 1, 0xffff] {
        if frag_length == len {
            continue;
        }
        let mut pdu = honest.clone();
        pdu.overwrite("frag_length", &frag_length.to_le_bytes());
        let comment = format!("frag_length {frag_length} of {len} octets");
        group.add(
            Verdict::Invalid,
            comment,
            &["FragLength"],
            with_pdu(&pdu.bytes),
        );
    }
    for auth_length in [len - 16 - 7, len, 0xffff] {
        let mut pdu = honest.clone();
        pdu.overwrite("auth_length", &auth_length.to_le_bytes());
        let comment = format!("auth_length {auth_length}");
        group.add(
            Verdict::Invalid,
            comment,
            &["AuthLength"],
            with_pdu(&pdu.bytes),
        );
    }
    for cut in [0, 1, 9, 15, 16, fixed - 1] {
        if cut >= fixed {
            continue;
        }
        let mut pdu = honest.clone();
        pdu.cut(cut);
        let comment = format!("the first {cut} octets");
        group.add(
            Verdict::Invalid,
            comment,
            &["Truncated"],
            with_pdu(&pdu.bytes),
        );
    }
    for version in [4, 6] {
        let mut pdu = honest.clone();
        pdu.overwrite("rpc_vers", &[version]);
        group.add(
            Verdict::Invalid,
            format!("version {version}.0"),
            &["Version"],
            with_pdu(&pdu.bytes),
        );
    }
    let mut pdu = honest.clone();
    pdu.overwrite("rpc_vers_minor", &[1]);
    group.add(
        Verdict::Acceptable,
        "version 5.1",
        &["Version"],
        with_pdu(&pdu.bytes),
    );
    for (comment, drep) in [
        ("EBCDIC", [0x11, 0, 0, 0]),
        ("VAX floats", [0x10, 1, 0, 0]),
        ("reserved octet", [0x10, 0, 0, 1]),
    ] {
        let mut pdu = honest.clone();
        pdu.overwrite("packed_drep", &drep);
        group.add(
            Verdict::Acceptable,
            comment,
            &["Representation"],
            with_pdu(&pdu.bytes),
        );
    }
}

/// One octet or two of a field changed to a count that is too large.
fn counts(group: &mut Group, honest: &Encoded, fields: &[(&'static str, &[u8])]) {
    for (field, octets) in fields {
        let mut pdu = honest.clone();
        if pdu.overwrite(field, octets) {
            let comment = format!("{field} {octets:02x?}");
            group.add(Verdict::Invalid, comment, &["Count"], with_pdu(&pdu.bytes));
        }
    }
}

fn element(id: u16, transfer_syntaxes: &[SyntaxId]) -> ContextElement {
    ContextElement {
        id: ContextId(id),
        abstract_syntax: SyntaxId::KMS,
        transfer_syntaxes: transfer_syntaxes.to_vec(),
    }
}

fn binds() -> Group {
    let mut group = Group::new(
        "PduTest",
        Fields::default().with("pduTypes", "bind, alter_context"),
    );
    let one = [element(0, &[SyntaxId::NDR32])];
    let bind = |contexts| Bind {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 0,
        contexts,
        trailing: &[],
    };
    let plain = bind(ContextList::new(&one));
    let of = |bind| Pdu {
        header: header(PduType::BIND),
        body: Body::Bind(bind),
        auth: None,
    };
    let honest = valid(&mut group, "one context", "Plain", &of(plain));
    let three = [
        element(0, &[SyntaxId::NDR32]),
        element(1, &[SyntaxId::NDR64]),
        element(2, &[Features::ALL.syntax()]),
    ];
    valid(
        &mut group,
        "the three contexts of Windows",
        "Plain",
        &of(bind(ContextList::new(&three))),
    );
    let many = [
        element(
            0xffff,
            &[SyntaxId::NDR32, SyntaxId::NDR64, SyntaxId::UNASSIGNED],
        ),
        element(0x0100, &[]),
    ];
    valid(
        &mut group,
        "three syntaxes, then none",
        "Boundary",
        &of(bind(ContextList::new(&many))),
    );
    valid(
        &mut group,
        "no context",
        "Boundary",
        &of(bind(ContextList::new(&[]))),
    );
    let sizes = Bind {
        max_xmit_frag: 0,
        max_recv_frag: 0xffff,
        assoc_group_id: 0x8000_0001,
        ..plain
    };
    valid(&mut group, "sizes 0 and 65535", "Boundary", &of(sizes));
    let alter = Pdu {
        header: header(PduType::ALTER_CONTEXT),
        body: Body::AlterContext(plain),
        auth: None,
    };
    valid(&mut group, "alter_context", "Plain", &alter);
    counts(
        &mut group,
        &honest,
        &[
            ("n_context_elem", &[2]),
            ("n_context_elem", &[0xff]),
            ("n_transfer_syn", &[2]),
            ("n_transfer_syn", &[0xff]),
        ],
    );
    common(&mut group, &of(plain), 28 + 44);
    group
}

fn acks() -> Group {
    let mut group = Group::new(
        "PduTest",
        Fields::default().with("pduTypes", "bind_ack, alter_context_resp"),
    );
    let accepted = [ContextResult::accepted(SyntaxId::NDR32)];
    let ack = |results, secondary_address| BindAck {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 0x0001_2345,
        secondary_address,
        padding: &[],
        results,
        trailing: &[],
    };
    let plain = ack(ResultList::new(&accepted), b"1688\0");
    let of = |ack| Pdu {
        header: header(PduType::BIND_ACK),
        body: Body::BindAck(ack),
        auth: None,
    };
    let honest = valid(&mut group, "one result", "Plain", &of(plain));
    let three = [
        ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED),
        ContextResult::accepted(SyntaxId::NDR64),
        ContextResult::negotiated(3),
    ];
    valid(
        &mut group,
        "the three results of Windows",
        "Plain",
        &of(ack(ResultList::new(&three), b"1688\0")),
    );
    for address in [
        &b""[..],
        b"\0",
        b"1\0",
        b"12\0",
        b"123\0",
        b"65535\0",
        b"\\PIPE\\lab\0",
    ] {
        let comment = format!("address of {} octets", address.len());
        valid(
            &mut group,
            &comment,
            "Boundary",
            &of(ack(ResultList::new(&accepted), address)),
        );
    }
    valid(
        &mut group,
        "no result",
        "Boundary",
        &of(ack(ResultList::new(&[]), b"1688\0")),
    );
    let resp = Pdu {
        header: header(PduType::ALTER_CONTEXT_RESP),
        body: Body::AlterContextResp(ack(ResultList::new(&accepted), b"")),
        auth: None,
    };
    valid(&mut group, "alter_context_resp", "Plain", &resp);
    counts(
        &mut group,
        &honest,
        &[
            ("n_results", &[2]),
            ("n_results", &[0xff]),
            ("sec_addr.length", &[0xff, 0]),
            ("sec_addr.length", &[0xff, 0xff]),
        ],
    );
    common(&mut group, &of(plain), 36 + 24);
    group
}

fn naks() -> Group {
    let mut group = Group::new("PduTest", Fields::default().with("pduTypes", "bind_nak"));
    let of = |nak| Pdu {
        header: header(PduType::BIND_NAK),
        body: Body::BindNak(nak),
        auth: None,
    };
    let plain = BindNak::new(NakReason(4));
    let honest = valid(&mut group, "one version", "Plain", &of(plain));
    for reason in [0, 1, 2, 8, 9, 0xffff] {
        valid(
            &mut group,
            &format!("reason {reason}"),
            "Boundary",
            &of(BindNak::new(NakReason(reason))),
        );
    }
    let two = BindNak {
        versions: Some(&[[5, 0], [5, 1]]),
        trailing: &[0],
        ..plain
    };
    valid(&mut group, "two versions", "Boundary", &of(two));
    valid(
        &mut group,
        "no version",
        "Boundary",
        &of(BindNak {
            versions: Some(&[]),
            trailing: &[],
            ..plain
        }),
    );
    counts(
        &mut group,
        &honest,
        &[("n_protocols", &[4]), ("n_protocols", &[0xff])],
    );
    common(&mut group, &of(plain), 21);
    group
}

fn requests() -> Group {
    let mut group = Group::new("PduTest", Fields::default().with("pduTypes", "request"));
    let stub = octets("stub", 40);
    let plain = Request {
        alloc_hint: 40,
        context_id: ContextId(0),
        opnum: 0,
        object: None,
        stub: &stub,
    };
    let of = |request| Pdu {
        header: header(PduType::REQUEST),
        body: Body::Request(request),
        auth: None,
    };
    valid(&mut group, "a call", "Plain", &of(plain));
    for (comment, request) in [
        (
            "no stub",
            Request {
                alloc_hint: 0,
                stub: &[],
                ..plain
            },
        ),
        (
            "one octet",
            Request {
                alloc_hint: 1,
                stub: &stub[..1],
                ..plain
            },
        ),
        (
            "alloc_hint 0",
            Request {
                alloc_hint: 0,
                ..plain
            },
        ),
        (
            "alloc_hint 4294967295",
            Request {
                alloc_hint: u32::MAX,
                ..plain
            },
        ),
        (
            "context 65535, opnum 65535",
            Request {
                context_id: ContextId(0xffff),
                opnum: 0xffff,
                ..plain
            },
        ),
        (
            "context 258, opnum 772",
            Request {
                context_id: ContextId(258),
                opnum: 772,
                ..plain
            },
        ),
    ] {
        valid(&mut group, comment, "Boundary", &of(request));
    }
    with_object(&mut group, plain);
    common(&mut group, &of(plain), 24);
    group
}

/// The same call for an object, and what is left where its UUID is cut.
fn with_object(group: &mut Group, plain: Request<'_>) {
    let object = Request {
        object: Some(Guid::from_u128(0x0011_2233_4455_6677_8899_aabb_ccdd_eeff)),
        ..plain
    };
    let flagged = header(PduType::REQUEST).with_flags(PfcFlags(0x83));
    let pdu = Pdu {
        header: flagged,
        body: Body::Request(object),
        auth: None,
    };
    let encoded = valid(group, "with an object", "Boundary", &pdu);
    let big = Header {
        drep: Drep::BIG_ENDIAN,
        ..flagged
    };
    valid(
        group,
        "with an object, big-endian",
        "BigEndian",
        &Pdu { header: big, ..pdu },
    );
    for len in [24, 32, 39] {
        let mut cut = encoded.clone();
        cut.cut(len);
        group.add(
            Verdict::Invalid,
            format!("object flag, {len} octets"),
            &["Truncated"],
            with_pdu(&cut.bytes),
        );
    }
}

fn responses() -> Group {
    let mut group = Group::new("PduTest", Fields::default().with("pduTypes", "response"));
    let stub = octets("stub", 40);
    let plain = Response {
        alloc_hint: 40,
        context_id: ContextId(0),
        cancel_count: 0,
        reserved: 0,
        stub: &stub,
    };
    let of = |response| Pdu {
        header: header(PduType::RESPONSE),
        body: Body::Response(response),
        auth: None,
    };
    valid(&mut group, "an answer", "Plain", &of(plain));
    for (comment, response) in [
        (
            "no stub",
            Response {
                alloc_hint: 0,
                stub: &[],
                ..plain
            },
        ),
        (
            "alloc_hint 0",
            Response {
                alloc_hint: 0,
                ..plain
            },
        ),
        (
            "context 4660",
            Response {
                context_id: ContextId(0x1234),
                ..plain
            },
        ),
        (
            "cancel_count 255",
            Response {
                cancel_count: 255,
                ..plain
            },
        ),
        (
            "reserved octet 255",
            Response {
                reserved: 255,
                ..plain
            },
        ),
    ] {
        valid(&mut group, comment, "Boundary", &of(response));
    }
    common(&mut group, &of(plain), 24);
    group
}

fn faults() -> Group {
    let mut group = Group::new("PduTest", Fields::default().with("pduTypes", "fault"));
    let of = |fault| Pdu {
        header: header(PduType::FAULT),
        body: Body::Fault(fault),
        auth: None,
    };
    let plain = Fault::new(FaultStatus::OP_RNG_ERROR, ContextId(0));
    valid(&mut group, "no such operation", "Plain", &of(plain));
    for status in [5, 0x6f7, 0x1c01_0003, 0x1c01_000b, u32::MAX] {
        let fault = Fault::new(FaultStatus(status), ContextId(1));
        valid(
            &mut group,
            &format!("status {status:#010x}"),
            "Plain",
            &of(fault),
        );
    }
    let data = octets("error data", 24);
    for (comment, fault) in [
        (
            "extended error data",
            Fault {
                flags: 1,
                alloc_hint: 56,
                stub: &data,
                ..plain
            },
        ),
        (
            "reserved octets",
            Fault {
                reserved: [1, 2, 3, 4],
                ..plain
            },
        ),
        (
            "alloc_hint 0",
            Fault {
                alloc_hint: 0,
                ..plain
            },
        ),
    ] {
        valid(&mut group, comment, "Boundary", &of(fault));
    }
    common(&mut group, &of(plain), 32);
    group
}

/// PDUs that are a header and what may follow.
fn bare() -> Group {
    let mut group = Group::new(
        "PduTest",
        Fields::default().with("pduTypes", "auth3, shutdown, co_cancel, orphaned"),
    );
    for (comment, ptype, body) in [
        ("auth3", PduType::AUTH3, Body::Auth3(&[0; 4])),
        ("shutdown", PduType::SHUTDOWN, Body::Shutdown(&[])),
        ("co_cancel", PduType::CO_CANCEL, Body::CoCancel(&[])),
        ("orphaned", PduType::ORPHANED, Body::Orphaned(&[])),
    ] {
        for (order, drep) in [
            ("little-endian", Drep::LITTLE_ENDIAN),
            ("big-endian", Drep::BIG_ENDIAN),
        ] {
            let header = Header {
                drep,
                ..header(ptype)
            };
            let flag = if drep == Drep::BIG_ENDIAN {
                "BigEndian"
            } else {
                "Plain"
            };
            valid(
                &mut group,
                &format!("{comment}, {order}"),
                flag,
                &Pdu {
                    header,
                    body,
                    auth: None,
                },
            );
        }
    }
    group
}

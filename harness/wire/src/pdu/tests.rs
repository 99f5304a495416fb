use hex_literal::hex;

use super::*;
use crate::btfn::Features;
use crate::guid::Guid;

/// The three-context bind of a current Windows client. Source: catalogue `rpc.bind.windows-client-shape`.
const WINDOWS_BIND: &[u8] = &hex!(
    "05000b13 10000000 a0000000 02000000 d016d016 00000000 03000000
     0000 0100 7521c8514e845047b0d8ec255555bc06 01000000 045d888aeb1cc9119fe808002b104860 02000000
     0100 0100 7521c8514e845047b0d8ec255555bc06 01000000 33057171babe37498319b5dbef9ccc36 01000000
     0200 0100 7521c8514e845047b0d8ec255555bc06 01000000 2c1cb76c129840450300000000000000 01000000"
);

/// Every PDU type once or more, honest and canonical, by name.
#[expect(clippy::too_many_lines, reason = "a table")]
fn samples() -> Vec<(&'static str, Vec<u8>)> {
    let header = |ptype| Header::new(ptype, CallId(0x0102_0304));
    let results = [
        ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED),
        ContextResult::accepted(SyntaxId::NDR64),
        ContextResult::negotiated(3),
    ];
    let ack = |address: &'static [u8]| BindAck {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 0x1122_3344,
        secondary_address: address,
        padding: &[],
        results: ResultList::new(&results),
        trailing: &[],
    };
    let response = Response {
        alloc_hint: 5,
        context_id: ContextId(7),
        cancel_count: 0,
        reserved: 0,
        stub: b"stub!",
    };
    let encode = |ptype, body| {
        Pdu {
            header: header(ptype),
            body,
            auth: None,
        }
        .encoded()
        .bytes
    };
    let verifier = AuthVerifier {
        padding: &[0; 3],
        auth_type: 10,
        auth_level: 2,
        reserved: 0,
        auth_context_id: 1,
        token: b"NTLM",
    };
    vec![
        ("bind", WINDOWS_BIND.to_vec()),
        ("bind without contexts", BindBuilder::new().encoded().bytes),
        (
            "alter_context",
            BindBuilder::alter()
                .offering(1, SyntaxId::KMS, &[SyntaxId::NDR64])
                .encoded()
                .bytes,
        ),
        (
            "big-endian bind",
            BindBuilder::new()
                .drep(Drep::BIG_ENDIAN)
                .offering(9, SyntaxId::KMS, &[])
                .encoded()
                .bytes,
        ),
        (
            "bind_ack on port 1688",
            encode(PduType::BIND_ACK, Body::BindAck(ack(b"1688\0"))),
        ),
        (
            "bind_ack on port 80",
            encode(PduType::BIND_ACK, Body::BindAck(ack(b"80\0"))),
        ),
        (
            "bind_ack on port 49152",
            encode(PduType::BIND_ACK, Body::BindAck(ack(b"49152\0"))),
        ),
        (
            "alter_context_resp",
            encode(
                PduType::ALTER_CONTEXT_RESP,
                Body::AlterContextResp(ack(b"")),
            ),
        ),
        (
            "bind_nak",
            encode(
                PduType::BIND_NAK,
                Body::BindNak(BindNak::new(NakReason::NOT_SPECIFIED)),
            ),
        ),
        (
            "bind_nak of an old host",
            encode(
                PduType::BIND_NAK,
                Body::BindNak(BindNak {
                    reason: NakReason(9),
                    versions: None,
                    trailing: &[],
                }),
            ),
        ),
        (
            "request",
            RequestBuilder::new(*b"stub")
                .context(1)
                .opnum(2)
                .encoded()
                .bytes,
        ),
        (
            "request for an object",
            RequestBuilder::new(*b"stub")
                .object(Guid::random([7; 16]))
                .encoded()
                .bytes,
        ),
        (
            "request with a verifier",
            RequestBuilder::new(*b"stub!")
                .with_auth(Some(verifier))
                .bytes,
        ),
        (
            "response",
            encode(PduType::RESPONSE, Body::Response(response)),
        ),
        (
            "fault",
            encode(
                PduType::FAULT,
                Body::Fault(Fault::new(FaultStatus::OP_RNG_ERROR, ContextId(1))),
            ),
        ),
        ("auth3", encode(PduType::AUTH3, Body::Auth3(&[0; 4]))),
        ("shutdown", encode(PduType::SHUTDOWN, Body::Shutdown(&[]))),
        ("co_cancel", encode(PduType::CO_CANCEL, Body::CoCancel(&[]))),
        ("orphaned", encode(PduType::ORPHANED, Body::Orphaned(&[]))),
        ("unknown", encode(PduType(0x7f), Body::Unknown(b"anything"))),
    ]
}

#[test]
fn every_sample_round_trips() {
    for (name, bytes) in samples() {
        let pdu = Pdu::decode(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(pdu.encoded().bytes, bytes, "{name}");
        let mut appended = vec![0xee];
        pdu.encode(&mut appended);
        assert_eq!(appended[1..], bytes, "{name}, behind other octets");
    }
}

#[test]
fn every_prefix_is_an_error() {
    for (name, bytes) in samples() {
        for len in 0..bytes.len() {
            assert!(Pdu::decode(&bytes[..len]).is_err(), "{name} cut to {len}");
        }
    }
}

#[test]
fn every_prefix_with_its_own_frag_length_is_safe() {
    for (name, bytes) in samples() {
        for len in 16..bytes.len() {
            let mut cut = Encoded {
                bytes: bytes[..len].to_vec(),
                spans: Vec::new(),
            };
            let length = u16::try_from(len).unwrap();
            let octets = if cut.bytes[4] == 0x10 {
                length.to_le_bytes()
            } else {
                length.to_be_bytes()
            };
            cut.bytes[8..10].copy_from_slice(&octets);
            if let Ok(pdu) = Pdu::decode(&cut.bytes) {
                assert_eq!(pdu.encoded().bytes, cut.bytes, "{name} cut to {len}");
            }
        }
    }
}

#[test]
fn any_octet_changed_is_safe_and_nothing_is_dropped() {
    for (name, bytes) in samples() {
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if let Ok(pdu) = Pdu::decode(&changed) {
                    assert_eq!(
                        pdu.encoded().bytes,
                        changed,
                        "{name}, octet {at} set to {value}"
                    );
                }
            }
        }
    }
}

#[test]
fn any_octets_are_safe() {
    arbtest::arbtest(|u| {
        let mut bytes: Vec<u8> = u.arbitrary()?;
        if let (Ok(len), true) = (u16::try_from(bytes.len()), bytes.len() >= 16) {
            bytes[2] %= 21;
            bytes[4] = 0x10;
            bytes[8..10].copy_from_slice(&len.to_le_bytes());
        }
        if let Ok(pdu) = Pdu::decode(&bytes) {
            assert_eq!(pdu.encoded().bytes, bytes);
        }
        Ok(())
    });
}

#[test]
fn the_windows_bind_is_read_field_by_field() {
    let pdu = Pdu::decode(WINDOWS_BIND).unwrap();
    let Body::Bind(bind) = pdu.body else {
        panic!("{pdu:?}")
    };
    assert_eq!(
        (bind.max_xmit_frag, bind.max_recv_frag, bind.assoc_group_id),
        (5840, 5840, 0)
    );
    let offered: Vec<_> = bind
        .contexts
        .iter()
        .map(|c| {
            (
                c.id.0,
                c.abstract_syntax,
                c.transfer_syntaxes.iter().collect::<Vec<_>>(),
            )
        })
        .collect();
    let expected = [SyntaxId::NDR32, SyntaxId::NDR64, Features::ALL.syntax()];
    assert_eq!(
        offered,
        (0..)
            .zip(expected)
            .map(|(id, syntax)| (id, SyntaxId::KMS, vec![syntax]))
            .collect::<Vec<_>>()
    );
}

#[test]
fn a_big_endian_bind_reads_like_a_little_endian_one() {
    let build = |drep| {
        BindBuilder::new()
            .drep(drep)
            .offering(1, SyntaxId::KMS, &[SyntaxId::NDR32])
            .encoded()
            .bytes
    };
    let (little, big) = (build(Drep::LITTLE_ENDIAN), build(Drep::BIG_ENDIAN));
    assert_ne!(little, big);
    assert_eq!(
        Pdu::decode(&little).unwrap().body,
        Pdu::decode(&big).unwrap().body
    );
}

#[test]
fn errors_name_field_and_offset() {
    let bind = BindBuilder::new()
        .offering(0, SyntaxId::KMS, &[SyntaxId::NDR32])
        .encoded();
    let request = RequestBuilder::new([0; 8]).encoded();
    let lie = |honest: &Encoded, field, octets: &[u8]| {
        let mut lie = honest.clone();
        assert!(lie.overwrite(field, octets), "{field}");
        Pdu::decode(&lie.bytes).unwrap_err().to_string()
    };
    for (got, expected) in [
        (
            lie(&bind, "frag_length", &[73, 0]),
            "frag_length at byte 0x0008: 73 where 72 was announced",
        ),
        (
            lie(&bind, "n_context_elem", &[2]),
            "p_cont_id at byte 0x0048: needs 2 bytes, 0 left",
        ),
        (
            lie(&bind, "n_transfer_syn", &[2]),
            "transfer_syntaxes at byte 0x0034: needs 40 bytes, 20 left",
        ),
        (
            lie(&request, "auth_length", &[9, 0]),
            "auth_length at byte 0x000a: 9 is more than 8",
        ),
        (
            lie(&request, "pfc_flags", &[0x83]),
            "object at byte 0x0018: needs 16 bytes, 8 left",
        ),
    ] {
        assert_eq!(got, expected);
    }
}

#[test]
fn the_result_list_stands_on_a_multiple_of_four() {
    for (address, padding) in [
        (&b""[..], 2),
        (b"\0", 1),
        (b"80\0", 3),
        (b"135\0", 2),
        (b"1688\0", 1),
        (b"49152\0", 0),
    ] {
        let ack = BindAck {
            max_xmit_frag: 0,
            max_recv_frag: 0,
            assoc_group_id: 0,
            secondary_address: address,
            padding: &[],
            results: ResultList::new(&[]),
            trailing: &[],
        };
        let header = Header::new(PduType::BIND_ACK, CallId(1));
        let encoded = Pdu {
            header,
            body: Body::BindAck(ack),
            auth: None,
        }
        .encoded();
        let start = encoded.span("n_results", 0).unwrap().start;
        assert_eq!(
            (start % 4, start),
            (0, 26 + address.len() + padding),
            "{address:?}"
        );
    }
}

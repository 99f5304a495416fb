//! DCE/RPC on connections made by hand: what counts as KMS, and which reply belongs to which request.

use kmspec_capture::rpc::{Direction, Notice};
use kmspec_capture::tcp::{Endpoint, Limits};
use kmspec_capture::write::{Flow, PcapNgWriter};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindAck, BindBuilder, Body, CallId, ContextId, ContextResult, Fault, FaultStatus, Header, Pdu,
    PduType, PfcFlags, Reason, RequestBuilder, Response, ResultList, SyntaxId,
};

use crate::packets::{ETHERNET, Seen, Tcp, pcap, read, read_with};

type Line = (Direction, Vec<u8>);

fn up(bytes: Vec<u8>) -> Line {
    (Direction::ToHost, bytes)
}

fn down(bytes: Vec<u8>) -> Line {
    (Direction::ToClient, bytes)
}

/// One connection between two ports that mean nothing.
fn file(lines: &[Line]) -> Vec<u8> {
    let end = |port| Endpoint {
        address: [127, 0, 0, 1].into(),
        port,
    };
    let mut writer = PcapNgWriter::new(Vec::new(), None).unwrap();
    let mut flow = Flow::open(&mut writer, end(50_001), end(50_002), 1).unwrap();
    for (at, (direction, bytes)) in (2..).zip(lines) {
        flow.send(&mut writer, *direction, at, bytes, None).unwrap();
    }
    writer.into_inner()
}

fn exchanges(lines: &[Line]) -> Vec<String> {
    read(&file(lines)).0.exchanges
}

fn bind(interface: SyntaxId) -> Line {
    let bind = BindBuilder::new().offering(0, interface, &[SyntaxId::NDR32]);
    up(bind.encoded().bytes)
}

fn answer(ptype: PduType, call_id: u32, results: &[ContextResult]) -> Line {
    let ack = BindAck {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 1,
        secondary_address: b"",
        padding: &[],
        results: ResultList::new(results),
        trailing: &[],
    };
    let body = match ptype {
        PduType::BIND_ACK => Body::BindAck(ack),
        _ => Body::AlterContextResp(ack),
    };
    down(pdu(ptype, call_id, PfcFlags::WHOLE, body))
}

fn accepted() -> Line {
    answer(
        PduType::BIND_ACK,
        1,
        &[ContextResult::accepted(SyntaxId::NDR32)],
    )
}

fn pdu(ptype: PduType, call_id: u32, flags: PfcFlags, body: Body<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let header = Header::new(ptype, CallId(call_id)).with_flags(flags);
    Pdu {
        header,
        body,
        auth: None,
    }
    .encode(&mut out);
    out
}

/// A stub that by its form is a version 6 request.
fn stub() -> Vec<u8> {
    let mut message = [0; 260];
    message[2] = 6;
    RequestStub::new(&message).to_bytes(TransferSyntax::Ndr32)
}

fn request(call_id: u32) -> RequestBuilder {
    RequestBuilder::new(stub()).call_id(call_id)
}

fn whole(call_id: u32) -> Line {
    up(request(call_id).encoded().bytes)
}

fn response_part(call_id: u32, flags: PfcFlags, stub: &[u8]) -> Line {
    let response = Response {
        alloc_hint: 0,
        context_id: ContextId(0),
        cancel_count: 0,
        reserved: 0,
        stub,
    };
    down(pdu(
        PduType::RESPONSE,
        call_id,
        flags,
        Body::Response(response),
    ))
}

fn response(call_id: u32) -> Line {
    let stub = ResponseStub::failure(0x8007_000d).to_bytes(TransferSyntax::Ndr32);
    response_part(call_id, PfcFlags::WHOLE, &stub)
}

fn fault(call_id: u32) -> Line {
    let fault = Fault::new(FaultStatus(0x1c01_0003), ContextId(0));
    down(pdu(
        PduType::FAULT,
        call_id,
        PfcFlags::WHOLE,
        Body::Fault(fault),
    ))
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of situations")]
fn calls_are_paired_with_their_replies() {
    let kms = || bind(SyntaxId::KMS);
    let nothing: &[&str] = &[];
    let cases: Vec<(&str, Vec<Line>, &[&str])> = vec![
        (
            "one call",
            vec![kms(), accepted(), whole(2), response(2)],
            &["0.0 [11, 12, 0, 2] id 2 ndr32 268: response 12"],
        ),
        (
            "no reply",
            vec![kms(), accepted(), whole(2)],
            &["0.0 [11, 12, 0] id 2 ndr32 268: none"],
        ),
        (
            "a fault",
            vec![kms(), accepted(), whole(2), fault(2)],
            &["0.0 [11, 12, 0, 3] id 2 ndr32 268: fault 1c010003"],
        ),
        (
            "a fault with another call id",
            vec![kms(), accepted(), whole(9), fault(2)],
            &["0.0 [11, 12, 0, 3] id 9 ndr32 268: fault 1c010003"],
        ),
        (
            "replies in another order",
            vec![
                kms(),
                accepted(),
                whole(2),
                whole(3),
                response(3),
                response(2),
            ],
            &[
                "0.1 [0, 2] id 3 ndr32 268: response 12",
                "0.0 [11, 12, 0, 2] id 2 ndr32 268: response 12",
            ],
        ),
        (
            "sent before the bind was answered",
            vec![
                kms(),
                whole(2),
                whole(3),
                accepted(),
                response(2),
                response(3),
            ],
            &[
                "0.0 [11, 12, 0, 2] id 2 ndr32 268: response 12",
                "0.1 [0, 2] id 3 ndr32 268: response 12",
            ],
        ),
        (
            "a reply too many",
            vec![kms(), accepted(), whole(2), response(2), response(2)],
            &["0.0 [11, 12, 0, 2] id 2 ndr32 268: response 12"],
        ),
        (
            "context refused",
            vec![
                kms(),
                answer(PduType::BIND_ACK, 1, &[ContextResult::rejected(Reason(1))]),
                whole(2),
                fault(2),
            ],
            &["0.0 [11, 12, 0, 3] id 2 ndr32 unbound 268: fault 1c010003"],
        ),
        (
            "context of another interface",
            vec![
                bind(SyntaxId::UNKNOWN_INTERFACE),
                accepted(),
                whole(2),
                response(2),
            ],
            nothing,
        ),
        (
            "no bind at all",
            vec![whole(2), response(2)],
            &["0.0 [0, 2] id 2 ndr32 unbound 268: response 12"],
        ),
        (
            "no bind, and no KMS either",
            vec![
                up(RequestBuilder::new([7; 40]).encoded().bytes),
                response(2),
            ],
            nothing,
        ),
        (
            "NDR64 by alter_context",
            vec![
                kms(),
                accepted(),
                up(BindBuilder::alter()
                    .call_id(2)
                    .offering(1, SyntaxId::KMS, &[SyntaxId::NDR64])
                    .encoded()
                    .bytes),
                answer(
                    PduType::ALTER_CONTEXT_RESP,
                    2,
                    &[ContextResult::accepted(SyntaxId::NDR64)],
                ),
                up(RequestBuilder::new([0; 4])
                    .call_id(3)
                    .context(1)
                    .encoded()
                    .bytes),
                response(3),
            ],
            &["0.0 [11, 12, 14, 15, 0, 2] id 3 ndr64 4: response 12"],
        ),
        (
            "an object in front of the stub",
            vec![
                kms(),
                accepted(),
                up(request(2).object(SyntaxId::KMS.uuid).encoded().bytes),
                response(2),
            ],
            &["0.0 [11, 12, 0, 2] id 2 ndr32 268: response 12"],
        ),
        (
            "no DCE/RPC",
            vec![
                up(b"GET / HTTP/1.1\r\n\r\n".to_vec()),
                down(b"HTTP/1.1 404\r\n".to_vec()),
            ],
            nothing,
        ),
    ];
    for (name, lines, wanted) in cases {
        assert_eq!(exchanges(&lines), wanted, "{name}");
    }
}

#[test]
fn fragments_of_both_directions_become_one_call() {
    let stub = stub();
    let (first, middle, last) = (
        PfcFlags::FIRST_FRAG,
        PfcFlags::default(),
        PfcFlags::LAST_FRAG,
    );
    let part = |flags, from: usize, to: usize| {
        let part = RequestBuilder::new(&stub[from..to]).call_id(2).flags(flags);
        up(part.encoded().bytes)
    };
    let lines = [
        bind(SyntaxId::KMS),
        accepted(),
        part(first, 0, 100),
        part(middle, 100, 101),
        part(last, 101, 268),
        response_part(2, first, &[0; 8]),
        response_part(2, last, &[0; 4]),
    ];
    assert_eq!(
        exchanges(&lines),
        ["0.0 [11, 12, 0, 0, 0, 2, 2] id 2 ndr32 268: response 12"]
    );
    let (seen, _) = read(&file(
        &[&lines[..2], &[part(last, 0, 50)], &lines[2..]].concat(),
    ));
    assert_eq!(
        seen.exchanges.len(),
        1,
        "a fragment of no call changes nothing"
    );
}

#[test]
fn a_stub_longer_than_the_limit_is_not_kept() {
    let part = |flags| up(RequestBuilder::new([0; 200]).flags(flags).encoded().bytes);
    let lines = [
        bind(SyntaxId::KMS),
        accepted(),
        part(PfcFlags::FIRST_FRAG),
        part(PfcFlags::LAST_FRAG),
        response(2),
    ];
    let limits = Limits {
        stub: 300,
        ..Limits::default()
    };
    let (seen, summary) = read_with(&file(&lines), limits);
    assert_eq!(summary.bad_pdus, 1);
    assert_eq!(
        seen.exchanges,
        ["0.0 [11, 12, 0, 0, 2] id 2 ndr32 0: response 12"]
    );
}

#[test]
fn calls_that_wait_are_bounded() {
    let mut lines = vec![bind(SyntaxId::KMS), accepted()];
    lines.extend((2..10).map(whole));
    let limits = Limits {
        open_calls: 3,
        ..Limits::default()
    };
    let (seen, summary) = read_with(&file(&lines), limits);
    assert_eq!((seen.exchanges.len(), summary.unanswered), (8, 8));
}

#[test]
fn what_is_unfinished_is_bounded_over_all_connections() {
    let mut lines = vec![bind(SyntaxId::KMS), accepted()];
    lines.extend((2..10).map(whole));
    let limits = Limits {
        unfinished_total: 1000,
        ..Limits::default()
    };
    let (seen, summary) = read_with(&file(&lines), limits);
    // Three stubs of 268 bytes fit; the fourth gives up all.
    assert_eq!((summary.shed, seen.exchanges.len()), (2, 8));
}

#[test]
fn a_pdu_is_complete_with_the_packet_that_brought_its_last_byte() {
    let bytes = request(2).encoded().bytes;
    let parts = bytes.chunks(100).map(|part| up(part.to_vec()));
    let mut lines = vec![bind(SyntaxId::KMS), accepted()];
    lines.extend(parts);
    lines.push(up([whole(3).1, whole(4).1].concat()));
    let (seen, _) = read(&file(&lines));
    // Packets 1 to 3 are the handshake.
    let packets: Vec<_> = seen
        .pdus
        .iter()
        .map(|&(_, ptype, packet, _)| (ptype, packet))
        .collect();
    assert_eq!(packets, [(11, 4), (12, 5), (0, 8), (0, 9), (0, 9)]);
}

#[test]
fn bytes_between_pdus_are_reported_and_the_next_packet_that_begins_one_is_found() {
    let lines = [
        bind(SyntaxId::KMS),
        accepted(),
        up(b"this is no PDU".to_vec()),
        whole(2),
        response(2),
    ];
    let (seen, summary) = read(&file(&lines));
    assert_eq!(summary.no_pdus, 1);
    assert!(matches!(seen.notices[0], Notice::NoPdu { stream: 0, at } if at.packet == 6));
    assert_eq!(seen.exchanges.len(), 1);
}

#[test]
fn a_gap_inside_a_pdu_keeps_its_header_and_the_step() {
    let (bytes, next) = (request(2).encoded().bytes, request(3).encoded().bytes);
    let end = u32::try_from(bytes.len()).unwrap();
    let (_, reply) = response(2);
    let segments = [
        Tcp::up(1000, &bytes[..100]),
        // From byte 100 to 200 nothing.
        Tcp::up(1200, &bytes[200..]),
        Tcp::up(1000 + end, &next),
        Tcp::down(1, &reply).ack(1000 + 2 * end),
    ];
    let frames: Vec<_> = segments.iter().map(Tcp::frame).collect();
    let (seen, summary) = read(&pcap(ETHERNET, &frames));
    let cut: Vec<_> = seen
        .pdus
        .iter()
        .map(|&(_, ptype, _, cut)| (ptype, cut))
        .collect();
    assert_eq!(cut, [(0, true), (0, false), (2, false)]);
    assert_eq!(summary.gaps.values().collect::<Vec<_>>(), [&(1, 100)]);
}

#[test]
fn however_a_connection_is_cut_into_segments_its_calls_are_the_same() {
    let lines = [
        bind(SyntaxId::KMS),
        accepted(),
        whole(2),
        whole(3),
        response(2),
        response(3),
    ];
    let wanted = exchanges(&lines);
    assert_eq!(wanted.len(), 2);
    arbtest::arbtest(|u| {
        let mut cut: Vec<Line> = Vec::new();
        for (direction, bytes) in &lines {
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                let (part, tail) = rest.split_at(u.int_in_range(1..=rest.len())?);
                cut.push((*direction, part.to_vec()));
                rest = tail;
            }
        }
        assert_eq!(exchanges(&cut), wanted);
        Ok(())
    });
}

#[test]
fn any_bytes_on_a_connection_are_survived() {
    arbtest::arbtest(|u| {
        let mut lines = vec![bind(SyntaxId::KMS), accepted()];
        for _ in 0..u.int_in_range(0..=6)? {
            let mut bytes =
                [whole(2).1, response(2).1, b"noise".to_vec()][u.choose_index(3)?].clone();
            for _ in 0..u.int_in_range(0..=4)? {
                let at = u.choose_index(bytes.len())?;
                bytes[at] = u.arbitrary()?;
            }
            lines.push(if u.arbitrary()? {
                up(bytes)
            } else {
                down(bytes)
            });
        }
        let mut seen = Seen::default();
        kmspec_capture::read(&file(&lines)[..], Limits::default(), &mut seen);
        Ok(())
    });
}

//! Captures that cannot be judged, or not wholly.

use std::sync::Arc;

use kmspec_capture::rpc::Direction::{ToClient, ToHost};
use kmspec_capture::tcp::Endpoint;
use kmspec_capture::write::{Flow, PcapNgWriter};
use kmspec_runner::passive::{Checked, Report, Wanted, check};
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::pdu::{BindBuilder, SyntaxId};

use crate::{checked, recording};

fn exit(checked: Checked) -> u8 {
    let report = Report::new(vec![checked], &[], &Wanted::default());
    report.exit().code()
}

/// Packets of a pcap file, by the length in each packet's header.
fn without_packet(file: &[u8], number: usize) -> Vec<u8> {
    let mut at = 24;
    for _ in 1..number {
        at += 16 + length_of(file, at);
    }
    let end = at + 16 + length_of(file, at);
    [&file[..at], &file[end..]].concat()
}

fn length_of(file: &[u8], at: usize) -> usize {
    u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize
}

fn end(port: u16) -> Endpoint {
    Endpoint {
        address: [127, 0, 0, 1].into(),
        port,
    }
}

#[test]
fn what_comes_before_the_damage_is_judged() {
    let (file, whole) = recording("21");
    // In the middle of packet 50 or so: one violation has shown.
    let damaged = checked(file, &whole[..whole.len() / 2]);
    assert_eq!(damaged.unable.len(), 1);
    assert!(damaged.unable[0].contains("the file ends inside a packet"));
    let seen: Vec<_> = damaged.sightings.iter().map(|seen| seen.packet).collect();
    assert!(seen.starts_with(&[48]) && seen.len() < 6, "{seen:?}");
    assert_eq!(exit(damaged), 2);
}

#[test]
fn wrong_keys_break_nothing_and_judge_no_message() {
    let keys = r#"
        name = "other"
        v4 = { mac_key = { ascii = "AAAAAAAAAAAAAAAAAAAA" } }
        v5 = { aes_key = { ascii = "BBBBBBBBBBBBBBBB" } }
        [v6]
        aes_key = { ascii = "CCCCCCCCCCCCCCCC" }
        round_key_xor = [{ round = 3, byte = 0, value = 1 }]
        hmac_time = { divisor = 2, multiplier = 3, addend = 4 }
    "#;
    let keys = Arc::new(KeySet::from_toml(keys).unwrap());
    for number in ["01", "02", "03", "05", "26"] {
        let (file, octets) = recording(number);
        let checked = check(file, octets, &keys);
        assert_eq!(checked.sightings, [], "{file}");
        assert!(!checked.counts.is_empty(), "the layers below are judged");
        let areas = checked.counts.iter().map(|(rule, _)| rule.requirement);
        assert!(
            areas.into_iter().all(|id| id.starts_with("rpc.")),
            "{file} {:?}",
            checked.unable
        );
        assert!(checked.unable[0].starts_with("nothing opens under the key set other"));
        assert_eq!(exit(checked), 2);
    }
}

#[test]
fn a_missing_packet_breaks_nothing() {
    let (file, whole) = recording("07");
    for number in 1..=30 {
        let checked = checked(file, &without_packet(whole, number));
        assert_eq!(checked.sightings, [], "without packet {number}");
        assert_eq!(checked.unable, [""; 0], "without packet {number}");
    }
}

#[test]
fn other_protocols_and_interfaces_elsewhere_are_not_judged() {
    let other = SyntaxId {
        uuid: Guid::from_u128(0x1234_5678),
        major: 1,
        minor: 0,
    };
    let bind = |syntax| {
        let bind = BindBuilder::new().offering(0, syntax, &[SyntaxId::NDR32]);
        bind.encoded().bytes
    };
    let mut writer = PcapNgWriter::new(Vec::new(), None).unwrap();
    let w = &mut writer;
    let said: [(u16, &[u8]); 5] = [
        (80, b"GET / HTTP/1.0\r\n\r\n"),
        (1080, b"\x05\x01\x00 a proxy speaks so"),
        (135, &bind(other)),
        (1688, &bind(other)),
        (1688, &bind(SyntaxId::KMS)),
    ];
    for (client, (port, octets)) in (50_000..).zip(said) {
        let mut flow = Flow::open(w, end(client), end(port), 1).unwrap();
        flow.send(w, ToHost, 2, octets, None).unwrap();
        flow.fin(w, ToClient, 3).unwrap();
        flow.fin(w, ToHost, 4).unwrap();
    }
    let checked = checked("made", &writer.into_inner());
    assert_eq!(checked.connections, 2);
    let broken: Vec<_> = checked.sightings.iter().map(|seen| seen.stream).collect();
    assert_eq!(broken, [3], "{:?}", checked.sightings);
    assert_eq!(checked.sightings[0].requirement, "rpc.client.bind-contexts");
}

#[test]
fn a_capture_without_kms_is_not_judged() {
    let file = PcapNgWriter::new(Vec::new(), None).unwrap().into_inner();
    let checked = checked("none", &file);
    assert_eq!(checked.unable, ["no KMS in this capture"]);
    assert_eq!(exit(checked), 2);
}

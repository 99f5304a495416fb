//! Inputs of the benchmarks, out of the recordings.
//!
//! The benchmarks are in `benches/`, a file a subject: `cargo bench -p kmspec-benches --bench capture`. The tools around
//! them are one program, `measure`: the table of all benchmarks, two commits side by side, instructions counted.

mod client_turn;
mod echo;
pub mod measure;
mod sealing;
mod streams;
mod turn;
pub mod workload;

pub use client_turn::ClientTurn;
pub use echo::{Asker, Echo, Exchanges, Until};
pub use sealing::{Need, Operation, Primitives, Sealing};
pub use streams::{Segments, stream_capture};
pub use turn::HostTurn;

use kmspec_capture::rpc::{Exchange, Observer, Pdu, Reply};
use kmspec_capture::tcp::Limits;
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::fragments;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Request, RequestBuilder};

/// A recorded request and the answer to it, out of their stubs and still sealed.
#[derive(Clone, Debug)]
pub struct Call {
    /// The KMS request.
    pub request: Vec<u8>,
    /// The KMS response.
    pub response: Vec<u8>,
}

/// The first recorded call of that version.
pub fn call(version: Version) -> Call {
    let mut calls = Calls::default();
    scan(one_connection(version), &mut calls);
    calls.0.swap_remove(0)
}

/// Every PDU of the recording of that version, in order.
pub fn pdus(version: Version) -> Vec<Vec<u8>> {
    let mut pdus = Pdus::default();
    scan(one_connection(version), &mut pdus);
    pdus.0
}

/// A pcap file of at least that many bytes: recording 14 (40 connections, v6) over and over, each time between other
/// addresses.
pub fn big_capture(bytes: usize) -> Vec<u8> {
    let original = recording("14-vlmcs-vlmcsd-count-from-empty.pcap");
    let (header, packets) = original.split_at(FILE_HEADER);
    let mut out = header.to_vec();
    for round in 0u32.. {
        if out.len() >= bytes {
            break;
        }
        let start = out.len();
        out.extend_from_slice(packets);
        let [_, b, c, d] = round.to_be_bytes();
        let mut at = start;
        while at < out.len() {
            let captured =
                u32::from_le_bytes([out[at + 8], out[at + 9], out[at + 10], out[at + 11]]);
            let addresses = at + PACKET_HEADER + ETHERNET_HEADER + 12;
            out[addresses..addresses + 4].copy_from_slice(&[10, b, c, d]);
            out[addresses + 4..addresses + 8].copy_from_slice(&[10, b, c, d]);
            at += PACKET_HEADER + captured as usize;
        }
    }
    out
}

/// That request as a client sends it in fragments of at most so many octets, one after the other.
pub fn fragmented(request: &[u8], max_frag: usize) -> Vec<u8> {
    let stub = RequestStub::new(request).to_bytes(TransferSyntax::Ndr32);
    let parts = fragments(&stub, max_frag, Request::OVERHEAD).map(|part| {
        let hint = u32::try_from(part.left).unwrap_or(u32::MAX);
        let request = RequestBuilder::new(part.stub).flags(part.flags);
        request.alloc_hint(hint).encoded().bytes
    });
    parts.flatten().collect()
}

fn one_connection(version: Version) -> &'static [u8] {
    recording(match version {
        Version::V4 => "01-vlmcs-vlmcsd-v4-one-connection.pcap",
        Version::V5 => "02-vlmcs-vlmcsd-v5-one-connection.pcap",
        Version::V6 => "03-vlmcs-vlmcsd-v6-one-connection.pcap",
    })
}

fn recording(file: &str) -> &'static [u8] {
    kmspec_captures::find(file)
        .expect("the recording is embedded")
        .bytes
}

fn scan(file: &[u8], observer: &mut impl Observer) {
    let outcome = kmspec_capture::read(file, Limits::default(), observer);
    assert!(outcome.damage.is_none(), "{:?}", outcome.damage);
}

#[derive(Default)]
struct Calls(Vec<Call>);

impl Observer for Calls {
    fn exchange(&mut self, exchange: &Exchange<'_>) {
        let Reply::Response { stub, .. } = exchange.reply else {
            return;
        };
        let syntax = exchange.rpc.syntax;
        let request = RequestStub::decode(syntax, ByteOrder::Little, exchange.request_stub);
        let response = ResponseStub::decode(syntax, ByteOrder::Little, stub);
        if let (Ok(request), Ok(response)) = (request, response) {
            self.0.push(Call {
                request: request.request.to_vec(),
                response: response.response().unwrap_or_default().to_vec(),
            });
        }
    }
}

#[derive(Default)]
struct Pdus(Vec<Vec<u8>>);

impl Observer for Pdus {
    fn pdu(&mut self, pdu: &Pdu<'_>) {
        self.0.push(pdu.bytes.to_vec());
    }
}

/// Of a pcap file. Source: draft-ietf-opsawg-pcap 4.
const FILE_HEADER: usize = 24;
/// Of a packet in a pcap file. Source: draft-ietf-opsawg-pcap 5.
const PACKET_HEADER: usize = 16;
const ETHERNET_HEADER: usize = 14;

#[cfg(test)]
mod tests {
    use kmspec_capture::tcp::Limits;
    use kmspec_wire::kms::Version;

    #[test]
    fn every_version_has_a_call() {
        for (version, len) in [(Version::V4, 252), (Version::V5, 260), (Version::V6, 260)] {
            let call = super::call(version);
            assert_eq!(call.request.len(), len);
            assert!(!call.response.is_empty());
            assert!(super::pdus(version).len() > 16);
        }
    }

    #[test]
    fn a_big_capture_holds_the_calls_of_its_rounds() {
        let file = super::big_capture(200_000);
        let outcome = kmspec_capture::read(&file[..], Limits::default(), &mut ());
        assert!(outcome.damage.is_none());
        assert_eq!(
            (outcome.summary.tcp_connections, outcome.summary.exchanges),
            (120, 120)
        );
    }
}

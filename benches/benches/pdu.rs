//! PDUs and stubs: each kind alone, a whole connection as it was recorded, fragments, both transfer syntaxes.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::workload::reassembled;
use kmspec_benches::{call, fragmented, pdus};
use kmspec_wire::codec::{ByteOrder, Writer};
use kmspec_wire::fragment::{Assembler, Framer};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindNak, Body, CallId, ContextId, Fault, FaultStatus, Header, NakReason, Pdu, PduType,
};

fn a_connection(c: &mut Criterion) {
    let recorded = pdus(Version::V6);
    let bytes: usize = recorded.iter().map(Vec::len).sum();
    let mut group = c.benchmark_group("pdu");
    group.throughput(Throughput::Bytes(bytes as u64));
    group.bench_function("decode a connection", |b| {
        b.iter(|| {
            recorded
                .iter()
                .filter(|pdu| Pdu::decode(black_box(pdu)).is_ok())
                .count()
        });
    });
    let decoded: Vec<_> = recorded
        .iter()
        .filter_map(|pdu| Pdu::decode(pdu).ok())
        .collect();
    let mut out = Vec::new();
    group.bench_function("encode a connection", |b| {
        b.iter(|| {
            out.clear();
            for pdu in &decoded {
                black_box(pdu).encode(&mut out);
            }
            out.len()
        });
    });
    group.finish();
}

/// One of each kind: the first of the recording, and those that a good connection has none of.
fn one_of_each(c: &mut Criterion) {
    let mut kinds = pdus(Version::V6);
    kinds.sort_by_key(|pdu| pdu.get(2).copied());
    kinds.dedup_by_key(|pdu| pdu.get(2).copied());
    // Further contexts are offered and answered in the form of the first ones.
    for (first, ptype) in [
        (PduType::BIND, PduType::ALTER_CONTEXT),
        (PduType::BIND_ACK, PduType::ALTER_CONTEXT_RESP),
    ] {
        let recorded = kinds.iter().find(|pdu| pdu[2] == first.0);
        let mut pdu = recorded.expect("recorded").clone();
        pdu[2] = ptype.0;
        kinds.push(pdu);
    }
    for (ptype, body) in [
        (
            PduType::BIND_NAK,
            Body::BindNak(BindNak::new(NakReason::NOT_SPECIFIED)),
        ),
        (
            PduType::FAULT,
            Body::Fault(Fault::new(FaultStatus::OP_RNG_ERROR, ContextId(0))),
        ),
        (PduType::AUTH3, Body::Auth3(&[0; 4])),
        (PduType::SHUTDOWN, Body::Shutdown(&[])),
        (PduType::CO_CANCEL, Body::CoCancel(&[])),
        (PduType::ORPHANED, Body::Orphaned(&[])),
    ] {
        let header = Header::new(ptype, CallId(1));
        let pdu = Pdu {
            header,
            body,
            auth: None,
        };
        kinds.push(pdu.encoded().bytes);
    }
    let mut group = c.benchmark_group("pdu");
    for octets in &kinds {
        let pdu = Pdu::decode(octets).expect("recorded or made");
        let name = pdu.header.ptype.to_string();
        group.throughput(Throughput::Bytes(octets.len() as u64));
        group.bench_function(format!("decode {name}"), |b| {
            b.iter(|| Pdu::decode(black_box(octets)).is_ok());
        });
        let mut out = Vec::new();
        group.bench_function(format!("encode {name}"), |b| {
            b.iter(|| {
                out.clear();
                black_box(&pdu).encode(&mut out);
                out.len()
            });
        });
    }
    group.finish();
}

fn fragments(c: &mut Criterion) {
    let request = call(Version::V6).request;
    let mut group = c.benchmark_group("pdu");
    group.throughput(Throughput::Bytes(request.len() as u64));
    for (name, max_frag) in [("one fragment", 5840), ("fragments of 8 octets", 32)] {
        group.bench_function(format!("request into {name}"), |b| {
            b.iter(|| fragmented(black_box(&request), max_frag).len());
        });
        let octets = fragmented(&request, max_frag);
        let (mut framer, mut assembler) = (Framer::new(), Assembler::default());
        group.bench_function(format!("request from {name}"), |b| {
            b.iter(|| reassembled(&mut framer, &mut assembler, black_box(&octets)));
        });
    }
    group.finish();
}

fn stubs(c: &mut Criterion) {
    let call = call(Version::V6);
    let mut group = c.benchmark_group("pdu");
    let mut out = Vec::new();
    for syntax in TransferSyntax::ALL {
        let name = syntax.name();
        group.throughput(Throughput::Bytes(call.request.len() as u64));
        let request = RequestStub::new(&call.request);
        let stub = request.to_bytes(syntax);
        group.bench_function(format!("decode request stub {name}"), |b| {
            b.iter(|| RequestStub::decode(syntax, ByteOrder::Little, black_box(&stub)).is_ok());
        });
        group.bench_function(format!("encode request stub {name}"), |b| {
            b.iter(|| {
                out.clear();
                black_box(&request).encode(syntax, &mut Writer::new(&mut out));
                out.len()
            });
        });
        group.throughput(Throughput::Bytes(call.response.len() as u64));
        let response = ResponseStub::success(&call.response);
        let stub = response.to_bytes(syntax);
        group.bench_function(format!("decode response stub {name}"), |b| {
            b.iter(|| ResponseStub::decode(syntax, ByteOrder::Little, black_box(&stub)).is_ok());
        });
        group.bench_function(format!("encode response stub {name}"), |b| {
            b.iter(|| {
                out.clear();
                black_box(&response).encode(syntax, &mut Writer::new(&mut out));
                out.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, a_connection, one_of_each, fragments, stubs);
criterion_main!(benches);

//! PDUs and stubs, as they were recorded.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::{call, pdus};
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::Pdu;

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

fn stubs(c: &mut Criterion) {
    let request = call(Version::V6).request;
    let mut group = c.benchmark_group("pdu/request stub");
    group.throughput(Throughput::Bytes(request.len() as u64));
    for syntax in TransferSyntax::ALL {
        let stub = RequestStub::new(&request).to_bytes(syntax);
        group.bench_function(syntax.name(), |b| {
            b.iter(|| RequestStub::decode(syntax, ByteOrder::Little, black_box(&stub)).is_ok());
        });
    }
    group.finish();
}

criterion_group!(benches, a_connection, stubs);
criterion_main!(benches);

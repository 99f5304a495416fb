//! Reading a big capture, which is made up: the one that was recorded is too big for the tree. And the worst that TCP can
//! do to whoever puts it together.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::{Segments, big_capture, stream_capture};
use kmspec_capture::tcp::Limits;
use kmspec_capture::view;
use kmspec_wire::keys::KeySet;

fn read(c: &mut Criterion) {
    let file = big_capture(64 << 20);
    let mut group = c.benchmark_group("capture");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("structure only", |b| {
        b.iter(|| {
            kmspec_capture::read(&file[..], Limits::default(), &mut ())
                .summary
                .exchanges
        });
    });
    let keys = KeySet::lab();
    group.bench_function("opened and verified", |b| {
        b.iter(|| {
            let mut exchanges = 0u64;
            view::decode(
                "big.pcap",
                &file[..],
                Limits::default(),
                Some(&keys),
                |_| exchanges += 1,
            );
            exchanges
        });
    });
    group.finish();
}

/// As many octets of each: what differs is how they come.
fn reassembly(c: &mut Criterion) {
    let mut group = c.benchmark_group("tcp");
    group.sample_size(10);
    for (name, segments) in [
        ("in order", Segments::InOrder),
        ("all reversed", Segments::Reversed),
        ("one octet each", Segments::OctetByOctet),
        ("one octet each, reversed", Segments::OctetByOctetReversed),
        ("many streams", Segments::ManyStreams),
    ] {
        let file = stream_capture(segments);
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| kmspec_capture::read(&file[..], Limits::default(), &mut ()).summary);
        });
    }
    group.finish();
}

criterion_group!(benches, read, reassembly);
criterion_main!(benches);

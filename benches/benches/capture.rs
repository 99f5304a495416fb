//! Reading a big capture, which is made up: the one that was recorded is too big for the tree.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::big_capture;
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

criterion_group!(benches, read);
criterion_main!(benches);

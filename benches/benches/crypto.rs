//! The crypto of each version. Beside each operation stands its limit: the same number of AES blocks, hashes and
//! MACs of the same size, through the primitives alone.

use std::hint::black_box;

use aes::cipher::KeyInit as _;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::{Need, Operation, Primitives, Sealing};
use kmspec_wire::crypto::{Aes128, Rijndael160, Tweak};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::{RequestBody, Version};

/// Bytes of a v6 response that its MAC covers, IV included.
const MAC_COVERS: usize = 16 + 214;

fn envelopes(c: &mut Criterion) {
    let mut group = c.benchmark_group("crypto");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        for operation in Operation::ALL {
            let mut sealing = Sealing::new(version);
            let mut limit = sealing.limit(operation);
            let name = format!("{operation} {version}");
            group.bench_function(&name, |b| b.iter(|| sealing.run(operation)));
            group.bench_function(format!("{name} limit"), |b| b.iter(|| limit.run()));
        }
    }
    group.finish();
}

fn macs(c: &mut Criterion) {
    let keys = KeySet::lab();
    let body = [7; RequestBody::SIZE];
    let mut group = c.benchmark_group("crypto");
    group.throughput(Throughput::Bytes(RequestBody::SIZE as u64));
    group.bench_function("mac v4", |b| b.iter(|| keys.v4_mac(black_box(&body))));
    let mut limit = Primitives::new(Version::V4, Need::new(15, 0));
    group.bench_function("mac v4 limit", |b| b.iter(|| limit.run()));
    group.throughput(Throughput::Bytes(MAC_COVERS as u64));
    let (sealing, covered) = (Sealing::new(Version::V6), [7; MAC_COVERS]);
    group.bench_function("mac v6", |b| {
        b.iter(|| sealing.v6_mac(black_box(&covered)));
    });
    let mut limit = Primitives::new(Version::V6, Need::new(0, 0).hashing(1, MAC_COVERS));
    group.bench_function("mac v6 limit", |b| b.iter(|| limit.run()));
    group.finish();
}

/// The limit of a schedule is that of the standard's cipher; no library has one for 160 bits.
fn schedules(c: &mut Criterion) {
    let mut group = c.benchmark_group("crypto");
    group.throughput(Throughput::Elements(1));
    group.bench_function("key schedule v4", |b| {
        b.iter(|| Rijndael160::new(black_box(&[7; 20])));
    });
    let tweaks: Vec<Tweak> = [(3, 0, 1), (5, 0, 2), (7, 0, 3)]
        .into_iter()
        .filter_map(|(round, byte, value)| Tweak::new(round, byte, value))
        .collect();
    for (version, tweaks) in [("v5", &[][..]), ("v6", &tweaks)] {
        group.bench_function(format!("key schedule {version}"), |b| {
            b.iter(|| Aes128::tweaked(black_box(&[7; 16]), tweaks));
        });
        group.bench_function(format!("key schedule {version} limit"), |b| {
            b.iter(|| aes::Aes128::new(black_box(&[7; 16].into())));
        });
    }
    group.finish();
}

criterion_group!(benches, envelopes, macs, schedules);
criterion_main!(benches);

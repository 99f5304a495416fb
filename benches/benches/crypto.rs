//! The crypto of each version, beside the primitives it cannot be faster than.

use std::hint::black_box;

use aes::cipher::{BlockCipherEncrypt, KeyInit as _};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, Mac};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::{KeySet, Slot};
use kmspec_wire::kms::RequestBody;
use sha2::{Digest, Sha256};

/// Bytes of a v6 response that its MAC covers, IV included.
const MAC_COVERS: usize = 16 + 214;

fn macs(c: &mut Criterion) {
    let keys = KeySet::lab();
    let body = [7; RequestBody::SIZE];
    let mut group = c.benchmark_group("crypto/mac");
    group.throughput(Throughput::Bytes(RequestBody::SIZE as u64));
    group.bench_function("v4", |b| b.iter(|| keys.v4_mac(black_box(&body))));
    group.throughput(Throughput::Bytes(MAC_COVERS as u64));
    let covered = [7; MAC_COVERS];
    group.bench_function("v6", |b| {
        b.iter(|| {
            keys.v6_mac(
                FileTime(134_398_416_170_000_000),
                Slot::Same,
                &[black_box(&covered)],
            )
        });
    });
    group.finish();
}

fn primitives(c: &mut Criterion) {
    let mut group = c.benchmark_group("crypto/primitive");
    let aes = aes::Aes128::new(&[7; 16].into());
    group.throughput(Throughput::Bytes(240));
    group.bench_function("aes-128, 15 blocks chained", |b| {
        b.iter(|| {
            let mut block = [7; 16].into();
            for _ in 0..15 {
                aes.encrypt_block(&mut block);
            }
            block
        });
    });
    let covered = [7; MAC_COVERS];
    group.throughput(Throughput::Bytes(MAC_COVERS as u64));
    group.bench_function("hmac-sha-256", |b| {
        b.iter(|| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&[7; 16]).expect("any length is a key");
            mac.update(black_box(&covered));
            mac.finalize().into_bytes()
        });
    });
    group.throughput(Throughput::Bytes(16));
    group.bench_function("sha-256", |b| b.iter(|| Sha256::digest(black_box([7; 16]))));
    group.finish();
}

criterion_group!(benches, macs, primitives);
criterion_main!(benches);

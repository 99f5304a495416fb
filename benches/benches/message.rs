//! Messages of each version: what a host does for a request, and what a tester does with the answer.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::call;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{Salts, open_request, open_response, seal_response};
use kmspec_wire::kms::{ResponseBody, Version, verify};

/// Opens a request, verifies it and seals an answer.
fn answer(c: &mut Criterion) {
    let keys = KeySet::lab();
    let salts = Salts {
        random: [2; 16],
        iv: [3; 16],
    };
    let mut group = c.benchmark_group("message/answer");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        let recorded = call(version);
        let mut scratch = Vec::new();
        let epid = open_response(&keys, &recorded.response, &mut scratch)
            .map(|response| response.body.epid.to_vec())
            .expect("the recording is under the lab keys");
        let mut out = Vec::new();
        group.bench_function(version.to_string(), |b| {
            b.iter(|| {
                let request = open_request(&keys, black_box(&recorded.request)).ok();
                out.clear();
                if let Some(request) = request.filter(|request| verify::request(request).is_empty())
                {
                    let body = ResponseBody::to_request(&request.body, &epid, 50);
                    seal_response(&keys, &request, &body, [4; 8], &salts, &mut out);
                }
                assert!(!out.is_empty());
            });
        });
    }
    group.finish();
}

/// Opens an answer and verifies it.
fn judge(c: &mut Criterion) {
    let keys = KeySet::lab();
    let mut group = c.benchmark_group("message/judge");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        let recorded = call(version);
        let request =
            open_request(&keys, &recorded.request).expect("the recording is under the lab keys");
        let mut scratch = Vec::new();
        group.bench_function(version.to_string(), |b| {
            b.iter(|| {
                let response = open_response(&keys, black_box(&recorded.response), &mut scratch);
                response.map(|response| verify::response(&request, &response).len())
            });
        });
    }
    group.finish();
}

criterion_group!(benches, answer, judge);
criterion_main!(benches);

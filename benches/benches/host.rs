//! A turn of the reference host: a request PDU in, a response PDU out. And one of the reference client: bind and request
//! out, answers in, all verified.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::{ClientTurn, HostTurn};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;

fn turns(c: &mut Criterion) {
    let mut group = c.benchmark_group("host/turn");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        for (syntax, name) in [
            (TransferSyntax::Ndr32, "ndr32"),
            (TransferSyntax::Ndr64, "ndr64"),
        ] {
            let mut turn = HostTurn::new(version, syntax);
            group.bench_function(format!("{version} {name}"), |b| {
                b.iter(|| turn.take().len());
            });
        }
    }
    group.finish();
}

fn client_turns(c: &mut Criterion) {
    let mut group = c.benchmark_group("client/turn");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        let mut turn = ClientTurn::new(version);
        group.bench_function(version.to_string(), |b| b.iter(|| turn.take()));
    }
    group.finish();
}

criterion_group!(benches, turns, client_turns);
criterion_main!(benches);

//! A turn of the reference host: a request PDU in, a response PDU out.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kmspec_benches::call;
use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;
use kmspec_wire::kms::envelope::open_request;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, RequestBuilder, SyntaxId};

fn turns(c: &mut Criterion) {
    let keys = KeySet::lab();
    let mut group = c.benchmark_group("host/turn");
    group.throughput(Throughput::Elements(1));
    for version in Version::ALL {
        let request = call(version).request;
        let now = open_request(&keys, &request)
            .expect("the recording is under the lab keys")
            .body
            .client_time;
        let stub = RequestStub::new(&request).to_bytes(TransferSyntax::Ndr32);
        let pdu = RequestBuilder::new(stub).encoded().bytes;

        let mut host = Host::new(Settings::default());
        let mut connection = Connection::open(&mut host, now, 1688);
        let bind = BindBuilder::new()
            .offering(0, SyntaxId::KMS, &[SyntaxId::NDR32])
            .encoded();
        let mut out = Vec::new();
        let _open = connection.receive(&mut host, now, bind.as_ref(), &mut out);
        group.bench_function(version.to_string(), |b| {
            b.iter(|| {
                out.clear();
                let _open = connection.receive(&mut host, now, &pdu, &mut out);
                assert!(out.len() > 190, "{} bytes", out.len());
            });
        });
    }
    group.finish();
}

criterion_group!(benches, turns);
criterion_main!(benches);

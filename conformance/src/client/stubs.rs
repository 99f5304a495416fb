//! Responses whose stub is wrong.

use kmspec_runner::case;
use kmspec_runner::listener::{Reply, reports};
use kmspec_wire::kms::HResult;
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};

use super::first_call;

case! {
    /// A stub whose counts disagree, or that ends too early, is no answer.
    INCONSISTENT { id: "rpc.client.response-stub-inconsistent" }
    for bend in INCONSISTENT_STUBS;
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let mut stub = link.good(&query).stub;
        bend(query.syntax, &mut stub);
        link.send(Reply::to(&query, stub).encoded()).await?;
        listener.rejects(link).await.map(drop)
    }
}

type Bend = fn(TransferSyntax, &mut Vec<u8>);

const INCONSISTENT_STUBS: [(&str, Bend); 11] = [
    ("empty", |_, stub| stub.clear()),
    ("max-count-9", |syntax, stub| {
        put(stub, max_count(syntax), 9);
    }),
    ("max-count-4-more", |syntax, stub| {
        let count = get(stub, max_count(syntax));
        put(stub, max_count(syntax), count.wrapping_add(4));
    }),
    ("0x40000000", |syntax, stub| both(syntax, stub, 0x4000_0000)),
    ("0x7fffffff", |syntax, stub| both(syntax, stub, 0x7fff_ffff)),
    ("0xffffffff", |syntax, stub| both(syntax, stub, u32::MAX)),
    ("cut-after-4", |_, stub| stub.truncate(4)),
    ("cut-after-8", |_, stub| stub.truncate(8)),
    ("cut-after-12", |_, stub| stub.truncate(12)),
    ("cut-in-data", |_, stub| stub.truncate(stub.len() / 2)),
    ("cut-before-return-value", |_, stub| {
        stub.truncate(stub.len().saturating_sub(4));
    }),
];

/// Where the count of the array stands.
const fn max_count(syntax: TransferSyntax) -> usize {
    match syntax {
        TransferSyntax::Ndr32 => 8,
        TransferSyntax::Ndr64 => 16,
    }
}

fn both(syntax: TransferSyntax, stub: &mut [u8], size: u32) {
    put(stub, 0, size);
    put(stub, max_count(syntax), size);
}

fn put(stub: &mut [u8], at: usize, value: u32) {
    if let Some(place) = stub.get_mut(at..at + 4) {
        place.copy_from_slice(&value.to_le_bytes());
    }
}

fn get(stub: &[u8], at: usize) -> u32 {
    let octets = stub.get(at..).and_then(<[u8]>::first_chunk);
    octets.map_or(0, |octets| u32::from_le_bytes(*octets))
}

case! {
    /// A null pointer with a return value is the host's refusal, and its code is reported.
    NULL_POINTER { id: "rpc.client.response-null-pointer" }
    for code in [
        ("invalid-data", HResult::INVALID_DATA),
        ("product-not-covered", HResult::PRODUCT_NOT_COVERED),
    ];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let stub = ResponseStub::failure(code.0).to_bytes(query.syntax);
        link.send(Reply::to(&query, stub).encoded()).await?;
        let end = listener.rejects(link).await?;
        reports(&end, code)
    }
}

case! {
    /// A null pointer is no success, whatever stands around it.
    NULL_POINTER_SUCCESS { id: "rpc.client.response-null-pointer/success" }
    for size in [("size-0", 0), ("size-260", 260)];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let stub = ResponseStub { response_size: size, ..ResponseStub::failure(0) };
        link.send(Reply::to(&query, stub.to_bytes(query.syntax)).encoded()).await?;
        listener.rejects(link).await.map(drop)
    }
}

case! {
    /// Octets behind the return value are ignored, or an error.
    SURPLUS { id: "rpc.client.response-surplus" }
    for len in [("1", 1), ("4", 4), ("8", 8)];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let mut stub = link.good(&query).stub;
        stub.extend(vec![0xcc; len]);
        link.send(Reply::to(&query, stub).encoded()).await?;
        listener.accepts_or_rejects(link).await
    }
}

case! {
    /// A return value that says no wins over data that say yes.
    ERROR_WITH_DATA { id: "rpc.client.error-return-with-data" }
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let mut stub = link.good(&query).stub;
        let at = stub.len().saturating_sub(4);
        put(&mut stub, at, HResult::PRODUCT_NOT_COVERED.0);
        link.send(Reply::to(&query, stub).encoded()).await?;
        let end = listener.rejects(link).await?;
        reports(&end, HResult::PRODUCT_NOT_COVERED)
    }
}

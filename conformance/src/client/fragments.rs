//! Responses in fragments.

use std::time::Duration;

use kmspec_runner::case;
use kmspec_runner::listener::{Hint, Reply};
use kmspec_wire::kms::HResult;

use super::first_call;

case! {
    /// A response in fragments gives the same as one in a piece.
    REASSEMBLED { id: "rpc.client.fragmented-response" }
    for (cut, hint, apart) in FRAGMENTS;
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let reply = link.good(&query);
        let part = match cut {
            Cut::Pieces(pieces) => reply.stub.len().div_ceil(pieces),
            Cut::Octets(octets) => octets,
        };
        let fragments = reply.in_fragments(part, hint);
        if apart {
            link.send_apart(fragments, Duration::from_millis(1)).await?;
        } else {
            link.send(fragments.into_iter().flat_map(|one| one.bytes).collect::<Vec<u8>>()).await?;
        }
        listener.accepts_or_rejects(link).await
    }
}

/// How a stub is cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Pieces(usize),
    Octets(usize),
}

const FRAGMENTS: [(&str, (Cut, Hint, bool)); 14] = [
    ("2", (Cut::Pieces(2), Hint::Left, false)),
    ("2-apart", (Cut::Pieces(2), Hint::Left, true)),
    ("2-hint-total", (Cut::Pieces(2), Hint::Total, false)),
    ("2-hint-0", (Cut::Pieces(2), Hint::Zero, false)),
    ("3", (Cut::Pieces(3), Hint::Left, false)),
    ("3-apart", (Cut::Pieces(3), Hint::Total, true)),
    ("3-hint-0", (Cut::Pieces(3), Hint::Zero, true)),
    ("100-octets", (Cut::Octets(100), Hint::Left, false)),
    ("16-octets", (Cut::Octets(16), Hint::Left, true)),
    ("8-octets", (Cut::Octets(8), Hint::Left, false)),
    ("8-octets-hint-total", (Cut::Octets(8), Hint::Total, true)),
    ("8-octets-hint-0", (Cut::Octets(8), Hint::Zero, false)),
    ("1-octet", (Cut::Octets(1), Hint::Left, false)),
    ("1-octet-apart", (Cut::Octets(1), Hint::Zero, true)),
];

case! {
    /// No result is built from the first fragment alone: the last one may say that the call has failed.
    RETURN_VALUE_LAST { id: "rpc.client.fragmented-response/return-value-last" }
    for apart in [("together", false), ("apart", true)];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let mut stub = link.good(&query).stub;
        let data = stub.len().saturating_sub(4);
        stub.truncate(data);
        stub.extend(HResult::PRODUCT_NOT_COVERED.0.to_le_bytes());
        let fragments = Reply::to(&query, stub).in_fragments(data, Hint::Left);
        let pause = link.peer().endpoint().timing.quiet;
        let pause = if apart { pause } else { Duration::ZERO };
        link.send_apart(fragments, pause).await?;
        listener.rejects(link).await.map(drop)
    }
}

//! What the KMS suites share.

use std::fmt::Debug;

use kmspec_runner::check::Field;
use kmspec_runner::peer::{Activation, Link};
use kmspec_runner::{Peer, Stop};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;

/// The three versions, by name.
pub(crate) const VERSIONS: [(&str, Version); 3] = [
    ("v4", Version::V4),
    ("v5", Version::V5),
    ("v6", Version::V6),
];

/// Each version in each transfer syntax.
pub(crate) const EXCHANGES: [(&str, (Version, TransferSyntax)); 6] = [
    ("v4", (Version::V4, TransferSyntax::Ndr32)),
    ("v5", (Version::V5, TransferSyntax::Ndr32)),
    ("v6", (Version::V6, TransferSyntax::Ndr32)),
    ("v4-ndr64", (Version::V4, TransferSyntax::Ndr64)),
    ("v5-ndr64", (Version::V5, TransferSyntax::Ndr64)),
    ("v6-ndr64", (Version::V6, TransferSyntax::Ndr64)),
];

/// Every rule of kms-protocol that one response can break by itself.
pub(crate) const RULES: &[&str] = &[
    "message.echo-version",
    "message.echo-cmid",
    "message.echo-time",
    "message.pid-size",
    "message.pid-terminated",
    "message.pid-grammar",
    "message.intervals-range",
    "message.version-agrees",
    "message.size",
    "crypto.v4-mac",
    "crypto.v5-iv-echo",
    "crypto.v5-hash",
    "crypto.v6-iv-fresh",
    "crypto.v6-hash",
    "crypto.v6-iv-proof",
    "crypto.v6-hmac",
    "crypto.padding",
];

/// A connection whose context 0 has this transfer syntax; a host without NDR64 is skipped.
pub(crate) async fn bound_in(peer: &Peer, syntax: TransferSyntax) -> Result<Link, Stop> {
    if syntax == TransferSyntax::Ndr32 {
        return peer.bound().await;
    }
    let bind = peer
        .bind_without_contexts()
        .offering(0, peer.interface(), &[syntax.id()]);
    let mut link = peer.connect().await?;
    link.send(bind.encoded()).await?;
    let ack = link.bind_ack().await?;
    let accepted = ack
        .body()
        .results
        .get(0)
        .is_some_and(|result| result.is_accepted());
    if !accepted {
        return Err(Stop::Skip("the host does not accept NDR64".to_owned()));
    }
    link.use_context(bind.contexts[0].id, syntax);
    Ok(link)
}

/// One good request over a new connection.
pub(crate) async fn exchange(
    peer: &Peer,
    version: Version,
    syntax: TransferSyntax,
) -> Result<Activation, Stop> {
    bound_in(peer, syntax)
        .await?
        .activate(&peer.request(version))
        .await
}

/// All answers hold the same value.
pub(crate) fn all_equal<T: Debug + PartialEq>(what: &str, values: &[T]) -> Result<(), Stop> {
    let same = values.windows(2).all(|pair| pair[0] == pair[1]);
    Field::derived(what, values).satisfies("the same in every answer", |_| same)
}

/// No two answers hold the same value.
pub(crate) fn all_different<T: Debug + PartialEq>(what: &str, values: &[T]) -> Result<(), Stop> {
    let repeated = values
        .iter()
        .enumerate()
        .find(|(nth, value)| values[..*nth].contains(value));
    match repeated {
        None => Ok(()),
        Some((nth, value)) => {
            let got = format!("{value:02x?} in answer {} and before", nth + 1);
            Err(Stop::fail(what, "another in every answer", got))
        }
    }
}

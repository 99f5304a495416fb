//! The call, and the message in it.

use kmspec_runner::listener::Ack;
use kmspec_runner::{Link, Listener, Stop, case};
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;

use crate::kms::{EXCHANGES, VERSIONS};

case! {
    /// The request is well-formed, in each version and transfer syntax.
    REQUEST_WELL_FORMED { id: "rpc.client.request-well-formed" }
    for (version, syntax) in EXCHANGES;
    async as_host(listener) {
        asks(&mut listener, version, syntax).await?.obeys("rpc.client.request-well-formed")
    }
}

case! {
    /// Calls that are not answered yet have ids of their own.
    CALL_ID_DISTINCT { id: "rpc.client.call-id-distinct" }
    async as_host(listener) {
        let mut link = listener.bound().await?;
        let query = link.asked().await?;
        link.obeys("rpc.client.call-id-distinct")?;
        link.send(link.good(&query).encoded()).await?;
        listener.accepts(link).await
    }
}

case! {
    /// In NDR32 the request is size, count and data.
    NDR32_LAYOUT { id: "rpc.ndr.request-layout/client" }
    for version in VERSIONS;
    async as_host(listener) {
        asks(&mut listener, version, TransferSyntax::Ndr32).await?.obeys("rpc.ndr.request-layout")
    }
}

case! {
    /// In NDR64 the request is size, padding, count and data.
    NDR64_LAYOUT { id: "rpc.ndr64.request-layout/client" }
    for version in VERSIONS;
    async as_host(listener) {
        asks(&mut listener, version, TransferSyntax::Ndr64).await?.obeys("rpc.ndr64.request-layout")
    }
}

case! {
    /// The padding of the request's stub is zero.
    PADDING_ZERO { id: "rpc.stub.padding-zero/client" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = Ack::choosing(&bind, link.port(), Some(TransferSyntax::Ndr64));
        link.accept(&ack).await?;
        link.called().await?;
        link.obeys("rpc.stub.padding-zero")
    }
}

/// A case for a rule on the message, in these versions.
macro_rules! message_cases {
    ($($(#[doc = $doc:literal])+ $name:ident $id:literal in $versions:expr;)+) => {$(
        case! {
            $(#[doc = $doc])+
            $name { id: $id }
            for version in $versions;
            async as_host(listener) {
                asks_in(&mut listener, version).await?.obeys(requirement($id))
            }
        }
    )+};
}

message_cases! {
    /// The request has the size of its version.
    MESSAGE_SIZE "message.size/client" in VERSIONS;
    /// The versions outside and inside the envelope agree.
    VERSION_AGREES "message.version-agrees/client" in ENCRYPTED;
    /// The workstation name is terminated and zero-filled.
    WORKSTATION "message.workstation-terminated" in VERSIONS;
    /// The licence status is one that there is.
    LICENSE_STATUS "message.license-status-range" in VERSIONS;
    /// The flag of a virtual machine is 0 or 1.
    VM_FLAG "message.vm-flag-range" in VERSIONS;
    /// The client machine id is a random GUID.
    CMID_RANDOM "message.cmid-v4" in VERSIONS;
    /// N policy is at most 1000.
    N_POLICY "policy.n-policy-sane/client" in VERSIONS;
    /// The MAC of a v4 request is right.
    V4_MAC "crypto.v4-mac/client" in [("v4", Version::V4)];
    /// The padding of an encrypted request is 04 04 04 04.
    PKCS7 "crypto.padding/client" in ENCRYPTED;
}

const ENCRYPTED: [(&str, Version); 2] = [("v5", Version::V5), ("v6", Version::V6)];

/// The requirement of a case.
fn requirement(id: &'static str) -> &'static str {
    id.split_once('/')
        .map_or(id, |(requirement, _)| requirement)
}

/// A connection on which the client has asked in this version and transfer syntax.
async fn asks(
    listener: &mut Listener,
    version: Version,
    syntax: TransferSyntax,
) -> Result<Link, Stop> {
    listener.protocol(version);
    let mut link = listener.link().await?;
    let bind = link.bind().await?;
    let ack = Ack::choosing(&bind, link.port(), Some(syntax));
    link.accept(&ack).await?;
    spoke(link, version).await
}

/// A connection on which the client has asked in this version.
async fn asks_in(listener: &mut Listener, version: Version) -> Result<Link, Stop> {
    listener.protocol(version);
    let link = listener.bound().await?;
    spoke(link, version).await
}

async fn spoke(mut link: Link, version: Version) -> Result<Link, Stop> {
    let called = link.called().await?;
    if link.keys_fit() {
        link.opened(called)?.speaks(version)?;
    }
    Ok(link)
}

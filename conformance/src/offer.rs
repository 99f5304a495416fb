//! What the suites about binds share: results, refusals, offers that others build on.

use kmspec_runner::check::{
    AlterContextRespPdu, Answer, BindAckPdu, Field, Seen, SeenAck, closed, fault,
};
use kmspec_runner::peer::Arrival;
use kmspec_runner::{Link, Peer, Stop};
use kmspec_wire::btfn::Features;
use kmspec_wire::kms::Version;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindBuilder, ContextResult, FaultStatus, PfcFlags, Reason, RequestBuilder, SyntaxId,
};

/// Accepted with NDR32.
pub(crate) const ACCEPTED: ContextResult = ContextResult::accepted(SyntaxId::NDR32);
/// Accepted with NDR64.
pub(crate) const ACCEPTED_64: ContextResult = ContextResult::accepted(SyntaxId::NDR64);
/// (2,1): the abstract syntax is not supported.
pub(crate) const NO_INTERFACE: ContextResult =
    ContextResult::rejected(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED);
/// (2,2): the transfer syntaxes are not supported.
pub(crate) const NO_SYNTAX: ContextResult =
    ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED);
/// NDR32 alone, what most contexts offer.
pub(crate) const NDR32: &[SyntaxId] = &[SyntaxId::NDR32];
/// What bind and `alter_context` grant when multiplexing is asked for, too.
pub(crate) const WHOLE_MPX: PfcFlags = PfcFlags(0x13);
/// The same with header signing.
pub(crate) const WHOLE_MPX_SIGN: PfcFlags = PfcFlags(0x17);
/// One fragment, with header signing.
pub(crate) const WHOLE_SIGN: PfcFlags = PfcFlags(0x07);

/// `nca_s_proto_error` on no context, nothing executed, and the end of the connection.
pub(crate) fn protocol_error() -> Answer {
    fault([FaultStatus::PROTO_ERROR])
        .flags(0x23)
        .context(0)
        .closes()
}

/// `nca_s_proto_error` in any shape, and the end of the connection.
pub(crate) fn any_protocol_error() -> Answer {
    fault([FaultStatus::PROTO_ERROR]).closes()
}

/// `nca_s_unk_if` as Windows sends it for a context that cannot carry calls.
pub(crate) fn unknown_context() -> Answer {
    fault([FaultStatus::UNK_IF]).flags(0x23).context(0)
}

/// Sends a bind over a new connection, which must be acknowledged.
pub(crate) async fn offered(
    peer: &Peer,
    bind: &BindBuilder,
) -> Result<(Link, Seen<BindAckPdu>), Stop> {
    let mut link = peer.connect().await?;
    link.send(bind.encoded()).await?;
    let ack = link.bind_ack().await?;
    Ok((link, ack))
}

/// `STD_CALL` on this context with a stub in this transfer syntax.
///
/// # Errors
/// A skip where the target's call cannot be put into NDR64.
pub(crate) fn call_in(
    peer: &Peer,
    syntax: TransferSyntax,
    context: u16,
) -> Result<RequestBuilder, Stop> {
    let call = peer.call().context(context);
    if syntax == TransferSyntax::Ndr32 || call.stub.is_empty() {
        return Ok(call);
    }
    if !peer.endpoint().call.is_kms() {
        return Err(Stop::Skip(
            "the stub given is NDR32, and the target takes NDR64".to_owned(),
        ));
    }
    let message = peer.seal(&peer.request(Version::V6)).message;
    let stub = RequestStub::new(&message).to_bytes(syntax);
    Ok(RequestBuilder { stub, ..call })
}

/// A request whose stub is filled up with zeros to this `frag_length`.
pub(crate) fn filled(mut request: RequestBuilder, frag_length: u16) -> RequestBuilder {
    let overhead = kmspec_wire::pdu::Request::OVERHEAD;
    request.stub.resize(usize::from(frag_length) - overhead, 0);
    request
}

/// An interface that is the target's but for its version.
pub(crate) fn interface_version(peer: &Peer, add_major: u16, add_minor: u16) -> SyntaxId {
    let SyntaxId { major, minor, .. } = peer.interface();
    peer.interface()
        .version(major.wrapping_add(add_major), minor.wrapping_add(add_minor))
}

/// Skips unless the target takes `alter_context` at all: one that has a single context may refuse it.
pub(crate) async fn needs_alter(peer: &Peer) -> Result<(), Stop> {
    let mut link = peer.bound().await?;
    link.send(peer.alter().offering(1, peer.interface(), NDR32).encoded())
        .await?;
    match link.expect_or::<AlterContextRespPdu>(&[closed()]).await? {
        Some(resp) if resp.results().iter().all(ContextResult::is_accepted) => Ok(()),
        _ => Err(Stop::Skip(
            "the target has one context to a connection".to_owned(),
        )),
    }
}

/// Skips unless the target knows bind-time feature negotiation.
pub(crate) async fn needs_features(peer: &Peer) -> Result<(), Stop> {
    let bind = peer
        .bind()
        .offering(1, peer.interface(), &[Features::ALL.syntax()]);
    let (_, ack) = offered(peer, &bind).await?;
    match ack.results().get(1) {
        Some(result) if *result == NO_SYNTAX => Err(Stop::Skip(
            "the target does not negotiate features".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// Whether the target accepts NDR64.
pub(crate) async fn takes_ndr64(peer: &Peer) -> Result<bool, Stop> {
    let bind = peer
        .bind_without_contexts()
        .offering(0, peer.interface(), &[SyntaxId::NDR64]);
    let (_, ack) = offered(peer, &bind).await?;
    Ok(ack
        .results()
        .first()
        .is_some_and(ContextResult::is_accepted))
}

/// Nothing follows on a connection that stays open: neither a PDU nor octets of one.
pub(crate) async fn nothing_follows(link: &mut Link) -> Result<(), Stop> {
    link.silent().await?;
    Field::derived("stray octets", link.unfinished().len()).is(0)
}

/// The next PDU's octets; `None` if the connection ends instead, which is noted.
pub(crate) async fn reply(link: &mut Link) -> Result<Option<Vec<u8>>, Stop> {
    let limit = link.peer().endpoint().timing.answer;
    match link.arrival_within(limit).await? {
        Arrival::Pdu(octets) => Ok(Some(octets)),
        Arrival::Ended(ending) => {
            link.peer()
                .record()
                .note(format!("tolerated: the connection {ending}"));
            Ok(None)
        }
        Arrival::Nothing => Err(Stop::fail(
            "answer",
            "a PDU or the end of the connection",
            "silence",
        )),
    }
}

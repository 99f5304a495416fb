//! NDR64 beside NDR32, or alone.

use kmspec_runner::check::SeenAck;
use kmspec_runner::{Link, Peer, Stop, case};
use kmspec_wire::btfn::Features;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{BindBuilder, ContextResult, PfcFlags, SyntaxId};

use crate::offer::{ACCEPTED, ACCEPTED_64, NDR32, NO_SYNTAX, WHOLE_MPX, call_in, offered};

const NDR64: &[SyntaxId] = &[SyntaxId::NDR64];
const FEATURES: ContextResult = ContextResult::negotiated(3);

case! {
    /// Of NDR32 and NDR64 in separate contexts one is accepted and usable; where both are, both are usable.
    ONE_OF_TWO { id: "rpc.bind.ndr64-one-of-two" }
    for (syntaxes, lawful) in [
        ("ndr32-first", ([NDR32, NDR64], [[ACCEPTED, NO_SYNTAX], [NO_SYNTAX, ACCEPTED_64], [ACCEPTED, ACCEPTED_64]])),
        ("ndr64-first", ([NDR64, NDR32], [[NO_SYNTAX, ACCEPTED], [ACCEPTED_64, NO_SYNTAX], [ACCEPTED_64, ACCEPTED]])),
    ];
    async fn(peer) {
        let bind = peer.bind_without_contexts()
            .offering(0, peer.interface(), syntaxes[0])
            .offering(1, peer.interface(), syntaxes[1]);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.results_among(&lawful.each_ref().map(|results| &results[..]))?;
        accepted_are_usable(&peer, &mut link, &ack.results()).await
    }
}

case! {
    /// Connections that agreed on NDR64 and on NDR32 at once keep to what each agreed on.
    SIDE_BY_SIDE { id: "rpc.bind.ndr64-one-of-two/side-by-side" }
    async fn(peer) {
        let (mut wide, ack) = offered(&peer, &alone(&peer, NDR64)).await?;
        let (mut narrow, _) = offered(&peer, &peer.bind()).await?;
        let wide_results = ack.results();
        for _ in 0..2 {
            accepted_are_usable(&peer, &mut wide, &wide_results).await?;
            narrow.call(&peer.call()).await?;
        }
        Ok(())
    }
}

case! {
    /// NDR64 as the only transfer syntax is accepted and usable, or rejected for the syntax.
    ONLY { id: "rpc.bind.ndr64-only" }
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &alone(&peer, NDR64)).await?;
        ack.results_among(&[&[ACCEPTED_64], &[NO_SYNTAX]])?;
        accepted_are_usable(&peer, &mut link, &ack.results()).await
    }
}

case! {
    /// Of NDR64 and NDR32 in one context one is chosen, and calls go in the one that was named.
    IN_ONE_ELEMENT { id: "rpc.bind.ndr64-in-one-element" }
    for syntaxes in [
        ("ndr64-first", [SyntaxId::NDR64, SyntaxId::NDR32]),
        ("ndr32-first", [SyntaxId::NDR32, SyntaxId::NDR64]),
    ];
    async fn(peer) {
        let (mut link, ack) = offered(&peer, &alone(&peer, &syntaxes)).await?;
        ack.results_among(&[&[ACCEPTED], &[ACCEPTED_64]])?;
        accepted_are_usable(&peer, &mut link, &ack.results()).await
    }
}

case! {
    /// The three-context bind of a current Windows client is answered in full, and a call goes on what was accepted.
    WINDOWS_CLIENT_SHAPE { id: "rpc.bind.windows-client-shape" }
    async fn(peer) {
        let bind = alone(&peer, NDR32)
            .offering(1, peer.interface(), NDR64)
            .offering(2, peer.interface(), &[Features::ALL.syntax()])
            .flags(WHOLE_MPX)
            .call_id(2);
        let (mut link, ack) = offered(&peer, &bind).await?;
        ack.flags_one_of([WHOLE_MPX, PfcFlags::WHOLE])?;
        ack.call_id_is(2)?;
        ack.results_among(&[
            &[NO_SYNTAX, ACCEPTED_64, FEATURES],
            &[ACCEPTED, NO_SYNTAX, FEATURES],
            &[NO_SYNTAX, ACCEPTED_64, NO_SYNTAX],
            &[ACCEPTED, NO_SYNTAX, NO_SYNTAX],
        ])?;
        accepted_are_usable(&peer, &mut link, &ack.results()).await
    }
}

fn alone(peer: &Peer, syntaxes: &[SyntaxId]) -> BindBuilder {
    peer.bind_without_contexts()
        .offering(0, peer.interface(), syntaxes)
}

/// A call on each accepted context, in the transfer syntax its result names; context ids count from 0.
async fn accepted_are_usable(
    peer: &Peer,
    link: &mut Link,
    results: &[ContextResult],
) -> Result<(), Stop> {
    for (context, result) in (0..)
        .zip(results)
        .filter(|(_, result)| result.is_accepted())
    {
        let Some(syntax) = TransferSyntax::from_id(result.transfer_syntax) else {
            continue;
        };
        let call_id = link.next_call_id();
        link.call(&call_in(peer, syntax, context)?.call_id(call_id))
            .await?;
    }
    Ok(())
}

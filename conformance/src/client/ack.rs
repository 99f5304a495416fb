//! Answers to the bind that accept it, more or less.

use kmspec_runner::check::Field;
use kmspec_runner::listener::Ack;
use kmspec_runner::peer::Arrival;
use kmspec_runner::{Link, Listener, Stop, case};
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{CallId, ContextResult, PduType, SyntaxId};

case! {
    /// The call goes to the one context that was accepted, in its transfer syntax.
    USES_ACCEPTED_CONTEXT { id: "rpc.client.uses-accepted-context" }
    for syntax in [("ndr32", TransferSyntax::Ndr32), ("ndr64", TransferSyntax::Ndr64)];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = Ack::choosing(&bind, link.port(), Some(syntax));
        link.accept(&ack).await?;
        let called = link.called().await?;
        let (context_id, _) = link.context();
        called.first.field("p_cont_id", called.first.body().context_id).is(context_id)?;
        let query = link.opened(called)?;
        link.send(link.good(&query).encoded()).await?;
        listener.accepts(link).await
    }
}

case! {
    /// No fragment of the call is larger than the host takes.
    RESPECTS_MAX_RECV { id: "rpc.client.request-respects-max-recv" }
    for size in [("1432", 1432), ("2048", 2048)];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = link.ack(&bind).fragments(size);
        link.accept(&ack).await?;
        let called = link.called().await?;
        let largest = called.sizes.iter().max().copied().unwrap_or_default();
        called.first.field("frag_length", largest).within(..=usize::from(size))
    }
}

case! {
    /// A host that takes less than anybody may does not make the client hang or send empty fragments.
    ILLEGAL_MAX_RECV { id: "rpc.client.request-respects-max-recv/illegal" }
    for size in [("128", 128), ("0", 0)];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = link.ack(&bind).fragments(size);
        link.accept(&ack).await?;
        calls_or_gives_up(&mut listener, link).await
    }
}

case! {
    /// Whatever stands in the secondary address, the results behind it are found.
    SECONDARY_ADDRESS { id: "rpc.client.secondary-address-any" }
    for len in [
        ("0", 0), ("1", 1), ("2", 2), ("3", 3), ("4", 4), ("5", 5), ("6", 6), ("64", 64), ("1000", 1000),
    ];
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let mut ack = link.ack(&bind);
        ack.secondary_address = vec![b'9'; len];
        if let Some(last) = ack.secondary_address.last_mut() {
            *last = 0;
        }
        ack.padding = link.peer().random_octets(2usize.wrapping_sub(len) & 3);
        link.accept(&ack).await?;
        link.called().await.map(drop)
    }
}

case! {
    /// A bind_ack that does not fit the bind is no permission to call.
    INCONSISTENT { id: "rpc.client.ack-inconsistent" }
    for bend in INCONSISTENT_ACKS;
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let octets = bend(link.ack(&bind));
        link.send(octets).await?;
        listener.gives_up_or(link, Some(PduType::ALTER_CONTEXT)).await
    }
}

type Bend = fn(Ack) -> Vec<u8>;

const INCONSISTENT_ACKS: [(&str, Bend); 6] = [
    ("no-results", |mut ack| {
        ack.results.clear();
        ack.encoded().bytes
    }),
    ("200-announced", |ack| {
        let mut encoded = ack.encoded();
        encoded.overwrite("n_results", &[200]);
        encoded.bytes
    }),
    ("syntax-not-offered", |ack| {
        ack.all(ContextResult::accepted(SyntaxId::NIL))
            .encoded()
            .bytes
    }),
    ("syntax-version-not-offered", |ack| {
        let mut results = ack.results.clone();
        for result in &mut results {
            result.transfer_syntax.major = result.transfer_syntax.major.wrapping_add(6);
        }
        Ack { results, ..ack }.encoded().bytes
    }),
    ("cut-inside-results", |ack| {
        let mut encoded = ack.encoded();
        let half = encoded
            .span("n_results", 0)
            .map_or(30, |range| range.end + 6);
        encoded.cut(half);
        encoded.bytes
    }),
    ("wrong-call-id", |mut ack| {
        ack.header.call_id = CallId(ack.header.call_id.0.wrapping_add(1));
        ack.encoded().bytes
    }),
];

case! {
    /// Results beyond what was offered are ignored, or refused.
    MORE_RESULTS { id: "rpc.client.ack-inconsistent/more-results" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let mut ack = link.ack(&bind);
        let one = ack.chosen.map_or(SyntaxId::NDR32, |(_, syntax)| syntax.id());
        ack.results.extend([ContextResult::accepted(one); 3]);
        link.accept(&ack).await?;
        calls_or_gives_up(&mut listener, link).await
    }
}

/// Either the client calls as if nothing were odd, and takes the answer, or it gives up.
async fn calls_or_gives_up(listener: &mut Listener, mut link: Link) -> Result<(), Stop> {
    let patience = listener.patience();
    match link.arrival_within(patience).await? {
        Arrival::Nothing => Err(Stop::fail(
            "behind the bind_ack",
            "a call, or the end of the connection",
            format!("neither within {patience:?}"),
        )),
        Arrival::Ended(_) => listener.gives_up(link).await,
        Arrival::Pdu(first) => {
            let query = link.asked_from(first).await?;
            let (context_id, _) = link.context();
            Field::derived("p_cont_id", query.context_id).is(context_id)?;
            link.send(link.good(&query).encoded()).await?;
            listener.accepts(link).await
        }
    }
}

//! Responses whose header is good, odd or wrong.

use kmspec_runner::listener::{Ack, Reply};
use kmspec_runner::{Listener, Stop, case};
use kmspec_wire::kms::{HResult, Version};
use kmspec_wire::ndr::{ResponseStub, Returned, TransferSyntax};
use kmspec_wire::pdu::{CallId, ContextId, PfcFlags};

use super::first_call;
use crate::kms::VERSIONS;

case! {
    /// A good response in NDR32 is taken, whatever referent and padding it has.
    NDR32_RESPONSE { id: "rpc.ndr.response-layout/client" }
    for (version, layout) in layouts();
    async as_host(listener) {
        takes(&mut listener, version, TransferSyntax::Ndr32, layout).await
    }
}

case! {
    /// A good response in NDR64 is taken, whatever referent and padding it has.
    NDR64_RESPONSE { id: "rpc.ndr64.response-layout/client" }
    for (version, layout) in layouts();
    async as_host(listener) {
        takes(&mut listener, version, TransferSyntax::Ndr64, layout).await
    }
}

/// How a good stub is laid out where a host may choose.
#[derive(Clone, Copy, Debug)]
enum Layout {
    /// As Windows does.
    Usual,
    /// A referent of another run-time.
    Referent(u64),
    /// An ePID of another length, and something in the octets that align the return value.
    Padding,
}

fn layouts() -> Vec<(String, (Version, Layout))> {
    let layouts = [
        ("usual", Layout::Usual),
        ("referent-1", Layout::Referent(1)),
        ("referent-high", Layout::Referent(0xffff_fff0)),
        ("padding", Layout::Padding),
    ];
    let rows = VERSIONS.into_iter().flat_map(|(version, number)| {
        layouts.map(|(name, layout)| (format!("{version}-{name}"), (number, layout)))
    });
    rows.collect()
}

/// Two octets shorter than what good answers have otherwise.
const SHORT_EPID: &str = "99999-00206-000-000000-03-1033-9600.0000-0012026\0";

async fn takes(
    listener: &mut Listener,
    version: Version,
    syntax: TransferSyntax,
    layout: Layout,
) -> Result<(), Stop> {
    listener.protocol(version);
    let mut link = listener.link().await?;
    let bind = link.bind().await?;
    let ack = Ack::choosing(&bind, link.port(), Some(syntax));
    link.accept(&ack).await?;
    let query = link.asked().await?;
    query.speaks(version)?;
    let short: Vec<u8> = SHORT_EPID
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let message = match layout {
        Layout::Padding => link.sealed_as(&query, &short, |_| {}),
        Layout::Usual | Layout::Referent(_) => link.sealed(&query, |_| {}),
    };
    let mut stub = ResponseStub::success(&message);
    let padding = vec![0xcc; message.len().wrapping_neg() & 3];
    let returned = stub.returned.map(|returned| match layout {
        Layout::Usual => returned,
        Layout::Referent(referent) => Returned {
            referent,
            ..returned
        },
        Layout::Padding => Returned {
            padding: &padding,
            ..returned
        },
    });
    stub.returned = returned;
    link.send(Reply::to(&query, stub.to_bytes(syntax)).encoded())
        .await?;
    listener.accepts(link).await
}

case! {
    /// A response to another call is no answer.
    WRONG_CALL_ID { id: "rpc.client.wrong-call-id" }
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let reply = link.good(&query).call_id(CallId(query.call_id.0.wrapping_add(1)));
        link.send(reply.encoded()).await?;
        listener.rejects(link).await.map(drop)
    }
}

case! {
    /// A good response to another call does not hide the refusal of this one.
    WRONG_CALL_ID_FIRST { id: "rpc.client.wrong-call-id/then-the-right-one" }
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let foreign = link.good(&query).call_id(CallId(query.call_id.0.wrapping_add(1)));
        let refusal = ResponseStub::failure(HResult::PRODUCT_NOT_COVERED.0).to_bytes(query.syntax);
        link.send(foreign.encoded()).await?;
        link.send(Reply::to(&query, refusal).encoded()).await?;
        listener.rejects(link).await.map(drop)
    }
}

case! {
    /// The hint for the size of a response is a hint.
    ALLOC_HINT { id: "rpc.client.response-alloc-hint" }
    for hint in [
        ("0", Hint::Is(0)),
        ("1", Hint::Is(1)),
        ("4-more", Hint::Beyond(4)),
        ("0x7fffffff", Hint::Is(0x7fff_ffff)),
    ];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let reply = link.good(&query);
        let reply = hinting(reply, hint);
        link.send(reply.encoded()).await?;
        listener.accepts(link).await
    }
}

case! {
    /// A hint beyond all sense is ignored or refused, and allocates nothing.
    HUGE_ALLOC_HINT { id: "rpc.client.response-alloc-hint/huge" }
    for hint in [("0x80000000", Hint::Is(0x8000_0000)), ("0xffffffff", Hint::Is(u32::MAX))];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let reply = hinting(link.good(&query), hint);
        link.send(reply.encoded()).await?;
        listener.accepts_or_rejects(link).await
    }
}

/// What a hint says.
#[derive(Clone, Copy, Debug)]
enum Hint {
    Is(u32),
    Beyond(u32),
}

fn hinting(reply: Reply, hint: Hint) -> Reply {
    let len = u32::try_from(reply.stub.len()).unwrap_or(u32::MAX);
    reply.alloc_hint(match hint {
        Hint::Is(hint) => hint,
        Hint::Beyond(more) => len.saturating_add(more),
    })
}

case! {
    /// Flags and octets that mean nothing in a response change nothing.
    HARMLESS_VARIANTS { id: "rpc.client.response-header-variants" }
    for bend in [
        ("conc-mpx", (|reply| reply.flags(PfcFlags::WHOLE | PfcFlags::CONC_MPX)) as Bend),
        ("reserved-flag", |reply| reply.flags(PfcFlags(0x0b))),
        ("reserved-octet", |reply| Reply { reserved: 0xff, ..reply }),
    ];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        link.send(bend(link.good(&query)).encoded()).await?;
        listener.accepts(link).await
    }
}

case! {
    /// A foreign context or cancel count is ignored, or an error.
    ODD_VARIANTS { id: "rpc.client.response-header-variants/odd" }
    for bend in [
        ("context-0", (|reply| Reply { context_id: ContextId(0), ..reply }) as Bend),
        ("context-high", |reply| Reply { context_id: ContextId(reply.context_id.0 | 0x0100), ..reply }),
        ("cancel-count", |reply| Reply { cancel_count: 1, ..reply }),
        ("did-not-execute", |reply| reply.flags(PfcFlags(0x23))),
    ];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        link.send(bend(link.good(&query)).encoded()).await?;
        listener.accepts_or_rejects(link).await
    }
}

type Bend = fn(Reply) -> Reply;

case! {
    /// Where the frag_length says that the PDU ends, it ends; what it announces is waited for.
    FRAG_LENGTH { id: "rpc.client.response-frag-length" }
    for length in [
        ("10", Length::Is(10)),
        ("16", Length::Is(16)),
        ("23", Length::Is(23)),
        ("60000", Length::Is(60_000)),
        ("data-outside", Length::Less(100)),
        ("return-value-outside", Length::Less(4)),
        ("cut", Length::Cut(100)),
    ];
    async as_host(listener) {
        let (mut link, query) = first_call(&mut listener).await?;
        let mut octets = link.good(&query).encoded();
        let len = octets.bytes.len();
        let short = |by: usize| u16::try_from(len.saturating_sub(by)).unwrap_or(u16::MAX);
        match length {
            Length::Is(length) => octets.overwrite("frag_length", &length.to_le_bytes()),
            Length::Less(by) => octets.overwrite("frag_length", &short(by).to_le_bytes()),
            Length::Cut(by) => {
                octets.cut(len.saturating_sub(by));
                true
            }
        };
        link.send(octets).await?;
        listener.rejects(link).await.map(drop)
    }
}

/// What the length of a fragment says.
#[derive(Clone, Copy, Debug)]
enum Length {
    /// This.
    Is(u16),
    /// So much less than what is sent.
    Less(usize),
    /// What is sent, which is so much less than the stub needs.
    Cut(usize),
}

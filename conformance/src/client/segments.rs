//! Good answers that arrive slowly.

use std::time::Duration;

use kmspec_runner::{Stop, case};

case! {
    /// bind_ack and response octet by octet give the same as in one piece.
    OCTET_BY_OCTET { id: "rpc.stream.octet-by-octet/client" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = link.ack(&bind);
        if let Some((context_id, syntax)) = ack.chosen {
            link.use_context(context_id, syntax);
        }
        link.send_apart(ack.encoded().bytes.chunks(1), PAUSE).await?;
        let query = link.asked().await?;
        link.send_apart(link.good(&query).encoded().bytes.chunks(1), PAUSE).await?;
        listener.accepts(link).await
    }
}

/// Source: `rpc.stream.octet-by-octet`.
const PAUSE: Duration = Duration::from_millis(2);

case! {
    /// The client waits for the body of a PDU whose header it has.
    HEADER_THEN_BODY { id: "rpc.stream.header-then-body/client" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let ack = link.ack(&bind);
        if let Some((context_id, syntax)) = ack.chosen {
            link.use_context(context_id, syntax);
        }
        let quiet = link.peer().endpoint().timing.quiet;
        let octets = ack.encoded().bytes;
        let (header, body) = octets.split_at(16);
        link.send(header).await?;
        if link.stirs_within(quiet).await {
            return Err(Stop::fail("behind a header", "silence", "octets, or the end"));
        }
        link.send(body).await?;
        let query = link.asked().await?;
        let octets = link.good(&query).encoded().bytes;
        let (header, body) = octets.split_at(16);
        link.send_apart([header, body], quiet).await?;
        listener.accepts(link).await
    }
}

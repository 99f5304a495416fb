//! The bind.

use kmspec_runner::case;
use kmspec_runner::peer::Arrival;
use kmspec_runner::verdict::Stop;

case! {
    /// The client opens with a well-formed bind.
    BIND_FIRST { id: "rpc.client.bind-first" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        link.bind().await?;
        link.obeys("rpc.client.bind-first")
    }
}

case! {
    /// The bind offers KMS 1.0 in NDR32 or NDR64, under ids of their own.
    BIND_CONTEXTS { id: "rpc.client.bind-contexts" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        link.bind().await?;
        link.obeys("rpc.client.bind-contexts")
    }
}

case! {
    /// What asks for features is one element, well-formed.
    BIND_BTFN { id: "rpc.client.bind-btfn" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        link.bind().await?;
        link.obeys("rpc.client.bind-btfn")
    }
}

case! {
    /// The bind offers legal fragment sizes, and asks for a new association group.
    BIND_SIZES { id: "rpc.client.bind-sizes" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        bind.field("assoc_group_id", bind.body().assoc_group_id).is(0)?;
        link.obeys("rpc.client.bind-sizes")
    }
}

case! {
    /// Bind and request end where their frag_length says, and nothing stands behind them.
    FRAG_LENGTH_EXACT { id: "rpc.header.frag-length-exact/client" }
    async as_host(listener) {
        let mut link = listener.bound().await?;
        link.called().await?;
        let quiet = link.peer().endpoint().timing.quiet;
        if link.stirs_within(quiet).await {
            return Err(Stop::fail("behind the request", "silence", "more octets, or the end"));
        }
        link.obeys("rpc.header.frag-length-exact")
    }
}

case! {
    /// Bind and request announce no verifier.
    AUTH_LENGTH_ZERO { id: "rpc.header.auth-length-zero-without-auth/client" }
    async as_host(listener) {
        let mut link = listener.bound().await?;
        let called = link.called().await?;
        let auth_length = called.first.octets().get(10..12).map(<[u8]>::to_vec);
        called.first.field("auth_length", auth_length).is(Some(vec![0, 0]))
    }
}

case! {
    /// Nothing follows the bind until it is answered.
    WAITS_FOR_ACK { id: "rpc.client.waits-for-ack" }
    async as_host(listener) {
        let mut link = listener.link().await?;
        let bind = link.bind().await?;
        let idle = link.peer().endpoint().timing.idle;
        match link.arrival_within(idle).await? {
            Arrival::Nothing => {}
            Arrival::Ended(_) => {
                let reason = format!("needs a client that waits for a bind_ack for {idle:?}");
                return Err(Stop::Skip(reason));
            }
            Arrival::Pdu(octets) => {
                let silence = format!("silence for {idle:?}");
                return Err(Stop::fail("behind the bind", silence, format!("{} octets", octets.len())));
            }
        }
        let ack = link.ack(&bind);
        link.accept(&ack).await?;
        link.called().await.map(drop)
    }
}

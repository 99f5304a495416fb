//! Hosts that go away, or say nothing.

use std::time::{Duration, Instant};

use kmspec_runner::check::Field;
use kmspec_runner::listener::reports;
use kmspec_runner::{Link, Listener, Stop, case};
use kmspec_wire::kms::HResult;

use super::first_call;

case! {
    /// A host that goes away is reported within a second.
    PEER_CLOSES { id: "rpc.client.peer-closes" }
    for (moment, way) in MOMENTS;
    async as_host(listener) {
        let mut link = until(&mut listener, moment).await?;
        let began = Instant::now();
        match way {
            Way::Close => drop(link),
            Way::Reset => link.reset()?,
            Way::HalfClose => {
                link.half_close().await?;
                return listener.gives_up(link).await;
            }
        }
        listener.fails().await?;
        let took = began.elapsed();
        Field::derived("time to the error", took).satisfies("at most 1 s", |took| *took <= PROMPT)
    }
}

/// Source: `rpc.client.peer-closes`.
const PROMPT: Duration = Duration::from_secs(1);

/// How far a conversation has come.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Accepted,
    Bind,
    HalfAck,
    Request,
    HalfResponse,
}

/// How the host goes away.
#[derive(Clone, Copy, Debug)]
enum Way {
    Close,
    Reset,
    HalfClose,
}

const MOMENTS: [(&str, (Moment, Way)); 13] = [
    ("close-after-accept", (Moment::Accepted, Way::Close)),
    ("close-after-bind", (Moment::Bind, Way::Close)),
    ("close-after-half-ack", (Moment::HalfAck, Way::Close)),
    ("close-after-request", (Moment::Request, Way::Close)),
    (
        "close-after-half-response",
        (Moment::HalfResponse, Way::Close),
    ),
    ("reset-after-accept", (Moment::Accepted, Way::Reset)),
    ("reset-after-bind", (Moment::Bind, Way::Reset)),
    ("reset-after-half-ack", (Moment::HalfAck, Way::Reset)),
    ("reset-after-request", (Moment::Request, Way::Reset)),
    (
        "reset-after-half-response",
        (Moment::HalfResponse, Way::Reset),
    ),
    ("half-close-after-bind", (Moment::Bind, Way::HalfClose)),
    (
        "half-close-after-request",
        (Moment::Request, Way::HalfClose),
    ),
    (
        "half-close-after-half-response",
        (Moment::HalfResponse, Way::HalfClose),
    ),
];

/// A connection on which the conversation has come so far.
async fn until(listener: &mut Listener, moment: Moment) -> Result<Link, Stop> {
    let mut link = listener.link().await?;
    if matches!(moment, Moment::Accepted) {
        return Ok(link);
    }
    let bind = link.bind().await?;
    let ack = link.ack(&bind);
    match moment {
        Moment::Accepted | Moment::Bind => {}
        Moment::HalfAck => {
            let whole = ack.encoded().bytes;
            link.send(&whole[..whole.len() / 2]).await?;
        }
        Moment::Request | Moment::HalfResponse => {
            link.accept(&ack).await?;
            let query = link.asked().await?;
            if matches!(moment, Moment::HalfResponse) {
                let whole = link.good(&query).encoded().bytes;
                link.send(&whole[..whole.len() / 2]).await?;
            }
        }
    }
    Ok(link)
}

case! {
    /// A host that says nothing is given up.
    PEER_SILENT { id: "rpc.client.peer-silent" }
    for moment in [("bind", Moment::Bind), ("request", Moment::Request), ("half-response", Moment::HalfResponse)];
    async as_host(listener) {
        let link = until(&mut listener, moment).await?;
        listener.gives_up(link).await
    }
}

case! {
    /// That no host answers is reported with its result code.
    NO_HOST { id: "client.no-host-reported" }
    for how in [("refused", Absence::Refused), ("closed", Absence::Closed), ("silent", Absence::Silent)];
    async as_host(listener) {
        let end = match how {
            Absence::Refused => {
                listener.shut()?;
                listener.fails().await?
            }
            Absence::Closed => {
                let (link, _) = first_call(&mut listener).await?;
                drop(link);
                listener.fails().await?
            }
            Absence::Silent => {
                let link = listener.link().await?;
                listener.rejects(link).await?
            }
        };
        reports(&end, HResult::NO_HOST_CONTACTED)
    }
}

/// How there comes to be no host.
#[derive(Clone, Copy, Debug)]
enum Absence {
    Refused,
    Closed,
    Silent,
}

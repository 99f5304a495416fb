//! A scripted target on a real socket: honest through `kmspec-wire`, or wrong in one chosen way.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use kmspec_runner::target::{Instance, Launch, LaunchError, Pending, Target};
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::Framer;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::ResponseBody;
use kmspec_wire::kms::envelope::{Salts, open_request, seal_response};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindAck, BindNak, Body, CallId, ContextId, ContextResult, Fault, FaultStatus, Header,
    NakReason, Pdu, PduType, Reason, Response, ResultList, SyntaxId,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinSet;

/// A request with this operation ends the target.
pub(crate) const DEADLY: u16 = 66;
/// A request with this operation is never answered.
pub(crate) const IGNORED: u16 = 77;

/// What a fake target is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It answers well.
    Honest,
    /// It ends every connection by RST as soon as something arrives.
    Resets,
    /// It takes everything and says nothing.
    Silent,
    /// It speaks another protocol.
    Http,
    /// It answers binds with `bind_nak`.
    Naks,
    /// It has another interface.
    Elsewhere,
    /// Its responses have another call id.
    WrongCallId,
    /// Every second call is answered with a fault.
    Moody,
}

/// Starts fake targets.
#[derive(Debug)]
pub(crate) struct Fakes {
    pub(crate) mood: Mood,
    pub(crate) several: bool,
    pub(crate) started: AtomicUsize,
}

impl Fakes {
    pub(crate) fn new(mood: Mood) -> Arc<Self> {
        Arc::new(Self {
            mood,
            several: true,
            started: AtomicUsize::new(0),
        })
    }

    pub(crate) fn target(self: &Arc<Self>) -> Target {
        Target::launched("fake", self.clone(), Arc::new(KeySet::lab()))
    }
}

impl Launch for Fakes {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        Box::pin(async {
            self.started.fetch_add(1, Ordering::SeqCst);
            let fake: Box<dyn Instance> = Box::new(Fake::start(self.mood).await);
            Ok(fake)
        })
    }

    fn several(&self) -> bool {
        self.several
    }
}

/// A running fake target.
#[derive(Debug)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    tasks: JoinSet<()>,
}

impl Fake {
    pub(crate) async fn start(mood: Mood) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, mood));
        Self { address, tasks }
    }

    pub(crate) fn target(&self) -> Target {
        let mut target = Target::at(self.address, Arc::new(KeySet::lab()));
        "fake".clone_into(&mut target.name);
        target
    }
}

impl Instance for Fake {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn log(&self) -> String {
        "a line of its log\n".to_owned()
    }

    fn stop(mut self: Box<Self>) -> Pending<'static, String> {
        Box::pin(async move {
            self.tasks.shutdown().await;
            self.log()
        })
    }
}

/// Serves at a port until it is killed, by a request or from outside.
pub(crate) async fn serve_at(port: u16) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .await
        .unwrap();
    serve(listener, Mood::Honest).await;
}

async fn serve(listener: TcpListener, mood: Mood) {
    let death = Arc::new(Notify::new());
    let calls = Arc::new(AtomicUsize::new(0));
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = death.notified() => return,
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { return };
                connections.spawn(converse(stream, mood, death.clone(), calls.clone()));
            }
        }
    }
}

async fn converse(mut stream: TcpStream, mood: Mood, death: Arc<Notify>, calls: Arc<AtomicUsize>) {
    let mut framer = Framer::new();
    let mut buffer = [0; 4096];
    while let Ok(len @ 1..) = stream.read(&mut buffer).await {
        match mood {
            Mood::Silent => continue,
            Mood::Resets => {
                stream.set_zero_linger().unwrap();
                return;
            }
            Mood::Http => {
                let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
                return;
            }
            _ => framer.push(&buffer[..len]),
        }
        while let Ok(Some(pdu)) = framer.next_pdu() {
            let Ok(pdu) = Pdu::decode(pdu) else { return };
            if let Body::Request(request) = pdu.body
                && request.opnum == DEADLY
            {
                death.notify_one();
                return std::future::pending().await;
            }
            let Some(answer) = answer(&pdu, mood, &calls) else {
                continue;
            };
            if stream.write_all(&answer).await.is_err() {
                return;
            }
        }
    }
}

fn answer(pdu: &Pdu<'_>, mood: Mood, calls: &AtomicUsize) -> Option<Vec<u8>> {
    let mut header = Header::new(PduType::BIND_ACK, pdu.header.call_id);
    match pdu.body {
        Body::Bind(_) if mood == Mood::Naks => {
            header.ptype = PduType::BIND_NAK;
            let nak = BindNak::new(NakReason::LOCAL_LIMIT_EXCEEDED);
            Some(encode(header, Body::BindNak(nak)))
        }
        Body::Bind(bind) => {
            let result = if mood == Mood::Elsewhere {
                ContextResult::rejected(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED)
            } else {
                ContextResult::accepted(SyntaxId::NDR32)
            };
            Some(encode(
                header,
                Body::BindAck(BindAck {
                    max_xmit_frag: bind.max_recv_frag,
                    max_recv_frag: bind.max_xmit_frag,
                    assoc_group_id: 7,
                    secondary_address: b"1688\0",
                    padding: &[0],
                    results: ResultList::new(&[result]),
                    trailing: &[],
                }),
            ))
        }
        Body::Request(request) if request.opnum == IGNORED => None,
        Body::Request(_)
            if mood == Mood::Moody && calls.fetch_add(1, Ordering::SeqCst) % 2 == 1 =>
        {
            header.ptype = PduType::FAULT;
            let fault = Fault::new(FaultStatus::UNSPEC_REJECT, ContextId(0));
            Some(encode(header, Body::Fault(fault)))
        }
        Body::Request(request) => {
            header.ptype = PduType::RESPONSE;
            if mood == Mood::WrongCallId {
                header.call_id = CallId(header.call_id.0 + 1);
            }
            let stub = stub(request.stub);
            Some(encode(
                header,
                Body::Response(Response {
                    alloc_hint: u32::try_from(stub.len()).unwrap(),
                    context_id: request.context_id,
                    cancel_count: 0,
                    reserved: 0,
                    stub: &stub,
                }),
            ))
        }
        _ => None,
    }
}

/// The answer to a stub. Its random octets follow from the request, so that two runs with a seed see the same.
fn stub(request: &[u8]) -> Vec<u8> {
    let keys = KeySet::lab();
    let failure = || ResponseStub::failure(0x8007_000d).to_bytes(TransferSyntax::Ndr32);
    let Ok(stub) = RequestStub::decode(TransferSyntax::Ndr32, ByteOrder::Little, request) else {
        return failure();
    };
    let Ok(opened) = open_request(&keys, stub.request) else {
        return failure();
    };
    let epid: Vec<u8> = "99999-00140-008-805425-03-1033-5384.0000-1752006\0"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let body = ResponseBody::to_request(&opened.body, &epid, 50);
    let cmid = opened.body.cmid.to_le_bytes();
    let salts = Salts {
        random: cmid,
        iv: cmid,
    };
    let mut message = Vec::new();
    seal_response(&keys, &opened, &body, [7; 8], &salts, &mut message);
    ResponseStub::success(&message).to_bytes(TransferSyntax::Ndr32)
}

fn encode(header: Header, body: Body<'_>) -> Vec<u8> {
    let mut octets = Vec::new();
    Pdu {
        header,
        body,
        auth: None,
    }
    .encode(&mut octets);
    octets
}

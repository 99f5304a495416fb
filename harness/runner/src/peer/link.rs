use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use kmspec_rules::{Direction as Sender, Judge, Role};
use kmspec_wire::fragment::{Assembler, Framer, Limits, Part};
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{Body, ContextId, FaultStatus, Pdu, PfcFlags, RequestBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::{Direction, Event, Peer};
use crate::check::{
    AlterContextRespPdu, Answer, BindAckPdu, BindNakPdu, FaultPdu, Got, Kind, ResponsePdu, Seen,
};
use crate::verdict::{Failure, Stop};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// By FIN.
    Closed,
    /// By RST.
    Reset,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Reset => "was reset",
        })
    }
}

/// One connection to the target.
#[derive(Debug)]
pub struct Link {
    stream: TcpStream,
    peer: Peer,
    number: usize,
    framer: Framer,
    ended: Option<Ending>,
    /// When octets last arrived, or the connection began.
    heard: Instant,
    context: (ContextId, TransferSyntax),
    last_call_id: u32,
    judge: Judge,
    /// Whom the judge judges: what the target is.
    target: Role,
    keys_fit: bool,
}

/// What arrived, or did not, by a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// A PDU.
    Pdu(Vec<u8>),
    /// The end of the connection; octets of an unfinished PDU stay in [`Link::unfinished`].
    Ended(Ending),
    /// Nothing.
    Nothing,
}

impl Link {
    /// A connection to a host.
    pub(super) fn new(stream: TcpStream, peer: Peer) -> Result<Self, Stop> {
        let from = stream.local_addr().map_err(broken)?;
        let to = peer.endpoint.address;
        Self::between(stream, peer, Role::Host, (from, to), true)
    }

    /// A connection that a client has opened to us. Its messages are left alone where the keys are known not to be its.
    pub(crate) fn accepted(
        stream: TcpStream,
        client: SocketAddr,
        peer: Peer,
        keys_fit: bool,
    ) -> Result<Self, Stop> {
        let to = stream.local_addr().unwrap_or(peer.endpoint.address);
        Self::between(stream, peer, Role::Client, (client, to), keys_fit)
    }

    fn between(
        stream: TcpStream,
        peer: Peer,
        target: Role,
        (from, to): (SocketAddr, SocketAddr),
        keys_fit: bool,
    ) -> Result<Self, Stop> {
        stream.set_nodelay(true).map_err(broken)?;
        let number = peer.record.connection();
        peer.record.push(Event::Opened {
            connection: number,
            at: peer.record.elapsed(),
            by: match target {
                Role::Host => Direction::ToTarget,
                Role::Client => Direction::FromTarget,
            },
            from,
            to,
        });
        let context = (ContextId(0), TransferSyntax::Ndr32);
        let judge = peer.judge(target, keys_fit);
        Ok(Self {
            stream,
            peer,
            number,
            framer: Framer::new(),
            ended: None,
            heard: Instant::now(),
            context,
            last_call_id: 1,
            judge,
            target,
            keys_fit,
        })
    }

    /// Which way what we send goes.
    const fn ours(&self) -> Sender {
        match self.target {
            Role::Host => Sender::FromClient,
            Role::Client => Sender::FromHost,
        }
    }

    /// Which way what the target sends goes.
    const fn theirs(&self) -> Sender {
        match self.target {
            Role::Host => Sender::FromHost,
            Role::Client => Sender::FromClient,
        }
    }

    /// Whether the keys of the run are the target's, as far as is known.
    pub const fn keys_fit(&self) -> bool {
        self.keys_fit
    }

    /// Its number in the case, from 0.
    pub const fn number(&self) -> usize {
        self.number
    }

    /// How often the target was judged by a requirement on this connection, and how often it broke it.
    pub fn judged(&self, requirement: &str) -> kmspec_rules::Count {
        self.judge.tally().of(requirement)
    }

    /// The peer it belongs to.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// The presentation context, with its transfer syntax, on which KMS messages go: 0 and NDR32 unless set.
    pub const fn context(&self) -> (ContextId, TransferSyntax) {
        self.context
    }

    /// Sends KMS messages on this context from now on.
    pub const fn use_context(&mut self, context_id: ContextId, syntax: TransferSyntax) {
        self.context = (context_id, syntax);
    }

    /// The next call id, counted from 2 as Windows does.
    pub const fn next_call_id(&mut self) -> u32 {
        self.last_call_id = self.last_call_id.wrapping_add(1);
        self.last_call_id
    }

    /// Sends octets as one segment, exactly as they are. That the target has ended the connection is no error here:
    /// waiting for an answer shows it.
    ///
    /// # Errors
    /// An error verdict if the target takes nothing more within the answer limit.
    pub async fn send(&mut self, octets: impl AsRef<[u8]>) -> Result<(), Stop> {
        self.peer.record.step();
        self.write(octets.as_ref()).await
    }

    /// Sends segments one by one, with `pause` between.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_apart<S: AsRef<[u8]>>(
        &mut self,
        segments: impl IntoIterator<Item = S>,
        pause: Duration,
    ) -> Result<(), Stop> {
        self.peer.record.step();
        for (nth, segment) in segments.into_iter().enumerate() {
            if nth > 0 {
                tokio::time::sleep(pause).await;
            }
            self.write(segment.as_ref()).await?;
        }
        Ok(())
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), Stop> {
        let (direction, at) = (Direction::ToTarget, self.peer.record.elapsed());
        self.peer.record.push(Event::Octets {
            connection: self.number,
            at,
            direction,
            octets: octets.to_vec(),
        });
        self.judge.octets(self.ours(), octets);
        let limit = self.peer.endpoint.timing.answer;
        match tokio::time::timeout(limit, self.stream.write_all(octets)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) if is_ended(&error) => Ok(()),
            Ok(Err(error)) => Err(Stop::Error(format!("cannot send: {error}"))),
            Err(_) => Err(Stop::Error(format!(
                "the target reads nothing for {limit:?}"
            ))),
        }
    }

    /// Shuts down the sending side.
    ///
    /// # Errors
    /// An error verdict if the system refuses.
    pub async fn half_close(&mut self) -> Result<(), Stop> {
        self.note_ending(Direction::ToTarget, Ending::Closed);
        match self.stream.shutdown().await {
            Err(error) if !is_ended(&error) => {
                Err(Stop::Error(format!("cannot shut down sending: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Ends the connection by RST.
    ///
    /// # Errors
    /// An error verdict if the system refuses.
    pub fn reset(self) -> Result<(), Stop> {
        self.note_ending(Direction::ToTarget, Ending::Reset);
        self.stream
            .set_zero_linger()
            .map_err(|error| Stop::Error(format!("cannot reset: {error}")))
    }

    /// The next PDU, or what else happens within `limit`. Where the limit falls inside a PDU, the rest of it may take as
    /// long as an answer after its last octet: TCP delivers a PDU in whatever pieces, at whatever time.
    ///
    /// # Errors
    /// A failure if what arrives cannot be cut into PDUs.
    pub async fn arrival_within(&mut self, limit: Duration) -> Result<Arrival, Stop> {
        let limit = Instant::now() + limit;
        loop {
            if let Some(pdu) = self.framer.next_pdu().map_err(unframeable)? {
                return Ok(Arrival::Pdu(pdu.to_vec()));
            }
            if let Some(ending) = self.ended {
                return Ok(Arrival::Ended(ending));
            }
            let until = if self.unfinished().is_empty() {
                limit
            } else {
                limit.max(self.heard + self.peer.endpoint.timing.answer)
            };
            let mut buffer = vec![0; 8192];
            match timeout_at(until, self.stream.read(&mut buffer)).await {
                Err(_) => return Ok(Arrival::Nothing),
                Ok(Ok(0)) => self.note_end(Ending::Closed),
                Ok(Ok(len)) => self.take(&buffer[..len]),
                Ok(Err(error)) if is_ended(&error) => self.note_end(Ending::Reset),
                Ok(Err(error)) => return Err(Stop::Error(format!("cannot receive: {error}"))),
            }
        }
    }

    fn take(&mut self, octets: &[u8]) {
        self.heard = Instant::now();
        let (direction, at) = (Direction::FromTarget, self.peer.record.elapsed());
        self.peer.record.push(Event::Octets {
            connection: self.number,
            at,
            direction,
            octets: octets.to_vec(),
        });
        self.framer.push(octets);
        self.judge.octets(self.theirs(), octets);
        self.peer
            .record
            .broken(self.number, self.judge.take_violations());
    }

    fn note_end(&mut self, ending: Ending) {
        self.ended = Some(ending);
        if ending == Ending::Closed {
            self.judge.end(self.theirs());
            self.peer
                .record
                .broken(self.number, self.judge.take_violations());
        }
        self.note_ending(Direction::FromTarget, ending);
    }

    fn note_ending(&self, by: Direction, ending: Ending) {
        let at = self.peer.record.elapsed();
        self.peer.record.push(Event::Ended {
            connection: self.number,
            at,
            by,
            ending,
        });
    }

    /// Whether octets arrive, or the connection ends, within `limit`. Nothing is taken: the next expectation sees it.
    pub async fn stirs_within(&self, limit: Duration) -> bool {
        let arrived = !self.framer.pending().is_empty() || self.ended.is_some();
        arrived
            || tokio::time::timeout(limit, self.stream.peek(&mut [0]))
                .await
                .is_ok()
    }

    /// Octets that arrived and are not a whole PDU.
    pub fn unfinished(&self) -> &[u8] {
        self.framer.pending()
    }

    /// The next PDU must be of this kind.
    ///
    /// # Errors
    /// A failure that says what came instead.
    pub async fn expect<K: Kind>(&mut self) -> Result<Seen<K>, Stop> {
        let step = self.peer.record.step();
        let limit = self.peer.endpoint.timing.answer;
        let got = match self.arrival_within(limit).await? {
            Arrival::Pdu(octets) => return Seen::new(octets, step),
            Arrival::Ended(ending) => format!("the connection {ending}"),
            Arrival::Nothing => format!("silence for {limit:?}"),
        };
        let expected = K::name();
        Err(Failure {
            step,
            field: "PDU".to_owned(),
            expected,
            got,
            evidence: None,
        }
        .into())
    }

    /// The next PDU must be a `bind_ack`.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn bind_ack(&mut self) -> Result<Seen<BindAckPdu>, Stop> {
        self.expect().await
    }

    /// The next PDU must be a `bind_nak`.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn bind_nak(&mut self) -> Result<Seen<BindNakPdu>, Stop> {
        self.expect().await
    }

    /// The next PDU must be an `alter_context_resp`.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn alter_context_resp(&mut self) -> Result<Seen<AlterContextRespPdu>, Stop> {
        self.expect().await
    }

    /// The next PDU must be a response.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn response(&mut self) -> Result<Seen<ResponsePdu>, Stop> {
        self.expect().await
    }

    /// The next PDU must be a fault.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn fault(&mut self) -> Result<Seen<FaultPdu>, Stop> {
        self.expect().await
    }

    /// Sends a request and expects the catalogue's `OK_RESPONSE` to it.
    ///
    /// # Errors
    /// A failure if it is not answered, or not well.
    pub async fn call(&mut self, request: &RequestBuilder) -> Result<(), Stop> {
        self.send(request.encoded()).await?;
        self.ok_response(request.header.call_id.0).await.map(drop)
    }

    /// The catalogue's `OK_RESPONSE`: a response in one fragment, the same call id, return value 0.
    ///
    /// # Errors
    /// A failure that names what differs.
    pub async fn ok_response(&mut self, call_id: u32) -> Result<Seen<ResponsePdu>, Stop> {
        let response = self.response().await?;
        self.is_ok(&response, call_id)?;
        Ok(response)
    }

    /// This response must be the catalogue's `OK_RESPONSE` to the call.
    ///
    /// # Errors
    /// A failure that names what differs.
    pub fn is_ok(&self, response: &Seen<ResponsePdu>, call_id: u32) -> Result<(), Stop> {
        response.call_id_is(call_id)?;
        response.flags_one_of([PfcFlags::WHOLE, PfcFlags::WHOLE | PfcFlags::CONC_MPX])?;
        self.return_value_is_0(response)
    }

    fn return_value_is_0(&self, response: &Seen<ResponsePdu>) -> Result<(), Stop> {
        if !self.peer.endpoint.call.is_kms() {
            return Ok(());
        }
        let stub = response.body().stub;
        let value = stub.last_chunk().map(|octets| u32::from_le_bytes(*octets));
        response
            .field("stub", value)
            .satisfies("return value 0", |value| *value == Some(0))
    }

    /// The response that begins with this PDU, put together from its fragments: its first PDU and the whole stub.
    ///
    /// # Errors
    /// A failure if it is no response or its fragments do not fit together.
    pub async fn whole_response(
        &mut self,
        first: Vec<u8>,
    ) -> Result<(Seen<ResponsePdu>, Vec<u8>), Stop> {
        let first = Seen::<ResponsePdu>::new(first, self.peer.record.step())?;
        let mut assembler = Assembler::new(Limits::default());
        let mut next = first.clone();
        loop {
            let part = Part::of_response(&next.header(), &next.body());
            match assembler.push(part) {
                Ok(Some(stub)) => return Ok((first, stub.to_vec())),
                Ok(None) => {}
                Err(error) => {
                    return Err(next
                        .field("pfc_flags", error.to_string())
                        .violates("fragments in order"));
                }
            }
            next = self.response().await?;
        }
    }

    /// Nothing arrives during the quiet time, and the connection stays open.
    ///
    /// # Errors
    /// A failure that says what came.
    pub async fn silent(&mut self) -> Result<(), Stop> {
        self.answers(&[crate::check::silent()], &[]).await.map(drop)
    }

    /// The target ends the connection and sends nothing before.
    ///
    /// # Errors
    /// A failure that says what came, or that the connection stays open.
    pub async fn closes(&mut self) -> Result<(), Stop> {
        self.answers(&[crate::check::closed()], &[]).await.map(drop)
    }

    /// The target answers in one of the ways of `expected`, or at least of `tolerated`, which is noted.
    ///
    /// # Errors
    /// A failure with all lawful ways.
    pub async fn answers(
        &mut self,
        expected: &[Answer],
        tolerated: &[Answer],
    ) -> Result<Got, Stop> {
        let step = self.peer.record.step();
        let lawful: Vec<Answer> = expected.iter().chain(tolerated).cloned().collect();
        // Where silence is only tolerated, a host that is merely slow must not be taken for a silent one.
        let limit = if Answer::may_be_silence(expected) {
            self.peer.endpoint.timing.quiet
        } else {
            self.peer.endpoint.timing.answer
        };
        let got = self.observe(&lawful, limit).await?;
        if expected.iter().any(|answer| answer.is_given_by(&got)) {
            return Ok(got);
        }
        if let Some(answer) = tolerated.iter().find(|answer| answer.is_given_by(&got)) {
            self.peer.record.note(format!("tolerated: {answer}"));
            return Ok(got);
        }
        let evidence = got
            .octets
            .as_deref()
            .map(|octets| crate::check::evidence(octets, None));
        Err(Failure {
            step,
            field: "answer".to_owned(),
            expected: Answer::list(&lawful),
            got: got.to_string(),
            evidence,
        }
        .into())
    }

    /// Waits for the beginning of an answer, and for the end of the connection where every lawful answer that begins so
    /// ends it.
    async fn observe(&mut self, lawful: &[Answer], limit: Duration) -> Result<Got, Stop> {
        let timing = self.peer.endpoint.timing;
        let step = self.peer.record.steps();
        let got = match self.arrival_within(limit).await? {
            Arrival::Pdu(octets) => Got {
                ended: if Answer::must_end(lawful, &octets) {
                    self.ends_within(timing.close).await?
                } else {
                    None
                },
                octets: Some(octets),
            },
            Arrival::Ended(ending) => Got {
                octets: None,
                ended: Some(ending),
            },
            Arrival::Nothing => Got {
                octets: None,
                ended: None,
            },
        };
        if got.octets.is_none() {
            self.nothing_unfinished(step)?;
        }
        Ok(got)
    }

    /// What arrived and is no whole PDU is neither silence nor the end of a connection without an answer. A reset may cut
    /// a PDU in two, which is the network's doing.
    ///
    /// # Errors
    /// A failure that shows the octets.
    pub fn nothing_unfinished(&self, step: usize) -> Result<(), Stop> {
        if self.unfinished().is_empty() || self.ended == Some(Ending::Reset) {
            return Ok(());
        }
        Err(Failure {
            step,
            field: "octets from the target".to_owned(),
            expected: "whole PDUs".to_owned(),
            got: format!("{} octets that are no whole PDU", self.unfinished().len()),
            evidence: Some(crate::check::evidence(self.unfinished(), None)),
        }
        .into())
    }

    async fn ends_within(&mut self, limit: Duration) -> Result<Option<Ending>, Stop> {
        let step = self.peer.record.step();
        match self.arrival_within(limit).await? {
            Arrival::Ended(ending) => Ok(Some(ending)),
            Arrival::Nothing => Ok(None),
            Arrival::Pdu(octets) => Err(Failure {
                step,
                field: "answer".to_owned(),
                expected: "the end of the connection".to_owned(),
                got: crate::check::describe_pdu(&octets),
                evidence: Some(crate::check::evidence(&octets, None)),
            }
            .into()),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.peer.record.judged(self.judge.tally());
    }
}

fn broken(error: io::Error) -> Stop {
    Stop::Error(format!("cannot set up the connection: {error}"))
}

/// Whether an I/O error is the other end's doing.
fn is_ended(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, NotConnected};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset | NotConnected
    )
}

fn unframeable(error: kmspec_wire::fragment::FramingError) -> Stop {
    Stop::fail("frag_length", "at least 16", error.got.to_string())
}

/// The status of a PDU that is a fault.
pub(super) fn fault_status(octets: &[u8]) -> Option<FaultStatus> {
    match Pdu::decode(octets).ok()?.body {
        Body::Fault(fault) => Some(fault.status),
        _ => None,
    }
}

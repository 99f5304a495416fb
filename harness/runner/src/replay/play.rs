//! Playing one recorded exchange against a target.

use std::time::Duration;

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::{Assembler, Limits, Part};
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::RequestBody;
use kmspec_wire::kms::envelope::{
    Content, Mac, OpenError, OpenedRequest, Padding, RequestParts, open_request,
};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{Body, ContextId, Pdu, PduType, PfcFlags, Request, RequestBuilder};

use super::answer::{Answer, Outcome};
use super::compare::{Difference, Side, differences};
use super::explain::{Seen, facts, offered, results};
use super::flatten::Asked;
use super::recording::{Recorded, Step};
use crate::check::evidence;
use crate::peer::{Arrival, Link, Peer};
use crate::verdict::{Evidence, Stop};

/// How a recorded exchange is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The client's recorded bytes as they are.
    Verbatim,
    /// The request opened, renewed, and sealed with the target's keys.
    Refresh(Cmid),
}

/// Which client machine id a renewed request carries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cmid {
    /// The recorded one.
    #[default]
    Recorded,
    /// A new one.
    Renewed,
}

/// What playing an exchange showed.
#[derive(Clone, Debug, Default)]
pub struct Played {
    /// Every field that is not as it was recorded, answer by answer.
    pub differences: Vec<Difference>,
    /// How many of them, the first, are of answers to binds.
    pub of_binds: usize,
    /// What a reader should know besides.
    pub notes: Vec<String>,
    /// The PDU in which the first wrong field stands.
    pub evidence: Option<Evidence>,
}

impl Played {
    /// The first field for which the target is to blame.
    pub fn wrong(&self) -> Option<&Difference> {
        self.differences
            .iter()
            .find(|difference| difference.is_wrong())
    }
}

/// Plays an exchange on a connection of its own; `keys` are those the recording was made under.
///
/// # Errors
/// It cannot be played, or the target cannot be reached. Wrong answers are no error here.
pub async fn play(
    peer: &Peer,
    recorded: &Recorded,
    mode: Mode,
    keys: &KeySet,
) -> Result<Played, Stop> {
    if let Some(obstacle) = recorded.obstacle {
        return Err(Stop::Skip(obstacle.to_string()));
    }
    let request = match recorded.call {
        Some(_) => Some(RecordedRequest::read(recorded, keys)?),
        None => None,
    };
    let mut play = Play {
        recorded,
        mode,
        keys,
        now: peer.now(),
        exact: false,
        link: None,
        played: Played::default(),
        accepted: Vec::new(),
        bound: false,
    };
    if mode == Mode::Verbatim {
        play.check_keys(peer, request.as_ref())?;
    } else if let Some(RecordedRequest { opened, .. }) = &request {
        opened.as_ref().map_err(|why| Stop::Skip(why.to_string()))?;
    }
    play.set_clock(peer).await?;
    play.link = Some(peer.connect().await?);
    let open = play.bind(peer).await?;
    play.played.of_binds = play.played.differences.len();
    if open && let Some(request) = &request {
        play.ask(peer, request).await?;
    }
    Ok(play.played)
}

/// An exchange while it is played.
struct Play<'a> {
    recorded: &'a Recorded,
    mode: Mode,
    keys: &'a KeySet,
    /// The target's clock, as far as it is known.
    now: FileTime,
    /// Whether that clock was set.
    exact: bool,
    link: Option<Link>,
    played: Played,
    /// Contexts that the target accepted.
    accepted: Vec<(ContextId, TransferSyntax)>,
    bound: bool,
}

/// The recorded request, taken apart.
struct RecordedRequest<'a> {
    header: kmspec_wire::pdu::Header,
    fields: Request<'a>,
    order: ByteOrder,
    stub: Vec<u8>,
    /// Opened with the capture's keys, or why it cannot be; the stub's trouble counts too.
    opened: Result<OpenedRequest, Unopened>,
}

/// Why a request cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
enum Unopened {
    #[error("cannot open request: {0}")]
    Stub(String),
    #[error("{0}")]
    Envelope(OpenError),
}

impl<'a> RecordedRequest<'a> {
    fn read(recorded: &'a Recorded, keys: &KeySet) -> Result<Self, Stop> {
        let unreadable = || Stop::Skip("the recorded request cannot be read".to_owned());
        let first = recorded.request.first().ok_or_else(unreadable)?;
        let pdu = Pdu::decode(first).map_err(|_| unreadable())?;
        let Body::Request(fields) = pdu.body else {
            return Err(unreadable());
        };
        let order = pdu.header.drep.order();
        let stub = whole_stub(&recorded.request).unwrap_or_else(|| fields.stub.to_vec());
        let opened = open(keys, recorded.syntax, order, &stub);
        Ok(Self {
            header: pdu.header,
            fields,
            order,
            stub,
            opened,
        })
    }
}

fn whole_stub(pdus: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut assembler = Assembler::new(Limits::default());
    for octets in pdus {
        let pdu = Pdu::decode(octets).ok()?;
        let Body::Request(request) = pdu.body else {
            return None;
        };
        if let Some(stub) = assembler
            .push(Part::of_request(&pdu.header, &request))
            .ok()?
        {
            return Some(stub.to_vec());
        }
    }
    None
}

fn open(
    keys: &KeySet,
    syntax: TransferSyntax,
    order: ByteOrder,
    stub: &[u8],
) -> Result<OpenedRequest, Unopened> {
    let stub = RequestStub::decode(syntax, order, stub);
    let stub = stub.map_err(|error| Unopened::Stub(error.to_string()))?;
    open_request(keys, stub.request).map_err(Unopened::Envelope)
}

impl Play<'_> {
    /// Recorded bytes mean nothing to a host with other keys.
    fn check_keys(&self, peer: &Peer, request: Option<&RecordedRequest<'_>>) -> Result<(), Stop> {
        let Some(request) = request else {
            return Ok(());
        };
        let Ok(opened) = &request.opened else {
            return Ok(());
        };
        let theirs = open(
            &peer.endpoint().keys,
            self.recorded.syntax,
            request.order,
            &request.stub,
        );
        let same =
            theirs.is_ok_and(|theirs| theirs.body == opened.body && theirs.mac == opened.mac);
        if same {
            Ok(())
        } else {
            let reason = "the recording was made under other keys than the target's";
            Err(Stop::Skip(reason.to_owned()))
        }
    }

    /// Sets the target's clock to the recording's, or to the tester's for a renewed request, where that can be done.
    async fn set_clock(&mut self, peer: &Peer) -> Result<(), Stop> {
        let now = match self.mode {
            Mode::Verbatim => self.recorded.at,
            Mode::Refresh(_) => peer.now(),
        };
        let seconds = now.to_unix_nanos() / 1_000_000_000;
        match peer.control("clock", &seconds.to_string()).await {
            Ok(_) => (self.now, self.exact) = (now, true),
            Err(Stop::Skip(_)) => {}
            Err(other) => return Err(other),
        }
        Ok(())
    }

    fn link(&mut self) -> Result<&mut Link, Stop> {
        let none = || Stop::Error("there is no connection".to_owned());
        self.link.as_mut().ok_or_else(none)
    }

    /// Plays everything before the request. False if the connection is over.
    async fn bind(&mut self, peer: &Peer) -> Result<bool, Stop> {
        let recorded = self.recorded;
        let bound_before = recorded
            .setup
            .iter()
            .any(|step| step.sent.get(2) == Some(&PduType::BIND.0));
        if recorded.mid_stream && !bound_before && !self.plain_bind(peer).await? {
            return Ok(false);
        }
        for step in &recorded.setup {
            if !self.step(step).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// A bind in place of the one that is not in the file.
    async fn plain_bind(&mut self, peer: &Peer) -> Result<bool, Stop> {
        let recorded = self.recorded;
        let (id, syntax) = (recorded.context_id, recorded.syntax);
        let later = recorded
            .setup
            .iter()
            .flat_map(|step| offered(&step.sent))
            .any(|context| context.id == id);
        let (id, syntax) = if later {
            (ContextId(u16::from(id.0 == 0)), TransferSyntax::Ndr32)
        } else {
            (id, syntax)
        };
        let note = format!(
            "the bind is not in the capture: a plain one was sent for context {} in {}",
            id.0,
            syntax.name()
        );
        self.played.notes.push(note);
        let bind = peer
            .bind_without_contexts()
            .offering(id.0, peer.interface(), &[syntax.id()])
            .encoded();
        let answer = self.exchange(bind.as_ref(), true).await?;
        self.granted(bind.as_ref(), &answer);
        Ok(answer.ended.is_none())
    }

    /// Whether the target has accepted this context.
    fn has(&self, context: ContextId) -> bool {
        self.accepted.iter().any(|(id, _)| *id == context)
    }

    /// The recorded host accepted a context that the target rejected in favour of another: it is offered alone, so that
    /// the recorded request makes sense here, too.
    async fn offer_again(
        &mut self,
        peer: &Peer,
        context: ContextId,
        syntax: TransferSyntax,
    ) -> Result<(), Stop> {
        let alter = peer
            .alter()
            .offering(context.0, peer.interface(), &[syntax.id()])
            .encoded();
        let answer = self.exchange(alter.as_ref(), true).await?;
        self.granted(alter.as_ref(), &answer);
        let outcome = if self.has(context) {
            "it was offered again alone, and accepted"
        } else {
            "nor when it was offered again alone: the answers cannot be compared"
        };
        let note = format!(
            "context {} in {} was accepted in the recording and not here; {outcome}",
            context.0,
            syntax.name()
        );
        self.played.notes.push(note);
        Ok(())
    }

    /// Plays a bind or `alter_context` and compares the answer.
    async fn step(&mut self, step: &Step) -> Result<bool, Stop> {
        let answer = self.exchange(&step.sent, !step.answer.is_empty()).await?;
        self.granted(&step.sent, &answer);
        let asked = Asked {
            pdu: &step.sent,
            syntax: TransferSyntax::Ndr32,
            request: None,
        };
        let keys = self.keys;
        let side = |answer| Side {
            answer,
            asked,
            keys,
        };
        let found = differences(&side(&step.answer), &side(&answer), &[]);
        self.keep(found, &answer);
        let over = !matches!(
            answer.outcome(TransferSyntax::Ndr32),
            Outcome::Acknowledged | Outcome::Fault(_) | Outcome::Silence
        );
        Ok(!over)
    }

    /// Remembers which contexts the target accepted.
    fn granted(&mut self, sent: &[u8], answer: &Answer) {
        for (offer, result) in offered(sent).iter().zip(results(answer)) {
            let syntax = TransferSyntax::from_id(result.transfer_syntax);
            if let (true, Some(syntax)) = (result.is_accepted(), syntax) {
                self.bound = true;
                self.accepted.retain(|(id, _)| *id != offer.id);
                self.accepted.push((offer.id, syntax));
            }
        }
    }

    /// Sends the request and compares the answer.
    async fn ask(&mut self, peer: &Peer, request: &RecordedRequest<'_>) -> Result<(), Stop> {
        let (context, syntax) = self.context(request);
        if !self.has(context) && self.recorded.bound && self.bound {
            self.offer_again(peer, context, syntax).await?;
        }
        let accepted = self.has(context);
        let (sent, opened) = match (self.mode, &request.opened) {
            (Mode::Refresh(cmid), Ok(opened)) => {
                let renewed = self.renew(peer, request, opened, cmid);
                let pdu = renewed.pdu(request, context, syntax);
                (vec![pdu], Ok(renewed.opened))
            }
            (_, opened) => (self.recorded.request.clone(), opened.clone()),
        };
        let expected = !self.recorded.answer.is_empty();
        let answer = self.exchange(&sent.concat(), expected).await?;
        let message = match &opened {
            Ok(opened) => Ok(Ok(*opened)),
            Err(Unopened::Envelope(error)) => Ok(Err(*error)),
            Err(Unopened::Stub(error)) => Err(error.as_str()),
        };
        let facts = facts(&Seen {
            bound: self.bound,
            context: accepted,
            opnum: request.fields.opnum,
            message: message.as_ref().map_err(|why| *why),
            now: self.now,
            slack: if self.exact { 0 } else { SLACK },
        });
        let first = sent.first().map_or(&[][..], Vec::as_slice);
        let target_keys = std::sync::Arc::clone(&peer.endpoint().keys);
        let got = Side {
            answer: &answer,
            asked: Asked {
                pdu: first,
                syntax,
                request: opened.as_ref().ok(),
            },
            keys: &target_keys,
        };
        let was = Side {
            answer: &self.recorded.answer,
            asked: Asked {
                pdu: self.recorded.request.first().map_or(&[][..], Vec::as_slice),
                syntax: self.recorded.syntax,
                request: request.opened.as_ref().ok(),
            },
            keys: self.keys,
        };
        let found = differences(&was, &got, &facts);
        self.keep(found, &answer);
        Ok(())
    }

    /// The context and encoding to ask in: the recorded one, or, renewed, another that the target accepted.
    fn context(&mut self, request: &RecordedRequest<'_>) -> (ContextId, TransferSyntax) {
        let asked = request.fields.context_id;
        let same = self.accepted.iter().find(|(id, _)| *id == asked).copied();
        let other = self.accepted.first().copied();
        match (self.mode, same, other) {
            (Mode::Verbatim, ..) => (asked, self.recorded.syntax),
            (_, Some(context), _) => context,
            (_, None, Some(other)) if self.recorded.bound => {
                let note = format!(
                    "context {} was not accepted here, the request goes on context {} in {}",
                    asked.0,
                    other.0.0,
                    other.1.name()
                );
                self.played.notes.push(note);
                other
            }
            _ => (asked, self.recorded.syntax),
        }
    }

    /// The request with a new time and IV, as far off and as wrong as the recorded one was.
    fn renew(
        &self,
        peer: &Peer,
        request: &RecordedRequest<'_>,
        opened: &OpenedRequest,
        cmid: Cmid,
    ) -> Renewed {
        let (then, recorded_at) = (opened.body.client_time, self.recorded.at);
        let now = peer.now();
        let off = then.distance(recorded_at);
        let client_time = if then < recorded_at {
            now.minus(off)
        } else {
            now.plus(off)
        };
        let body = RequestBody {
            client_time,
            cmid: match cmid {
                Cmid::Recorded => opened.body.cmid,
                Cmid::Renewed => Guid::random(peer.random()),
            },
            ..opened.body
        };
        let padding = opened.padding.filter(|padding| *padding != [4; 4]);
        let parts = RequestParts {
            layout: opened.layout,
            version: opened.version,
            iv: peer.random(),
            body: Content::Fields(body),
            mac: match opened.mac {
                Some(tag) if !tag.holds() => Mac::Xored(xor(tag.expected, tag.got)),
                _ => Mac::Computed,
            },
            padding: match &padding {
                Some(octets) => Padding::Given(octets),
                None => Padding::Pkcs7,
            },
        };
        let keys = &peer.endpoint().keys;
        let mut message = Vec::new();
        parts.seal(keys, &mut message);
        // What was just sealed opens: its size and version are those of a request that did.
        let opened = open_request(keys, &message).unwrap_or(*opened);
        let stub = RequestStub::decode(self.recorded.syntax, request.order, &request.stub);
        let trailing = stub.map_or(Vec::new(), |stub| stub.trailing.to_vec());
        Renewed {
            message,
            trailing,
            opened,
        }
    }

    /// Sends octets and awaits what answers them: a PDU, a response in fragments, or the end.
    async fn exchange(&mut self, octets: &[u8], expected: bool) -> Result<Answer, Stop> {
        let link = self.link()?;
        let timing = link.peer().endpoint().timing;
        let limit = if expected {
            timing.answer
        } else {
            timing.quiet
        };
        link.send(octets).await?;
        let mut answer = Answer::default();
        loop {
            match arrival(link, limit).await? {
                Arrival::Pdu(pdu) => {
                    let more = is_unfinished(&pdu);
                    answer.pdus.push(pdu);
                    if !more {
                        return Ok(answer);
                    }
                }
                Arrival::Ended(ending) => answer.ended = Some(ending),
                Arrival::Nothing => {}
            }
            if answer.pdus.last().is_none_or(|pdu| !is_unfinished(pdu)) || answer.ended.is_some() {
                return Ok(answer);
            }
        }
    }

    fn keep(&mut self, found: Vec<Difference>, answer: &Answer) {
        let wrong = found.iter().find(|difference| difference.is_wrong());
        if let (None, Some(wrong)) = (&self.played.evidence, wrong) {
            self.played.evidence = answer.pdus.first().map(|pdu| {
                let range = super::flatten::place_in_header(&wrong.field);
                evidence(pdu, range)
            });
        }
        self.played.differences.extend(found);
    }
}

/// How far the target's clock may be off the tester's, or a run may have gone on since the tester's clock stood still,
/// in units of 100 ns, without a client's clock near the limit being judged.
const SLACK: u64 = 10 * FileTime::MINUTE;

/// Octets that are no PDU are an answer, too: an unreadable one.
async fn arrival(link: &mut Link, limit: Duration) -> Result<Arrival, Stop> {
    match link.arrival_within(limit).await {
        Err(Stop::Fail(_)) => Ok(Arrival::Pdu(link.unfinished().to_vec())),
        other => other,
    }
}

/// Whether a PDU is a fragment behind which more must come.
fn is_unfinished(pdu: &[u8]) -> bool {
    match pdu {
        [_, _, ptype, flags, ..] => {
            *ptype == PduType::RESPONSE.0 && !PfcFlags(*flags).has(PfcFlags::LAST_FRAG)
        }
        _ => false,
    }
}

fn xor(left: [u8; 16], right: [u8; 16]) -> [u8; 16] {
    std::array::from_fn(|at| left[at] ^ right[at])
}

/// A request that was made anew.
struct Renewed {
    message: Vec<u8>,
    trailing: Vec<u8>,
    opened: OpenedRequest,
}

impl Renewed {
    /// As a PDU like the recorded one.
    fn pdu(
        &self,
        request: &RecordedRequest<'_>,
        context: ContextId,
        syntax: TransferSyntax,
    ) -> Vec<u8> {
        let stub = RequestStub {
            trailing: &self.trailing,
            ..RequestStub::new(&self.message)
        };
        let mut builder = RequestBuilder::new(stub.to_bytes(syntax))
            .call_id(request.header.call_id.0)
            .flags(request.header.pfc_flags | PfcFlags::WHOLE)
            .context(context.0)
            .opnum(request.fields.opnum);
        builder.object = request.fields.object;
        builder.encoded().bytes
    }
}

use std::borrow::Cow;
use std::mem;
use std::sync::Arc;

use kmspec_wire::keys::KeySet;
use kmspec_wire::pdu::{Body, Header, Pdu, PduType, PfcFlags, Request};

use crate::areas::header::{AUTH_LENGTH, FRAG_LENGTH};
use crate::areas::refusals::Unfinished;
use crate::areas::{acks, binds, calls, header, message, refusals, responses};
use crate::conversation::{Conversation, Kind, Offer};
use crate::cutter::{Cut, Cutter};
use crate::memory::Memory;
use crate::report::{Direction, PduRef, Roles, Sink, Tally, Violation, words};
use crate::table::{
    CLIENT_AUTH_LENGTH, CLIENT_FRAG_LENGTH, CLIENT_PTYPES, FRAG_LENGTH_EXACT, Role,
};

/// Judges one connection; see the crate's text.
#[derive(Debug)]
pub struct Judge {
    keys: Option<Arc<KeySet>>,
    /// What other connections showed, too, or this one alone once it shows anything.
    memory: Option<Memory>,
    client: Cutter,
    host: Cutter,
    from_client: usize,
    from_host: usize,
    known: Conversation,
    out: Sink,
}

impl Judge {
    /// A judge of a connection that was seen from its first octet; of the RPC layer alone.
    pub fn new(roles: Roles) -> Self {
        Self {
            keys: None,
            memory: None,
            client: Cutter::new(Direction::FromClient),
            host: Cutter::new(Direction::FromHost),
            from_client: 0,
            from_host: 0,
            known: Conversation::new(true),
            out: Sink::new(roles),
        }
    }

    /// It also opens the messages, with these keys.
    #[must_use]
    pub fn with_keys(self, keys: Arc<KeySet>) -> Self {
        let keys = Some(keys);
        Self { keys, ..self }
    }

    /// It also knows what other connections of the same host showed.
    #[must_use]
    pub fn with_memory(self, memory: Memory) -> Self {
        let memory = Some(memory);
        Self { memory, ..self }
    }

    /// The connection began before anybody looked.
    #[must_use]
    pub fn mid_stream(mut self) -> Self {
        self.known.gap();
        self
    }

    /// Octets as they arrive, in segments of any size.
    pub fn octets(&mut self, direction: Direction, octets: &[u8]) {
        let mut cutter = mem::replace(self.cutter(direction), Cutter::new(direction));
        cutter.push(octets);
        while let Some(cut) = cutter.next() {
            match cut {
                Cut::Pdu(pdu) => self.pdu(direction, pdu),
                Cut::Lost(start) => self.lost(direction, start),
            }
        }
        *self.cutter(direction) = cutter;
    }

    /// One whole PDU, for whoever has cut the stream already.
    pub fn pdu(&mut self, direction: Direction, octets: &[u8]) {
        let index = self.count(direction);
        self.out.turn_to(PduRef { direction, index });
        match direction {
            Direction::FromClient => self.client_pdu(octets, index == 0),
            Direction::FromHost => self.host_pdu(octets),
        }
    }

    /// Octets of either direction are missing here. What depends on them is not judged.
    pub fn gap(&mut self) {
        self.known.gap();
        self.client.restart();
        self.host.restart();
    }

    /// The sender ended the connection in order, of its own accord: it left no PDU unfinished.
    pub fn end(&mut self, direction: Direction) {
        let left = self.cutter(direction).pending().len();
        let index = match direction {
            Direction::FromClient => self.from_client,
            Direction::FromHost => self.from_host,
        };
        self.out.turn_to(PduRef { direction, index });
        let rule = match direction {
            Direction::FromClient => CLIENT_FRAG_LENGTH,
            Direction::FromHost => FRAG_LENGTH_EXACT,
        };
        self.out.judge(rule, ("PDU", 0..left), left == 0, || {
            words(
                "an end between PDUs",
                format_args!("{left} octets of another"),
            )
        });
    }

    /// What was broken so far, in the order in which it showed.
    pub fn violations(&self) -> &[Violation] {
        &self.out.found
    }

    /// Takes what was broken since it was last taken.
    #[must_use]
    pub fn take_violations(&mut self) -> Vec<Violation> {
        mem::take(&mut self.out.found)
    }

    /// How often each rule was judged.
    pub const fn tally(&self) -> &Tally {
        &self.out.tally
    }

    fn cutter(&mut self, direction: Direction) -> &mut Cutter {
        match direction {
            Direction::FromClient => &mut self.client,
            Direction::FromHost => &mut self.host,
        }
    }

    fn count(&mut self, direction: Direction) -> usize {
        let count = match direction {
            Direction::FromClient => &mut self.from_client,
            Direction::FromHost => &mut self.from_host,
        };
        let index = *count;
        *count = index.saturating_add(1);
        index
    }

    /// A `frag_length` that cannot be followed.
    fn lost(&mut self, direction: Direction, start: &[u8]) {
        let index = self.count(direction);
        self.out.turn_to(PduRef { direction, index });
        let rule = match direction {
            Direction::FromClient => CLIENT_FRAG_LENGTH,
            Direction::FromHost => FRAG_LENGTH_EXACT,
        };
        let length = Header::peek_frag_length(start).unwrap_or_default();
        self.out
            .judge(rule, FRAG_LENGTH, false, || words("at least 16", length));
        match direction {
            // A host may make anything of it.
            Direction::FromClient => self.known.clear = false,
            Direction::FromHost => self.known.whole = false,
        }
    }

    fn client_pdu(&mut self, octets: &[u8], first: bool) {
        let decoded = Pdu::decode(octets);
        if first && self.known.whole {
            binds::first(&mut self.out, decoded.as_ref().ok());
        }
        let Ok(head) = Header::peek(octets) else {
            self.known.clear = false;
            return;
        };
        if !head.drep.is_supported() {
            // Lengths and ids may be read in either order.
            self.known.clear = false;
        }
        let announced = octets.get(10..12).is_some_and(|length| length != [0, 0]);
        self.known.authenticated |= announced;
        if announced {
            let there = decoded.as_ref().is_ok_and(|pdu| pdu.auth.is_some());
            self.out.judge(CLIENT_AUTH_LENGTH, AUTH_LENGTH, there, || {
                words("a verifier of that length", "none")
            });
        }
        // A verifier that is not there was judged above.
        let error = decoded.as_ref().err();
        let error = error.filter(|error| !error.field.starts_with("auth_"));
        let at = error.map_or(8, |error| error.at);
        let place = (
            error.map_or("frag_length", |e| e.field),
            at..octets.len().max(at),
        );
        self.out
            .judge(CLIENT_FRAG_LENGTH, place, error.is_none(), || {
                words(
                    "a whole field",
                    error.map_or(String::new(), |e| e.problem.to_string()),
                )
            });
        match decoded {
            Ok(pdu) => self.client_body(&pdu, octets.len()),
            Err(_) => self.wait_for_refusal(&head),
        }
    }

    /// What cannot be read may still be taken for a bind, and answered or refused.
    fn wait_for_refusal(&mut self, head: &Header) {
        let kind = match head.ptype {
            PduType::BIND => Kind::Bind(None),
            PduType::ALTER_CONTEXT => Kind::Alter(None),
            _ => Kind::Other,
        };
        if head.ptype == PduType::REQUEST {
            // Whatever a host finds in it, no rule here says what the answer should look like.
            self.known.clear = false;
        }
        self.known.wait(head.call_id, kind);
    }

    fn client_body(&mut self, pdu: &Pdu<'_>, len: usize) {
        let Self { known, out, .. } = self;
        let (id, flags) = (pdu.header.call_id, pdu.header.pfc_flags);
        match &pdu.body {
            Body::Bind(bind) | Body::AlterContext(bind) => {
                let offer = Offer::of(flags, bind);
                known.asked = known.asked | flags;
                known
                    .offered
                    .extend(offer.contexts.iter().map(|context| context.id));
                if matches!(pdu.body, Body::Bind(_)) {
                    known.minor_one |= pdu.header.rpc_vers_minor == 1;
                    binds::offer(out, bind, len);
                    known.wait(id, Kind::Bind(Some(offer)));
                } else {
                    known.wait(id, Kind::Alter(Some(offer)));
                }
            }
            Body::Request(request) => self.client_request(pdu, request, len),
            Body::CoCancel(_) | Body::Orphaned(_) => {
                known.cancelled = true;
                known.wait(id, Kind::Other);
            }
            _ => known.wait(id, Kind::Other),
        }
    }

    fn client_request(&mut self, pdu: &Pdu<'_>, request: &Request<'_>, len: usize) {
        let Self { known, out, .. } = self;
        calls::request(out, known, pdu, request, len);
        known.cancelled |= pdu.header.pfc_flags.has(PfcFlags::PENDING_CANCEL);
        if pdu.auth.is_some() {
            // The verifier may be taken for a part of the stub.
            known.clear = false;
        }
        if !calls::wait(known, &pdu.header, request) || !out.judges(Role::Client) {
            return;
        }
        let object: usize = if request.object.is_some() { 16 } else { 0 };
        let overhead = object.saturating_add(Request::OVERHEAD);
        if let Some(call) = known.newest_call() {
            calls::stub(out, known, self.keys.as_deref(), call, overhead);
        }
    }

    fn host_pdu(&mut self, octets: &[u8]) {
        let Self { known, out, .. } = self;
        let mut octets = Cow::Borrowed(octets);
        let Ok(head) = Header::peek(&octets) else {
            let len = octets.len();
            out.judge(FRAG_LENGTH_EXACT, ("PDU", 0..len), false, || {
                words("at least 16 octets", len)
            });
            return;
        };
        header::version(out, known, &head);
        header::drep(out, &mut octets);
        header::auth_length(out, known, &mut octets);
        match Pdu::decode(&octets) {
            Ok(pdu) => {
                out.judge(FRAG_LENGTH_EXACT, FRAG_LENGTH, true, Default::default);
                self.host_body(&pdu);
            }
            Err(error) => {
                header::undecodable(out, head.ptype, octets.len(), &error);
                known.gap();
            }
        }
    }

    fn host_body(&mut self, pdu: &Pdu<'_>) {
        let unfinished = self.unfinished();
        let Self { known, out, .. } = self;
        let head = &pdu.header;
        match &pdu.body {
            Body::BindAck(ack) => acks::bind_ack(out, known, head, ack),
            Body::AlterContextResp(ack) => acks::alter_resp(out, known, head, ack),
            Body::BindNak(nak) => refusals::bind_nak(out, known, unfinished, head, nak),
            Body::Fault(fault) => refusals::fault(out, known, unfinished, head, fault),
            Body::Response(response) => {
                let answer = responses::response(out, known, head, response);
                let exchanged = answer.as_ref().and_then(|a| responses::stub(out, known, a));
                if let Some((exchanged, keys)) = exchanged.zip(self.keys.as_deref()) {
                    let memory = self.memory.get_or_insert_default();
                    message::exchange(out, keys, memory, &exchanged);
                }
            }
            // A host may ask the client to end the connection.
            Body::Shutdown(_) => {}
            _ => {
                let ptype = head.ptype;
                out.judge(CLIENT_PTYPES, ("PTYPE", 2..3), false, || {
                    words("a type that hosts send", format_args!("{ptype:?}"))
                });
            }
        }
    }

    /// What of the client's next PDU is there: a host may refuse it before the rest comes.
    fn unfinished(&self) -> Unfinished {
        let pending = self.client.pending();
        match Header::peek(pending) {
            Ok(head) if head.drep.is_supported() => Unfinished::Call(head.call_id),
            Err(_) if pending.is_empty() => Unfinished::Nothing,
            Ok(_) | Err(_) => Unfinished::Unknown,
        }
    }
}

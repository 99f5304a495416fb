//! What a host answers, in words: the alphabet of novelty, of the state machine and of comparisons.

use std::fmt::Write as _;

use kmspec_session::{Action, Call, Content, Message, Sending, Step, Stub};
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::Framer;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::open_response;
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{BindAck, Body, Header, Pdu, PduType, PfcFlags, Response};

/// How a connection ended, seen from the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Closing {
    /// The host ended its side.
    Closed,
    /// The host reset it.
    Reset,
    /// It could not be opened.
    Refused,
}

impl Closing {
    /// As one word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Refused => "refused",
        }
    }
}

/// An answer that was owed and did not come.
pub(crate) const SILENCE: &str = "silence";
/// A connection that the host keeps although its client has ended its side.
pub(crate) const STAYS_OPEN: &str = "stays-open";
/// Nothing, where nothing was owed.
pub(crate) const NOTHING: &str = "-";

/// Puts what one session hears of its host into words: kind and codes of an answer, and behind a `/` what is odd about it.
pub(crate) struct Wording<'a> {
    keys: &'a KeySet,
    /// Where the host was reached.
    port: u16,
    /// Of the first answer to a call: activation and renewal interval, in minutes.
    intervals: Option<(u32, u32)>,
    scratch: Vec<u8>,
}

impl<'a> Wording<'a> {
    pub(crate) const fn new(keys: &'a KeySet, port: u16) -> Self {
        Self {
            keys,
            port,
            intervals: None,
            scratch: Vec::new(),
        }
    }

    /// One PDU of the host in a word.
    pub(crate) fn word(&mut self, octets: &[u8]) -> String {
        let Ok(pdu) = Pdu::decode(octets) else {
            return match Header::peek(octets) {
                Ok(head) => format!("undecodable-{}", head.ptype.0),
                Err(_) => "garbage".to_owned(),
            };
        };
        match &pdu.body {
            Body::BindAck(ack) => {
                let mut word = results("bind-ack", ack);
                if !self.is_here(ack.secondary_address) {
                    word.push_str("/elsewhere");
                }
                word
            }
            Body::AlterContextResp(ack) => results("alter-resp", ack),
            Body::BindNak(nak) => format!("bind-nak:{}", nak.reason.0),
            Body::Fault(fault) => {
                let refused = pdu.header.pfc_flags.has(PfcFlags::DID_NOT_EXECUTE);
                let odd = if refused { "" } else { "/executed" };
                format!("fault:{:08x}{odd}", fault.status.0)
            }
            Body::Response(response) => self.response(&pdu, response),
            _ => format!("pdu:{}", pdu.header.ptype.0),
        }
    }

    /// Whether a secondary address is the port where the host was reached, or none.
    fn is_here(&self, address: &[u8]) -> bool {
        match address {
            [] | [0] => true,
            [digits @ .., 0] => digits == self.port.to_string().as_bytes(),
            _ => false,
        }
    }

    fn response(&mut self, pdu: &Pdu<'_>, response: &Response<'_>) -> String {
        if !pdu.header.pfc_flags.has(PfcFlags::WHOLE) {
            return "response-part".to_owned();
        }
        let Some(stub) = stub(pdu, response) else {
            return "response-odd".to_owned();
        };
        let Some(returned) = stub.returned else {
            return format!("refusal:{:08x}", stub.return_value);
        };
        let odd = match open_response(self.keys, returned.response, &mut self.scratch) {
            Ok(opened) => {
                let intervals = (
                    opened.body.activation_interval,
                    opened.body.renewal_interval,
                );
                let first = *self.intervals.get_or_insert(intervals);
                if first == intervals {
                    ""
                } else {
                    "/other-intervals"
                }
            }
            Err(_) => "/sealed",
        };
        format!("response:{:08x}{odd}", stub.return_value)
    }
}

/// The first results tell answers apart; a hundred alike do not make another answer.
fn results(name: &str, ack: &BindAck<'_>) -> String {
    let mut word = format!("{name}:");
    let mut last = None;
    let mut different = 0;
    for result in ack.results.iter() {
        let this = (result.result.0, result.reason.0);
        if last == Some(this) {
            continue;
        }
        last = Some(this);
        different += 1;
        if different > 3 {
            word.push('+');
            break;
        }
        if different > 1 {
            word.push(',');
        }
        let _ = match this {
            (code, 0) => write!(word, "{code}"),
            (code, reason) => write!(word, "{code}.{reason}"),
        };
    }
    word
}

/// The stub of a whole response, in whichever syntax it reads without rest.
pub(crate) fn stub<'a>(pdu: &Pdu<'a>, response: &Response<'a>) -> Option<ResponseStub<'a>> {
    let order: ByteOrder = pdu.header.drep.order();
    TransferSyntax::ALL
        .into_iter()
        .filter_map(|syntax| ResponseStub::decode(syntax, order, response.stub).ok())
        .find(|stub| stub.trailing.is_empty())
}

/// The association group that a `bind_ack` gives.
pub(crate) fn group(octets: &[u8]) -> Option<u32> {
    match Pdu::decode(octets).ok()?.body {
        Body::BindAck(ack) => Some(ack.assoc_group_id),
        _ => None,
    }
}

/// What a step does, in a word; `~` says that it lies somewhere.
pub(crate) fn label(step: &Step) -> String {
    match &step.action {
        Action::Connect => "connect".to_owned(),
        Action::Wait(_) => "wait".to_owned(),
        Action::HalfClose => "half-close".to_owned(),
        Action::Close => "close".to_owned(),
        Action::Send(sending) => sending_label(sending),
    }
}

fn sending_label(sending: &Sending) -> String {
    let name = match &sending.content {
        Content::Bind(_) => "bind".to_owned(),
        Content::Alter(_) => "alter".to_owned(),
        Content::Raw(_) => "raw".to_owned(),
        Content::Pdu(plain) => format!("pdu-{}", plain.ptype.0),
        Content::Request(call) => match &call.stub {
            Stub::Octets(_) => "request-stub".to_owned(),
            Stub::Marshalled(_, Message::Octets(_)) => "request-message".to_owned(),
            Stub::Marshalled(syntax, Message::Kms(version)) => {
                format!("request-v{}-{}", version.major.min(9), syntax.name())
            }
        },
    };
    let name = match &sending.content {
        Content::Request(Call {
            amid: Some(ptype),
            fragment: 1..,
            ..
        }) => format!("{name}-amid-{}", ptype.0),
        _ => name,
    };
    let mut layers: Vec<&str> = sending.edits.iter().map(|edit| edit.layer.name()).collect();
    layers.sort_unstable();
    layers.dedup();
    if layers.is_empty() {
        name
    } else {
        format!("{name}~{}", layers.join("~"))
    }
}

/// Reads what a client sends as a strict host would, to know what is owed.
#[derive(Debug)]
pub(crate) struct Ledger {
    framer: Framer,
    bound: bool,
    /// Everything so far was plain: from the first thing on that is not, nothing more is owed for certain.
    plain: bool,
    open_call: Option<u32>,
    /// PDUs that must be answered, or the connection ended.
    pub(crate) owed: usize,
    /// PDUs that are answered as a rule.
    pub(crate) hoped: usize,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            framer: Framer::new(),
            bound: false,
            plain: true,
            open_call: None,
            owed: 0,
            hoped: 0,
        }
    }

    /// Octets go out.
    pub(crate) fn sent(&mut self, octets: &[u8]) {
        self.framer.push(octets);
        loop {
            let entry = match self.framer.next_pdu() {
                Ok(Some(pdu)) => entry(pdu, self.bound, self.open_call),
                Ok(None) => break,
                Err(_) => {
                    self.plain = false;
                    self.hoped += 1;
                    break;
                }
            };
            self.take(entry);
        }
        if self
            .framer
            .pending()
            .first()
            .is_some_and(|version| *version != 5)
        {
            self.plain = false;
            self.hoped += 1;
        }
    }

    fn take(&mut self, entry: Entry) {
        match entry {
            Entry::Bind => {
                self.bound = true;
                self.answer_due();
            }
            Entry::Whole => {
                self.open_call = None;
                self.answer_due();
            }
            Entry::First(call) => self.open_call = Some(call),
            Entry::Part => {}
            Entry::Quiet => self.plain = false,
            Entry::Odd => {
                self.plain = false;
                self.hoped += 1;
            }
        }
    }

    fn answer_due(&mut self) {
        if self.plain {
            self.owed += 1;
        } else {
            self.hoped += 1;
        }
    }

    /// The client's side ends: what it tries to send from here on is owed nothing.
    pub(crate) const fn close(&mut self) {
        self.plain = false;
    }

    /// An answer came.
    pub(crate) fn answered(&mut self) {
        if self.owed > 0 {
            self.owed -= 1;
        } else {
            self.hoped = self.hoped.saturating_sub(1);
        }
    }
}

enum Entry {
    /// A bind that any host answers.
    Bind,
    /// The end of a call, or an `alter_context`.
    Whole,
    /// The beginning of a call.
    First(u32),
    /// More of it.
    Part,
    /// Lawful, and never answered.
    Quiet,
    /// Anything else: hosts differ.
    Odd,
}

fn entry(octets: &[u8], bound: bool, open: Option<u32>) -> Entry {
    let Ok(pdu) = Pdu::decode(octets) else {
        return Entry::Odd;
    };
    let head = &pdu.header;
    let version = (head.rpc_vers, head.rpc_vers_minor) == (5, 0);
    if !version || !head.drep.is_supported() || pdu.auth.is_some() {
        return Entry::Odd;
    }
    let known = PfcFlags::WHOLE.0 | PfcFlags::CONC_MPX.0;
    let plain_flags = head.pfc_flags.0 & !known == 0;
    let (first, last) = (
        head.pfc_flags.has(PfcFlags::FIRST_FRAG),
        head.pfc_flags.has(PfcFlags::LAST_FRAG),
    );
    match head.ptype {
        PduType::BIND if !bound && plain_flags => Entry::Bind,
        PduType::ALTER_CONTEXT if bound && plain_flags && open.is_none() => Entry::Whole,
        PduType::REQUEST if bound && plain_flags => match (first, last, open) {
            (true, true, None) => Entry::Whole,
            (true, false, None) => Entry::First(head.call_id.0),
            (false, true, Some(call)) if call == head.call_id.0 => Entry::Whole,
            (false, false, Some(call)) if call == head.call_id.0 => Entry::Part,
            _ => Entry::Odd,
        },
        PduType::CO_CANCEL | PduType::ORPHANED | PduType::AUTH3 => Entry::Quiet,
        _ => Entry::Odd,
    }
}

//! Scripts: what a client does to a host, and in a few words what must come back.
//!
//! The words: `ack 03 (0,0 NDR32)`, `alter-ack 03 (2,1)`, `nak 4`, `fault 1c010003 23 ctx 0`, `resp 03 ctx 0 = 1` (the
//! count, or the HRESULT in hex), each with `call N` where it is not the last one sent, and last what became of the
//! connection. Whatever is not as in every good answer is named too: an octet too many, a rule of kms-protocol broken.

use std::fmt::Write;

use kmspec_model::admin::Done;
use kmspec_model::fault::Faults;
use kmspec_model::publish::{Identity, Published};
use kmspec_model::{After, Connection, Host, Next, Settings};
use kmspec_slmgr::Language;
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::Framer;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{OpenedRequest, Proof, open_response};
use kmspec_wire::kms::{RequestBody, Version, verify};
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindAck, Body, Drep, Fault, Header, Pdu, RequestBuilder, Response, SyntaxId,
};

use crate::kit::{NOW, bind, request, stub_of};

/// Octets that may depend on what came before.
type Octets = Box<dyn Fn(&World) -> Vec<u8>>;

/// What a client does.
enum Act {
    Send(Octets),
    HalfClose,
    Wait(u64),
    Connect,
    Use(usize),
    Leave,
    Administer(bool, String),
    Expect((u32, u32)),
    Publish(u16),
    NotPublished,
}

struct Step {
    act: Act,
    /// What a response is to be opened and judged with.
    asked: Option<Box<(TransferSyntax, OpenedRequest)>>,
    expected: String,
}

/// A requirement with a stimulus and what is expected.
pub(crate) struct Script {
    pub(crate) id: &'static str,
    settings: Settings,
    steps: Vec<Step>,
}

/// A host and its clients while a script runs.
pub(crate) struct World {
    host: Host,
    links: Vec<Connection>,
    used: usize,
    now: FileTime,
    /// Association groups of the acks, in the order seen.
    pub(crate) groups: Vec<u32>,
    last_call: u32,
    /// Random blocks, IVs and identities that were seen, for what must change and what must not.
    fresh: Vec<Vec<u8>>,
    identity: Option<(Vec<u8>, Option<[u8; 8]>)>,
    intervals: Option<(u32, u32)>,
    published: Option<Published>,
}

pub(crate) const ACK: &str = "ack 03 (0,0 NDR32); open";

impl Script {
    pub(crate) fn new(id: &'static str) -> Self {
        Self {
            id,
            settings: Settings::default(),
            steps: Vec::new(),
        }
    }

    /// After a plain bind.
    pub(crate) fn bound(id: &'static str) -> Self {
        Self::new(id).send(bind().encoded(), ACK)
    }

    pub(crate) fn with(mut self, change: impl Fn(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    pub(crate) fn send(self, octets: impl AsRef<[u8]>, expected: &str) -> Self {
        let octets = octets.as_ref().to_vec();
        self.made(move |_| octets.clone(), expected)
    }

    pub(crate) fn made(self, octets: impl Fn(&World) -> Vec<u8> + 'static, expected: &str) -> Self {
        self.step(Act::Send(Box::new(octets)), None, expected)
    }

    /// A call that asks this.
    pub(crate) fn ask(
        self,
        syntax: TransferSyntax,
        body: &RequestBody,
        change: impl Fn(RequestBuilder) -> RequestBuilder,
        expected: &str,
    ) -> Self {
        let (stub, sent) = stub_of(syntax, body);
        let octets = change(RequestBuilder::new(stub)).encoded().bytes;
        self.step(
            Act::Send(Box::new(move |_| octets.clone())),
            Some(Box::new((syntax, sent))),
            expected,
        )
    }

    pub(crate) fn half_close(self, expected: &str) -> Self {
        self.step(Act::HalfClose, None, expected)
    }

    pub(crate) fn wait(self, units: u64, expected: &str) -> Self {
        self.step(Act::Wait(units), None, expected)
    }

    /// Goes on with a new connection; the old ones stay.
    pub(crate) fn connect(self) -> Self {
        self.step(Act::Connect, None, "open")
    }

    pub(crate) fn uses(self, link: usize) -> Self {
        self.step(Act::Use(link), None, "")
    }

    /// The present connection goes away.
    pub(crate) fn leave(self) -> Self {
        self.step(Act::Leave, None, "")
    }

    /// An administrator's command line; what is printed, without the line break at its end.
    pub(crate) fn administer(self, line: &str, expected: &str) -> Self {
        self.step(Act::Administer(true, line.to_owned()), None, expected)
    }

    /// A command line of somebody who is no administrator.
    pub(crate) fn asked_by_anybody(self, line: &str, expected: &str) -> Self {
        self.step(Act::Administer(false, line.to_owned()), None, expected)
    }

    /// The service starts and listens on this port; what changes in DNS.
    pub(crate) fn publishes(self, port: u16, expected: &str) -> Self {
        self.step(Act::Publish(port), None, expected)
    }

    /// DNS does not take the change; what becomes of the host.
    pub(crate) fn dns_fails(self, expected: &str) -> Self {
        self.step(Act::NotPublished, None, expected)
    }

    /// What `more` asks is answered with these intervals.
    pub(crate) fn known_intervals(
        self,
        intervals: (u32, u32),
        more: impl Fn(Self) -> Self,
    ) -> Self {
        more(self.step(Act::Expect(intervals), None, ""))
    }

    pub(crate) fn times(mut self, times: usize, more: impl Fn(Self) -> Self) -> Self {
        for _ in 0..times {
            self = more(self);
        }
        self
    }

    fn step(
        mut self,
        act: Act,
        asked: Option<Box<(TransferSyntax, OpenedRequest)>>,
        expected: &str,
    ) -> Self {
        self.steps.push(Step {
            act,
            asked,
            expected: expected.to_owned(),
        });
        self
    }

    /// Plays the script to a host with these faults on top; the first step whose answer is another than expected.
    pub(crate) fn play(&self, faults: Faults) -> Result<(), String> {
        let mut settings = self.settings.clone();
        settings.faults = settings.faults | faults;
        let mut world = World {
            host: Host::new(settings),
            links: Vec::new(),
            used: 0,
            now: NOW,
            groups: Vec::new(),
            last_call: 0,
            fresh: Vec::new(),
            identity: None,
            intervals: None,
            published: None,
        };
        let greeting = world.act(&Act::Connect, None);
        if greeting != "open" {
            return Err(format!("{}: connecting gives {greeting:?}", self.id));
        }
        for (number, step) in self.steps.iter().enumerate() {
            let got = world.act(&step.act, step.asked.as_deref());
            if got != step.expected {
                return Err(format!(
                    "{} step {number}: expected {:?}, got {got:?}",
                    self.id, step.expected
                ));
            }
        }
        Ok(())
    }
}

impl World {
    fn act(&mut self, act: &Act, asked: Option<&(TransferSyntax, OpenedRequest)>) -> String {
        let mut out = Vec::new();
        let next = match act {
            Act::Send(octets) => {
                let octets = octets(self);
                if let Ok(header) = Header::peek(&octets) {
                    self.last_call = header.call_id.0;
                }
                let Self {
                    host,
                    links,
                    used,
                    now,
                    ..
                } = self;
                links[*used].receive(host, *now, &octets, &mut out)
            }
            Act::HalfClose => {
                let Self {
                    host, links, used, ..
                } = self;
                links[*used].half_close(host)
            }
            Act::Wait(units) => {
                self.now = self.now.plus(*units);
                self.links[self.used].handle_timeout(self.now)
            }
            Act::Connect => {
                let mut link = Connection::open(&mut self.host, self.now, 1688);
                let next = link.greet(&mut self.host, self.now, &mut out);
                self.used = self.links.len();
                self.links.push(link);
                next
            }
            Act::Use(link) => {
                self.used = *link;
                return String::new();
            }
            Act::Leave => {
                let Self {
                    host, links, used, ..
                } = self;
                links[*used].end(host);
                return String::new();
            }
            Act::Expect(intervals) => {
                self.intervals = Some(*intervals);
                return String::new();
            }
            Act::Administer(elevated, line) => return self.administer(*elevated, line),
            Act::Publish(port) => return self.publish(*port),
            Act::NotPublished => Next {
                after: self.host.not_published(),
                ..Next::OPEN
            },
        };
        let mut words = self.describe(&out, asked);
        if next.delay > 0 {
            words.push("late".to_owned());
        }
        words.push(match next.after {
            After::Open => "open".to_owned(),
            After::Close => "closed".to_owned(),
            After::Reset => "reset".to_owned(),
            After::Crash => "crashed".to_owned(),
        });
        words.join("; ")
    }

    fn publish(&mut self, port: u16) -> String {
        let host = Identity {
            target: "kms.corp.example.".to_owned(),
            priority: 0,
            weight: 100,
        };
        let publishing = self.host.administration().effective.publishing;
        let port = Some(port).filter(|_| publishing);
        let (changes, now) = self.host.publish(&host, port, self.published.as_ref());
        self.published = now;
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        changes.join("; ")
    }

    fn administer(&mut self, elevated: bool, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let command = match self.host.read_command(&words) {
            Ok(command) => command,
            Err(error) => return error.to_string(),
        };
        let text = match self.host.administer(self.now, elevated, &command) {
            Ok(Done::Said(notices)) => {
                let lines = notices.iter().map(|notice| notice.text(Language::English));
                lines.collect::<Vec<_>>().join("\n")
            }
            Ok(Done::Shown(report)) => self.host.print(&report, Language::English),
            Ok(Done::Restart) => {
                self.host.restart();
                "restarted".to_owned()
            }
            Err(refusal) => refusal.to_string(),
        };
        text.trim_end().to_owned()
    }

    fn describe(
        &mut self,
        octets: &[u8],
        asked: Option<&(TransferSyntax, OpenedRequest)>,
    ) -> Vec<String> {
        let mut framer = Framer::new();
        framer.push(octets);
        let mut words = Vec::new();
        while let Ok(Some(pdu)) = framer.next_pdu() {
            words.push(self.pdu(pdu, asked));
        }
        if !framer.pending().is_empty() {
            words.push(format!("{} stray octets", framer.pending().len()));
        }
        words
    }

    fn pdu(&mut self, octets: &[u8], asked: Option<&(TransferSyntax, OpenedRequest)>) -> String {
        let pdu = match Pdu::decode(octets) {
            Ok(pdu) => pdu,
            Err(error) => return format!("undecodable: {error}"),
        };
        let header = pdu.header;
        let flags = header.pfc_flags.0;
        let mut words = match &pdu.body {
            Body::BindAck(ack) => format!("ack {flags:02x}{}", self.ack(ack, b"1688\0")),
            Body::AlterContextResp(ack) => format!("alter-ack {flags:02x}{}", self.ack(ack, b"")),
            Body::BindNak(nak) => {
                let odd =
                    (flags, nak.versions, nak.trailing) != (3, Some(&[[5, 0]][..]), &[0, 0, 0]);
                format!("nak {}{}", nak.reason.0, if odd { " odd" } else { "" })
            }
            Body::Fault(fault) => {
                let plain = Fault::new(fault.status, fault.context_id);
                let odd = if *fault == plain { "" } else { " odd" };
                format!(
                    "fault {:08x} {flags:02x} ctx {}{odd}",
                    fault.status.0, fault.context_id.0
                )
            }
            Body::Response(response) => {
                format!("resp {flags:02x} {}", self.response(response, asked))
            }
            other => format!("{other:?}"),
        };
        if header.call_id.0 != self.last_call {
            write!(words, " call {}", header.call_id.0).unwrap();
        }
        if (header.rpc_vers, header.rpc_vers_minor) != (5, 0)
            || header.drep != Drep::LITTLE_ENDIAN
            || pdu.auth.is_some()
        {
            write!(words, " header {:02x?}", &octets[..16]).unwrap();
        }
        words
    }

    fn ack(&mut self, ack: &BindAck<'_>, address: &[u8]) -> String {
        let mut words = String::new();
        if (ack.max_xmit_frag, ack.max_recv_frag) != (5840, 5840) {
            write!(words, " {}/{}", ack.max_xmit_frag, ack.max_recv_frag).unwrap();
        }
        if ack.secondary_address != address || !ack.trailing.is_empty() {
            write!(
                words,
                " addr {:02x?} {:02x?}",
                ack.secondary_address, ack.trailing
            )
            .unwrap();
        }
        if ack.assoc_group_id == 0 {
            words.push_str(" no group");
        } else if let Some(place) = self
            .groups
            .iter()
            .position(|group| *group == ack.assoc_group_id)
        {
            write!(words, " group {place}").unwrap();
        } else {
            self.groups.push(ack.assoc_group_id);
        }
        for result in ack.results.iter() {
            let syntax = match result.transfer_syntax {
                SyntaxId::NIL => String::new(),
                SyntaxId::NDR32 => " NDR32".to_owned(),
                SyntaxId::NDR64 => " NDR64".to_owned(),
                other => format!(" {other}"),
            };
            write!(words, " ({},{}{syntax})", result.result.0, result.reason.0).unwrap();
        }
        words
    }

    fn response(
        &mut self,
        response: &Response<'_>,
        asked: Option<&(TransferSyntax, OpenedRequest)>,
    ) -> String {
        let (syntax, sent) = asked.copied().unwrap_or_else(|| {
            let syntax = TransferSyntax::Ndr32;
            (syntax, stub_of(syntax, &request(Version::V6, 1)).1)
        });
        let mut words = format!("ctx {}", response.context_id.0);
        if usize::try_from(response.alloc_hint) != Ok(response.stub.len())
            || response.cancel_count != 0
            || response.reserved != 0
        {
            words.push_str(" odd");
        }
        let stub = match ResponseStub::decode(syntax, ByteOrder::Little, response.stub) {
            Ok(stub) => stub,
            Err(error) => return format!("{words} = {error}"),
        };
        let padding = stub.returned.map_or(&[][..], |returned| returned.padding);
        if [stub.gap, padding].concat().iter().any(|octet| *octet != 0) || !stub.trailing.is_empty()
        {
            words.push_str(" dirty");
        }
        if stub.returned.is_none() {
            write!(
                words,
                " = {:x} of {}",
                stub.return_value, stub.response_size
            )
            .unwrap();
            return words;
        }
        if stub.return_value != 0 {
            write!(words, " though {:x}", stub.return_value).unwrap();
        }
        write!(
            words,
            " = {}",
            self.activation(stub.response().unwrap(), &sent)
        )
        .unwrap();
        words
    }

    fn activation(&mut self, message: &[u8], sent: &OpenedRequest) -> String {
        let mut scratch = Vec::new();
        let response = match open_response(&KeySet::lab(), message, &mut scratch) {
            Ok(response) => response,
            Err(error) => return error.to_string(),
        };
        let mut broken: Vec<&str> = verify::response(sent, &response)
            .iter()
            .map(|violation| violation.rule)
            .collect();
        let mut once = |what: &'static str, octets: Vec<u8>| {
            if self.fresh.contains(&octets) {
                broken.push(what);
            }
            self.fresh.push(octets);
        };
        match response.proof {
            Proof::V4 { .. } => {}
            Proof::V5 { hash, .. } => once("random again", hash.to_vec()),
            Proof::V6 { hash, .. } => {
                once("random again", hash.to_vec());
                once("IV again", response.iv.to_vec());
            }
        }
        let (epid, hardware) = self
            .identity
            .get_or_insert_with(|| (response.body.epid.to_vec(), None));
        if epid != response.body.epid {
            broken.push("another ePID");
        }
        if let Some(id) = response.hardware_id()
            && *hardware.get_or_insert(id) != id
        {
            broken.push("another hardware id");
        }
        let body = response.body;
        let intervals = (body.activation_interval, body.renewal_interval);
        if *self.intervals.get_or_insert(intervals) != intervals {
            broken.push("other intervals");
        }
        if broken.is_empty() {
            return response.body.count.to_string();
        }
        broken.join(", ")
    }
}

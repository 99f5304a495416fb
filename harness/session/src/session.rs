use kmspec_wire::kms::{ProtocolVersion, Version};
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{BindBuilder, ContextElement, ContextId, PduType, PfcFlags, SyntaxId};

use crate::edit::Edit;

/// What a client does, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Session {
    /// The steps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The connection it is done on, by a number of the session's own.
    pub connection: u8,
    /// What is done.
    pub action: Action,
}

/// What is done on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connects. A connection of that number that is still open is closed first.
    Connect,
    /// Sends something, and waits for an answer unless it says otherwise.
    Send(Box<Sending>),
    /// Waits for so many milliseconds.
    Wait(u16),
    /// Shuts down the client's side.
    HalfClose,
    /// Closes the connection in order.
    Close,
}

/// Octets to send, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sending {
    /// What would be honest.
    pub content: Content,
    /// Where it lies, in the order in which the lies are told within their layer.
    pub edits: Vec<Edit>,
    /// Octets in each segment; 0 for all in one.
    pub segment: u16,
    /// How often it is sent: each time anew, with the next call id. 0 counts as once.
    pub times: u16,
    /// Goes on without waiting for an answer.
    pub hurry: bool,
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A bind.
    Bind(Offer),
    /// An `alter_context`.
    Alter(Offer),
    /// A call, in one fragment or in several.
    Request(Call),
    /// A PDU of any type, whatever its body.
    Pdu(Plain),
    /// Octets.
    Raw(Vec<u8>),
}

/// A bind or `alter_context`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its call id.
    pub call_id: u32,
    /// Its flags.
    pub flags: PfcFlags,
    /// Order of its integers.
    pub order: Order,
    /// Largest fragment the client will send, in octets.
    pub max_xmit_frag: u16,
    /// Largest fragment the client can receive, in octets.
    pub max_recv_frag: u16,
    /// Association group to join.
    pub group: Group,
    /// The contexts offered.
    pub contexts: Vec<ContextElement>,
}

/// An association group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// This one; 0 asks for a new one.
    Given(u32),
    /// The one that the host gave this connection of the session; 0 if it gave none.
    Of(u8),
}

/// Order of integers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// As every KMS client has it.
    #[default]
    Little,
    /// The other one.
    Big,
}

/// A call of `RequestActivation`, or of another operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its call id.
    pub call_id: u32,
    /// The presentation context.
    pub context_id: u16,
    /// The operation.
    pub opnum: u16,
    /// Order of its integers.
    pub order: Order,
    /// Largest fragment, in octets, header included; 0 for the whole in one.
    pub fragment: u16,
    /// A PDU of this type and call id, with nothing in it, that goes behind the first of several fragments.
    pub amid: Option<PduType>,
    /// What it carries.
    pub stub: Stub,
}

/// The stub of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stub {
    /// A marshalled message.
    Marshalled(TransferSyntax, Message),
    /// These octets.
    Octets(Vec<u8>),
}

/// The message in a stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// An honest request of this version, sealed as the nearest version that exists.
    Kms(ProtocolVersion),
    /// These octets.
    Octets(Vec<u8>),
}

/// A PDU of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plain {
    /// Its type.
    pub ptype: PduType,
    /// Its flags.
    pub flags: PfcFlags,
    /// Its call id.
    pub call_id: u32,
    /// What follows the header.
    pub body: Vec<u8>,
}

impl Session {
    /// Most steps of a session.
    pub const MOST_STEPS: usize = 64;
    /// Most connections of a session.
    pub const MOST_CONNECTIONS: u8 = 8;
    /// Most times that one sending is repeated.
    pub const MOST_TIMES: u16 = 512;
    /// Longest wait, in milliseconds.
    pub const LONGEST_WAIT: u16 = 2_000;

    /// Everything it sends.
    pub fn sendings(&self) -> impl Iterator<Item = &Sending> {
        self.steps.iter().filter_map(|step| match &step.action {
            Action::Send(sending) => Some(&**sending),
            _ => None,
        })
    }

    /// Everything it sends, to be changed.
    pub fn sendings_mut(&mut self) -> impl Iterator<Item = &mut Sending> {
        self.steps
            .iter_mut()
            .filter_map(|step| match &mut step.action {
                Action::Send(sending) => Some(&mut **sending),
                _ => None,
            })
    }

    /// What playing it takes, roughly: one for each thing that is sent, three for each connection.
    pub fn cost(&self) -> usize {
        let sent: usize = self
            .sendings()
            .map(|sending| usize::from(sending.times))
            .sum();
        let connections = self.steps.iter().enumerate().filter(|(at, step)| {
            let mut before = self.steps.iter().take(*at);
            step.action == Action::Connect
                || !before.any(|other| other.connection == step.connection)
        });
        sent.saturating_add(connections.count().saturating_mul(3))
    }

    /// Keeps it within its bounds: steps, connections, repetitions, waits. A connection that is used without having been
    /// connected is no problem: connecting is then a part of its first step.
    pub fn bound(&mut self) {
        self.steps.truncate(Self::MOST_STEPS);
        for step in &mut self.steps {
            step.connection = step
                .connection
                .min(Self::MOST_CONNECTIONS.saturating_sub(1));
            match &mut step.action {
                Action::Wait(millis) => *millis = (*millis).min(Self::LONGEST_WAIT),
                Action::Send(sending) => sending.times = sending.times.min(Self::MOST_TIMES),
                _ => {}
            }
        }
    }
}

impl Step {
    /// A step on connection 0.
    pub const fn new(action: Action) -> Self {
        Self {
            connection: 0,
            action,
        }
    }

    /// Sends this on connection 0.
    pub fn send(content: Content) -> Self {
        Self::new(Action::Send(Box::new(Sending::new(content))))
    }

    /// The same step on another connection.
    #[must_use]
    pub fn on(self, connection: u8) -> Self {
        Self { connection, ..self }
    }

    /// The same step with this edit, if it sends anything.
    #[must_use]
    pub fn with(mut self, edit: Edit) -> Self {
        if let Action::Send(sending) = &mut self.action {
            sending.edits.push(edit);
        }
        self
    }
}

impl Sending {
    /// Sends this once, honestly, in one segment, and waits for an answer.
    pub const fn new(content: Content) -> Self {
        Self {
            content,
            edits: Vec::new(),
            segment: 0,
            times: 1,
            hurry: false,
        }
    }
}

impl Offer {
    /// KMS in NDR32 as context 0, as a plain client offers it.
    pub fn kms() -> Self {
        let BindBuilder {
            header,
            max_xmit_frag,
            max_recv_frag,
            ..
        } = BindBuilder::new();
        Self {
            call_id: header.call_id.0,
            flags: header.pfc_flags,
            order: Order::Little,
            max_xmit_frag,
            max_recv_frag,
            group: Group::Given(0),
            contexts: Vec::new(),
        }
        .offering(0, SyntaxId::KMS, &[SyntaxId::NDR32])
    }

    /// With one more context.
    #[must_use]
    pub fn offering(mut self, id: u16, interface: SyntaxId, syntaxes: &[SyntaxId]) -> Self {
        self.contexts.push(ContextElement {
            id: ContextId(id),
            abstract_syntax: interface,
            transfer_syntaxes: syntaxes.to_vec(),
        });
        self
    }
}

impl Call {
    /// An honest call of version 6 in NDR32 on context 0.
    pub const fn kms(version: Version) -> Self {
        Self {
            call_id: 2,
            context_id: 0,
            opnum: 0,
            order: Order::Little,
            fragment: 0,
            amid: None,
            stub: Stub::Marshalled(TransferSyntax::Ndr32, Message::Kms(version.protocol())),
        }
    }
}

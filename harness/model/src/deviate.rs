//! Where faults take hold: the honest machine's steps with hooks around them, layer by layer.
//!
//! The honest path never comes here but to ask whether there are faults at all, or through a hook that gives back what
//! it got when there are none.

mod incoming;
mod lost;
mod message;
mod outgoing;
mod stub;
mod transport;

pub(crate) mod admin;
pub(crate) mod offer;
pub(crate) mod policy;
pub(crate) mod publish;

pub(crate) use message::{
    epid, refusal as message_refusal, remember, repair as repair_message,
    response as response_parts,
};
pub(crate) use outgoing::{ack, fault_body, header, nak_body, octets, results};
pub(crate) use stub::{marshal, unmarshal};

use kmspec_wire::guid::Guid;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{CallId, ContextId};

/// What only a host with faults remembers.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// The connection that keeps all others waiting.
    pub(crate) blocker: Option<u64>,
    /// Connections that are open, and those that are never freed.
    pub(crate) open: usize,
    pub(crate) leaked: usize,
    pub(crate) next_connection: u64,
    /// The host dies at the next event.
    pub(crate) dying: bool,
    /// What a message layer asks of the transport: the connection ends without an answer.
    pub(crate) hang_up: bool,
    /// Contexts by association group.
    pub(crate) shared: Vec<(u32, ContextId, TransferSyntax)>,
    /// The group of the connection that is served.
    pub(crate) group: u32,
    /// The request before, and its client.
    pub(crate) message: Vec<u8>,
    pub(crate) cmid: Guid,
    /// Requests with the answers they got.
    pub(crate) answered: Option<(Vec<u8>, Vec<u8>)>,
    /// Counts up with every answer.
    pub(crate) counter: u8,
    /// What a host that leaks never gives back.
    pub(crate) kept: Vec<Vec<u8>>,
}

/// What only a connection with faults remembers.
#[derive(Debug, Default)]
pub(crate) struct Quirk {
    /// Nothing is heard any more.
    pub(crate) deaf: bool,
    pub(crate) calls: usize,
    pub(crate) last_call: Option<CallId>,
    /// A call that was dropped, whose fragments may still come.
    pub(crate) dropped: Option<CallId>,
    pub(crate) orphaned: bool,
    pub(crate) rejected: Vec<ContextId>,
    pub(crate) negotiated: Vec<ContextId>,
    /// The stub of the last call that came in fragments.
    pub(crate) left_over: Vec<u8>,
    /// Largest request, once it was renegotiated.
    pub(crate) limit: Option<u16>,
}

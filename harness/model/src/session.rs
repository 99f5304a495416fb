//! What a connection says in answer to whole PDUs.

mod association;
mod call;
mod offer;

use kmspec_wire::codec::DecodeError;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::{self, Assembler};
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{
    BindBuilder, Body, ContextId, FaultStatus, Header, NakReason, Pdu, PduType,
};

use crate::deviate::Quirk;
use crate::fault::Fault;
use crate::host::Host;
use crate::next::After;
use crate::reply::Reply;
use association::Association;

/// Largest PDU that Windows takes over TCP, in octets. Source: MS-RPCE 3.3.1.5.6 and its notes; Samba `raw_protocol`
/// `test_neg_xmit_ffff_ffff_tcp`.
const TRANSPORT_LIMIT: usize = 5840;
const _: () = assert!(BindBuilder::WINDOWS_FRAGMENT == 5840);

/// The state of a connection above framing.
#[derive(Debug)]
pub(crate) struct Session {
    port: u16,
    /// Nothing until a bind was acknowledged.
    association: Option<Association>,
    /// The contexts that were accepted.
    pub(crate) contexts: Vec<(ContextId, TransferSyntax)>,
    pub(crate) assembler: Assembler,
    call: call::Pending,
    pub(crate) quirk: Quirk,
}

impl Session {
    pub(crate) fn new(host: &Host, port: u16) -> Self {
        let unlimited = host.settings.faults.has(Fault::TotalUnlimited);
        let limits = fragment::Limits {
            total: if unlimited {
                usize::MAX
            } else {
                host.settings.limits.call
            },
            fragments: host.settings.limits.fragments,
        };
        Self {
            port,
            association: None,
            contexts: Vec::new(),
            quirk: Quirk::default(),
            assembler: Assembler::new(limits),
            call: call::Pending::default(),
        }
    }

    /// The connection has ended.
    pub(crate) fn end(&mut self, host: &mut Host) {
        if let Some(association) = self.association.take() {
            host.groups.leave(association.group);
        }
        self.contexts.clear();
    }

    /// Answers one PDU.
    pub(crate) fn receive(
        &mut self,
        host: &mut Host,
        now: FileTime,
        octets: &[u8],
        out: &mut Vec<u8>,
    ) -> After {
        let Ok(asked) = Header::peek(octets) else {
            return After::Close;
        };
        let mut reply = Reply::new(asked, host.settings.faults, out);
        if reply.faults.is_empty() {
            self.answer(host, now, octets, &mut reply)
        } else {
            self.answer_deviating(host, now, octets, &mut reply)
        }
    }

    /// What an honest host answers.
    pub(crate) fn answer(
        &mut self,
        host: &mut Host,
        now: FileTime,
        octets: &[u8],
        reply: &mut Reply<'_>,
    ) -> After {
        let asked = reply.asked;
        if asked.ptype.name().is_none() {
            return After::Close;
        }
        if self.association.is_none() {
            return self.first(host, octets, reply);
        }
        if !is_readable(&asked) || octets.len() > TRANSPORT_LIMIT {
            return unreadable(octets, reply);
        }
        match asked.ptype {
            PduType::REQUEST => self.request(host, now, octets, reply),
            PduType::BIND => reply.nak(NakReason::NOT_SPECIFIED),
            PduType::ALTER_CONTEXT => self.alter(host, octets, reply),
            // Nothing runs that could be cancelled or orphaned, and Windows lets a call in fragments go on.
            PduType::CO_CANCEL | PduType::ORPHANED => After::Open,
            // Their fixed part is longer than what a short one holds: Samba closes without a word.
            PduType::NOCALL | PduType::FACK => After::Close,
            _ => reply.protocol_error(),
        }
    }

    /// The first PDU: a bind, or the end. Source: MS-RPCE 3.3.3; observed, Samba.
    fn first(&mut self, host: &mut Host, octets: &[u8], reply: &mut Reply<'_>) -> After {
        const VERSION: NakReason = NakReason::PROTOCOL_VERSION_NOT_SUPPORTED;
        if reply.asked.ptype != PduType::BIND
            || !is_readable(&reply.asked)
            || octets.len() > TRANSPORT_LIMIT
        {
            return reply.nak(VERSION);
        }
        match Pdu::decode(octets) {
            Ok(Pdu {
                body: Body::Bind(bind),
                auth,
                ..
            }) => self.bind(host, &bind, auth.as_ref(), reply),
            Err(error) if is_about_auth(&error) => reply.nak(VERSION),
            _ => After::Close,
        }
    }

    /// The association group; 0 before a bind.
    pub(crate) fn group(&self) -> u32 {
        self.association
            .as_ref()
            .map_or(0, |association| association.group)
    }

    /// Largest fragment of either direction, in octets.
    pub(crate) fn fragment(&self) -> u16 {
        self.association
            .as_ref()
            .map_or(BindBuilder::WINDOWS_FRAGMENT, |association| {
                association.fragment
            })
    }

    /// Whether a bind was acknowledged.
    pub(crate) const fn is_bound(&self) -> bool {
        self.association.is_some()
    }

    /// Whether several calls may be under way at once.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.association
            .as_ref()
            .is_some_and(|association| association.multiplexed)
    }

    /// Whether fragments of a call are missing.
    pub(crate) fn inside_a_call(&self) -> bool {
        self.assembler.open_call().is_some()
    }
}

/// A PDU of another version, of an odd data representation, or above the transport's size.
fn unreadable(octets: &[u8], reply: &mut Reply<'_>) -> After {
    if is_readable(&reply.asked) && octets.len() > TRANSPORT_LIMIT {
        return reply.disconnect(reply.asked.call_id, FaultStatus::PROTO_ERROR, ContextId(0));
    }
    reply.protocol_error()
}

/// Whether version and data representation are ones this host reads.
fn is_readable(header: &Header) -> bool {
    (header.rpc_vers, header.rpc_vers_minor) == (5, 0) && header.drep.is_supported()
}

/// Whether a PDU failed to decode because of its security trailer.
fn is_about_auth(error: &DecodeError) -> bool {
    matches!(error.field, "auth_length" | "auth_pad_length")
}

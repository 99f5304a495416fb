//! What a capture held, in numbers.

use std::collections::BTreeMap;

use kmspec_wire::ndr::ResponseStub;

use crate::link::LinkType;
use crate::num::len64;
use crate::rpc::{Exchange, Notice, Pdu, Reply};
use crate::tcp::GapCause;

/// What a capture held, in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Packets of the file.
    pub packets: u64,
    /// Packets the snap length cut.
    pub cut_packets: u64,
    /// Packets whose IP or TCP header makes no sense.
    pub malformed_packets: u64,
    /// Packets of a link type that is not known, by link type.
    pub unknown_links: BTreeMap<u16, u64>,
    /// IP datagrams of which fragments are missing.
    pub incomplete_datagrams: u64,
    /// TCP connections, of any protocol.
    pub tcp_connections: u64,
    /// Connections that carry DCE/RPC.
    pub rpc_connections: u64,
    /// Connections that carry KMS.
    pub kms_connections: u64,
    /// DCE/RPC PDUs of any interface, by type.
    pub pdus: BTreeMap<u8, u64>,
    /// PDUs of which bytes are missing.
    pub cut_pdus: u64,
    /// KMS calls: every request.
    pub calls: u64,
    /// KMS calls answered by a response PDU, whatever is in it.
    pub responses: u64,
    /// KMS calls answered with a KMS response and HRESULT 0.
    pub exchanges: u64,
    /// KMS calls answered with another HRESULT, or with none of the bytes a success has.
    pub refused: u64,
    /// KMS calls whose response cannot be read, or is not wholly in the file.
    pub unreadable: u64,
    /// KMS calls answered by a fault.
    pub faults: u64,
    /// KMS calls without reply in the file.
    pub unanswered: u64,
    /// Replies without request in the file.
    pub orphans: u64,
    /// Gaps in DCE/RPC connections, and the bytes in them, by cause.
    pub gaps: BTreeMap<GapCause, (u64, u64)>,
    /// Runs of bytes on DCE/RPC connections that are no PDU.
    pub no_pdus: u64,
    /// PDUs that cannot be read.
    pub bad_pdus: u64,
    /// Connections given up because too many were open.
    pub evicted: u64,
    /// Times that what was unfinished on a connection was given up because too much was.
    pub shed: u64,
}

impl Summary {
    /// Whether there was any KMS.
    pub const fn has_kms(&self) -> bool {
        self.kms_connections > 0
    }

    /// PDUs of one type.
    pub fn pdus_of(&self, ptype: u8) -> u64 {
        self.pdus.get(&ptype).copied().unwrap_or_default()
    }
}

/// Counts while reading; turned into a [`Summary`] at the end.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) summary: Summary,
    pdus: [u64; 32],
}

impl Counts {
    pub(crate) fn pdu(&mut self, pdu: &Pdu<'_>) {
        if let Some(count) = self.pdus.get_mut(usize::from(pdu.header.ptype.0)) {
            add(count);
        }
        if pdu.is_cut() {
            add(&mut self.summary.cut_pdus);
        }
    }

    pub(crate) fn exchange(&mut self, exchange: &Exchange<'_>) {
        let summary = &mut self.summary;
        add(&mut summary.calls);
        match exchange.reply {
            Reply::None => add(&mut summary.unanswered),
            Reply::Fault(_) => add(&mut summary.faults),
            Reply::Response { stub, order, .. } => {
                add(&mut summary.responses);
                match ResponseStub::decode(exchange.rpc.syntax, order, stub) {
                    Err(_) => add(&mut summary.unreadable),
                    Ok(stub) if stub.return_value == 0 && stub.returned.is_some() => {
                        add(&mut summary.exchanges);
                    }
                    Ok(_) => add(&mut summary.refused),
                }
            }
        }
    }

    pub(crate) fn notice(&mut self, notice: &Notice) {
        let summary = &mut self.summary;
        match *notice {
            Notice::Gap { len, cause, .. } => {
                let (count, bytes) = summary.gaps.entry(cause).or_default();
                add(count);
                *bytes = bytes.saturating_add(len);
            }
            Notice::NoPdu { .. } => add(&mut summary.no_pdus),
            Notice::BadPdu { .. } => add(&mut summary.bad_pdus),
            Notice::Orphan { .. } => add(&mut summary.orphans),
            Notice::Evicted { .. } => add(&mut summary.evicted),
            Notice::Shed { .. } => add(&mut summary.shed),
            Notice::UnknownLink { .. } => {}
        }
    }

    /// Counts a packet of an unknown link type; whether it is the first of that type.
    pub(crate) fn unknown_link(&mut self, link: LinkType) -> bool {
        let count = self.summary.unknown_links.entry(link.0).or_default();
        add(count);
        *count == 1
    }

    pub(crate) fn summary(&self) -> Summary {
        let pdus = self
            .pdus
            .iter()
            .enumerate()
            .filter(|&(_, &count)| count > 0);
        Summary {
            pdus: pdus
                .map(|(ptype, &count)| (u8::try_from(ptype).unwrap_or(u8::MAX), count))
                .collect(),
            ..self.summary.clone()
        }
    }

    pub(crate) fn incomplete(&mut self, dropped: u64, waiting: usize) {
        self.summary.incomplete_datagrams = dropped.saturating_add(len64(waiting));
    }
}

/// One more.
pub(crate) fn add(count: &mut u64) {
    *count = count.saturating_add(1);
}

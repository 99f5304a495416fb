use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{
    AuthVerifier, Bind, Body, ContextId, ContextResult, NakReason, Pdu, PduType, PfcFlags,
};

use super::offer::{Offer, Refusal};
use super::{Session, is_about_auth};
use crate::fault::{Fault, Faults};
use crate::host::Host;
use crate::next::After;
use crate::reply::{Ack, Reply};

/// What a bind has agreed on.
#[derive(Debug)]
pub(super) struct Association {
    /// Largest fragment of either direction, in octets.
    pub(super) fragment: u16,
    pub(super) group: u32,
    /// Whether several calls may be under way at once.
    pub(super) multiplexed: bool,
}

/// Smallest fragment that Windows agrees on. Source: Samba `raw_protocol` `test_neg_xmit_0_0`.
const MIN_FRAGMENT: u16 = 2048;
/// Largest. Source: Samba `raw_protocol` `test_neg_xmit_ffff_ffff_tcp`.
const MAX_FRAGMENT: u16 = 5840;

impl Session {
    /// The first bind of a connection.
    pub(super) fn bind(
        &mut self,
        host: &mut Host,
        bind: &Bind<'_>,
        auth: Option<&AuthVerifier<'_>>,
        reply: &mut Reply<'_>,
    ) -> After {
        if let Some(auth) = auth {
            return reply.nak(auth_refusal(auth));
        }
        if bind.contexts.is_empty() && !host.settings.faults.has(Fault::EmptyBindAcknowledged) {
            return reply.nak(NakReason::PROTOCOL_VERSION_NOT_SUPPORTED);
        }
        let mut results = Vec::new();
        match Offer::of_bind(host, bind).judge(&mut self.contexts, &mut results) {
            Ok(()) => {}
            Err(Refusal::NoSyntaxes | Refusal::FeaturesTwice | Refusal::OtherSyntax) => {
                return reply.nak(NakReason::NOT_SPECIFIED);
            }
        }
        let Some(group) = host.groups.join(bind.assoc_group_id) else {
            return reply.nak(NakReason::NOT_SPECIFIED);
        };
        let association = Association {
            fragment: agreed_fragment(host.settings.faults, bind),
            group,
            multiplexed: reply.asked.pfc_flags.has(PfcFlags::CONC_MPX),
        };
        let granted = PfcFlags::CONC_MPX | PfcFlags::HEADER_SIGN;
        let mut address = [0; 6];
        reply.ack(Ack {
            ptype: PduType::BIND_ACK,
            flags: PfcFlags::WHOLE | (reply.asked.pfc_flags & granted),
            fragment: association.fragment,
            group,
            address: decimal(self.port, &mut address),
            results: &results,
            trailing: &[],
        });
        self.association = Some(association);
        After::Open
    }

    /// An association that nobody asked for, with this context in NDR32.
    pub(crate) fn bind_by_itself(&mut self, host: &mut Host, context: Option<&[u8; 2]>) {
        let context = context.map_or(ContextId(0), |context| {
            ContextId(u16::from_le_bytes(*context))
        });
        self.contexts.push((context, TransferSyntax::Ndr32));
        self.association = host.groups.join(0).map(|group| Association {
            fragment: MAX_FRAGMENT,
            group,
            multiplexed: false,
        });
    }

    /// Offers further contexts on a bound connection.
    pub(super) fn alter(&mut self, host: &mut Host, octets: &[u8], reply: &mut Reply<'_>) -> After {
        let alter = match Pdu::decode(octets) {
            Ok(Pdu {
                body: Body::AlterContext(alter),
                auth: None,
                ..
            }) => alter,
            Ok(_) => return reply.protocol_error(),
            Err(error) if is_about_auth(&error) => return reply.protocol_error(),
            Err(_) => return After::Close,
        };
        let Some(association) = &self.association else {
            return After::Close;
        };
        let mut results: Vec<ContextResult> = Vec::new();
        let judged = Offer::of_alter(host, &alter).judge(&mut self.contexts, &mut results);
        let empty =
            alter.contexts.is_empty() && !host.settings.faults.has(Fault::EmptyAlterAcknowledged);
        if empty || judged.is_err() {
            return reply.protocol_error();
        }
        reply.ack(Ack {
            ptype: PduType::ALTER_CONTEXT_RESP,
            // Multiplexing cannot be switched on later. Source: Samba raw_protocol test_no_auth_request_alter_pfc_CONC_MPX.
            flags: PfcFlags::WHOLE | (reply.asked.pfc_flags & PfcFlags::HEADER_SIGN),
            fragment: association.fragment,
            group: association.group,
            address: &[],
            results: &results,
            trailing: &[],
        });
        After::Open
    }
}

/// The smaller of the two offers, within the transport's range and rounded down to a multiple of 8.
/// Source: Samba `raw_protocol` `test_neg_xmit_3199_ffff` and its sisters.
fn agreed_fragment(faults: Faults, bind: &Bind<'_>) -> u16 {
    let (xmit, recv) = (bind.max_xmit_frag, bind.max_recv_frag);
    let offer = match xmit.min(recv) {
        _ if faults.has(Fault::FragsizeLargerOffer) => xmit.max(recv),
        _ if faults.has(Fault::FragsizeAboveOffer) => MAX_FRAGMENT,
        smaller => smaller,
    };
    let least = if faults.has(Fault::FragsizeNoFloor) {
        0
    } else {
        MIN_FRAGMENT
    };
    let most = if faults.has(Fault::FragsizeNotCapped) {
        u16::MAX
    } else {
        MAX_FRAGMENT
    };
    offer.clamp(least, most) & !7
}

/// Why a host without security providers refuses a trailer. Source: MS-RPCE 2.2.2.5; Samba `raw_protocol` `test_auth_none_*`.
const fn auth_refusal(auth: &AuthVerifier<'_>) -> NakReason {
    match auth.auth_level {
        2..=6 => NakReason::AUTHENTICATION_TYPE_NOT_RECOGNIZED,
        _ => NakReason::NOT_SPECIFIED,
    }
}

/// A port in decimal with its terminating NUL, the form of a secondary address. Source: C706 12.6.4.4.
fn decimal(port: u16, buffer: &mut [u8; 6]) -> &[u8] {
    let mut rest = port;
    let mut used = 1usize;
    for place in buffer.iter_mut().rev().skip(1) {
        let [digit, _] = rest.checked_rem(10).unwrap_or_default().to_le_bytes();
        *place = b'0'.saturating_add(digit);
        used = used.saturating_add(1);
        rest = rest.checked_div(10).unwrap_or_default();
        if rest == 0 {
            break;
        }
    }
    buffer
        .get(buffer.len().saturating_sub(used)..)
        .unwrap_or_default()
}

use std::borrow::Cow;

use kmspec_wire::btfn::Features;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{Bind, Body, NakReason, Pdu, PduType, PfcFlags, SyntaxId};

use super::{overwrite, resize};
use crate::fault::Fault;
use crate::host::Host;
use crate::next::After;
use crate::reply::Reply;
use crate::session::Session;

impl Session {
    /// What is done with a bind or `alter_context` instead of judging it.
    pub(super) fn bind_instead(
        &mut self,
        host: &mut Host,
        octets: &[u8],
        reply: &mut Reply<'_>,
    ) -> Option<After> {
        let faults = host.settings.faults;
        let asked = reply.asked;
        if asked.ptype != PduType::BIND {
            return None;
        }
        let reserved = octets
            .get(25..28)
            .is_some_and(|octets| octets.iter().any(|octet| *octet != 0));
        if faults.has(Fault::WideContextCount) && reserved {
            return Some(After::Open);
        }
        let unwanted = faults.has(Fault::ConcMpxRefused) && asked.pfc_flags.has(PfcFlags::CONC_MPX)
            || faults.has(Fault::HeaderSignRefused) && asked.pfc_flags.has(PfcFlags::HEADER_SIGN);
        if unwanted {
            return Some(reply.nak(NakReason::NOT_SPECIFIED));
        }
        let bind = match Pdu::decode(octets) {
            Ok(Pdu {
                body: Body::Bind(bind),
                ..
            }) => bind,
            Err(_) if faults.has(Fault::CrashOnRandomBind) => return Some(After::Crash),
            Err(_) if faults.has(Fault::TruncatedBindWaits) => return Some(After::Open),
            _ => return None,
        };
        if faults.has(Fault::SecondBindAccepted) {
            self.end(host);
        }
        if faults.has(Fault::CrashOnManyContexts) && bind.contexts.len() > 32 {
            return Some(After::Crash);
        }
        closing(host, &bind).or_else(|| grouping(host, &bind, reply))
    }

    /// The bind a bad one is taken for.
    pub(super) fn bind_taken_for(&mut self, host: &Host, taken: &mut Cow<'_, [u8]>) {
        let faults = host.settings.faults;
        if !self.is_bound()
            && (faults.has(Fault::AlterWithoutBind) || faults.has(Fault::AlterServesAsBind))
            && taken.get(2) == Some(&PduType::ALTER_CONTEXT.0)
        {
            overwrite(taken, 2, &[PduType::BIND.0]);
        }
        let auth = Pdu::decode(taken)
            .ok()
            .and_then(|pdu| pdu.auth.map(|auth| (auth.auth_type, auth.auth_level)));
        let stripped = match auth {
            Some((_, 0 | 1 | 7..)) => faults.has(Fault::AuthLevelAccepted),
            Some((9 | 10, _)) => faults.has(Fault::PackageFaked),
            Some(_) => faults.has(Fault::AuthTypeFaked),
            None => false,
        };
        if stripped {
            overwrite(taken, 10, &[0, 0]);
        }
        if faults.has(Fault::FixedContextStride) {
            stride(taken);
        }
        if faults.has(Fault::BindReadsPastEnd) {
            read_past_end(taken);
        }
        let Ok(Pdu {
            body: Body::AlterContext(alter),
            ..
        }) = Pdu::decode(taken)
        else {
            return;
        };
        if faults.has(Fault::ReofferSwitches) {
            self.switch(&alter);
        }
    }

    /// Gives contexts the transfer syntax they are offered anew with.
    fn switch(&mut self, alter: &Bind<'_>) {
        for (id, syntax) in &mut self.contexts {
            let offered = alter.contexts.iter().find(|context| context.id == *id);
            let lists = |wanted: TransferSyntax| {
                offered.is_some_and(|context| {
                    context.transfer_syntaxes.iter().any(|id| id == wanted.id())
                })
            };
            if !lists(*syntax)
                && let Some(other) = TransferSyntax::ALL
                    .into_iter()
                    .find(|syntax| lists(*syntax))
            {
                *syntax = other;
            }
        }
    }

    /// What is remembered, or forgotten, once a bind or `alter_context` was answered.
    pub(super) fn remember(&mut self, host: &mut Host, octets: &[u8]) {
        let faults = host.settings.faults;
        let Ok(pdu) = Pdu::decode(octets) else {
            return;
        };
        let (Body::Bind(bind) | Body::AlterContext(bind)) = pdu.body else {
            return;
        };
        let alter = pdu.header.ptype == PduType::ALTER_CONTEXT;
        for context in bind.contexts.iter() {
            let first = context.transfer_syntaxes.first();
            if first.and_then(Features::asked_by).is_some() {
                self.quirk.negotiated.push(context.id);
            } else if self.contexts.iter().all(|(id, _)| *id != context.id) {
                self.quirk.rejected.push(context.id);
            }
        }
        if alter {
            self.forget(host, &bind);
            if faults.has(Fault::AlterRenegotiates) {
                self.quirk.limit = Some(bind.max_xmit_frag);
            }
        }
        let group = self.group();
        if faults.has(Fault::ContextsShared) {
            let contexts = self
                .contexts
                .iter()
                .map(|(id, syntax)| (group, *id, *syntax));
            host.memory.shared.extend(contexts);
            for (owner, id, syntax) in &host.memory.shared {
                if *owner == group && self.contexts.iter().all(|(known, _)| known != id) {
                    self.contexts.push((*id, *syntax));
                }
            }
        }
        if faults.has(Fault::RejectedBindDeaf) && self.is_bound() && self.contexts.is_empty() {
            self.quirk.deaf = true;
        }
    }

    /// Contexts that an `alter_context` costs.
    fn forget(&mut self, host: &Host, alter: &Bind<'_>) {
        let faults = host.settings.faults;
        let offered = |id| alter.contexts.iter().find(|context| context.id == id);
        if faults.has(Fault::AlterForgetsContexts) {
            self.contexts.retain(|(id, _)| offered(*id).is_some());
        }
        if faults.has(Fault::ReofferForgetsOthers)
            && self.contexts.iter().any(|(id, _)| offered(*id).is_some())
        {
            self.contexts.retain(|(id, _)| offered(*id).is_some());
        }
        if faults.has(Fault::FailedReofferDrops) {
            self.contexts.retain(|(id, syntax)| {
                offered(*id).is_none_or(|context| {
                    let usable = context.transfer_syntaxes.iter().any(|id| id == syntax.id());
                    context.abstract_syntax == SyntaxId::KMS && usable
                })
            });
        }
    }
}

/// Binds that end the connection without a word.
fn closing(host: &Host, bind: &Bind<'_>) -> Option<After> {
    let faults = host.settings.faults;
    let features = |context: &kmspec_wire::pdu::Context<'_>| {
        let first = context.transfer_syntaxes.first()?;
        Features::asked_by(first).map(|_| first)
    };
    let mut contexts = bind.contexts.iter();
    let closes = faults.has(Fault::BtfnTwiceCloses)
        && bind
            .contexts
            .iter()
            .filter_map(|context| features(&context))
            .count()
            > 1
        || contexts.any(|context| {
            let other = context.abstract_syntax != SyntaxId::KMS;
            let SyntaxId { uuid, major, minor } = context.abstract_syntax;
            let newer = (uuid, major) == (SyntaxId::KMS.uuid, 1) && minor > 0;
            let features = features(&context);
            faults.has(Fault::BtfnAbstractCloses) && features.is_some() && other
                || faults.has(Fault::BtfnVersionCloses)
                    && features.is_some_and(|id| (id.major, id.minor) != (1, 0))
                || faults.has(Fault::NewerMinorCloses) && newer
        });
    closes.then_some(After::Close)
}

/// Faults of association groups.
fn grouping(host: &Host, bind: &Bind<'_>, reply: &mut Reply<'_>) -> Option<After> {
    let faults = host.settings.faults;
    let known = host.groups.has(bind.assoc_group_id);
    let new = bind.assoc_group_id == 0;
    if faults.has(Fault::UnknownGroupHangs) && !new && !known {
        return Some(After::Open);
    }
    let refused = faults.has(Fault::KnownGroupRefused) && known
        || faults.has(Fault::GroupsRunOut) && new && !host.groups.is_empty();
    refused.then(|| reply.nak(NakReason::LOCAL_LIMIT_EXCEEDED))
}

/// Where the context elements of a bind start, and the size that one with a single transfer syntax has.
const ELEMENTS: usize = 28;
const STRIDE: usize = 44;

/// Reads each context element as if it had one transfer syntax.
fn stride(taken: &mut Cow<'_, [u8]>) {
    let count = usize::from(taken.get(24).copied().unwrap_or(0));
    let len = ELEMENTS.saturating_add(count.saturating_mul(STRIDE));
    resize(taken, len);
    for element in 0..count {
        let at = ELEMENTS
            .saturating_add(element.saturating_mul(STRIDE))
            .saturating_add(2);
        overwrite(taken, at, &[1]);
    }
}

/// Goes on reading behind the end of a bind, where its own elements happen to lie once more.
fn read_past_end(taken: &mut Cow<'_, [u8]>) {
    let Some(elements) = taken
        .get(ELEMENTS..)
        .map(<[u8]>::to_vec)
        .filter(|elements| !elements.is_empty())
    else {
        return;
    };
    let broken =
        |taken: &[u8]| Pdu::decode(taken).is_err_and(|error| !error.field.starts_with("auth"));
    while taken.len() < 4096 && broken(taken) {
        taken.to_mut().extend_from_slice(&elements);
        let len = taken.len();
        resize(taken, len);
    }
}

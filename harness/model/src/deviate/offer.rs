//! Faults of judging offered contexts.

use kmspec_wire::btfn::Features;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{Context, ContextId, ContextResult, PduType, Reason, SyntaxId};

use crate::fault::{Fault, Faults};

/// Whether an interface that is not the host's is taken for it.
pub(crate) fn takes_interface(faults: Faults, ptype: PduType, id: SyntaxId) -> bool {
    faults.has(Fault::InterfaceIgnored)
        || faults.has(Fault::AlterInterfaceIgnored) && ptype == PduType::ALTER_CONTEXT
        || faults.has(Fault::InterfaceVersionIgnored) && id.uuid == SyntaxId::KMS.uuid
}

/// Whether a context offers a transfer syntax; `honest` says what it does.
pub(crate) fn offers(
    faults: Faults,
    honest: bool,
    context: &Context<'_>,
    syntax: TransferSyntax,
) -> bool {
    let mut offered = context.transfer_syntaxes.iter();
    if faults.has(Fault::OnlyFirstSyntaxRead) {
        return offered.next() == Some(syntax.id());
    }
    if syntax == TransferSyntax::Ndr64 && faults.has(Fault::Ndr64WrongReason) {
        return false;
    }
    let right = syntax.id();
    let half = |id: SyntaxId| (id.uuid.as_u128() >> 64, id.major, id.minor);
    let any = |like: &dyn Fn(SyntaxId) -> bool| context.transfer_syntaxes.iter().any(like);
    honest
        || faults.has(Fault::SyntaxVersionIgnored) && any(&|id| id.uuid == right.uuid)
        || faults.has(Fault::SyntaxMinorIgnored)
            && any(&|id| (id.uuid, id.major) == (right.uuid, right.major))
        || faults.has(Fault::SyntaxHalfCompared) && any(&|id| half(id) == half(right))
        || faults.has(Fault::UnknownSyntaxAccepted)
        || faults.has(Fault::NoSyntaxesAccepted) && context.transfer_syntaxes.is_empty()
}

/// The reason for a rejection.
pub(crate) fn reason(faults: Faults, context: &Context<'_>, honest: Reason) -> Reason {
    let ndr64 = || {
        context
            .transfer_syntaxes
            .iter()
            .any(|id| id == SyntaxId::NDR64)
    };
    match honest {
        Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED if faults.has(Fault::UnknownSyntaxReason) => {
            Reason::NOT_SPECIFIED
        }
        Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED
            if faults.has(Fault::Ndr64WrongReason) && ndr64() =>
        {
            Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED
        }
        honest => honest,
    }
}

/// The result of feature negotiation.
pub(crate) fn features(
    faults: Faults,
    asked: Features,
    syntax: SyntaxId,
    granted: u16,
) -> ContextResult {
    let [low, high, ..] = asked.0.to_le_bytes();
    if faults.has(Fault::BtfnAccepted) {
        return ContextResult::accepted(syntax);
    }
    ContextResult::negotiated(match granted {
        _ if faults.has(Fault::BtfnAlways3) => 3,
        _ if faults.has(Fault::BtfnMaskEchoed) => u16::from_le_bytes([low, high]),
        granted => granted,
    })
}

/// The transfer syntaxes of a context that are looked at for feature negotiation.
pub(crate) fn features_among(faults: Faults) -> usize {
    if faults.has(Fault::BtfnAnySyntax) {
        usize::MAX
    } else {
        1
    }
}

/// What is remembered of a context that was accepted: id and syntax. `None` for nothing.
pub(crate) fn remembered(
    faults: Faults,
    id: ContextId,
    syntax: TransferSyntax,
) -> Option<(ContextId, TransferSyntax)> {
    if faults.has(Fault::ContextIdFfffIsNone) && id.0 == u16::MAX {
        return None;
    }
    let id = if faults.has(Fault::ContextIdLowOctet) {
        ContextId(id.0 & 0xff)
    } else {
        id
    };
    let syntax = if faults.has(Fault::Ndr64InNameOnly) {
        TransferSyntax::Ndr32
    } else {
        syntax
    };
    Some((id, syntax))
}

/// The transfer syntax that an acceptance names.
pub(crate) fn named(faults: Faults, context: &Context<'_>, syntax: TransferSyntax) -> SyntaxId {
    let both = TransferSyntax::ALL
        .into_iter()
        .all(|syntax| context.transfer_syntaxes.iter().any(|id| id == syntax.id()));
    if faults.has(Fault::OtherSyntaxNamed) && both {
        return SyntaxId::NDR32;
    }
    syntax.id()
}

/// Has its way with all results of an offer; true if nothing is to be accepted after all.
pub(crate) fn spoils(faults: Faults, results: &mut [ContextResult]) -> bool {
    use kmspec_wire::pdu::ContextResultCode as Code;
    let negotiated_first = results
        .first()
        .is_some_and(|first| first.result == Code::NEGOTIATE_ACK);
    let spoilt = faults.has(Fault::BtfnFirstSpoils) && negotiated_first && results.len() > 1
        || faults.has(Fault::RejectionSpoilsBind)
            && results
                .iter()
                .any(|result| result.result == Code::PROVIDER_REJECTION);
    if spoilt {
        for result in results.iter_mut().filter(|result| result.is_accepted()) {
            *result = ContextResult::rejected(Reason::LOCAL_LIMIT_EXCEEDED);
        }
    }
    spoilt
}

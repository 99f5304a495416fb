use kmspec_wire::btfn::Features;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{
    Bind, Context, ContextId, ContextList, ContextResult, PduType, Reason, SyntaxId,
};

use crate::deviate::offer as deviate;
use crate::fault::{Fault, Faults};
use crate::host::Host;

/// The contexts a bind or `alter_context` offers, seen by this host.
pub(super) struct Offer<'a> {
    contexts: ContextList<'a>,
    /// The features the host grants; in a bind only.
    features: Option<Features>,
    /// The one transfer syntax the host takes from this offer.
    syntax: TransferSyntax,
    /// Room for contexts.
    most: usize,
    ptype: PduType,
    faults: Faults,
}

/// Why an offer is not even answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// An element offers no transfer syntax at all.
    NoSyntaxes,
    /// Feature negotiation stands twice. Source: MS-RPCE 3.3.1.5.3.
    FeaturesTwice,
    /// A context that exists is to get another transfer syntax.
    OtherSyntax,
}

impl<'a> Offer<'a> {
    pub(super) fn of_bind(host: &Host, bind: &Bind<'a>) -> Self {
        let mut offer = Self::of_alter(host, bind);
        offer.features = host.settings.features;
        offer.ptype = PduType::BIND;
        offer
    }

    pub(super) fn of_alter(host: &Host, alter: &Bind<'a>) -> Self {
        Self {
            contexts: alter.contexts,
            features: None,
            syntax: preferred(host, alter.contexts),
            most: host.settings.limits.contexts,
            ptype: PduType::ALTER_CONTEXT,
            faults: host.settings.faults,
        }
    }

    /// Judges each element in turn; accepted ones join `known`.
    pub(super) fn judge(
        &self,
        known: &mut Vec<(ContextId, TransferSyntax)>,
        results: &mut Vec<ContextResult>,
    ) -> Result<(), Refusal> {
        let before = known.len();
        let mut accepted = false;
        let mut negotiated = false;
        for context in self.contexts.iter() {
            if context.transfer_syntaxes.is_empty() && !self.faults.has(Fault::NoSyntaxesAccepted) {
                return Err(Refusal::NoSyntaxes);
            }
            if let Some(granted) = self.granted(&context) {
                if negotiated {
                    return Err(Refusal::FeaturesTwice);
                }
                negotiated = true;
                results.push(granted);
                continue;
            }
            let judged = if accepted {
                self.further(&context)
            } else {
                self.element(&context, known)?
            };
            results.push(match judged {
                Ok(syntax) => {
                    accepted = true;
                    ContextResult::accepted(deviate::named(self.faults, &context, syntax))
                }
                Err(reason) => {
                    ContextResult::rejected(deviate::reason(self.faults, &context, reason))
                }
            });
        }
        if deviate::spoils(self.faults, results) {
            known.truncate(before);
        }
        Ok(())
    }

    /// The features to grant if the element negotiates them: its first transfer syntax decides, and version 1.0 is the
    /// only one. Source: MS-RPCE 3.3.1.5.3; Samba `raw_protocol` `test_no_auth_bind_time_only_first`.
    fn granted(&self, context: &Context<'_>) -> Option<ContextResult> {
        let features = self.features?;
        let mut first = context
            .transfer_syntaxes
            .iter()
            .take(deviate::features_among(self.faults));
        let (syntax, asked) =
            first.find_map(|id| Features::asked_by(id).map(|asked| (id, asked)))?;
        let granted = asked.granted(features);
        ((syntax.major, syntax.minor) == (1, 0))
            .then(|| deviate::features(self.faults, asked, syntax, granted))
    }

    /// Accepts or rejects one element.
    fn element(
        &self,
        context: &Context<'_>,
        known: &mut Vec<(ContextId, TransferSyntax)>,
    ) -> Result<Result<TransferSyntax, Reason>, Refusal> {
        if !self.is_kms(context) {
            return Ok(Err(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED));
        }
        let lists = |syntax| self.lists(context, syntax);
        if let Some((_, syntax)) = known.iter().find(|(id, _)| *id == context.id) {
            return match *syntax {
                syntax if lists(syntax) => Ok(Ok(syntax)),
                _ if lists(self.syntax) => Err(Refusal::OtherSyntax),
                _ => Ok(Err(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED)),
            };
        }
        if !lists(self.syntax) {
            return Ok(Err(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED));
        }
        if known.len() >= self.most {
            return Ok(Err(Reason::LOCAL_LIMIT_EXCEEDED));
        }
        known.extend(deviate::remembered(self.faults, context.id, self.syntax));
        Ok(Ok(self.syntax))
    }

    /// An element behind one that was accepted. One context is accepted at most; the others are refused as if their
    /// transfer syntaxes were not known.
    /// Source: MS-RPCE 3.3.1.5.6; Samba `raw_protocol` `test_no_auth_presentation_ctx_no_ndr64`.
    fn further(&self, context: &Context<'_>) -> Result<TransferSyntax, Reason> {
        if !self.is_kms(context) {
            return Err(Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED);
        }
        if self.faults.has(Fault::SecondContextUnusable) && self.lists(context, self.syntax) {
            return Ok(self.syntax);
        }
        Err(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED)
    }

    fn is_kms(&self, context: &Context<'_>) -> bool {
        let id = context.abstract_syntax;
        id == SyntaxId::KMS || deviate::takes_interface(self.faults, self.ptype, id)
    }

    fn lists(&self, context: &Context<'_>, syntax: TransferSyntax) -> bool {
        let honest = context.transfer_syntaxes.iter().any(|id| id == syntax.id());
        deviate::offers(self.faults, honest, context, syntax)
    }
}

/// NDR64 where the host speaks it and the client offers it for this interface, else NDR32. Source: MS-RPCE 3.3.1.5.6.
fn preferred(host: &Host, contexts: ContextList<'_>) -> TransferSyntax {
    let of_any = host.settings.faults.has(Fault::Ndr64OfAnyInterface);
    let offered = |syntax: SyntaxId| {
        let mut contexts = contexts.iter();
        contexts.any(|context| {
            (context.abstract_syntax == SyntaxId::KMS || of_any)
                && context.transfer_syntaxes.iter().any(|id| id == syntax)
        })
    };
    if host.settings.ndr64 && offered(SyntaxId::NDR64) {
        TransferSyntax::Ndr64
    } else {
        TransferSyntax::Ndr32
    }
}

//! What may lawfully differ between two hosts, or between a host and a recorded one that had defects.
//!
//! A rule looks at what was sent and at both answers, and says in words, with the requirement it rests on, why the
//! difference is none that the target can be blamed for.

use kmspec_wire::btfn::Features;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::HResult;
use kmspec_wire::kms::envelope::{OpenError, OpenedRequest};
use kmspec_wire::kms::ids;
use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{
    Body, ContextId, ContextResult, ContextResultCode, FaultStatus, Pdu, Reason, SyntaxId,
};

use super::answer::{Answer, Outcome};

/// A context that a bind or `alter_context` offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered {
    /// Its id.
    pub id: ContextId,
    /// Whether it is for the KMS interface, of whatever version.
    pub is_kms: bool,
    /// Whether it is for exactly the KMS interface that hosts serve.
    pub is_kms_1_0: bool,
    /// The encodings offered for it.
    pub syntaxes: Vec<SyntaxId>,
}

impl Offered {
    /// The bind-time features it asks for, if it asks for them instead of a context.
    pub fn features(&self) -> Option<Features> {
        let first = self.syntaxes.first().copied();
        first.and_then(Features::asked_by)
    }

    fn offers(&self, syntax: TransferSyntax) -> bool {
        self.is_kms_1_0 && self.syntaxes.contains(&syntax.id())
    }
}

/// What a bind or `alter_context` offers; nothing if the PDU is neither.
pub fn offered(pdu: &[u8]) -> Vec<Offered> {
    let Ok(Pdu {
        body: Body::Bind(bind) | Body::AlterContext(bind),
        ..
    }) = Pdu::decode(pdu)
    else {
        return Vec::new();
    };
    let contexts = bind.contexts.iter().map(|context| Offered {
        id: context.id,
        is_kms: context.abstract_syntax.uuid == SyntaxId::KMS.uuid,
        is_kms_1_0: context.abstract_syntax == SyntaxId::KMS,
        syntaxes: context.transfer_syntaxes.iter().collect(),
    });
    contexts.collect()
}

/// The results of a `bind_ack` or `alter_context_resp`; nothing if the answer is neither.
pub(super) fn results(answer: &Answer) -> Vec<ContextResult> {
    let first = answer.pdus.first().map_or(&[][..], Vec::as_slice);
    match Pdu::decode(first).map(|pdu| pdu.body) {
        Ok(Body::BindAck(ack) | Body::AlterContextResp(ack)) => ack.results.iter().collect(),
        _ => Vec::new(),
    }
}

/// A result in a few words.
pub(super) fn in_words(result: ContextResult) -> String {
    let ContextResult {
        result: code,
        reason,
        transfer_syntax,
    } = result;
    if result.is_accepted() {
        format!("accepted in {transfer_syntax}")
    } else if code == ContextResultCode::NEGOTIATE_ACK {
        format!("features 0x{:04x}", reason.0)
    } else {
        let why = reason
            .name()
            .map(|name| name.to_lowercase().replace('_', " "));
        let why = why.unwrap_or_else(|| format!("reason {}", reason.0));
        format!("rejected: {why}")
    }
}

/// Why two results for the same offered context may differ, or what the recorded host broke.
pub(super) fn result(
    offers: &[Offered],
    nth: usize,
    recorded: &[ContextResult],
    got: &[ContextResult],
) -> Option<String> {
    let offer = offers.get(nth)?;
    let (was, is) = (recorded.get(nth)?, got.get(nth)?);
    let rejected = *is == ContextResult::rejected(TRANSFER);
    if let Some(asked) = offer.features() {
        let Reason(mask) = is.reason;
        let granted =
            *is == ContextResult::negotiated(mask) && asked.granted(Features(mask.into())) == mask;
        return (granted || rejected).then(|| {
            "which bind-time features a host has is its own: rpc.btfn.negotiate-ack".to_owned()
        });
    }
    let sound = rejected
        || offer
            .syntaxes
            .iter()
            .any(|id| *is == ContextResult::accepted(*id));
    let turned = was.is_accepted() != is.is_accepted() && sound && offer.is_kms_1_0;
    let both = [TransferSyntax::Ndr32, TransferSyntax::Ndr64]
        .iter()
        .all(|syntax| offers.iter().any(|offer| offer.offers(*syntax)));
    let accepted = got.iter().filter(|result| result.is_accepted()).count();
    if turned && both && accepted == 1 {
        return Some(
            "of NDR32 and NDR64 a host accepts the one it has: rpc.bind.ndr64-one-of-two"
                .to_owned(),
        );
    }
    if turned && offer.syntaxes == [SyntaxId::NDR64] {
        return Some("not every host has NDR64: rpc.bind.ndr64-only".to_owned());
    }
    if was.is_accepted() || is.is_accepted() {
        return None;
    }
    let lawful = if offer.is_kms_1_0 {
        (
            ContextResult::rejected(TRANSFER),
            "rpc.bind.unknown-transfer-syntax",
        )
    } else {
        (
            ContextResult::rejected(ABSTRACT),
            "rpc.bind.unknown-interface",
        )
    };
    (*is == lawful.0).then(|| format!("the recorded host gave another reason than {}", lawful.1))
}

const TRANSFER: Reason = Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED;
const ABSTRACT: Reason = Reason::ABSTRACT_SYNTAX_NOT_SUPPORTED;

/// Something about a request that makes another answer than a response lawful.
#[derive(Clone, Debug)]
pub struct Fact {
    /// It in words.
    what: String,
    /// The requirement that says what a host does with it.
    requirement: &'static str,
    /// The refusals that are lawful.
    refusals: fn(Outcome) -> bool,
    /// Whether serving it is let pass.
    may_be_served: bool,
}

/// A request as the target sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a> {
    /// Whether the target accepted any context on this connection.
    pub(super) bound: bool,
    /// Whether it accepted the request's.
    pub(super) context: bool,
    /// The operation.
    pub(super) opnum: u16,
    /// The message, or why its stub cannot be read.
    pub(super) message: Result<&'a Result<OpenedRequest, OpenError>, &'a str>,
    /// The target's clock, as far as it is known.
    pub(super) now: FileTime,
    /// How far that may be off, in units of 100 ns.
    pub(super) slack: u64,
}

/// Everything about a request that makes another answer than a response lawful.
pub(super) fn facts(seen: &Seen<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut add = |what: String, requirement, refusals, may_be_served| {
        facts.push(Fact {
            what,
            requirement,
            refusals,
            may_be_served,
        });
    };
    if !seen.bound {
        let what = "nothing is bound on this connection".to_owned();
        add(
            what,
            "rpc.state.request-before-bind",
            Outcome::is_refusal,
            false,
        );
    } else if !seen.context {
        let what = "the target has not accepted this context".to_owned();
        add(what, "rpc.request.rejected-context", is_fault, false);
    }
    if seen.opnum != 0 {
        let what = format!("there is no operation {}", seen.opnum);
        let range = |outcome| outcome == Outcome::Fault(FaultStatus::OP_RNG_ERROR);
        add(what, "rpc.request.opnum-out-of-range", range, false);
    }
    match seen.message {
        Err(why) => {
            let what = format!("the stub cannot be read ({why})");
            let either = |outcome| is_fault(outcome) || is_invalid(outcome);
            add(what, "rpc.ndr.stub-truncated", either, false);
        }
        Ok(Err(error)) => {
            let requirement = match error {
                OpenError::UnknownVersion { .. } => "message.unknown-version",
                OpenError::Padding { .. } | OpenError::Body { .. } => "crypto.reject-tampered",
                _ => "message.too-short",
            };
            add(error.to_string(), requirement, is_invalid, false);
        }
        Ok(Ok(request)) => of_request(request, (seen.now, seen.slack), &mut add),
    }
    facts
}

fn of_request(
    request: &OpenedRequest,
    (now, slack): (FileTime, u64),
    add: &mut impl FnMut(String, &'static str, fn(Outcome) -> bool, bool),
) {
    const SKEW: u64 = 4 * FileTime::HOUR;
    let OpenedRequest {
        version,
        body,
        checks,
        ..
    } = request;
    if !version.is_exact() {
        let what = format!("there is no version {version}");
        add(what, "message.unknown-version", is_invalid, false);
    }
    for (check, what) in [
        (checks.mac, "the MAC of the request is wrong"),
        (checks.padding, "the padding of the request is wrong"),
        (checks.inner_version, "outer and inner version disagree"),
    ] {
        if check == Some(false) {
            add(what.to_owned(), "crypto.reject-tampered", is_invalid, true);
        }
    }
    if body.n_policy > 1000 {
        let what = format!("N policy {} is above 1000", body.n_policy);
        add(what, "policy.n-policy-sane", is_invalid, true);
    }
    let off = body.client_time.distance(now);
    if off.saturating_add(slack) > SKEW {
        let (hours, minutes) = (
            off / FileTime::HOUR,
            off % FileTime::HOUR / FileTime::MINUTE,
        );
        let what = format!("the client's clock is {hours} h {minutes} min off");
        let refused = |outcome| outcome == Outcome::Refused(HResult::INVALID_TIMESTAMP);
        add(what, "policy.clock-skew", refused, true);
    }
    if ids::application_name(body.application_id).is_none() {
        let what = format!("nobody knows application {}", body.application_id);
        let refused = |outcome| outcome == Outcome::Refused(HResult::PRODUCT_NOT_COVERED);
        add(what, "policy.unknown-product", refused, true);
    }
}

/// Why two answers to one request may be of different kinds.
pub(super) fn outcome(facts: &[Fact], recorded: Outcome, got: Outcome) -> Option<String> {
    if let Some(fact) = facts.iter().find(|fact| (fact.refusals)(got)) {
        return Some(format!("{}: {}", fact.what, fact.requirement));
    }
    if got == Outcome::Refused(HResult::CMID_TABLE_EXHAUSTED) {
        return Some("the target's table of machines is full: policy.table-full".to_owned());
    }
    if got != Outcome::Served {
        return None;
    }
    let mut must_be_refused = facts.iter().filter(|fact| !fact.may_be_served);
    if must_be_refused.next().is_some() {
        return None;
    }
    if let Some(fact) = facts.iter().find(|fact| (fact.refusals)(recorded)) {
        let Fact {
            what, requirement, ..
        } = fact;
        return Some(format!(
            "{what}, but serving it is tolerated: {requirement}"
        ));
    }
    let reason = match recorded {
        Outcome::Refused(HResult::PRODUCT_NOT_COVERED) => {
            "which products a host's key covers is its own: policy.unknown-product"
        }
        Outcome::Refused(HResult::CMID_TABLE_EXHAUSTED) => {
            "the recorded host's table of machines was full: policy.table-full"
        }
        Outcome::Refused(HResult::HOST_NOT_ACTIVATED) => {
            "the recorded host was not activated: policy.host-not-activated"
        }
        Outcome::Refused(HResult::INVALID_TIMESTAMP) => {
            "the recorded client's clock was off, this one's is not: policy.clock-skew"
        }
        _ => return None,
    };
    Some(reason.to_owned())
}

const fn is_fault(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Fault(_))
}

fn is_invalid(outcome: Outcome) -> bool {
    outcome == Outcome::Refused(HResult::INVALID_DATA)
}

/// Why a field of a fault may differ.
pub(super) fn fault_field(in_fault: bool, field: &str, got: &Answer) -> Option<String> {
    let first = got.pdus.first().map_or(&[][..], Vec::as_slice);
    let Ok(Pdu {
        header,
        body: Body::Fault(_),
        ..
    }) = Pdu::decode(first)
    else {
        return None;
    };
    let lawful_flags = [0x03, 0x23].contains(&header.pfc_flags.0);
    (in_fault && field == "header.pfc_flags" && lawful_flags)
        .then(|| "a host may leave open whether the call was executed: rpc.fault.format".to_owned())
}

//! Stubs of calls and answers in NDR32 and NDR64.

use kmspec_wire::codec::{DecodeError, Problem};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Response, SyntaxId};

use super::responses::Answer;
use crate::report::{Sink, words};
use crate::table::{
    COUNTS_DISAGREE, ERROR_LAYOUT, HOST_PADDING_ZERO, NDR32_RESPONSE, NDR64_RESPONSE,
    RETURN_ALIGNED, Rule, STUB_TRUNCATED,
};

/// Longest stub that is taken for a failure, in octets: NDR64's 20 and some padding.
const FAILURE: usize = 24;

/// A request and its response out of their stubs.
#[derive(Debug)]
pub(crate) struct Exchanged<'a> {
    pub(crate) request: &'a [u8],
    pub(crate) response: &'a [u8],
    /// Where the response starts in its PDU, if it came in one.
    pub(crate) at: usize,
}

/// The layout of the answer, and whether the call deserved a normal one.
pub(crate) fn exchanged<'a>(
    out: &mut Sink,
    syntax: SyntaxId,
    answer: &'a Answer,
) -> Option<Exchanged<'a>> {
    let syntax = TransferSyntax::from_id(syntax)?;
    let stub = answer.stub.whole()?;
    let decoded = ResponseStub::decode(syntax, answer.header.drep.order(), stub);
    let reply = match decoded {
        Ok(reply) => reply,
        Err(error) => {
            undecodable(out, syntax, stub, &error);
            return None;
        }
    };
    layout(out, syntax, stub, &reply);
    let returned = reply.returned.filter(|_| reply.return_value == 0)?;
    let request = RequestStub::decode(syntax, answer.call.order, answer.call.stub.whole()?);
    deserved(out, request.as_ref().err());
    Some(Exchanged {
        request: request.ok()?.request,
        response: returned.response,
        at: Response::OVERHEAD.saturating_add(array_at(syntax)),
    })
}

/// Where the array starts in a response stub.
const fn array_at(syntax: TransferSyntax) -> usize {
    match syntax {
        TransferSyntax::Ndr32 => 12,
        TransferSyntax::Ndr64 => 24,
    }
}

const fn rule(syntax: TransferSyntax) -> Rule {
    match syntax {
        TransferSyntax::Ndr32 => NDR32_RESPONSE,
        TransferSyntax::Ndr64 => NDR64_RESPONSE,
    }
}

/// Which layout rule a stub breaks that cannot be read.
fn undecodable(out: &mut Sink, syntax: TransferSyntax, stub: &[u8], error: &DecodeError) {
    let short_padding = matches!(error.field, "return_value" | "response.padding")
        && matches!(error.problem, Problem::Truncated { have, .. } if have < 4 || error.field == "response.padding");
    let rule = if stub.len() <= FAILURE {
        ERROR_LAYOUT
    } else if short_padding {
        RETURN_ALIGNED
    } else {
        rule(syntax)
    };
    let at = error.at.saturating_add(Response::OVERHEAD);
    let end = stub.len().saturating_add(Response::OVERHEAD).max(at);
    out.judge(rule, (error.field, at..end), false, || {
        words("a whole field that agrees", error.problem)
    });
}

fn layout(out: &mut Sink, syntax: TransferSyntax, stub: &[u8], reply: &ResponseStub<'_>) {
    let end = Response::OVERHEAD.saturating_add(stub.len());
    let behind = reply.trailing.len();
    let value_end = end.saturating_sub(behind);
    let value = ("return_value", value_end.saturating_sub(4)..value_end);
    let referent = match syntax {
        TransferSyntax::Ndr32 => ("referent", 28..32),
        TransferSyntax::Ndr64 => ("referent", 32..40),
    };
    let failed = reply.return_value != 0;
    let hresult = reply.return_value;
    let rule = if failed { ERROR_LAYOUT } else { rule(syntax) };
    out.judge(rule, ("trailing", value_end..end), behind == 0, || {
        words(
            "nothing behind the return value",
            format_args!("{behind} octets"),
        )
    });
    if let Some(returned) = &reply.returned {
        // A failure may point to an empty array.
        let lawful = !failed || returned.response.is_empty();
        out.judge(rule, value, lawful, || {
            words("0 behind a response", format_args!("0x{hresult:08x}"))
        });
        let value_at = value_end.saturating_sub(4);
        if !returned.padding.is_empty() {
            // It was found where it belongs.
            let place = ("return_value", value_at..value_end);
            out.judge(RETURN_ALIGNED, place, true, Default::default);
        }
        let start = value_at.saturating_sub(returned.padding.len());
        zero(out, "response.padding", start, returned.padding);
    } else {
        let lawful = failed && reply.response_size == 0;
        out.judge(rule, referent, lawful, || {
            words("a response, or a failure of size 0", "a null referent")
        });
    }
    zero(out, "responseSize.padding", 28, reply.gap);
}

fn zero(out: &mut Sink, field: &'static str, start: usize, padding: &[u8]) {
    let place = (field, start..start.saturating_add(padding.len()));
    if !padding.is_empty() {
        let holds = padding.iter().all(|octet| *octet == 0);
        out.judge(HOST_PADDING_ZERO, place, holds, || {
            words("zeros", format_args!("{padding:02x?}"))
        });
    }
}

/// A stub that cannot be read deserves no normal answer.
fn deserved(out: &mut Sink, error: Option<&DecodeError>) {
    let disagrees = error.is_some_and(|e| matches!(e.problem, Problem::Disagrees { .. }));
    let truncated = error.is_some() && !disagrees;
    let place = ("PTYPE", 2..3);
    let texts = || words("a fault or a failure", "a normal answer");
    out.judge(STUB_TRUNCATED, place.clone(), !truncated, texts);
    out.judge(COUNTS_DISAGREE, place, !disagrees, texts);
}

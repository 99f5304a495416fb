//! KMS messages, opened with a key set.

use kmspec_wire::crypto::{Block, xor};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{
    OpenError, OpenedRequest, OpenedResponse, Proof, open_request, open_response,
};
use kmspec_wire::kms::{Version, verify};

use super::stubs::Exchanged;
use crate::memory::Memory;
use crate::report::{Sink, words};
use crate::table::{
    CLIENT_PADDING, CLIENT_SIZE, CLIENT_V4_MAC, CLIENT_VERSION_AGREES, CMID_V4, ECHO_CMID,
    ECHO_TIME, ECHO_VERSION, HOST_PADDING, HOST_SIZE, HOST_V4_MAC, HOST_VERSION_AGREES,
    HWID_STABLE, INTERVALS_RANGE, LICENSE_STATUS, N_POLICY, PID_GRAMMAR, PID_SIZE, PID_STABLE,
    PID_TERMINATED, RANDOM_FRESH, REJECT_TAMPERED, Rule, TOO_SHORT, UNKNOWN_VERSION, V5_HASH,
    V5_IV_ECHO, V6_HASH, V6_HMAC, V6_IV_FRESH, V6_IV_PROOF, VM_FLAG, WORKSTATION,
};

/// Largest N policy that is taken seriously. Source: kms-protocol 6, `policy.n-policy-sane`.
const MOST_CLIENTS: u32 = 1000;

// What `kmspec_wire` verifies, under the names that it has there.
const OF_RESPONSES: &[Rule] = &[
    ECHO_VERSION,
    ECHO_CMID,
    ECHO_TIME,
    PID_SIZE,
    PID_TERMINATED,
    PID_GRAMMAR,
    INTERVALS_RANGE,
    HOST_SIZE,
];
const OF_V4_RESPONSES: &[Rule] = &[HOST_V4_MAC];
const OF_V5_RESPONSES: &[Rule] = &[HOST_VERSION_AGREES, HOST_PADDING, V5_IV_ECHO, V5_HASH];
const OF_V6_RESPONSES: &[Rule] = &[
    HOST_VERSION_AGREES,
    HOST_PADDING,
    V6_IV_FRESH,
    V6_HASH,
    V6_IV_PROOF,
    V6_HMAC,
];
const OF_REQUESTS: &[Rule] = &[VM_FLAG, LICENSE_STATUS, CMID_V4, WORKSTATION];
const OF_V4_REQUESTS: &[Rule] = &[CLIENT_V4_MAC];
const OF_ENCRYPTED_REQUESTS: &[Rule] = &[CLIENT_VERSION_AGREES, CLIENT_PADDING];

/// A normal answer to a call.
pub(crate) fn exchange(out: &mut Sink, keys: &KeySet, memory: &Memory, got: &Exchanged<'_>) {
    let request = open_request(keys, got.request);
    refusable(out, request.as_ref());
    let Some(request) = request.ok().filter(|r| r.checks.version_known) else {
        return;
    };
    let mut scratch = Vec::new();
    match open_response(keys, got.response, &mut scratch) {
        Ok(response) => {
            rules_of_wire(out, &request, &response, got.at);
            fresh(out, memory, &request, &response, got.at);
            stable(out, memory, &request, &response, got.at);
        }
        Err(error) => unopened(out, got, &error),
    }
}

/// What deserves no normal answer. A wrong v4 MAC does get one from hosts that are known, and is tolerated.
fn refusable(out: &mut Sink, request: Result<&OpenedRequest, &OpenError>) {
    let place = ("PTYPE", 2..3);
    let texts = || words("a failure", "a normal answer");
    let unknown = match &request {
        Ok(request) => !request.checks.version_known,
        Err(error) => matches!(error, OpenError::UnknownVersion { .. }),
    };
    let wrong_size = !unknown && request.is_err_and(OpenError::is_size);
    out.judge(UNKNOWN_VERSION, place.clone(), !unknown, texts);
    out.judge(TOO_SHORT, place.clone(), !wrong_size, texts);
    if let Ok(checks) = request.map(|request| request.checks)
        && !unknown
    {
        let tampered = checks.padding == Some(false) || checks.inner_version == Some(false);
        out.judge(REJECT_TAMPERED, place, !tampered, texts);
    }
}

fn unopened(out: &mut Sink, got: &Exchanged<'_>, error: &OpenError) {
    let rule = if error.is_size() {
        HOST_SIZE
    } else {
        HOST_PADDING
    };
    let end = got.at.saturating_add(got.response.len());
    out.judge(rule, ("response", got.at..end), false, || {
        words("a response that opens", error)
    });
}

/// Every rule that `kmspec_wire` verifies, each judged once.
fn rules_of_wire(
    out: &mut Sink,
    request: &OpenedRequest,
    response: &OpenedResponse<'_>,
    start: usize,
) {
    let found = verify::response(request, response);
    let of_layout = match response.layout {
        Version::V4 => OF_V4_RESPONSES,
        Version::V5 => OF_V5_RESPONSES,
        Version::V6 => OF_V6_RESPONSES,
    };
    // A request that contradicts itself may be answered in either of its versions; and of a response that contradicts
    // itself, one version being right, no more is to be said than that.
    let (outer, inner) = (response.version, response.body.version);
    let half_right = outer != inner && (outer == request.version || inner == request.version);
    let echo_is_moot = request.checks.inner_version == Some(false) || half_right;
    for rule in OF_RESPONSES.iter().chain(of_layout) {
        if *rule != ECHO_VERSION || !echo_is_moot {
            relay(out, *rule, &found, start);
        }
    }
}

/// A rule of `kmspec_wire` is judged here under its own name.
fn relay(out: &mut Sink, rule: Rule, found: &[verify::Violation], start: usize) {
    let mut found = found.iter();
    let violation = found.find(|violation| violation.rule == rule.requirement);
    let at = start.saturating_add(violation.map_or(0, |v| v.at));
    let field = violation.map_or("", |v| v.field);
    let place = (field, at..at.saturating_add(1));
    out.judge(rule, place, violation.is_none(), || {
        violation.map_or_else(Default::default, |v| (v.expected.clone(), v.got.clone()))
    });
}

/// What must be new in every response of this host.
fn fresh(
    out: &mut Sink,
    memory: &Memory,
    request: &OpenedRequest,
    response: &OpenedResponse<'_>,
    start: usize,
) {
    let (Proof::V5 { x, .. } | Proof::V6 { x, .. }) = response.proof else {
        return;
    };
    let block = xor(x, request.decrypted_iv);
    let new = memory.fresh_random(block);
    let body = start
        .saturating_add(response.body_offset())
        .saturating_add(response.body.size());
    out.judge(
        RANDOM_FRESH,
        ("x", body..body.saturating_add(16)),
        new && !is_half_filled(&block),
        || {
            let got = if new {
                "one half of which is the same octet"
            } else {
                "one seen before"
            };
            words("a new random block", got)
        },
    );
    if response.layout == Version::V6 {
        let iv = start.saturating_add(4);
        let new = memory.fresh_iv(response.iv);
        out.judge(V6_IV_FRESH, ("iv", iv..iv.saturating_add(16)), new, || {
            words("a new IV", "one seen before")
        });
    }
}

/// Whether half of a block, in a row, is one octet. Of random blocks, one in 2^53 is like that.
fn is_half_filled(block: &Block) -> bool {
    block
        .windows(block.len() / 2)
        .any(|half| half.iter().all(|octet| Some(octet) == half.first()))
}

/// What must not change from response to response of this host.
fn stable(
    out: &mut Sink,
    memory: &Memory,
    request: &OpenedRequest,
    response: &OpenedResponse<'_>,
    start: usize,
) {
    let product = (request.body.application_id, request.body.counted_id);
    let epid = response.body.epid;
    let first = memory.first_epid(product, epid);
    let at = start
        .saturating_add(response.body_offset())
        .saturating_add(8);
    let end = at.saturating_add(epid.len());
    out.judge(PID_STABLE, ("epid", at..end), first == epid, || {
        (text(&first), text(epid))
    });
    if let Some(id) = response.hardware_id() {
        let first = memory.first_hardware_id(product, id);
        let body = start
            .saturating_add(response.body_offset())
            .saturating_add(response.body.size());
        let at = body.saturating_add(48);
        out.equal(
            HWID_STABLE,
            ("hardware_id", at..at.saturating_add(8)),
            &first,
            &id,
        );
    }
}

/// UTF-16LE as text, without its terminator.
fn text(epid: &[u8]) -> String {
    let (pairs, _) = epid.as_chunks::<2>();
    let units: Vec<u16> = pairs.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
    String::from_utf16_lossy(&units)
        .trim_end_matches('\0')
        .to_owned()
}

/// What a client asks. A message that does not open is left alone: it may be sealed with other keys.
pub(crate) fn request(out: &mut Sink, keys: &KeySet, message: &[u8], start: usize) {
    let opened = match open_request(keys, message) {
        Ok(opened) if opened.checks.version_known => opened,
        Err(error @ OpenError::RequestSize { .. }) => {
            let end = start.saturating_add(message.len());
            out.judge(CLIENT_SIZE, ("request", start..end), false, || {
                words("the size of its version", error)
            });
            return;
        }
        _ => return,
    };
    out.judge(
        CLIENT_SIZE,
        ("request", start..start),
        true,
        Default::default,
    );
    let found = verify::request(&opened);
    let of_layout = match opened.layout {
        Version::V4 => OF_V4_REQUESTS,
        Version::V5 | Version::V6 => OF_ENCRYPTED_REQUESTS,
    };
    for rule in OF_REQUESTS.iter().chain(of_layout) {
        relay(out, *rule, &found, start);
    }
    let n_policy = opened.body.n_policy;
    let body = if opened.layout == Version::V4 { 0 } else { 20 };
    let at = start.saturating_add(body).saturating_add(80);
    out.judge(
        N_POLICY,
        ("n_policy", at..at.saturating_add(4)),
        n_policy <= MOST_CLIENTS,
        || words(format_args!("at most {MOST_CLIENTS}"), n_policy),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_that_is_verified_is_relayed_under_its_name() {
        let lists = [
            OF_RESPONSES,
            OF_V4_RESPONSES,
            OF_V5_RESPONSES,
            OF_V6_RESPONSES,
            OF_REQUESTS,
            OF_V4_REQUESTS,
            OF_ENCRYPTED_REQUESTS,
        ];
        let relayed: Vec<&str> = lists.concat().iter().map(|rule| rule.requirement).collect();
        let verified: Vec<&str> = verify::RULES.iter().map(|(name, _)| *name).collect();
        for name in &relayed {
            assert!(verified.contains(name), "{name} is verified nowhere");
        }
        for name in &verified {
            assert!(relayed.contains(name), "{name} is not relayed");
        }
    }
}

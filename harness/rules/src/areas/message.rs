//! KMS messages, opened with a key set.

use kmspec_wire::crypto::xor;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{
    OpenError, OpenedRequest, OpenedResponse, Proof, open_request, open_response,
};
use kmspec_wire::kms::{Version, verify};

use super::stubs::Exchanged;
use crate::memory::Memory;
use crate::report::{Sink, words};
use crate::table::{
    CLIENT_SIZE, HOST_PADDING, HOST_SIZE, HWID_STABLE, N_POLICY, PID_STABLE, RANDOM_FRESH,
    REJECT_TAMPERED, Role, Rule, TOO_SHORT, UNKNOWN_VERSION, V6_IV_FRESH,
};

/// Largest N policy that is taken seriously. Source: kms-protocol 6, `policy.n-policy-sane`.
const MOST_CLIENTS: u32 = 1000;

const OF_RESPONSES: &[&str] = &[
    verify::ECHO_VERSION,
    verify::ECHO_CMID,
    verify::ECHO_TIME,
    verify::PID_SIZE,
    verify::PID_TERMINATED,
    verify::PID_GRAMMAR,
    verify::INTERVALS_RANGE,
    verify::SIZE,
];
const OF_V4: &[&str] = &[verify::V4_MAC];
const OF_V5: &[&str] = &[
    verify::VERSION_AGREES,
    verify::PADDING,
    verify::V5_IV_ECHO,
    verify::V5_HASH,
];
const OF_V6: &[&str] = &[
    verify::VERSION_AGREES,
    verify::PADDING,
    verify::V6_IV_FRESH,
    verify::V6_HASH,
    verify::V6_IV_PROOF,
    verify::V6_HMAC,
];
const OF_REQUESTS: &[&str] = &[
    verify::VM_FLAG_RANGE,
    verify::LICENSE_STATUS_RANGE,
    verify::CMID_V4,
    verify::WORKSTATION_TERMINATED,
];
const OF_ENCRYPTED_REQUESTS: &[&str] = &[verify::VERSION_AGREES, verify::PADDING];

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
        Version::V4 => OF_V4,
        Version::V5 => OF_V5,
        Version::V6 => OF_V6,
    };
    // A request that contradicts itself may be answered in either of its versions; and of a response that contradicts
    // itself, one version being right, no more is to be said than that.
    let (outer, inner) = (response.version, response.body.version);
    let half_right = outer != inner && (outer == request.version || inner == request.version);
    let echo_is_moot = request.checks.inner_version == Some(false) || half_right;
    for name in OF_RESPONSES.iter().chain(of_layout) {
        if *name != verify::ECHO_VERSION || !echo_is_moot {
            relay(out, Role::Host, name, &found, start);
        }
    }
}

/// A rule of `kmspec_wire` is judged here under its own name.
fn relay(out: &mut Sink, role: Role, name: &str, found: &[verify::Violation], start: usize) {
    let Some(rule) = Rule::find(role, name) else {
        return;
    };
    let violation = found.iter().find(|violation| violation.rule == name);
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
    let new = memory.fresh_random(xor(x, request.decrypted_iv));
    let body = start
        .saturating_add(response.body_offset())
        .saturating_add(response.body.size());
    out.judge(
        RANDOM_FRESH,
        ("x", body..body.saturating_add(16)),
        new,
        || words("a new random block", "one seen before"),
    );
    if response.layout == Version::V6 {
        let iv = start.saturating_add(4);
        let new = memory.fresh_iv(response.iv);
        out.judge(V6_IV_FRESH, ("iv", iv..iv.saturating_add(16)), new, || {
            words("a new IV", "one seen before")
        });
    }
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
        Version::V4 => OF_V4,
        Version::V5 | Version::V6 => OF_ENCRYPTED_REQUESTS,
    };
    for name in OF_REQUESTS.iter().chain(of_layout) {
        relay(out, Role::Client, name, &found, start);
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

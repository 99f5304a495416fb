//! Faults of KMS messages and of what protects them.

use std::borrow::Cow;

use kmspec_wire::crypto::{Block, pad, sha256, xor};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeyMaterial;
use kmspec_wire::kms::envelope::{
    Content, Mac, OpenedRequest, Padding, ResponseParts, Salts, open_request,
};
use kmspec_wire::kms::{HResult, ResponseBody, Version};

use super::{lost, policy};
use crate::fault::{Fault, Faults};
use crate::host::Host;

/// The request that is read instead of one that a strict host refuses, if a fault lets it.
pub(crate) fn repair(host: &Host, message: &[u8]) -> Option<OpenedRequest> {
    let faults = host.settings.faults;
    let keys = &host.keys;
    let strict = |message: &[u8]| {
        open_request(keys, message)
            .ok()
            .filter(|request| request.checks.all_hold())
    };
    if faults.has(Fault::ShortMessageServed)
        && let Some(whole) = lost::last_octet(keys, message)
    {
        return strict(&whole);
    }
    if faults.has(Fault::LongRequestServed) {
        return [252, 260].into_iter().find_map(|len| {
            message
                .get(..len)
                .filter(|_| message.len() > len)
                .and_then(strict)
        });
    }
    let mut request = open_request(keys, message).ok()?;
    let checks = request.checks;
    let unknown = !request.version.is_exact();
    if faults.has(Fault::UnknownVersionServed) && unknown {
        return Some(request);
    }
    let encrypted = request.layout != Version::V4;
    if faults.has(Fault::V4MacUnchecked) && !encrypted && !unknown {
        return Some(request);
    }
    if faults.has(Fault::PaddingUnchecked)
        && checks.padding == Some(false)
        && checks.inner_version == Some(true)
    {
        return Some(request);
    }
    if faults.has(Fault::TamperedServed) && encrypted && !unknown {
        request.body.version = request.version;
        return Some(request);
    }
    None
}

/// The reason that is given for refusing a message. What asks for more is noted in the host's memory.
pub(crate) fn refusal(host: &mut Host, message: &[u8], refused: HResult) -> HResult {
    let faults = host.settings.faults;
    let opened = open_request(&host.keys, message);
    let known = message.first_chunk().is_some_and(|version| {
        kmspec_wire::kms::ProtocolVersion::from_le_bytes(*version).is_exact()
    });
    let size = if message.get(2) == Some(&4) { 252 } else { 260 };
    let short = message.len() < size;
    let tampered =
        known && message.len() == size && !opened.is_ok_and(|request| request.checks.all_hold());
    let full = refused == HResult::CMID_TABLE_EXHAUSTED;
    host.memory.hang_up |= faults.has(Fault::ShortMessageCloses) && short
        || faults.has(Fault::TamperedCloses) && tampered
        || faults.has(Fault::UnknownVersionCloses) && !known && !short
        || faults.has(Fault::TableFullCloses) && full;
    host.memory.dying |= faults.has(Fault::CrashOnTampering) && tampered;
    if faults.has(Fault::TamperedStatus) && tampered {
        return HResult(0x8007_0005);
    }
    policy::refusal(faults, refused)
}

/// What is kept of a request, and what of its answer is used again. `out` holds the answer, if there is one.
pub(crate) fn remember(
    host: &mut Host,
    message: &[u8],
    request: Option<&OpenedRequest>,
    out: &mut Vec<u8>,
) {
    let faults = host.settings.faults;
    let memory = &mut host.memory;
    if let Some(request) = request {
        memory.cmid = request.body.cmid;
        let name = &request.body.workstation;
        let readable =
            char::decode_utf16(name.name_units().iter().copied()).all(|unit| unit.is_ok());
        memory.dying |= faults.has(Fault::CrashOnUnterminatedName) && !name.is_terminated()
            || faults.has(Fault::CrashOnLoneSurrogate) && !readable;
    }
    memory.message.clear();
    memory.message.extend_from_slice(message);
    if out.is_empty() {
        return;
    }
    if faults.has(Fault::ResponseTrailing) {
        out.extend_from_slice(&[0; 16]);
    }
    if faults.has(Fault::SameAnswerAgain) {
        match &memory.answered {
            Some((asked, answer)) if asked == message => answer.clone_into(out),
            _ => memory.answered = Some((message.to_vec(), out.clone())),
        }
    }
}

/// The extended PID as it is sent.
pub(crate) fn epid(faults: Faults, version: Version, counter: u8, honest: &[u8]) -> Cow<'_, [u8]> {
    if faults.is_empty() {
        return Cow::Borrowed(honest);
    }
    let mut epid = honest.to_vec();
    let end = epid.len().saturating_sub(2);
    let unit = |epid: &mut Vec<u8>, number: usize, character: u8| {
        if let Some(place) = epid.get_mut(number.saturating_mul(2)) {
            *place = character;
        }
    };
    let digit = b'0'.saturating_add(counter % 10);
    if faults.has(Fault::PidUnterminated) {
        epid.truncate(end);
    }
    if faults.has(Fault::PidTerminatedTwice) {
        epid.extend([0, 0]);
    }
    if faults.has(Fault::PidEmpty) {
        epid = vec![0, 0, 0, 0];
    }
    if faults.has(Fault::PidTooLong) {
        let end = end.min(epid.len());
        epid.splice(
            end..,
            [b'0', 0]
                .into_iter()
                .cycle()
                .take(128_usize.saturating_sub(end)),
        );
        epid.extend([0, 0]);
    }
    if faults.has(Fault::PidInnerZero) {
        unit(&mut epid, 5, 0);
    }
    if faults.has(Fault::PidLetters) {
        unit(&mut epid, 7, b'x');
    }
    if faults.has(Fault::PidChanges) {
        unit(&mut epid, 12, digit);
    }
    if faults.has(Fault::PidOfVersion) {
        let [major, _] = version.protocol().major.to_le_bytes();
        unit(&mut epid, 12, b'0'.saturating_add(major));
    }
    if faults.has(Fault::PidDay367) {
        // DDDYYYY stands last, before the terminator.
        let first = (epid.len() / 2).saturating_sub(8);
        for (number, character) in (first..).zip(*b"367") {
            unit(&mut epid, number, character);
        }
    }
    Cow::Owned(epid)
}

/// Everything in a response that the honest host had ready.
pub(crate) fn response<'a>(
    host: &Host,
    now: FileTime,
    request: &OpenedRequest,
    salts: &Salts,
    body: &mut ResponseBody<'a>,
    padding: &'a mut Vec<u8>,
    fill: impl FnOnce(ResponseBody<'a>, Block, Block) -> ResponseParts<'a>,
) -> ResponseParts<'a> {
    let faults = host.settings.faults;
    if faults.is_empty() {
        return fill(*body, salts.random, salts.iv);
    }
    fields(host, now, request, body);
    let random = if faults.has(Fault::RandomRepeats) {
        [0x52; 16]
    } else if faults.has(Fault::RandomOfClient) {
        request.body.cmid.to_le_bytes()
    } else if faults.has(Fault::RandomOfIv) {
        request.iv
    } else if faults.has(Fault::RandomHalf) {
        let [.., a, b, c, d, e, f, g, h] = salts.random;
        [0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h]
    } else {
        salts.random
    };
    let mut parts = fill(*body, random, salts.iv);
    envelope(host, request, random, &mut parts);
    if faults.has(Fault::ResponsePaddingZero) {
        let trailer = if parts.layout == Version::V6 { 88 } else { 48 };
        padding.resize(
            usize::from(pad::byte_for(body.size().saturating_add(trailer))),
            0,
        );
        parts.padding = Padding::Given(padding);
    }
    parts
}

/// A fault and what it does to a field.
type Change<'a> = (Fault, &'a dyn Fn(&mut ResponseBody<'_>));

/// The fields of the answer.
fn fields(host: &Host, now: FileTime, request: &OpenedRequest, body: &mut ResponseBody<'_>) {
    let faults = host.settings.faults;
    let cases: [Change<'_>; 15] = [
        (Fault::MinorVersionOne, &|body| body.version.minor = 1),
        (Fault::InnerVersionFour, &|body| body.version.major = 4),
        (Fault::CmidByteOrder, &|body| {
            body.cmid = Guid::from_u128(u128::from_le_bytes(body.cmid.to_le_bytes()));
        }),
        (Fault::CmidOfOther, &|body| body.cmid = host.memory.cmid),
        (Fault::CmidZero, &|body| body.cmid = Guid::NIL),
        (Fault::TimeOfHost, &|body| body.client_time = now),
        (Fault::TimeLowHalf, &|body| {
            body.client_time.0 &= 0xffff_ffff;
        }),
        (Fault::TimeRounded, &|body| {
            body.client_time = seconds(body.client_time);
        }),
        (Fault::PidSizeTooSmall, &|body| {
            body.pid_size = body.pid_size.saturating_sub(2);
        }),
        (Fault::PidSizeFixed, &|body| {
            body.pid_size = ResponseBody::MAX_PID_SIZE;
        }),
        (Fault::ActivationIntervalZero, &|body| {
            body.activation_interval = 0;
        }),
        (Fault::RenewalIntervalTooLong, &|body| {
            body.renewal_interval = 43_201;
        }),
        (Fault::IntervalsInSeconds, &|body| {
            body.activation_interval = body.activation_interval.saturating_mul(60);
            body.renewal_interval = body.renewal_interval.saturating_mul(60);
        }),
        (Fault::IntervalsOfVersion, &|body| {
            if body.version.major == 4 {
                body.activation_interval = body.activation_interval.saturating_add(1);
                body.renewal_interval = body.renewal_interval.saturating_add(1);
            }
        }),
        (Fault::UnknownVersionServed, &|body| {
            body.version = request.version;
        }),
    ];
    for (_, change) in cases.iter().filter(|(fault, _)| faults.has(*fault)) {
        change(body);
    }
}

/// Cuts a time down to whole seconds, and off by one where it is whole already.
fn seconds(time: FileTime) -> FileTime {
    let second = FileTime::SECOND;
    let rest = time.0 % second;
    time.minus(if rest == 0 { second } else { rest })
}

/// The envelope around the answer.
fn envelope(host: &Host, request: &OpenedRequest, random: Block, parts: &mut ResponseParts<'_>) {
    let faults = host.settings.faults;
    let [noise, ..] = [host.memory.counter; 8];
    let mut bit = Block::default();
    if let Some(octet) = bit.get_mut(5) {
        *octet = 0x10;
    }
    if faults.has(Fault::OuterVersionSix) {
        parts.version = Version::V6.protocol();
    }
    if faults.has(Fault::MinorVersionOne) {
        parts.version.minor = 1;
    }
    if faults.has(Fault::HardwareIdChanges) {
        parts.hardware_id = [noise; 8];
    }
    if faults.has(Fault::HardwareIdOfConnection) {
        let [a, b, c, d] = host.memory.group.to_le_bytes();
        parts.hardware_id = [a, b, c, d, 1, 2, 3, 4];
    }
    match parts.layout {
        Version::V4 => {
            parts.mac = match parts.mac {
                _ if faults.has(Fault::V4MacWrong) => Mac::Xored(bit),
                _ if faults.has(Fault::V4MacZero) => Mac::Given(Block::default()),
                _ if faults.has(Fault::V4MacOfRequest) => {
                    Mac::Given(request.mac.map_or(bit, |mac| mac.got))
                }
                honest => honest,
            };
        }
        Version::V5 => {
            if faults.has(Fault::V5IvFresh) {
                parts.iv = xor(parts.iv, bit);
            }
            if faults.has(Fault::V5IvZero) {
                parts.iv = Block::default();
            }
            if faults.has(Fault::V5HashOfX) {
                parts.hash = sha256(&parts.x);
            }
            if faults.has(Fault::V5XorsTravellingIv) {
                parts.x = xor(random, request.iv);
            }
        }
        Version::V6 => v6(faults, request, random, bit, parts),
    }
}

fn v6(
    faults: Faults,
    request: &OpenedRequest,
    random: Block,
    bit: Block,
    parts: &mut ResponseParts<'_>,
) {
    if faults.has(Fault::V6IvEchoed) {
        parts.iv = request.iv;
    }
    if faults.has(Fault::V6IvRepeats) {
        parts.iv = [0x49; 16];
    }
    if faults.has(Fault::V6IvCounts) {
        // What differs from one to the next are its last two octets.
        let [.., high, low] = parts.iv;
        parts.iv = [0x49; 16];
        let [.., a, b] = &mut parts.iv;
        (*a, *b) = (high, low);
    }
    if faults.has(Fault::V6HashOfX) {
        parts.hash = sha256(&parts.x);
    }
    if faults.has(Fault::V6XorsTravellingIv) {
        parts.x = xor(random, request.iv);
    }
    if faults.has(Fault::V6ProofIsIv) {
        parts.iv_proof = request.iv;
    }
    if faults.has(Fault::V6ProofZero) {
        parts.iv_proof = Block::default();
    }
    let two_slots = KeyMaterial::lab().v6_hmac_time.divisor.saturating_mul(2);
    if faults.has(Fault::V6MacSlotStale) {
        parts.mac_time = Some(request.body.client_time.minus(two_slots));
    }
    if faults.has(Fault::V6MacSlotAhead) {
        parts.mac_time = Some(request.body.client_time.plus(two_slots));
    }
    parts.mac = match parts.mac {
        _ if faults.has(Fault::V6MacWrong) => Mac::Xored(bit),
        _ if faults.has(Fault::V6MacZero) => Mac::Given(Block::default()),
        honest => honest,
    };
    debug_assert!(matches!(parts.body, Content::Fields(_)));
}

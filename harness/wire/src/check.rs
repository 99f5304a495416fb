//! Properties of the formats, as plain functions over octets.
//!
//! Each returns if the property holds for that input and panics, with what it found, if not. Unit tests, the replay of
//! seeds and the fuzz targets call the same functions, so that a crash found anywhere is a test everywhere.

use std::sync::LazyLock;

use crate::codec::{ByteOrder, Writer};
use crate::crypto::Block;
use crate::fragment::{Assembler, Framer, Limits, Part, fragments};
use crate::keys::{KeyMaterial, KeySet};
use crate::kms::envelope::{
    Proof, Salts, open_request, open_response, seal_request, seal_response,
};
use crate::kms::{Epid, RequestBody, ResponseBody, Version, verify};
use crate::ndr::{RequestStub, ResponseStub, TransferSyntax};
use crate::pdu::{Body, CallId, ContextId, Pdu, PfcFlags, Request, RequestBuilder};

/// Expanding keys takes longer than opening a message.
static KEYS: LazyLock<KeySet> = LazyLock::new(KeySet::lab);

/// A PDU that decodes encodes to the same octets: nothing is dropped, nothing invented. One that does not is blamed at a
/// place that it has.
pub fn pdu(bytes: &[u8]) {
    let pdu = match Pdu::decode(bytes) {
        Ok(pdu) => pdu,
        Err(error) => {
            assert!(error.at <= bytes.len(), "{error}: {} octets", bytes.len());
            return;
        }
    };
    let encoded = pdu.encoded();
    assert_eq!(encoded.bytes, bytes, "{pdu:?}");
    for (field, range) in encoded.spans.iter().map(|span| (span.field, &span.range)) {
        assert!(
            range.start <= range.end && range.end <= bytes.len(),
            "{field} at {range:?}"
        );
    }
}

/// A stream is cut into the same PDUs whatever the segments, and each of them is what [`pdu`] says. The first octet is the
/// length of a segment less 1.
pub fn stream(bytes: &[u8]) {
    let Some((&first, stream)) = bytes.split_first() else {
        return;
    };
    let whole = cut(stream, stream.len().max(1));
    let segmented = cut(stream, usize::from(first).saturating_add(1));
    assert_eq!(whole, segmented);
    for octets in &whole.0 {
        pdu(octets);
    }
}

/// The PDUs of a stream that comes in segments of that length, and the `frag_length` that ended it, if one did.
fn cut(stream: &[u8], segment: usize) -> (Vec<Vec<u8>>, Option<u16>) {
    let mut framer = Framer::new();
    let mut pdus = Vec::new();
    for part in stream.chunks(segment) {
        framer.push(part);
        loop {
            match framer.next_pdu() {
                Ok(Some(pdu)) => pdus.push(pdu.to_vec()),
                Ok(None) => break,
                Err(error) => return (pdus, Some(error.got)),
            }
        }
    }
    (pdus, None)
}

/// A stub that travels in fragments is the stub that was sent: cut up, each part in a PDU, all of them one stream, cut
/// into PDUs again, decoded and put together. No fragment is over its size. The first two octets are that size.
pub fn fragmented(bytes: &[u8]) {
    let Some((size, stub)) = bytes.split_first_chunk() else {
        return;
    };
    travels(stub, u16::from_le_bytes(*size).into());
}

fn travels(stub: &[u8], max_frag: usize) {
    let mut stream = Vec::new();
    for fragment in fragments(stub, max_frag, Request::OVERHEAD) {
        let pdu = RequestBuilder::new(fragment.stub)
            .flags(fragment.flags)
            .alloc_hint(u32::try_from(fragment.left).unwrap_or(u32::MAX))
            .encoded();
        let most = max_frag.max(Request::OVERHEAD.saturating_add(8));
        assert!(pdu.bytes.len() <= most, "{} octets", pdu.bytes.len());
        stream.extend_from_slice(&pdu.bytes);
    }
    let (pdus, lost) = cut(&stream, stream.len().max(1));
    assert_eq!(lost, None);
    let mut assembler = Assembler::new(Limits::default());
    let mut whole = None;
    for pdu in &pdus {
        assert!(whole.is_none(), "a fragment behind the last one");
        let decoded = Pdu::decode(pdu);
        let part = decoded.as_ref().ok().and_then(|pdu| match &pdu.body {
            Body::Request(request) => Some(Part::of_request(&pdu.header, request)),
            _ => None,
        });
        assert!(part.is_some(), "{decoded:?}");
        let Some(part) = part else { return };
        let outcome = assembler.push(part);
        assert!(outcome.is_ok(), "{outcome:?}");
        whole = outcome.ok().flatten().map(<[u8]>::to_vec);
    }
    assert_eq!(whole.as_deref(), Some(stub));
}

/// Whatever fragments come in whatever order, a stub that comes out is what its fragments hold, within the limits and fit
/// to travel again, and a refused fragment changes nothing. Five octets a fragment: flags, call, hint, length, content.
pub fn reassembly(bytes: &[u8]) {
    const LIMITS: Limits = Limits {
        total: 300,
        fragments: 8,
    };
    let mut assembler = Assembler::new(LIMITS);
    let mut expected = Vec::new();
    for &[flags, call, hint, len, content] in bytes.as_chunks::<5>().0 {
        let stub = vec![content; usize::from(len)];
        let part = Part {
            flags: PfcFlags(flags & 3),
            call_id: CallId(u32::from(call & 1)),
            context_id: ContextId(0),
            alloc_hint: u32::from(hint).saturating_mul(2),
            stub: &stub,
        };
        let before = assembler.open_call();
        let outcome = assembler.push(part).map(|done| done.map(<[u8]>::to_vec));
        let Ok(done) = outcome else {
            assert_eq!(
                assembler.open_call(),
                before,
                "a refused fragment changed the call"
            );
            continue;
        };
        if part.flags.has(PfcFlags::FIRST_FRAG) {
            expected.clear();
        }
        expected.extend_from_slice(&stub);
        assert!(
            expected.len() <= LIMITS.total,
            "{} octets held",
            expected.len()
        );
        assert_eq!(done.is_some(), part.flags.has(PfcFlags::LAST_FRAG));
        if let Some(done) = done {
            assert_eq!(done, expected);
            travels(&done, 64);
        }
    }
}

/// A stub that decodes encodes to the same octets, in both transfer syntaxes and both byte orders.
pub fn stubs(bytes: &[u8]) {
    for syntax in TransferSyntax::ALL {
        for order in [ByteOrder::Little, ByteOrder::Big] {
            let mut out = Vec::new();
            if let Ok(stub) = RequestStub::decode(syntax, order, bytes) {
                stub.encode(syntax, &mut Writer::new(&mut out).with_order(order));
                assert_eq!(out, bytes, "{syntax:?} {order:?} {stub:?}");
            }
            out.clear();
            if let Ok(stub) = ResponseStub::decode(syntax, order, bytes) {
                stub.encode(syntax, &mut Writer::new(&mut out).with_order(order));
                assert_eq!(out, bytes, "{syntax:?} {order:?} {stub:?}");
            }
        }
    }
}

/// Any message is opened under the lab keys as a request, or refused. Every rule that it breaks is one of the list, and one
/// of which all checks hold is what sealing makes of its content.
pub fn opened_request(bytes: &[u8]) {
    let Ok(request) = open_request(&KEYS, bytes) else {
        return;
    };
    are_listed(&verify::request(&request));
    if request.checks.all_hold() {
        let mut sealed = Vec::new();
        seal_request(&KEYS, &request.body, request.iv, &mut sealed);
        assert_eq!(sealed, bytes, "{request:?}");
    }
}

/// Any message is opened under the lab keys as a response, or refused. Its fields and what follows them are the whole of it,
/// and those of version 4, which lie open, encode to the same octets.
pub fn opened_response(bytes: &[u8]) {
    let mut scratch = Vec::new();
    let Ok(response) = open_response(&KEYS, bytes, &mut scratch) else {
        return;
    };
    let fields = response.body.size().saturating_add(response.proof.size());
    let around = response.body_offset().saturating_add(response.rest.len());
    assert_eq!(fields.saturating_add(around), bytes.len(), "{response:?}");
    if let Proof::V4 { mac } = response.proof {
        let mut encoded = Vec::new();
        response.body.encode(&mut Writer::new(&mut encoded));
        encoded.extend_from_slice(&mac.got);
        assert!(bytes.starts_with(&encoded), "{response:?}");
    }
}

/// Whatever answers a request, every rule that it breaks is one of the list. The first two octets are the length of the
/// request, which follows; the rest is the answer.
pub fn verified(bytes: &[u8]) {
    let Some((len, messages)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((request, response)) = messages.split_at_checked(u16::from_le_bytes(*len).into())
    else {
        return;
    };
    let mut scratch = Vec::new();
    if let (Ok(request), Ok(response)) = (
        open_request(&KEYS, request),
        open_response(&KEYS, response, &mut scratch),
    ) {
        are_listed(&verify::response(&request, &response));
    }
}

/// Each of them is of a rule of the list.
fn are_listed(violations: &[verify::Violation]) {
    for violation in violations {
        let mut rules = verify::RULES.iter();
        let is_listed = rules.any(|(rule, _)| *rule == violation.rule);
        assert!(is_listed, "{violation}");
    }
}

/// What is sealed under the lab keys opens as it was, and the honest answer to it breaks no rule of the crypto and echoes
/// what it must. What carries a MAC is not believed with a bit flipped; IV and randomness begin with which one. Octets:
/// version, IVs, randomness, hardware id, request body, ePID.
pub fn sealed(bytes: &[u8]) {
    let mut bytes = bytes;
    let (Some([version]), Some(iv), Some(salt), Some(reply_iv), Some(hardware_id), Some(body)) = (
        take(&mut bytes),
        take(&mut bytes),
        take(&mut bytes),
        take(&mut bytes),
        take(&mut bytes),
        take::<{ RequestBody::SIZE }>(&mut bytes),
    ) else {
        return;
    };
    let Ok(body) = RequestBody::from_bytes(&body) else {
        return;
    };
    let version = Version::ALL
        .into_iter()
        .cycle()
        .nth(usize::from(version))
        .unwrap_or(Version::V6);
    let body = RequestBody {
        version: version.protocol(),
        ..body
    };
    let keys = &*KEYS;

    let mut message = Vec::new();
    let sent = seal_request(keys, &body, iv, &mut message);
    let received = open_request(keys, &message);
    assert_eq!(received.as_ref().ok(), Some(&sent));
    assert!(sent.checks.all_hold(), "{sent:?}");
    if version == Version::V4 {
        let bit = flip(&mut message, iv);
        let opened = open_request(keys, &message);
        let believed = opened.is_ok_and(|request| request.checks.all_hold());
        assert!(!believed, "a request with bit {bit} flipped is believed");
    }

    let epid = bytes
        .get(..bytes.len().min(128) & !1)
        .filter(|epid| epid.len() >= 4)
        .unwrap_or(&[0; 4]);
    let answer = ResponseBody::to_request(&body, epid, 50);
    let salts = Salts {
        random: salt,
        iv: reply_iv,
    };
    let mut reply = Vec::new();
    seal_response(keys, &sent, &answer, hardware_id, &salts, &mut reply);
    let mut scratch = Vec::new();
    let response = open_response(keys, &reply, &mut scratch);
    assert_eq!(response.as_ref().map(|response| response.body), Ok(answer));
    let fresh = salts.iv != iv || version != Version::V6;
    for violation in response
        .iter()
        .flat_map(|response| verify::response(&sent, response))
    {
        let about_sealing = ["crypto.", "message.echo", "message.version"];
        assert!(
            !fresh
                || !about_sealing
                    .iter()
                    .any(|rules| violation.rule.starts_with(rules)),
            "{violation}"
        );
    }
    if version != Version::V5 {
        let bit = flip(&mut reply, salt);
        let response = open_response(keys, &reply, &mut scratch);
        let believed = response.is_ok_and(|response| verify::response(&sent, &response).is_empty());
        assert!(!believed, "a response with bit {bit} flipped is believed");
    }
}

/// Flips the bit that the first two octets of a block say, and tells which one that is.
fn flip(message: &mut [u8], [low, high, ..]: Block) -> usize {
    let bits = message.len().saturating_mul(8);
    let bit = usize::from(u16::from_le_bytes([low, high]))
        .checked_rem(bits)
        .unwrap_or_default();
    if let Some(octet) = message.get_mut(bit >> 3) {
        *octet ^= 1 << (bit & 7);
    }
    bit
}

/// Takes the first octets off.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// A key file is read, or refused at a place that is in it.
pub fn key_file(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    match KeyMaterial::from_toml(text) {
        Ok(material) => assert_ne!(material.v6_hmac_time.divisor, 0),
        Err(error) => {
            let lines = text.split('\n').count();
            assert!(
                (1..=lines).contains(&error.line),
                "line {} of {lines}",
                error.line
            );
            let line = text
                .split('\n')
                .nth(error.line.saturating_sub(1))
                .unwrap_or_default();
            let columns = line.chars().count().saturating_add(1);
            assert!(
                (1..=columns).contains(&error.column),
                "column {} of {columns}",
                error.column
            );
        }
    }
}

/// An extended PID that is read prints as it was, as text and on the wire.
pub fn epid(bytes: &[u8]) {
    if let Ok(epid) = Epid::from_wire(bytes) {
        let back = epid.to_wire();
        assert!(
            back == bytes || back.strip_suffix(&[0, 0]) == Some(bytes),
            "{epid}"
        );
    }
    if let Ok(text) = str::from_utf8(bytes)
        && let Ok(epid) = text.parse::<Epid>()
    {
        assert_eq!(epid.to_string(), text);
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    /// Runs a property over arbitrary octets.
    fn any_octets(property: fn(&[u8])) {
        arbtest(|u| {
            property(&u.arbitrary::<Vec<u8>>()?);
            Ok(())
        });
    }

    #[test]
    fn any_stream_is_cut_alike() {
        any_octets(super::stream);
    }

    #[test]
    fn any_stub_survives_fragments() {
        any_octets(super::fragmented);
    }

    #[test]
    fn any_fragments_are_put_together_or_refused() {
        any_octets(super::reassembly);
    }

    #[test]
    fn any_message_opens_or_is_refused() {
        any_octets(|octets| {
            super::opened_request(octets);
            super::opened_response(octets);
        });
    }

    #[test]
    fn any_answer_is_verified() {
        any_octets(super::verified);
    }

    #[test]
    fn any_body_survives_its_envelope() {
        arbtest(|u| {
            let mut bytes: Vec<u8> = u.arbitrary()?;
            bytes.resize(bytes.len().max(400), 7);
            super::sealed(&bytes);
            Ok(())
        });
    }

    #[test]
    fn any_stub_that_decodes_encodes_alike() {
        any_octets(super::stubs);
    }
}

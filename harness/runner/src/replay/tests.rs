//! That comparing works: a field of an answer is changed, and the difference bears its name.

use std::collections::BTreeSet;

use kmspec_wire::codec::{ByteOrder, Writer};
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::ResponseBody;
use kmspec_wire::kms::envelope::{
    Content, Mac, OpenedRequest, Padding, Proof, ResponseParts, open_request, open_response,
};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindAck, BindNak, Body, CallId, ContextId, ContextResult, Fault, FaultStatus, Header,
    NakReason, Pdu, PduType, ResultList, SyntaxId,
};

use super::answer::Answer;
use super::compare::{Difference, Side, Status, differences};
use super::fields::{FIELDS, Kind, rule};
use super::flatten::{Asked, Layout};
use super::recording::{Recorded, read};

/// An answer with what was asked.
struct Sample {
    asked: Vec<u8>,
    syntax: TransferSyntax,
    request: Option<OpenedRequest>,
    answer: Answer,
}

impl Sample {
    fn compare(&self, changed: &Answer) -> Vec<Difference> {
        let keys = KeySet::lab();
        let side = |answer| Side {
            answer,
            asked: Asked {
                pdu: &self.asked,
                syntax: self.syntax,
                request: self.request.as_ref(),
            },
            keys: &keys,
        };
        differences(&side(&self.answer), &side(changed), &[])
    }
}

fn recorded(number: &str) -> Vec<Recorded> {
    let mut captures = kmspec_captures::all().iter();
    let capture = captures
        .find(|capture| capture.file.starts_with(number))
        .unwrap();
    read(capture.file, capture.bytes).exchanges
}

fn call(exchange: &Recorded) -> Sample {
    let pdu = Pdu::decode(&exchange.request[0]).unwrap();
    let Body::Request(request) = pdu.body else {
        panic!("a request")
    };
    let stub = RequestStub::decode(exchange.syntax, ByteOrder::Little, request.stub).unwrap();
    Sample {
        asked: exchange.request[0].clone(),
        syntax: exchange.syntax,
        request: open_request(&KeySet::lab(), stub.request).ok(),
        answer: exchange.answer.clone(),
    }
}

fn made(asked: &[u8], ptype: PduType, body: Body<'_>) -> Sample {
    let call_id = Header::peek(asked).map_or(CallId(1), |header| header.call_id);
    let pdu = Pdu {
        header: Header::new(ptype, call_id),
        body,
        auth: None,
    };
    let mut octets = Vec::new();
    pdu.encode(&mut octets);
    Sample {
        asked: asked.to_vec(),
        syntax: TransferSyntax::Ndr32,
        request: None,
        answer: Answer::of(octets),
    }
}

/// Recorded answers of each kind, and made ones with the fields that no recording has.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    for number in ["01", "03", "07"] {
        let exchanges = recorded(number);
        samples.extend(exchanges.iter().take(2).map(call));
        let step = exchanges[0].setup[0].clone();
        samples.push(Sample {
            asked: step.sent,
            syntax: TransferSyntax::Ndr32,
            request: None,
            answer: step.answer,
        });
    }
    samples.extend(
        recorded("31")
            .iter()
            .filter(|e| e.call.is_some())
            .take(2)
            .map(call),
    );
    let (bind, request) = (samples[2].asked.clone(), samples[0].asked.clone());
    let nak = BindNak::new(NakReason::NOT_SPECIFIED);
    samples.push(made(&bind, PduType::BIND_NAK, Body::BindNak(nak)));
    let fault = Fault {
        stub: &[1, 2, 3, 4],
        ..Fault::new(FaultStatus::OP_RNG_ERROR, ContextId(0))
    };
    samples.push(made(&request, PduType::FAULT, Body::Fault(fault)));
    let accepted = [ContextResult::accepted(SyntaxId::NDR32)];
    let ack = BindAck {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 7,
        secondary_address: b"1688\0",
        padding: &[],
        results: ResultList::new(&accepted),
        trailing: &[9],
    };
    samples.push(made(&bind, PduType::BIND_ACK, Body::BindAck(ack)));
    let refused = ResponseStub {
        trailing: &[0],
        ..ResponseStub::failure(0x8007_000d)
    };
    let mut stub = Vec::new();
    refused.encode(TransferSyntax::Ndr32, &mut Writer::new(&mut stub));
    let mut trailing = call(&recorded("01")[0]);
    trailing.answer = trailing.with_stub(&stub);
    samples.push(trailing);
    samples
}

impl Sample {
    /// The same answer with another stub.
    fn with_stub(&self, stub: &[u8]) -> Answer {
        let pdu = Pdu::decode(&self.answer.pdus[0]).unwrap();
        let Body::Response(mut response) = pdu.body else {
            panic!("a response")
        };
        response.stub = stub;
        response.alloc_hint = u32::try_from(stub.len()).unwrap();
        let mut octets = Vec::new();
        let body = Body::Response(response);
        Pdu { body, ..pdu }.encode(&mut octets);
        Answer::of(octets)
    }
}

/// Copies of an answer with one field of the PDU or its stub changed, by the field's name.
fn with_one_field_changed(sample: &Sample) -> Vec<(String, Answer)> {
    let layout = Layout::of(&sample.answer, sample.syntax);
    let octets = &sample.answer.pdus[0];
    let changed = |at: usize| {
        let mut copy = octets.clone();
        copy[at] ^= 1;
        Answer::of(copy)
    };
    let of_pdu = layout
        .pdu()
        .map(|(name, range)| (name.clone(), changed(range.start)));
    let stub = layout.stub().filter(|(name, _)| name != "stub.response");
    let of_stub = stub.map(|(name, range)| (name.clone(), changed(24 + range.start)));
    of_pdu.chain(of_stub).collect()
}

type Change = for<'a> fn(&mut ResponseParts<'a>, &'a Paddings);

/// Paddings for a message, each of the right length.
struct Paddings {
    /// Not PKCS#7.
    wrong: Vec<u8>,
    /// PKCS#7 behind a block that is no field.
    long: Vec<u8>,
}

impl Paddings {
    fn like(padding: &[u8]) -> Self {
        let wrong = vec![0x55; padding.len()];
        let long = [&[0x55; 16], padding].concat();
        Self { wrong, long }
    }
}

fn body(parts: &mut ResponseParts<'_>, change: impl FnOnce(&mut ResponseBody<'_>)) {
    if let Content::Fields(body) = &mut parts.body {
        change(body);
    }
}

/// Changes to one field of a message; everything that depends on it is made right on sealing, the rest stays.
const CHANGES: &[(&str, Change)] = &[
    ("message.version", |parts, _| parts.version.minor = 1),
    ("message.iv", |parts, _| parts.iv[0] ^= 1),
    ("body.version", |parts, _| {
        body(parts, |body| body.version.minor = 1);
    }),
    ("body.pid_size", |parts, _| {
        body(parts, |body| body.pid_size -= 2);
    }),
    ("body.epid", |parts, _| body(parts, |body| body.epid = EPID)),
    ("body.cmid", |parts, _| {
        body(parts, |body| body.cmid = Guid::NIL);
    }),
    ("body.client_time", |parts, _| {
        body(parts, |body| body.client_time.0 += 1);
    }),
    ("body.count", |parts, _| body(parts, |body| body.count += 1)),
    ("body.activation_interval", |parts, _| {
        body(parts, |body| body.activation_interval += 1);
    }),
    ("body.renewal_interval", |parts, _| {
        body(parts, |body| body.renewal_interval += 1);
    }),
    ("message.x", |parts, _| parts.x[0] ^= 1),
    ("message.hash", |parts, _| parts.hash[0] ^= 1),
    ("message.hardware_id", |parts, _| parts.hardware_id[0] ^= 1),
    ("message.iv_proof", |parts, _| parts.iv_proof[0] ^= 1),
    ("message.mac", |parts, _| parts.mac = Mac::Xored([1; 16])),
    ("message.padding", |parts, paddings| {
        parts.padding = Padding::Given(&paddings.wrong);
    }),
    ("message.size", |parts, paddings| {
        parts.padding = Padding::Given(&paddings.long);
    }),
];

/// Another ePID of the same length as that in capture 02 and 03.
const EPID: &[u8] = b"9\x009\x009\x009\x009\x00-\x000\x000\x002\x000\x006\x00-\x005\x005\x004\x00-\x009\x006\x001\x003\x004\x004\x00-\
0\x003\x00-\x001\x001\x000\x002\x00-\x009\x006\x000\x000\x00.\x000\x000\x000\x000\x00-\x000\x009\x001\x002\x000\x002\x004\x00\x00\x00";

/// A copy of an answer whose message has one change.
fn resealed(sample: &Sample, change: Change) -> Answer {
    let keys = KeySet::lab();
    let (stub, order) = sample.answer.stub().unwrap();
    let decoded = ResponseStub::decode(sample.syntax, order, &stub).unwrap();
    let mut scratch = Vec::new();
    let opened = open_response(&keys, decoded.response().unwrap(), &mut scratch).unwrap();
    let (x, hash, hardware_id, iv_proof) = match opened.proof {
        Proof::V4 { .. } => ([0; 16], [0; 32], [0; 8], [0; 16]),
        Proof::V5 { x, hash } => (x, hash, [0; 8], [0; 16]),
        Proof::V6 {
            x,
            hash,
            hardware_id,
            iv_proof,
            ..
        } => (x, hash, hardware_id, iv_proof),
    };
    let mut parts = ResponseParts {
        layout: opened.layout,
        version: opened.version,
        iv: opened.iv,
        body: Content::Fields(opened.body),
        x,
        hash,
        hardware_id,
        iv_proof,
        mac: Mac::Computed,
        mac_time: None,
        mac_slot: kmspec_wire::keys::Slot::Same,
        padding: Padding::Pkcs7,
    };
    let paddings = Paddings::like(opened.rest);
    change(&mut parts, &paddings);
    let mut message = Vec::new();
    parts.seal(&keys, &mut message);
    sample.with_stub(&ResponseStub::success(&message).to_bytes(sample.syntax))
}

fn reports(found: &[Difference], name: &str) -> bool {
    found.iter().any(|difference| difference.field == name)
}

#[test]
fn a_recorded_answer_differs_in_nothing_from_itself() {
    for sample in samples() {
        let wrong = sample.compare(&sample.answer);
        let wrong: Vec<_> = wrong
            .iter()
            .filter(|d| !d.got.starts_with(&d.recorded))
            .collect();
        assert!(wrong.is_empty(), "{wrong:?}");
    }
    for number in ["02", "03"] {
        let sample = call(&recorded(number)[0]);
        let found = sample.compare(&resealed(&sample, |_, _| ()));
        let free = |difference: &Difference| difference.field == "stub.referent";
        assert!(found.iter().all(free), "{found:?}");
    }
}

#[test]
fn every_field_that_is_changed_is_reported_by_its_name() {
    let mut covered = BTreeSet::new();
    for sample in samples() {
        for (name, changed) in with_one_field_changed(&sample) {
            let found = sample.compare(&changed);
            assert!(reports(&found, &name), "{name}: {found:?}");
            covered.insert(
                rule(&name)
                    .unwrap_or_else(|| panic!("{name} is in no rule"))
                    .name,
            );
        }
    }
    for number in ["01", "02", "03"] {
        let sample = call(&recorded(number)[0]);
        let version = sample.request.as_ref().unwrap().version.major;
        for (name, change) in CHANGES {
            let only_v6 = matches!(*name, "message.hardware_id" | "message.iv_proof");
            let not_v4 = !matches!(*name, "message.mac") && name.starts_with("message.");
            let in_v5 = *name != "message.mac";
            let fits = match version {
                4 => !not_v4,
                5 => in_v5 && !only_v6,
                // In version 6 another IV is as good.
                _ => *name != "message.iv",
            };
            // In version 4 there is one version only.
            let name = match (version, *name) {
                (4, "body.version") => "message.version",
                (_, name) => name,
            };
            if fits {
                let found = sample.compare(&resealed(&sample, *change));
                assert!(reports(&found, name), "v{version} {name}: {found:?}");
                covered.insert(name);
            }
        }
    }
    let garbage = call(&recorded("03")[0]);
    let stub = ResponseStub::success(&[6; 260]).to_bytes(garbage.syntax);
    let found = garbage.compare(&garbage.with_stub(&stub));
    assert!(reports(&found, "message"), "{found:?}");
    covered.insert("message");
    let missing: Vec<_> = FIELDS
        .iter()
        .filter(|rule| !covered.contains(rule.name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_changed_field_is_wrong_unless_it_is_free() {
    for sample in samples() {
        for (name, changed) in with_one_field_changed(&sample) {
            let kind = rule(&name).unwrap().kind;
            let found = sample.compare(&changed);
            let it = found
                .iter()
                .find(|difference| difference.field == name)
                .unwrap();
            let lawful = kind == Kind::Free || is_negotiation(&name) || it.recorded == it.got;
            assert!(lawful || it.is_wrong(), "{it:?}");
            assert!(
                kind != Kind::Free || it.status == Status::Free || it.is_wrong(),
                "{it:?}"
            );
        }
    }
}

/// What is granted of NDR64 and of bind-time features is the host's.
fn is_negotiation(name: &str) -> bool {
    name.starts_with("ack.") && name.ends_with(']')
}

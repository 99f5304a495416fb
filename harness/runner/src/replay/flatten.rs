//! An answer as a list of fields.

mod message;

use std::ops::Range;

use kmspec_wire::codec::{ByteOrder, Writer};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::OpenedRequest;
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Body, Header, Pdu, PduType};

use super::answer::Answer;
use super::explain::offered;
use super::fields::{Form, rule};

/// What was asked, as far as judging an answer needs it.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The PDU sent; of a request in fragments the first.
    pub pdu: &'a [u8],
    /// Encoding of the stub of the answer.
    pub syntax: TransferSyntax,
    /// The KMS request, if there is one that opens.
    pub request: Option<&'a OpenedRequest>,
}

/// A field of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name as in [`FIELDS`](super::FIELDS); with an index where it stands in a list.
    pub field: String,
    /// Its octets.
    pub octets: Vec<u8>,
    /// It, written for people.
    pub shown: String,
    /// Where it is not as it must be: the requirement it breaks, or nothing where none is its own.
    pub broken: Option<&'static str>,
}

/// Where the fields of an answer stand.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    pdu: Vec<(String, Range<usize>)>,
    stub: Vec<(String, Range<usize>)>,
}

impl Layout {
    /// Where the fields of the PDU stand.
    #[cfg(test)]
    pub(super) fn pdu(&self) -> impl Iterator<Item = &(String, Range<usize>)> {
        self.pdu.iter()
    }

    /// Where the fields of the stub stand.
    #[cfg(test)]
    pub(super) fn stub(&self) -> impl Iterator<Item = &(String, Range<usize>)> {
        self.stub.iter()
    }

    /// The layout of an answer, as far as it can be read.
    pub(super) fn of(answer: &Answer, syntax: TransferSyntax) -> Self {
        let first = answer.pdus.first().map_or(&[][..], Vec::as_slice);
        let stub = answer.stub();
        let stub = stub.map(|(stub, order)| stub_places(&stub, order, syntax));
        Self {
            pdu: pdu_places(first),
            stub: stub.unwrap_or_default(),
        }
    }
}

/// All fields of an answer, in wire order: those of its first PDU, of the whole stub and of the message.
///
/// What of it cannot be read is left out; [`compare`](super::compare) then reads it by the layout of the recorded answer.
pub fn flatten(answer: &Answer, asked: &Asked<'_>, keys: &KeySet) -> Vec<Value> {
    flatten_like(answer, asked, keys, &Layout::default())
}

/// The same; what cannot be read by itself is read as if it were laid out like this.
pub(super) fn flatten_like(
    answer: &Answer,
    asked: &Asked<'_>,
    keys: &KeySet,
    like: &Layout,
) -> Vec<Value> {
    let Some(first) = answer.pdus.first() else {
        return Vec::new();
    };
    let order = order_of(first);
    let own = Layout::of(answer, asked.syntax);
    let places = if own.pdu.len() > HEADER.len() {
        &own.pdu
    } else {
        &like.pdu
    };
    let mut values = Vec::new();
    let stub = answer.stub().map_or(Vec::new(), |(stub, _)| stub);
    let of_pdu = |name: &str, octets: &[u8]| relation(name, octets, first, asked, &stub);
    take(&mut values, places, first, order, of_pdu);
    let places = if own.stub.is_empty() {
        &like.stub
    } else {
        &own.stub
    };
    let message = places
        .iter()
        .find(|(name, _)| name == MESSAGE)
        .and_then(|(_, range)| stub.get(range.clone()));
    let of_stub = |name: &str, octets: &[u8]| stub_relation(name, octets, order, message);
    let places: Vec<_> = places.iter().filter(|(name, _)| name != MESSAGE).collect();
    take(&mut values, places, &stub, order, of_stub);
    if let Some(message) = message {
        message::values(&mut values, message, asked.request, keys);
    }
    values
}

/// The stub's field that holds the message: it is taken apart instead of being compared.
const MESSAGE: &str = "stub.response";

/// The common header: its fields stand where they stand, whatever follows.
const HEADER: [(&str, Range<usize>); 8] = [
    ("header.rpc_vers", 0..1),
    ("header.rpc_vers_minor", 1..2),
    ("header.PTYPE", 2..3),
    ("header.pfc_flags", 3..4),
    ("header.packed_drep", 4..8),
    ("header.frag_length", 8..10),
    ("header.auth_length", 10..12),
    ("header.call_id", 12..16),
];

fn order_of(pdu: &[u8]) -> ByteOrder {
    Header::peek(pdu).map_or(ByteOrder::Little, |header| header.drep.order())
}

/// Where the fields of a PDU stand, without the stub of a response; the header's alone if the rest cannot be read.
fn pdu_places(octets: &[u8]) -> Vec<(String, Range<usize>)> {
    let mut places: Vec<_> = HEADER
        .into_iter()
        .map(|(name, range)| (name.to_owned(), range))
        .collect();
    let Ok(pdu) = Pdu::decode(octets) else {
        return places;
    };
    let part = match pdu.body {
        Body::BindAck(_) | Body::AlterContextResp(_) => "ack",
        Body::BindNak(_) => "nak",
        Body::Fault(_) => "fault",
        Body::Response(_) => "response",
        _ => return places,
    };
    let encoded = pdu.encoded();
    let mut seen: Vec<&str> = Vec::new();
    for span in encoded.spans {
        let in_header = span.range.end <= Header::LEN;
        if in_header || (part, span.field) == ("response", "stub") || span.range.is_empty() {
            continue;
        }
        let nth = seen.iter().filter(|field| **field == span.field).count();
        seen.push(span.field);
        let in_list = matches!(span.field, "result" | "reason")
            || ["transfer_syntax", "p_protocols"]
                .iter()
                .any(|list| span.field.starts_with(list));
        let name = if in_list {
            format!("{part}.{}[{nth}]", span.field)
        } else {
            format!("{part}.{}", span.field)
        };
        places.push((name, span.range));
    }
    places
}

/// Where the fields of a response's stub stand; nothing if it cannot be read.
fn stub_places(
    stub: &[u8],
    order: ByteOrder,
    syntax: TransferSyntax,
) -> Vec<(String, Range<usize>)> {
    let Ok(decoded) = ResponseStub::decode(syntax, order, stub) else {
        return Vec::new();
    };
    let (mut octets, mut spans) = (Vec::new(), Vec::new());
    let writer = Writer::new(&mut octets).with_order(order);
    decoded.encode(syntax, &mut writer.with_spans(&mut spans));
    let places = spans.into_iter().filter(|span| !span.range.is_empty());
    places
        .map(|span| (format!("stub.{}", span.field), span.range))
        .collect()
}

/// Adds the fields that stand in these places.
fn take<'a>(
    values: &mut Vec<Value>,
    places: impl IntoIterator<Item = &'a (String, Range<usize>)>,
    octets: &[u8],
    order: ByteOrder,
    broken: impl Fn(&str, &[u8]) -> Option<&'static str>,
) {
    for (name, range) in places {
        let Some(octets) = octets.get(range.clone()) else {
            continue;
        };
        values.push(Value {
            field: name.clone(),
            octets: octets.to_vec(),
            shown: show(name, octets, order),
            broken: broken(name, octets),
        });
    }
}

/// The requirement that a field of a PDU breaks, if it does not stand in the relation it must.
fn relation(
    name: &str,
    octets: &[u8],
    pdu: &[u8],
    asked: &Asked<'_>,
    stub: &[u8],
) -> Option<&'static str> {
    let got = number(octets, order_of(pdu));
    let asked_pdu = Pdu::decode(asked.pdu).ok();
    let asked_header = Header::peek(asked.pdu).ok();
    let context = asked_pdu.and_then(|pdu| match pdu.body {
        Body::Request(request) => Some(request.context_id.0),
        _ => None,
    });
    let right = match name {
        "header.frag_length" => got == len64(pdu),
        "header.call_id" => asked_header.is_none_or(|asked| got == u64::from(asked.call_id.0)),
        "ack.n_results" => got == len64(&offered(asked.pdu)),
        "fault.cancel_count"
        | "fault.flags"
        | "fault.reserved"
        | "response.cancel_count"
        | "response.reserved" => got == 0,
        "response.alloc_hint" => got == len64(stub),
        "response.p_cont_id" => {
            context.is_none_or(|id| got == u64::from(id) || got == u64::from(id & 0x00ff))
        }
        _ => true,
    };
    (!right).then(|| match (name, asked_header.map(|asked| asked.ptype)) {
        ("header.call_id", Some(PduType::BIND)) => "rpc.bind.ack-echoes-call-id",
        ("header.call_id", _) if pdu.get(2) == Some(&PduType::FAULT.0) => {
            "rpc.header.call-id-echoed-in-fault"
        }
        _ => rule(name).map_or("", |rule| rule.requirement),
    })
}

/// The same for a field of a stub.
fn stub_relation(
    name: &str,
    octets: &[u8],
    order: ByteOrder,
    message: Option<&[u8]>,
) -> Option<&'static str> {
    let got = number(octets, order);
    let right = match name {
        "stub.responseSize" | "stub.max_count" => got == len64(message.unwrap_or_default()),
        "stub.responseSize.padding" | "stub.response.padding" => {
            octets.iter().all(|octet| *octet == 0)
        }
        "stub.referent" => (got == 0) == message.is_none(),
        _ => true,
    };
    (!right).then(|| rule(name).map_or("", |rule| rule.requirement))
}

/// A value in the form its field is written in.
fn show(name: &str, octets: &[u8], order: ByteOrder) -> String {
    let value = number(octets, order);
    let form = rule(name).map_or(Form::Octets, |rule| rule.form);
    match form {
        Form::Number => value.to_string(),
        Form::Hex => format!("0x{value:0width$x}", width = octets.len() * 2),
        Form::Guid => guid(octets, order),
        Form::Time => FileTime(value).to_string(),
        Form::Ascii => octets.escape_ascii().to_string().replace("\\x00", ""),
        Form::Utf16 => utf16(octets),
        Form::Octets if name == "message" => String::from_utf8_lossy(octets).into_owned(),
        Form::Octets => hex(octets),
    }
}

fn utf16(octets: &[u8]) -> String {
    let (units, _) = octets.as_chunks::<2>();
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units.take_while(|unit| *unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn hex(octets: &[u8]) -> String {
    use std::fmt::Write as _;
    octets.iter().fold(String::new(), |mut text, octet| {
        // Writing to a String does not fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

/// Up to eight octets as a number.
fn number(octets: &[u8], order: ByteOrder) -> u64 {
    let push = |value: u64, octet: &u8| value << 8 | u64::from(*octet);
    match order {
        ByteOrder::Big => octets.iter().fold(0, push),
        ByteOrder::Little => octets.iter().rev().fold(0, push),
    }
}

fn len64<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

fn guid(octets: &[u8], order: ByteOrder) -> String {
    let wire = <[u8; 16]>::try_from(octets);
    wire.map_or_else(
        |_| hex(octets),
        |wire| Guid::from_wire(wire, order).to_string(),
    )
}

/// Where a field of the common header stands.
pub(super) fn place_in_header(field: &str) -> Option<Range<usize>> {
    let place = HEADER.iter().find(|(name, _)| *name == field);
    place.map(|(_, range)| range.clone())
}

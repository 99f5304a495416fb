use kmspec_wire::codec::{ByteOrder, Span, Writer};
use kmspec_wire::crypto::{BLOCK_SIZE, Block};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::fragments;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{Content as Plaintext, Mac, Padding, RequestParts};
use kmspec_wire::kms::ids::WINDOWS;
use kmspec_wire::kms::{LicenseStatus, ProtocolVersion, RequestBody, Version, WorkstationName};
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindBuilder, Body, CallId, Drep, Encoded, Header, Pdu, PduType, PfcFlags, Request,
    RequestBuilder,
};

use crate::choices::{Choices, Dice};
use crate::edit::{Edit, Layer};
use crate::session::{Call, Content, Group, Message, Offer, Order, Plain, Sending, Stub};

/// What octets depend on beside the session.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// The keys that requests are sealed with.
    pub keys: &'a KeySet,
    /// The client time of requests.
    pub now: FileTime,
    /// What salts and the client machine id follow from. Its low seven octets alone say which client it is, and end the id,
    /// so that octets of this session can be told from those of any other.
    pub mark: u64,
    /// The association group that the host gave each connection of the session.
    pub groups: &'a [(u8, u32)],
}

impl<'a> Surroundings<'a> {
    /// Of a session that is not played: for lengths, places, and octets that follow from its steps alone.
    pub(crate) const fn nowhere(keys: &'a KeySet) -> Self {
        Self {
            keys,
            now: FileTime(0),
            mark: 0,
            groups: &[],
        }
    }

    /// What an honest client of this mark asks in this version.
    pub fn body(&self, version: ProtocolVersion) -> RequestBody {
        let client = self.mark & 0x00ff_ffff_ffff_ffff;
        let [a, b, c, d, e, f, g, _] = client.to_le_bytes();
        let mut dice = Dice::new(client, 0);
        let mut cmid: Block = block(&mut dice);
        let [.., h, i, j, k, l, m, n] = &mut cmid;
        (*h, *i, *j, *k, *l, *m, *n) = (a, b, c, d, e, f, g);
        let cmid = Guid::random(cmid);
        let name = format!("MARK-{client:014X}");
        RequestBody {
            version,
            is_client_vm: 0,
            license_status: LicenseStatus::OOB_GRACE,
            binding_expiration: 43_200,
            application_id: WINDOWS,
            activation_id: Guid::from_u128(0x7311_1121_5638_40f6_bc11_f1d7_b0d6_4300),
            counted_id: COUNTED,
            cmid,
            n_policy: 25,
            client_time: self.now,
            previous_cmid: Guid::NIL,
            workstation: WorkstationName::new(&name)
                .unwrap_or_else(|_| WorkstationName::from_units([0; WorkstationName::UNITS])),
        }
    }
}

/// A counted id that hosts of Windows clients know. Source: observed, captures/04-vlmcs-vlmcsd-products.pcap.
const COUNTED: Guid = Guid::from_u128(0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148);

/// A sending made octets, with the fields of each of its layers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// The plaintext of the message, if it has one.
    pub body: Encoded,
    /// The message, if it has one.
    pub message: Encoded,
    /// The stub, if it has one.
    pub stub: Encoded,
    /// What travels.
    pub pdu: Encoded,
}

impl Rendered {
    /// One layer of it.
    pub const fn layer(&self, layer: Layer) -> &Encoded {
        match layer {
            Layer::Body => &self.body,
            Layer::Message => &self.message,
            Layer::Stub => &self.stub,
            Layer::Pdu => &self.pdu,
        }
    }
}

impl Sending {
    /// The octets that travel the first time.
    pub fn render(&self, around: &Surroundings<'_>) -> Vec<u8> {
        self.render_nth(around, 0)
    }

    /// The octets that travel the `nth` time, counted from 0.
    pub fn render_nth(&self, around: &Surroundings<'_>, nth: u16) -> Vec<u8> {
        self.rendered(around, nth).pdu.bytes
    }

    /// The same with the fields of each layer.
    pub fn rendered(&self, around: &Surroundings<'_>, nth: u16) -> Rendered {
        self.made(around, nth, Sealing::Real)
    }

    /// The same with zeros for what would be sealed. Lengths and places are right, and that is all a mutation asks for.
    pub(crate) fn outlined(&self, around: &Surroundings<'_>) -> Rendered {
        self.made(around, 0, Sealing::Outline)
    }

    fn made(&self, around: &Surroundings<'_>, nth: u16, sealing: Sealing) -> Rendered {
        let mut rendered = Rendered::default();
        rendered.pdu = match &self.content {
            Content::Bind(offer) => offer_octets(offer, BindBuilder::new(), around, nth),
            Content::Alter(offer) => offer_octets(offer, BindBuilder::alter(), around, nth),
            Content::Request(call) => self.call(call, around, nth, sealing, &mut rendered),
            Content::Pdu(plain) => plain_octets(plain, nth),
            Content::Raw(octets) => Encoded {
                bytes: octets.clone(),
                spans: Vec::new(),
            },
        };
        self.edit(Layer::Pdu, &mut rendered.pdu);
        rendered
    }

    fn edit(&self, layer: Layer, encoded: &mut Encoded) {
        for edit in self.edits.iter().filter(|edit| edit.layer == layer) {
            edit.apply(encoded);
        }
    }

    fn call(
        &self,
        call: &Call,
        around: &Surroundings<'_>,
        nth: u16,
        sealing: Sealing,
        all: &mut Rendered,
    ) -> Encoded {
        let order = call.order.octets();
        match &call.stub {
            Stub::Octets(octets) => all.stub.bytes.clone_from(octets),
            Stub::Marshalled(syntax, message) => {
                match message {
                    Message::Octets(octets) => all.message.bytes.clone_from(octets),
                    Message::Kms(version) => self.seal(*version, around, nth, sealing, all),
                }
                self.edit(Layer::Message, &mut all.message);
                all.stub = marshalled(*syntax, order, &all.message.bytes);
            }
        }
        self.edit(Layer::Stub, &mut all.stub);
        let call_id = call.call_id.wrapping_add(u32::from(nth));
        let mut builder = RequestBuilder::new(Vec::new())
            .call_id(call_id)
            .context(call.context_id)
            .opnum(call.opnum)
            .drep(call.order.drep());
        let most = match call.fragment {
            0 => usize::MAX,
            most => usize::from(most),
        };
        let most = most.min(usize::from(u16::MAX));
        let mut pdu = Encoded::default();
        for fragment in fragments(&all.stub.bytes, most, Request::OVERHEAD) {
            builder = builder
                .flags(fragment.flags)
                .alloc_hint(u32::try_from(fragment.left).unwrap_or(u32::MAX));
            builder.stub = fragment.stub.to_vec();
            append(&mut pdu, builder.encoded());
            if let Some(ptype) = call.amid
                && !fragment.flags.has(PfcFlags::LAST_FRAG)
                && fragment.flags.has(PfcFlags::FIRST_FRAG)
            {
                append(&mut pdu, plain_octets(&Plain::empty(ptype, call_id), 0));
            }
        }
        pdu
    }

    fn seal(
        &self,
        version: ProtocolVersion,
        around: &Surroundings<'_>,
        nth: u16,
        sealing: Sealing,
        all: &mut Rendered,
    ) {
        let body = &mut all.body;
        around
            .body(version)
            .encode(&mut Writer::new(&mut body.bytes).with_spans(&mut body.spans));
        let (of_padding, of_body): (Vec<&Edit>, Vec<&Edit>) = self
            .edits
            .iter()
            .filter(|edit| edit.layer == Layer::Body)
            .partition(|edit| edit.place.field == PADDING);
        for edit in of_body {
            edit.apply(body);
        }
        let layout = version.layout();
        let content = body.bytes.len();
        if layout != Version::V4 {
            kmspec_wire::crypto::pad::pad(&mut body.bytes, 0);
            let range = content..body.bytes.len();
            body.spans.push(Span {
                field: PADDING,
                range,
            });
            for edit in of_padding {
                edit.apply(body);
            }
        }
        match sealing {
            Sealing::Real => {
                let parts = RequestParts {
                    layout,
                    version,
                    iv: block(&mut Dice::new(around.mark, u64::from(nth).wrapping_add(1))),
                    body: Plaintext::Given(&body.bytes),
                    mac: Mac::Computed,
                    padding: Padding::Given(&[]),
                };
                parts.seal(around.keys, &mut all.message.bytes);
            }
            Sealing::Outline => {
                let len = body.bytes.len().saturating_add(beside(layout));
                all.message.bytes.resize(len, 0);
            }
        }
        all.message.spans = sealed_fields(layout, all.message.bytes.len());
    }
}

/// Whether messages are really sealed.
#[derive(Clone, Copy, Debug)]
enum Sealing {
    Real,
    /// Zeros of the right length.
    Outline,
}

/// Octets of a message beside its padded plaintext: the MAC of version 4, version and IV of the others.
const fn beside(layout: Version) -> usize {
    match layout {
        Version::V4 => BLOCK_SIZE,
        Version::V5 | Version::V6 => BLOCK_SIZE.saturating_add(4),
    }
}

/// Name of the padding among the fields of a plaintext.
const PADDING: &str = "padding";

fn sealed_fields(layout: Version, len: usize) -> Vec<Span> {
    let span = |field, range| Span { field, range };
    match layout {
        Version::V4 => {
            let mac = len.saturating_sub(BLOCK_SIZE);
            vec![span("body", 0..mac), span("mac", mac..len)]
        }
        Version::V5 | Version::V6 => vec![
            span("version", 0..4),
            span("iv", 4..20),
            span("ciphertext", 20..len),
        ],
    }
}

fn marshalled(syntax: TransferSyntax, order: ByteOrder, message: &[u8]) -> Encoded {
    let mut stub = Encoded::default();
    let mut w = Writer::new(&mut stub.bytes)
        .with_order(order)
        .with_spans(&mut stub.spans);
    RequestStub::new(message).encode(syntax, &mut w);
    stub
}

fn offer_octets(offer: &Offer, plain: BindBuilder, around: &Surroundings<'_>, nth: u16) -> Encoded {
    let mut builder = plain
        .call_id(offer.call_id.wrapping_add(u32::from(nth)))
        .flags(offer.flags)
        .drep(offer.order.drep())
        .fragments(offer.max_xmit_frag, offer.max_recv_frag)
        .group(match offer.group {
            Group::Given(group) => group,
            Group::Of(connection) => {
                let mut known = around.groups.iter();
                known
                    .find(|(of, _)| *of == connection)
                    .map_or(0, |(_, group)| *group)
            }
        });
    builder.contexts.clone_from(&offer.contexts);
    builder.encoded()
}

fn plain_octets(plain: &Plain, nth: u16) -> Encoded {
    // An unknown body keeps its octets, whatever the type says of them.
    let mut header = Header::new(
        PduType(0xff),
        CallId(plain.call_id.wrapping_add(u32::from(nth))),
    );
    header.pfc_flags = plain.flags;
    let pdu = Pdu {
        header,
        body: Body::Unknown(&plain.body),
        auth: None,
    };
    let mut encoded = pdu.encoded();
    encoded.overwrite("PTYPE", &[plain.ptype.0]);
    encoded
}

fn append(all: &mut Encoded, one: Encoded) {
    let at = all.bytes.len();
    all.bytes.extend(one.bytes);
    all.spans.extend(one.spans.into_iter().map(|span| Span {
        range: span.range.start.saturating_add(at)..span.range.end.saturating_add(at),
        ..span
    }));
}

fn block(dice: &mut Dice) -> Block {
    let mut block = Block::default();
    for (place, octet) in block.iter_mut().zip(dice.octets(BLOCK_SIZE)) {
        *place = octet;
    }
    block
}

impl Order {
    pub(crate) const fn drep(self) -> Drep {
        match self {
            Self::Little => Drep::LITTLE_ENDIAN,
            Self::Big => Drep::BIG_ENDIAN,
        }
    }

    const fn octets(self) -> ByteOrder {
        match self {
            Self::Little => ByteOrder::Little,
            Self::Big => ByteOrder::Big,
        }
    }
}

impl Plain {
    /// A PDU of this type without a body.
    pub const fn empty(ptype: PduType, call_id: u32) -> Self {
        Self {
            ptype,
            flags: PfcFlags::WHOLE,
            call_id,
            body: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use kmspec_wire::kms::envelope::open_request;
    use kmspec_wire::pdu::SyntaxId;

    use super::*;
    use crate::edit::Op;
    use crate::edit::Place;

    fn around(keys: &KeySet) -> Surroundings<'_> {
        Surroundings {
            keys,
            now: FileTime(134_398_416_170_000_000),
            mark: 0x0102_0304_0506_0708,
            groups: &[(3, 77)],
        }
    }

    fn opened(sending: &Sending, keys: &KeySet) -> kmspec_wire::kms::envelope::OpenedRequest {
        let rendered = sending.rendered(&around(keys), 0);
        open_request(keys, &rendered.message.bytes).unwrap()
    }

    #[test]
    fn a_changed_plaintext_is_sealed_again_with_the_right_mac_and_padding() {
        let keys = KeySet::lab();
        for version in Version::ALL {
            let mut sending = Sending::new(Content::Request(Call::kms(version)));
            sending.edits = vec![Edit::set(Layer::Body, "n_policy", &[0xff; 4])];
            let request = opened(&sending, &keys);
            assert_eq!(request.body.n_policy, u32::MAX, "{version}");
            assert!(request.checks.all_hold(), "{version}");
        }
    }

    #[test]
    fn only_the_padding_or_the_mac_is_wrong_where_only_it_is_edited() {
        let keys = KeySet::lab();
        for (version, edit, check) in [
            (
                Version::V4,
                Edit::set(Layer::Message, "mac", &[0]),
                "request_mac",
            ),
            (
                Version::V6,
                Edit::set(Layer::Body, "padding", &[9]),
                "request_padding",
            ),
            (
                Version::V5,
                Edit::set(Layer::Body, "major_version", &[9]),
                "request_inner_version",
            ),
        ] {
            let mut sending = Sending::new(Content::Request(Call::kms(version)));
            sending.edits = vec![edit];
            let checks = opened(&sending, &keys).checks;
            let wrong: Vec<_> = checks.named().filter(|(_, holds)| !holds).collect();
            assert_eq!(wrong, [(check, false)]);
        }
    }

    #[test]
    fn a_longer_plaintext_makes_a_longer_message_and_honest_lengths_around_it() {
        let keys = KeySet::lab();
        let mut sending = Sending::new(Content::Request(Call::kms(Version::V6)));
        sending.edits = vec![Edit {
            layer: Layer::Body,
            place: Place::field("workstation_name"),
            op: Op::Grow(16),
        }];
        let rendered = sending.rendered(&around(&keys), 0);
        assert_eq!(rendered.message.bytes.len(), 276);
        assert_eq!(rendered.stub.bytes[..4], 276u32.to_le_bytes());
        assert_eq!(rendered.pdu.bytes.len(), 24 + 8 + 276);
        assert_eq!(rendered.pdu.bytes[8..10], 308u16.to_le_bytes());
    }

    #[test]
    fn a_call_in_fragments_has_each_field_once_a_fragment() {
        let keys = KeySet::lab();
        let call = Call {
            fragment: 88,
            ..Call::kms(Version::V5)
        };
        let rendered = Sending::new(Content::Request(call)).rendered(&around(&keys), 0);
        let spans = |field| {
            rendered
                .pdu
                .spans
                .iter()
                .filter(|s| s.field == field)
                .count()
        };
        assert_eq!((spans("pfc_flags"), spans("stub")), (5, 5));
        assert!(
            rendered
                .pdu
                .spans
                .iter()
                .all(|s| s.range.end <= rendered.pdu.bytes.len())
        );
    }

    #[test]
    fn a_session_carries_its_mark_and_a_repetition_its_own_call_id() {
        let keys = KeySet::lab();
        let sending = Sending::new(Content::Request(Call::kms(Version::V4)));
        let first = sending.render_nth(&around(&keys), 0);
        let second = sending.render_nth(&around(&keys), 5);
        let marked = |octets: &[u8]| octets.windows(7).any(|w| w == [8, 7, 6, 5, 4, 3, 2]);
        assert!(marked(&first) && marked(&second));
        assert_eq!((first[12], second[12]), (2, 7));
        assert!(opened(&sending, &keys).body.cmid.is_random());
    }

    #[test]
    fn a_group_is_the_one_the_host_gave() {
        let keys = KeySet::lab();
        for (group, expected) in [(Group::Given(5), 5), (Group::Of(3), 77), (Group::Of(4), 0)] {
            let offer = Offer {
                group,
                ..Offer::kms().offering(1, SyntaxId::KMS, &[SyntaxId::NDR64])
            };
            let octets = Sending::new(Content::Bind(offer)).render(&around(&keys));
            assert_eq!(octets[20..24], u32::to_le_bytes(expected));
        }
    }

    #[test]
    fn a_pdu_of_any_type_keeps_its_body() {
        let keys = KeySet::lab();
        let plain = Plain {
            body: vec![1, 2, 3],
            ..Plain::empty(PduType::BIND, 9)
        };
        let octets = Sending::new(Content::Pdu(plain)).render(&around(&keys));
        assert_eq!(octets[2], 11);
        assert_eq!(octets[8..10], [19, 0]);
        assert_eq!(octets[16..], [1, 2, 3]);
    }
}

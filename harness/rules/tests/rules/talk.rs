//! Conversations to be spoilt in one place.

use std::sync::Arc;

use kmspec_rules::{Direction, Judge, Memory, Roles};
use kmspec_wire::btfn::Features;
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{RequestParts, ResponseParts, Salts, open_request};
use kmspec_wire::kms::{LicenseStatus, RequestBody, ResponseBody, Version, WorkstationName};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{
    BindAck, BindBuilder, BindNak, Body, CallId, ContextId, ContextResult, Encoded, Fault,
    FaultStatus, Header, NakReason, Pdu, PduType, PfcFlags, Reason, RequestBuilder, Response,
    ResultList, SyntaxId,
};

use Direction::{FromClient, FromHost};

/// PDUs in the order in which they went.
#[derive(Clone, Default)]
pub(crate) struct Talk(pub(crate) Vec<(Direction, Encoded)>);

/// Of an odd number of UTF-16 units with its terminator, so that the return value needs padding in version 4.
const EPID: &str = "99999-00206-000-000000-03-1033-9600.0000-0012026";

/// The random block of every response.
pub(crate) const RANDOM: [u8; 16] = *b"chosen by a dice";

impl Talk {
    /// Bind, its answer, one call of this version, and its answer.
    pub(crate) fn of(version: Version) -> Self {
        Self::with(version, TransferSyntax::Ndr32, |_| {}, |_| {})
    }

    /// The same with one thing changed before sealing.
    pub(crate) fn with(
        version: Version,
        syntax: TransferSyntax,
        ask: impl FnOnce(&mut RequestParts<'_>),
        answer: impl FnOnce(&mut ResponseParts<'_>),
    ) -> Self {
        let (request, response) = messages(version, ask, answer);
        Self::bound(syntax)
            .calls(2, &RequestStub::new(&request).to_bytes(syntax))
            .answers(2, &ResponseStub::success(&response).to_bytes(syntax))
    }

    /// Bind and its answer: one context accepted, one rejected, features negotiated.
    pub(crate) fn bound(syntax: TransferSyntax) -> Self {
        let other = TransferSyntax::ALL
            .into_iter()
            .find(|s| *s != syntax)
            .unwrap();
        let bind = BindBuilder::new()
            .offering(0, SyntaxId::KMS, &[syntax.id()])
            .offering(1, SyntaxId::KMS, &[other.id()])
            .offering(2, SyntaxId::KMS, &[Features::ALL.syntax()]);
        Self::default().sent(bind.encoded()).acked(&[
            ContextResult::accepted(syntax.id()),
            ContextResult::rejected(Reason::TRANSFER_SYNTAXES_NOT_SUPPORTED),
            ContextResult::negotiated(3),
        ])
    }

    pub(crate) fn sent(mut self, pdu: Encoded) -> Self {
        self.0.push((FromClient, pdu));
        self
    }

    pub(crate) fn received(mut self, header: Header, body: Body<'_>) -> Self {
        let pdu = Pdu {
            header,
            body,
            auth: None,
        };
        self.0.push((FromHost, pdu.encoded()));
        self
    }

    pub(crate) fn acked(self, results: &[ContextResult]) -> Self {
        let header = Header::new(PduType::BIND_ACK, CallId(1));
        self.received(header, Body::BindAck(ack(b"1688\0", results)))
    }

    pub(crate) fn altered(self, call_id: u32, results: &[ContextResult]) -> Self {
        let header = Header::new(PduType::ALTER_CONTEXT_RESP, CallId(call_id));
        self.received(header, Body::AlterContextResp(ack(b"", results)))
    }

    pub(crate) fn naked(self, reason: NakReason) -> Self {
        let header = Header::new(PduType::BIND_NAK, CallId(1));
        self.received(header, Body::BindNak(BindNak::new(reason)))
    }

    pub(crate) fn calls(self, call_id: u32, stub: &[u8]) -> Self {
        self.sent(RequestBuilder::new(stub).call_id(call_id).encoded())
    }

    pub(crate) fn answers(self, call_id: u32, stub: &[u8]) -> Self {
        let hint = u32::try_from(stub.len()).unwrap();
        self.part(call_id, PfcFlags::WHOLE, hint, stub)
    }

    pub(crate) fn part(self, call_id: u32, flags: PfcFlags, hint: u32, stub: &[u8]) -> Self {
        let header = Header::new(PduType::RESPONSE, CallId(call_id)).with_flags(flags);
        let response = Response {
            alloc_hint: hint,
            context_id: ContextId(0),
            cancel_count: 0,
            reserved: 0,
            stub,
        };
        self.received(header, Body::Response(response))
    }

    pub(crate) fn faults(self, call_id: u32, status: FaultStatus) -> Self {
        let flags = PfcFlags::WHOLE | PfcFlags::DID_NOT_EXECUTE;
        let header = Header::new(PduType::FAULT, CallId(call_id)).with_flags(flags);
        let fault = Fault {
            alloc_hint: 32,
            context_id: ContextId(0),
            cancel_count: 0,
            flags: 0,
            status,
            reserved: [0; 4],
            stub: &[],
        };
        self.received(header, Body::Fault(fault))
    }

    /// With one field of the PDU in this place overwritten.
    pub(crate) fn but(mut self, pdu: usize, field: &str, octets: &[u8]) -> Self {
        let there = self.0[pdu].1.overwrite(field, octets);
        assert!(there, "{field} is not in PDU {pdu}");
        self
    }

    /// The same for the `nth` field of that name.
    pub(crate) fn but_nth(mut self, pdu: usize, field: &str, nth: usize, octets: &[u8]) -> Self {
        let there = self.0[pdu].1.overwrite_nth(field, nth, octets);
        assert!(there, "{field} is not in PDU {pdu}");
        self
    }

    /// With octets behind the PDU in this place.
    pub(crate) fn longer(mut self, pdu: usize, octets: &[u8]) -> Self {
        self.0[pdu].1.extend(octets);
        self
    }

    /// With the PDU in this place cut.
    pub(crate) fn shorter(mut self, pdu: usize, octets: usize) -> Self {
        let len = self.0[pdu].1.bytes.len();
        self.0[pdu].1.cut(len - octets);
        self
    }

    /// Changes any octets.
    pub(crate) fn edit(mut self, pdu: usize, edit: impl FnOnce(&mut Vec<u8>)) -> Self {
        edit(&mut self.0[pdu].1.bytes);
        self
    }

    /// What a judge of both roles says, with the lab keys.
    pub(crate) fn judged(&self, memory: &Memory) -> Judge {
        let mut judge = Judge::new(Roles::BOTH)
            .with_keys(Arc::new(KeySet::lab()))
            .with_memory(memory.clone());
        for (direction, pdu) in &self.0 {
            judge.octets(*direction, &pdu.bytes);
        }
        judge
    }
}

fn ack<'a>(secondary_address: &'a [u8], results: &'a [ContextResult]) -> BindAck<'a> {
    BindAck {
        max_xmit_frag: 5840,
        max_recv_frag: 5840,
        assoc_group_id: 0x1234,
        secondary_address,
        padding: &[],
        results: ResultList::new(results),
        trailing: &[],
    }
}

/// A request of this version and its response.
pub(crate) fn messages(
    version: Version,
    ask: impl FnOnce(&mut RequestParts<'_>),
    answer: impl FnOnce(&mut ResponseParts<'_>),
) -> (Vec<u8>, Vec<u8>) {
    let keys = KeySet::lab();
    let body = RequestBody {
        version: version.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 43_200,
        application_id: Guid::from_u128(1),
        activation_id: Guid::from_u128(2),
        counted_id: Guid::from_u128(3),
        cmid: Guid::random([7; 16]),
        n_policy: 25,
        client_time: kmspec_wire::filetime::FileTime(134_398_416_170_000_000),
        previous_cmid: Guid::NIL,
        workstation: WorkstationName::new("a").unwrap(),
    };
    let mut parts = RequestParts::honest(body, [0x11; 16]);
    ask(&mut parts);
    let (mut request, mut response) = (Vec::new(), Vec::new());
    parts.seal(&keys, &mut request);
    // A request that was spoilt beyond reading is answered as if it had not been.
    let opened = open_request(&keys, &request).unwrap_or_else(|_| {
        let mut honest = Vec::new();
        RequestParts::honest(body, [0x11; 16]).seal(&keys, &mut honest);
        open_request(&keys, &honest).unwrap()
    });
    let epid: Vec<u8> = EPID
        .encode_utf16()
        .chain([0])
        .flat_map(u16::to_le_bytes)
        .collect();
    let salts = Salts {
        random: RANDOM,
        iv: [0x33; 16],
    };
    let honest = ResponseBody::to_request(&opened.body, &epid, 1);
    let mut parts = ResponseParts::honest(&opened, honest, [0x44; 8], &salts);
    answer(&mut parts);
    parts.seal(&keys, &mut response);
    (request, response)
}

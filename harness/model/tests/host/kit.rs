//! What the tests of the host share: requests, binds, and a pair of host and client that are driven step by step.

use kmspec_model::{After, Connection, Host, Settings};
use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::{Assembler, Framer, Limits, Part};
use kmspec_wire::guid::Guid;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{OpenedRequest, open_response, seal_request};
use kmspec_wire::kms::{
    HResult, LicenseStatus, RequestBody, Version, WorkstationName, ids, verify,
};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, Body, Encoded, Pdu, RequestBuilder, SyntaxId};

/// The time of the tests: 2026-11-22.
pub(crate) const NOW: FileTime = FileTime(134_398_416_170_000_000);

/// A request that every host answers.
pub(crate) fn request(version: Version, client: u64) -> RequestBody {
    RequestBody {
        version: version.protocol(),
        is_client_vm: 0,
        license_status: LicenseStatus::OOB_GRACE,
        binding_expiration: 43_200,
        application_id: ids::WINDOWS,
        activation_id: Guid::from_u128(0x7311_1121_5638_40f6_bc11_f1d7_b0d6_4300),
        counted_id: Guid::from_u128(0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148),
        cmid: Guid::random((u128::from(client) << 64 | 0x1234).to_be_bytes()),
        n_policy: 25,
        client_time: NOW,
        previous_cmid: Guid::NIL,
        workstation: WorkstationName::new("client.lab").unwrap(),
    }
}

/// A plain bind: context 0, NDR32.
pub(crate) fn bind() -> BindBuilder {
    BindBuilder::new().offering(0, SyntaxId::KMS, &[SyntaxId::NDR32])
}

/// The stub of a request that every host answers, in NDR32.
pub(crate) fn stub(version: Version) -> Vec<u8> {
    stub_of(TransferSyntax::Ndr32, &request(version, 1)).0
}

/// The stub of this request, and what verifying its answer needs.
pub(crate) fn stub_of(syntax: TransferSyntax, body: &RequestBody) -> (Vec<u8>, OpenedRequest) {
    let mut message = Vec::new();
    let sent = seal_request(&KeySet::lab(), body, [0x5a; 16], &mut message);
    (RequestStub::new(&message).to_bytes(syntax), sent)
}

/// A plain call.
pub(crate) fn call() -> RequestBuilder {
    RequestBuilder::new(stub(Version::V6))
}

/// A host with one client.
pub(crate) struct Pair {
    pub(crate) host: Host,
    pub(crate) link: Connection,
    pub(crate) now: FileTime,
}

/// What came back: the octets cut into PDUs, and what became of the connection.
pub(crate) struct Answer {
    pub(crate) pdus: Vec<Vec<u8>>,
    pub(crate) after: After,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let mut host = Host::new(settings);
        let link = Connection::open(&mut host, NOW, 1688);
        Self {
            host,
            link,
            now: NOW,
        }
    }

    pub(crate) fn bound_by(bind: &BindBuilder) -> Self {
        let mut pair = Self::new();
        let answer = pair.send(bind.encoded());
        assert_eq!((answer.types(), answer.after), (vec![12], After::Open));
        pair
    }

    pub(crate) fn send(&mut self, octets: impl AsRef<[u8]>) -> Answer {
        let mut out = Vec::new();
        let next = self
            .link
            .receive(&mut self.host, self.now, octets.as_ref(), &mut out);
        Answer {
            pdus: cut(&out),
            after: next.after,
        }
    }

    /// The count in the answer to this request, or why it was refused.
    pub(crate) fn activate(
        &mut self,
        syntax: TransferSyntax,
        context: u16,
        body: &RequestBody,
    ) -> Result<u32, HResult> {
        let (stub, sent) = stub_of(syntax, body);
        let answer = self.send(RequestBuilder::new(stub).context(context).encoded());
        assert_eq!(answer.after, After::Open);
        opened(&answer, syntax, &sent)
    }
}

/// Opens and verifies an answer.
pub(crate) fn opened(
    answer: &Answer,
    syntax: TransferSyntax,
    sent: &OpenedRequest,
) -> Result<u32, HResult> {
    let stub = answer.stub();
    let stub = ResponseStub::decode(syntax, ByteOrder::Little, &stub).unwrap();
    assert!(stub.trailing.is_empty());
    let Some(response) = stub.response() else {
        return Err(HResult(stub.return_value));
    };
    assert_eq!(stub.return_value, 0);
    let mut scratch = Vec::new();
    let response = open_response(&KeySet::lab(), response, &mut scratch).unwrap();
    assert_eq!(verify::response(sent, &response), []);
    Ok(response.body.count)
}

impl Answer {
    pub(crate) fn types(&self) -> Vec<u8> {
        self.pdus.iter().map(|pdu| pdu[2]).collect()
    }

    /// The whole stub of a response.
    pub(crate) fn stub(&self) -> Vec<u8> {
        let mut assembler = Assembler::new(Limits::default());
        for octets in &self.pdus {
            let pdu = Pdu::decode(octets).unwrap();
            let Body::Response(response) = &pdu.body else {
                panic!("not a response: {:?}", pdu.body);
            };
            if let Some(stub) = assembler
                .push(Part::of_response(&pdu.header, response))
                .unwrap()
            {
                return stub.to_vec();
            }
        }
        panic!("no whole response in {:?}", self.types());
    }
}

pub(crate) fn cut(octets: &[u8]) -> Vec<Vec<u8>> {
    let mut framer = Framer::new();
    framer.push(octets);
    let mut pdus = Vec::new();
    while let Some(pdu) = framer.next_pdu().unwrap() {
        pdus.push(pdu.to_vec());
    }
    assert!(framer.pending().is_empty());
    pdus
}

/// Several PDUs in one segment.
pub(crate) fn together(pdus: &[Encoded]) -> Vec<u8> {
    pdus.iter()
        .flat_map(|pdu| pdu.bytes.iter().copied())
        .collect()
}

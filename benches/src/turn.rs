use kmspec_model::{Connection, Host, Settings};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::Version;
use kmspec_wire::kms::envelope::open_request;
use kmspec_wire::ndr::{RequestStub, TransferSyntax};
use kmspec_wire::pdu::{BindBuilder, RequestBuilder, SyntaxId};

/// A turn of the reference host, over and over on one connection: a request PDU in; verified, counted, answered and
/// sealed; a response PDU out.
#[derive(Debug)]
pub struct HostTurn {
    host: Host,
    connection: Connection,
    now: FileTime,
    pdu: Vec<u8>,
    out: Vec<u8>,
}

impl HostTurn {
    /// A host that is bound and has answered nobody yet, and the recorded request of that version.
    pub fn new(version: Version, syntax: TransferSyntax) -> Self {
        let request = crate::call(version).request;
        let opened =
            open_request(&KeySet::lab(), &request).expect("the recording is under the lab keys");
        let now = opened.body.client_time;
        let stub = RequestStub::new(&request).to_bytes(syntax);
        let offered = match syntax {
            TransferSyntax::Ndr32 => SyntaxId::NDR32,
            TransferSyntax::Ndr64 => SyntaxId::NDR64,
        };
        let bind = BindBuilder::new()
            .offering(0, SyntaxId::KMS, &[offered])
            .encoded();
        let mut host = Host::new(Settings::default());
        let mut connection = Connection::open(&mut host, now, 1688);
        let mut out = Vec::new();
        let _open = connection.receive(&mut host, now, bind.as_ref(), &mut out);
        Self {
            host,
            connection,
            now,
            pdu: RequestBuilder::new(stub).encoded().bytes,
            out,
        }
    }

    /// Takes a turn: the response PDU.
    pub fn take(&mut self) -> &[u8] {
        self.out.clear();
        let _open = self
            .connection
            .receive(&mut self.host, self.now, &self.pdu, &mut self.out);
        assert!(self.out.len() > 190, "{} bytes", self.out.len());
        &self.out
    }
}

//! KMS on top of a [`Link`]: requests made and sealed, answers opened and verified.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::guid::Guid;
use kmspec_wire::kms::envelope::{
    OpenedRequest, Proof, RequestParts, open_request, open_response, seal_request,
};
use kmspec_wire::kms::verify::{self, Violation};
use kmspec_wire::kms::{
    HResult, LicenseStatus, ProtocolVersion, RequestBody, Version, WorkstationName, ids,
};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Body, FaultStatus, Pdu, RequestBuilder};

use super::link::Arrival;
use super::{Ending, Link, Peer};
use crate::check::{Field, ResponsePdu, Seen};
use crate::verdict::{Evidence, Failure, Stop};

/// A product that a host is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Family.
    pub application_id: Guid,
    /// Edition.
    pub activation_id: Guid,
    /// Group by which the host grants or refuses.
    pub counted_id: Guid,
    /// Clients the product needs before it activates.
    pub n_policy: u32,
}

impl Product {
    /// A client edition of Windows. Source: observed, captures/01-vlmcs-vlmcsd-v4-one-connection.pcap.
    pub const WINDOWS: Self = Self {
        application_id: ids::WINDOWS,
        activation_id: Guid::from_u128(0x7311_1121_5638_40f6_bc11_f1d7_b0d6_4300),
        counted_id: Guid::from_u128(0x58e2_134f_8e11_4d17_9cb2_9106_9c15_1148),
        n_policy: 25,
    };
}

/// A request as it is sent.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The sealed message.
    pub message: Vec<u8>,
    /// What is in it, as verifying the answer needs it.
    pub opened: OpenedRequest,
}

/// A verified answer, its fields owned. What it breaks is in `violations`.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The request it answers.
    pub request: OpenedRequest,
    /// The sealed message.
    pub message: Vec<u8>,
    /// Outer version.
    pub version: ProtocolVersion,
    /// Inner version.
    pub inner_version: ProtocolVersion,
    /// IV as it travelled; zero in version 4.
    pub iv: [u8; 16],
    /// MACs, hashes and the hardware id.
    pub proof: Proof,
    /// Extended PID: UTF-16LE octets with their terminator.
    pub epid: Vec<u8>,
    /// Client machine id.
    pub cmid: Guid,
    /// Client time.
    pub client_time: FileTime,
    /// Machines counted.
    pub count: u32,
    /// Minutes.
    pub activation_interval: u32,
    /// Minutes.
    pub renewal_interval: u32,
    /// Every rule it breaks.
    pub violations: Vec<Violation>,
    step: usize,
}

impl Activation {
    /// The extended PID as text, without its terminator.
    pub fn epid_text(&self) -> String {
        let units = self
            .epid
            .chunks_exact(2)
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        char::decode_utf16(units.take_while(|unit| *unit != 0))
            .map(|c| c.unwrap_or('\u{fffd}'))
            .collect()
    }

    /// The hardware id, in version 6.
    pub const fn hardware_id(&self) -> Option<[u8; 8]> {
        match self.proof {
            Proof::V6 { hardware_id, .. } => Some(hardware_id),
            Proof::V4 { .. } | Proof::V5 { .. } => None,
        }
    }

    /// A value of this answer under the name of its field.
    pub fn field<T: std::fmt::Debug>(&self, name: &str, value: T) -> Field<T> {
        Field::new(name, value, self.step, self.evidence())
    }

    /// It must not break this rule of the KMS protocol.
    ///
    /// # Errors
    /// A failure with what the rule asks and what was found.
    pub fn obeys(&self, rule: &str) -> Result<(), Stop> {
        self.obeys_all(&[rule])
    }

    /// It must not break any of these rules of the KMS protocol.
    ///
    /// # Errors
    /// As [`Self::obeys`], for the first that is broken.
    pub fn obeys_all(&self, rules: &[&str]) -> Result<(), Stop> {
        let Some(violation) = self
            .violations
            .iter()
            .find(|violation| rules.contains(&violation.rule))
        else {
            return Ok(());
        };
        let Violation {
            field,
            expected,
            got,
            ..
        } = violation.clone();
        let evidence = Some(self.evidence());
        Err(Failure {
            step: self.step,
            field: field.to_owned(),
            expected,
            got,
            evidence,
        }
        .into())
    }

    fn evidence(&self) -> Evidence {
        let what = format!(
            "KMS {} response, {} octets as sealed",
            self.version,
            self.message.len()
        );
        Evidence {
            what,
            octets: self.message.clone(),
            highlight: None,
        }
    }
}

/// What a host does with a KMS message.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It answers.
    Answered(Box<Activation>),
    /// It answers with this error.
    Refused(HResult),
    /// It answers with a fault.
    Fault(FaultStatus),
    /// It ends the connection.
    Ended(Ending),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(activation) => write!(
                f,
                "a KMS {} response, as if all were well",
                activation.version
            ),
            Self::Refused(hresult) => write!(f, "HRESULT {hresult}"),
            Self::Fault(status) => write!(f, "fault {status}"),
            Self::Ended(ending) => write!(f, "the connection {ending}"),
        }
    }
}

/// One lawful thing to do with a KMS message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lawful {
    /// Answer it.
    Answered,
    /// Refuse it with this HRESULT.
    Refused(HResult),
    /// Refuse it with any failure HRESULT.
    AnyFailure,
    /// Answer with a fault.
    Fault,
    /// End the connection.
    Ended,
}

impl Lawful {
    /// Whether this is what the host did.
    pub const fn covers(self, outcome: &Outcome) -> bool {
        match (self, outcome) {
            (Self::Answered, Outcome::Answered(_))
            | (Self::Fault, Outcome::Fault(_))
            | (Self::Ended, Outcome::Ended(_)) => true,
            (Self::Refused(wanted), Outcome::Refused(got)) => wanted.0 == got.0,
            (Self::AnyFailure, Outcome::Refused(got)) => !got.is_success(),
            _ => false,
        }
    }
}

impl fmt::Display for Lawful {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("a KMS response"),
            Self::Refused(hresult) => write!(f, "HRESULT {hresult}"),
            Self::AnyFailure => f.write_str("a failure HRESULT"),
            Self::Fault => f.write_str("a fault"),
            Self::Ended => f.write_str("the connection closed"),
        }
    }
}

impl Peer {
    /// The tester's clock. It stands still during a run, so that a case can be repeated octet by octet.
    pub fn now(&self) -> FileTime {
        self.endpoint.now.unwrap_or_else(system_time)
    }

    /// A random client machine id of the case's own stream.
    pub fn cmid(&self) -> Guid {
        Guid::random(self.random())
    }

    /// A good request of this version: a Windows client in its grace period, a new CMID, the time of now.
    pub fn request(&self, version: Version) -> RequestBody {
        let Product {
            application_id,
            activation_id,
            counted_id,
            n_policy,
        } = Product::WINDOWS;
        RequestBody {
            version: version.protocol(),
            is_client_vm: 0,
            license_status: LicenseStatus::OOB_GRACE,
            binding_expiration: 43_200,
            application_id,
            activation_id,
            counted_id,
            cmid: self.cmid(),
            n_policy,
            client_time: self.now(),
            previous_cmid: Guid::NIL,
            workstation: WorkstationName::new("kmspec").unwrap_or_default(),
        }
    }

    /// Seals a request with the target's keys and an IV of the case's own stream.
    pub fn seal(&self, body: &RequestBody) -> Asked {
        let mut message = Vec::new();
        let opened = seal_request(&self.endpoint.keys, body, self.random(), &mut message);
        Asked { message, opened }
    }

    /// Seals a request whose parts may lie.
    pub fn seal_parts(&self, parts: &RequestParts<'_>) -> Asked {
        let mut message = Vec::new();
        parts.seal(&self.endpoint.keys, &mut message);
        self.message(message)
    }

    /// A KMS message of any octets. If nobody can open it, an answer to it is verified against a good request of its own.
    pub fn message(&self, message: Vec<u8>) -> Asked {
        match open_request(&self.endpoint.keys, &message) {
            Ok(opened) => Asked { message, opened },
            Err(_) => Asked {
                message,
                ..self.seal(&self.request(Version::V6))
            },
        }
    }

    /// What this PDU asks, if it is a whole call with an NDR32 stub that the target's keys open.
    pub fn opened(&self, call: &[u8]) -> Option<RequestBody> {
        let Body::Request(request) = Pdu::decode(call).ok()?.body else {
            return None;
        };
        let stub =
            RequestStub::decode(TransferSyntax::Ndr32, ByteOrder::Little, request.stub).ok()?;
        let opened = open_request(&self.endpoint.keys, stub.request).ok()?;
        Some(opened.body)
    }

    /// The catalogue's `VALID_STUB`: an NDR32 stub that the target answers without a fault.
    pub fn valid_stub(&self) -> Vec<u8> {
        match &self.endpoint.call.stub {
            Some(stub) => stub.clone(),
            None => RequestStub::new(&self.seal(&self.request(Version::V6)).message)
                .to_bytes(TransferSyntax::Ndr32),
        }
    }

    /// A call that carries this KMS message on context 0 in NDR32.
    pub fn call_with(&self, message: &[u8]) -> RequestBuilder {
        RequestBuilder::new(RequestStub::new(message).to_bytes(TransferSyntax::Ndr32))
            .opnum(self.endpoint.call.opnum)
    }

    /// Sends one good request over a new connection.
    ///
    /// # Errors
    /// As [`Link::activate`].
    pub async fn activate(&self, body: &RequestBody) -> Result<Activation, Stop> {
        self.bound().await?.activate(body).await
    }

    /// Sends one KMS message over a new connection and says what became of it.
    ///
    /// # Errors
    /// A failure if there is no lawful answer at all.
    pub async fn attempt(&self, asked: &Asked) -> Result<Outcome, Stop> {
        self.bound().await?.attempt(asked).await
    }

    /// Sends one KMS message over a new connection, with which the host must do something lawful.
    ///
    /// # Errors
    /// As [`Link::meets`].
    pub async fn meets(
        &self,
        asked: &Asked,
        expected: &[Lawful],
        tolerated: &[Lawful],
    ) -> Result<(), Stop> {
        self.bound().await?.meets(asked, expected, tolerated).await
    }
}

impl Link {
    /// Asks with a good request, which must be answered; the answer is opened, verified, and its violations kept.
    ///
    /// # Errors
    /// A failure if it is refused or cannot be opened.
    pub async fn activate(&mut self, body: &RequestBody) -> Result<Activation, Stop> {
        let asked = self.peer().seal(body);
        self.answer_to(&asked).await
    }

    /// Sends a KMS message that must be answered; the answer is opened, verified, and its violations kept.
    ///
    /// # Errors
    /// As [`Self::activate`].
    pub async fn answer_to(&mut self, asked: &Asked) -> Result<Activation, Stop> {
        match self.attempt(asked).await? {
            Outcome::Answered(activation) => Ok(*activation),
            other => Err(Stop::fail(
                "answer",
                Lawful::Answered.to_string(),
                other.to_string(),
            )),
        }
    }

    /// Sends a KMS message, with which the host must do one of these things; something tolerated is noted.
    ///
    /// # Errors
    /// A failure that says what the host did instead.
    pub async fn meets(
        &mut self,
        asked: &Asked,
        expected: &[Lawful],
        tolerated: &[Lawful],
    ) -> Result<(), Stop> {
        let outcome = self.attempt(asked).await?;
        if expected.iter().any(|lawful| lawful.covers(&outcome)) {
            return Ok(());
        }
        if tolerated.iter().any(|lawful| lawful.covers(&outcome)) {
            self.peer().record().note(format!("tolerated: {outcome}"));
            return Ok(());
        }
        let lawful = expected.iter().chain(tolerated);
        let wanted = lawful
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(" or ");
        Err(Stop::fail("answer", wanted, outcome.to_string()))
    }

    /// Sends a KMS message on the link's context and in its transfer syntax, and says what became of it.
    ///
    /// # Errors
    /// A failure if what comes is none of the outcomes: nothing, another PDU, a stub that does not decode.
    pub async fn attempt(&mut self, asked: &Asked) -> Result<Outcome, Stop> {
        let (context_id, syntax) = self.context();
        let stub = RequestStub::new(&asked.message).to_bytes(syntax);
        let opnum = self.peer().endpoint.call.opnum;
        let call_id = self.next_call_id();
        let request = RequestBuilder::new(stub)
            .opnum(opnum)
            .context(context_id.0)
            .call_id(call_id);
        self.send(request.encoded()).await?;
        self.outcome(&asked.opened, syntax).await
    }

    /// What became of a KMS message that was sent: awaits the answer, put together from its fragments, and opens it.
    ///
    /// # Errors
    /// As [`Self::attempt`].
    pub async fn outcome(
        &mut self,
        request: &OpenedRequest,
        syntax: TransferSyntax,
    ) -> Result<Outcome, Stop> {
        let limit = self.peer().endpoint.timing.answer;
        let response = match self.arrival_within(limit).await? {
            Arrival::Ended(ending) => return Ok(Outcome::Ended(ending)),
            Arrival::Nothing => {
                return Err(Stop::fail(
                    "answer",
                    "an answer",
                    format!("silence for {limit:?}"),
                ));
            }
            Arrival::Pdu(octets) => match super::link::fault_status(&octets) {
                Some(status) => return Ok(Outcome::Fault(status)),
                None => self.whole_response(octets).await?,
            },
        };
        self.open(request, syntax, &response)
    }

    fn open(
        &self,
        request: &OpenedRequest,
        syntax: TransferSyntax,
        (response, stub): &(Seen<ResponsePdu>, Vec<u8>),
    ) -> Result<Outcome, Stop> {
        let step = response.step();
        let decoded = ResponseStub::decode(syntax, ByteOrder::Little, stub).map_err(|error| {
            misfit(
                response,
                &format!("a {} response stub", syntax.name()),
                &error.to_string(),
            )
        })?;
        let Some(message) = decoded.response() else {
            return Ok(Outcome::Refused(HResult(decoded.return_value)));
        };
        if decoded.return_value != 0 {
            return Ok(Outcome::Refused(HResult(decoded.return_value)));
        }
        let mut scratch = Vec::new();
        let keys = Arc::clone(&self.peer().endpoint.keys);
        let opened = open_response(&keys, message, &mut scratch).map_err(|error| {
            misfit(
                response,
                "a response that opens with the target's keys",
                &error.to_string(),
            )
        })?;
        Ok(Outcome::Answered(Box::new(Activation {
            request: *request,
            message: message.to_vec(),
            version: opened.version,
            inner_version: opened.body.version,
            iv: opened.iv,
            proof: opened.proof,
            epid: opened.body.epid.to_vec(),
            cmid: opened.body.cmid,
            client_time: opened.body.client_time,
            count: opened.body.count,
            activation_interval: opened.body.activation_interval,
            renewal_interval: opened.body.renewal_interval,
            violations: verify::response(request, &opened),
            step,
        })))
    }
}

/// The system's clock.
pub(crate) fn system_time() -> FileTime {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos());
    FileTime::from_unix_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

fn misfit(response: &Seen<ResponsePdu>, wanted: &str, problem: &str) -> Stop {
    response.field("stub", problem.to_owned()).violates(wanted)
}

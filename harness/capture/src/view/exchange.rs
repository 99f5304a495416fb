use std::fmt::Display;
use std::sync::Arc;

use kmspec_wire::kms::{ProtocolVersion, RequestBody, ResponseBody};
use kmspec_wire::ndr::ResponseStub;
use serde::{Serialize, Serializer};

use crate::open::Opener;
use crate::rpc::{Exchange, Reply, Rpc};
use crate::tcp::Endpoint;

/// An exchange as JSON shows it; the keys are those of `captures/decoded.jsonl`, and a few more.
///
/// What needs no key is kept as it is, not as text: making texts of it would take longer than reading it did.
#[derive(Clone, Debug, Serialize)]
pub struct ExchangeView {
    /// Name of the capture.
    #[serde(serialize_with = "as_text")]
    pub file: Arc<str>,
    /// The connection, numbered by its first packet from 0.
    pub stream: u32,
    /// Index of the request on its connection, from 0.
    pub call: u32,
    /// Address and port of the client.
    #[serde(serialize_with = "as_text")]
    pub client: Endpoint,
    /// Address and port of the host.
    #[serde(serialize_with = "as_text")]
    pub host: Endpoint,
    /// Number of the packet that completed the request.
    pub request_packet: u64,
    /// Number of the packet that completed the reply.
    pub reply_packet: Option<u64>,
    /// The version the request states in the clear.
    #[serde(serialize_with = "as_text_or_null")]
    pub version: Option<ProtocolVersion>,
    /// What needs no key.
    pub rpc: RpcView,
    /// The request, if it was opened.
    pub request: Option<RequestView>,
    /// The response, if there is one and it was opened.
    pub response: Option<ResponseView>,
    /// The operation's return value.
    pub hresult: Option<u32>,
    /// Status of the fault that answered instead.
    pub fault: Option<u32>,
    /// Why something was not opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether every check that applies holds; null if nothing was opened for want of keys.
    pub verified: Option<bool>,
    /// Every check that applies, by name.
    #[serde(serialize_with = "as_map")]
    pub checks: Vec<(&'static str, bool)>,
}

/// The facts of a call that need no key.
#[derive(Clone, Debug, Serialize)]
pub struct RpcView {
    /// PDU types since the call before, up to this call's reply.
    pub ptypes: Vec<u8>,
    /// Call id of the request.
    pub call_id: u32,
    /// Presentation context of the request.
    pub context_id: u16,
    /// The operation asked for.
    pub opnum: u16,
    /// `ndr32` or `ndr64`.
    pub syntax: &'static str,
    /// Whether the capture shows that the context was accepted.
    pub bound: bool,
    /// When the request was complete, nanoseconds since 1970-01-01 UTC.
    pub request_time_ns: u64,
    /// When the reply was complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_time_ns: Option<u64>,
    /// Call id of the reply, where it is not that of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_call_id: Option<u32>,
    /// `none` if there is no reply in the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<&'static str>,
}

/// A request body.
#[derive(Clone, Debug, Serialize)]
pub struct RequestView {
    /// The inner version.
    pub version: String,
    /// Whether the client is a virtual machine.
    pub is_client_vm: u32,
    /// The client's licence status.
    pub license_status: u32,
    /// Minutes left in that status.
    pub grace_minutes: u32,
    /// Family of products.
    pub app_id: String,
    /// One edition.
    pub sku_id: String,
    /// The group a host grants or refuses by.
    pub kms_id: String,
    /// Client machine id.
    pub cmid: String,
    /// Clients the product needs before it activates.
    pub n_policy: u32,
    /// The client's clock, a FILETIME.
    pub client_time: u64,
    /// The client machine id before this one.
    pub previous_cmid: String,
    /// The client's name.
    pub workstation: String,
}

/// A response body, with the hardware id of version 6.
#[derive(Clone, Debug, Serialize)]
pub struct ResponseView {
    /// The inner version.
    pub version: String,
    /// The host's extended PID.
    pub epid: String,
    /// Client machine id of the request.
    pub cmid: String,
    /// Client time of the request, a FILETIME.
    pub client_time: u64,
    /// Machines counted.
    pub count: u32,
    /// Minutes between attempts of a client that is not activated.
    pub activation_interval: u32,
    /// Minutes between renewals of one that is.
    pub renewal_interval: u32,
    /// The hardware id, 16 hexadecimal digits in wire order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hwid: Option<String>,
}

impl ExchangeView {
    /// What there is to show of an exchange; without an opener its structure alone.
    pub fn new(file: &Arc<str>, exchange: &Exchange<'_>, opener: Option<&mut Opener<'_>>) -> Self {
        let mut view = Self::structure(file, exchange);
        let Some(opener) = opener else {
            return view;
        };
        let opened = opener.open(exchange);
        view.verified = Some(opened.is_verified());
        view.error = opened.error().map(|error| error.to_string());
        view.request = opened
            .request
            .as_ref()
            .ok()
            .map(|request| (&request.body).into());
        view.response = opened.response.and_then(Result::ok).map(|response| {
            let hwid = response.hardware_id();
            ResponseView {
                hwid: hwid.map(|id| format!("{:016X}", u64::from_be_bytes(id))),
                ..ResponseView::from(&response.body)
            }
        });
        view.hresult = opened.hresult;
        view.checks = opened.checks;
        view
    }

    fn structure(file: &Arc<str>, exchange: &Exchange<'_>) -> Self {
        let (hresult, fault) = match exchange.reply {
            Reply::None => (None, None),
            Reply::Fault(status) => (None, Some(status.0)),
            Reply::Response { stub, order, .. } => {
                let stub = ResponseStub::decode(exchange.rpc.syntax, order, stub);
                (stub.ok().map(|stub| stub.return_value), None)
            }
        };
        Self {
            file: Arc::clone(file),
            stream: exchange.connection.stream,
            call: exchange.call,
            client: exchange.client,
            host: exchange.host,
            request_packet: exchange.rpc.request.packet,
            reply_packet: exchange.rpc.answered.map(|at| at.packet),
            version: exchange.request_version(),
            rpc: (&exchange.rpc).into(),
            request: None,
            response: None,
            hresult,
            fault,
            error: None,
            verified: None,
            checks: Vec::new(),
        }
    }

    /// Names of the checks that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        let failed = self.checks.iter().filter(|&&(_, holds)| !holds);
        failed.map(|&(name, _)| name)
    }
}

impl From<&Rpc<'_>> for RpcView {
    fn from(rpc: &Rpc<'_>) -> Self {
        Self {
            ptypes: rpc.ptypes.to_vec(),
            call_id: rpc.call_id,
            context_id: rpc.context_id,
            opnum: rpc.opnum,
            syntax: rpc.syntax.name(),
            bound: rpc.bound,
            request_time_ns: rpc.request.time_ns,
            reply_time_ns: rpc.answered.map(|at| at.time_ns),
            reply_call_id: rpc.reply_call_id,
            reply: rpc.answered.is_none().then_some("none"),
        }
    }
}

impl From<&RequestBody> for RequestView {
    fn from(body: &RequestBody) -> Self {
        Self {
            version: body.version.to_string(),
            is_client_vm: body.is_client_vm,
            license_status: body.license_status.0,
            grace_minutes: body.binding_expiration,
            app_id: body.application_id.to_string(),
            sku_id: body.activation_id.to_string(),
            kms_id: body.counted_id.to_string(),
            cmid: body.cmid.to_string(),
            n_policy: body.n_policy,
            client_time: body.client_time.0,
            previous_cmid: body.previous_cmid.to_string(),
            workstation: body.workstation.to_string(),
        }
    }
}

impl From<&ResponseBody<'_>> for ResponseView {
    fn from(body: &ResponseBody<'_>) -> Self {
        Self {
            version: body.version.to_string(),
            epid: utf16(body.epid),
            cmid: body.cmid.to_string(),
            client_time: body.client_time.0,
            count: body.count,
            activation_interval: body.activation_interval,
            renewal_interval: body.renewal_interval,
            hwid: None,
        }
    }
}

/// UTF-16LE up to the terminator; what is no character shows as U+FFFD.
fn utf16(bytes: &[u8]) -> String {
    let units = bytes
        .as_chunks()
        .0
        .iter()
        .map(|&unit| u16::from_le_bytes(unit));
    char::decode_utf16(units.take_while(|&unit| unit != 0))
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect()
}

fn as_map<S: Serializer>(checks: &[(&str, bool)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(checks.iter().copied())
}

fn as_text<S: Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

#[expect(clippy::ref_option, reason = "serde hands over the field as it is")]
fn as_text_or_null<S: Serializer>(
    value: &Option<impl Display>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match value {
        Some(value) => serializer.collect_str(value),
        None => serializer.serialize_none(),
    }
}

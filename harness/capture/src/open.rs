//! Exchanges opened with a key set.

use std::fmt;

use kmspec_wire::codec::DecodeError;
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::envelope::{
    OpenError, OpenedRequest, OpenedResponse, open_request, open_response,
};
use kmspec_wire::kms::verify::ResponseChecks;
use kmspec_wire::ndr::{RequestStub, ResponseStub};

use crate::rpc::{Exchange, Reply};

/// Opens exchanges, one after the other, with one key set.
#[derive(Debug)]
pub struct Opener<'k> {
    keys: &'k KeySet,
    scratch: Vec<u8>,
}

/// An exchange out of its envelopes.
#[derive(Clone, Debug)]
pub struct Opened<'s> {
    /// The request.
    pub request: Result<OpenedRequest, Unopened>,
    /// The response, if there is one: a failure has none.
    pub response: Option<Result<OpenedResponse<'s>, Unopened>>,
    /// The operation's return value, if a response can be read.
    pub hresult: Option<u32>,
    /// Every check that applies, by name, with its outcome.
    pub checks: Vec<(&'static str, bool)>,
}

/// Why a message was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// Bytes of it are not in the capture.
    Cut(&'static str),
    /// Its stub cannot be read.
    Stub(&'static str, DecodeError),
    /// Its envelope cannot be opened.
    Envelope(OpenError),
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut(what) => write!(f, "cannot open {what}: bytes of it are not in the capture"),
            Self::Stub(what, error) => write!(f, "cannot read {what} stub: {error}"),
            Self::Envelope(error) => error.fmt(f),
        }
    }
}

impl<'k> Opener<'k> {
    /// Opens with `keys`.
    pub const fn new(keys: &'k KeySet) -> Self {
        Self {
            keys,
            scratch: Vec::new(),
        }
    }

    /// Opens both sides of an exchange and checks them.
    pub fn open(&mut self, exchange: &Exchange<'_>) -> Opened<'_> {
        let mut checks = Vec::with_capacity(MOST_CHECKS);
        let request = self.request(exchange, &mut checks);
        let (hresult, response) = match exchange.reply {
            Reply::None | Reply::Fault(_) => (None, None),
            Reply::Response { cut: true, .. } => (None, Some(Err(Unopened::Cut("response")))),
            Reply::Response { stub, order, .. } => {
                match ResponseStub::decode(exchange.rpc.syntax, order, stub) {
                    Err(error) => (None, Some(Err(Unopened::Stub("response", error)))),
                    Ok(stub) => (Some(stub.return_value), stub.response().map(Ok)),
                }
            }
        };
        let opened = response.map(|message| {
            let message: &[u8] = message?;
            open_response(self.keys, message, &mut self.scratch).map_err(Unopened::Envelope)
        });
        match &opened {
            Some(Ok(response)) => {
                if let Ok(request) = &request {
                    checks.extend(ResponseChecks::of(request, response).named());
                }
            }
            Some(Err(Unopened::Envelope(OpenError::Padding { .. }))) => {
                checks.push(("response_padding", false));
            }
            Some(Err(Unopened::Envelope(_))) => checks.push(("response_size", false)),
            Some(Err(Unopened::Stub(..))) => checks.push(("response_parse", false)),
            Some(Err(Unopened::Cut(_))) | None => {}
        }
        Opened {
            request,
            response: opened,
            hresult,
            checks,
        }
    }

    fn request(
        &self,
        exchange: &Exchange<'_>,
        checks: &mut Vec<(&'static str, bool)>,
    ) -> Result<OpenedRequest, Unopened> {
        if exchange.request_cut {
            return Err(Unopened::Cut("request"));
        }
        let (syntax, order) = (exchange.rpc.syntax, exchange.request_order);
        let stub = RequestStub::decode(syntax, order, exchange.request_stub).map_err(|error| {
            match exchange.request_version() {
                None => checks.push(("request_parse", false)),
                Some(version) => checks.extend([
                    ("request_version_known", version.known().is_some()),
                    ("request_size", false),
                ]),
            }
            Unopened::Stub("request", error)
        })?;
        let opened = open_request(self.keys, stub.request);
        match &opened {
            Ok(request) => checks.extend(request.checks.named()),
            Err(OpenError::Padding { .. }) => {
                checks.extend([("request_size", true), ("request_padding", false)]);
            }
            Err(error) => checks.extend([
                ("request_version_known", error.version_known()),
                ("request_size", !error.is_size()),
            ]),
        }
        opened.map_err(Unopened::Envelope)
    }
}

impl Opened<'_> {
    /// Whether everything there is could be opened and every check that applies holds.
    pub fn is_verified(&self) -> bool {
        self.request.is_ok()
            && !matches!(self.response, Some(Err(_)))
            && self.checks.iter().all(|&(_, holds)| holds)
    }

    /// Why the first message that could not be opened could not.
    pub fn error(&self) -> Option<Unopened> {
        let response = self
            .response
            .as_ref()
            .and_then(|opened| opened.as_ref().err());
        self.request.as_ref().err().or(response).copied()
    }

    /// Names of the checks that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = &'static str> {
        self.checks
            .iter()
            .filter(|&&(_, holds)| !holds)
            .map(|&(name, _)| name)
    }
}

/// Checks of an exchange of version 6, which has most.
const MOST_CHECKS: usize = 16;

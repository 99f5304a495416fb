//! A link whose other end is a client.

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::{Assembler, Limits, Part};
use kmspec_wire::kms::envelope::{OpenError, OpenedRequest, ResponseParts, Salts, open_request};
use kmspec_wire::kms::{Epid, RequestBody, ResponseBody, Version};
use kmspec_wire::ndr::{RequestStub, ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{CallId, ContextId};

use super::{Ack, Reply};
use crate::check::{BindPdu, RequestPdu, Seen};
use crate::peer::Link;
use crate::run::failure_of;
use crate::verdict::Stop;

/// A call as it came: its first PDU, and the stub out of all its fragments.
#[derive(Clone, Debug)]
pub struct Called {
    /// The first PDU.
    pub first: Seen<RequestPdu>,
    /// The PDUs it came in, and the octets of each.
    pub sizes: Vec<usize>,
    /// The whole stub.
    pub stub: Vec<u8>,
}

/// A call that asks for activation, opened.
#[derive(Clone, Debug)]
pub struct Query {
    /// Its id.
    pub call_id: CallId,
    /// Its presentation context.
    pub context_id: ContextId,
    /// How its stub is encoded.
    pub syntax: TransferSyntax,
    /// What it asks.
    pub request: OpenedRequest,
    /// The first PDU.
    pub first: Seen<RequestPdu>,
}

impl Query {
    /// What is asked.
    pub const fn body(&self) -> &RequestBody {
        &self.request.body
    }

    /// The stub of a success, with this message.
    pub fn stub(&self, message: &[u8]) -> Vec<u8> {
        ResponseStub::success(message).to_bytes(self.syntax)
    }

    /// The request is of this version.
    ///
    /// # Errors
    /// A skip: the client speaks another, whatever it is asked.
    pub fn speaks(&self, version: Version) -> Result<(), Stop> {
        if self.request.version == version.protocol() {
            return Ok(());
        }
        Err(Stop::Skip(format!(
            "needs a client that can be told to speak version {version}: this one speaks {}",
            self.request.version
        )))
    }

    /// The request was made at this time, within a few minutes.
    ///
    /// # Errors
    /// A skip: the client's clock is not ours to set.
    pub fn asked_at(&self, time: FileTime) -> Result<(), Stop> {
        if self.body().client_time.distance(time) <= 5 * FileTime::MINUTE {
            return Ok(());
        }
        Err(Stop::Skip("needs control verb clock".to_owned()))
    }
}

impl Link {
    /// The next PDU must be a bind.
    ///
    /// # Errors
    /// As [`Link::expect`].
    pub async fn bind(&mut self) -> Result<Seen<BindPdu>, Stop> {
        self.expect().await
    }

    /// What has come on this connection must keep this requirement.
    ///
    /// # Errors
    /// A failure with what was found. A skip: nothing has come that it says anything about.
    pub fn obeys(&self, requirement: &str) -> Result<(), Stop> {
        let record = self.peer().record();
        let broken = record.violations().into_iter().find(|broken| {
            broken.connection == self.number() && broken.violation.requirement == requirement
        });
        match broken {
            Some(broken) => Err(failure_of(broken, &record.events()).into()),
            None if self.judged(requirement).judged == 0 && !self.keys_fit() => Err(foreign_keys()),
            None if self.judged(requirement).judged == 0 => {
                let reason = "the client sends nothing that this says anything about";
                Err(Stop::Skip(reason.to_owned()))
            }
            None => Ok(()),
        }
    }

    /// The good answer to a bind.
    pub fn ack(&self, bind: &Seen<BindPdu>) -> Ack {
        Ack::to(bind, self.port())
    }

    /// The port that we listen on.
    pub fn port(&self) -> u16 {
        self.peer().endpoint().address.port()
    }

    /// Sends this `bind_ack`, and reads calls on the context it accepts.
    ///
    /// # Errors
    /// A skip: it accepts none, because the client offers none that we know. Otherwise as [`Link::send`].
    pub async fn accept(&mut self, ack: &Ack) -> Result<(), Stop> {
        let Some((context_id, syntax)) = ack.chosen else {
            return Err(Stop::Skip(
                "needs a client that offers this transfer syntax".to_owned(),
            ));
        };
        self.use_context(context_id, syntax);
        self.send(ack.encoded()).await
    }

    /// The next PDUs must be a call.
    ///
    /// # Errors
    /// A failure that says what came instead.
    pub async fn called(&mut self) -> Result<Called, Stop> {
        let first = self.expect().await?;
        self.whole_call(first).await
    }

    /// The call that begins with this PDU.
    async fn whole_call(&mut self, first: Seen<RequestPdu>) -> Result<Called, Stop> {
        let mut assembler = Assembler::new(Limits::default());
        let mut next = first.clone();
        let mut sizes = Vec::new();
        loop {
            sizes.push(next.octets().len());
            match assembler.push(Part::of_request(&next.header(), &next.body())) {
                Ok(Some(stub)) => {
                    let stub = stub.to_vec();
                    return Ok(Called { first, sizes, stub });
                }
                Ok(None) => {}
                Err(error) => {
                    let field = next.field("pfc_flags", error.to_string());
                    return Err(field.violates("fragments in order"));
                }
            }
            next = self.expect().await?;
        }
    }

    /// The next PDUs must be a call that asks for activation.
    ///
    /// # Errors
    /// As [`Self::called`]; a failure if the stub does not decode. A skip: the message does not open with the keys of the
    /// run, and what follows needs them.
    pub async fn asked(&mut self) -> Result<Query, Stop> {
        let called = self.called().await?;
        self.opened(called)
    }

    /// The call that begins with this PDU must ask for activation.
    ///
    /// # Errors
    /// As [`Self::asked`].
    pub async fn asked_from(&mut self, first: Vec<u8>) -> Result<Query, Stop> {
        let step = self.peer().record().step();
        let called = self.whole_call(Seen::new(first, step)?).await?;
        self.opened(called)
    }

    /// Whether the message of a call shows that the client has other keys than those of the run.
    pub(crate) fn shows_foreign_keys(&self, called: &Called) -> bool {
        let (_, syntax) = self.context();
        let stub = RequestStub::decode(syntax, ByteOrder::Little, &called.stub);
        let keys = &self.peer().endpoint().keys;
        stub.is_ok_and(|stub| match open_request(keys, stub.request) {
            Ok(request) => request.checks.mac == Some(false),
            Err(error) => matches!(error, OpenError::Padding { .. }),
        })
    }

    /// What a call asks.
    ///
    /// # Errors
    /// As [`Self::asked`].
    pub fn opened(&self, called: Called) -> Result<Query, Stop> {
        let (_, syntax) = self.context();
        let first = called.first;
        let decoded = RequestStub::decode(syntax, ByteOrder::Little, &called.stub);
        let stub = decoded.map_err(|error| {
            let wanted = format!("a {} request stub", syntax.name());
            first.field("stub", error.to_string()).violates(wanted)
        })?;
        if !self.keys_fit() {
            return Err(foreign_keys());
        }
        let request = open_request(&self.peer().endpoint().keys, stub.request);
        let request = request.map_err(|error| {
            let wanted = "a request that opens with the keys of the run";
            first.field("stub", error.to_string()).violates(wanted)
        })?;
        Ok(Query {
            call_id: first.header().call_id,
            context_id: first.body().context_id,
            syntax,
            request,
            first,
        })
    }

    /// A good message in answer to a query, sealed after `bend` has had its way: as many machines as the client needs,
    /// both intervals as usual, a lab ePID.
    pub fn sealed(&self, query: &Query, bend: impl FnOnce(&mut ResponseParts<'_>)) -> Vec<u8> {
        let epid = EPID.parse::<Epid>();
        let epid = epid.map_or_else(|_| vec![0; 4], |epid| epid.to_wire());
        self.sealed_as(query, &epid, bend)
    }

    /// The same with another ePID: UTF-16LE with its zero.
    pub fn sealed_as<'a>(
        &self,
        query: &Query,
        epid: &'a [u8],
        bend: impl FnOnce(&mut ResponseParts<'a>),
    ) -> Vec<u8> {
        let request = &query.request;
        let body = ResponseBody::to_request(&request.body, epid, request.body.n_policy);
        let salts = Salts {
            random: self.peer().random(),
            iv: self.peer().random(),
        };
        let mut parts = ResponseParts::honest(request, body, HARDWARE_ID, &salts);
        bend(&mut parts);
        let mut message = Vec::new();
        parts.seal(&self.peer().endpoint().keys, &mut message);
        message
    }

    /// A good response to a query.
    pub fn good(&self, query: &Query) -> Reply {
        Reply::to(query, query.stub(&self.sealed(query, |_| {})))
    }

    /// Sends a response with this message.
    ///
    /// # Errors
    /// As [`Link::send`].
    pub async fn reply(&mut self, query: &Query, message: &[u8]) -> Result<(), Stop> {
        let reply = Reply::to(query, query.stub(message));
        self.send(reply.encoded()).await
    }
}

fn foreign_keys() -> Stop {
    let reason = "needs the client's keys: its request does not open with those of the run";
    Stop::Skip(reason.to_owned())
}

/// No real host has this platform id.
const EPID: &str = "99999-00206-000-000000-03-1033-17763.0000-0012026";
const HARDWARE_ID: [u8; 8] = *b"kmspec\0\0";

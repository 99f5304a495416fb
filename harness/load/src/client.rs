//! One connection's client as a machine: octets in, answers out. It knows no socket and no clock; times are nanoseconds
//! that it keeps with each request and gives back with its answer.

use std::collections::VecDeque;
use std::sync::Arc;

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::fragment::{Assembler, Framer, Part};
use kmspec_wire::keys::KeySet;
use kmspec_wire::kms::HResult;
use kmspec_wire::kms::envelope::{OpenedRequest, open_response};
use kmspec_wire::kms::verify;
use kmspec_wire::ndr::{ResponseStub, TransferSyntax};
use kmspec_wire::pdu::{Body, CallId, Pdu};

use crate::measure::ErrorClass;
use crate::prepare::Pool;

/// A request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    call_id: u32,
    /// Its place in the pool.
    place: usize,
    /// Whether its answer is opened.
    pub(crate) verify: bool,
    /// When it was due.
    pub(crate) due: u64,
    /// When it was sent.
    pub(crate) at: u64,
}

/// A request that is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Job {
    /// Its place in the pool.
    pub(crate) place: usize,
    /// Whether its answer is to be opened.
    pub(crate) verify: bool,
    /// When it was due.
    pub(crate) due: u64,
}

/// The client's side of one connection.
#[derive(Debug)]
pub(crate) struct Client {
    pool: Arc<Pool>,
    keys: Arc<KeySet>,
    syntax: TransferSyntax,
    framer: Framer,
    assembler: Assembler,
    scratch: Vec<u8>,
    bound: bool,
    next_call_id: u32,
    waiting: VecDeque<Sent>,
}

impl Client {
    pub(crate) fn new(pool: Arc<Pool>, keys: Arc<KeySet>, syntax: TransferSyntax) -> Self {
        Self {
            pool,
            keys,
            syntax,
            framer: Framer::new(),
            assembler: Assembler::default(),
            scratch: Vec::new(),
            bound: false,
            next_call_id: FIRST_CALL_ID,
            waiting: VecDeque::new(),
        }
    }

    /// The bind that comes first.
    pub(crate) fn bind(&self) -> &[u8] {
        self.pool.bind(self.syntax)
    }

    /// Whether the bind was accepted.
    pub(crate) const fn is_bound(&self) -> bool {
        self.bound
    }

    /// Appends a request that goes out now.
    pub(crate) fn ask(&mut self, job: Job, now: u64, out: &mut Vec<u8>) {
        let call_id = self.next_call_id;
        self.next_call_id = call_id.checked_add(1).unwrap_or(FIRST_CALL_ID);
        if let Some(request) = self.pool.get(self.syntax, job.place) {
            request.write(call_id, out);
        }
        self.waiting.push_back(Sent {
            call_id,
            place: job.place,
            verify: job.verify,
            due: job.due,
            at: now,
        });
    }

    /// Requests that wait for their answers.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// When the one that has waited longest was sent.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.waiting.front().map(|sent| sent.at)
    }

    /// Gives up on all that wait.
    pub(crate) fn abandon(&mut self) -> impl Iterator<Item = Sent> + '_ {
        self.waiting.drain(..)
    }

    /// Octets have come: tells of each answer that is complete.
    ///
    /// # Errors
    /// The connection cannot be used any more. What still waits has to be abandoned.
    pub(crate) fn receive(
        &mut self,
        octets: &[u8],
        mut answered: impl FnMut(Sent, Result<(), ErrorClass>),
    ) -> Result<(), ErrorClass> {
        self.framer.push(octets);
        loop {
            let pdu = match self.framer.next_pdu() {
                Ok(Some(pdu)) => pdu,
                Ok(None) => return Ok(()),
                Err(_) => return Err(ErrorClass::Malformed),
            };
            let pdu = Pdu::decode(pdu).map_err(|_| ErrorClass::Malformed)?;
            if !self.bound {
                let accepted = match pdu.body {
                    Body::BindAck(ack) => ack.results.get(0).is_some_and(|r| r.is_accepted()),
                    _ => false,
                };
                if !accepted {
                    return Err(ErrorClass::Bind);
                }
                self.bound = true;
                continue;
            }
            let outcome = match pdu.body {
                Body::Fault(_) => {
                    self.assembler.abandon();
                    Err(ErrorClass::Fault)
                }
                Body::Response(response) => {
                    let part = Part::of_response(&pdu.header, &response);
                    match self.assembler.push(part) {
                        Ok(None) => continue,
                        Ok(Some(stub)) => {
                            let sent = find(&self.waiting, pdu.header.call_id);
                            let request = sent
                                .filter(|sent| sent.verify)
                                .and_then(|sent| self.pool.get(self.syntax, sent.place));
                            let request = request.map(|request| &request.opened);
                            let order = pdu.header.drep.order();
                            judge(
                                stub,
                                order,
                                self.syntax,
                                request,
                                &self.keys,
                                &mut self.scratch,
                            )
                        }
                        Err(_) => return Err(ErrorClass::Malformed),
                    }
                }
                _ => return Err(ErrorClass::Malformed),
            };
            let Some(sent) = take(&mut self.waiting, pdu.header.call_id) else {
                return Err(ErrorClass::Malformed);
            };
            answered(sent, outcome);
        }
    }
}

/// Real clients start at 2. Source: kms-protocol 1.
const FIRST_CALL_ID: u32 = 2;

fn find(waiting: &VecDeque<Sent>, call_id: CallId) -> Option<&Sent> {
    waiting.iter().find(|sent| sent.call_id == call_id.0)
}

/// Hosts answer in order as a rule, so that the first is the one.
fn take(waiting: &mut VecDeque<Sent>, call_id: CallId) -> Option<Sent> {
    if waiting.front()?.call_id == call_id.0 {
        return waiting.pop_front();
    }
    let place = waiting.iter().position(|sent| sent.call_id == call_id.0)?;
    waiting.remove(place)
}

/// Judges an answer; opens and verifies it if there is a request to verify it against.
fn judge(
    stub: &[u8],
    order: ByteOrder,
    syntax: TransferSyntax,
    request: Option<&OpenedRequest>,
    keys: &KeySet,
    scratch: &mut Vec<u8>,
) -> Result<(), ErrorClass> {
    let stub = ResponseStub::decode(syntax, order, stub).map_err(|_| ErrorClass::Malformed)?;
    let Some(message) = stub.response() else {
        let success = HResult(stub.return_value).is_success();
        // Success without an answer is no answer.
        return Err(if success {
            ErrorClass::Malformed
        } else {
            ErrorClass::Refused
        });
    };
    if stub.return_value != 0 {
        return Err(ErrorClass::Refused);
    }
    let Some(request) = request else {
        return Ok(());
    };
    let opened = open_response(keys, message, scratch).map_err(|_| ErrorClass::Unverified)?;
    if verify::response(request, &opened).is_empty() {
        Ok(())
    } else {
        Err(ErrorClass::Unverified)
    }
}

#[cfg(test)]
mod tests;

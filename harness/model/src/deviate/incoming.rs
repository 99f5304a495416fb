//! Faults of what the host makes of a PDU: it ignores it, answers something else, or takes it for what it is not.

mod bind;
mod call;

use std::borrow::Cow;

use kmspec_wire::codec::ByteOrder;
use kmspec_wire::filetime::FileTime;
use kmspec_wire::ndr::ResponseStub;
use kmspec_wire::pdu::{ContextId, FaultStatus, Header, Pdu, PduType, PfcFlags};

use crate::fault::Fault;
use crate::host::Host;
use crate::next::After;
use crate::reply::Reply;
use crate::session::Session;

impl Session {
    /// What an honest session does, with every way to get it wrong.
    pub(crate) fn answer_deviating(
        &mut self,
        host: &mut Host,
        now: FileTime,
        octets: &[u8],
        reply: &mut Reply<'_>,
    ) -> After {
        let asked = reply.asked;
        reply.noise = host.memory.counter;
        host.memory.counter = host.memory.counter.wrapping_add(1);
        host.memory.group = self.group();
        if host.settings.faults.has(Fault::LeaksMemory) && asked.ptype.name().is_none() {
            // Written to, lest the system never give the memory out.
            host.memory.kept.push(vec![1; KEPT]);
        }
        if let Some(length) = octets.get(10..).and_then(|octets| octets.first_chunk()) {
            reply.asked_auth_length = *length;
        }
        let instead = self
            .by_type(host, &asked, reply)
            .or_else(|| self.bind_instead(host, octets, reply))
            .or_else(|| self.call_instead(host, octets, reply));
        if let Some(after) = instead {
            return self.afterwards(host, after, reply);
        }
        let taken = self.taken_for(host, octets);
        if let Ok(header) = Header::peek(&taken) {
            reply.asked = header;
            if asked.call_id == header.call_id {
                reply.original = asked;
            }
        }
        if host.settings.faults.has(Fault::MultiplexedMixed) && self.is_multiplexed() {
            reply.mixed = self.quirk.last_call;
        }
        let after = self.answer(host, now, &taken, reply);
        self.remember(host, &taken);
        self.note_call(&asked);
        self.afterwards(host, after, reply)
    }

    /// PDUs that are told apart by their type and header alone.
    fn by_type(&mut self, host: &Host, asked: &Header, reply: &mut Reply<'_>) -> Option<After> {
        let faults = host.settings.faults;
        let bound = self.is_bound();
        let ignored = match asked.ptype.0 {
            21.. => faults.has(Fault::UnknownPdusIgnored),
            2 | 3 | 12 | 13 | 15 if bound => faults.has(Fault::ServerPdusIgnored),
            1 | 4..=10 | 17 | 20 if bound => faults.has(Fault::ForeignPdusIgnored),
            0 | 11 | 14 => false,
            _ if !bound => faults.has(Fault::OtherFirstPduIgnored),
            _ => false,
        };
        let odd = !asked.drep.is_supported() && faults.has(Fault::OddDrepUnanswered);
        let bind = asked.ptype == PduType::BIND;
        let big =
            bind && asked.drep.order() == ByteOrder::Big && faults.has(Fault::BigEndianBindHangs);
        let minor = bind && asked.rpc_vers_minor != 0 && faults.has(Fault::BindMinorUnanswered);
        if ignored || odd || big || minor {
            return Some(After::Open);
        }
        let crash = faults.has(Fault::CrashOnUnknownType) && asked.ptype.name().is_none()
            || faults.has(Fault::CrashOnOddMinor) && asked.rpc_vers_minor == 0xff;
        if crash {
            return Some(After::Crash);
        }
        if !bound {
            return None;
        }
        match asked.ptype {
            PduType::AUTH3 if faults.has(Fault::Auth3Answered) => {
                Some(refuse_as_answer(self, reply))
            }
            PduType::CO_CANCEL | PduType::ORPHANED => self.cancelled(host, asked, reply),
            _ => None,
        }
    }

    fn cancelled(&mut self, host: &Host, asked: &Header, reply: &mut Reply<'_>) -> Option<After> {
        let faults = host.settings.faults;
        if faults.has(Fault::CancelAnswered) {
            reply.fault(
                asked.call_id,
                PfcFlags::WHOLE,
                FaultStatus::CANCEL,
                ContextId(0),
            );
        }
        if asked.ptype == PduType::CO_CANCEL {
            if faults.has(Fault::CancelDropsCall) {
                self.quirk.dropped = self.assembler.open_call().map(|(call, _)| call);
            }
            return None;
        }
        self.quirk.orphaned = true;
        self.quirk.deaf |= faults.has(Fault::OrphanedDeaf);
        None
    }

    /// The PDU a bad one is taken for.
    fn taken_for<'a>(&mut self, host: &mut Host, octets: &'a [u8]) -> Cow<'a, [u8]> {
        let faults = host.settings.faults;
        let mut taken = Cow::Borrowed(octets);
        let Ok(asked) = Header::peek(octets) else {
            return taken;
        };
        let any_version = match asked.ptype {
            PduType::BIND => faults.has(Fault::BindAnyVersion),
            PduType::REQUEST => faults.has(Fault::RequestAnyVersion),
            _ => false,
        };
        if any_version {
            overwrite(&mut taken, 0, &[5, 0]);
        }
        let broken = Pdu::decode(&taken)
            .is_err_and(|error| matches!(error.field, "auth_length" | "auth_pad_length"));
        if faults.has(Fault::AuthLengthIgnored) && broken {
            overwrite(&mut taken, 10, &[0, 0]);
        }
        match asked.ptype {
            PduType::BIND | PduType::ALTER_CONTEXT => self.bind_taken_for(host, &mut taken),
            PduType::REQUEST => self.call_taken_for(host, &asked, &mut taken),
            _ => {}
        }
        taken
    }

    /// What is wrong with the end of an answer.
    fn afterwards(&mut self, host: &mut Host, after: After, reply: &Reply<'_>) -> After {
        let faults = host.settings.faults;
        if after == After::Close
            && faults.has(Fault::NakDeaf)
            && reply.sent == Some(PduType::BIND_NAK)
        {
            self.quirk.deaf = true;
            return After::Open;
        }
        if after == After::Close
            && faults.has(Fault::ServesAfterError)
            && reply.sent == Some(PduType::FAULT)
        {
            return After::Open;
        }
        if std::mem::take(&mut host.memory.hang_up) {
            return After::Close;
        }
        after
    }
}

/// Octets that a host which leaks keeps each time.
const KEPT: usize = 64 * 1024;

/// Answers as if the operation had failed.
fn refuse_as_answer(session: &Session, reply: &mut Reply<'_>) -> After {
    let stub = ResponseStub::failure(0x8007_000d).to_bytes(kmspec_wire::ndr::TransferSyntax::Ndr32);
    reply.response(ContextId(0), session.fragment(), &stub);
    After::Open
}

/// Replaces octets.
fn overwrite(taken: &mut Cow<'_, [u8]>, at: usize, octets: &[u8]) {
    let place = taken
        .to_mut()
        .get_mut(at..)
        .and_then(|rest| rest.get_mut(..octets.len()));
    if let Some(place) = place {
        place.copy_from_slice(octets);
    }
}

/// Makes the PDU so long, `frag_length` and all.
fn resize(taken: &mut Cow<'_, [u8]>, len: usize) {
    taken.to_mut().resize(len, 0);
    overwrite(
        taken,
        8,
        &u16::try_from(len).unwrap_or(u16::MAX).to_le_bytes(),
    );
}

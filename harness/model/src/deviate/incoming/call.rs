use std::borrow::Cow;

use kmspec_wire::ndr::TransferSyntax;
use kmspec_wire::pdu::{Body, ContextId, Header, Pdu, PduType, PfcFlags, Request};

use super::{overwrite, refuse_as_answer, resize};
use crate::fault::{Fault, Faults};
use crate::host::Host;
use crate::next::After;
use crate::reply::Reply;
use crate::session::Session;

/// Octets of a request before its stub, and with an object UUID.
const FIXED: usize = Request::OVERHEAD;
const WITH_OBJECT: usize = 40;
/// Largest hint that is not huge. Source: MS-RPCE 3.3.3.5.4.
const HUGE_HINT: u32 = 0x0040_0000;

impl Session {
    /// What is done with a request instead of serving it.
    pub(super) fn call_instead(
        &mut self,
        host: &mut Host,
        octets: &[u8],
        reply: &mut Reply<'_>,
    ) -> Option<After> {
        let faults = host.settings.faults;
        let asked = reply.asked;
        if asked.ptype != PduType::REQUEST {
            return None;
        }
        if !self.is_bound() {
            if faults.has(Fault::ServesWithoutBind) {
                self.bind_by_itself(
                    host,
                    octets.get(20..).and_then(|octets| octets.first_chunk()),
                );
            }
            return None;
        }
        let object = asked.pfc_flags.has(PfcFlags::OBJECT_UUID);
        if faults.has(Fault::ShortRequestAnswered) && octets.len() < FIXED
            || faults.has(Fault::MissingObjectAnswered) && object && octets.len() < WITH_OBJECT
        {
            return Some(refuse_as_answer(self, reply));
        }
        if let Some(after) = self.by_size(faults, octets.len(), reply) {
            return Some(after);
        }
        let Ok(Pdu {
            body: Body::Request(request),
            ..
        }) = Pdu::decode(octets)
        else {
            return None;
        };
        self.fragment_instead(faults, &request, reply)
            .or_else(|| self.whole_call_instead(faults, &request, reply))
    }

    fn by_size(&self, faults: Faults, len: usize, reply: &mut Reply<'_>) -> Option<After> {
        if faults.has(Fault::OverNegotiatedUnanswered) && len > usize::from(self.fragment()) {
            return Some(After::Open);
        }
        if faults.has(Fault::AnnouncedSizeNotKept) && len > 4096 {
            return Some(After::Close);
        }
        let limit = self.quirk.limit.map(usize::from);
        limit
            .filter(|limit| len > *limit)
            .map(|_| reply.protocol_error())
    }

    /// What depends on the fragments of a call.
    fn fragment_instead(
        &mut self,
        faults: Faults,
        request: &Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<After> {
        let asked = reply.asked;
        let flags = asked.pfc_flags;
        let (first, last) = (
            flags.has(PfcFlags::FIRST_FRAG),
            flags.has(PfcFlags::LAST_FRAG),
        );
        let cancel = flags.has(PfcFlags::PENDING_CANCEL);
        let open = self.assembler.open_call().map(|(call, _)| call);
        let other = open.is_some_and(|open| open != asked.call_id);
        if faults.has(Fault::FragmentsAnswered) && !(first && last) {
            return Some(refuse_as_answer(self, reply));
        }
        if self.quirk.dropped == Some(asked.call_id) {
            return Some(After::Open);
        }
        let ignored = faults.has(Fault::InterleavedIgnored)
            && other
            && first
            && !self.is_multiplexed()
            || faults.has(Fault::InterleavedMpxIgnored) && other && first && self.is_multiplexed()
            || faults.has(Fault::OrphanedNewCallIgnored) && other && first && self.quirk.orphaned
            || faults.has(Fault::PendingCancelHangs) && first && cancel;
        if ignored {
            return Some(After::Open);
        }
        let deafens = faults.has(Fault::ManyFragmentsHang) && !first && !last
            || faults.has(Fault::EmptyFragmentHangs) && request.stub.is_empty() && !(first && last)
            || faults.has(Fault::CancelFlagHangs) && !first && cancel;
        if deafens {
            self.quirk.deaf = true;
            return Some(After::Open);
        }
        let others = flags & !(PfcFlags::WHOLE | PfcFlags::PENDING_CANCEL);
        if faults.has(Fault::ExtraFlagsRefused) && first && !last && others != PfcFlags(0) {
            return Some(After::Close);
        }
        if faults.has(Fault::FirstFragmentRestarts) && first && open == Some(asked.call_id) {
            self.assembler.abandon();
        }
        (faults.has(Fault::CrashOnHugeHint) && first && !last && request.alloc_hint > HUGE_HINT)
            .then_some(After::Crash)
    }

    /// What depends on the call as a whole.
    fn whole_call_instead(
        &mut self,
        faults: Faults,
        request: &Request<'_>,
        reply: &mut Reply<'_>,
    ) -> Option<After> {
        let asked = reply.asked;
        if !asked.pfc_flags.has(PfcFlags::FIRST_FRAG) {
            return None;
        }
        let repeated = self
            .quirk
            .last_call
            .is_some_and(|last| asked.call_id <= last);
        if faults.has(Fault::RepeatedCallIdIgnored) && repeated {
            return Some(After::Open);
        }
        let stub = request.stub;
        let hint = usize::try_from(request.alloc_hint).unwrap_or(usize::MAX);
        let waits = asked.pfc_flags.has(PfcFlags::WHOLE)
            && (faults.has(Fault::LargeHintWaits) && hint > stub.len()
                || faults.has(Fault::HangsOnEmptyStub) && stub.is_empty());
        if waits {
            return Some(After::Open);
        }
        let size = stub
            .first_chunk()
            .map_or(0, |size| u32::from_le_bytes(*size));
        if faults.has(Fault::CrashOnHugeCount) && size >= 0x7fff_ffff {
            return Some(After::Crash);
        }
        self.quirk.calls = self.quirk.calls.saturating_add(1);
        let calls = self.quirk.calls;
        let silent = faults.has(Fault::CallsNeverAnswered)
            || faults.has(Fault::SecondCallUnanswered) && calls > 1;
        if silent {
            return Some(After::Open);
        }
        let wide = self
            .contexts
            .contains(&(request.context_id, TransferSyntax::Ndr64));
        let header: usize = if wide { 16 } else { 8 };
        let whole = header.saturating_add(usize::try_from(size).unwrap_or(usize::MAX));
        let surplus = faults.has(Fault::SurplusCloses) && stub.len() > whole;
        if faults.has(Fault::ClosesInsteadOfResponse) || surplus {
            return Some(After::Close);
        }
        let resets = faults.has(Fault::ResetInsteadOfResponse)
            || faults.has(Fault::TenthCallResets) && calls >= 10;
        resets.then_some(After::Reset)
    }

    /// The request a bad one is taken for.
    pub(super) fn call_taken_for(
        &mut self,
        host: &Host,
        asked: &Header,
        taken: &mut Cow<'_, [u8]>,
    ) {
        let faults = host.settings.faults;
        if faults.has(Fault::OversizedFragmentServed) && taken.len() > 5840 {
            resize(taken, 5840);
        }
        let mut flags = asked.pfc_flags;
        let open = self.assembler.open_call().map(|(call, _)| call);
        let first = flags.has(PfcFlags::FIRST_FRAG);
        if faults.has(Fault::LoneFragmentServed) && open.is_none() && !first {
            flags = flags | PfcFlags::WHOLE;
        }
        if faults.has(Fault::ObjectTakenAsStub) {
            flags = flags & !PfcFlags::OBJECT_UUID;
        }
        if flags != asked.pfc_flags {
            overwrite(taken, 3, &[flags.0]);
        }
        if let Some(open) = open.filter(|_| faults.has(Fault::ContinuationAnyCall) && !first) {
            overwrite(taken, 12, &open.0.to_le_bytes());
        }
        let Ok(Pdu {
            body: Body::Request(request),
            auth,
            ..
        }) = Pdu::decode(taken)
        else {
            return;
        };
        let (context, opnum, hint, len) = (
            request.context_id,
            request.opnum,
            request.alloc_hint,
            request.stub.len(),
        );
        if faults.has(Fault::VerifierIgnored) && auth.is_some() {
            overwrite(taken, 10, &[0, 0]);
        }
        if let Some(context) = self.context_taken_for(faults, context) {
            overwrite(taken, 20, &context.0.to_le_bytes());
        }
        if faults.has(Fault::OpnumIgnored)
            || faults.has(Fault::OpnumLowOctet) && opnum.to_le_bytes().starts_with(&[0])
        {
            overwrite(taken, 22, &[0, 0]);
        }
        let hint = usize::try_from(hint).unwrap_or(usize::MAX);
        if faults.has(Fault::AllocHintTrusted) && hint < len && flags.has(PfcFlags::WHOLE) {
            let cut = taken.len().saturating_sub(len.saturating_sub(hint));
            resize(taken, cut);
        }
    }

    /// The context that serves calls on one that is not served.
    fn context_taken_for(&mut self, faults: Faults, context: ContextId) -> Option<ContextId> {
        if self.contexts.iter().any(|(id, _)| *id == context) {
            return None;
        }
        let (rejected, negotiated) = (
            self.quirk.rejected.contains(&context),
            self.quirk.negotiated.contains(&context),
        );
        let served = faults.has(Fault::UnknownContextServed) && !rejected && !negotiated
            || faults.has(Fault::RejectedContextServed) && rejected
            || faults.has(Fault::BtfnCallable) && negotiated;
        if !served {
            return None;
        }
        let first = self.contexts.first().map(|(id, _)| *id);
        // Where nothing was accepted at all, the context is served for what it is.
        first.or_else(|| {
            self.contexts.push((context, TransferSyntax::Ndr32));
            Some(context)
        })
    }

    /// What happens once a request was answered.
    pub(super) fn note_call(&mut self, asked: &Header) {
        if asked.ptype == PduType::REQUEST {
            self.quirk.last_call = Some(asked.call_id);
        }
    }
}

//! Faults of reading, sending and closing: the connection's own loop, with every way to get it wrong.

use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::Framer;
use kmspec_wire::pdu::{CallId, Header, PduType};

use crate::connection::Connection;
use crate::fault::Fault;
use crate::host::Host;
use crate::next::After;

/// How late an answer is that is late: longer than a tester waits.
const LATE: u64 = 10 * FileTime::SECOND;
/// Connections that a host which never frees them has.
const HALF_READ: usize = 10;
const SILENT: usize = 200;

impl Connection {
    /// A connection was accepted.
    pub(crate) fn greet_deviating(
        &mut self,
        host: &mut Host,
        now: FileTime,
        out: &mut Vec<u8>,
    ) -> After {
        let faults = host.settings.faults;
        self.idle(host, now);
        let memory = &mut host.memory;
        memory.open = memory.open.saturating_add(1);
        if memory.dying {
            return After::Crash;
        }
        let crowded = faults.has(Fault::OneConnectionAtATime) && memory.open > 1;
        let full = faults.has(Fault::LeaksHalfReadConnections) && memory.leaked >= HALF_READ
            || faults.has(Fault::LeaksSilentConnections) && memory.leaked >= SILENT;
        if crowded || full {
            return After::Close;
        }
        if faults.has(Fault::SpeaksUnasked) {
            let header = Header::new(PduType::SHUTDOWN, CallId(0));
            let body = kmspec_wire::pdu::Body::Shutdown(&[]);
            kmspec_wire::pdu::Pdu {
                header,
                body,
                auth: None,
            }
            .encode(out);
        }
        After::Open
    }

    fn idle(&mut self, host: &Host, now: FileTime) {
        if host.settings.faults.has(Fault::ClosesIdleAtOnce) {
            self.deadline = now.plus(FileTime::SECOND);
        }
    }

    /// Octets have come.
    pub(crate) fn serve_deviating(
        &mut self,
        host: &mut Host,
        now: FileTime,
        octets: &[u8],
        out: &mut Vec<u8>,
    ) -> After {
        let faults = host.settings.faults;
        self.spoke = true;
        if host.memory.dying {
            return After::Crash;
        }
        if faults.has(Fault::NeverAnswers) || self.session.quirk.deaf {
            return After::Open;
        }
        self.idle(host, now);
        let Some(octets) = self.read(host, octets) else {
            return After::Open;
        };
        self.framer.push(octets);
        if host
            .memory
            .blocker
            .is_some_and(|blocker| blocker != self.number)
        {
            return After::Open;
        }
        if let Some(after) = self.foreign(host, out) {
            return after;
        }
        let before = out.len();
        let after = self.pdus(host, now, out);
        self.block(host);
        if faults.has(Fault::AnswersLate) && out.len() > before && self.session.quirk.calls > 0 {
            self.delay = LATE;
        }
        if host.memory.dying {
            After::Crash
        } else {
            after
        }
    }

    /// What the host takes of a read; `None` for nothing.
    fn read<'a>(&mut self, host: &Host, octets: &'a [u8]) -> Option<&'a [u8]> {
        if !host.settings.faults.has(Fault::OneReadOnePdu) {
            return Some(octets);
        }
        self.framer = Framer::new();
        let len = usize::from(Header::peek_frag_length(octets)?);
        octets.get(..len)
    }

    /// Octets that are no RPC at all, or not enough of it.
    fn foreign(&mut self, host: &Host, out: &mut Vec<u8>) -> Option<After> {
        let faults = host.settings.faults;
        let pending = self.framer.pending();
        let first = *pending.first()?;
        if faults.has(Fault::CrashOnForeignOctets) && first != 5 {
            return Some(After::Crash);
        }
        if faults.has(Fault::AnswersForeignOctets) && pending.starts_with(b"GET ") {
            out.extend_from_slice(b"HTTP/1.1 400 Bad Request\r\n\r\n");
            return Some(After::Close);
        }
        let whole = Header::peek_frag_length(pending).map(usize::from);
        if faults.has(Fault::HeaderAloneCloses)
            && pending.len() == Header::LEN
            && whole > Some(Header::LEN)
        {
            return Some(After::Close);
        }
        None
    }

    /// The PDUs that are there.
    fn pdus(&mut self, host: &mut Host, now: FileTime, out: &mut Vec<u8>) -> After {
        let faults = host.settings.faults;
        let mut served = 0usize;
        let mut bound = false;
        loop {
            let pdu = match self.framer.next_pdu() {
                Ok(Some(pdu)) => pdu,
                Ok(None) => break,
                Err(_) if faults.has(Fault::CrashOnShortFragment) => return After::Crash,
                Err(_) if faults.has(Fault::ShortFragLengthWaits) => {
                    self.session.quirk.deaf = true;
                    return After::Open;
                }
                Err(_) => return After::Close,
            };
            let dropped = faults.has(Fault::SegmentRestDropped) && served > 0
                || faults.has(Fault::RequestBehindBindDropped) && bound;
            served = served.saturating_add(1);
            bound |= pdu.get(2) == Some(&PduType::BIND.0);
            if dropped {
                continue;
            }
            let after = self.session.receive(host, now, pdu, out);
            if after != After::Open {
                return after;
            }
            if self.session.quirk.deaf {
                return After::Open;
            }
        }
        if faults.has(Fault::PartialPduDropped) && served > 0 {
            self.framer = Framer::new();
        }
        self.early(host, now, out)
    }

    /// Serves a request whose end is not there yet.
    fn early(&mut self, host: &mut Host, now: FileTime, out: &mut Vec<u8>) -> After {
        let pending = self.framer.pending();
        let request = pending.get(2) == Some(&PduType::REQUEST.0) && pending.len() > 24;
        if !host.settings.faults.has(Fault::AnswersBeforeWholePdu) || !request {
            return After::Open;
        }
        let mut pdu = pending.to_vec();
        self.framer = Framer::new();
        let len = u16::try_from(pdu.len()).unwrap_or(u16::MAX).to_le_bytes();
        if let Some(place) = pdu.get_mut(8..10) {
            place.copy_from_slice(&len);
        }
        self.session.receive(host, now, &pdu, out)
    }

    /// Takes or gives back the right to keep all others waiting.
    fn block(&self, host: &mut Host) {
        let faults = host.settings.faults;
        let inside = faults.has(Fault::SlowSenderBlocks) && !self.framer.pending().is_empty()
            || faults.has(Fault::UnfinishedCallBlocks) && self.session.inside_a_call();
        if inside {
            host.memory.blocker = Some(self.number);
        } else if host.memory.blocker == Some(self.number) {
            host.memory.blocker = None;
        }
    }

    /// The client has shut down its side.
    pub(crate) fn half_close_deviating(host: &Host) -> After {
        let faults = host.settings.faults;
        if faults.has(Fault::HalfCloseIgnored) {
            After::Open
        } else if faults.has(Fault::HalfCloseResets) {
            After::Reset
        } else {
            After::Close
        }
    }

    /// The connection is gone.
    pub(crate) fn end_deviating(&mut self, host: &mut Host) {
        let faults = host.settings.faults;
        let inside = !self.framer.pending().is_empty();
        let memory = &mut host.memory;
        memory.open = memory.open.saturating_sub(1);
        if memory.blocker == Some(self.number) {
            memory.blocker = None;
        }
        let leaks = faults.has(Fault::LeaksHalfReadConnections) && inside
            || faults.has(Fault::LeaksSilentConnections) && !self.spoke;
        memory.leaked = memory.leaked.saturating_add(usize::from(leaks));
        memory.dying |= faults.has(Fault::CrashOnClosedPdu) && inside
            || faults.has(Fault::CrashOnLeftCall) && self.session.inside_a_call();
        if faults.has(Fault::CountForgotten) {
            host.policy.forget();
        }
    }
}

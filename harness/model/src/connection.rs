use kmspec_wire::filetime::FileTime;
use kmspec_wire::fragment::Framer;

use crate::fault::Fault;
use crate::host::Host;
use crate::next::{After, Delivery, Next};
use crate::session::Session;

/// One client's connection to a [`Host`].
#[derive(Debug)]
pub struct Connection {
    pub(crate) framer: Framer,
    pub(crate) session: Session,
    pub(crate) deadline: FileTime,
    delivery: Delivery,
    after: After,
    /// What follows serves faults only: which connection this is, whether it has said anything, and how late its answers are.
    pub(crate) number: u64,
    pub(crate) spoke: bool,
    pub(crate) delay: u64,
}

impl Connection {
    /// A connection just accepted on this port. [`Self::greet`] comes next.
    pub fn open(host: &mut Host, now: FileTime, port: u16) -> Self {
        host.memory.next_connection = host.memory.next_connection.wrapping_add(1);
        Self {
            framer: Framer::new(),
            session: Session::new(host, port),
            deadline: now.plus(host.settings.limits.idle),
            delivery: host.settings.delivery,
            after: After::Open,
            number: host.memory.next_connection,
            spoke: false,
            delay: 0,
        }
    }

    /// Before anything has come: an honest host says nothing unasked.
    pub fn greet(&mut self, host: &mut Host, now: FileTime, out: &mut Vec<u8>) -> Next {
        if !host.settings.faults.is_empty() {
            self.after = self.greet_deviating(host, now, out);
        }
        self.next()
    }

    /// Octets have come: appends the answers to `out`.
    pub fn receive(
        &mut self,
        host: &mut Host,
        now: FileTime,
        octets: &[u8],
        out: &mut Vec<u8>,
    ) -> Next {
        self.deadline = now.plus(host.settings.limits.idle);
        self.delay = 0;
        if self.after == After::Open {
            self.after = if host.settings.faults.is_empty() {
                self.framer.push(octets);
                self.serve(host, now, out)
            } else {
                self.serve_deviating(host, now, octets, out)
            };
        }
        self.next()
    }

    /// The client sends no more: what it has sent was answered already, and the connection ends.
    pub fn half_close(&mut self, host: &mut Host) -> Next {
        if self.after == After::Open {
            self.after = Self::half_close_deviating(host);
        }
        self.delay = 0;
        self.next()
    }

    /// When the connection ends unless octets come before.
    pub fn poll_timeout(&self) -> Option<FileTime> {
        (self.after == After::Open).then_some(self.deadline)
    }

    /// Time has passed: ends the connection if it was idle for too long.
    pub fn handle_timeout(&mut self, now: FileTime) -> Next {
        if now >= self.deadline {
            self.after = self.after.max(After::Close);
        }
        self.next()
    }

    /// Whether the caller is to keep the connection's socket for good. Only a fault asks for it.
    pub fn is_kept(&self, host: &Host) -> bool {
        let faults = host.settings.faults;
        faults.has(Fault::LeaksDescriptors) && !self.framer.pending().is_empty()
    }

    /// The connection is gone. To be called once, however it ended.
    pub fn end(&mut self, host: &mut Host) {
        self.after = self.after.max(After::Close);
        if !host.settings.faults.is_empty() {
            self.end_deviating(host);
        }
        self.session.end(host);
    }

    fn serve(&mut self, host: &mut Host, now: FileTime, out: &mut Vec<u8>) -> After {
        loop {
            let after = match self.framer.next_pdu() {
                Ok(Some(pdu)) => self.session.receive(host, now, pdu, out),
                Ok(None) => return After::Open,
                Err(_) => After::Close,
            };
            if after != After::Open {
                return after;
            }
        }
    }

    const fn next(&self) -> Next {
        Next {
            after: self.after,
            delivery: self.delivery,
            delay: self.delay,
        }
    }
}

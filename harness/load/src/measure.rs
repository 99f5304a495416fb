//! What is counted: answers, errors by class, latencies.

mod hdr;

pub use hdr::{HdrError, Latencies, PERCENTILES};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What can become of a request but an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ErrorClass {
    /// No connection.
    Connect,
    /// No local port or file was left: the generator's own limit.
    Ports,
    /// The bind was not accepted, or not answered as a bind.
    Bind,
    /// The host ended the connection before it answered.
    Closed,
    /// The host reset it.
    Reset,
    /// No answer in time.
    Timeout,
    /// A fault.
    Fault,
    /// An HRESULT that says failure.
    Refused,
    /// An answer that cannot be decoded, or to nothing that was asked.
    Malformed,
    /// An answer that was opened and breaks a rule, or cannot be opened.
    Unverified,
}

impl ErrorClass {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Connect,
        Self::Ports,
        Self::Bind,
        Self::Closed,
        Self::Reset,
        Self::Timeout,
        Self::Fault,
        Self::Refused,
        Self::Malformed,
        Self::Unverified,
    ];

    /// Its name in reports and conditions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Ports => "ports",
            Self::Bind => "bind",
            Self::Closed => "closed",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Fault => "fault",
            Self::Refused => "refused",
            Self::Malformed => "malformed",
            Self::Unverified => "unverified",
        }
    }

    /// What it means, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Connect => "no connection",
            Self::Ports => "no local port or file left",
            Self::Bind => "bind not accepted",
            Self::Closed => "ended before the answer",
            Self::Reset => "reset before the answer",
            Self::Timeout => "no answer in time",
            Self::Fault => "answered with a fault",
            Self::Refused => "answered with a failure HRESULT",
            Self::Malformed => "answer cannot be decoded",
            Self::Unverified => "answer breaks a rule",
        }
    }
}

/// Counts of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that were due.
    pub due: u64,
    /// Requests that were sent.
    pub sent: u64,
    /// Good answers.
    pub answered: u64,
    /// Good answers that were opened and verified.
    pub verified: u64,
    /// Requests that the generator sent late, by its own fault.
    pub late: u64,
    /// Requests that were never sent: too many were waiting already.
    pub dropped: u64,
    /// Connections that were opened.
    pub connected: u64,
    /// Octets sent.
    pub octets_out: u64,
    /// Octets received.
    pub octets_in: u64,
    /// Requests that failed, by class.
    pub errors: BTreeMap<ErrorClass, u64>,
}

impl Counts {
    /// Requests that failed.
    pub fn failed(&self) -> u64 {
        self.errors.values().sum()
    }

    /// Counts one failure.
    pub(crate) fn fail(&mut self, class: ErrorClass) {
        *self.errors.entry(class).or_default() += 1;
    }

    /// Adds what was counted elsewhere or later.
    pub fn add(&mut self, other: &Self) {
        let Self {
            due,
            sent,
            answered,
            verified,
            late,
            dropped,
            connected,
            octets_out,
            octets_in,
            errors,
        } = other;
        self.due += due;
        self.sent += sent;
        self.answered += answered;
        self.verified += verified;
        self.late += late;
        self.dropped += dropped;
        self.connected += connected;
        self.octets_out += octets_out;
        self.octets_in += octets_in;
        for (class, count) in errors {
            *self.errors.entry(*class).or_default() += count;
        }
    }
}

/// What was counted and measured in a stretch of time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Interval {
    /// Counts.
    pub counts: Counts,
    /// From when a request was due to its good answer.
    pub corrected: Latencies,
    /// From when it was sent to its good answer.
    pub uncorrected: Latencies,
}

impl Interval {
    /// Adds what was measured elsewhere or later.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.corrected.add(&other.corrected);
        self.uncorrected.add(&other.uncorrected);
    }
}

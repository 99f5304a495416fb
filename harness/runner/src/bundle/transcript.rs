use serde::{Deserialize, Serialize};

use super::Octets;
use crate::peer::{Direction, Ending, Event};

/// Something that happened on a connection of the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// The connection's number in the case, from 0.
    pub connection: usize,
    /// Microseconds since the case began.
    pub at_us: u64,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum What {
    /// It was opened.
    Opened {
        /// The tester's address and port.
        from: String,
        /// The target's.
        to: String,
    },
    /// The tester sent a segment.
    Sent {
        /// Its octets.
        octets: Octets,
    },
    /// The target sent a segment.
    Received {
        /// Its octets.
        octets: Octets,
    },
    /// The tester closed it.
    Closed,
    /// The tester reset it.
    Reset,
    /// The target closed it.
    ClosedByTarget,
    /// The target reset it.
    ResetByTarget,
}

/// The first octets of a transcript, and how many were left out.
pub(super) fn of(events: &[Event], most: usize) -> (Vec<Happening>, u64) {
    let (mut left, mut omitted) = (most, 0_u64);
    let mut happenings = Vec::with_capacity(events.len());
    for event in events {
        let (connection, at, what) = match event {
            Event::Opened {
                connection,
                at,
                by,
                from,
                to,
            } => {
                // A client opens the connection itself.
                let (from, to) = match by {
                    Direction::ToTarget => (from.to_string(), to.to_string()),
                    Direction::FromTarget => (to.to_string(), from.to_string()),
                };
                (connection, at, What::Opened { from, to })
            }
            Event::Octets {
                connection,
                at,
                direction,
                octets,
            } => {
                if octets.len() > left {
                    // What follows a gap would not be what it seems to be.
                    left = 0;
                    omitted += u64::try_from(octets.len()).unwrap_or(u64::MAX);
                    continue;
                }
                left -= octets.len();
                let octets = Octets(octets.clone());
                let what = match direction {
                    Direction::ToTarget => What::Sent { octets },
                    Direction::FromTarget => What::Received { octets },
                };
                (connection, at, what)
            }
            Event::Ended {
                connection,
                at,
                by,
                ending,
            } => {
                let what = match (by, ending) {
                    (Direction::ToTarget, Ending::Closed) => What::Closed,
                    (Direction::ToTarget, Ending::Reset) => What::Reset,
                    (Direction::FromTarget, Ending::Closed) => What::ClosedByTarget,
                    (Direction::FromTarget, Ending::Reset) => What::ResetByTarget,
                };
                (connection, at, what)
            }
        };
        happenings.push(Happening {
            connection: *connection,
            at_us: u64::try_from(at.as_micros()).unwrap_or(u64::MAX),
            what,
        });
    }
    (happenings, omitted)
}

/// What the tester sent on each connection, one segment after the other.
pub(super) fn sent(happenings: &[Happening]) -> Vec<Vec<u8>> {
    let mut streams: Vec<Vec<u8>> = Vec::new();
    for happening in happenings {
        if let What::Sent { octets } = &happening.what {
            // A file may claim any number; connections are counted as they come.
            let nth = happening.connection.min(happenings.len());
            if streams.len() <= nth {
                streams.resize_with(nth + 1, Vec::new);
            }
            if let Some(stream) = streams.get_mut(nth) {
                stream.extend_from_slice(&octets.0);
            }
        }
    }
    streams
}

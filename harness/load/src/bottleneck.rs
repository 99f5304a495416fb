//! Whether the figures are the target's or the generator's own.

use std::fmt;

use crate::measure::ErrorClass;
use crate::num::float;
use crate::outcome::Outcome;

/// Why figures say more of the generator than of the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bottleneck {
    /// Its threads had hardly a moment without work.
    Busy {
        /// The part of the time that the idlest was busy, from 0 to 1.
        least: f64,
    },
    /// It handed out requests late.
    Late {
        /// The part of all that was late, from 0 to 1.
        part: f64,
    },
    /// The system had no port or file left for a connection.
    Ports {
        /// How often.
        times: u64,
    },
}

/// A generator whose threads all are busy for more than this part of the time sets the pace itself.
pub const BUSY: f64 = 0.95;
/// More late requests than this part of all distort the 99th percentile.
pub const LATE: f64 = 0.01;

impl Bottleneck {
    /// Everything that makes the generator the bottleneck.
    pub fn of(outcome: &Outcome) -> Vec<Self> {
        let mut found = Vec::new();
        let counts = &outcome.total.counts;
        let least = outcome.generator.busy.iter().copied().reduce(f64::min);
        if let Some(least) = least.filter(|least| *least > BUSY) {
            found.push(Self::Busy { least });
        }
        let part = float(counts.late) / float(counts.due.max(1));
        if outcome.is_open() && part > LATE {
            found.push(Self::Late { part });
        }
        match counts.errors.get(&ErrorClass::Ports) {
            Some(times) if *times > 0 => found.push(Self::Ports { times: *times }),
            _ => {}
        }
        found
    }
}

impl fmt::Display for Bottleneck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the generator is the bottleneck: ")?;
        match self {
            Self::Busy { least } => write!(
                f,
                "its threads were busy {:.0} % of the time; give it --threads, or fewer requests",
                least * 100.0
            ),
            Self::Late { part } => write!(
                f,
                "it sent {:.1} % of the requests late; give it a lower rate, --threads or a quieter machine",
                part * 100.0
            ),
            Self::Ports { times } => write!(
                f,
                "{times} times no local port or file was left; give it fewer connections"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn each_limit_of_the_generator_is_seen() {
        type Change = fn(&mut Outcome);
        let change: [(&str, Change, usize); 7] = [
            ("nothing", |_| {}, 0),
            (
                "one thread at its limit, one not",
                |o| o.generator.busy = vec![1.0, 0.5],
                0,
            ),
            (
                "all threads at their limit",
                |o| o.generator.busy = vec![1.0, 0.96],
                1,
            ),
            (
                "few are late",
                |o| o.total.counts.late = o.total.counts.due / 100,
                0,
            ),
            (
                "many are late",
                |o| o.total.counts.late = o.total.counts.due / 50,
                1,
            ),
            ("no ports", |o| o.total.counts.fail(ErrorClass::Ports), 1),
            (
                "all of it",
                |o| {
                    o.generator.busy = vec![0.99];
                    o.total.counts.late = o.total.counts.due;
                    o.total.counts.errors.insert(ErrorClass::Ports, 3);
                },
                3,
            ),
        ];
        for (name, change, expected) in change {
            let mut outcome = sample::outcome();
            change(&mut outcome);
            let found = Bottleneck::of(&outcome);
            assert_eq!(found.len(), expected, "{name}: {found:?}");
        }
    }
}

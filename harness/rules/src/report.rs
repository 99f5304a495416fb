use std::fmt;
use std::ops::Range;

use crate::table::{RULES, Role, Rule};

/// Which way a PDU goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// The client sent it.
    FromClient,
    /// The host sent it.
    FromHost,
}

/// One PDU of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PduRef {
    /// Which way it went.
    pub direction: Direction,
    /// Its number among the PDUs of that direction, from 0.
    pub index: usize,
}

impl fmt::Display for PduRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.direction {
            Direction::FromClient => "client",
            Direction::FromHost => "host",
        };
        write!(f, "PDU {} of the {who}", self.index)
    }
}

/// Whose octets are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Roles {
    host: bool,
    client: bool,
}

impl Roles {
    /// Hosts alone: for a tester that sends what it likes.
    pub const HOST: Self = Self {
        host: true,
        client: false,
    };
    /// Clients alone.
    pub const CLIENT: Self = Self {
        host: false,
        client: true,
    };
    /// Both: for recorded traffic.
    pub const BOTH: Self = Self {
        host: true,
        client: true,
    };

    /// Whether this role is judged.
    pub const fn has(self, role: Role) -> bool {
        match role {
            Role::Host => self.host,
            Role::Client => self.client,
        }
    }
}

/// A requirement that was broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Id of the requirement.
    pub requirement: &'static str,
    /// Who broke it.
    pub role: Role,
    /// The PDU that shows it.
    pub pdu: PduRef,
    /// Octets of that PDU at fault; where they stand in an encrypted part, its plaintext stands there.
    pub at: Range<usize>,
    /// The field at fault.
    pub field: &'static str,
    /// What the requirement asks.
    pub expected: String,
    /// What was found.
    pub got: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            requirement,
            pdu,
            at,
            field,
            expected,
            got,
            ..
        } = self;
        let start = at.start;
        write!(
            f,
            "{requirement}: {pdu}, {field} at byte 0x{start:04x}: expected {expected}, got {got}"
        )
    }
}

/// How often a rule was judged and broken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Times it was judged.
    pub judged: u64,
    /// Times it did not hold.
    pub broken: u64,
}

/// How often each rule was judged; a rule that never was is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By the rules' places in [`RULES`]; empty until one was judged.
    counts: Vec<Count>,
}

impl Tally {
    /// All rules that were judged, in the order of their requirements.
    pub fn iter(&self) -> impl Iterator<Item = (Rule, Count)> {
        let mut judged: Vec<_> = self.judged().collect();
        judged.sort_by_key(|(rule, _)| (rule.requirement, rule.role, rule.sentence));
        judged.into_iter()
    }

    /// How often the rules of a requirement were judged, both roles together.
    pub fn of(&self, requirement: &str) -> Count {
        let rules = self
            .judged()
            .filter(|(rule, _)| rule.requirement == requirement);
        rules.fold(Count::default(), |sum, (_, count)| sum.plus(count))
    }

    /// Adds what another judge counted.
    pub fn merge(&mut self, other: &Self) {
        for (rule, count) in other.judged() {
            self.add(rule, count);
        }
    }

    fn judged(&self) -> impl Iterator<Item = (Rule, Count)> {
        let counted = RULES.iter().copied().zip(self.counts.iter().copied());
        counted.filter(|(_, count)| count.judged > 0)
    }

    fn add(&mut self, rule: Rule, count: Count) {
        if self.counts.is_empty() {
            self.counts.resize(RULES.len(), Count::default());
        }
        if let Some(sum) = self.counts.get_mut(rule.number()) {
            *sum = sum.plus(count);
        }
    }
}

impl Count {
    const fn plus(self, other: Self) -> Self {
        Self {
            judged: self.judged.saturating_add(other.judged),
            broken: self.broken.saturating_add(other.broken),
        }
    }
}

/// A field and where it stands in its PDU.
pub(crate) type Place = (&'static str, Range<usize>);

/// Takes the outcome of rules.
#[derive(Debug)]
pub(crate) struct Sink {
    roles: Roles,
    pdu: PduRef,
    pub(crate) found: Vec<Violation>,
    pub(crate) tally: Tally,
}

impl Sink {
    pub(crate) fn new(roles: Roles) -> Self {
        let pdu = PduRef {
            direction: Direction::FromClient,
            index: 0,
        };
        Self {
            roles,
            pdu,
            found: Vec::new(),
            tally: Tally::default(),
        }
    }

    /// What follows is about this PDU.
    pub(crate) fn turn_to(&mut self, pdu: PduRef) {
        self.pdu = pdu;
    }

    /// Whether anybody wants to know of this role.
    pub(crate) const fn judges(&self, role: Role) -> bool {
        self.roles.has(role)
    }

    /// A rule was judged.
    pub(crate) fn judge(
        &mut self,
        rule: Rule,
        place: Place,
        holds: bool,
        texts: impl FnOnce() -> (String, String),
    ) {
        if !self.roles.has(rule.role) {
            return;
        }
        let broken = u64::from(!holds);
        self.tally.add(rule, Count { judged: 1, broken });
        if !holds {
            let ((field, at), (expected, got)) = (place, texts());
            self.found.push(Violation {
                requirement: rule.requirement,
                role: rule.role,
                pdu: self.pdu,
                at,
                field,
                expected,
                got,
            });
        }
    }

    /// A rule was judged that compares two values.
    pub(crate) fn equal<T: PartialEq + fmt::Debug>(
        &mut self,
        rule: Rule,
        place: Place,
        expected: &T,
        got: &T,
    ) {
        self.judge(rule, place, expected == got, || {
            (format!("{expected:?}"), format!("{got:?}"))
        });
    }
}

/// Expected and got in words.
pub(crate) fn words(expected: impl fmt::Display, got: impl fmt::Display) -> (String, String) {
    (expected.to_string(), got.to_string())
}

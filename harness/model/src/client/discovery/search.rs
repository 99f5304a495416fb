use std::collections::VecDeque;
use std::fmt;

use super::Discovery;
use super::address::HostAddress;
use super::srv::{Srv, ordered};
use crate::client::deviate;
use crate::client::fault::{Fault, Faults};
use crate::seed::Seed;

/// A search for a host that answers, one step after the other.
///
/// ```
/// use kmspec_model::client::{Discovery, Search, Srv, Step, Suffixes};
///
/// let suffixes = Suffixes { primary: Some("corp.test".to_owned()), ..Suffixes::default() };
/// let mut search = Search::begin(&Discovery { suffixes, ..Discovery::default() }, 1);
/// assert_eq!(search.step(), Step::Lookup("_vlmcs._tcp.corp.test".to_owned()));
/// let record = Srv { priority: 0, weight: 0, port: 1700, target: "kms.corp.test".to_owned() };
/// search.found(&[record]);
/// let Step::Connect(host) = search.step() else { panic!() };
/// assert_eq!(host.to_string(), "kms.corp.test:1700");
/// search.failed("connection refused");
/// assert_eq!(search.step(), Step::GiveUp);
/// assert_eq!(search.tried()[0].to_string(), "kms.corp.test:1700: connection refused");
/// ```
#[derive(Clone, Debug)]
pub struct Search {
    seed: Seed,
    hosts: VecDeque<HostAddress>,
    queries: VecDeque<String>,
    step: Step,
    tried: Vec<Tried>,
    faults: Faults,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Ask DNS for the SRV records of this name, then call [`Search::found`] or [`Search::failed`].
    Lookup(String),
    /// Ask this host, then call [`Search::failed`] if it does not answer.
    Connect(HostAddress),
    /// There is nobody left to ask.
    GiveUp,
}

/// Something that was tried in vain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// The host, or the name that was looked up.
    pub what: String,
    /// Why it came to nothing.
    pub why: String,
}

impl Search {
    /// A search by what the machine knows. The seed decides among records of one priority.
    pub fn begin(discovery: &Discovery, seed: u64) -> Self {
        Self::begin_with(discovery, seed, Faults::NONE)
    }

    /// The same with deliberate defects.
    pub(in crate::client) fn begin_with(discovery: &Discovery, seed: u64, faults: Faults) -> Self {
        let (mut hosts, mut queries) = match &discovery.registered {
            Some(host) => (VecDeque::from([host.clone()]), VecDeque::new()),
            None => (
                discovery.cached.iter().cloned().collect(),
                discovery.suffixes.queries().into(),
            ),
        };
        if !faults.is_empty() {
            deviate::plan(faults, discovery, &mut hosts, &mut queries);
        }
        let mut search = Self {
            seed: Seed::client(seed),
            hosts,
            queries,
            step: Step::GiveUp,
            tried: Vec::new(),
            faults,
        };
        search.advance();
        search
    }

    /// What to do now.
    pub fn step(&self) -> Step {
        self.step.clone()
    }

    /// What was tried in vain so far.
    pub fn tried(&self) -> &[Tried] {
        &self.tried
    }

    /// The records that were looked up; hosts that failed before are not tried again.
    pub fn found(&mut self, records: &[Srv]) {
        let hosts = if self.faults.is_empty() {
            ordered(records, &mut self.seed)
        } else {
            deviate::order(self.faults, records, &mut self.seed)
        };
        let new = |host: &HostAddress| {
            !self
                .tried
                .iter()
                .any(|tried| tried.what == host.to_string())
        };
        let hosts: VecDeque<_> = hosts.into_iter().filter(new).collect();
        if hosts.is_empty() {
            return self.failed("no host is published there");
        }
        self.hosts.extend(hosts);
        if self.faults.has(Fault::FirstHostAlone) {
            self.queries.clear();
        }
        self.advance();
    }

    /// The present step came to nothing.
    pub fn failed(&mut self, why: impl Into<String>) {
        let what = match &self.step {
            Step::Lookup(name) => name.clone(),
            Step::Connect(host) => host.to_string(),
            Step::GiveUp => return,
        };
        self.tried.push(Tried {
            what,
            why: why.into(),
        });
        self.advance();
    }

    fn advance(&mut self) {
        if self.faults.has(Fault::AllSuffixes)
            && let Some(query) = self.queries.pop_front()
        {
            self.step = Step::Lookup(query);
            return;
        }
        self.step = match self.hosts.pop_front() {
            Some(host) => Step::Connect(host),
            None => self.queries.pop_front().map_or(Step::GiveUp, Step::Lookup),
        };
    }
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.why)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Suffixes;
    use super::*;

    fn known(registered: Option<&str>, cached: Option<&str>) -> Discovery {
        Discovery {
            registered: registered.map(|text| text.parse().unwrap()),
            cached: cached.map(|text| text.parse().unwrap()),
            suffixes: Suffixes {
                primary: Some("a.test".to_owned()),
                domain: Some("b.test".to_owned()),
                dhcp: None,
            },
        }
    }

    fn record(priority: u16, target: &str) -> Srv {
        let target = target.to_owned();
        Srv {
            priority,
            weight: 0,
            port: 1688,
            target,
        }
    }

    /// Follows a search to its end, every host failing, and writes down its steps.
    fn followed(mut search: Search, records: impl Fn(&str) -> Vec<Srv>) -> Vec<String> {
        let mut steps = Vec::new();
        loop {
            match search.step() {
                Step::Lookup(name) => {
                    search.found(&records(&name));
                    steps.push(name);
                }
                Step::Connect(host) => {
                    search.failed("refused");
                    steps.push(host.to_string());
                }
                Step::GiveUp => return steps,
            }
        }
    }

    #[test]
    fn a_registered_host_is_the_only_one() {
        let search = Search::begin(&known(Some("kms.test:1700"), Some("old.test")), 1);
        assert_eq!(
            followed(search, |_| vec![record(0, "other.test")]),
            ["kms.test:1700"]
        );
    }

    #[test]
    fn the_host_that_answered_last_comes_before_dns_and_is_not_tried_twice() {
        let search = Search::begin(&known(None, Some("old.test")), 1);
        let steps = followed(search, |_| {
            vec![record(0, "old.test"), record(5, "new.test")]
        });
        assert_eq!(
            steps,
            [
                "old.test:1688",
                "_vlmcs._tcp.a.test",
                "new.test:1688",
                "_vlmcs._tcp.b.test"
            ]
        );
    }

    #[test]
    fn a_suffix_without_records_is_followed_by_the_next() {
        let search = Search::begin(&known(None, None), 1);
        let steps = followed(search, |name| match name {
            "_vlmcs._tcp.b.test" => vec![record(9, "two.test"), record(0, "one.test")],
            _ => Vec::new(),
        });
        assert_eq!(
            steps,
            [
                "_vlmcs._tcp.a.test",
                "_vlmcs._tcp.b.test",
                "one.test:1688",
                "two.test:1688"
            ]
        );
    }

    #[test]
    fn registering_and_forgetting_leave_no_trace_of_dns() {
        let mut discovery = known(None, Some("old.test"));
        discovery.register("kms.test".parse().unwrap());
        discovery.answered(&"kms.test".parse().unwrap());
        assert_eq!(discovery.cached, None);
        discovery.forget();
        assert_eq!((discovery.registered, discovery.cached), (None, None));
    }
}

//! The state machine of a target, as far as a campaign has learnt it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::answers::NOTHING;
use crate::play::Row;

/// States are the answers given last, edges are the steps that led from one to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Version of the form.
    pub version: u32,
    /// Whose machine it is.
    pub target: String,
    /// The edges, sorted.
    pub edges: Vec<Edge>,
}

/// What a step led to, and how often.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edge {
    /// The state before: the last answer, or `start`.
    pub from: String,
    /// The step: `request-v6-ndr32`, with `~body` where it lies in its body.
    pub step: String,
    /// The state after.
    pub to: String,
    /// How often it was seen.
    pub seen: u64,
}

/// Where a connection begins.
const START: &str = "start";
/// Where it is once it is open.
const CONNECTED: &str = "connected";

/// Edges while they are counted. The same few words come all the time: each has a number.
#[derive(Debug, Default)]
pub(crate) struct Learning {
    words: Words,
    /// From, step, to.
    edges: HashMap<[usize; 3], u64>,
    states: BTreeSet<usize>,
}

#[derive(Debug, Default)]
struct Words {
    numbers: HashMap<Arc<str>, usize>,
    texts: Vec<Arc<str>>,
}

impl Words {
    fn number(&mut self, text: &str) -> usize {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len();
        let text: Arc<str> = text.into();
        self.texts.push(Arc::clone(&text));
        self.numbers.insert(text, number);
        number
    }

    fn text(&self, number: usize) -> String {
        self.texts[number].to_string()
    }
}

impl Learning {
    /// What a session showed.
    pub(crate) fn learn(&mut self, rows: &[Row]) {
        let mut states: Vec<(u8, usize)> = Vec::new();
        for row in rows.iter().filter(|row| row.label != "wait") {
            let state = states
                .iter()
                .rposition(|(number, _)| *number == row.connection);
            let from = match state {
                Some(at) => states[at].1,
                None => self.words.number(START),
            };
            let last = row.answer.rsplit(' ').next().unwrap_or(NOTHING);
            let to = match (last, row.label.as_str()) {
                (NOTHING, "connect") => self.words.number(CONNECTED),
                (NOTHING, _) => from,
                (answer, _) => self.words.number(answer),
            };
            let edge = [from, self.words.number(&row.label), to];
            *self.edges.entry(edge).or_default() += 1;
            self.states.insert(to);
            match state {
                Some(at) => states[at].1 = to,
                None => states.push((row.connection, to)),
            }
        }
    }

    pub(crate) fn states(&self) -> usize {
        self.states.len()
    }

    pub(crate) fn machine(&self, target: &str) -> Machine {
        let edges = self.edges.iter().map(|([from, step, to], seen)| Edge {
            from: self.words.text(*from),
            step: self.words.text(*step),
            to: self.words.text(*to),
            seen: *seen,
        });
        let mut edges: Vec<Edge> = edges.collect();
        edges.sort_unstable();
        Machine {
            version: 1,
            target: target.to_owned(),
            edges,
        }
    }
}

impl Machine {
    /// As a graph for `dot`. Steps between the same two states share an edge; those that lie are counted, not named.
    pub fn dot(&self) -> String {
        let mut dot = String::from(
            "digraph host {\n  rankdir=LR;\n  node [shape=box, fontname=monospace];\n",
        );
        let mut edges: BTreeMap<(&str, &str), (BTreeSet<&str>, usize)> = BTreeMap::new();
        for edge in &self.edges {
            let (honest, lies) = edges.entry((&edge.from, &edge.to)).or_default();
            if edge.step.contains('~') {
                *lies += 1;
            } else {
                honest.insert(&edge.step);
            }
        }
        for ((from, to), (honest, lies)) in edges {
            let mut label = honest.into_iter().collect::<Vec<_>>().join("\\n");
            if lies > 0 {
                let gap = if label.is_empty() { "" } else { "\\n" };
                let _ = write!(label, "{gap}{lies} that lie");
            }
            let _ = writeln!(dot, "  \"{from}\" -> \"{to}\" [label=\"{label}\"];");
        }
        dot.push_str("}\n");
        dot
    }

    /// Where this machine and another differ: the same step from the same state that leads elsewhere. What only one of
    /// them was asked is no difference.
    pub fn differences(&self, other: &Self) -> Vec<Difference> {
        let (ours, theirs) = (self.by_step(), other.by_step());
        let mut all = Vec::new();
        for (key, here) in &ours {
            let Some(there) = theirs.get(key) else {
                continue;
            };
            let only = |a: &BTreeSet<&str>, b: &BTreeSet<&str>| -> Vec<String> {
                a.difference(b).map(|state| (*state).to_owned()).collect()
            };
            let (here, there) = (only(here, there), only(there, here));
            if !here.is_empty() || !there.is_empty() {
                let (from, step) = (key.0.to_owned(), key.1.to_owned());
                all.push(Difference {
                    from,
                    step,
                    here,
                    there,
                });
            }
        }
        all
    }

    fn by_step(&self) -> BTreeMap<(&str, &str), BTreeSet<&str>> {
        let mut steps: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for edge in &self.edges {
            let states = steps.entry((&edge.from, &edge.step)).or_default();
            states.insert(&edge.to);
        }
        steps
    }
}

/// A step that leads elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The state before.
    pub from: String,
    /// The step.
    pub step: String,
    /// States that only the one machine goes to.
    pub here: Vec<String>,
    /// States that only the other goes to.
    pub there: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(label: &str, answer: &str) -> Row {
        Row {
            connection: 0,
            label: label.to_owned(),
            answer: answer.to_owned(),
            octets: 0,
            waited: false,
            sent: 1,
        }
    }

    fn learnt(answer: &str) -> Machine {
        let mut learning = Learning::default();
        learning.learn(&[
            row("connect", "-"),
            row("bind", "bind-ack:0"),
            row("request-v6-ndr32", answer),
        ]);
        learning.machine("a")
    }

    #[test]
    fn states_are_answers_and_edges_are_steps() {
        let machine = learnt("response:00000000");
        let edges: Vec<_> = machine
            .edges
            .iter()
            .map(|e| (e.from.as_str(), e.step.as_str(), e.to.as_str()))
            .collect();
        assert_eq!(
            edges,
            [
                ("bind-ack:0", "request-v6-ndr32", "response:00000000"),
                ("connected", "bind", "bind-ack:0"),
                ("start", "connect", "connected"),
            ]
        );
        assert!(
            machine
                .dot()
                .contains("\"connected\" -> \"bind-ack:0\" [label=\"bind\"]")
        );
    }

    #[test]
    fn two_machines_differ_where_the_same_step_leads_elsewhere() {
        let (one, other) = (learnt("response:00000000"), learnt("fault:1c010003"));
        assert_eq!(one.differences(&one), []);
        let [difference] = one.differences(&other).try_into().unwrap();
        assert_eq!(
            (difference.from.as_str(), difference.step.as_str()),
            ("bind-ack:0", "request-v6-ndr32")
        );
        assert_eq!(difference.here, ["response:00000000"]);
        assert_eq!(difference.there, ["fault:1c010003"]);
    }
}

//! What the recordings show: every broken requirement of every recorded host and client, as a snapshot to be read.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use kmspec_capture::rpc::{self, Notice, Observer};
use kmspec_capture::tcp::{Endpoint, Limits};
use kmspec_rules::{Direction, Judge, Memory, Roles, Tally};
use kmspec_wire::keys::KeySet;

/// Judges every connection of a file.
struct Judges {
    keys: Arc<KeySet>,
    memories: BTreeMap<Endpoint, Memory>,
    connections: BTreeMap<u32, Judge>,
}

impl Judges {
    fn of(bytes: &[u8]) -> Self {
        let mut judges = Self {
            keys: Arc::new(KeySet::lab()),
            memories: BTreeMap::new(),
            connections: BTreeMap::new(),
        };
        kmspec_capture::read(bytes, Limits::default(), &mut judges);
        judges
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for judge in self.connections.values() {
            tally.merge(judge.tally());
        }
        tally
    }
}

impl Observer for Judges {
    fn pdu(&mut self, pdu: &rpc::Pdu<'_>) {
        let memory = self.memories.entry(pdu.connection.peer).or_default();
        let judge = self
            .connections
            .entry(pdu.connection.stream)
            .or_insert_with(|| {
                let judge = Judge::new(Roles::BOTH)
                    .with_keys(Arc::clone(&self.keys))
                    .with_memory(memory.clone());
                if pdu.connection.mid_stream {
                    judge.mid_stream()
                } else {
                    judge
                }
            });
        if pdu.is_cut() {
            judge.gap();
            return;
        }
        let direction = match pdu.direction {
            rpc::Direction::ToHost => Direction::FromClient,
            rpc::Direction::ToClient => Direction::FromHost,
        };
        judge.pdu(direction, pdu.bytes);
    }

    fn notice(&mut self, notice: &Notice) {
        if let Notice::Gap { stream, .. } | Notice::NoPdu { stream, .. } = notice
            && let Some(judge) = self.connections.get_mut(stream)
        {
            judge.gap();
        }
    }
}

#[test]
fn recorded_hosts_and_clients_break_what_the_snapshot_says() {
    let mut report = String::new();
    for capture in kmspec_captures::all() {
        let judges = Judges::of(capture.bytes);
        let (mut first, mut times) = (BTreeMap::new(), BTreeMap::new());
        for (stream, judge) in &judges.connections {
            for violation in judge.violations() {
                let key = (violation.role, violation.requirement, violation.field);
                *times.entry(key).or_insert(0) += 1;
                first
                    .entry(key)
                    .or_insert_with(|| format!("stream {stream}, {violation}"));
            }
        }
        writeln!(report, "{}", capture.file).unwrap();
        for (key, text) in first {
            writeln!(report, "    {:?} x{}: {text}", key.0, times[&key]).unwrap();
        }
    }
    insta::assert_snapshot!(report);
}

#[test]
fn most_rules_are_judged_by_the_recordings() {
    let mut tally = Tally::default();
    for capture in kmspec_captures::all() {
        tally.merge(&Judges::of(capture.bytes).tally());
    }
    let judged: Vec<_> = tally.iter().map(|(rule, _)| rule).collect();
    let never = kmspec_rules::RULES
        .iter()
        .filter(|rule| !judged.contains(rule));
    let never: Vec<String> = never
        .map(|rule| format!("{:?} {}: {}", rule.role, rule.requirement, rule.sentence))
        .collect();
    insta::assert_snapshot!(never.join("\n"));
}

//! What holds of every answer, put together over all cases.

use std::collections::BTreeSet;
use std::sync::Arc;

use kmspec_rules::{Count, Direction as Sender, PduRef};
use kmspec_wire::pdu::Header;

use super::attempt::Judgement;
use super::{Row, Tally};
use crate::check::evidence;
use crate::peer::{Broken, Direction, Event, Record};
use crate::plan::About;
use crate::verdict::{Failure, Level, Verdict};

/// A requirement on every answer that was broken once, with the PDU that shows it.
#[derive(Debug)]
pub(super) struct Sighting {
    requirement: &'static str,
    failure: Failure,
    transcript: Arc<[Event]>,
}

impl Sighting {
    /// What the judges of a record saw, each requirement once: a target that breaks one breaks it often.
    pub(super) fn all_in(record: &Record) -> Vec<Self> {
        let violations = record.violations();
        if violations.is_empty() {
            return Vec::new();
        }
        let events: Arc<[Event]> = record.events().into();
        let mut seen = BTreeSet::new();
        violations
            .into_iter()
            .filter(|broken| seen.insert(broken.violation.requirement))
            .map(|broken| Self::of(broken, &events))
            .collect()
    }

    fn of(broken: Broken, events: &Arc<[Event]>) -> Self {
        Self {
            requirement: broken.violation.requirement,
            failure: failure_of(broken, events),
            transcript: Arc::clone(events),
        }
    }
}

/// What a judge found, as a failure with the PDU that shows it.
pub(crate) fn failure_of(broken: Broken, events: &[Event]) -> Failure {
    let Broken {
        connection,
        step,
        violation,
    } = broken;
    let octets = octets_of(events, connection, violation.pdu);
    let evidence = octets.map(|octets| {
        let inside = !violation.at.is_empty() && violation.at.end <= octets.len();
        evidence(&octets, inside.then(|| violation.at.clone()))
    });
    Failure {
        step,
        field: violation.field.to_owned(),
        expected: violation.expected,
        got: violation.got,
        evidence,
    }
}

/// A row for each of these requirements that was judged at all.
pub(super) fn every_answer(
    requirements: &[About],
    judgements: &[Judgement],
    gate: Level,
) -> Vec<Row> {
    let mut tally = kmspec_rules::Tally::default();
    for judgement in judgements {
        tally.merge(&judgement.tally);
    }
    let row = |about| row(about, judgements, tally.of(&about.id), gate);
    requirements.iter().filter_map(row).collect()
}

fn row(about: &About, judgements: &[Judgement], count: Count, gate: Level) -> Option<Row> {
    let seen: Vec<(&str, &Sighting)> = judgements
        .iter()
        .flat_map(|judgement| {
            let of_it = |sighting: &&Sighting| sighting.requirement == about.id;
            let here = judgement.broken.iter().filter(of_it);
            here.map(|sighting| (judgement.row.id.as_str(), sighting))
        })
        .collect();
    let first = seen.first().map(|(_, sighting)| *sighting);
    let verdict = match first {
        None if count.judged == 0 => return None,
        None => Verdict::Pass,
        Some(_) => Verdict::of_failure(about.level, gate),
    };
    let mut ids: Vec<&str> = seen.iter().map(|(id, _)| *id).collect();
    ids.dedup();
    Some(Row {
        id: format!("{}/every-answer", about.id),
        requirement: about.id.clone(),
        suite: EVERY_ANSWER.to_owned(),
        level: about.level,
        role: about.role,
        title: about.title.clone(),
        sentence: sentence(&about.id),
        source: about.source.clone(),
        verdict,
        shown_in: seen
            .first()
            .map_or_else(String::new, |(id, _)| (*id).to_owned()),
        failure: first.map(|sighting| sighting.failure.clone()),
        reason: None,
        notes: notes(&ids),
        broken_in: ids.into_iter().map(str::to_owned).collect(),
        tally: Some(Tally {
            judged: count.judged,
            broken: count.broken,
        }),
        took: std::time::Duration::ZERO,
        transcript: first.map_or_else(Vec::new, |sighting| sighting.transcript.to_vec()),
    })
}

/// The cases in which it was broken, as a note.
pub(crate) fn notes(ids: &[&str]) -> Vec<String> {
    if ids.is_empty() {
        return Vec::new();
    }
    let shown: Vec<&str> = ids.iter().take(MOST_IDS).copied().collect();
    let mut note = format!("broken in {}", shown.join(", "));
    if let Some(more @ 1..) = ids.len().checked_sub(MOST_IDS) {
        note = format!("{note} and {more} more");
    }
    vec![note]
}

/// What the rules of a requirement ask, in their own words.
fn sentence(requirement: &str) -> String {
    let rule = kmspec_rules::RULES
        .iter()
        .find(|rule| rule.requirement == requirement);
    rule.map_or_else(String::new, |rule| rule.sentence.to_owned())
}

/// The octets of one PDU of a connection, cut out of what was sent that way.
fn octets_of(events: &[Event], connection: usize, pdu: PduRef) -> Option<Vec<u8>> {
    let opener = events.iter().find_map(|event| match event {
        Event::Opened {
            connection: number,
            by,
            ..
        } if *number == connection => Some(*by),
        _ => None,
    })?;
    let way = match (pdu.direction, opener) {
        (Sender::FromClient, Direction::ToTarget) | (Sender::FromHost, Direction::FromTarget) => {
            Direction::ToTarget
        }
        _ => Direction::FromTarget,
    };
    let mut stream = Vec::new();
    for event in events {
        if let Event::Octets {
            connection: number,
            direction,
            octets,
            ..
        } = event
            && (*number, *direction) == (connection, way)
        {
            stream.extend_from_slice(octets);
        }
    }
    let mut rest = stream.as_slice();
    for _ in 0..pdu.index {
        let len = Header::peek_frag_length(rest)?;
        rest = rest.split_at_checked(usize::from(len))?.1;
    }
    let len = Header::peek_frag_length(rest).map_or(rest.len(), usize::from);
    let octets = rest.get(..len.max(Header::LEN)).unwrap_or(rest);
    (!octets.is_empty()).then(|| octets.to_vec())
}

/// The suite under which reports show what holds of every answer.
pub const EVERY_ANSWER: &str = "every-answer";
/// Ids that a note lists.
const MOST_IDS: usize = 5;

//! A recorded answer and one that came, field by field.

use kmspec_wire::keys::KeySet;
use kmspec_wire::pdu::{ContextResult, PduType};

use super::answer::{Answer, Outcome};
use super::explain::{self, Fact, offered};
use super::fields::{Kind, rule};
use super::flatten::{Asked, Layout, Value, flatten_like};

/// An answer with what was asked and the keys that open both.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The answer.
    pub answer: &'a Answer,
    /// What was asked.
    pub asked: Asked<'a>,
    /// The keys.
    pub keys: &'a KeySet,
}

/// A field that is not as it was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its name as in [`FIELDS`](super::FIELDS); with an index where it stands in a list.
    pub field: String,
    /// How it is compared.
    pub kind: Kind,
    /// What the recorded host answered.
    pub recorded: String,
    /// What came.
    pub got: String,
    /// What to make of it.
    pub status: Status,
}

/// What to make of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// The field may differ.
    Free,
    /// It may differ here; why.
    Explained(String),
    /// It must not.
    Wrong,
}

impl Difference {
    /// Whether the target is to blame.
    pub fn is_wrong(&self) -> bool {
        self.status == Status::Wrong
    }

    /// Whether it must not differ as a rule, and may here.
    pub fn is_explained(&self) -> bool {
        matches!(self.status, Status::Explained(_))
    }
}

/// Every field in which an answer differs from the recorded one, in wire order; `facts` are about the request.
pub fn differences(recorded: &Side<'_>, got: &Side<'_>, facts: &[Fact]) -> Vec<Difference> {
    let (was, is) = (outcome(recorded), outcome(got));
    let layout = Layout::of(recorded.answer, recorded.asked.syntax);
    let came = flatten_like(got.answer, &got.asked, got.keys, &layout);
    if recorded.answer.is_empty() {
        return unlawful(&came);
    }
    let same_type = ptype(recorded.answer) == ptype(got.answer);
    let misread = matches!(is, Outcome::Unreadable(_)) && same_type && was != Outcome::Silence;
    if !was.is_like(is) && !misread {
        let mut found = vec![of_outcomes(was, is, same_type, facts)];
        found.extend(unlawful(&came));
        return found;
    }
    let there = flatten_like(recorded.answer, &recorded.asked, recorded.keys, &layout);
    let mut found = Vec::new();
    for value in &there {
        let now = came.iter().find(|other| other.field == value.field);
        found.extend(difference(Some(value), now));
    }
    let new = |value: &&Value| there.iter().all(|other| other.field != value.field);
    found.extend(
        came.iter()
            .filter(new)
            .filter_map(|value| difference(None, Some(value))),
    );
    for difference in &mut found {
        if difference.is_wrong()
            && let Some(reason) = explain(difference, recorded, got, (was, is), facts)
        {
            difference.status = Status::Explained(reason);
        }
    }
    let mut found = together(found, recorded, got);
    if misread && found.iter().all(|difference| !difference.is_wrong()) {
        found.push(of_outcomes(was, is, false, facts));
    }
    found
}

fn outcome(side: &Side<'_>) -> Outcome {
    side.answer.outcome(side.asked.syntax)
}

fn ptype(answer: &Answer) -> Option<u8> {
    answer.pdus.first()?.get(2).copied()
}

/// The difference between answers that are not of one kind.
fn of_outcomes(was: Outcome, is: Outcome, same_type: bool, facts: &[Fact]) -> Difference {
    let reason = explain::outcome(facts, was, is);
    let field = if same_type {
        "stub.return_value"
    } else {
        "header.PTYPE"
    };
    Difference {
        field: field.to_owned(),
        kind: Kind::Equal,
        recorded: was.to_string(),
        got: is.to_string(),
        status: reason.map_or(Status::Wrong, Status::Explained),
    }
}

/// The fields of an answer that are not as they must be, whatever was recorded.
fn unlawful(came: &[Value]) -> Vec<Difference> {
    let broken = came.iter().filter(|value| value.broken.is_some());
    broken
        .filter_map(|value| difference(None, Some(value)))
        .collect()
}

/// How a field differs, if it does.
fn difference(recorded: Option<&Value>, got: Option<&Value>) -> Option<Difference> {
    let field = &recorded.or(got)?.field;
    let kind = rule(field).map_or(Kind::Equal, |rule| rule.kind);
    let same = recorded.map(|value| &value.octets) == got.map(|value| &value.octets);
    let broke = recorded.and_then(|value| value.broken);
    let breaks = got.and_then(|value| value.broken);
    let status = match (breaks, broke, kind) {
        (Some(_), ..) => Status::Wrong,
        _ if same => return None,
        (None, Some(""), _) => Status::Explained("the recorded host broke its own rule".to_owned()),
        (None, Some(requirement), _) => {
            Status::Explained(format!("the recorded host broke {requirement}"))
        }
        (None, None, Kind::Equal) => Status::Wrong,
        (None, None, Kind::Derived) => return None,
        (None, None, Kind::Free) => Status::Free,
    };
    let shown =
        |value: Option<&Value>| value.map_or("absent".to_owned(), |value| value.shown.clone());
    let got = match breaks.filter(|requirement| !requirement.is_empty()) {
        Some(requirement) => format!("{}, which breaks {requirement}", shown(got)),
        None => shown(got),
    };
    Some(Difference {
        field: field.clone(),
        kind,
        recorded: shown(recorded),
        got,
        status,
    })
}

/// The fields of one result that differ for one reason, as one difference.
fn together(found: Vec<Difference>, recorded: &Side<'_>, got: &Side<'_>) -> Vec<Difference> {
    let (was, is) = (
        explain::results(recorded.answer),
        explain::results(got.answer),
    );
    let words = |results: &[ContextResult], nth: usize| {
        let result = results.get(nth).copied();
        result.map_or("absent".to_owned(), explain::in_words)
    };
    let turned: Vec<String> = found
        .iter()
        .filter(|difference| difference.field.starts_with("ack.result["))
        .map(|difference| difference.field.clone())
        .collect();
    let mut kept: Vec<Difference> = Vec::with_capacity(found.len());
    for mut difference in found {
        let nth = index(&difference.field).filter(|_| difference.is_explained());
        let whole = nth.map(|nth| (nth, format!("ack.result[{nth}]")));
        let Some((nth, field)) = whole.filter(|(_, field)| turned.contains(field)) else {
            kept.push(difference);
            continue;
        };
        difference.field = field;
        let told = |other: &Difference| {
            other.field == difference.field && other.status == difference.status
        };
        if !kept.iter().any(told) {
            difference.recorded = words(&was, nth);
            difference.got = words(&is, nth);
            kept.push(difference);
        }
    }
    kept
}

/// Which result of a list a field belongs to.
fn index(field: &str) -> Option<usize> {
    let (_, nth) = field.strip_prefix("ack.")?.split_once('[')?;
    nth.strip_suffix(']')?.parse().ok()
}

/// Why a field that must not differ may differ here.
fn explain(
    difference: &Difference,
    recorded: &Side<'_>,
    got: &Side<'_>,
    (was, is): (Outcome, Outcome),
    facts: &[Fact],
) -> Option<String> {
    let field = difference.field.as_str();
    if let Some(nth) = index(field) {
        let offers = offered(got.asked.pdu);
        return explain::result(
            &offers,
            nth,
            &explain::results(recorded.answer),
            &explain::results(got.answer),
        );
    }
    let both_refuse = was.is_refusal() && is.is_refusal() && was != is;
    let refusal = matches!(
        field,
        "stub.return_value" | "fault.status" | "nak.provider_reject_reason"
    );
    if both_refuse && refusal {
        return explain::outcome(facts, was, is);
    }
    let in_fault = ptype(got.answer) == Some(PduType::FAULT.0);
    explain::fault_field(in_fault, field, got.answer)
}

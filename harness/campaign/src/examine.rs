//! From what a session showed to what is suspected, once each.

use std::collections::HashMap;
use std::sync::Arc;

use kmspec_session::Session;

use crate::finding::Kind;
use crate::play::Played;
use crate::trial::{EXHAUSTED, KEPT, Sought};

/// Something that may be a finding.
#[derive(Clone, Debug)]
pub(crate) struct Suspicion {
    pub(crate) sought: Sought,
    pub(crate) session: Arc<Session>,
    pub(crate) execution: u64,
    pub(crate) detail: String,
}

impl Sought {
    /// What tells it from others.
    pub(crate) fn signature(&self) -> String {
        format!("{}: {}", self.kind, self.about)
    }

    /// Whether the same octets may show what others do not: what is varied before it is sealed, and by its execution's
    /// number, is another thing each time.
    pub(crate) fn is_of_octets(&self) -> bool {
        let alone = matches!(
            self.kind,
            Kind::Crash | Kind::Hang | Kind::Rule | Kind::Difference
        );
        alone && self.about != EXHAUSTED
    }
}

/// What is known of each signature.
#[derive(Debug, Default)]
pub(crate) struct Known(HashMap<String, Knowledge>);

#[derive(Clone, Copy, Debug)]
enum Knowledge {
    /// It is a finding, or is being looked into.
    Settled,
    /// It did not show again, so many times; it is looked into again only after some more sightings.
    Doubted { times: u32, sightings: u32 },
}

impl Known {
    /// Whether this is to be looked into now; from then on it is not, until [`Self::doubt`].
    pub(crate) fn is_news(&mut self, signature: &str) -> bool {
        match self.0.get_mut(signature) {
            None => {}
            Some(Knowledge::Settled) => return false,
            Some(Knowledge::Doubted { times, sightings }) => {
                *sightings += 1;
                // Twice as many sightings each time: a busy machine makes many of one kind.
                if *sightings < 8 << (*times).min(16) {
                    return false;
                }
            }
        }
        self.settle(signature);
        true
    }

    /// Whether it is a finding, or is being looked into.
    pub(crate) fn is_settled(&self, signature: &str) -> bool {
        matches!(self.0.get(signature), Some(Knowledge::Settled))
    }

    /// It is a finding.
    pub(crate) fn settle(&mut self, signature: &str) {
        let before = self.0.insert(signature.to_owned(), Knowledge::Settled);
        if let Some(Knowledge::Doubted { times, .. }) = before {
            // Remembered in the number of its doubts, should it be doubted again.
            let doubts = format!("{signature}\0");
            self.0.insert(
                doubts,
                Knowledge::Doubted {
                    times,
                    sightings: 0,
                },
            );
        }
    }

    /// It did not show again.
    pub(crate) fn doubt(&mut self, signature: &str) -> u32 {
        let doubts = format!("{signature}\0");
        let before = match self.0.get(&doubts) {
            Some(Knowledge::Doubted { times, .. }) => *times,
            _ => 0,
        };
        let times = before + 1;
        let doubted = Knowledge::Doubted {
            times,
            sightings: 0,
        };
        self.0.insert(signature.to_owned(), doubted);
        times
    }
}

/// What a session makes suspect, the target's being gone aside. `silent` is a step that only the lab host answers.
pub(crate) fn suspicions(
    session: &Arc<Session>,
    execution: u64,
    played: &Played,
    silent: Option<usize>,
    slow: std::time::Duration,
) -> Vec<Suspicion> {
    let suspicion = |kind, about: String, detail: String| Suspicion {
        sought: Sought { kind, about },
        session: Arc::clone(session),
        execution,
        detail,
    };
    let mut all = Vec::new();
    for violation in &played.violations {
        let about = violation.requirement.to_owned();
        if !all.iter().any(|s: &Suspicion| s.sought.about == about) {
            all.push(suspicion(Kind::Rule, about, violation.to_string()));
        }
    }
    if let Some(detail) = played.leak() {
        all.push(suspicion(
            Kind::Leak,
            "octets of another session".to_owned(),
            detail,
        ));
    }
    let unanswered = played.unanswered.or(silent);
    if let Some(step) = unanswered {
        let label = played
            .rows
            .get(step)
            .map_or("the end", |row| row.label.as_str());
        let detail = format!("Step {} was owed an answer and got none.", step + 1);
        all.push(suspicion(
            Kind::Hang,
            format!("no answer to {label}"),
            detail,
        ));
    } else if played.stays_open() {
        let detail = "The connection stays open.".to_owned();
        all.push(suspicion(Kind::Hang, KEPT.to_owned(), detail));
    } else if played.slowest.0 >= slow {
        let (took, step) = played.slowest;
        let label = played
            .rows
            .get(step)
            .map_or("the end", |row| row.label.as_str());
        let detail = format!(
            "Step {} was answered after {} ms.",
            step + 1,
            took.as_millis()
        );
        all.push(suspicion(
            Kind::Slow,
            format!("late answer to {label}"),
            detail,
        ));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::Known;

    #[test]
    fn a_signature_is_looked_into_once_and_after_a_doubt_less_and_less_often() {
        let mut known = Known::default();
        assert!(known.is_news("a") && !known.is_news("a"));
        let until_news = |known: &mut Known| {
            known.doubt("a");
            (1..1_000).find(|_| known.is_news("a")).unwrap()
        };
        assert_eq!([until_news(&mut known), until_news(&mut known)], [16, 32]);
    }
}

//! What of an observation nobody has seen before.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::answers::NOTHING;
use crate::play::{Played, Row};

/// The features of what a session showed: each word of its answers with the step that was answered and what kind of answer
/// was before it, how large and how slow answers were. A longer past, or all that the answer before said, would make
/// nearly everything new, and a corpus of nearly everything leads nowhere.
pub(crate) fn features(played: &Played) -> Vec<u64> {
    let mut features = Vec::with_capacity(played.rows.len() * 3);
    for (connection, rows) in connections(&played.rows) {
        let mut before = ("start", false);
        for row in rows {
            for word in row.answer.split(' ') {
                features.push(hashed(&(before, kind(&row.label), word)));
                if word != NOTHING {
                    before = state(word);
                }
            }
            if row.octets > 0 {
                let last = row.answer.rsplit(' ').next();
                features.push(hashed(&("size", last, row.octets.ilog2())));
            }
        }
        // What several connections do together shows in the order of their answers.
        if connection > 0 {
            features.push(hashed(&("several", connection.min(3), before)));
        }
    }
    let slow = played.slowest.0.as_millis();
    if slow >= 250 {
        features.push(hashed(&("slow", slow.ilog2())));
    }
    features.sort_unstable();
    features.dedup();
    features
}

/// Where a connection is after this answer: what kind that was, and whether it accepted anything.
fn state(word: &str) -> (&str, bool) {
    let (kind, codes) = word.split_once(':').unwrap_or((word, ""));
    let accepts = matches!(kind, "bind-ack" | "alter-resp")
        && codes.split([',', '+', '/']).any(|code| code == "0");
    (kind, accepts)
}

/// What is done, lies left aside: where they stand is what the answer tells.
fn kind(label: &str) -> &str {
    label.split('~').next().unwrap_or(label)
}

fn connections(rows: &[Row]) -> Vec<(u8, Vec<&Row>)> {
    let mut all: Vec<(u8, Vec<&Row>)> = Vec::new();
    for row in rows {
        match all.iter_mut().find(|(number, _)| *number == row.connection) {
            Some((_, rows)) => rows.push(row),
            None => all.push((row.connection, vec![row])),
        }
    }
    all
}

fn hashed(value: &impl Hash) -> u64 {
    // Its keys are fixed: the same features in every process.
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A text's number, for names of files and signatures.
pub(crate) fn digest(text: &str) -> u64 {
    hashed(&text)
}

/// All features seen so far.
#[derive(Debug, Default)]
pub(crate) struct Seen(HashSet<u64>);

impl Seen {
    /// Whether any of them is new.
    pub(crate) fn is_news(&self, features: &[u64]) -> bool {
        features.iter().any(|feature| !self.0.contains(feature))
    }

    /// Takes them in; true if any was new.
    pub(crate) fn take(&mut self, features: &[u64]) -> bool {
        let before = self.0.len();
        self.0.extend(features);
        self.0.len() > before
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

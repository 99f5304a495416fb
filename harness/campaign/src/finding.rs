//! What a campaign found.

use std::fmt;

use kmspec_session::{Action, Session};
use serde::{Deserialize, Serialize};

use crate::answers;
use crate::novelty::digest;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The target's process ended, or nobody accepts connections any more.
    Crash,
    /// An answer that was owed did not come, or others were not served meanwhile.
    Hang,
    /// An answer took too long.
    Slow,
    /// The process uses more memory, threads or files than before, and keeps them.
    Growth,
    /// An answer breaks a requirement on every answer.
    Rule,
    /// An answer has octets of another session.
    Leak,
    /// The answer is of another class than the lab host's.
    Difference,
}

impl Kind {
    /// All.
    pub const ALL: [Self; 7] = [
        Self::Crash,
        Self::Hang,
        Self::Slow,
        Self::Growth,
        Self::Rule,
        Self::Leak,
        Self::Difference,
    ];

    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Hang => "hang",
            Self::Slow => "slow",
            Self::Growth => "growth",
            Self::Rule => "rule",
            Self::Leak => "leak",
            Self::Difference => "difference",
        }
    }

    /// What it means, as a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Crash => "The target ended, or accepted no more connections.",
            Self::Hang => {
                "The target gave no answer that it owed, or served nobody else meanwhile."
            }
            Self::Slow => "The target took too long for an answer.",
            Self::Growth => "The target's process uses more and more, and does not give it back.",
            Self::Rule => "The target broke a requirement on every answer.",
            Self::Leak => "The target sent octets of another session.",
            Self::Difference => "The target answered in another way than the lab host.",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How sure a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Seen, and not tried again yet.
    Seen,
    /// It showed every time it was tried again.
    Stable,
    /// It showed some of the times.
    Flaky,
}

impl Standing {
    /// In lower case.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Stable => "stable",
            Self::Flaky => "flaky",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What is known of it.
    pub facts: Facts,
    /// The session that shows it, made as small as may be.
    pub session: Session,
    /// The session that showed it first.
    pub original: Session,
}

/// What is known of a finding beside its sessions: `finding.json` of its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Version of the form.
    pub version: u32,
    /// What is wrong.
    pub kind: Kind,
    /// What it is about: the requirement's id, how the process ended, the answers that differ.
    pub about: String,
    /// What was seen, in a sentence or two.
    pub detail: String,
    /// What tells it from others.
    pub signature: String,
    /// How sure it is.
    pub standing: Standing,
    /// Times it showed, of those it was tried again.
    pub showed: u32,
    /// Times it was tried again.
    pub tried: u32,
    /// The target's name.
    pub target: String,
    /// The campaign's seed.
    pub seed: u64,
    /// The execution that showed it first.
    pub execution: u64,
    /// Milliseconds from the start of the campaign until it was seen.
    pub after_ms: u64,
    /// Steps of the smallest session that shows it.
    pub steps: usize,
}

impl Finding {
    /// Name of its folder: what it is, and a number made of its signature.
    pub fn name(&self) -> String {
        self.facts.name()
    }
}

impl Facts {
    /// Name of the finding's folder.
    pub fn name(&self) -> String {
        let about: String = self
            .about
            .chars()
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        let mut words: Vec<&str> = about.split('-').filter(|word| !word.is_empty()).collect();
        words.truncate(8);
        let about = words.join("-");
        format!(
            "{}-{about}-{:08x}",
            self.kind,
            digest(&self.signature) & 0xffff_ffff
        )
    }
}

/// The shape of a session: what it does and in which fields it lies, but not the octets.
pub(crate) fn shape(session: &Session) -> String {
    let mut shape = Vec::new();
    for step in &session.steps {
        let mut word = answers::label(step);
        if let Action::Send(sending) = &step.action {
            let mut fields: Vec<String> = sending
                .edits
                .iter()
                .map(|edit| format!("{}.{}", edit.layer.name(), edit.place.field))
                .collect();
            fields.sort();
            fields.dedup();
            word = format!("{word}({})", fields.join(","));
        }
        shape.push(word);
    }
    shape.join(" ")
}

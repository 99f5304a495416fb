//! The report for programs: versioned, in a stable order, the same for the same captures.

use serde::{Deserialize, Serialize};

use super::report::role_name;
use super::{FileReport, Outcome, Sighting};
use crate::report::json::EntryEvidence;
use crate::verdict::{Level, Verdict};

/// What captures came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`]; another number is another form.
    pub version: u32,
    /// The version of kmspec that judged.
    pub kmspec: String,
    /// Who was judged: `host`, `client` or `both`.
    pub role: String,
    /// The lightest level whose violations count.
    pub level: Level,
    /// The exit code: 0 everything required holds, 1 something does not, 2 it could not be judged.
    pub exit: u8,
    /// The captures, in the order in which they were given.
    pub captures: Vec<Capture>,
}

/// What one capture came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Capture {
    /// The name it goes by.
    pub file: String,
    /// Its packets.
    pub packets: u64,
    /// Connections that were judged.
    pub connections: u64,
    /// Those of them that are not wholly in the file.
    pub partly: u64,
    /// What stood in the way of a judgement.
    pub unable: Vec<String>,
    /// Every requirement that was judged, in the order of the rules.
    pub requirements: Vec<Requirement>,
}

/// What a requirement came to, on one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requirement {
    /// Its id.
    pub id: String,
    /// Who was judged: `host` or `client`.
    pub role: String,
    /// How much it weighs.
    pub level: Level,
    /// It in one line.
    pub title: String,
    /// What its rules ask.
    pub sentence: String,
    /// The documents that say so.
    pub source: String,
    /// How it came out.
    pub verdict: Verdict,
    /// How often it was judged.
    pub judged: u64,
    /// How often it was broken.
    pub broken: u64,
    /// Where it was broken; at most a hundred places for each host.
    pub violations: Vec<Violation>,
}

/// One place where a requirement was broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Violation {
    /// The packet that completed the PDU in question, from 1.
    pub packet: u64,
    /// That packet's time stamp: nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// The TCP connection, from 0, as other tools count.
    pub stream: u32,
    /// Address and port of its client.
    pub client: String,
    /// Address and port of its host.
    pub host: String,
    /// The field at fault.
    pub field: String,
    /// What the requirement asks.
    pub expected: String,
    /// What was found.
    pub got: String,
    /// The PDU that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evidence: Option<EntryEvidence>,
}

impl Document {
    /// The document of a report.
    pub fn of(report: &super::Report) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            kmspec: env!("CARGO_PKG_VERSION").to_owned(),
            role: report.wanted.role.map_or("both", role_name).to_owned(),
            level: report.wanted.level,
            exit: report.exit().code(),
            captures: report.files.iter().map(Capture::of).collect(),
        }
    }

    /// Its text.
    ///
    /// # Panics
    /// Never: every value of it can be written.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("strings, numbers and lists");
        text.push('\n');
        text
    }
}

impl Capture {
    fn of(file: &FileReport) -> Self {
        Self {
            file: file.file.clone(),
            packets: file.packets,
            connections: file.connections,
            partly: file.partly,
            unable: file.unable.clone(),
            requirements: file.outcomes.iter().map(Requirement::of).collect(),
        }
    }
}

impl Requirement {
    fn of(outcome: &Outcome) -> Self {
        let about = &outcome.about;
        Self {
            id: about.id.clone(),
            role: role_name(outcome.role).to_owned(),
            level: about.level,
            title: about.title.clone(),
            sentence: outcome.sentence.clone(),
            source: about.source.clone(),
            verdict: outcome.verdict,
            judged: outcome.count.judged,
            broken: outcome.count.broken,
            violations: outcome.sightings.iter().map(Violation::of).collect(),
        }
    }
}

impl Violation {
    fn of(seen: &Sighting) -> Self {
        Self {
            packet: seen.packet,
            time_ns: seen.time_ns,
            stream: seen.stream,
            client: seen.client.to_string(),
            host: seen.host.to_string(),
            field: seen.field.to_owned(),
            expected: seen.expected.clone(),
            got: seen.got.clone(),
            evidence: seen.evidence.as_ref().map(EntryEvidence::of),
        }
    }
}

/// What the document says it is.
pub const FORMAT: &str = "kmspec-check";
/// The version of its form.
pub const VERSION: u32 = 1;
/// The JSON Schema of [`Document`].
pub const SCHEMA: &str = include_str!("../../schema/check-1.schema.json");

//! One result that did not hold, in a small file: enough to ask the same again, elsewhere and later.
//!
//! What it is: the case, the seed and the settings that make its octets, what was expected, what came, and what went over
//! the wire. What it is not: it has no keys, and it names the target for information only; whoever repeats it says whom
//! to ask.

mod answer;
mod octets;
mod transcript;

pub use answer::{Answer, Likeness, answer};
pub use octets::Octets;
pub use transcript::{Happening, What};

use std::time::Duration;

use kmspec_wire::pdu::SyntaxId;
use serde::{Deserialize, Serialize};

use crate::peer::{CallSpec, Timing};
use crate::plan::Options;
use crate::report::json::EntryFailure;
use crate::run::{Row, RunResult};
use crate::target::Target;
use crate::verdict::{Level, Verdict};

/// What the file says it is.
pub const FORMAT: &str = "kmspec-bundle";
/// The version of its form.
pub const VERSION: u32 = 1;
/// The JSON Schema of [`Bundle`].
pub const SCHEMA: &str = include_str!("../schema/bundle-1.schema.json");

/// A result that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Always [`FORMAT`].
    pub format: String,
    /// Always [`VERSION`]; another number is another form.
    pub version: u32,
    /// The version of kmspec that wrote it.
    pub kmspec: String,
    /// The full id of the result.
    pub id: String,
    /// The case to run to see it again: the result's own, unless it judges the answers of all.
    pub case: String,
    /// The requirement.
    pub requirement: String,
    /// How much it weighs.
    pub level: Level,
    /// It in one line.
    pub title: String,
    /// The documents that say so.
    pub source: String,
    /// Where all randomness came from.
    pub seed: u64,
    /// The tester's clock: 100 ns since 1601-01-01 UTC.
    pub client_time: u64,
    /// What was judged.
    pub target: Subject,
    /// How it was judged.
    pub settings: Settings,
    /// How it came out.
    pub verdict: Verdict,
    /// What was expected and what came.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<EntryFailure>,
    /// Why it could not be judged, or is flaky or known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What went over the wire, both ways.
    pub transcript: Vec<Happening>,
    /// Octets left out of the transcript, which holds the first [`MOST_OCTETS`]; the pcapng file beside it has all.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub omitted_octets: u64,
}

/// What was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What reports call it.
    pub name: String,
    /// The name of its key set. The keys themselves are never in a bundle.
    pub keys: String,
    /// The UUID of the interface that was called.
    pub interface: String,
    /// The version of the interface, major and minor.
    pub interface_version: [u16; 2],
    /// The operation.
    pub opnum: u16,
    /// The NDR32 stub of well-formed calls; none where each call was a KMS request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stub: Option<Octets>,
}

/// How it was judged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The lightest level whose failure failed the run.
    pub gate: Level,
    /// How many times the case ran.
    pub repeat: usize,
    /// The longest wait for a connection or an answer, in milliseconds.
    pub answer_ms: u64,
    /// The longest wait for the end of a connection, in milliseconds.
    pub close_ms: u64,
    /// The longest time for the case, in milliseconds.
    pub case_ms: u64,
    /// Whether the target's clock was relied on.
    pub clock: bool,
}

/// A file is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It is no JSON, or not of this form.
    #[error("no bundle: {0}")]
    Json(#[from] serde_json::Error),
    /// It says that it is something else.
    #[error("no bundle, but {0:?}")]
    Format(String),
    /// It is of another version.
    #[error("a bundle of version {0}; this kmspec reads version 1")]
    Version(u32),
    /// Its interface cannot be read.
    #[error("no bundle: {0:?} is no UUID of an interface")]
    Interface(String),
}

/// What has to fit before the rest is read.
#[derive(Deserialize)]
struct Head {
    format: String,
    version: u32,
}

impl Bundle {
    /// The bundle of a row that was run against `target` with these options.
    pub fn of(result: &RunResult, row: &Row, target: &Target, options: &Options) -> Self {
        let (transcript, omitted_octets) = transcript::of(&row.transcript, MOST_OCTETS);
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            kmspec: env!("CARGO_PKG_VERSION").to_owned(),
            id: row.id.clone(),
            case: row.shown_in.clone(),
            requirement: row.requirement.clone(),
            level: row.level,
            title: row.title.clone(),
            source: row.source.clone(),
            seed: result.seed,
            client_time: result.now.0,
            target: Subject::of(target),
            settings: Settings::of(options),
            verdict: row.verdict,
            failure: row.failure.as_ref().map(EntryFailure::of),
            reason: row.reason.clone(),
            transcript,
            omitted_octets,
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

    /// Reads one.
    ///
    /// # Errors
    /// It is no bundle, a damaged one, or one of another version.
    pub fn from_json(text: &[u8]) -> Result<Self, BundleError> {
        let head: Head = serde_json::from_slice(text)?;
        if head.format != FORMAT {
            return Err(BundleError::Format(head.format));
        }
        if head.version != VERSION {
            return Err(BundleError::Version(head.version));
        }
        let bundle: Self = serde_json::from_slice(text)?;
        bundle.call()?;
        Ok(bundle)
    }

    /// Whether octets that begin so are meant to be a bundle: no capture begins with a brace.
    pub fn is_begun_by(octets: &[u8]) -> bool {
        octets
            .iter()
            .find(|octet| !octet.is_ascii_whitespace())
            .is_some_and(|octet| *octet == b'{')
    }

    /// What a well-formed call was.
    ///
    /// # Errors
    /// The interface is not named by a UUID.
    pub fn call(&self) -> Result<CallSpec, BundleError> {
        let Subject {
            interface,
            interface_version: [major, minor],
            opnum,
            stub,
            ..
        } = &self.target;
        let uuid = interface
            .parse()
            .map_err(|_| BundleError::Interface(interface.clone()))?;
        Ok(CallSpec {
            interface: SyntaxId {
                uuid,
                major: *major,
                minor: *minor,
            },
            opnum: *opnum,
            stub: stub.as_ref().map(|stub| stub.0.clone()),
        })
    }

    /// The options to run it again with.
    pub fn options(&self) -> Options {
        let Settings {
            gate,
            repeat,
            answer_ms,
            close_ms,
            case_ms,
            clock,
        } = self.settings;
        Options {
            seed: self.seed,
            jobs: 1,
            timing: Timing {
                answer: Duration::from_millis(answer_ms),
                close: Duration::from_millis(close_ms),
                ..Timing::default()
            },
            case_timeout: Duration::from_millis(case_ms),
            repeat,
            level: gate,
            clock,
            keep_transcripts: true,
            ..Options::default()
        }
    }
}

impl Subject {
    fn of(target: &Target) -> Self {
        let CallSpec {
            interface,
            opnum,
            stub,
        } = &target.call;
        Self {
            name: target.name.clone(),
            keys: target.keys.name().to_owned(),
            interface: interface.uuid.to_string(),
            interface_version: [interface.major, interface.minor],
            opnum: *opnum,
            stub: stub.clone().map(Octets),
        }
    }
}

impl Settings {
    fn of(options: &Options) -> Self {
        Self {
            gate: options.level,
            repeat: options.repeat,
            answer_ms: millis(options.timing.answer),
            close_ms: millis(options.timing.close),
            case_ms: millis(options.case_timeout),
            clock: options.clock,
        }
    }
}

/// The name of a row's bundle: its id, with what no file system minds.
pub fn file_name(row: &Row) -> String {
    format!("{}.bundle.json", row.id.replace('/', "_"))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks with a reference"
)]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Octets of the wire, both ways, that a bundle holds: it is to be mailed and pasted.
pub const MOST_OCTETS: usize = 64 * 1024;

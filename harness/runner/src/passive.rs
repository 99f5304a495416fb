//! Passive conformance: the rules on recorded traffic.
//!
//! What it is: a capture is read once, every connection to a KMS host is shown to a judge, and what was broken is told
//! with packet, place and octets. What it is not: it sends nothing, and it has no requirement text: [`Report::new`] joins
//! what was found with what the catalogue says.
//!
//! Nothing is guessed. A connection whose first packet is not in the file, or of which bytes are missing, is judged as far
//! as what is there allows; other protocols, and other interfaces on other ports, are not judged at all.
//!
//! ```
//! use std::sync::Arc;
//!
//! use kmspec_runner::passive::{Report, Wanted, check};
//! use kmspec_wire::keys::KeySet;
//!
//! let capture = kmspec_captures::find("19-vlmcs-vlmcsd-bad-version-and-policy.pcap").unwrap();
//! let checked = check(capture.file, capture.bytes, &Arc::new(KeySet::lab()));
//! let broken: Vec<_> = checked.sightings.iter().map(|seen| (seen.requirement, seen.stream)).collect();
//! assert_eq!(broken, [("policy.n-policy-sane", 11), ("policy.n-policy-sane", 12)]);
//!
//! let report = Report::new(vec![checked], &[], &Wanted::default());
//! assert_eq!(report.exit().code(), 1);
//! ```

pub mod json;
mod junit;
mod report;
mod text;
mod watch;

pub use junit::write as junit;
pub use report::{FileReport, Outcome, Report, Wanted};
pub use text::text;

use std::io::Read;
use std::sync::Arc;

use kmspec_capture::summary::Summary;
use kmspec_capture::tcp::{Endpoint, Limits};
use kmspec_rules::{Count, Role, Rule};
use kmspec_wire::keys::KeySet;

use crate::verdict::Evidence;
use watch::Watch;

/// What the rules say of one capture.
#[derive(Debug)]
pub struct Checked {
    /// The name it goes by.
    pub file: String,
    /// What it holds.
    pub summary: Summary,
    /// Connections that were judged.
    pub connections: u64,
    /// Those of them that are not wholly in the file.
    pub partly: u64,
    /// How often each rule was judged; those that never were are not in it.
    pub counts: Vec<(Rule, Count)>,
    /// What was broken, in the order of packets; of one rule on one host, at most the first hundred times.
    pub sightings: Vec<Sighting>,
    /// What stood in the way of a judgement.
    pub unable: Vec<String>,
}

/// A requirement that was broken, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Id of the requirement.
    pub requirement: &'static str,
    /// Who broke it.
    pub role: Role,
    /// The packet that completed the PDU in question, from 1.
    pub packet: u64,
    /// That packet's time stamp: nanoseconds since 1970-01-01 UTC.
    pub time_ns: u64,
    /// The TCP connection, from 0, as other tools count.
    pub stream: u32,
    /// Its client.
    pub client: Endpoint,
    /// Its host.
    pub host: Endpoint,
    /// The field at fault.
    pub field: &'static str,
    /// What the requirement asks.
    pub expected: String,
    /// What was found.
    pub got: String,
    /// The PDU that shows it.
    pub evidence: Option<Evidence>,
}

/// Judges a capture, both roles; `file` is the name it goes by, and `keys` open its messages.
pub fn check<R: Read>(file: &str, input: R, keys: &Arc<KeySet>) -> Checked {
    let mut watch = Watch::new(keys);
    let outcome = kmspec_capture::read(input, Limits::default(), &mut watch);
    let mut seen = watch.finish();
    let mut unable = Vec::new();
    if let Some(damage) = &outcome.damage {
        unable.push(damage.to_string());
    } else if !outcome.summary.has_kms() {
        unable.push("no KMS in this capture".to_owned());
    }
    if !opens(&seen.counts, seen.sealed) {
        let name = keys.name();
        unable.push(format!(
            "nothing opens under the key set {name}: messages are not judged; give the host's own with --keys"
        ));
        seen.counts
            .retain(|(rule, _)| !needs_keys(rule.requirement));
        seen.sightings.retain(|seen| !needs_keys(seen.requirement));
    }
    Checked {
        file: file.to_owned(),
        summary: outcome.summary,
        connections: seen.connections,
        partly: seen.partly,
        counts: seen.counts,
        sightings: seen.sightings,
        unable,
    }
}

/// Whether the key set fits, as far as the messages tell: what no wrong key can bring about by chance has held, or there
/// was nothing to open.
fn opens(counts: &[(Rule, Count)], sealed: u64) -> bool {
    let proofs = counts
        .iter()
        .filter(|(rule, _)| PROOFS.contains(&(rule.role, rule.requirement)));
    let (mut held, mut broken) = (0, sealed);
    for (rule, count) in proofs {
        broken += count.broken;
        // One padding in 256 is right by chance.
        if (rule.role, rule.requirement) != HOST_PADDING {
            held += count.judged - count.broken;
        }
    }
    held > 0 || broken == 0
}

/// Whether a requirement is about what only the right key set shows.
fn needs_keys(requirement: &str) -> bool {
    let area = requirement.split('.').next().unwrap_or_default();
    ["crypto", "message", "policy"].contains(&area)
}

/// What shows whether a message was opened with its own key.
const PROOFS: [(Role, &str); 7] = [
    (Role::Client, "crypto.v4-mac"),
    (Role::Client, "crypto.padding"),
    (Role::Host, "crypto.v4-mac"),
    (Role::Host, "crypto.v5-hash"),
    (Role::Host, "crypto.v6-hash"),
    (Role::Host, "crypto.v6-hmac"),
    HOST_PADDING,
];
const HOST_PADDING: (Role, &str) = (Role::Host, "crypto.padding");

//! What the cases send, as sessions for campaigns to begin with: `conformance/seeds.txt`.
//!
//! After a case was added: `cargo test -p kmspec-conformance --test seeds -- --ignored` writes the file anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use kmspec_conformance::plan::{Selection, plan};
use kmspec_conformance::seeds;
use kmspec_embedded::Embedded;
use kmspec_runner::peer::{Direction, Event};
use kmspec_runner::plan::Options;
use kmspec_runner::run::{Row, run};
use kmspec_session::{Session, recorded};
use kmspec_wire::keys::KeySet;

/// Longer ones show nothing that shorter ones do not, and take their time.
const MOST_STEPS: usize = 8;
/// Most octets of a session's text.
const MOST_TEXT: usize = 4_096;

/// What every case sends on the lab host, by the case's id. Recordings are seeds already, by another way.
fn sent() -> BTreeMap<String, Session> {
    let mut rows = plan(&Selection::default()).unwrap();
    rows.retain(|row| !row.id.starts_with("replay."));
    let options = Options {
        keep_transcripts: true,
        ..Options::default()
    };
    let target = Embedded::seeded(0).target("lab host");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let result = runtime.block_on(run(rows, &target, &options, Arc::new(())));
    let sessions = result.rows.iter().filter_map(session);
    sessions.collect()
}

fn session(row: &Row) -> Option<(String, Session)> {
    let keys = KeySet::lab();
    let mut streams: BTreeMap<usize, Vec<u8>> = BTreeMap::new();
    for event in &row.transcript {
        if let Event::Octets {
            connection,
            direction: Direction::ToTarget,
            octets,
            ..
        } = event
        {
            streams.entry(*connection).or_default().extend(octets);
        }
    }
    let mut steps = Vec::new();
    if streams.len() > usize::from(Session::MOST_CONNECTIONS) {
        return None;
    }
    for (number, octets) in (0..).zip(streams.values()) {
        let of_one = recorded(octets, &keys).steps;
        steps.extend(of_one.into_iter().map(|step| step.on(number)));
    }
    let session = Session { steps };
    let is_short = (1..=MOST_STEPS).contains(&session.steps.len());
    (is_short && session.to_string().len() <= MOST_TEXT).then(|| (row.id.clone(), session))
}

fn ids(text: &str) -> BTreeSet<&str> {
    let ids = text.lines().filter_map(|line| line.strip_prefix("# "));
    ids.flat_map(|line| line.split(' ')).collect()
}

#[test]
fn what_each_case_sends_is_among_the_seeds() {
    let known = ids(seeds::TEXT);
    let sent = sent();
    assert!(sent.len() > 500, "{}", sent.len());
    let missing: Vec<&String> = sent
        .keys()
        .filter(|id| !known.contains(id.as_str()))
        .collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
#[ignore = "writes conformance/seeds.txt"]
fn write_the_seeds() {
    let mut by_text: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, session) in sent() {
        by_text.entry(session.to_string()).or_default().push(id);
    }
    let mut all: Vec<(String, String)> = by_text
        .into_iter()
        .map(|(text, ids)| (ids.join(" "), text))
        .collect();
    all.sort();
    let mut text = String::new();
    for (ids, session) in all {
        let _ = write!(text, "# {ids}\n{session}\n");
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds.txt");
    std::fs::write(file, text).unwrap();
}

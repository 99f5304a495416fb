use std::collections::BTreeMap;

use kmspec_rules::{Count, RULES, Role};

use super::{Checked, Sighting};
use crate::exit::Exit;
use crate::plan::About;
use crate::verdict::{Level, Verdict};

/// What is wanted of a report.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Who is judged; `None` for both.
    pub role: Option<Role>,
    /// The lightest level whose violations count.
    pub level: Level,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            role: None,
            level: Level::Must,
        }
    }
}

/// What captures came to, joined with the catalogue.
#[derive(Debug)]
pub struct Report {
    /// What was wanted.
    pub wanted: Wanted,
    /// The captures, in the order in which they were given.
    pub files: Vec<FileReport>,
}

/// What one capture came to.
#[derive(Debug)]
pub struct FileReport {
    /// The name it goes by.
    pub file: String,
    /// Its packets.
    pub packets: u64,
    /// Connections that were judged.
    pub connections: u64,
    /// Those of them that are not wholly in the file.
    pub partly: u64,
    /// Every requirement that was judged, in the order of the rules.
    pub outcomes: Vec<Outcome>,
    /// What stood in the way of a judgement.
    pub unable: Vec<String>,
}

/// What a requirement came to, on one role.
#[derive(Debug)]
pub struct Outcome {
    /// What the catalogue says of it.
    pub about: About,
    /// Who was judged.
    pub role: Role,
    /// What its rules ask, in their own words.
    pub sentence: String,
    /// How often it was judged and broken.
    pub count: Count,
    /// How it came out.
    pub verdict: Verdict,
    /// Where it was broken; not every time, if it was very often.
    pub sightings: Vec<Sighting>,
}

impl Report {
    /// Joins what was found with what `catalogue` says of the requirements; one that is not in it weighs a `must`.
    pub fn new(checked: Vec<Checked>, catalogue: &[About], wanted: &Wanted) -> Self {
        let file = |checked| FileReport::new(checked, catalogue, *wanted);
        Self {
            wanted: *wanted,
            files: checked.into_iter().map(file).collect(),
        }
    }

    /// What it comes to: a capture that could not be judged, in part or as a whole, outweighs what another one breaks.
    pub fn exit(&self) -> Exit {
        let outcomes = self.files.iter().flat_map(|file| &file.outcomes);
        let whole = self.files.iter().all(|file| file.unable.is_empty());
        Exit::of(outcomes.map(|outcome| outcome.verdict), whole)
    }
}

impl FileReport {
    fn new(checked: Checked, catalogue: &[About], wanted: Wanted) -> Self {
        let Checked {
            file,
            summary,
            connections,
            partly,
            counts,
            sightings,
            mut unable,
        } = checked;
        let mut sums: BTreeMap<(Role, &str), Count> = BTreeMap::new();
        for (rule, count) in counts {
            let sum = sums.entry((rule.role, rule.requirement)).or_default();
            sum.judged += count.judged;
            sum.broken += count.broken;
        }
        let mut seen: BTreeMap<(Role, &str), Vec<Sighting>> = BTreeMap::new();
        for sighting in sightings {
            let key = (sighting.role, sighting.requirement);
            seen.entry(key).or_default().push(sighting);
        }
        let mut outcomes = Vec::new();
        for rule in RULES {
            let key = (rule.role, rule.requirement);
            if wanted.role.is_some_and(|role| role != rule.role) {
                continue;
            }
            // A requirement of several rules is taken with the first of them.
            if let Some(count) = sums.remove(&key) {
                let sightings = seen.remove(&key).unwrap_or_default();
                outcomes.push(outcome(key, count, sightings, catalogue, wanted.level));
            }
        }
        if outcomes.is_empty() && unable.is_empty() {
            let who = wanted.role.map_or("host or client", role_name);
            unable.push(format!("nothing that a {who} sent could be judged"));
        }
        Self {
            file,
            packets: summary.packets,
            connections,
            partly,
            outcomes,
            unable,
        }
    }

    /// How often any requirement was judged and broken.
    pub fn count(&self) -> Count {
        let none = Count::default();
        self.outcomes.iter().fold(none, |sum, outcome| Count {
            judged: sum.judged + outcome.count.judged,
            broken: sum.broken + outcome.count.broken,
        })
    }
}

fn outcome(
    (role, id): (Role, &'static str),
    count: Count,
    sightings: Vec<Sighting>,
    catalogue: &[About],
    gate: Level,
) -> Outcome {
    let about = catalogue.iter().find(|about| about.id == id).cloned();
    let about = about.unwrap_or_else(|| About {
        id: id.to_owned(),
        level: Level::Must,
        role: role_name(role),
        title: String::new(),
        source: String::new(),
    });
    let verdict = match count.broken {
        0 => Verdict::Pass,
        _ => Verdict::of_failure(about.level, gate),
    };
    let rules = RULES.iter();
    let sentences: Vec<&str> = rules
        .filter(|rule| (rule.role, rule.requirement) == (role, id))
        .map(|rule| rule.sentence)
        .collect();
    Outcome {
        about,
        role,
        sentence: sentences.join(" "),
        count,
        verdict,
        sightings,
    }
}

pub(super) const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Client => "client",
    }
}

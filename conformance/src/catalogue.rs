//! The requirement catalogue: the one place of every id, title, level, role and source.
//!
//! What it is: `catalogue/*.toml`, embedded and parsed once, as types. What it is not: it checks nothing; cases cite its
//! ids, and so do the rules of `kmspec-rules`.
//!
//! ```
//! use kmspec_conformance::catalogue::{Level, catalogue};
//!
//! let requirement = catalogue().get("rpc.bind.unknown-transfer-syntax").unwrap();
//! assert_eq!(requirement.level, Level::Must);
//! assert_eq!(requirement.area, "rpc.bind");
//! ```

mod embedded;
mod parse;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use serde::Deserialize;

pub use kmspec_runner::glob::Glob;
pub use kmspec_runner::verdict::Level;
pub use parse::{CatalogueError, CatalogueProblem};

/// The text that the sources `kms-protocol: section N` speak of.
pub const KMS_PROTOCOL: &str = include_str!("../spec/kms-protocol.md");

/// The text that the sources `deployment: row N` speak of.
pub const DEPLOYMENT: &str = include_str!("../spec/deployment.md");

/// One testable claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Stable name, for example `rpc.bind.unknown-transfer-syntax`.
    pub id: String,
    /// What the id starts with, for example `rpc.bind`.
    pub area: &'static str,
    /// Who has to keep it.
    pub role: Role,
    /// How much it weighs.
    pub level: Level,
    /// One line.
    pub title: String,
    /// What to send or read.
    pub stimulus: String,
    /// What must come of it.
    pub expect: String,
    /// What else is let pass, and what never is.
    pub tolerate: String,
    /// Documents and tests that say so, separated by semicolons.
    pub source: String,
    /// How well it is known.
    pub confidence: Confidence,
    /// The frozen requirement set that has it first, for example `2026-1`. A set has all that is not newer than it.
    pub set: String,
    /// Why nobody can observe it from outside; such a requirement needs no case.
    pub unobservable: Option<String>,
}

impl Requirement {
    /// Whether an implementation that plays `role` is bound by it.
    pub fn binds(&self, role: Role) -> bool {
        self.role == Role::Both || role == Role::Both || self.role == role
    }
}

/// Who has to keep a requirement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The KMS service.
    Host,
    /// The machine to be activated.
    Client,
    /// Either.
    Both,
}

/// How well a requirement is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Seen on one implementation only, or Windows' exact answer is not known.
    Check,
    /// Stated by a specification, tested elsewhere, or true by construction.
    Sure,
}

macro_rules! names {
    ($($type:ident { $($variant:ident = $name:literal),+ })+) => {$(
        impl $type {
            /// As the catalogue writes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    )+};
}

names! {
    Role { Host = "host", Client = "client", Both = "both" }
    Confidence { Check = "check", Sure = "sure" }
}

/// A name for what other entries say in detail.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alias {
    /// The name.
    pub id: String,
    /// One line.
    pub title: String,
    /// The ids it stands for.
    pub of: Vec<String>,
}

/// A word in capitals that requirements use.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The word.
    pub name: String,
    /// What it stands for.
    pub meaning: String,
}

/// All requirements, in the order of their areas.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    requirements: Vec<Requirement>,
    aliases: Vec<Alias>,
    terms: Vec<Term>,
    by_id: BTreeMap<String, usize>,
}

/// The embedded catalogue.
pub fn catalogue() -> &'static Catalogue {
    static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
        Catalogue::parse(embedded::FILES, embedded::ALIASES, embedded::TERMS)
            .expect("the embedded catalogue is tested")
    });
    &CATALOGUE
}

impl Catalogue {
    /// All, in the order of areas and within an area in reading order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Requirement> {
        self.requirements.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.requirements.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.requirements.is_empty()
    }

    /// The requirement of this id; also that of a case id, which may add `/variant`.
    pub fn get(&self, id: &str) -> Option<&Requirement> {
        let id = id
            .split_once('/')
            .map_or(id, |(requirement, _)| requirement);
        self.requirements.get(*self.by_id.get(id)?)
    }

    /// What an id or an alias stands for; empty if it is neither.
    pub fn resolve(&self, name: &str) -> Vec<&Requirement> {
        match self.aliases.iter().find(|alias| alias.id == name) {
            Some(alias) => alias.of.iter().filter_map(|id| self.get(id)).collect(),
            None => self.get(name).into_iter().collect(),
        }
    }

    /// Those whose id the pattern matches, and those that a matching alias stands for.
    pub fn select(&self, glob: &Glob) -> Vec<&Requirement> {
        let aliases = self.aliases.iter().filter(|alias| glob.matches(&alias.id));
        let named: Vec<&String> = aliases.flat_map(|alias| &alias.of).collect();
        let chosen = |r: &&Requirement| glob.matches(&r.id) || named.contains(&&r.id);
        self.requirements.iter().filter(chosen).collect()
    }

    /// Those of a frozen set: all that are not newer than it. Nothing if no requirement names the set.
    pub fn set(&self, name: &str) -> Vec<&Requirement> {
        if !self.sets().contains(&name) {
            return Vec::new();
        }
        let not_newer = |r: &&Requirement| parse::edition(&r.set) <= parse::edition(name);
        self.requirements.iter().filter(not_newer).collect()
    }

    /// The frozen sets, the oldest first.
    pub fn sets(&self) -> Vec<&str> {
        let mut sets: Vec<&str> = self.requirements.iter().map(|r| r.set.as_str()).collect();
        sets.sort_by_key(|set| parse::edition(set));
        sets.dedup();
        sets
    }

    /// The areas, in order.
    pub fn areas(&self) -> Vec<&'static str> {
        let mut areas: Vec<&'static str> = self.requirements.iter().map(|r| r.area).collect();
        areas.dedup();
        areas
    }

    /// The aliases.
    pub fn aliases(&self) -> &[Alias] {
        &self.aliases
    }

    /// The words in capitals.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The words in capitals that a requirement uses.
    pub fn terms_of(&self, requirement: &Requirement) -> Vec<&Term> {
        let texts = [
            &requirement.stimulus,
            &requirement.expect,
            &requirement.tolerate,
        ];
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let used = |term: &&Term| {
            let mut words = texts.iter().flat_map(|text| text.split(|c| !is_part(c)));
            words.any(|word| word == term.name)
        };
        self.terms.iter().filter(used).collect()
    }
}

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use thiserror::Error;
use toml::Spanned;

use super::{Alias, Catalogue, Confidence, Level, Requirement, Role, Term};

/// One file of the catalogue: its path below `catalogue/`, its area, its text.
pub(super) type File = (&'static str, &'static str, &'static str);

/// What is wrong with the catalogue, and where.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{file}:{line}: {problem}")]
pub struct CatalogueError {
    /// Path below `catalogue/`.
    pub file: &'static str,
    /// Line, counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub problem: CatalogueProblem,
}

/// What can be wrong with the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogueProblem {
    /// Not TOML, an unknown or missing key, a value that has no meaning; what the parser says.
    Toml(String),
    /// The id is there already.
    DuplicateId(String),
    /// The id does not start with the area of its file.
    OutsideArea(String),
    /// An alias stands for something that is not there.
    UnknownId(String),
    /// The set is not a year and a number, as in `2026-1`.
    MalformedSet(String),
}

impl fmt::Display for CatalogueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Toml(what) => f.write_str(what),
            Self::DuplicateId(id) => write!(f, "`{id}` is there already"),
            Self::OutsideArea(id) => write!(f, "`{id}` does not belong to the area of this file"),
            Self::UnknownId(id) => write!(f, "there is no `{id}`"),
            Self::MalformedSet(set) => write!(f, "`{set}` is not a set such as 2026-1"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Requirements {
    requirement: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    role: Role,
    level: Level,
    title: String,
    stimulus: String,
    expect: String,
    tolerate: String,
    source: String,
    confidence: Confidence,
    set: Spanned<String>,
    unobservable: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Aliases {
    alias: Vec<Spanned<Alias>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Terms {
    term: Vec<Term>,
}

/// Year and number of a set's name.
pub(super) fn edition(set: &str) -> Option<(u16, u16)> {
    let (year, number) = set.split_once('-')?;
    Some((year.parse().ok()?, number.parse().ok()?))
}

impl Catalogue {
    /// Reads a catalogue.
    pub(super) fn parse(
        files: &[File],
        aliases: File,
        terms: File,
    ) -> Result<Self, CatalogueError> {
        let mut catalogue = Self::default();
        for file in files {
            let Requirements { requirement } = read(file)?;
            for entry in requirement {
                catalogue.add(entry, file)?;
            }
        }
        let Terms { term } = read(&terms)?;
        catalogue.terms = term;
        let Aliases { alias } = read(&aliases)?;
        for alias in alias {
            let at = alias.span().start;
            let alias = alias.into_inner();
            if let Some(unknown) = alias
                .of
                .iter()
                .find(|id| !catalogue.by_id.contains_key(*id))
            {
                let problem = CatalogueProblem::UnknownId(unknown.clone());
                return Err(error(&aliases, at, problem));
            }
            if catalogue.by_id.contains_key(&alias.id) {
                return Err(error(&aliases, at, CatalogueProblem::DuplicateId(alias.id)));
            }
            catalogue.aliases.push(alias);
        }
        Ok(catalogue)
    }

    fn add(&mut self, entry: Entry, file: &File) -> Result<(), CatalogueError> {
        let &(_, area, _) = file;
        let (id_at, set_at) = (entry.id.span().start, entry.set.span().start);
        let (id, set) = (entry.id.into_inner(), entry.set.into_inner());
        let name = id
            .strip_prefix(area)
            .and_then(|rest| rest.strip_prefix('.'));
        if name.is_none_or(|name| name.is_empty() || name.contains('.')) {
            return Err(error(file, id_at, CatalogueProblem::OutsideArea(id)));
        }
        if edition(&set).is_none() {
            return Err(error(file, set_at, CatalogueProblem::MalformedSet(set)));
        }
        if insert(&mut self.by_id, &id, self.requirements.len()) {
            return Err(error(file, id_at, CatalogueProblem::DuplicateId(id)));
        }
        self.requirements.push(Requirement {
            id,
            area,
            role: entry.role,
            level: entry.level,
            title: entry.title,
            stimulus: entry.stimulus,
            expect: entry.expect,
            tolerate: entry.tolerate,
            source: entry.source,
            confidence: entry.confidence,
            set,
            unobservable: entry.unobservable,
        });
        Ok(())
    }
}

/// Whether the id was there already.
fn insert(by_id: &mut BTreeMap<String, usize>, id: &str, at: usize) -> bool {
    by_id.insert(id.to_owned(), at).is_some()
}

fn read<T: for<'de> Deserialize<'de>>(file: &File) -> Result<T, CatalogueError> {
    let &(_, _, text) = file;
    toml::from_str(text).map_err(|e| {
        let at = e.span().map_or(0, |span| span.start);
        error(file, at, CatalogueProblem::Toml(e.message().to_owned()))
    })
}

fn error(&(file, _, text): &File, at: usize, problem: CatalogueProblem) -> CatalogueError {
    let before = text.get(..at).unwrap_or(text);
    CatalogueError {
        file,
        line: before.matches('\n').count() + 1,
        problem,
    }
}

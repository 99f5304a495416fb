//! Which cases are run: the join of suites and catalogue.

use std::sync::LazyLock;

use kmspec_runner::Case;
use kmspec_runner::plan::Planned;

use crate::catalogue::{Glob, Requirement, Role, catalogue};
use crate::suites;

/// What of all cases is wanted. The default is everything a host has to keep.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Suites by name; none for all.
    pub suites: Vec<String>,
    /// Patterns for ids, of which one must fit; none for all.
    pub only: Vec<Glob>,
    /// Patterns for ids, of which none may fit.
    pub skip: Vec<Glob>,
    /// The frozen set of requirements; `None` for all.
    pub set: Option<String>,
    /// Who is judged.
    pub role: Role,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            suites: Vec::new(),
            only: Vec::new(),
            skip: Vec::new(),
            set: None,
            role: Role::Host,
        }
    }
}

/// A name in a selection that nothing has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectionError {
    /// No suite is called so.
    #[error("there is no suite {name:?}; there are {known}")]
    Suite {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
    /// No set of requirements is called so.
    #[error("there is no requirement set {name:?}; there are {known}")]
    Set {
        /// The name.
        name: String,
        /// The names there are.
        known: String,
    },
}

impl Selection {
    fn check(&self) -> Result<(), SelectionError> {
        let names: Vec<&str> = suites().iter().map(|suite| suite.name).collect();
        if let Some(name) = self
            .suites
            .iter()
            .find(|name| !names.contains(&name.as_str()))
        {
            return Err(SelectionError::Suite {
                name: name.clone(),
                known: names.join(", "),
            });
        }
        let sets = catalogue().sets();
        match &self.set {
            Some(name) if !sets.contains(&name.as_str()) => Err(SelectionError::Set {
                name: name.clone(),
                known: sets.join(", "),
            }),
            _ => Ok(()),
        }
    }

    /// Whether a case judges whom it should.
    fn suits(&self, case: &Case) -> bool {
        match self.role {
            Role::Host => case.role() == kmspec_rules::Role::Host,
            Role::Client => case.role() == kmspec_rules::Role::Client,
            Role::Both => true,
        }
    }

    fn wants(&self, suite: &str, case: &str, id: &str, requirement: &Requirement) -> bool {
        let fits = |globs: &[Glob]| {
            globs
                .iter()
                .any(|glob| glob.matches(id) || glob.matches(&requirement.id))
        };
        (self.suites.is_empty() || self.suites.iter().any(|name| name == suite))
            && (self.only.is_empty() || fits(&self.only))
            && !fits(&self.skip)
            && (self.set.as_ref()).is_none_or(|set| requirement.set <= *set && frozen(set, case))
            && requirement.binds(self.role)
    }
}

/// The rows that a selection wants, in reading order.
///
/// # Errors
/// The selection names a suite or a set that does not exist.
pub fn plan(selection: &Selection) -> Result<Vec<Planned>, SelectionError> {
    selection.check()?;
    let mut rows = Vec::new();
    for suite in suites() {
        for (case, ids) in &*ROWS {
            let of_suite = suite
                .cases
                .iter()
                .any(|member| std::ptr::eq(*member, *case));
            if !of_suite || !selection.suits(case) {
                continue;
            }
            let Some(requirement) = catalogue().get(case.requirement()) else {
                continue;
            };
            let wanted = ids
                .iter()
                .enumerate()
                .filter(|(_, id)| selection.wants(suite.name, case.id, id, requirement));
            rows.extend(wanted.map(|(row, id)| planned(suite.name, case, requirement, row, id)));
        }
    }
    Ok(rows)
}

/// Whether a case was there when a set was frozen; a set that still grows has all.
fn frozen(set: &str, case: &str) -> bool {
    let cases = FROZEN.iter().find(|(name, _)| *name == set);
    cases.is_none_or(|(_, cases)| cases.lines().any(|line| line == case))
}

/// The cases of each frozen set, so that a new case of an old requirement turns no old gate red.
const FROZEN: &[(&str, &str)] = &[("2026-1", include_str!("../catalogue/sets/2026-1.txt"))];

/// Every case once with the ids of its rows, which tables spell anew at each asking.
static ROWS: LazyLock<Vec<(&'static Case, Vec<String>)>> = LazyLock::new(|| {
    suites()
        .iter()
        .flat_map(|suite| suite.cases)
        .map(|case| (*case, case.ids()))
        .collect()
});

fn planned(
    suite: &str,
    case: &'static Case,
    requirement: &'static Requirement,
    row: usize,
    id: &str,
) -> Planned {
    Planned {
        case,
        row,
        id: id.to_owned(),
        suite: suite.to_owned(),
        level: requirement.level,
        role: requirement.role.name(),
        title: requirement.title.clone(),
        source: requirement.source.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_set_names_cases_that_are_there_and_takes_no_new_ones() {
        for (set, cases) in FROZEN {
            assert!(catalogue().sets().contains(set), "{set}");
            for line in cases.lines() {
                let there = ROWS.iter().any(|(case, _)| case.id == line);
                assert!(there, "{set}: no case is called {line}");
            }
            assert!(!frozen(set, "rpc.bind.ack-basic/newer"));
        }
        let first = ROWS
            .iter()
            .find(|(case, _)| case.id == "rpc.bind.ack-basic");
        assert!(first.is_some_and(|(case, _)| frozen("2026-1", case.id)));
        assert!(frozen("a-set-that-grows", "rpc.bind.ack-basic/newer"));
    }

    #[test]
    fn every_case_cites_a_requirement_of_the_catalogue() {
        for (case, _) in &*ROWS {
            assert!(
                catalogue().get(case.requirement()).is_some(),
                "{} cites no requirement",
                case.id
            );
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<&String> = ROWS.iter().flat_map(|(_, ids)| ids).collect();
        ids.sort();
        let twice: Vec<_> = ids
            .windows(2)
            .filter(|pair| pair[0] == pair[1])
            .map(|pair| pair[0])
            .collect();
        assert!(twice.is_empty(), "{twice:?}");
    }

    #[test]
    fn ids_are_plain_words() {
        for id in ROWS.iter().flat_map(|(_, ids)| ids) {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "./-".contains(c);
            assert!(id.chars().all(plain), "{id}");
        }
    }

    #[test]
    fn a_selection_narrows_by_suite_id_and_role() {
        let all = plan(&Selection::default()).unwrap().len();
        let crypto = plan(&Selection {
            suites: vec!["crypto".to_owned()],
            ..Selection::default()
        })
        .unwrap();
        assert!(!crypto.is_empty() && crypto.len() < all);
        assert!(crypto.iter().all(|row| row.suite == "crypto"));
        let only = vec![Glob::new("crypto.v6-*")];
        let without = vec![Glob::new("*hmac*")];
        let some = plan(&Selection {
            only,
            skip: without,
            ..Selection::default()
        })
        .unwrap();
        assert!(
            some.iter()
                .all(|row| row.id.starts_with("crypto.v6-") && !row.id.contains("hmac"))
        );
        let nobody = plan(&Selection {
            suites: vec!["bnid".to_owned()],
            ..Selection::default()
        });
        assert!(
            nobody
                .unwrap_err()
                .to_string()
                .starts_with("there is no suite \"bnid\"; there are ")
        );
    }
}

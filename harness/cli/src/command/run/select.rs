use std::env;

use kmspec_conformance::catalogue::{Glob, Requirement, Role, catalogue};
use kmspec_conformance::plan::{Selection, plan as select};
use kmspec_runner::plan::{About, Part, Plan};

use crate::args::SelectArgs;
use crate::command::cases;
use crate::command::explain::unknown;
use crate::failure::Failure;

/// The plan that the arguments ask for; never an empty one.
pub(crate) fn plan(args: &SelectArgs, role: Role) -> Result<(Plan, Option<Part>), Failure> {
    let selection = Selection {
        suites: args.suite.clone(),
        only: globs(&args.only),
        skip: globs(&args.skip),
        role,
        set: args.requirements.clone(),
    };
    let rows = select(&selection).map_err(|error| Failure::Usage(error.to_string()))?;
    for pattern in args.only.iter().chain(&args.skip) {
        known(pattern)?;
    }
    let mut plan = Plan {
        rows,
        every_answer: every_answer(&selection),
    };
    if plan.rows.is_empty() {
        return Err(Failure::Usage(nothing(args, role)));
    }
    let Some(asked) = args.shard else {
        return Ok((plan, None));
    };
    let shard = asked.part(|name| env::var(name).ok());
    let shard = shard.map_err(|error| Failure::Usage(error.to_string()))?;
    let part = Part::cut(&mut plan, shard.index, shard.total, |id| shard.holds(id));
    if plan.rows.is_empty() {
        let message = "nothing is selected: this part has no case; use fewer parts";
        return Err(Failure::Usage(message.to_owned()));
    }
    Ok((plan, Some(part)))
}

/// Patterns as the selection takes them. The name of a case with a table stands for all its rows.
fn globs(patterns: &[String]) -> Vec<Glob> {
    let rows = |pattern: &String| {
        let named = cases::all().any(|(_, case)| case.id == *pattern);
        named.then(|| Glob::new(&format!("{pattern}/*")))
    };
    let both = |pattern: &String| [Some(Glob::new(pattern)), rows(pattern)];
    patterns.iter().flat_map(both).flatten().collect()
}

/// Whether a pattern means something that exists: a slip of the keys must not pass for a choice.
fn known(pattern: &str) -> Result<(), Failure> {
    let glob = Glob::new(pattern);
    let rows = || cases::all().flat_map(|(_, case)| case.ids());
    let any = catalogue()
        .iter()
        .any(|requirement| glob.matches(&requirement.id));
    if any || rows().any(|id| glob.matches(&id) || id.starts_with(&format!("{pattern}/"))) {
        return Ok(());
    }
    Err(Failure::Usage(unknown(pattern)))
}

/// Why a selection is empty, as far as it can be told.
fn nothing(args: &SelectArgs, role: Role) -> String {
    let requirement = match args.only.as_slice() {
        [only] => catalogue()
            .get(only)
            .filter(|requirement| requirement.id == *only),
        _ => None,
    };
    let reason = requirement.and_then(|requirement| {
        if let Some(reason) = &requirement.unobservable {
            return Some(format!("it cannot be observed: {reason}"));
        }
        if !cases::of(&requirement.id).is_empty() {
            return None;
        }
        let judged = rules(role).any(|rule| rule == requirement.id);
        Some(if judged {
            "it is judged on the answers to all cases; run without --only".to_owned()
        } else {
            "it has no case".to_owned()
        })
    });
    let reason = reason.unwrap_or_else(|| "no case is all that was asked for".to_owned());
    format!("nothing is selected: {reason}; see kmspec list")
}

/// The requirements on every answer, whatever the case.
pub(crate) fn every_answer(selection: &Selection) -> Vec<About> {
    let ruled: Vec<&str> = rules(selection.role).collect();
    let wanted = |r: &&Requirement| {
        ruled.contains(&r.id.as_str()) && !selection.skip.iter().any(|glob| glob.matches(&r.id))
    };
    catalogue()
        .iter()
        .filter(wanted)
        .map(|requirement| About {
            id: requirement.id.clone(),
            level: requirement.level,
            role: requirement.role.name(),
            title: requirement.title.clone(),
            source: requirement.source.clone(),
        })
        .collect()
}

/// The requirements that the rules on what this role sends judge.
fn rules(role: Role) -> impl Iterator<Item = &'static str> {
    let judges = move |rule: &kmspec_rules::Rule| match rule.role {
        kmspec_rules::Role::Host => role != Role::Client,
        kmspec_rules::Role::Client => role != Role::Host,
    };
    let rules = kmspec_rules::RULES.iter();
    rules
        .filter(move |rule| judges(rule))
        .map(|rule| rule.requirement)
}

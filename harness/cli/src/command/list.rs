use kmspec_conformance::catalogue::{Glob, Requirement, catalogue};
use serde_json::json;

use crate::args::{ListArgs, ListFormat};
use crate::command::cases;
use crate::failure::{Failure, one_line};
use crate::output::{Output, complain, tell};
use kmspec_runner::Exit;

/// Version of the JSON document.
const VERSION: u32 = 1;

/// `kmspec list`.
pub(crate) fn list(args: &ListArgs, output: &mut Output) -> Result<Exit, Failure> {
    let chosen = select(args);
    if chosen.is_empty() {
        complain("nothing selected: no requirement is all that was asked for");
        return Ok(Exit::NotJudged);
    }
    match args.format {
        ListFormat::Table => table(&chosen, output)?,
        ListFormat::Json => document(&chosen, output)?,
    }
    Ok(Exit::Holds)
}

fn select(args: &ListArgs) -> Vec<&'static Requirement> {
    let globs: Vec<Glob> = args.only.iter().map(|glob| Glob::new(glob)).collect();
    let named: Vec<&Requirement> = if globs.is_empty() {
        catalogue().iter().collect()
    } else {
        globs
            .iter()
            .flat_map(|glob| catalogue().select(glob))
            .collect()
    };
    catalogue()
        .iter()
        .filter(|r| named.iter().any(|chosen| chosen.id == r.id))
        .filter(|r| args.level.is_none_or(|level| r.level >= level))
        .filter(|r| args.role.is_none_or(|role| r.binds(role)))
        .collect()
}

fn table(chosen: &[&Requirement], output: &mut Output) -> Result<(), Failure> {
    let widest = chosen.iter().map(|r| r.id.len()).max().unwrap_or_default();
    for requirement in chosen {
        let Requirement {
            id,
            level,
            role,
            title,
            ..
        } = requirement;
        let cases = match cases::of(id).len() {
            0 => "-".to_owned(),
            number => number.to_string(),
        };
        output.line(format_args!(
            "{id:widest$}  {level:6}  {role:6}  {cases:>3}  {title}"
        ))?;
    }
    let checked = chosen
        .iter()
        .filter(|r| !cases::of(&r.id).is_empty())
        .count();
    tell(format_args!(
        "{} requirements, {checked} of them with cases",
        chosen.len()
    ));
    Ok(())
}

fn document(chosen: &[&Requirement], output: &mut Output) -> Result<(), Failure> {
    let requirements: Vec<_> = chosen
        .iter()
        .map(|r| {
            let cases: Vec<_> = cases::of(&r.id)
                .into_iter()
                .map(|(suite, case)| {
                    json!({"id": case.id, "suite": suite.name, "sentence": one_line(case.sentence), "rows": case.ids()})
                })
                .collect();
            json!({
                "id": r.id,
                "area": r.area,
                "title": r.title,
                "level": r.level.name(),
                "role": r.role.name(),
                "stimulus": r.stimulus,
                "expect": r.expect,
                "tolerate": r.tolerate,
                "source": r.source,
                "confidence": r.confidence.name(),
                "set": r.set,
                "unobservable": r.unobservable,
                "cases": cases,
            })
        })
        .collect();
    output.json(&json!({"version": VERSION, "requirements": requirements}))
}

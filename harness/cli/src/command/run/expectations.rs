use std::collections::BTreeMap;
use std::fs;

use kmspec_runner::RunResult;
use kmspec_runner::expect::{Expectations, Problem};
use kmspec_runner::glob::Glob;
use kmspec_runner::run::EVERY_ANSWER;

use crate::args::ExpectArgs;
use crate::command::cases;
use crate::failure::Failure;
use crate::output::tell;

/// The expectations that the arguments name, read before anything runs.
pub(crate) fn read(args: &ExpectArgs) -> Result<Option<Expectations>, Failure> {
    let Some(file) = &args.expect else {
        return Ok(None);
    };
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        // A list that is to be written may begin empty.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && args.update_expectations => {
            String::new()
        }
        Err(source) => {
            return Err(Failure::Read {
                file: file.clone(),
                source,
            });
        }
    };
    let place = |error: kmspec_runner::expect::ExpectationsError| Failure::Place {
        file: file.clone(),
        line: error.line,
        column: error.column,
        message: error.message,
    };
    Expectations::from_toml(&text).map(Some).map_err(place)
}

/// Makes deviations of failures that are known, says what is wrong with the list, and brings it up to date if asked to.
pub(crate) fn apply(
    args: &ExpectArgs,
    expectations: &Expectations,
    result: &mut RunResult,
) -> Result<(), Failure> {
    let Some(file) = &args.expect else {
        return Ok(());
    };
    let ids: Vec<String> = cases::all().flat_map(|(_, case)| case.ids()).collect();
    let every_answer: Vec<String> = result.rows.iter().map(|row| row.id.clone()).collect();
    let ids = ids.iter().chain(&every_answer).map(String::as_str);
    let today = result.now.to_string();
    let today = today.get(..10).unwrap_or_default();
    let mut problems = expectations.apply(result, ids.clone(), today);
    if result.part.is_some() {
        // Whether an entry is stale can be told where all that it names was run.
        problems.retain(|problem| {
            problem.problem != Problem::Stale || is_all_here(&problem.case, ids.clone(), result)
        });
    }
    if args.update_expectations {
        let text = expectations.updated(result, &problems);
        fs::write(file, text).map_err(|source| Failure::Write {
            file: file.clone(),
            source,
        })?;
        tell(format_args!(
            "{} is up to date with this run",
            file.display()
        ));
    }
    for problem in problems {
        let line = format!("{}: {problem}", file.display());
        match problem.problem {
            Problem::Stale if args.update_expectations => {}
            Problem::Stale if args.allow_stale => tell(line),
            _ => result.broken_expectations.push(line),
        }
    }
    Ok(())
}

/// Whether this part of a run has everything that an entry names: what holds of every answer is in no part alone.
fn is_all_here<'a>(pattern: &str, ids: impl Iterator<Item = &'a str>, result: &RunResult) -> bool {
    let glob = Glob::new(pattern);
    let requirement = |id: &'a str| id.split('/').next().unwrap_or(id);
    let rows: BTreeMap<&str, &str> = result
        .rows
        .iter()
        .map(|row| (row.id.as_str(), row.suite.as_str()))
        .collect();
    let mut named = ids.filter(|id| glob.matches(id) || glob.matches(requirement(id)));
    named.all(|id| rows.get(id).is_some_and(|suite| *suite != EVERY_ANSWER))
}

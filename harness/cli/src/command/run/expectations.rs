use std::fs;

use kmspec_runner::RunResult;
use kmspec_runner::expect::{Expectations, Problem};

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
    let problems = expectations.apply(result, ids, today);
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

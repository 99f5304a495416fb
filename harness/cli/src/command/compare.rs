use std::fs;
use std::path::Path;

use kmspec_runner::Exit;
use kmspec_runner::compare::{Named, Rules, Shown, compare as side_by_side, merge, page, table};
use kmspec_runner::report::json::Report;
use kmspec_runner::report::text::Style;

use crate::args::{CompareArgs, CompareFormat, ReportKind};
use crate::command::reports;
use crate::command::run::colours;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain, tell};

/// `kmspec compare`.
pub(crate) fn compare(args: &CompareArgs, output: &mut Output) -> Result<Exit, Failure> {
    let named: Vec<Named> = args
        .files
        .iter()
        .map(|file| read(file))
        .collect::<Result<_, _>>()?;
    match &args.output {
        Some(into) if args.merge => join(&named, into),
        _ => show(args, &named, output),
    }
}

fn read(file: &Path) -> Result<Named, Failure> {
    let text = input::text(file)?;
    let report = Report::from_json(&text).map_err(|error| Failure::Content {
        file: file.to_owned(),
        message: error.to_string(),
    })?;
    let file = file.display().to_string();
    Ok(Named { file, report })
}

/// Writes the report of the whole.
fn join(named: &[Named], into: &Path) -> Result<Exit, Failure> {
    let whole = merge(named).map_err(|error| Failure::Usage(error.to_string()))?;
    fs::write(into, whole.to_json()).map_err(|source| Failure::Write {
        file: into.to_owned(),
        source,
    })?;
    tell(format_args!(
        "{} has the {} results of {} parts",
        into.display(),
        whole.results.len(),
        named.len()
    ));
    for problem in &whole.unable {
        complain(format_args!("not judged: {problem}"));
    }
    Ok(match whole.exit {
        0 => Exit::Holds,
        1 => Exit::Fails,
        _ => Exit::NotJudged,
    })
}

/// Prints the matrix, and leaves the reports.
fn show(args: &CompareArgs, named: &[Named], output: &mut Output) -> Result<Exit, Failure> {
    if named.len() < 2 {
        let message = "there is nothing to compare with: name two reports at least";
        return Err(Failure::Usage(message.to_owned()));
    }
    let reports = reports::open(&args.report, &KINDS, FORM)?;
    let rules = Rules {
        level: args.level,
        common: args.common,
    };
    let comparison = side_by_side(named, rules);
    match args.format {
        CompareFormat::Table => {
            let shown = Shown {
                cases: args.cases,
                all: args.all,
            };
            let style = Style {
                colour: colours(),
                ..Style::default()
            };
            output.line(table(&comparison, shown, &style).trim_end())?;
        }
        CompareFormat::Json => output.line(comparison.to_json().trim_end())?,
    }
    output.flush()?;
    for problem in &comparison.unable {
        complain(format_args!("not judged: {problem}"));
    }
    reports::leave(reports, |kind, out| {
        let text = match kind {
            ReportKind::Html => page(&comparison),
            _ => comparison.to_json(),
        };
        out.write_all(text.as_bytes())
    })?;
    Ok(comparison.exit())
}

/// Kinds of reports on a comparison, and how they are asked for.
const KINDS: [ReportKind; 2] = [ReportKind::Json, ReportKind::Html];
const FORM: &str = "a report on a comparison is json=PATH or html=PATH";

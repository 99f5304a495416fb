use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use kmspec_runner::Exit;
use kmspec_runner::compare::{
    Comparison, Named, Rules, Shown, compare as side_by_side, merge, page, table,
};
use kmspec_runner::report::json::Report;
use kmspec_runner::report::text::Style;

use crate::args::{CompareArgs, CompareFormat, ReportKind, ReportTo};
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
    let reports = open(&args.report)?;
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
    leave(&comparison, reports)?;
    Ok(comparison.exit())
}

/// Opens what is to be written before anything is printed.
fn open(reports: &[ReportTo]) -> Result<Vec<(&ReportTo, File)>, Failure> {
    let mut files = Vec::new();
    for report in reports {
        if !matches!(report.kind, ReportKind::Json | ReportKind::Html) {
            let message = "a report on a comparison is json=PATH or html=PATH";
            return Err(Failure::Usage(message.to_owned()));
        }
        let file = File::create(&report.path).map_err(|source| Failure::Write {
            file: report.path.clone(),
            source,
        })?;
        files.push((report, file));
    }
    Ok(files)
}

fn leave(comparison: &Comparison, files: Vec<(&ReportTo, File)>) -> Result<(), Failure> {
    for (to, mut file) in files {
        let text = match to.kind {
            ReportKind::Html => page(comparison),
            _ => comparison.to_json(),
        };
        let written = file.write_all(text.as_bytes());
        written.map_err(|source| Failure::Write {
            file: to.path.clone(),
            source,
        })?;
    }
    Ok(())
}

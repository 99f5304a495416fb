//! Reports to files and from them.

use std::io;
use std::path::Path;

use kmspec_load::Outcome;
use kmspec_load::bottleneck::Bottleneck;
use kmspec_load::compare::compare as compare_outcomes;
use kmspec_load::merge::merge as merge_outcomes;
use kmspec_load::report::{hlog, html, json, text};
use kmspec_runner::Exit;

use crate::args::{BenchArgs, BenchReportKind, BenchReportTo};
use crate::command::reports::Place;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain};

/// Places of reports, taken before the run: whoever waits for an hour wants to know first that a folder is missing.
pub(super) type Reports = Vec<(BenchReportKind, Place)>;

pub(super) fn open(reports: &[BenchReportTo]) -> Result<Reports, Failure> {
    let open = |report: &BenchReportTo| Ok((report.kind, Place::take(&report.path)?));
    reports.iter().map(open).collect()
}

pub(super) fn write(reports: Reports, outcome: &Outcome) -> Result<(), Failure> {
    for (kind, place) in reports {
        place.fill(|out| match kind {
            BenchReportKind::Json => out.write_all(json::write(outcome).as_bytes()),
            BenchReportKind::Html => out.write_all(html::page(outcome).as_bytes()),
            BenchReportKind::Hlog => hlog::write(outcome)
                .map_err(io::Error::other)
                .and_then(|log| out.write_all(&log)),
        })?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Outcome, Failure> {
    let text = input::text(file)?;
    json::read(&text).map_err(|error| Failure::Usage(format!("{}: {error}", file.display())))
}

/// `kmspec bench --compare A B`.
pub(super) fn compare(
    first: &Path,
    second: &Path,
    tolerance: f64,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let (one, two) = (read(first)?, read(second)?);
    let compared = compare_outcomes(&one, &two, tolerance);
    let compared = compared.map_err(|error| Failure::Usage(error.to_string()))?;
    output.line(&compared)?;
    output.flush()?;
    let mut judged = true;
    for (file, outcome) in [(first, &one), (second, &two)] {
        for bottleneck in Bottleneck::of(outcome) {
            complain(format_args!("not judged: {}: {bottleneck}", file.display()));
            judged = false;
        }
    }
    if compared.is_unclear() {
        complain("not judged: the seconds of these runs differ too much; longer runs may tell");
        judged = false;
    }
    if !judged {
        return Ok(Exit::NotJudged);
    }
    if compared.is_slower() {
        complain(format_args!(
            "{} is slower than {}",
            second.display(),
            first.display()
        ));
        return Ok(Exit::Fails);
    }
    Ok(Exit::Holds)
}

/// `kmspec bench --merge FILE..`.
pub(super) fn merge(args: &BenchArgs, output: &mut Output) -> Result<Exit, Failure> {
    let outcomes: Result<Vec<Outcome>, Failure> =
        args.instead.merge.iter().map(|file| read(file)).collect();
    let sum = merge_outcomes(&outcomes?).map_err(|error| Failure::Usage(error.to_string()))?;
    let reports = open(&args.judge.report)?;
    output.line(text::report(&sum).trim_end())?;
    output.flush()?;
    write(reports, &sum)?;
    Ok(super::judge(&sum, &args.judge.fail_if))
}

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use kmspec_runner::bundle::{self, Bundle};
use kmspec_runner::report::text::Style;
use kmspec_runner::report::{github, html, json, junit, sarif};
use kmspec_runner::{Options, Row, RunResult, Target, transcript};

use crate::args::{EvidenceArgs, ReportKind, ReportTo};
use crate::command::reports::{self, Open, Place, unwritable};
use crate::failure::Failure;
use crate::output::Output;

/// Reports that can be written, and the folder for transcripts and bundles.
#[derive(Debug)]
pub(crate) struct Reports {
    files: Open,
    /// Annotations are asked for.
    github: bool,
    /// The file of the step's summary.
    summary: Option<PathBuf>,
    transcripts: Option<PathBuf>,
}

/// Opens all that is to be written, before anything is judged: nobody waits for a run whose report has no place.
pub(crate) fn open(args: &EvidenceArgs) -> Result<Reports, Failure> {
    let open = |report: &ReportTo| Ok((report.kind, Place::take(&report.path)?));
    let (to_github, to_files): (Vec<_>, Vec<_>) = args
        .report
        .iter()
        .partition(|report| report.kind == ReportKind::Github);
    let files = to_files.into_iter().map(open).collect::<Result<_, _>>()?;
    if let Some(folder) = &args.transcripts {
        fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
    }
    Ok(Reports {
        files,
        github: !to_github.is_empty(),
        summary: env::var_os("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        transcripts: args.transcripts.clone(),
    })
}

/// A run: who was judged, how, and what came of it.
#[derive(Clone, Copy)]
pub(crate) struct Ran<'a> {
    pub(crate) target: &'a Target,
    pub(crate) options: &'a Options,
    pub(crate) result: &'a RunResult,
}

/// Writes all that was asked for.
pub(crate) fn leave(
    ran: Ran<'_>,
    style: &Style,
    reports: Reports,
    output: &mut Output,
) -> Result<(), Failure> {
    let result = ran.result;
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    reports::leave(reports.files, |kind, out| write(kind, result, &plain, out))?;
    if reports.github {
        output.line(github::annotations(result).trim_end())?;
        if let Some(path) = reports.summary {
            let text = github::summary(result, &plain);
            append(&path, &text).map_err(|source| unwritable(&path, source))?;
        }
    }
    match &reports.transcripts {
        Some(folder) => transcripts(ran, folder, |_| true),
        None => Ok(()),
    }
}

/// Writes a transcript and a bundle for each row that is wanted and has something to show.
pub(crate) fn transcripts(
    ran: Ran<'_>,
    folder: &Path,
    wanted: impl Fn(&Row) -> bool,
) -> Result<(), Failure> {
    let Ran {
        target,
        options,
        result,
    } = ran;
    let rows = result.rows.iter().filter(|row| wanted(row));
    for row in rows.filter(|row| !row.transcript.is_empty()) {
        let path = folder.join(transcript::file_name(row));
        let written = File::create(&path)
            .and_then(|file| transcript::write(result, row, BufWriter::new(file)))
            .and_then(|mut out| out.flush());
        written.map_err(|source| unwritable(&path, source))?;
        let path = folder.join(bundle::file_name(row));
        let text = Bundle::of(result, row, target, options).to_json();
        fs::write(&path, text).map_err(|source| unwritable(&path, source))?;
    }
    Ok(())
}

fn write(
    kind: ReportKind,
    result: &RunResult,
    style: &Style,
    out: &mut dyn Write,
) -> io::Result<()> {
    match kind {
        ReportKind::Json => out.write_all(json::Report::of(result).to_json().as_bytes()),
        ReportKind::Junit => junit::write(result, style, out).map_err(io::Error::other),
        ReportKind::Html => out.write_all(html::page(result, style).as_bytes()),
        ReportKind::Sarif => Ok(serde_json::to_writer_pretty(
            out,
            &sarif::report(result, style),
        )?),
        // It has no file of its own.
        ReportKind::Github => Ok(()),
    }
}

fn append(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    file.write_all(text.as_bytes())
}

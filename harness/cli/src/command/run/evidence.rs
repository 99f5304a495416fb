use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use kmspec_runner::report::text::Style;
use kmspec_runner::report::{json, junit};
use kmspec_runner::{RunResult, transcript};

use crate::args::{EvidenceArgs, ReportKind, ReportTo};
use crate::failure::Failure;

/// Reports that can be written, and the folder for transcripts.
#[derive(Debug)]
pub(crate) struct Reports {
    files: Vec<(ReportTo, File)>,
    transcripts: Option<PathBuf>,
}

/// Opens all that is to be written, before anything is judged: nobody waits for a run whose report has no place.
pub(crate) fn open(args: &EvidenceArgs) -> Result<Reports, Failure> {
    let open = |report: &ReportTo| {
        let file = File::create(&report.path).map_err(|source| unwritable(&report.path, source))?;
        Ok((report.clone(), file))
    };
    let files = args.report.iter().map(open).collect::<Result<_, _>>()?;
    if let Some(folder) = &args.transcripts {
        fs::create_dir_all(folder).map_err(|source| unwritable(folder, source))?;
    }
    Ok(Reports {
        files,
        transcripts: args.transcripts.clone(),
    })
}

/// Writes all that was asked for.
pub(crate) fn leave(result: &RunResult, style: &Style, reports: Reports) -> Result<(), Failure> {
    for (report, file) in reports.files {
        let written = match report.kind {
            ReportKind::Json => as_json(result, file),
            ReportKind::Junit => as_junit(result, style, file),
        };
        written.map_err(|source| unwritable(&report.path, source))?;
    }
    let Some(folder) = reports.transcripts else {
        return Ok(());
    };
    for row in result.rows.iter().filter(|row| !row.transcript.is_empty()) {
        let path = folder.join(transcript::file_name(row));
        let written = File::create(&path)
            .and_then(|file| transcript::write(result, row, BufWriter::new(file)))
            .and_then(|mut out| out.flush());
        written.map_err(|source| unwritable(&path, source))?;
    }
    Ok(())
}

fn as_json(result: &RunResult, mut file: File) -> io::Result<()> {
    file.write_all(json::Report::of(result).to_json().as_bytes())
}

fn as_junit(result: &RunResult, style: &Style, file: File) -> io::Result<()> {
    let mut out = BufWriter::new(file);
    junit::write(result, style, &mut out).map_err(io::Error::other)?;
    out.flush()
}

fn unwritable(file: &Path, source: io::Error) -> Failure {
    Failure::Write {
        file: file.to_owned(),
        source,
    }
}

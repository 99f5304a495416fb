//! Reports to files, for commands that have a few kinds of them.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use crate::args::{ReportKind, ReportTo};
use crate::failure::Failure;

/// Reports with their files open.
pub(crate) type Open<'a> = Vec<(&'a ReportTo, File)>;

/// Opens all that is to be written, before any work is done: nobody waits for a report that has no place. `form` says
/// what a command's reports look like, to those who ask for another kind.
pub(crate) fn open<'a>(
    reports: &'a [ReportTo],
    kinds: &[ReportKind],
    form: &str,
) -> Result<Open<'a>, Failure> {
    let open = |report: &'a ReportTo| {
        if !kinds.contains(&report.kind) {
            return Err(Failure::Usage(form.to_owned()));
        }
        Ok((report, create(&report.path)?))
    };
    reports.iter().map(open).collect()
}

/// Has each of them written by its kind.
pub(crate) fn leave(
    reports: Open<'_>,
    write: impl Fn(ReportKind, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    for (report, file) in reports {
        let mut out = BufWriter::new(file);
        let written = write(report.kind, &mut out).and_then(|()| out.flush());
        written.map_err(|source| unwritable(&report.path, source))?;
    }
    Ok(())
}

/// A file for a report, empty.
pub(crate) fn create(file: &Path) -> Result<File, Failure> {
    File::create(file).map_err(|source| unwritable(file, source))
}

/// That a file cannot be written.
pub(crate) fn unwritable(file: &Path, source: io::Error) -> Failure {
    Failure::Write {
        file: file.to_owned(),
        source,
    }
}

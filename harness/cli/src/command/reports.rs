//! Reports to files, for commands that have a few kinds of them.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::args::{ReportKind, ReportTo};
use crate::failure::Failure;

/// Kinds of reports with their places.
pub(crate) type Open = Vec<(ReportKind, Place)>;

/// A file that a report can be written to. What it holds is kept until then, and one that was made for this goes away
/// again if there is nothing to write.
#[derive(Debug)]
pub(crate) struct Place {
    path: PathBuf,
    file: File,
    made: bool,
}

impl Place {
    /// Opens a file, and makes it if there is none.
    pub(crate) fn take(path: &Path) -> Result<Self, Failure> {
        let (file, made) = match OpenOptions::new().write(true).create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let mut options = OpenOptions::new();
                let old = options.write(true).create(true).truncate(false);
                (old.open(path), false)
            }
            new => (new, true),
        };
        Ok(Self {
            path: path.to_owned(),
            file: file.map_err(|source| unwritable(path, source))?,
            made,
        })
    }

    /// Writes the report, in place of what was there.
    pub(crate) fn fill(
        mut self,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), Failure> {
        // Part of a report tells more than none.
        self.made = false;
        let mut out = BufWriter::new(&self.file);
        let written = self.empty().and_then(|()| write(&mut out));
        let written = written.and_then(|()| out.flush());
        written.map_err(|source| unwritable(&self.path, source))
    }

    /// Devices and pipes hold nothing.
    fn empty(&self) -> io::Result<()> {
        if self.file.metadata()?.is_file() {
            self.file.set_len(0)?;
        }
        Ok(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.made {
            fs::remove_file(&self.path).ok();
        }
    }
}

/// Opens all that is to be written, before any work is done: nobody waits for a report that has no place. `form` says
/// what a command's reports look like, to those who ask for another kind.
pub(crate) fn open(
    reports: &[ReportTo],
    kinds: &[ReportKind],
    form: &str,
) -> Result<Open, Failure> {
    let open = |report: &ReportTo| {
        if !kinds.contains(&report.kind) {
            return Err(Failure::Usage(form.to_owned()));
        }
        Ok((report.kind, Place::take(&report.path)?))
    };
    reports.iter().map(open).collect()
}

/// Has each of them written by its kind.
pub(crate) fn leave(
    reports: Open,
    write: impl Fn(ReportKind, &mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    for (kind, place) in reports {
        place.fill(|out| write(kind, out))?;
    }
    Ok(())
}

/// That a file cannot be written.
pub(crate) fn unwritable(file: &Path, source: io::Error) -> Failure {
    Failure::Write {
        file: file.to_owned(),
        source,
    }
}

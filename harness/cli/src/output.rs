use std::fmt::Display;
use std::io::{self, BufWriter, Write};

use anstream::{AutoStream, ColorChoice};

use crate::failure::Failure;

/// Standard output, for results.
///
/// Whoever reads it may have seen enough and close it, as `head` does: that is success. Nothing is written from then on.
pub(crate) struct Output {
    stream: BufWriter<AutoStream<io::Stdout>>,
    closed: bool,
}

impl Output {
    /// Standard output, with colours where a terminal wants them.
    pub(crate) fn new() -> Self {
        let stdout = io::stdout();
        let choice = match ColorChoice::global() {
            ColorChoice::Auto => AutoStream::choice(&stdout),
            choice => choice,
        };
        Self {
            stream: BufWriter::with_capacity(1 << 16, AutoStream::new(stdout, choice)),
            closed: false,
        }
    }

    /// Writes one line, or several.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let written = writeln!(self.stream, "{line}");
        self.take(written)
    }

    /// Writes one JSON object as a line.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let written = serde_json::to_writer(&mut self.stream, value)
            .map_err(io::Error::from)
            .and_then(|()| self.stream.write_all(b"\n"));
        self.take(written)
    }

    /// Sends what is buffered on its way.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let flushed = self.stream.flush();
        self.take(flushed)
    }

    /// Whether the reader has gone.
    pub(crate) const fn is_closed(&self) -> bool {
        self.closed
    }

    fn take(&mut self, written: io::Result<()>) -> Result<(), Failure> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other.map_err(Failure::Stdout),
        }
    }
}

/// Tells something beside the results: one line on standard error. If nobody reads it, nobody is told.
pub(crate) fn tell(line: impl Display) {
    drop(writeln!(anstream::stderr(), "{line}"));
}

/// Tells of something wrong: one line that begins with the program's name.
pub(crate) fn complain(line: impl Display) {
    use owo_colors::OwoColorize;
    tell(format_args!("{} {line}", "kmspec:".red().bold()));
}

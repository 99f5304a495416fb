use std::fmt::Display;
use std::io::{self, Write};

use anstream::adapter::strip_bytes;
use anstream::{AutoStream, ColorChoice};
use memchr::memchr;

use crate::failure::Failure;

/// Standard output, for results.
///
/// Whoever reads it may have seen enough and close it, as `head` does: that is success. Nothing is written from then on.
pub(crate) struct Output {
    stream: AutoStream<io::Stdout>,
    /// What is still to be written: many lines at once.
    buffer: Vec<u8>,
    /// Whether nothing but text may come out.
    plain: bool,
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
        let plain = choice == ColorChoice::Never;
        Self {
            // Colours are taken out below, of the lines that have any: looking for them octet by octet takes longer than
            // making the lines.
            stream: if plain {
                AutoStream::always_ansi(stdout)
            } else {
                AutoStream::new(stdout, choice)
            },
            buffer: Vec::with_capacity(FULL.saturating_mul(2)),
            plain,
            closed: false,
        }
    }

    /// Writes one line, or several.
    pub(crate) fn line(&mut self, line: impl Display) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let from = self.buffer.len();
        let written = writeln!(self.buffer, "{line}");
        self.take(written)?;
        self.written(from)
    }

    /// Writes one line, which is there as text.
    pub(crate) fn text(&mut self, line: &str) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let from = self.buffer.len();
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
        self.written(from)
    }

    /// Writes one JSON object as a line.
    pub(crate) fn json(&mut self, value: &impl serde::Serialize) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        let from = self.buffer.len();
        let written = serde_json::to_writer(&mut self.buffer, value).map_err(io::Error::from);
        self.buffer.push(b'\n');
        self.take(written)?;
        self.written(from)
    }

    /// What is buffered from there on was written just now.
    fn written(&mut self, from: usize) -> Result<(), Failure> {
        if self.plain
            && let Some(last) = self.buffer.get(from..)
            && memchr(ESCAPE, last).is_some()
        {
            let text = strip_bytes(last).into_vec();
            self.buffer.truncate(from);
            self.buffer.extend_from_slice(&text);
        }
        if self.buffer.len() < FULL {
            return Ok(());
        }
        self.empty()
    }

    fn empty(&mut self) -> Result<(), Failure> {
        let written = self.stream.write_all(&self.buffer);
        self.buffer.clear();
        self.take(written)
    }

    /// Sends what is buffered on its way.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        if self.closed {
            return Ok(());
        }
        self.empty()?;
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

/// What begins a colour.
const ESCAPE: u8 = 0x1b;
/// Octets that are worth a write.
const FULL: usize = 1 << 16;

/// Tells something beside the results: one line on standard error. If nobody reads it, nobody is told.
pub(crate) fn tell(line: impl Display) {
    drop(writeln!(anstream::stderr(), "{line}"));
}

/// Tells of something wrong: one line that begins with the program's name.
pub(crate) fn complain(line: impl Display) {
    use owo_colors::OwoColorize;
    tell(format_args!("{} {line}", "kmspec:".red().bold()));
}

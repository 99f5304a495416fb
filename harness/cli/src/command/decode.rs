use std::cell::Cell;
use std::io::{self, Read};
use std::path::Path;

use kmspec_capture::rpc::{Notice, Observer};
use kmspec_capture::tcp::Limits;
use kmspec_capture::view::{HEADER, Item, Lines, decode as view};
use kmspec_capture::{Outcome, read};
use kmspec_wire::keys::KeySet;

use crate::args::{DecodeArgs, DecodeFormat};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain, tell};
use kmspec_runner::Exit;

/// `kmspec decode`.
pub(crate) fn decode(args: &DecodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let keys = if args.structure || args.summary {
        None
    } else {
        Some(input::keys(args.keys.as_deref())?)
    };
    let mut exit = Exit::Holds;
    for (number, file) in args.captures.iter().enumerate() {
        let input = match input::capture(file) {
            Ok(input) => input,
            Err(failure) => {
                complain(failure);
                exit = Exit::NotJudged;
                continue;
            }
        };
        let table = args.format == DecodeFormat::Table;
        if table && args.captures.len() > 1 {
            let gap = if number > 0 { "\n" } else { "" };
            output.line(format_args!("{gap}{}", file.display()))?;
        }
        let ended = if args.summary {
            totals(file, input, output)?
        } else {
            if table {
                output.line(HEADER)?;
            }
            one(file, input, keys.as_ref(), args.format, output)?
        };
        if ended == Exit::NotJudged {
            exit = Exit::NotJudged;
        }
        if output.is_closed() {
            break;
        }
    }
    Ok(exit)
}

/// Prints one capture.
fn one(
    file: &Path,
    input: Box<dyn Read>,
    keys: Option<&KeySet>,
    format: DecodeFormat,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let shown = file.display().to_string();
    let name = file.file_name().unwrap_or(file.as_os_str());
    let enough = Cell::new(false);
    let mut opening = Opening::default();
    let mut written = Ok(());
    let (mut lines, mut line) = (Lines::default(), String::new());
    let input = Stoppable {
        input,
        stop: &enough,
    };
    let outcome = view(
        &name.to_string_lossy(),
        input,
        Limits::default(),
        keys,
        |item| {
            if written.is_err() {
                return;
            }
            written = match (&item, format) {
                (Item::Exchange(exchange), DecodeFormat::Table) => {
                    line.clear();
                    lines.write(exchange, &mut line);
                    output.text(&line)
                }
                (Item::Exchange(exchange), DecodeFormat::Json) => output.json(exchange),
                (Item::Notice(notice), DecodeFormat::Table) => {
                    output.line(format_args!("note: {notice}"))
                }
                (Item::Notice(notice), DecodeFormat::Json) => {
                    tell(format_args!("{shown}: {notice}"));
                    Ok(())
                }
            };
            if let Item::Exchange(exchange) = item {
                opening.see(
                    exchange.request.is_some() || exchange.response.is_some(),
                    exchange.error,
                );
            }
            enough.set(written.is_err() || output.is_closed());
        },
    );
    written?;
    if output.is_closed() {
        return Ok(Exit::Holds);
    }
    if format == DecodeFormat::Table {
        output.line(&outcome.summary)?;
    }
    output.flush()?;
    let mut exit = whole(&shown, outcome);
    if let (Some(reason), Some(keys)) = (opening.hopeless(), keys) {
        complain(format_args!(
            "{shown}: {reason}, and nothing else opens either: is {} its key set? give another with --keys",
            keys.name()
        ));
        exit = Exit::NotJudged;
    }
    Ok(exit)
}

/// Prints the totals of one capture.
fn totals(file: &Path, input: Box<dyn Read>, output: &mut Output) -> Result<Exit, Failure> {
    let mut tell = Tell {
        output,
        told: Ok(()),
    };
    let outcome = read(input, Limits::default(), &mut tell);
    tell.told?;
    output.line(&outcome.summary)?;
    output.flush()?;
    Ok(whole(&file.display().to_string(), outcome))
}

/// Tells what a capture has beside its exchanges.
struct Tell<'o> {
    output: &'o mut Output,
    told: Result<(), Failure>,
}

impl Observer for Tell<'_> {
    fn notice(&mut self, notice: &Notice) {
        if self.told.is_ok() {
            self.told = self.output.line(format_args!("note: {notice}"));
        }
    }
}

/// Whether a capture was read to its end, and held what is looked for.
fn whole(shown: &str, outcome: Outcome) -> Exit {
    if let Some(damage) = outcome.damage {
        complain(format_args!("{shown}: {damage}"));
        return Exit::NotJudged;
    }
    if !outcome.summary.has_kms() {
        complain(format_args!("{shown}: no KMS in this capture"));
        return Exit::NotJudged;
    }
    Exit::Holds
}

/// Whether the key set opened anything.
#[derive(Default)]
struct Opening {
    opened: bool,
    reason: Option<String>,
}

impl Opening {
    fn see(&mut self, opened: bool, error: Option<String>) {
        self.opened |= opened;
        if self.reason.is_none() {
            self.reason = error.filter(|error| error.starts_with("cannot open"));
        }
    }

    /// Why nothing opened, if nothing did although something should have.
    fn hopeless(self) -> Option<String> {
        self.reason.filter(|_| !self.opened)
    }
}

/// Reads until there is no more use for it.
struct Stoppable<'s> {
    input: Box<dyn Read>,
    stop: &'s Cell<bool>,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.get() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.input.read(buffer)
    }
}

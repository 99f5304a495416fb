use std::io;
use std::path::PathBuf;

use kmspec_wire::keys::KeyFileError;
use thiserror::Error;

/// Why a command could not do its work: one line for whoever called it.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    /// The command line, or a variable of the environment.
    #[error("{0}")]
    Usage(String),
    /// A place in a file of ours.
    #[error("{}:{line}:{column}: {message}", file.display())]
    Place {
        file: PathBuf,
        line: usize,
        column: usize,
        message: String,
    },
    /// A key file.
    #[error("{}:{}:{}: {}", file.display(), error.line, error.column, error.message)]
    Keys { file: PathBuf, error: KeyFileError },
    /// A file that is not what it should be.
    #[error("{}: {message}", file.display())]
    Content { file: PathBuf, message: String },
    /// A file that cannot be read.
    #[error("{}: cannot read it: {source}", file.display())]
    Read { file: PathBuf, source: io::Error },
    /// A file or folder that cannot be written.
    #[error("{}: cannot write it: {source}", file.display())]
    Write { file: PathBuf, source: io::Error },
    /// Standard output.
    #[error("cannot write to standard output: {0}")]
    Stdout(io::Error),
    /// The runtime.
    #[error("cannot start: {0}")]
    Runtime(io::Error),
}

impl Failure {
    /// A place in a file, from an offset in octets.
    pub(crate) fn at(file: PathBuf, text: &str, offset: usize, message: String) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
        Self::Place {
            file,
            line,
            column,
            message: one_line(&message),
        }
    }
}

/// The failure of a command line as one line, from the several that clap writes; `command` is what to ask for help, and
/// `variable` the one that the value at fault comes from.
pub(crate) fn usage(error: &clap::Error, command: &str, variable: Option<&str>) -> Failure {
    use clap::error::ErrorKind::{DisplayHelpOnMissingArgumentOrSubcommand, MissingSubcommand};
    if let DisplayHelpOnMissingArgumentOrSubcommand | MissingSubcommand = error.kind() {
        return Failure::Usage(format!("a command is missing; see {command} --help"));
    }
    let text = error.render().to_string();
    let mut parts = Vec::new();
    for part in text.split("\n\n").map(one_line) {
        let part = part.strip_prefix("error: ").unwrap_or(&part);
        let part = part.strip_prefix("tip: ").unwrap_or(part);
        if !part.starts_with("Usage: ") && !part.starts_with("For more information") {
            parts.push(part.to_owned());
        }
    }
    parts.extend(variable.map(|variable| format!("it comes from {variable}")));
    parts.push(format!("see {command} --help"));
    Failure::Usage(parts.join("; "))
}

/// Text of several lines in one, single spaces between the words.
pub(crate) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

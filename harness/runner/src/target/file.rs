//! Target files: where an implementation is, its keys, and how it is started and controlled.

pub mod check;

mod client;
mod host;

pub use client::{ClientFile, is_client};
pub use host::{HostFile, Renewal};

use std::time::Duration;

use thiserror::Error;
use toml::Spanned;

use crate::expect::place;

/// Why a target file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}, column {column}: {message}")]
pub struct FileError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong, in one line.
    pub message: String,
}

impl FileError {
    fn at(text: &str, offset: usize, message: &str) -> Self {
        let (line, column) = place(text, offset);
        let words: Vec<&str> = message.split_whitespace().collect();
        Self {
            line,
            column,
            message: words.join(" "),
        }
    }

    fn toml(text: &str, error: &toml::de::Error) -> Self {
        Self::at(
            text,
            error.span().map_or(0, |span| span.start),
            error.message(),
        )
    }
}

/// A value, and where in the file it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// The value.
    pub value: String,
}

impl Placed {
    fn new(text: &str, value: Spanned<String>) -> Self {
        let (line, column) = place(text, value.span().start);
        Self {
            line,
            column,
            value: value.into_inner(),
        }
    }
}

/// Why a text is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a duration is a number above 0 and ms, s, m or h, as in 300ms or 5s")]
pub struct DurationError;

/// Reads a duration: `300ms`, `5s`, `1.5s`, `2m`; seconds without a unit.
///
/// # Errors
/// It is none, or 0.
pub fn duration(text: &str) -> Result<Duration, DurationError> {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    };
    let taken = number
        .parse()
        .map_or(f64::NAN, |number: f64| number * seconds);
    match Duration::try_from_secs_f64(taken) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(DurationError),
    }
}

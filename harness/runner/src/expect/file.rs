use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::value::Datetime;

use super::Deviation;
use crate::verdict::Verdict;

/// The known failures of a target, read from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expectations {
    /// In the order of the file.
    pub entries: Vec<Deviation>,
    pub(super) text: String,
    /// For each entry, where its values stand in the text.
    pub(super) values: Vec<Vec<Range<usize>>>,
}

/// Why a file of expectations cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ExpectationsError {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    deviation: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    case: Spanned<String>,
    verdict: Spanned<Verdict>,
    signature: Option<Spanned<String>>,
    reason: Spanned<String>,
    link: Option<Spanned<String>>,
    expires: Option<Spanned<Datetime>>,
}

impl Expectations {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing wrong with it, with line and column: no TOML, an unknown key, a missing reason, a verdict that
    /// cannot be expected, a date that is none.
    pub fn from_toml(text: &str) -> Result<Self, ExpectationsError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            fault(text, at, error.message())
        })?;
        let mut expectations = Self {
            text: text.to_owned(),
            ..Self::default()
        };
        for entry in file.deviation {
            expectations.values.push(entry.spans());
            expectations.entries.push(entry.check(text)?);
        }
        Ok(expectations)
    }
}

impl Entry {
    fn spans(&self) -> Vec<Range<usize>> {
        let texts = [
            Some(&self.case),
            self.signature.as_ref(),
            Some(&self.reason),
            self.link.as_ref(),
        ];
        let mut spans: Vec<_> = texts.into_iter().flatten().map(Spanned::span).collect();
        spans.push(self.verdict.span());
        spans.extend(self.expires.as_ref().map(Spanned::span));
        spans
    }

    fn check(self, text: &str) -> Result<Deviation, ExpectationsError> {
        let verdict = *self.verdict.get_ref();
        if !matches!(
            verdict,
            Verdict::Fail | Verdict::Warn | Verdict::Note | Verdict::Flaky
        ) {
            let message =
                format!("{verdict} cannot be expected away; fail, warn, note and flaky can");
            return Err(fault(text, self.verdict.span().start, &message));
        }
        if self.reason.get_ref().trim().is_empty() {
            return Err(fault(
                text,
                self.reason.span().start,
                "an expected failure needs a reason",
            ));
        }
        if let Some(expires) = &self.expires
            && (expires.get_ref().date.is_none() || expires.get_ref().time.is_some())
        {
            return Err(fault(
                text,
                expires.span().start,
                "a date is wanted, like 2027-06-30",
            ));
        }
        Ok(Deviation {
            line: place(text, self.case.span().start).0,
            case: self.case.into_inner(),
            verdict,
            signature: self.signature.map(Spanned::into_inner),
            reason: self.reason.into_inner(),
            link: self.link.map(Spanned::into_inner),
            expires: self.expires.map(|date| date.into_inner().to_string()),
        })
    }
}

fn fault(text: &str, at: usize, message: &str) -> ExpectationsError {
    let (line, column) = place(text, at);
    ExpectationsError {
        line,
        column,
        message: message.to_owned(),
    }
}

/// Line and column of a byte offset, both from 1.
pub(crate) fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

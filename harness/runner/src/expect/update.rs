use std::fmt::Write;
use std::ops::Range;

use super::file::place;
use super::{EntryProblem, Expectations, Problem};
use crate::run::RunResult;
use crate::verdict::Verdict;

impl Expectations {
    /// The file's text brought up to date: entries that are stale are gone, failures that no entry expects are added
    /// with a reason to be filled in. Every other line, comments above all, stays as it is, byte for byte.
    ///
    /// `result` and `problems` are those of [`Self::apply`].
    pub fn updated(&self, result: &RunResult, problems: &[EntryProblem]) -> String {
        let stale: Vec<usize> = problems
            .iter()
            .filter(|entry| entry.problem == Problem::Stale)
            .map(|entry| entry.line)
            .collect();
        let entries = self
            .entries
            .iter()
            .zip(&self.values)
            .filter(|(entry, _)| stale.contains(&entry.line));
        let gone: Vec<Range<usize>> = entries
            .flat_map(|(_, values)| self.lines_of(values))
            .collect();
        let mut text = String::new();
        for (number, line) in (1..).zip(self.text.split_inclusive('\n')) {
            if !gone.iter().any(|lines| lines.contains(&number)) {
                text.push_str(line);
            } else if let Some(comment) = comment_of(line) {
                text.push_str(comment);
            }
        }
        for row in &result.rows {
            if !matches!(row.verdict, Verdict::Fail | Verdict::Flaky) {
                continue;
            }
            if !text.is_empty() {
                text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
            }
            let signature = row
                .failure
                .as_ref()
                .map(|failure| format!("{}: *", failure.field));
            let quoted = |words: &str| toml::Value::from(words).to_string();
            let _ = writeln!(
                text,
                "[[deviation]]\ncase = {}\nverdict = {}",
                quoted(&row.id),
                quoted(row.verdict.name())
            );
            if let Some(signature) = signature {
                let _ = writeln!(text, "signature = {}", quoted(&signature));
            }
            let _ = writeln!(text, "reason = \"not explained yet\"");
        }
        text
    }

    /// The lines of an entry: its heading and those of its values, which may go over several.
    fn lines_of(&self, values: &[Range<usize>]) -> Vec<Range<usize>> {
        let line = |at| place(&self.text, at).0;
        let mut lines: Vec<_> = values
            .iter()
            .map(|value| line(value.start)..line(value.end) + 1)
            .collect();
        let first = lines.iter().map(|lines| lines.start).min().unwrap_or(1);
        let above = self
            .text
            .lines()
            .take(first.saturating_sub(1))
            .collect::<Vec<_>>();
        let heading = above
            .iter()
            .rposition(|line| line.trim_start().starts_with("[["))
            .map(|at| at + 1);
        lines.extend(heading.map(|heading| heading..heading + 1));
        lines
    }
}

/// The comment behind a value, to the end of the line. Within quotes a `#` is none.
fn comment_of(line: &str) -> Option<&str> {
    let mut quote = None;
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') => return line.get(at..),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

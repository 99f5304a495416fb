//! Octets as people read them.

use std::fmt::Write as _;
use std::ops::Range;

use crate::verdict::Evidence;

/// Lines of 16 octets with their offsets; the highlighted ones stand in brackets, and only lines near them are shown.
pub(crate) fn lines(evidence: &Evidence) -> Vec<String> {
    let marked = evidence.highlight.clone().unwrap_or(0..0);
    let shown = window(evidence.octets.len(), &marked);
    let every = all(evidence);
    let mut lines = every[shown.clone()].to_vec();
    if shown.start > 0 {
        lines.insert(0, "…".to_owned());
    }
    if shown.end < every.len() {
        lines.push("…".to_owned());
    }
    lines
}

/// All lines.
pub(super) fn all(evidence: &Evidence) -> Vec<String> {
    let marked = evidence.highlight.clone().unwrap_or(0..0);
    let chunks = evidence.octets.chunks(PER_LINE).enumerate();
    chunks
        .map(|(nth, chunk)| line(nth * PER_LINE, chunk, &marked))
        .collect()
}

/// The lines around what is marked, or the first few.
fn window(len: usize, marked: &Range<usize>) -> Range<usize> {
    let all = len.div_ceil(PER_LINE);
    if marked.is_empty() {
        return 0..all.min(MOST_LINES);
    }
    let first = (marked.start / PER_LINE).saturating_sub(1);
    let last = ((marked.end - 1) / PER_LINE + 2).min(first + MOST_LINES);
    first.min(all)..last.min(all)
}

fn line(offset: usize, chunk: &[u8], marked: &Range<usize>) -> String {
    let mut line = format!("{offset:04x} ");
    let last = offset + chunk.len() - 1;
    for (at, octet) in (offset..).zip(chunk) {
        let gap = if at > offset && at % 8 == 0 {
            "  "
        } else {
            " "
        };
        let inside = marked.contains(&at);
        let opens = if inside && (at == offset || at == marked.start) {
            "["
        } else {
            ""
        };
        let closes = if inside && (at == last || at + 1 == marked.end) {
            "]"
        } else {
            ""
        };
        let _ = write!(line, "{gap}{opens}{octet:02x}{closes}");
    }
    line
}

const PER_LINE: usize = 16;
const MOST_LINES: usize = 8;

//! What all pages share: one file that asks nobody for anything, light and dark, with filters.

use std::fmt::Write as _;

use crate::exit::Exit;
use crate::verdict::{Level, Verdict};

/// A page up to and with its heading; [`close`] ends it. The policy forbids it to load anything, whatever it shows.
pub(crate) fn open(title: &str) -> String {
    let mut page = String::with_capacity(64 * 1024);
    let title = escaped(title);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n"
    );
    page
}

/// Ends a page.
pub(crate) fn close(page: &mut String) {
    let _ = write!(page, "<script>\n{JS}</script>\n</body>\n</html>\n");
}

/// What all comes to, in the words for each exit code.
pub(crate) fn verdict(page: &mut String, exit: Exit, words: [&str; 3]) {
    let code = exit.code();
    let words = words.get(usize::from(code)).copied().unwrap_or_default();
    let _ = writeln!(
        page,
        "<p class=\"exit exit-{code}\">{words} (exit code {code})</p>"
    );
}

/// A form that shows some of what is in `#rows`: by the words of a data attribute each, and by id.
pub(crate) fn filters(page: &mut String, choices: &[(&str, &[&str])]) {
    page.push_str("<form id=\"filters\" aria-label=\"Filters\">\n");
    for (name, values) in choices {
        let _ = write!(
            page,
            "<label>{name} <select name=\"{name}\"><option value=\"\">all</option>"
        );
        for value in *values {
            let value = escaped(value);
            let _ = write!(page, "<option>{value}</option>");
        }
        page.push_str("</select></label>\n");
    }
    page.push_str(
        "<label>id <input type=\"search\" name=\"id\" autocomplete=\"off\"></label>\n\
         <output id=\"shown\" aria-live=\"polite\"></output>\n</form>\n",
    );
}

/// The names of all verdicts.
pub(crate) fn verdicts() -> Vec<&'static str> {
    Verdict::ALL.iter().map(|verdict| verdict.name()).collect()
}

/// The names of all levels, the heaviest first.
pub(crate) fn levels() -> Vec<&'static str> {
    Level::ALL.iter().rev().map(|level| level.name()).collect()
}

/// What stands for text in HTML. What a target sends, and calls itself, comes from outside.
pub(crate) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

const CSS: &str = include_str!("page.css");
const JS: &str = include_str!("page.js");

//! A comparison as a page.

use std::fmt::Write as _;

use super::text::letter;
use super::{Change, Comparison, Line};
use crate::report::html::shell::{self, escaped};

/// The page.
pub fn page(comparison: &Comparison) -> String {
    let mut page = shell::open(&format!("{} runs of kmspec", comparison.files.len()));
    shell::verdict(
        &mut page,
        comparison.exit(),
        [
            "Nothing became worse",
            "Something became worse",
            "Not all could be judged",
        ],
    );
    for problem in &comparison.unable {
        let problem = escaped(problem);
        let _ = writeln!(page, "<p class=\"exit exit-2\">Not judged: {problem}</p>");
    }
    files(&mut page, comparison);
    changes(&mut page, "Regressions", &comparison.regressions);
    changes(&mut page, "Fixed", &comparison.fixed);
    page.push_str("</header>\n");
    let mut suites: Vec<&str> = Vec::new();
    for line in &comparison.requirements {
        if !suites.contains(&line.suite.as_str()) {
            suites.push(&line.suite);
        }
    }
    shell::filters(
        &mut page,
        &[
            ("suite", &suites),
            ("verdict", &shell::verdicts()),
            ("level", &shell::levels()),
            ("files", &["differ", "agree"]),
        ],
    );
    page.push_str("<main>\n<table>\n<thead><tr><th scope=\"col\">requirement</th><th scope=\"col\">level</th>");
    for nth in 0..comparison.files.len() {
        let _ = write!(page, "<th scope=\"col\">{}</th>", letter(nth));
    }
    page.push_str("</tr></thead>\n<tbody id=\"rows\">\n");
    for requirement in &comparison.requirements {
        line(&mut page, requirement);
    }
    page.push_str("</tbody>\n</table>\n</main>\n");
    shell::close(&mut page);
    page
}

fn files(page: &mut String, comparison: &Comparison) {
    page.push_str(
        "<table>\n<thead><tr><th></th><th scope=\"col\">file</th><th scope=\"col\">target</th>",
    );
    page.push_str("<th scope=\"col\">kmspec</th><th scope=\"col\">seed</th><th scope=\"col\">results</th></tr></thead>\n<tbody>\n");
    for (nth, file) in comparison.files.iter().enumerate() {
        let counts: Vec<String> = file
            .came_out()
            .map(|(verdict, count)| format!("<span class=\"{verdict}\">{count} {verdict}</span>"))
            .collect();
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            letter(nth),
            escaped(&file.file),
            escaped(&file.target),
            escaped(&file.kmspec),
            file.seed,
            counts.join(", ")
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn changes(page: &mut String, title: &str, changes: &[Change]) {
    if changes.is_empty() {
        return;
    }
    let open = if changes.len() <= MOST_OPEN {
        " open"
    } else {
        ""
    };
    let _ = writeln!(
        page,
        "<details{open}><summary><b>{title}: {}</b></summary>\n<ul>",
        changes.len()
    );
    for Change {
        id,
        file,
        from,
        to,
        why,
    } in changes
    {
        let _ = writeln!(
            page,
            "<li><code>{}</code> <span class=\"{from}\">{from}</span> → <span class=\"{to}\">{to}</span> in {}<br>{}</li>",
            escaped(id),
            letter(*file),
            escaped(why)
        );
    }
    page.push_str("</ul>\n</details>\n");
}

/// Changes that are shown unasked; more would hide the matrix.
const MOST_OPEN: usize = 10;

fn line(page: &mut String, line: &Line) {
    let mut verdicts: Vec<&str> = Vec::new();
    for verdict in line.verdicts.iter().flatten() {
        if !verdicts.contains(&verdict.name()) {
            verdicts.push(verdict.name());
        }
    }
    let files = if line.is_even() { "agree" } else { "differ" };
    let _ = write!(
        page,
        "<tr data-suite=\"{}\" data-verdict=\"{}\" data-level=\"{}\" data-files=\"{files}\" data-id=\"{}\">\
         <th scope=\"row\"><code>{}</code><br><span class=\"source\">{}</span></th><td>{}</td>",
        escaped(&line.suite),
        verdicts.join(" "),
        line.level,
        escaped(&line.id),
        escaped(&line.id),
        escaped(&line.title),
        line.level
    );
    for verdict in &line.verdicts {
        let _ = match verdict {
            Some(verdict) => write!(page, "<td class=\"{verdict}\">{verdict}</td>"),
            None => write!(page, "<td class=\"skip\">–</td>"),
        };
    }
    page.push_str("</tr>\n");
}

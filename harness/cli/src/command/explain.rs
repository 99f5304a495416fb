use std::fmt::Write;

use kmspec_conformance::catalogue::{Confidence, Requirement, catalogue};
use owo_colors::OwoColorize;

use crate::args::ExplainArgs;
use crate::command::cases;
use crate::failure::{Failure, one_line};
use crate::output::Output;
use kmspec_runner::Exit;

/// Characters a line.
const WIDTH: usize = 100;
/// Where the text of a field begins.
const INDENT: usize = 12;

/// `kmspec explain`.
pub(crate) fn explain(args: &ExplainArgs, output: &mut Output) -> Result<Exit, Failure> {
    let id = args.id.as_str();
    let meant = catalogue().resolve(id);
    if let Some(alias) = catalogue().aliases().iter().find(|alias| alias.id == id) {
        output.line(format_args!(
            "{} stands for: {}\n",
            alias.id.bold(),
            alias.title
        ))?;
    }
    if meant.is_empty() {
        return Err(Failure::Usage(unknown(id)));
    }
    for (number, requirement) in meant.into_iter().enumerate() {
        if number > 0 {
            output.line("")?;
        }
        output.line(page(requirement).trim_end())?;
    }
    Ok(Exit::Holds)
}

/// What to say of a name nobody knows.
pub(crate) fn unknown(id: &str) -> String {
    match cases::like(id, cases::names()) {
        Some(like) => format!("there is no `{id}`; did you mean `{like}`? see kmspec list"),
        None => format!("there is no `{id}`; see kmspec list"),
    }
}

fn page(r: &Requirement) -> String {
    let mut page = format!("{}\n{}\n\n", r.id.bold(), r.title);
    let confidence = match r.confidence {
        Confidence::Sure => "sure",
        Confidence::Check => {
            "check: seen on one implementation only, or the exact answer is not known"
        }
    };
    for (name, text) in [
        ("level", r.level.name()),
        ("role", r.role.name()),
        ("stimulus", &r.stimulus),
        ("expect", &r.expect),
        ("tolerate", &r.tolerate),
        ("source", &r.source),
        ("confidence", confidence),
        ("since", &r.set),
    ] {
        field(&mut page, name, text);
    }
    for term in catalogue().terms_of(r) {
        field(
            &mut page,
            "where",
            &format!("{}: {}", term.name, term.meaning),
        );
    }
    let checking = cases::of(&r.id);
    for (suite, case) in &checking {
        let rows = case.ids();
        let rows = match rows.len() {
            1 => String::new(),
            number => format!(" ({number} rows)"),
        };
        let text = format!(
            "{}{rows}, suite {}: {}",
            case.id,
            suite.name,
            one_line(case.sentence)
        );
        field(&mut page, "case", &text);
    }
    match &r.unobservable {
        Some(reason) => field(&mut page, "no case", reason),
        None if checking.is_empty() => field(&mut page, "no case", "not yet"),
        None => {}
    }
    let related = related(r);
    if !related.is_empty() {
        field(&mut page, "related", &related.join(", "));
    }
    if let Some((_, case)) = checking.first() {
        let role = match case.role() {
            kmspec_rules::Role::Client => " --role client",
            kmspec_rules::Role::Host => "",
        };
        field(
            &mut page,
            "try",
            &format!("kmspec run{role} --only {}", case.id),
        );
    }
    page
}

/// The rest of its area, and the aliases that stand for it.
fn related(r: &Requirement) -> Vec<&'static str> {
    let area = catalogue()
        .iter()
        .filter(|other| other.area == r.area && other.id != r.id);
    let aliases = catalogue()
        .aliases()
        .iter()
        .filter(|alias| alias.of.contains(&r.id));
    let aliases = aliases.map(|alias| alias.id.as_str());
    area.map(|other| other.id.as_str()).chain(aliases).collect()
}

/// A field's name, and beside it its text, broken between words.
fn field(page: &mut String, name: &str, text: &str) {
    let mut lead = format!("{name:INDENT$}").dimmed().to_string();
    let mut line = String::new();
    let mut end = |line: &mut String| {
        writeln!(page, "{lead}{line}").expect("a string takes everything");
        lead = " ".repeat(INDENT);
        line.clear();
    };
    for word in text.split_whitespace() {
        if !line.is_empty() && INDENT + line.chars().count() + 1 + word.chars().count() > WIDTH {
            end(&mut line);
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    end(&mut line);
}

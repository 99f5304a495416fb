use std::io::{self, Write};
use std::sync::Arc;

use anstream::AutoStream;
use kmspec_conformance::catalogue::{Role, catalogue};
use kmspec_runner::Exit;
use kmspec_runner::passive::json::Document;
use kmspec_runner::passive::{self, Report, Wanted, junit, text};
use kmspec_runner::plan::About;
use kmspec_runner::report::text::Style;

use crate::args::{CheckArgs, DecodeArgs, DecodeFormat, ReportKind};
use crate::command::reports;
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain};

/// `kmspec decode --check`.
pub(crate) fn check(args: &DecodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let reports = reports::open(&args.check.report, &KINDS, FORM)?;
    let keys = Arc::new(input::keys(args.keys.as_deref())?);
    let (mut checked, mut readable) = (Vec::new(), true);
    for file in &args.captures {
        match input::capture(file) {
            Ok(input) => {
                let shown = file.display().to_string();
                checked.push(passive::check(&shown, input, &keys));
            }
            Err(failure) => {
                complain(failure);
                readable = false;
            }
        }
    }
    let report = Report::new(checked, &abouts(), &wanted(&args.check));
    match args.format {
        DecodeFormat::Table => {
            let style = Style {
                colour: AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never,
                ..Style::default()
            };
            output.line(text(&report, &style).trim_end())?;
        }
        DecodeFormat::Json => {
            output.line(Document::of(&report).to_json().trim_end())?;
            for file in &report.files {
                for problem in &file.unable {
                    complain(format_args!("{}: {problem}", file.file));
                }
            }
        }
    }
    reports::leave(reports, |kind, out| write(&report, kind, out))?;
    Ok(if readable {
        report.exit()
    } else {
        Exit::NotJudged
    })
}

fn write(report: &Report, kind: ReportKind, mut out: &mut dyn Write) -> io::Result<()> {
    match kind {
        ReportKind::Junit => junit(report, &mut out).map_err(io::Error::other),
        _ => out.write_all(Document::of(report).to_json().as_bytes()),
    }
}

/// Kinds of reports on a capture, and how they are asked for.
const KINDS: [ReportKind; 2] = [ReportKind::Json, ReportKind::Junit];
const FORM: &str = "a report on a capture is json=PATH or junit=PATH";

fn wanted(args: &CheckArgs) -> Wanted {
    Wanted {
        role: match args.role {
            Role::Host => Some(kmspec_rules::Role::Host),
            Role::Client => Some(kmspec_rules::Role::Client),
            Role::Both => None,
        },
        level: args.level,
    }
}

/// What the catalogue says of all requirements.
fn abouts() -> Vec<About> {
    let about = |requirement: &kmspec_conformance::catalogue::Requirement| About {
        id: requirement.id.clone(),
        level: requirement.level,
        role: requirement.role.name(),
        title: requirement.title.clone(),
        source: requirement.source.clone(),
    };
    catalogue().iter().map(about).collect()
}

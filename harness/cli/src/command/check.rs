use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

use anstream::AutoStream;
use kmspec_conformance::catalogue::{Role, catalogue};
use kmspec_runner::Exit;
use kmspec_runner::passive::json::Document;
use kmspec_runner::passive::{self, Report, Wanted, junit, text};
use kmspec_runner::plan::About;
use kmspec_runner::report::text::Style;

use crate::args::{CheckArgs, DecodeArgs, DecodeFormat, ReportKind, ReportTo};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain};

/// `kmspec decode --check`.
pub(crate) fn check(args: &DecodeArgs, output: &mut Output) -> Result<Exit, Failure> {
    let reports = open(&args.check)?;
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
    leave(&report, reports)?;
    Ok(if readable {
        report.exit()
    } else {
        Exit::NotJudged
    })
}

/// Opens what is to be written before anything is read.
fn open(args: &CheckArgs) -> Result<Vec<(&ReportTo, File)>, Failure> {
    let mut files = Vec::new();
    for report in &args.report {
        if !matches!(report.kind, ReportKind::Json | ReportKind::Junit) {
            let message = "a report on a capture is json=PATH or junit=PATH";
            return Err(Failure::Usage(message.to_owned()));
        }
        let file = File::create(&report.path).map_err(|source| Failure::Write {
            file: report.path.clone(),
            source,
        })?;
        files.push((report, file));
    }
    Ok(files)
}

fn leave(report: &Report, files: Vec<(&ReportTo, File)>) -> Result<(), Failure> {
    for (to, file) in files {
        let mut out = BufWriter::new(file);
        let written = match to.kind {
            ReportKind::Junit => junit(report, &mut out).map_err(std::io::Error::other),
            _ => out.write_all(Document::of(report).to_json().as_bytes()),
        };
        written
            .and_then(|()| out.flush())
            .map_err(|source| Failure::Write {
                file: to.path.clone(),
                source,
            })?;
    }
    Ok(())
}

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

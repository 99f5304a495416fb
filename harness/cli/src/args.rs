//! The command line. A doc comment is the option's help.

mod bench;
mod client;
mod compare;
mod decode;
mod dns;
mod fleet;
mod fuzz;
mod lab;
mod list;
mod record;
mod replay;
mod run;
mod self_test;
mod shard;
mod slmgr;
pub(crate) mod values;
mod vectors;

pub(crate) use bench::{
    BenchArgs, BenchArrivals, BenchProfile, BenchReportKind, BenchReportTo, BenchReuse,
};
pub(crate) use client::{ClientArgs, FindingArgs, MachineArgs, TimeArgs};
pub(crate) use compare::{CompareArgs, CompareFormat};
pub(crate) use decode::{CheckArgs, DecodeArgs, DecodeFormat};
pub(crate) use dns::DnsArgs;
pub(crate) use fleet::{FleetArgs, FleetFormat};
pub(crate) use fuzz::{FuzzArgs, FuzzCommand, PromoteArgs};
pub(crate) use lab::{LabArgs, LabCommand, ServeArgs};
pub(crate) use list::{ExplainArgs, ListArgs, ListFormat};
pub(crate) use record::RecordArgs;
pub(crate) use replay::{ReplayArgs, ReplayMode};
pub(crate) use run::{EvidenceArgs, ExpectArgs, HowArgs, RunArgs, SelectArgs, SubjectArgs};
pub(crate) use self_test::SelfTestArgs;
pub(crate) use slmgr::SlmgrArgs;
pub(crate) use values::{ReportKind, ReportTo};
pub(crate) use vectors::VectorsArgs;

use std::env;
use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::config::{self, Config};
use crate::failure::{self, Failure};

/// Judges anything that speaks the KMS activation protocol.
///
/// Every option can also be set in the environment, as `KMSPEC_<OPTION>`, or in the file kmspec.toml of this folder or of
/// one above it: at its top for every command, or in a table named for one command, such as [run]. The command line
/// beats the environment, which beats the file.
///
/// Exit codes: 0 everything required holds; 1 something required does not; 2 it could not be judged.
#[derive(Debug, Parser)]
#[command(
    name = "kmspec",
    version,
    propagate_version = true,
    max_term_width = 100
)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Terminal")]
pub(crate) struct Global {
    /// When to use colours; `NO_COLOR` is heeded too.
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// What to log to standard error.
    #[arg(long, global = true, value_name = "LEVEL", value_enum, default_value_t = Log::Off)]
    pub(crate) log: Log,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal.
    Auto,
    /// Also into files and pipes.
    Always,
    /// Not at all.
    Never,
}

/// The least that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Nothing.
    Off,
    /// What is broken.
    Error,
    /// What to act on.
    Warn,
    /// What begins and ends.
    Info,
    /// What is decided and why.
    Debug,
    /// All of it.
    Trace,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(Box<RunArgs>),
    Replay(Box<ReplayArgs>),
    Compare(CompareArgs),
    Decode(DecodeArgs),
    Record(RecordArgs),
    List(ListArgs),
    Explain(ExplainArgs),
    SelfTest(SelfTestArgs),
    Vectors(VectorsArgs),
    Bench(Box<BenchArgs>),
    Fuzz(Box<FuzzArgs>),
    Lab(LabArgs),
}

/// What a command line asks for.
#[derive(Debug)]
pub(crate) enum Asked {
    /// Work.
    Work(Box<Args>),
    /// A text about the program: help or version.
    Text(clap::builder::StyledStr),
}

/// Reads a command line, with the environment and what `config` has.
pub(crate) fn parse(
    line: impl IntoIterator<Item = OsString>,
    config: &Config,
) -> Result<Asked, Failure> {
    let command = with_variables(config.applied_to(Args::command())?);
    let line: Vec<OsString> = line.into_iter().collect();
    let asked_of = path(&command, &line);
    let parsed = command
        .try_get_matches_from(&line)
        .and_then(|matches| Args::from_arg_matches(&matches));
    match parsed {
        Ok(args) => Ok(Asked::Work(Box::new(args))),
        Err(error) => match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Ok(Asked::Text(error.render())),
            _ => Err(failure::usage(
                &error,
                &asked_of,
                culprit(&error, &line).as_deref(),
            )),
        },
    }
}

/// The command of a line by its names, as far as it goes: `kmspec lab serve`.
fn path(command: &clap::Command, line: &[OsString]) -> String {
    let mut path = command.get_name().to_owned();
    let mut command = command;
    for word in line.iter().skip(1) {
        if let Some(inner) = command.find_subcommand(word) {
            path = format!("{path} {}", inner.get_name());
            command = inner;
        }
    }
    path
}

/// The variable that a value at fault comes from, if it does not stand on the line.
fn culprit(error: &clap::Error, line: &[OsString]) -> Option<String> {
    let Some(ContextValue::String(arg)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let long = arg.split(' ').next()?;
    let on_line = |word: &OsString| {
        let word = word.to_string_lossy();
        word.split('=').next() == Some(long)
    };
    let variable = variable(long.strip_prefix("--")?);
    (!line.iter().any(on_line) && env::var_os(&variable).is_some()).then_some(variable)
}

/// The variable of an option.
fn variable(long: &str) -> String {
    format!("KMSPEC_{}", long.to_uppercase().replace('-', "_"))
}

/// Gives every option its variable.
fn with_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(with_variable)
        .mut_subcommands(with_variables)
}

fn with_variable(arg: Arg) -> Arg {
    // A target is an operand, and as worth setting once as any option.
    let Some(long) = arg.get_long().or(config::operand(&arg)) else {
        return arg;
    };
    let variable = variable(long);
    let arg = match arg.get_action() {
        ArgAction::SetTrue => arg.value_parser(BoolishValueParser::new()),
        _ => arg,
    };
    arg.env(variable).hide_env(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_makes_sense() {
        with_variables(Args::command()).debug_assert();
    }

    #[test]
    fn every_option_has_its_variable() {
        fn check(command: &clap::Command, count: &mut usize) {
            for arg in command.get_arguments() {
                let Some(long) = arg.get_long() else { continue };
                let variable = arg.get_env().expect(long).to_str().unwrap();
                let expected = format!("KMSPEC_{}", long.to_uppercase().replace('-', "_"));
                assert_eq!(variable, expected);
                *count += 1;
            }
            command.get_subcommands().for_each(|sub| check(sub, count));
        }
        let mut count = 0;
        check(&with_variables(Args::command()), &mut count);
        assert!(count > 10, "{count}");
    }
}

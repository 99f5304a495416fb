mod again;
pub(super) mod evidence;
mod expectations;
pub(super) mod select;

pub(super) use again::Line;

use std::path::Path;
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};
use kmspec_conformance::catalogue::Role;
use kmspec_embedded::Embedded;
use kmspec_runner::peer::Timing;
use kmspec_runner::plan::{Interrupt, Plan};
use kmspec_runner::report::text::{self, Style};
use kmspec_runner::{Exit, Options, RunResult, Target, Verdict, run as run_plan};

use crate::args::{HowArgs, RunArgs};
use crate::command::interrupt::Interrupted;
use crate::command::progress::Progress;
use crate::failure::Failure;
use crate::output::{Output, complain, tell};
use crate::target::{client, is_client, is_file, target};

/// `kmspec run`.
pub(crate) fn run(args: &RunArgs, output: &mut Output) -> Result<Exit, Failure> {
    let role = role(args)?;
    let (plan, part) = select::plan(&args.select, role)?;
    let target = match role {
        Role::Client => client(args)?,
        Role::Host | Role::Both => target(
            args.target.as_deref(),
            &args.subject,
            Embedded::seeded(args.how.seed),
        )?,
    };
    let expected = expectations::read(&args.expect)?;
    let reports = evidence::open(&args.evidence)?;
    let jobs = jobs(args);
    let options = options(&args.how, jobs, !args.subject.no_clock);
    let mut result = super::runtime()?.block_on(judge(plan, &target, &options));
    result.part = part;
    if let Some(expected) = &expected {
        expectations::apply(&args.expect, expected, &mut result)?;
    }
    let style = Style {
        colour: colours(),
        command: again::again(args),
    };
    if args.verbose {
        for row in &result.rows {
            output.line(text::line(row, &style))?;
        }
    }
    suites(&result, output)?;
    output.line(text::report(&result, &style).trim_end())?;
    output.flush()?;
    explain(&result);
    let ran = evidence::Ran {
        target: &target,
        options: &options,
        result: &result,
    };
    evidence::leave(ran, &style, reports, output)?;
    output.flush()?;
    Ok(result.exit())
}

/// What is judged: what the command line says, which must be what the target is.
fn role(args: &RunArgs) -> Result<Role, Failure> {
    let file = args.target.as_deref().filter(|name| is_file(name));
    let is = match (file, args.listen) {
        (_, Some(_)) => Some(Role::Client),
        (Some(file), None) if is_client(Path::new(file)) => Some(Role::Client),
        (Some(_), None) => Some(Role::Host),
        (None, None) => None,
    };
    match (args.select.role, is) {
        (Some(asked), Some(is)) if asked != is => Err(Failure::Usage(match is {
            Role::Client => "the target is a client: give --role client, or no role".to_owned(),
            Role::Host | Role::Both => {
                "the target is a host: a client's target file says role = \"client\"".to_owned()
            }
        })),
        (Some(asked), _) => Ok(asked),
        (None, is) => Ok(is.unwrap_or(Role::Host)),
    }
}

/// Tells why a run comes to nothing, if it does.
fn explain(result: &RunResult) {
    for problem in &result.unable {
        complain(format_args!("not judged: {problem}"));
    }
    if result.exit() == Exit::NotJudged && result.unable.is_empty() {
        match result.count(Verdict::Error) {
            0 => complain("nothing was judged: every case was skipped"),
            1 => complain("1 case could not be judged"),
            errors => complain(format_args!("{errors} cases could not be judged")),
        }
    }
}

/// Runs a plan, shows how it is getting on, and ends it early if asked to.
pub(crate) async fn judge(plan: Plan, target: &Target, options: &Options) -> RunResult {
    let progress = Arc::new(Progress::new());
    // Without the handler Ctrl-C still ends the run, if less gracefully.
    let watch = Interrupted::watch()
        .map(|interrupted| tokio::spawn(stop_when_asked(interrupted, options.interrupt.clone())));
    let result = run_plan(plan, target, options, progress.clone()).await;
    if let Ok(watch) = watch {
        watch.abort();
    }
    progress.done();
    result
}

pub(super) async fn stop_when_asked(mut interrupted: Interrupted, interrupt: Interrupt) {
    interrupted.wait().await;
    tell("stopping; what is known so far follows");
    interrupt.stop();
}

/// Cases at the same time. Most of them wait most of the time; a host in this process is not spared.
fn jobs(args: &RunArgs) -> usize {
    let usual = match args.target {
        Some(_) => Options::default().jobs,
        None => 64,
    };
    args.how.jobs.unwrap_or(usual)
}

/// The runner's options.
pub(crate) fn options(how: &HowArgs, jobs: usize, clock: bool) -> Options {
    Options {
        seed: how.seed,
        jobs,
        timing: Timing {
            answer: how.timeout,
            close: how.timeout,
            ..Timing::default()
        },
        case_timeout: how.case_timeout,
        run_timeout: how.run_timeout,
        fail_fast: how.fail_fast,
        repeat: how.repeat,
        level: how.level,
        clock,
        ..Options::default()
    }
}

/// Whether results on standard output are coloured.
pub(crate) fn colours() -> bool {
    let choice = match ColorChoice::global() {
        ColorChoice::Auto => AutoStream::choice(&std::io::stdout()),
        choice => choice,
    };
    choice != ColorChoice::Never
}

/// A line for each suite: how many of its rows came out how.
fn suites(result: &RunResult, output: &mut Output) -> Result<(), Failure> {
    let mut names: Vec<&str> = result.rows.iter().map(|row| row.suite.as_str()).collect();
    names.dedup();
    let widest = names
        .iter()
        .map(|name| name.len())
        .max()
        .unwrap_or_default();
    for name in names {
        let of_suite = || result.rows.iter().filter(|row| row.suite == name);
        let counts: Vec<String> = Verdict::ALL
            .iter()
            .map(|verdict| {
                (
                    of_suite().filter(|row| row.verdict == *verdict).count(),
                    verdict,
                )
            })
            .filter(|(count, _)| *count > 0)
            .map(|(count, verdict)| format!("{count} {verdict}"))
            .collect();
        output.line(format_args!("{name:widest$}  {}", counts.join(", ")))?;
    }
    Ok(())
}

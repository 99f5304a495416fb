//! `kmspec fuzz`.

mod live;
mod promote;

use std::collections::BTreeSet;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kmspec_campaign::{
    CampaignError, Finding, Gathered, Machine, Outcome, Plan, Progress, StoreError,
};
use kmspec_embedded::Embedded;
use kmspec_runner::target::Program;
use kmspec_runner::{Exit, Target};
use kmspec_session::Session;

use crate::args::{FuzzArgs, FuzzCommand, ReportKind, SubjectArgs};
use crate::command::interrupt::Interrupted;
use crate::failure::Failure;
use crate::input;
use crate::output::Output;
use crate::target;
use live::Live;

/// Does what the command line says.
pub(crate) fn fuzz(args: &FuzzArgs, output: &mut Output) -> Result<Exit, Failure> {
    if let Some(FuzzCommand::Promote(args)) = &args.command {
        return promote::promote(args, output);
    }
    let instead = &args.instead;
    if let Some(folder) = &instead.repro {
        return repeat(args, folder, output);
    }
    if let Some([a, b]) = instead.diff_states.as_deref() {
        return compare(a, b, output);
    }
    if let (Some(captures), Some(corpus)) = (&instead.seeds, &args.how.corpus) {
        return seeds(args, captures, corpus, output);
    }
    if let (Some(others), Some(corpus)) = (&instead.merge, &args.how.corpus) {
        let others: Vec<&Path> = others.iter().map(PathBuf::as_path).collect();
        let new = kmspec_campaign::merge(corpus, &others).map_err(store)?;
        output.line(format_args!(
            "{new} sessions are new in {}",
            corpus.display()
        ))?;
        return Ok(Exit::Holds);
    }
    campaign(args, output)
}

fn campaign(args: &FuzzArgs, output: &mut Output) -> Result<Exit, Failure> {
    for report in &args.leave.report {
        if !matches!(report.kind, ReportKind::Sarif | ReportKind::Junit) {
            let text = "a campaign is reported as sarif or junit".to_owned();
            return Err(Failure::Usage(text));
        }
    }
    let plan = plan(args)?;
    let live = Arc::new(Live::new());
    let outcome = super::runtime()?.block_on(async {
        let mut interrupted = Interrupted::watch().map_err(Failure::Runtime)?;
        let watch = Arc::clone(&live);
        let outcome = kmspec_campaign::run(plan, watch, async { interrupted.wait().await });
        outcome.await.map_err(unable)
    });
    live.done();
    let outcome = outcome?;
    leave(args, &outcome)?;
    tell_of(args, &outcome, output)?;
    if outcome.unwritten > 0 {
        return Ok(Exit::NotJudged);
    }
    Ok(match (&outcome.unable, outcome.findings.as_slice()) {
        (None, []) if outcome.progress.executions > 0 => Exit::Holds,
        (_, []) => Exit::NotJudged,
        (_, [_, ..]) => Exit::Fails,
    })
}

fn plan(args: &FuzzArgs) -> Result<Plan, Failure> {
    let (how, end) = (&args.how, &args.end);
    let (target, word) = named(args)?;
    Ok(Plan {
        target,
        target_word: word,
        seed: how.seed,
        jobs: how.jobs,
        seeds: first(),
        findings: args.leave.findings.clone(),
        corpus: how.corpus.clone(),
        start: how.start,
        duration: end.duration,
        max_execs: end.max_execs,
        until_finding: end.until_finding,
        differential: how.differential,
        slow: how.slow,
        allow_remote: args.allow_remote,
    })
}

/// The target, and the words that name it.
fn named(args: &FuzzArgs) -> Result<(Target, String), Failure> {
    let subject = SubjectArgs {
        keys: args.keys.clone(),
        interface: None,
        opnum: 0,
        stub: None,
        no_clock: false,
    };
    if let Some(name) = &args.target {
        let target = target::target(Some(name), &subject, Embedded::seeded(0))?;
        return Ok((target, format!(" {name}")));
    }
    // In a process of its own: it may be made to end, and what it uses can be told from what we use.
    let program = std::env::current_exe().map_err(Failure::Runtime)?;
    let mut words: Vec<String> = [
        program.to_string_lossy().as_ref(),
        "lab",
        "serve",
        "--port",
        Program::PORT,
        "--parent",
        &std::process::id().to_string(),
    ]
    .map(str::to_owned)
    .to_vec();
    let mut word = String::new();
    if let Some(faults) = args.fault.filter(|faults| !faults.is_empty()) {
        let names: Vec<&str> = faults
            .iter()
            .map(kmspec_model::fault::Fault::name)
            .collect();
        let names = names.join(",");
        word = format!(" --fault {names}");
        words.extend(["--fault".to_owned(), names]);
    }
    let keys = Arc::new(input::keys(args.keys.as_deref())?);
    let launch = Program::new(
        words,
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), 0),
        STARTING,
    );
    Ok((Target::launched("lab host", Arc::new(launch), keys), word))
}

/// Sessions to begin with: what the protocol is made of, what clients really sent, and what the cases send.
fn first() -> Vec<Session> {
    let keys = kmspec_wire::keys::KeySet::lab();
    let mut gathered = Gathered {
        sessions: kmspec_session::templates(),
        ..Gathered::default()
    };
    for capture in kmspec_captures::all() {
        // The shipped recordings are whole, the damaged ones apart, and those are meant to be.
        drop(kmspec_campaign::gather(capture.bytes, &keys, &mut gathered));
    }
    let short = |session: &Session| session.steps.len() <= MOST_STEPS;
    gathered.sessions.retain(short);
    gathered.sessions.truncate(MOST_RECORDED);
    let mut known: BTreeSet<String> = gathered.sessions.iter().map(Session::to_string).collect();
    let mut of_cases = kmspec_conformance::seeds::sessions();
    of_cases.retain(|session| known.insert(session.to_string()));
    gathered.sessions.extend(of_cases);
    gathered.sessions
}

fn leave(args: &FuzzArgs, outcome: &Outcome) -> Result<(), Failure> {
    let written = |file: &Path, octets: Vec<u8>| {
        fs::write(file, octets).map_err(|source| Failure::Write {
            file: file.to_owned(),
            source,
        })
    };
    if let Some(file) = &args.leave.states {
        let is_graph = file.extension().is_some_and(|end| end == "dot");
        let text = if is_graph {
            outcome.machine.dot()
        } else {
            pretty(&outcome.machine)
        };
        written(file, text.into_bytes())?;
    }
    let unable = outcome.unable.as_deref();
    for report in &args.leave.report {
        let file = &report.path;
        let octets = if report.kind == ReportKind::Sarif {
            pretty(&kmspec_campaign::sarif(&outcome.findings, unable)).into_bytes()
        } else {
            let mut octets = Vec::new();
            kmspec_campaign::junit(&outcome.findings, unable, &mut octets).map_err(|error| {
                Failure::Usage(format!("cannot write the JUnit report: {error}"))
            })?;
            octets
        };
        written(file, octets)?;
    }
    Ok(())
}

fn pretty(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).map_or_else(|error| error.to_string(), |text| text + "\n")
}

fn tell_of(args: &FuzzArgs, outcome: &Outcome, output: &mut Output) -> Result<(), Failure> {
    let Progress {
        elapsed,
        executions,
        corpus,
        states,
        ..
    } = &outcome.progress;
    let seconds = elapsed.as_secs_f64();
    let rate = rate(*executions, *elapsed);
    for facts in &outcome.findings {
        let folder = args.leave.findings.join(facts.name());
        output.line(format_args!(
            "{} {}: {}",
            facts.kind,
            facts.standing.name(),
            facts.about
        ))?;
        output.line(format_args!("  {}", facts.detail))?;
        output.line(format_args!(
            "  {} steps, first seen after {:.1} s: {}",
            facts.steps,
            Duration::from_millis(facts.after_ms).as_secs_f64(),
            folder.display()
        ))?;
    }
    let count = outcome.findings.len();
    output.line(format_args!(
        "{executions} sessions in {seconds:.1} s, {rate} a second; corpus {corpus}, states {states}; {count} found; seed {}",
        args.how.seed
    ))?;
    if let Some(problem) = &outcome.unable {
        crate::output::complain(problem);
    }
    Ok(())
}

/// Executions a second.
pub(super) fn rate(executions: u64, elapsed: Duration) -> u64 {
    let millis = u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    executions.saturating_mul(1000) / millis
}

fn repeat(args: &FuzzArgs, folder: &Path, output: &mut Output) -> Result<Exit, Failure> {
    let beside = args.leave.findings.join(folder);
    // As its page says it: by its name in the folder of findings, or by its path.
    let folder = if folder.is_dir() { folder } else { &beside };
    let finding: Finding = kmspec_campaign::read(folder).map_err(store)?;
    let (target, _) = named(args)?;
    let shown = super::runtime()?.block_on(async {
        let trial = kmspec_campaign::repeat(target, &finding, args.how.slow, args.allow_remote);
        trial.await.map_err(unable)
    })?;
    let name = finding.name();
    if let Some(detail) = shown {
        output.line(format_args!("{name} shows: {detail}"))?;
        Ok(Exit::Fails)
    } else {
        output.line(format_args!("{name} does not show"))?;
        Ok(Exit::Holds)
    }
}

fn compare(a: &Path, b: &Path, output: &mut Output) -> Result<Exit, Failure> {
    let read = |file: &Path| -> Result<Machine, Failure> {
        let text = input::text(file)?;
        serde_json::from_str(&text).map_err(|error| Failure::Content {
            file: file.to_owned(),
            message: format!("it is no state machine: {error}"),
        })
    };
    let (here, there) = (read(a)?, read(b)?);
    let differences = here.differences(&there);
    for difference in &differences {
        output.line(format_args!("{} -- {}", difference.from, difference.step))?;
        for (machine, states) in [(&here, &difference.here), (&there, &difference.there)] {
            if !states.is_empty() {
                output.line(format_args!(
                    "  only {}: {}",
                    machine.target,
                    states.join(", ")
                ))?;
            }
        }
    }
    output.line(format_args!("{} steps lead elsewhere", differences.len()))?;
    Ok(if differences.is_empty() {
        Exit::Holds
    } else {
        Exit::Fails
    })
}

fn seeds(
    args: &FuzzArgs,
    captures: &[PathBuf],
    corpus: &Path,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let keys = input::keys(args.keys.as_deref())?;
    let mut gathered = Gathered::default();
    for file in captures {
        kmspec_campaign::gather(input::capture(file)?, &keys, &mut gathered).map_err(|error| {
            Failure::Content {
                file: file.clone(),
                message: error.to_string(),
            }
        })?;
    }
    let files = gathered.write(corpus).map_err(store)?;
    output.line(format_args!(
        "{} sessions, {} PDUs, {} messages, {} words: {files} files in {}",
        gathered.sessions.len(),
        gathered.pdus.len(),
        gathered
            .requests
            .len()
            .saturating_add(gathered.responses.len()),
        gathered.words.len(),
        corpus.display()
    ))?;
    Ok(if gathered.sessions.is_empty() {
        Exit::NotJudged
    } else {
        Exit::Holds
    })
}

fn store(error: StoreError) -> Failure {
    Failure::Content {
        file: error.path,
        message: error.problem,
    }
}

fn unable(error: CampaignError) -> Failure {
    match error {
        CampaignError::Store(error) => store(error),
        other => Failure::Usage(other.to_string()),
    }
}

/// How long the lab host may take until it accepts connections.
const STARTING: Duration = Duration::from_secs(30);
/// Sessions of recordings to begin with, and how long one may be: the campaign finds the way from there.
const MOST_RECORDED: usize = 256;
const MOST_STEPS: usize = 12;

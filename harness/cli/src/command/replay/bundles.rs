use std::fs;
use std::path::Path;

use kmspec_conformance::plan::{Selection, plan as select};
use kmspec_embedded::Embedded;
use kmspec_runner::bundle::{Answer, Bundle, answer};
use kmspec_runner::plan::Plan;
use kmspec_runner::report::text::{self, Style};
use kmspec_runner::{Exit, Options, RunResult, Target};
use kmspec_wire::filetime::FileTime;

use crate::args::ReplayArgs;
use crate::command::cases;
use crate::command::run::{colours, evidence, judge, select};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain, tell};
use crate::target::target;

/// Repeats the case of each bundle.
pub(super) fn repeat(
    args: &ReplayArgs,
    files: &[String],
    named: Option<&str>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    if args.new_cmids || args.capture_keys.is_some() {
        let message = "--new-cmids and --capture-keys are for captures; these are bundles";
        return Err(Failure::Usage(message.to_owned()));
    }
    if let Some(folder) = &args.transcripts {
        fs::create_dir_all(folder).map_err(|source| Failure::Write {
            file: folder.clone(),
            source,
        })?;
    }
    let mut worst = Exit::Holds;
    for file in files {
        let exit = match one(args, Path::new(file), named, output) {
            Ok(exit) => exit,
            // The others may still be repeated.
            Err(failure @ (Failure::Read { .. } | Failure::Content { .. })) => {
                complain(failure);
                Exit::NotJudged
            }
            Err(failure) => return Err(failure),
        };
        if exit.code() > worst.code() {
            worst = exit;
        }
    }
    Ok(worst)
}

fn one(
    args: &ReplayArgs,
    file: &Path,
    named: Option<&str>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let wrong = |message: String| Failure::Content {
        file: file.to_owned(),
        message,
    };
    let bundle =
        Bundle::from_json(&input::small(file)?).map_err(|error| wrong(error.to_string()))?;
    let plan = plan(&bundle).map_err(wrong)?;
    let options = options(args, &bundle, named);
    let mut lab = Embedded::seeded(options.seed);
    if let Some(now) = options.now {
        lab = lab.at(now);
    }
    let mut target = target(named, &args.subject, lab)?;
    if args.subject.interface.is_none() {
        target.call = bundle.call().map_err(|error| wrong(error.to_string()))?;
    }
    let result = super::super::runtime()?.block_on(judge(plan, &target, &options));
    let answer = show(&bundle, &result, &again(args, file, named), output)?;
    advise(&bundle, &target, named, &answer);
    if let (Answer::Failed(_), Some(folder)) = (&answer, &args.transcripts) {
        let ran = evidence::Ran {
            target: &target,
            options: &options,
            result: &result,
        };
        evidence::transcripts(ran, folder, |row| row.id == bundle.id)?;
    }
    Ok(answer.exit())
}

/// The bundle's case, and its requirement on every answer if it tells of one.
fn plan(bundle: &Bundle) -> Result<Plan, String> {
    let selection = Selection::default();
    let mut rows = select(&selection).map_err(|error| error.to_string())?;
    rows.retain(|row| row.id == bundle.case);
    rows.truncate(1);
    if rows.is_empty() && cases::all().any(|(_, case)| case.ids().contains(&bundle.case)) {
        return Err(format!(
            "the case judges a client; repeat it with kmspec run --role client --only {} --seed {}",
            bundle.case, bundle.seed
        ));
    }
    if rows.is_empty() {
        return Err(format!(
            "this kmspec {} has no case {}; the bundle is of kmspec {}",
            env!("CARGO_PKG_VERSION"),
            bundle.case,
            bundle.kmspec
        ));
    }
    let mut every_answer = select::every_answer(&selection);
    every_answer.retain(|about| bundle.id != bundle.case && about.id == bundle.requirement);
    Ok(Plan { rows, every_answer })
}

/// Those of the bundle, unless the command line says otherwise.
fn options(args: &ReplayArgs, bundle: &Bundle, named: Option<&str>) -> Options {
    let mut options = bundle.options();
    options.seed = args.seed.unwrap_or(options.seed);
    if let Some(timeout) = args.timeout {
        (options.timing.answer, options.timing.close) = (timeout, timeout);
    }
    options.clock &= !args.subject.no_clock;
    // The lab host's clock is ours to set.
    let recorded = args.recorded_time || named.is_none();
    options.now = recorded.then_some(FileTime(bundle.client_time));
    options
}

/// Prints the answer, and what is known of it.
fn show(
    bundle: &Bundle,
    result: &RunResult,
    again: &str,
    output: &mut Output,
) -> Result<Answer, Failure> {
    let (answer, row) = answer(bundle, result);
    let style = Style {
        colour: colours(),
        command: String::new(),
    };
    let said = match &answer {
        Answer::Fixed => "it holds now".to_owned(),
        Answer::Failed(likeness) => likeness.to_string(),
        Answer::Error(reason) => format!("not judged: {reason}"),
    };
    let word = text::answer(&answer, &style);
    output.line(format_args!(
        "{word}  {} on {}: {said}",
        bundle.id, result.target
    ))?;
    let then = match (&bundle.failure, &bundle.reason) {
        (Some(failure), _) => format!(
            "{}: expected {}, got {}",
            failure.field, failure.expected, failure.got
        ),
        (None, Some(reason)) => reason.clone(),
        (None, None) => "no more is known".to_owned(),
    };
    output.line(format_args!(
        "  recorded on {} by kmspec {}, seed {}: {}: {then}",
        bundle.target.name, bundle.kmspec, bundle.seed, bundle.verdict
    ))?;
    if let Some(row) = row {
        if row.verdict != kmspec_runner::Verdict::Pass {
            let detail = text::body(row, &style);
            output.line(detail.trim_end())?;
        }
        if result.now.0 == bundle.client_time && bundle.omitted_octets == 0 {
            let what = if bundle.sent_the_same(row) {
                "the same octets as then"
            } else {
                "other octets than then"
            };
            output.line(format_args!("  the tester sent {what}"))?;
        }
    }
    if matches!(answer, Answer::Failed(_)) {
        output.line(format_args!("  again: {again}"))?;
    }
    output.flush()?;
    Ok(answer)
}

/// Tells what whoever asked may have forgotten.
fn advise(bundle: &Bundle, target: &Target, named: Option<&str>, answer: &Answer) {
    if named.is_none() && bundle.target.name != target.name {
        tell(format_args!(
            "the lab host was asked; to ask {} again, name it behind the bundle",
            bundle.target.name
        ));
    }
    if named.is_some() && *answer != Answer::Fixed && bundle.target.keys != target.keys.name() {
        tell(format_args!(
            "the bundle was made under the key set {:?}, and repeated under {:?}; see --keys",
            bundle.target.keys,
            target.keys.name()
        ));
    }
}

/// What to type to repeat it once more.
fn again(args: &ReplayArgs, file: &Path, named: Option<&str>) -> String {
    let mut line = crate::command::run::Line::new("kmspec replay");
    line.word(&file.display().to_string());
    if let Some(target) = named {
        line.word(target);
    }
    line.subject(&args.subject);
    if args.recorded_time {
        line.word("--recorded-time");
    }
    line.into()
}

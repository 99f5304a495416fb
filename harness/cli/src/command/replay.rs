mod bundles;

use std::path::Path;

use kmspec_embedded::Embedded;
use kmspec_runner::bundle::Bundle;
use kmspec_runner::peer::Timing;
use kmspec_runner::replay::recording::Recording;
use kmspec_runner::replay::report::Report;
use kmspec_runner::replay::{Cmid, Mode, exit, read, replay_all};
use kmspec_runner::{Exit, Options};

use crate::args::{ReplayArgs, ReplayMode};
use crate::failure::Failure;
use crate::input;
use crate::output::{Output, complain};
use crate::target::{is_file, target};

/// `kmspec replay`.
pub(crate) fn replay(args: &ReplayArgs, output: &mut Output) -> Result<Exit, Failure> {
    let (files, named) = files_and_target(&args.words);
    if files.is_empty() {
        return Err(Failure::Usage(
            "a capture or a bundle is missing; see kmspec replay --help".to_owned(),
        ));
    }
    let is_bundle = |file: &&String| Bundle::is_begun_by(&input::beginning(Path::new(file)));
    match files.iter().filter(is_bundle).count() {
        0 if args.recorded_time || args.transcripts.is_some() => Err(Failure::Usage(
            "--recorded-time and --transcripts are for bundles; these are captures".to_owned(),
        )),
        0 => captures(args, files, named, output),
        bundles if bundles == files.len() => bundles::repeat(args, files, named, output),
        _ => Err(Failure::Usage(
            "captures and bundles are played apart: name either".to_owned(),
        )),
    }
}

/// Plays captures.
fn captures(
    args: &ReplayArgs,
    captures: &[String],
    named: Option<&str>,
    output: &mut Output,
) -> Result<Exit, Failure> {
    let seed = args.seed.unwrap_or_default();
    let timeout = args.timeout.unwrap_or(Timing::default().answer);
    let target = target(named, &args.subject, Embedded::seeded(seed))?;
    let keys = input::keys(args.capture_keys.as_deref())?;
    let mut missing = false;
    let recordings = recordings(captures, &mut missing);
    let mode = match args.mode {
        ReplayMode::Verbatim => Mode::Verbatim,
        ReplayMode::Refresh if args.new_cmids => Mode::Refresh(Cmid::Renewed),
        ReplayMode::Refresh => Mode::Refresh(Cmid::Recorded),
    };
    let timing = Timing {
        answer: timeout,
        close: timeout,
        ..Timing::default()
    };
    let options = Options {
        seed,
        timing,
        ..Options::default()
    };
    let mut written = Ok(());
    let mut show = |report: &Report| {
        if written.is_ok() {
            written = output.line(report);
        }
    };
    let played = super::runtime()?.block_on(replay_all(
        &recordings,
        &target,
        mode,
        &keys,
        &options,
        &mut show,
    ));
    written?;
    let reports = played.map_err(|error| Failure::Usage(error.to_string()))?;
    for recording in &recordings {
        explain(recording);
    }
    Ok(if missing {
        Exit::NotJudged
    } else {
        exit(&reports)
    })
}

/// The captures that can be read; of the others it is told why they cannot.
fn recordings(captures: &[String], missing: &mut bool) -> Vec<Recording> {
    let mut recordings = Vec::new();
    for capture in captures {
        match input::capture(Path::new(capture)) {
            Ok(input) => {
                let name = Path::new(capture)
                    .file_name()
                    .map_or(capture.into(), |name| name.to_string_lossy());
                recordings.push(read(&name, input));
            }
            Err(failure) => {
                complain(failure);
                *missing = true;
            }
        }
    }
    recordings
}

/// Tells why a recording comes to nothing, or not to all it should.
fn explain(recording: &Recording) {
    if let Some(damage) = &recording.damage {
        complain(format_args!("{}: {damage}", recording.file));
    } else if recording.exchanges.is_empty() {
        complain(format_args!("{}: no KMS in this capture", recording.file));
    }
}

/// The last word names the target if it cannot be a capture or a bundle: a target file, or HOST:PORT where there is no such file.
fn files_and_target(words: &[String]) -> (&[String], Option<&str>) {
    match words.split_last() {
        Some((last, captures))
            if is_file(last) || (last.contains(':') && !Path::new(last).exists()) =>
        {
            (captures, Some(last))
        }
        _ => (words, None),
    }
}

#[cfg(test)]
mod tests {
    use super::files_and_target;

    #[test]
    fn the_last_word_may_be_the_target() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        for (line, captures, target) in [
            ("a.pcap", 1, None),
            ("a.pcap b.pcapng", 2, None),
            ("a.pcap 127.0.0.1:1688", 1, Some("127.0.0.1:1688")),
            ("a.pcap [::1]:1688", 1, Some("[::1]:1688")),
            ("a.pcap host.toml", 1, Some("host.toml")),
            ("host.toml", 0, Some("host.toml")),
        ] {
            let words = words(line);
            let (got, named) = files_and_target(&words);
            assert_eq!((got.len(), named), (captures, target), "{line}");
        }
    }
}

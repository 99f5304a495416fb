mod client;

use std::env;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use kmspec_lab::control::{Answer, Outcome, Request, Token};
use kmspec_lab::state::{HostState, StateFile, kind_of};
use kmspec_model::{Host, Settings};
use kmspec_runner::Exit;
use kmspec_slmgr::{Language, usage};
use kmspec_wire::filetime::FileTime;

use crate::args::SlmgrArgs;
use crate::failure::Failure;
use crate::output::Output;

/// `kmspec lab slmgr`.
pub(crate) fn slmgr(args: SlmgrArgs, output: &mut Output) -> Result<Exit, Failure> {
    let language = args.lang.unwrap_or_else(of_locale);
    let request = Request {
        words: args.words,
        elevated: !args.not_elevated,
        language,
    };
    let answer = match (args.control, &args.token_file, &args.state) {
        (Some(address), Some(file), _) => ask(&request, address, file)?,
        (_, _, Some(file)) if kind_of(file).as_deref() == Some("client") => {
            client::administer(&request, file, args.dns)?
        }
        (_, _, Some(file)) => administer(&request, file)?,
        _ => {
            return Err(Failure::Usage(
                "give --control with --token-file, or --state".to_owned(),
            ));
        }
    };
    match answer.outcome {
        Outcome::Done => output.line(answer.text.trim_end()).map(|()| Exit::Holds),
        Outcome::Refused => output.line(answer.text.trim_end()).map(|()| Exit::Fails),
        Outcome::Usage => {
            output.line(usage(language).trim_end())?;
            Err(Failure::Usage(answer.text))
        }
        Outcome::Failed | Outcome::Denied => Err(Failure::Usage(answer.text)),
    }
}

/// Asks a lab host or client that runs.
fn ask(request: &Request, address: SocketAddr, file: &Path) -> Result<Answer, Failure> {
    let token = Token::read(file).map_err(|error| Failure::Usage(error.to_string()))?;
    let answer = super::runtime()?.block_on(request.ask(address, &token));
    answer.map_err(|error| Failure::Usage(error.to_string()))
}

/// Changes the state of a lab host that does not run.
fn administer(request: &Request, path: &Path) -> Result<Answer, Failure> {
    if !path.exists() {
        let message =
            "there is no such state; lab serve and lab client make one with --state".to_owned();
        let file = path.to_owned();
        return Err(Failure::Content { file, message });
    }
    let wrong = |error: kmspec_lab::state::StateError| Failure::Usage(error.to_string());
    let file = StateFile::<HostState>::open(path).map_err(wrong)?;
    let mut host = Host::new(Settings::default());
    if let Some(state) = file.load().map_err(wrong)? {
        state.recall(&mut host);
    }
    let before = HostState::of(&host);
    let outcome = request.administer(&mut host, now());
    let after = HostState::of(&host);
    if after != before {
        file.save(&after).map_err(wrong)?;
    }
    Ok(Answer::of(outcome, request.language))
}

/// The system's time.
pub(super) fn now() -> FileTime {
    let unix = SystemTime::now().duration_since(UNIX_EPOCH);
    let nanos = unix.map_or(0, |unix| u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX));
    FileTime::from_unix_nanos(nanos)
}

/// The language of the locale, as the C library finds it.
fn of_locale() -> Language {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .filter_map(|name| env::var(name).ok());
    let mut locales = set.filter(|locale| !locale.is_empty());
    locales
        .next()
        .map_or(Language::English, |locale| Language::of_locale(&locale))
}

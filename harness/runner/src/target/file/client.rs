use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{FileError, duration};
use crate::target::client::{StatusRange, Statuses, StatusesError, Verb};

/// Whether the text of a target file is one of a client. What cannot be read is for whoever reads it as the one or the
/// other to tell.
pub fn is_client(text: &str) -> bool {
    toml::from_str::<Probe>(text).is_ok_and(|probe| probe.target.role == "client")
}

#[derive(Deserialize)]
struct Probe {
    target: ProbeTarget,
}

#[derive(Deserialize)]
struct ProbeTarget {
    #[serde(default)]
    role: String,
}

/// The target file of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientFile {
    /// The program that is the client, with its arguments.
    pub start: Vec<String>,
    /// Its control verbs, and the program of each.
    pub verbs: BTreeMap<String, Vec<String>>,
    /// Its key file, as it is written; it is meant from the folder that the target file is in.
    pub keys: Option<PathBuf>,
    /// What its end means.
    pub statuses: Statuses,
    /// How long it may take.
    pub patience: Option<Duration>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    target: Table,
    #[serde(default)]
    client: ClientTable,
    #[serde(default)]
    control: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "role")]
    _role: Role,
    start: Spanned<Vec<String>>,
    keys: Option<PathBuf>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Client,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientTable {
    accepted: Option<Spanned<Vec<Spanned<StatusText>>>>,
    rejected: Option<Spanned<Vec<Spanned<StatusText>>>>,
    patience: Option<Spanned<String>>,
}

/// A status as a number, or a range as a text.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an exit status, or a range of them such as \"2-9\""
)]
enum StatusText {
    Number(u64),
    Range(String),
}

/// Verbs that a command of a client's target file may stand for, in the order of the alphabet.
fn verbs() -> Vec<&'static str> {
    let mut verbs: Vec<&str> = Verb::ALL.map(Verb::name).into();
    verbs.push(CLOCK);
    verbs.sort_unstable();
    verbs
}

/// No errand of its own: where there is a command, it sets the clock before the client is started.
const CLOCK: &str = "clock";

impl ClientFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let wrong = |at, message: &str| FileError::at(text, at, message);
        let Document {
            target,
            client,
            control,
        } = toml::from_str(text).map_err(|error| FileError::toml(text, &error))?;
        let start = [("start", &target.start)];
        let control_named = control
            .iter()
            .map(|(verb, command)| (verb.as_str(), command));
        for (verb, command) in start.into_iter().chain(control_named) {
            let at = command.span().start;
            if command.get_ref().is_empty() {
                return Err(wrong(at, &format!("`{verb}` has no command")));
            }
            let verbs = verbs();
            if verb != "start" && !verbs.contains(&verb) {
                let known = verbs.join(", ");
                return Err(wrong(
                    at,
                    &format!("a client has no verb `{verb}`; there are {known}"),
                ));
            }
        }
        let of_statuses = |at: usize, error: StatusesError| wrong(at, &error.to_string());
        let list = |list: Option<Spanned<Vec<Spanned<StatusText>>>>| {
            list.map(|list| ranges(list, of_statuses)).transpose()
        };
        let at = [&client.accepted, &client.rejected];
        let at = at.iter().find_map(|list| Some(list.as_ref()?.span().start));
        let statuses = Statuses::new(list(client.accepted)?, list(client.rejected)?)
            .map_err(|error| of_statuses(at.unwrap_or_default(), error))?;
        let patience = client.patience.map(|text| {
            duration(text.get_ref()).map_err(|error| wrong(text.span().start, &error.to_string()))
        });
        Ok(Self {
            start: target.start.into_inner(),
            verbs: control
                .into_iter()
                .map(|(verb, command)| (verb, command.into_inner()))
                .collect(),
            keys: target.keys,
            statuses,
            patience: patience.transpose()?,
        })
    }
}

fn ranges(
    list: Spanned<Vec<Spanned<StatusText>>>,
    wrong: impl Fn(usize, StatusesError) -> FileError,
) -> Result<Vec<StatusRange>, FileError> {
    let range = |status: Spanned<StatusText>| {
        let at = status.span().start;
        let text = match status.into_inner() {
            StatusText::Number(number) => number.to_string(),
            StatusText::Range(text) => text,
        };
        text.parse().map_err(|error| wrong(at, error))
    };
    list.into_inner().into_iter().map(range).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<ClientFile, String> {
        ClientFile::parse(text).map_err(|error| error.to_string())
    }

    const BEGINNING: &str = "[target]\nrole = \"client\"\nstart = [\"c\", \"{port}\"]\n";

    #[test]
    fn a_file_has_a_command_keys_statuses_and_verbs() {
        let text = format!(
            "{BEGINNING}keys = \"my.toml\"\n[client]\naccepted = [0]\nrejected = [1, \"2-9\"]\npatience = \"12s\"\n[control]\ndli = [\"show\"]\n"
        );
        let file = parse(&text).unwrap();
        assert_eq!(file.start, ["c", "{port}"]);
        assert_eq!(file.keys.as_deref(), Some(Path::new("my.toml")));
        assert_eq!(file.patience, Some(Duration::from_secs(12)));
        assert_eq!(file.verbs["dli"], ["show"]);
        assert_eq!(parse(BEGINNING).unwrap().statuses, Statuses::default());
    }

    #[test]
    fn every_mistake_has_its_line_and_column() {
        for (rest, expected) in [
            (
                "port = 1",
                "line 4, column 1: unknown field `port`, expected one of `role`, `start`, `keys`",
            ),
            (
                "[client]\naccepted = [0]\nrejected = [\"0-9\"]",
                "line 5, column 12: exit status 0 is both accepted and rejected",
            ),
            (
                "[client]\nrejected = [1, \"9-2\"]",
                "line 5, column 16: \"9-2\" is no exit status: give a number from 0 to 255, or a range such as \"2-9\"",
            ),
            (
                "[client]\nrejected = [89]",
                "line 5, column 12: exit status 89 says that the client cannot do what it is asked; it is neither accepted nor rejected",
            ),
            (
                "[client]\nrejected = [true]",
                "line 5, column 12: an exit status, or a range of them such as \"2-9\"",
            ),
            (
                "[client]\npatience = \"soon\"",
                "line 5, column 12: a duration is a number above 0 and ms, s, m or h, as in 300ms or 5s",
            ),
            (
                "[control]\nsai = [\"x\"]",
                "line 5, column 7: a client has no verb `sai`; there are ato, ckms, clock, discover, dli, dlv, due, ipk, rearm, service, skms, standard-user, unelevated",
            ),
            (
                "[control]\ndli = []",
                "line 5, column 7: `dli` has no command",
            ),
        ] {
            assert_eq!(parse(&format!("{BEGINNING}{rest}")).unwrap_err(), expected);
        }
    }
}

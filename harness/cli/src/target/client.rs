//! Clients as targets: the lab's, one of a target file, or whatever connects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use kmspec_embedded::LabMachines;
use kmspec_runner::Target;
use kmspec_runner::target::ClientTarget;
use kmspec_runner::target::client::{
    ClientProgram, ClientSource, StatusRange, Statuses, StatusesError,
};
use serde::Deserialize;
use toml::Spanned;

use crate::args::RunArgs;
use crate::args::values::duration;
use crate::failure::Failure;
use crate::input;

/// The client that the command line means, made out; without TARGET and --listen the lab client.
pub(crate) fn client(args: &RunArgs) -> Result<Target, Failure> {
    let usual = args.how.patience;
    match (args.target.as_deref(), args.listen) {
        (Some(name), _) if super::is_file(name) => from_file(Path::new(name), args),
        (Some(name), _) => Err(Failure::Usage(format!(
            "{name:?} is no client: give a target file with role = \"client\" and start, or --listen ADDR to judge what connects"
        ))),
        (None, Some(address)) => {
            let keys = Arc::new(input::keys(args.subject.keys.as_deref())?);
            let client = ClientTarget {
                source: ClientSource::Awaited(address),
                statuses: Statuses::default(),
                patience: usual,
            };
            Ok(Target::client(format!("client at {address}"), client, keys))
        }
        (None, None) => {
            let machines = LabMachines::seeded(args.how.seed);
            let keys = Arc::new(input::keys(args.subject.keys.as_deref())?);
            Ok(machines.target("lab client", keys))
        }
    }
}

fn from_file(path: &Path, args: &RunArgs) -> Result<Target, Failure> {
    let file = ClientFile::read(path)?;
    // The command line beats the file.
    let keys = args.subject.keys.as_deref().or(file.keys.as_deref());
    let named = keys.map(|keys| std::path::absolute(keys).unwrap_or_else(|_| keys.to_owned()));
    let keys = Arc::new(input::keys(keys)?);
    let name = format!("client {}", file.start.join(" "));
    let program = ClientProgram::new(file.start, file.verbs, named);
    let client = ClientTarget {
        source: ClientSource::Started(Arc::new(program)),
        statuses: file.statuses,
        patience: file.patience.unwrap_or(args.how.patience),
    };
    Ok(Target::client(name, client, keys))
}

/// Whether a target file is one of a client. What cannot be read is for whoever reads it as the one or the other to tell.
pub(crate) fn is_client(path: &Path) -> bool {
    let probe = input::text(path).ok();
    let probe = probe.and_then(|text| toml::from_str::<Probe>(&text).ok());
    probe.is_some_and(|probe| probe.target.role == "client")
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

/// A target file whose role is client: how it is started, its keys, and what its end means.
#[derive(Debug)]
struct ClientFile {
    start: Vec<String>,
    verbs: BTreeMap<String, Vec<String>>,
    keys: Option<PathBuf>,
    statuses: Statuses,
    patience: Option<Duration>,
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

/// Verbs that a command of a client's target file may stand for.
const VERBS: [&str; 11] = [
    "ato",
    "ckms",
    "clock",
    "discover",
    "dli",
    "dlv",
    "due",
    "ipk",
    "rearm",
    "skms",
    "unelevated",
];

impl ClientFile {
    fn read(path: &Path) -> Result<Self, Failure> {
        Self::parse(path, &input::text(path)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, Failure> {
        let wrong = |at, message: String| Failure::at(path.to_owned(), text, at, message);
        let document: Document = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            wrong(at, error.message().to_owned())
        })?;
        let Document {
            target,
            client,
            control,
        } = document;
        let start = [("start", &target.start)];
        let control_named = control
            .iter()
            .map(|(verb, command)| (verb.as_str(), command));
        for (verb, command) in start.into_iter().chain(control_named) {
            let at = command.span().start;
            if command.get_ref().is_empty() {
                return Err(wrong(at, format!("`{verb}` has no command")));
            }
            if verb != "start" && !VERBS.contains(&verb) {
                let known = VERBS.join(", ");
                return Err(wrong(
                    at,
                    format!("a client has no verb `{verb}`; there are {known}"),
                ));
            }
        }
        let of_statuses = |at: usize, error: StatusesError| wrong(at, error.to_string());
        let list = |list: Option<Spanned<Vec<Spanned<StatusText>>>>| {
            list.map(|list| ranges(list, of_statuses)).transpose()
        };
        let at = [&client.accepted, &client.rejected];
        let at = at.iter().find_map(|list| Some(list.as_ref()?.span().start));
        let statuses = Statuses::new(list(client.accepted)?, list(client.rejected)?)
            .map_err(|error| of_statuses(at.unwrap_or_default(), error))?;
        let patience = client.patience.map(|text| {
            duration(text.get_ref()).map_err(|error| wrong(text.span().start, error.to_string()))
        });
        let beside = |keys| path.parent().unwrap_or(Path::new("")).join(keys);
        Ok(Self {
            start: target.start.into_inner(),
            verbs: control
                .into_iter()
                .map(|(verb, command)| (verb, command.into_inner()))
                .collect(),
            keys: target.keys.map(beside),
            statuses,
            patience: patience.transpose()?,
        })
    }
}

fn ranges(
    list: Spanned<Vec<Spanned<StatusText>>>,
    wrong: impl Fn(usize, StatusesError) -> Failure,
) -> Result<Vec<StatusRange>, Failure> {
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
    use super::*;

    fn parse(text: &str) -> Result<ClientFile, String> {
        ClientFile::parse(Path::new("lab/client.toml"), text).map_err(|error| error.to_string())
    }

    const BEGINNING: &str = "[target]\nrole = \"client\"\nstart = [\"c\", \"{port}\"]\n";

    #[test]
    fn a_file_has_a_command_keys_statuses_and_verbs() {
        let text = format!(
            "{BEGINNING}keys = \"my.toml\"\n[client]\naccepted = [0]\nrejected = [1, \"2-9\"]\npatience = \"12s\"\n[control]\ndli = [\"show\"]\n"
        );
        let file = parse(&text).unwrap();
        assert_eq!(file.start, ["c", "{port}"]);
        assert_eq!(file.keys.as_deref(), Some(Path::new("lab/my.toml")));
        assert_eq!(file.patience, Some(Duration::from_secs(12)));
        assert_eq!(file.verbs["dli"], ["show"]);
        assert_eq!(parse(BEGINNING).unwrap().statuses, Statuses::default());
    }

    #[test]
    fn every_mistake_has_its_line_and_column() {
        for (rest, expected) in [
            (
                "port = 1",
                "lab/client.toml:4:1: unknown field `port`, expected one of `role`, `start`, `keys`",
            ),
            (
                "[client]\naccepted = [0]\nrejected = [\"0-9\"]",
                "lab/client.toml:5:12: exit status 0 is both accepted and rejected",
            ),
            (
                "[client]\nrejected = [1, \"9-2\"]",
                "lab/client.toml:5:16: \"9-2\" is no exit status: give a number from 0 to 255, or a range such as \"2-9\"",
            ),
            (
                "[client]\nrejected = [89]",
                "lab/client.toml:5:12: exit status 89 says that the client cannot do what it is asked; it is neither accepted nor rejected",
            ),
            (
                "[client]\nrejected = [true]",
                "lab/client.toml:5:12: an exit status, or a range of them such as \"2-9\"",
            ),
            (
                "[client]\npatience = \"soon\"",
                "lab/client.toml:5:12: a duration is a number above 0 and ms, s, m or h, as in 300ms or 5s",
            ),
            (
                "[control]\nsai = [\"x\"]",
                "lab/client.toml:5:7: a client has no verb `sai`; there are ato, ckms, clock, discover, dli, dlv, due, ipk, rearm, skms, unelevated",
            ),
            (
                "[control]\ndli = []",
                "lab/client.toml:5:7: `dli` has no command",
            ),
        ] {
            assert_eq!(parse(&format!("{BEGINNING}{rest}")).unwrap_err(), expected);
        }
    }
}

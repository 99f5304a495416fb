use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use super::{FileError, Placed};
use crate::target::{Commands, TAKES, Takes};

/// The target file of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostFile {
    /// Where it listens: HOST:PORT.
    pub address: Placed,
    /// Its key file, as it is written; it is meant from the folder that the target file is in.
    pub keys: Option<PathBuf>,
    /// How it comes to have counted nobody.
    pub renewal: Renewal,
    /// Its other control verbs, and the program of each.
    pub control: BTreeMap<String, Vec<String>>,
}

/// How a target comes to have counted nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// Not at all.
    Never,
    /// This program is the target, and started for it.
    Start(Vec<String>),
    /// This program makes the target forget.
    Reset(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    target: Table,
    #[serde(default)]
    control: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    /// Clients have files of another form.
    #[serde(default, rename = "role")]
    _role: Role,
    address: Spanned<String>,
    start: Option<Spanned<Vec<String>>>,
    keys: Option<PathBuf>,
}

/// What the target is.
#[derive(Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// Unless it is said.
    #[default]
    Host,
}

impl HostFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing wrong with it.
    pub fn parse(text: &str) -> Result<Self, FileError> {
        let wrong = |at, message: &str| FileError::at(text, at, message);
        let Document {
            target:
                Table {
                    address,
                    start,
                    keys,
                    ..
                },
            mut control,
        } = toml::from_str(text).map_err(|error| FileError::toml(text, &error))?;
        let named = start.iter().map(|command| ("start", command));
        for (verb, command) in named.chain(control.iter().map(|(verb, c)| (verb.as_str(), c))) {
            if command.get_ref().is_empty() {
                let message = format!("`{verb}` has no command");
                return Err(wrong(command.span().start, &message));
            }
        }
        for (verb, command) in &control {
            if let Some(message) = problem(verb, command.get_ref()) {
                return Err(wrong(command.span().start, &message));
            }
        }
        let renewal = match (start, control.remove("reset")) {
            (Some(start), _) => Renewal::Start(start.into_inner()),
            (None, Some(reset)) => Renewal::Reset(reset.into_inner()),
            (None, None) => Renewal::Never,
        };
        Ok(Self {
            address: Placed::new(text, address),
            keys,
            renewal,
            control: control
                .into_iter()
                .map(|(verb, command)| (verb, command.into_inner()))
                .collect(),
        })
    }
}

/// What is wrong with a control verb and its command.
fn problem(verb: &str, command: &[String]) -> Option<String> {
    let Some((_, takes)) = TAKES.iter().find(|(known, _)| *known == verb) else {
        let known: Vec<&str> = TAKES.iter().map(|(known, _)| *known).collect();
        return Some(format!(
            "there is no control verb `{verb}`; there are {}",
            known.join(", ")
        ));
    };
    let unknown = command.iter().find_map(|word| unknown_placeholder(word));
    if let Some(unknown) = unknown {
        let (value, port) = (Commands::VALUE, Commands::PORT);
        return Some(format!(
            "`{verb}` has {unknown}; there are {value} and {port}"
        ));
    }
    let has = command.iter().any(|word| word.contains(Commands::VALUE));
    match (takes, has) {
        (Takes::Value, false) => Some(format!(
            "`{verb}` takes a value: its command needs {}",
            Commands::VALUE
        )),
        (Takes::Nothing, true) => Some(format!("`{verb}` takes no value")),
        _ => None,
    }
}

/// The first placeholder that stands for nothing: small letters in braces. Variables of a shell are its own.
fn unknown_placeholder(word: &str) -> Option<&str> {
    let mut rest = word;
    loop {
        let open = rest.find('{')?;
        let behind = rest.get(open..)?;
        let end = behind.find('}').map_or(behind.len(), |end| end + 1);
        let found = behind.get(..end)?;
        let name = found.trim_matches(['{', '}']);
        let letters = !name.is_empty() && name.bytes().all(|octet| octet.is_ascii_lowercase());
        let shell = rest.get(..open)?.ends_with('$');
        if letters && !shell && found != Commands::VALUE && found != Commands::PORT {
            return Some(found);
        }
        rest = behind.get(1..)?;
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn parse(text: &str) -> Result<HostFile, String> {
        HostFile::parse(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_file_has_an_address_keys_and_verbs() {
        let file = parse(
            "[target]\naddress = \"kms:1688\"\nkeys = \"my.toml\"\n[control]\ndli = [\"ssh\", \"kms\"]\n",
        )
        .unwrap();
        assert_eq!(file.address.value, "kms:1688");
        assert_eq!(file.keys.as_deref(), Some(Path::new("my.toml")));
        assert_eq!(file.renewal, Renewal::Never);
        assert_eq!(file.control["dli"], ["ssh", "kms"]);
    }

    #[test]
    fn braces_of_a_shell_are_no_placeholders() {
        for (word, unknown) in [
            ("{value}", None),
            ("a={value},{port}", None),
            ("${value}${home}", None),
            ("awk '{ print $1 }'", None),
            ("{", None),
            ("{{}}", None),
            ("{}{hots}", Some("{hots}")),
        ] {
            assert_eq!(unknown_placeholder(word), unknown, "{word}");
        }
    }

    #[test]
    fn what_can_be_started_is_started_rather_than_reset() {
        let (start, reset) = (
            "start = [\"kms\", \"{port}\"]\n",
            "[control]\nreset = [\"r\"]\n",
        );
        let of = |start, reset| {
            let text = format!("[target]\naddress = \"a:1\"\n{start}{reset}");
            parse(&text).unwrap().renewal
        };
        let started = || Renewal::Start(vec!["kms".to_owned(), "{port}".to_owned()]);
        assert_eq!(of(start, reset), started());
        assert_eq!(of(start, ""), started());
        assert_eq!(of("", reset), Renewal::Reset(vec!["r".to_owned()]));
    }

    #[test]
    fn every_mistake_has_its_line_and_column() {
        for (text, expected) in [
            ("", "line 1, column 1: missing field `target`"),
            ("[target]\n", "line 1, column 1: missing field `address`"),
            (
                "[target]\naddres = \"a:1\"",
                "line 2, column 1: unknown field `addres`, expected one of `role`, `address`, `start`, `keys`",
            ),
            (
                "[target]\naddress = 1688",
                "line 2, column 11: invalid type: integer `1688`, expected a string",
            ),
            (
                "[target]\naddress = \"a:1\"\n[control]\nreset = []",
                "line 4, column 9: `reset` has no command",
            ),
            (
                "[target]\naddress = \"a:1\"\n[control]\nsia = [\"x\"]",
                "line 4, column 7: there is no control verb `sia`; there are activated, ato, atp, cdns, ckms, clock, \
                 confirmation, counters, cpri, dli, dlv, dti, ipk, publish, rearm, reset, restart, sai, sdns, skms, spri, sprt, \
                 sri, unelevated",
            ),
            (
                "[target]\naddress = \"a:1\"\n[control]\nsai = [\"x\", \"{minutes}\"]",
                "line 4, column 7: `sai` has {minutes}; there are {value} and {port}",
            ),
            (
                "[target]\naddress = \"a:1\"\n[control]\n\nsai = [\"x\"]",
                "line 5, column 7: `sai` takes a value: its command needs {value}",
            ),
            (
                "[target]\naddress = \"a:1\"\n[control]\ndli = [\"x\", \"{value}\"]",
                "line 4, column 7: `dli` takes no value",
            ),
            (
                "[target]\naddress = \"a:1\"\nstart = []",
                "line 3, column 9: `start` has no command",
            ),
            (
                "[target]\naddress = \"a:1\"\n[controls]",
                "line 3, column 2: unknown field `controls`, expected `target` or `control`",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), expected);
        }
    }
}

//! `kmspec.toml`: defaults for the options, found in the working folder or above it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::builder::OsStr;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, ValueHint};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::failure::Failure;
use crate::target::is_file;

/// Name of the file.
const NAME: &str = "kmspec.toml";

/// What `kmspec.toml` says; nothing if there is none.
#[derive(Debug, Default)]
pub(crate) struct Config {
    file: PathBuf,
    text: String,
    /// Commands that have a table, and where it begins.
    tables: Vec<(Vec<String>, usize)>,
    entries: Vec<Entry>,
}

/// One option's value.
#[derive(Debug)]
struct Entry {
    /// The command it is for, as names of commands and commands of theirs; empty for all.
    command: Vec<String>,
    option: String,
    /// Offset of the option's name in the file.
    name_at: usize,
    /// Offset of the value.
    value_at: usize,
    /// The values, more than one for an option that may be repeated.
    values: Vec<String>,
}

impl Config {
    /// Finds and reads the file, from `folder` upwards.
    pub(crate) fn find(folder: &Path) -> Result<Self, Failure> {
        for folder in folder.ancestors() {
            let file = folder.join(NAME);
            match fs::read_to_string(&file) {
                Ok(text) => return Self::parse(file, text),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(source) => return Err(Failure::Read { file, source }),
            }
        }
        Ok(Self::default())
    }

    fn parse(file: PathBuf, text: String) -> Result<Self, Failure> {
        let mut config = Self {
            file,
            text,
            tables: Vec::new(),
            entries: Vec::new(),
        };
        let text = config.text.clone();
        let table = DeTable::parse(&text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            config.wrong(at, error.message().to_owned())
        })?;
        config.table(&[], table.get_ref())?;
        Ok(config)
    }

    fn table(&mut self, command: &[String], table: &DeTable<'_>) -> Result<(), Failure> {
        for (name, value) in table {
            let (at, name) = (name.span().start, name.get_ref().to_string());
            if let DeValue::Table(inner) = value.get_ref() {
                let command: Vec<String> = command.iter().cloned().chain([name]).collect();
                self.tables.push((command.clone(), at));
                self.table(&command, inner)?;
                continue;
            }
            let entry = Entry {
                command: command.to_vec(),
                option: name,
                name_at: at,
                value_at: value.span().start,
                values: self.values(value)?,
            };
            self.entries.push(entry);
        }
        // Messages come in the file's order.
        self.entries.sort_by_key(|entry| entry.name_at);
        Ok(())
    }

    fn values(&self, value: &Spanned<DeValue<'_>>) -> Result<Vec<String>, Failure> {
        let scalar = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            DeValue::Integer(number) => {
                let number = i64::from_str_radix(number.as_str(), number.radix());
                let number = number.map(|number| number.to_string());
                number.map_err(|error| self.wrong(value.span().start, error.to_string()))
            }
            DeValue::Float(number) => Ok(number.as_str().to_owned()),
            DeValue::Boolean(truth) => Ok(truth.to_string()),
            DeValue::Array(_) | DeValue::Table(_) | DeValue::Datetime(_) => {
                let what = "expected a string, a number, a boolean or a list of these";
                Err(self.wrong(value.span().start, what.to_owned()))
            }
        };
        match value.get_ref() {
            DeValue::Array(list) => list.iter().map(scalar).collect(),
            _ => Ok(vec![scalar(value)?]),
        }
    }

    /// The command line with the file's values as defaults; variables come after it.
    pub(crate) fn applied_to(&self, mut command: Command) -> Result<Command, Failure> {
        for (path, at) in &self.tables {
            if taken_by(&command, path).is_none() {
                let message = format!("unknown command `{}`", path.join(" "));
                return Err(self.wrong(*at, message));
            }
        }
        for entry in &self.entries {
            self.check(&command, entry)?;
            command = self.apply(command, &entry.command, entry);
        }
        Ok(command)
    }

    /// Whether the option exists, and takes the value.
    fn check(&self, root: &Command, entry: &Entry) -> Result<(), Failure> {
        let Some(command) = taken_by(root, &entry.command) else {
            return Ok(());
        };
        let everywhere = entry.command.is_empty();
        let takers = if everywhere {
            with_option(command, &entry.option)
        } else {
            option(command, &entry.option)
                .map(|_| entry.command.clone())
                .into_iter()
                .collect()
        };
        if takers.is_empty() {
            let whose = if everywhere {
                "no command has an option".to_owned()
            } else {
                format!("`kmspec {}` has no option", entry.command.join(" "))
            };
            let message = format!("unknown key `{}`: {whose} of this name", entry.option);
            return Err(self.wrong(entry.name_at, message));
        }
        for taker in takers {
            self.try_value(root, &taker, entry)?;
        }
        Ok(())
    }

    /// Lets the command line's own parser look at the value.
    fn try_value(&self, root: &Command, taker: &[String], entry: &Entry) -> Result<(), Failure> {
        let mut line = vec!["kmspec".to_owned()];
        line.extend(taker.iter().cloned());
        let flag = taken_by(root, taker).is_some_and(|command| {
            option(command, &entry.option).is_some_and(|arg| !takes_value(arg))
        });
        if flag {
            return match entry.values.as_slice() {
                [value] if value == "true" || value == "false" => Ok(()),
                _ => Err(self.wrong(entry.value_at, "expected true or false".to_owned())),
            };
        }
        let repeated = taken_by(root, taker)
            .and_then(|command| option(command, &entry.option))
            .is_some_and(|arg| matches!(arg.get_action(), ArgAction::Append));
        if !repeated && entry.values.len() != 1 {
            return Err(self.wrong(entry.value_at, "expected one value".to_owned()));
        }
        line.extend(
            entry
                .values
                .iter()
                .map(|value| format!("--{}={value}", entry.option)),
        );
        let Err(error) = root.clone().try_get_matches_from(line) else {
            return Ok(());
        };
        // Anything else is about what this line leaves out.
        if matches!(
            error.kind(),
            ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::ArgumentConflict
        ) && !entry.values.is_empty()
        {
            let text = error.render().to_string();
            let first = text.lines().next().unwrap_or_default();
            let message = first.strip_prefix("error: ").unwrap_or(first);
            return Err(self.wrong(entry.value_at, message.to_owned()));
        }
        Ok(())
    }

    fn apply(&self, command: Command, path: &[String], entry: &Entry) -> Command {
        if let Some((first, rest)) = path.split_first() {
            return command.mut_subcommand(first, |inner| self.apply(inner, rest, entry));
        }
        let command = if option(&command, &entry.option).is_some() {
            let id = option(&command, &entry.option).map(|arg| arg.get_id().clone());
            match id {
                Some(id) => command.mut_arg(id, |arg| self.with_default(arg, entry)),
                None => command,
            }
        } else {
            command
        };
        if entry.command.is_empty() {
            command.mut_subcommands(|inner| self.apply(inner, &[], entry))
        } else {
            command
        }
    }

    fn with_default(&self, arg: Arg, entry: &Entry) -> Arg {
        let hint = arg.get_value_hint();
        let values = entry.values.iter().map(|value| match hint {
            ValueHint::FilePath | ValueHint::DirPath | ValueHint::AnyPath => self.beside(value),
            _ if operand(&arg).is_some() && is_file(value) => self.beside(value),
            _ => value.clone(),
        });
        let values: Vec<String> = values.collect();
        arg.default_values(values.into_iter().map(OsStr::from))
    }

    /// A path as the file means it: from the folder the file is in.
    fn beside(&self, path: &str) -> String {
        let folder = self.file.parent().unwrap_or(Path::new(""));
        // `kind=path` of reports.
        match path.split_once('=') {
            Some((kind, path)) => format!("{kind}={}", folder.join(path).display()),
            None => folder.join(path).display().to_string(),
        }
    }

    fn wrong(&self, at: usize, message: String) -> Failure {
        Failure::at(self.file.clone(), &self.text, at, message)
    }
}

fn option<'c>(command: &'c Command, name: &str) -> Option<&'c Arg> {
    command
        .get_arguments()
        .find(|arg| arg.get_long().or(operand(arg)) == Some(name))
}

/// The one operand that can be set like an option.
pub(crate) fn operand(arg: &Arg) -> Option<&'static str> {
    (arg.is_positional() && arg.get_id() == "target").then_some("target")
}

/// The commands that have the option, by path.
fn with_option(command: &Command, name: &str) -> Vec<Vec<String>> {
    let own = option(command, name).map(|_| Vec::new());
    let below = command.get_subcommands().flat_map(|inner| {
        with_option(inner, name).into_iter().map(|path| {
            let first = inner.get_name().to_owned();
            [vec![first], path].concat()
        })
    });
    own.into_iter().chain(below).collect()
}

fn taken_by<'c>(root: &'c Command, path: &[String]) -> Option<&'c Command> {
    path.iter()
        .try_fold(root, |command, name| command.find_subcommand(name))
}

fn takes_value(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::Set | ArgAction::Append)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use arbtest::arbitrary::{Result, Unstructured};
    use clap::CommandFactory as _;

    use super::*;
    use crate::args::Args;

    fn written(u: &mut Unstructured<'_>) -> Result<String> {
        const TABLES: [&str; 5] = ["", "[run]\n", "[bench]\n", "[lab.serve]\n", "[lab.none]\n"];
        const KEYS: [&str; 7] = ["jobs", "rate", "report", "closed", "suite", "color", "none"];
        const VALUES: [&str; 8] = [
            "0",
            "-9223372036854775808",
            "99999999999999999999",
            "true",
            "\"v6\"",
            "[\"json=a\", 1, false]",
            "{ a = { b = 1 } }",
            "1979-05-27",
        ];
        let mut text = String::new();
        for _ in 0..u.int_in_range(0..=4)? {
            text.push_str(u.choose(&TABLES)?);
            let _ = writeln!(text, "{} = {}", u.choose(&KEYS)?, u.choose(&VALUES)?);
        }
        if u.ratio(1, 4)? {
            text.push_str(u.arbitrary()?);
        }
        Ok(text)
    }

    #[test]
    fn any_file_is_defaults_or_an_error() {
        let mut read = 0;
        arbtest::arbtest(|u| {
            let text = written(u)?;
            let config = Config::parse(PathBuf::from(NAME), text.clone());
            let applied = config.and_then(|config| config.applied_to(Args::command()));
            match applied {
                Ok(_) => read += 1,
                Err(error) => assert!(error.to_string().contains(NAME), "{text}: {error}"),
            }
            Ok(())
        });
        assert!(read > 0);
    }
}

//! Values of options.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use kmspec_conformance::catalogue::{Level, Role};
use kmspec_wire::pdu::SyntaxId;
use thiserror::Error;

/// A value that an option does not take; the fragment says what it takes.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub(crate) struct ValueError(pub(super) String);

fn wrong<T>(what: impl Into<String>) -> Result<T, ValueError> {
    Err(ValueError(what.into()))
}

/// Reads a level, with the possible ones for the help.
pub(crate) fn level() -> impl TypedValueParser<Value = Level> {
    PossibleValuesParser::new(["must", "should", "may"]).map(|name| match &*name {
        "must" => Level::Must,
        "should" => Level::Should,
        _ => Level::May,
    })
}

/// Reads a role, with the possible ones for the help.
pub(crate) fn role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["host", "client"]).map(|name| match &*name {
        "host" => Role::Host,
        _ => Role::Client,
    })
}

/// Reads a role, or both.
pub(crate) fn either_role() -> impl TypedValueParser<Value = Role> {
    PossibleValuesParser::new(["host", "client", "both"]).map(|name| match &*name {
        "host" => Role::Host,
        "client" => Role::Client,
        _ => Role::Both,
    })
}

/// Reads an address to listen on: `127.0.0.1:1688`, or a port of the loopback interface alone.
pub(crate) fn listen(text: &str) -> Result<SocketAddr, ValueError> {
    if let Ok(port) = text.parse() {
        return Ok(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    }
    text.parse().or_else(|_| {
        wrong("an address to listen on is IP:PORT, as in 127.0.0.1:1689, or a PORT of the loopback interface")
    })
}

/// Reads a duration: `300ms`, `5s`, `1.5s`, `2m`; seconds without a unit.
pub(crate) fn duration(text: &str) -> Result<Duration, ValueError> {
    kmspec_runner::target::file::duration(text).or_else(|error| wrong(error.to_string()))
}

/// Reads a number of which there must be one at least.
pub(crate) fn at_least_one(text: &str) -> Result<usize, ValueError> {
    match text.parse() {
        Ok(0) => wrong("there must be one at least"),
        Ok(number) => Ok(number),
        Err(error) => wrong(format!("{error}")),
    }
}

/// Reads an interface: `UUID/MAJOR.MINOR`.
pub(crate) fn interface(text: &str) -> Result<SyntaxId, ValueError> {
    let form =
        "an interface is its UUID and version, as in 12345678-1234-abcd-ef00-0123456789ab/1.0";
    let parse = || {
        let (uuid, version) = text.split_once('/')?;
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        Some(SyntaxId {
            uuid: uuid.parse().ok()?,
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
        })
    };
    parse().map_or_else(|| wrong(form), Ok)
}

/// Octets of a stub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Octets(pub(crate) Vec<u8>);

impl fmt::Display for Octets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl FromStr for Octets {
    type Err = ValueError;

    /// Hexadecimal digits, two an octet; none for an empty stub.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let digits: Option<Vec<u8>> = text
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':')
            .map(|c| c.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
            .collect();
        match digits {
            None => wrong("octets are hexadecimal digits"),
            Some(digits) if digits.len() % 2 > 0 => {
                wrong("octets have two hexadecimal digits each")
            }
            Some(digits) => Ok(Self(
                digits
                    .chunks(2)
                    .map(|pair| pair[0] << 4 | pair[1])
                    .collect(),
            )),
        }
    }
}

/// A report to write: its kind and where to, empty for one that has no file of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ReportTo {
    pub(crate) kind: ReportKind,
    pub(crate) path: PathBuf,
}

/// Kinds of reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReportKind {
    /// Everything, for programs.
    Json,
    /// What continuous integration shows.
    Junit,
    /// A page for a browser.
    Html,
    /// For code scanning.
    Sarif,
    /// Annotations on standard output, and the step's summary; no file of its own.
    Github,
}

impl FromStr for ReportTo {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (kind, path) = text.split_once('=').unwrap_or((text, ""));
        let kind = match kind {
            "json" => ReportKind::Json,
            "junit" => ReportKind::Junit,
            "html" => ReportKind::Html,
            "sarif" => ReportKind::Sarif,
            "github" if path.is_empty() => ReportKind::Github,
            _ => return wrong(REPORT_FORM),
        };
        if path.is_empty() && kind != ReportKind::Github {
            return wrong(REPORT_FORM);
        }
        Ok(Self {
            kind,
            path: path.into(),
        })
    }
}

const REPORT_FORM: &str = "a report is json=PATH, junit=PATH, html=PATH, sarif=PATH or github";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_number_and_a_unit() {
        let ms = Duration::from_millis;
        for (text, expected) in [
            ("300ms", Some(ms(300))),
            ("5s", Some(ms(5000))),
            ("5", Some(ms(5000))),
            ("1.5s", Some(ms(1500))),
            ("2m", Some(ms(120_000))),
            ("1h", Some(ms(3_600_000))),
            ("0", None),
            ("", None),
            ("s", None),
            ("-1s", None),
            ("1d", None),
            ("1e99s", None),
            ("99999999999999999999999h", None),
        ] {
            assert_eq!(duration(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn octets_are_pairs_of_digits() {
        for (text, expected) in [
            ("", Some(vec![])),
            ("00ff", Some(vec![0, 255])),
            ("00 FF:1a", Some(vec![0, 255, 26])),
            ("0", None),
            ("0g", None),
        ] {
            assert_eq!(text.parse::<Octets>().ok().map(|o| o.0), expected, "{text}");
        }
    }

    #[test]
    fn interfaces_have_a_uuid_and_a_version() {
        let mgmt = "afa8bd80-7d8a-11c9-bef4-08002b102989";
        for (text, version) in [
            (format!("{mgmt}/1.0"), Some((1, 0))),
            (format!("{mgmt}/3"), Some((3, 0))),
            (format!("{mgmt}/1.70000"), None),
            (mgmt.to_owned(), None),
            ("afa8bd80/1.0".to_owned(), None),
        ] {
            let read = interface(&text).ok().map(|id| (id.major, id.minor));
            assert_eq!(read, version, "{text}");
        }
    }

    #[test]
    fn reports_have_a_kind_and_a_path() {
        for (text, good) in [
            ("json=a", true),
            ("junit=a=b", true),
            ("xml=a", false),
            ("json", false),
            ("json=", false),
            ("html=a", true),
            ("sarif=a", true),
            ("github", true),
            ("github=a", false),
        ] {
            assert_eq!(text.parse::<ReportTo>().is_ok(), good, "{text}");
        }
    }
}

//! Clients under test: what one is asked, how it is started, and what its end says.

mod network;
mod program;
mod statuses;

pub use network::Network;
pub use program::ClientProgram;
pub(crate) use statuses::Meaning;
pub use statuses::{StatusRange, Statuses, StatusesError};

use std::fmt;
use std::fmt::Debug;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use kmspec_wire::filetime::FileTime;
use kmspec_wire::kms::Version;

use super::{LaunchError, Pending};

/// A client under test.
#[derive(Clone, Debug)]
pub struct ClientTarget {
    /// Where it comes from.
    pub source: ClientSource,
    /// What its exit statuses mean.
    pub statuses: Statuses,
    /// How long it may take to end once nobody answers it any more.
    pub patience: Duration,
}

/// Where a client comes from.
#[derive(Clone, Debug)]
pub enum ClientSource {
    /// It is started for each case, on a machine that is new to it.
    Started(Arc<dyn Machines>),
    /// It connects to this address of its own accord; what it makes of our answers does not show.
    Awaited(SocketAddr),
}

/// Gives machines on which a client has never run.
pub trait Machines: Debug + Send + Sync {
    /// A new one.
    ///
    /// # Errors
    /// The machine cannot be made.
    fn machine(&self) -> Result<Box<dyn Machine>, LaunchError>;
}

/// A machine: what the client keeps stays from one errand to the next. Dropping it ends what runs on it.
pub trait Machine: Debug + Send + Sync {
    /// Whether there is something of its own for this verb. Any other is asked of the client itself, if it says so when
    /// it cannot do what it is asked.
    fn has(&self, verb: Verb) -> bool {
        let _ = verb;
        false
    }

    /// Starts the client.
    fn start(&mut self, errand: &Errand) -> Pending<'_, Result<Box<dyn Running>, LaunchError>>;
}

/// A client that was started. Dropping it kills it.
pub trait Running: Debug + Send + Sync {
    /// Waits until it has ended. Cancelling the future loses nothing.
    fn ended(&mut self) -> Pending<'_, End>;

    /// What it has written so far.
    fn output(&self) -> String;
}

/// What a client is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The id of the case.
    pub case: String,
    /// What to do.
    pub verb: Verb,
    /// The value that the verb takes; empty if it takes none.
    pub value: String,
    /// Where the host listens. A client that is given a network is not told.
    pub host: SocketAddr,
    /// What the machine knows of its network, where it is to find the host by itself.
    pub network: Option<Network>,
    /// The number of the machine in its case: 0, and more where a case has several.
    pub machine: usize,
    /// The edition that the machine should have, by its name in the catalogue; its own choice if there is none.
    pub edition: Option<&'static str>,
    /// The version of KMS to speak; its own choice if there is none.
    pub protocol: Option<Version>,
    /// What its clock is to show; the system's time if there is none.
    pub clock: Option<FileTime>,
}

impl Errand {
    /// Activate once, with everything else as the client likes it.
    pub fn activate(case: impl Into<String>, host: SocketAddr) -> Self {
        Self {
            case: case.into(),
            verb: Verb::Activate,
            value: String::new(),
            host,
            network: None,
            machine: 0,
            edition: None,
            protocol: None,
            clock: None,
        }
    }
}

/// What a client can be asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// Activate now, and end.
    Activate,
    /// Do what is due at the time of its clock, if anything is, and end.
    Due,
    /// Find a host by what the machine knows, activate now, and end: the one that is registered, or one of DNS.
    Discover,
    /// Print what the licence manager shows of the licence, and end.
    Show,
    /// The same with what support asks for.
    ShowDetails,
    /// Install this product key.
    InstallKey,
    /// Register this host, which beats DNS.
    Register,
    /// Forget the registered host.
    Forget,
    /// Reset timer and identity.
    Rearm,
    /// Have the licensing service `running`, `stopped` or `disabled`.
    Service,
    /// Let users activate who are no administrators, `on` or `off`.
    StandardUser,
    /// Do what this command line says for somebody who is no administrator.
    Unelevated,
    /// What no client can do, to see whether it says so.
    Nonsense,
}

impl Verb {
    /// All that a target file may have a command for.
    pub const ALL: [Self; 12] = [
        Self::Activate,
        Self::Forget,
        Self::Show,
        Self::ShowDetails,
        Self::Discover,
        Self::Due,
        Self::InstallKey,
        Self::Rearm,
        Self::Service,
        Self::Register,
        Self::StandardUser,
        Self::Unelevated,
    ];

    /// As the environment and target files spell it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Activate => "ato",
            Self::Due => "due",
            Self::Discover => "discover",
            Self::Show => "dli",
            Self::ShowDetails => "dlv",
            Self::InstallKey => "ipk",
            Self::Register => "skms",
            Self::Forget => "ckms",
            Self::Rearm => "rearm",
            Self::Service => "service",
            Self::StandardUser => "standard-user",
            Self::Unelevated => "unelevated",
            Self::Nonsense => "make-tea",
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// With this exit status.
    Exited(u8),
    /// By this signal.
    Signalled(i32),
}

impl Status {
    /// What a client that cannot do what it is asked exits with.
    pub const CANNOT: Self = Self::Exited(89);
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => write!(f, "exit status {status}"),
            Self::Signalled(signal) => write!(f, "signal {signal}"),
        }
    }
}

/// The end of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub status: Status,
    /// What it wrote, to standard output and standard error.
    pub output: String,
    /// What it wrote to standard error.
    pub errors: String,
}

impl End {
    /// The last line it wrote to standard error, for a message; empty if there is none.
    pub fn last_words(&self) -> &str {
        let mut lines = self.errors.lines().rev().map(str::trim);
        lines.find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// The result codes it printed: words of `0x` and eight hexadecimal digits, in either case.
    pub fn codes(&self) -> Vec<u32> {
        let words = self
            .output
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| word.len() == 10);
        let digits = words.filter_map(|word| {
            let rest = word
                .strip_prefix("0x")
                .or_else(|| word.strip_prefix("0X"))?;
            u32::from_str_radix(rest, 16).ok()
        });
        digits.collect()
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.last_words() {
            "" => write!(f, "{}", self.status),
            words => write!(f, "{}: {words}", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(output: &str) -> End {
        End {
            status: Status::Exited(1),
            output: output.to_owned(),
            errors: output.to_owned(),
        }
    }

    #[test]
    fn result_codes_are_found_in_what_a_client_prints() {
        for (output, codes) in [
            ("", vec![]),
            ("Error: 0xC004F038 On a computer …", vec![0xc004_f038]),
            ("(0xc004f074)\n0X8007000D,", vec![0xc004_f074, 0x8007_000d]),
            ("0xC004F0381 0xC004 C004F038 0xC004F03G", vec![]),
        ] {
            assert_eq!(end(output).codes(), codes, "{output}");
        }
    }

    #[test]
    fn the_last_words_are_the_last_line_that_says_something() {
        assert_eq!(end("one\n two \n\n").to_string(), "exit status 1: two");
        assert_eq!(end(" \n").to_string(), "exit status 1");
    }
}

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use kmspec_model::admin::{Done, Refusal};
use kmspec_model::{Clock, Counters};
use kmspec_slmgr::{
    CommandError, ConfirmationId, InstallationId, Language, Notice, Role, result_line,
};
use kmspec_wire::filetime::FileTime;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::accept::Restart;
use crate::shared::Shared;
use crate::state::StateError;

/// What can be changed and seen of a lab host while it runs, without holding the host itself. It does not keep the host
/// running.
#[derive(Clone)]
pub struct Controls {
    shared: Arc<Shared>,
}

/// Why a control verb came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum VerbError {
    /// The lab host has no such verb.
    #[error("there is no verb {0}")]
    Unknown(String),
    /// The verb does not take this value.
    #[error("{verb} takes {wanted}, not {value:?}")]
    Value {
        /// The verb.
        verb: &'static str,
        /// What it takes.
        wanted: &'static str,
        /// What it was given.
        value: String,
    },
    /// The licence manager refuses; what it prints.
    #[error("{0}")]
    Refused(String),
}

/// Why a command line of the licence manager came to nothing. Nothing has changed, unless it says otherwise.
#[derive(Debug, Error)]
pub enum SlmgrError {
    /// It says nothing that can be done.
    #[error(transparent)]
    Usage(#[from] CommandError),
    /// The host refuses.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The new port cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it should have listened.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// The host has stopped.
    #[error("the host has stopped")]
    Stopped,
    /// It was done, and is lost with the next start.
    #[error("it was done, but cannot be kept: {0}")]
    Keep(#[from] StateError),
}

impl SlmgrError {
    /// The lines that the script prints of it.
    pub fn text(&self, language: Language) -> String {
        match self {
            Self::Usage(error) => format!("{error}\n{}", kmspec_slmgr::usage(language)),
            Self::Refused(refusal) => match refusal.code() {
                Some(code) => result_line(language, code, &refusal.to_string()),
                None => refusal.to_string(),
            },
            other => other.to_string(),
        }
    }
}

impl Controls {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Changes the host's time of day, for connections that are open too.
    pub fn set_clock(&self, clock: Clock) {
        self.shared.host().set_clock(clock);
    }

    /// Does what a control verb says, and gives what it prints:
    /// - `clock SECONDS`: the host's time of day, in seconds since 1970-01-01 UTC, going on from there;
    /// - `activated yes|no`: whether the host itself is activated;
    /// - `counters`: prints the requests by license status, a name and a number a line;
    /// - `reset`: forgets whom it has counted;
    /// - `publish SUFFIX@IP:PORT`: the DNS server that takes its record from now on, and the zone;
    /// - `confirmation ID`: prints what the lab's telephone centre says to this installation id;
    /// - `unelevated LINE`: a command line of the licence manager, of somebody who is no administrator;
    /// - every other: the verb of the licence manager without its hyphen, by an administrator.
    ///
    /// # Errors
    /// There is no such verb, it does not take this value, or it is refused.
    pub async fn perform(&self, verb: &str, value: &str) -> Result<String, VerbError> {
        let wrong = |verb, wanted| VerbError::Value {
            verb,
            wanted,
            value: value.to_owned(),
        };
        match verb {
            "clock" => {
                let seconds: u64 = value.parse().map_err(|_| wrong("clock", "seconds"))?;
                let time = FileTime::from_unix_nanos(seconds.saturating_mul(1_000_000_000));
                self.set_clock(Clock::StartsAt(time));
                Ok(String::new())
            }
            "activated" => {
                let activated = match value {
                    "yes" => true,
                    "no" => false,
                    _ => return Err(wrong("activated", "yes or no")),
                };
                self.shared.host().set_activated(activated);
                Ok(String::new())
            }
            "counters" => Ok(lines(self.shared.host().counters())),
            "reset" => {
                self.shared.host().forget_clients();
                Ok(String::new())
            }
            "publish" => {
                let place = value.parse();
                let place = place.map_err(|_| wrong("publish", "SUFFIX@IP:PORT"))?;
                self.shared.place.send_replace(Some(place));
                Ok(String::new())
            }
            "confirmation" => {
                let id: InstallationId = value
                    .parse()
                    .map_err(|_| wrong("confirmation", "an installation id"))?;
                Ok(ConfirmationId::lab(&id).to_string())
            }
            "unelevated" => {
                let words: Vec<&str> = value.split_whitespace().collect();
                let said = self.slmgr(&words, false, Language::English).await;
                said.map_err(refused)
            }
            _ => self.verb(verb, value).await,
        }
    }

    /// A verb of the licence manager without its hyphen.
    async fn verb(&self, verb: &str, value: &str) -> Result<String, VerbError> {
        let name = match verb {
            "restart" => verb.to_owned(),
            _ => format!("-{verb}"),
        };
        let known = Role::of_verb(&name).filter(|role| *role != Role::Client);
        known.ok_or_else(|| VerbError::Unknown(verb.to_owned()))?;
        let words: Vec<&str> = [name.as_str(), value]
            .into_iter()
            .filter(|word| !word.is_empty())
            .collect();
        let said = self.slmgr(&words, true, Language::English).await;
        said.map_err(refused)
    }

    /// Does what a command line of the licence manager says, and gives what it prints.
    ///
    /// # Errors
    /// It says nothing that can be done, or is refused.
    pub async fn slmgr(
        &self,
        words: &[impl AsRef<str>],
        elevated: bool,
        language: Language,
    ) -> Result<String, SlmgrError> {
        let now = self.shared.now();
        let done = {
            let mut host = self.shared.host();
            let command = host.read_command(words)?;
            host.administer(now, elevated, &command)?
        };
        let notices = match done {
            Done::Shown(report) => return Ok(self.shared.host().print(&report, language)),
            Done::Said(notices) => notices,
            Done::Restart => vec![Notice::Restarted(self.restart().await?)],
        };
        self.shared.tell_published();
        self.shared.keep()?;
        let lines = notices.iter().map(|notice| notice.text(language) + "\n");
        Ok(lines.collect())
    }

    /// Restarts the service: connections end, and it listens where it is set to. Gives the port.
    async fn restart(&self) -> Result<u16, SlmgrError> {
        let mut address = self.shared.address();
        let wanted = self.shared.host().after_restart().port;
        let listener = match wanted.filter(|port| *port != address.port()) {
            None => None,
            Some(port) => {
                address.set_port(port);
                let listener = TcpListener::bind(address).await;
                Some(listener.map_err(|source| SlmgrError::Listen { address, source })?)
            }
        };
        self.shared.host().restart();
        self.shared.listens_on(address.port());
        let (done, over) = oneshot::channel();
        let restart = Restart { listener, done };
        if !self.shared.restart(restart) || over.await.is_err() {
            return Err(SlmgrError::Stopped);
        }
        Ok(address.port())
    }
}

fn refused(error: SlmgrError) -> VerbError {
    VerbError::Refused(match error {
        SlmgrError::Usage(error) => error.to_string(),
        other => other.text(Language::English),
    })
}

impl fmt::Debug for Controls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controls").finish_non_exhaustive()
    }
}

fn lines(counters: &Counters) -> String {
    let Counters {
        total,
        failed,
        unlicensed,
        licensed,
        oob_grace,
        oot_grace,
        non_genuine_grace,
        notification,
    } = counters;
    format!(
        "total {total}\nfailed {failed}\nunlicensed {unlicensed}\nlicensed {licensed}\noob-grace {oob_grace}\n\
         oot-grace {oot_grace}\nnon-genuine-grace {non_genuine_grace}\nnotification {notification}\n"
    )
}

#[cfg(test)]
mod tests {
    use crate::{LabHost, Settings};

    #[tokio::test]
    async fn verbs_that_cannot_be_done_say_why() {
        let host = LabHost::start(Settings::default()).await.unwrap();
        for (verb, value, wanted) in [
            ("clock", "1800000000", Ok("")),
            ("clock", "noon", Err("clock takes seconds, not \"noon\"")),
            ("activated", "no", Ok("")),
            ("activated", "", Err("activated takes yes or no, not \"\"")),
            ("nonsense", "", Err("there is no verb nonsense")),
            ("skms", "kms03", Err("there is no verb skms")),
            ("dli", "all", Err("-dli does not take \"all\"")),
            (
                "sai",
                "14",
                Err("-sai: \"14\" is no interval: intervals are 15 to 43200 minutes"),
            ),
            (
                "unelevated",
                "-sai 60",
                Err(
                    "Error: 0x80070005 Access denied: the requested action requires elevated privileges.",
                ),
            ),
            ("reset", "", Ok("")),
            ("publish", "a.test@127.0.0.1:9", Ok("")),
            (
                "publish",
                "a..test@127.0.0.1:9",
                Err("publish takes SUFFIX@IP:PORT, not \"a..test@127.0.0.1:9\""),
            ),
            (
                "confirmation",
                "1",
                Err("confirmation takes an installation id, not \"1\""),
            ),
        ] {
            let got = host.controls().perform(verb, value).await;
            let got = got.map_err(|error| error.to_string());
            assert_eq!(
                got.as_deref().map_err(String::as_str),
                wanted,
                "{verb} {value}"
            );
        }
        host.stop().await;
    }
}

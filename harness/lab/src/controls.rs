use std::fmt;
use std::sync::Arc;

use kmspec_model::{Clock, Counters};
use kmspec_wire::filetime::FileTime;
use thiserror::Error;

use crate::shared::Shared;

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
    /// - `counters`: prints the requests by license status, a name and a number a line.
    ///
    /// # Errors
    /// There is no such verb, or it does not take this value.
    pub fn perform(&self, verb: &str, value: &str) -> Result<String, VerbError> {
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
            _ => Err(VerbError::Unknown(verb.to_owned())),
        }
    }
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
        ] {
            let got = host.controls().perform(verb, value);
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

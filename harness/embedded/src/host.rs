use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use kmspec_lab::{Controls, LabHost, Listen, Settings, VerbError};
use kmspec_model::fault::Faults;
use kmspec_model::{Clock, Delivery};
use kmspec_runner::target::{Control, ControlError, Instance, Launch, LaunchError, Pending};
use kmspec_runner::{Target, free};
use kmspec_wire::filetime::FileTime;
use kmspec_wire::keys::KeySet;

/// The lab host, in this process, on a free loopback port.
#[derive(Clone, Debug, Default)]
pub struct Embedded {
    settings: Settings,
}

impl Embedded {
    /// One whose salts follow from the run's seed.
    pub fn seeded(seed: u64) -> Self {
        let mut settings = Settings::default();
        settings.host.seed = seed;
        Self { settings }
    }

    /// The same, at a time that stands still.
    #[must_use]
    pub fn at(mut self, time: FileTime) -> Self {
        self.settings.host.clock = Clock::Fixed(time);
        self
    }

    /// The same with deliberate defects.
    #[must_use]
    pub fn with_faults(mut self, faults: impl Into<Faults>) -> Self {
        self.settings.host.faults = faults.into();
        self
    }

    /// The same, which delivers its answers so.
    #[must_use]
    pub fn delivering(mut self, delivery: Delivery) -> Self {
        self.settings.host.delivery = delivery;
        self
    }

    /// It as a target, under the lab key set.
    pub fn target(self, name: impl Into<String>) -> Target {
        Target::launched(name, Arc::new(self), Arc::new(KeySet::lab()))
    }
}

impl Launch for Embedded {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        Box::pin(async {
            let mut settings = self.settings.clone();
            if let Ok(port) = free::port(Ipv4Addr::LOCALHOST.into()).await {
                settings.listen = Listen::Loopback(port);
            }
            let host = match LabHost::start(settings).await {
                // Somebody else was quicker.
                Err(_) => LabHost::start(self.settings.clone()).await,
                started => started,
            };
            let host = host.map_err(|error| LaunchError::Failed(error.to_string()))?;
            Ok(Box::new(Running(host)) as Box<dyn Instance>)
        })
    }
}

struct Running(LabHost);

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lab host at {}", self.0.address())
    }
}

impl Instance for Running {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn controls(&self) -> Option<Arc<dyn Control>> {
        Some(verbs(self.0.controls()))
    }

    fn stop(self: Box<Self>) -> Pending<'static, String> {
        Box::pin(async move {
            self.0.stop().await;
            String::new()
        })
    }
}

/// The control verbs of a lab host, for whoever starts one by itself.
pub fn verbs(controls: Controls) -> Arc<dyn Control> {
    Arc::new(Verbs(controls))
}

#[derive(Debug)]
struct Verbs(Controls);

impl Control for Verbs {
    fn control(&self, verb: &str, value: &str) -> Pending<'_, Result<String, ControlError>> {
        let (verb, value) = (verb.to_owned(), value.to_owned());
        Box::pin(async move {
            let outcome = self.0.perform(&verb, &value).await;
            outcome.map_err(|error| match error {
                VerbError::Unknown(verb) => ControlError::Unsupported(verb),
                VerbError::Value { .. } | VerbError::Refused(_) => {
                    ControlError::Failed(error.to_string())
                }
            })
        })
    }
}

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use kmspec_lab::{Controls, LabHost, Settings, VerbError};
use kmspec_model::Clock;
use kmspec_model::fault::Fault;
use kmspec_runner::target::{Control, ControlError, Instance, Launch, LaunchError, Pending};
use kmspec_wire::filetime::FileTime;

/// The lab host, in this process, on a free loopback port.
#[derive(Clone, Debug, Default)]
pub(crate) struct Embedded {
    settings: Settings,
}

impl Embedded {
    /// One whose salts follow from the run's seed.
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut settings = Settings::default();
        settings.host.seed = seed;
        Self { settings }
    }

    /// The same, at a time that stands still.
    pub(crate) fn at(mut self, time: FileTime) -> Self {
        self.settings.host.clock = Clock::Fixed(time);
        self
    }

    /// The same with a deliberate defect.
    pub(crate) fn with_fault(mut self, fault: Fault) -> Self {
        self.settings.host.faults = fault.into();
        self
    }
}

impl Launch for Embedded {
    fn start(&self) -> Pending<'_, Result<Box<dyn Instance>, LaunchError>> {
        Box::pin(async {
            let host = LabHost::start(self.settings.clone()).await;
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
        Some(Arc::new(Verbs(self.0.controls())))
    }

    fn stop(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(self.0.stop())
    }
}

/// The control verbs of a lab host.
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

//! The target while a campaign runs: started, looked after, started again.

mod process;

use std::net::SocketAddr;
use std::time::Duration;

use kmspec_runner::Target;
use kmspec_runner::target::{Instance, LaunchError, Origin};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

pub(crate) use process::Usage;

/// A target that is up, as far as anybody knows.
#[derive(Debug)]
pub(crate) struct Ground {
    target: Target,
    instance: Option<Box<dyn Instance>>,
    address: SocketAddr,
    process: Option<u32>,
}

impl Ground {
    /// Starts the target, or finds it.
    pub(crate) async fn up(target: Target) -> Result<Self, LaunchError> {
        let (instance, address) = match &target.origin {
            Origin::Address(address) => (None, *address),
            Origin::Launch(launch) => {
                let instance = launch.start().await?;
                let address = instance.address();
                (Some(instance), address)
            }
            Origin::Client(_) => {
                let problem = "it is a client, and only hosts are fuzzed".to_owned();
                return Err(LaunchError::Failed(problem));
            }
        };
        let mut ground = Self {
            target,
            instance,
            address,
            process: None,
        };
        ground.find_process();
        Ok(ground)
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn name(&self) -> &str {
        &self.target.name
    }

    /// How its process ended, if it is ours and has.
    pub(crate) fn ended(&self) -> Option<String> {
        self.instance.as_ref()?.ended()
    }

    /// Waits a moment for a process that is about to end.
    pub(crate) async fn has_ended(&self) {
        let until = Instant::now() + ENDING;
        while self.process.is_some() && self.instance.is_some() && self.ended().is_none() {
            if Instant::now() >= until {
                return;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// What it has written.
    pub(crate) fn log(&self) -> String {
        self.instance
            .as_ref()
            .map(|instance| instance.log())
            .unwrap_or_default()
    }

    /// What its process uses, where it is one of this machine that we may look at and not our own.
    pub(crate) fn usage(&self) -> Option<Usage> {
        process::usage(self.process?)
    }

    /// Whether it accepts connections. A full queue of connections is no crash: it is asked several times.
    pub(crate) async fn accepts(&self) -> bool {
        for _ in 0..5 {
            if self.ended().is_some() {
                return false;
            }
            let connecting = timeout(Duration::from_secs(1), TcpStream::connect(self.address));
            if matches!(connecting.await, Ok(Ok(_))) {
                return true;
            }
            sleep(Duration::from_millis(20)).await;
        }
        false
    }

    /// Starts it anew, or waits until somebody else has.
    pub(crate) async fn renew(&mut self, patience: Duration) -> Result<(), LaunchError> {
        if let Origin::Launch(launch) = self.target.origin.clone() {
            self.down().await;
            let instance = launch.start().await?;
            self.address = instance.address();
            self.instance = Some(instance);
        } else {
            let until = Instant::now() + patience;
            while !self.accepts().await {
                if Instant::now() >= until {
                    let problem =
                        format!("nothing accepts connections at {} any more", self.address);
                    return Err(LaunchError::Failed(problem));
                }
                sleep(Duration::from_millis(100)).await;
            }
        }
        self.find_process();
        Ok(())
    }

    fn find_process(&mut self) {
        let started = self
            .instance
            .as_ref()
            .and_then(|instance| instance.process());
        let process = process::listening(self.address, started);
        self.process = process.filter(|id| *id != std::process::id());
    }

    /// Stops it, if it is ours, and gives all that it wrote.
    pub(crate) async fn down(&mut self) -> String {
        match self.instance.take() {
            Some(instance) => instance.stop().await,
            None => String::new(),
        }
    }
}

/// How long a process may take to end once it accepts no more connections.
const ENDING: Duration = Duration::from_millis(500);

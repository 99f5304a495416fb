//! Where cases run: the instance that all share, and what becomes of it.

use std::net::SocketAddr;
use std::sync::Arc;

use kmspec_rules::Memory;

use crate::target::{Control, Instance, LaunchError, Origin, Target};

/// The instance that all cases share, unless they need a fresh one.
#[derive(Debug)]
pub(super) struct Place {
    /// How many instances, or recoveries, there were before this.
    pub(super) generation: u64,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Why it serves no longer, and cannot be started again.
    pub(super) dead: Option<String>,
    /// What was seen of this instance.
    pub(super) memory: Memory,
    instance: Option<Box<dyn Instance>>,
    log: String,
}

impl Place {
    /// Finds the target, or starts it.
    pub(super) async fn find(target: &Target) -> Result<Self, LaunchError> {
        let (address, instance) = match &target.origin {
            Origin::Address(address) => (*address, None),
            Origin::Launch(launch) => {
                let instance = launch.start().await?;
                (instance.address(), Some(instance))
            }
            Origin::Client(_) => return Err(LaunchError::NotOurs),
        };
        Ok(Self {
            generation: 0,
            address,
            dead: None,
            memory: Memory::default(),
            instance,
            log: String::new(),
        })
    }

    /// Starts the target anew, after stopping what may be left of it.
    ///
    /// # Errors
    /// It is not ours to start, or does not start.
    pub(super) async fn renew(&mut self, target: &Target) -> Result<(), LaunchError> {
        self.generation += 1;
        self.stop().await;
        let started = match &target.origin {
            Origin::Address(_) | Origin::Client(_) => Err(LaunchError::NotOurs),
            Origin::Launch(launch) => launch.start().await,
        };
        let instance = started?;
        self.address = instance.address();
        self.instance = Some(instance);
        self.memory = Memory::default();
        Ok(())
    }

    /// Stops it if it is ours, and keeps its log.
    pub(super) async fn stop(&mut self) {
        if let Some(instance) = self.instance.take() {
            self.log.push_str(&instance.stop().await);
        }
    }

    /// How the instance's settings can be changed, if they can.
    pub(super) fn controls(&self) -> Option<Arc<dyn Control>> {
        self.instance.as_ref()?.controls()
    }

    /// What the instances wrote.
    pub(super) fn log(&self) -> &str {
        &self.log
    }
}

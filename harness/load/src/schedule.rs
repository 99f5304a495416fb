//! When requests are due: stages with their levels, and arrivals that follow from them. No clock: times are nanoseconds
//! since the start of a run, the warm-up included.

mod arrivals;
mod stage;

pub use arrivals::{Arrivals, Due};
pub use stage::{Stage, StageError};

use std::time::Duration;

use crate::num::{SECOND, nanos};

/// The stages of a run, one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    stages: Vec<Stage>,
    warmup: Duration,
}

impl Schedule {
    /// These stages, after a warm-up at the level at which the first one begins.
    pub fn new(warmup: Duration, stages: &[Stage]) -> Self {
        let mut all = Vec::with_capacity(stages.len() + 1);
        if let Some(first) = stages.first().filter(|_| !warmup.is_zero()) {
            all.push(Stage {
                duration: warmup,
                from: first.from,
                to: first.from,
            });
        }
        all.extend_from_slice(stages);
        Self {
            stages: all,
            warmup,
        }
    }

    /// When the warm-up ends, in nanoseconds.
    pub fn measured_from(&self) -> u64 {
        nanos(self.warmup)
    }

    /// When the last stage ends, in nanoseconds.
    pub fn end(&self) -> u64 {
        self.stages
            .iter()
            .map(|stage| nanos(stage.duration))
            .fold(0, u64::saturating_add)
    }

    /// How many requests are due in all, warm-up included, if the levels are rates.
    pub fn expected(&self) -> f64 {
        self.stages.iter().map(Stage::area).sum()
    }

    /// The level at a time in nanoseconds: requests a second, or connections. 0 after the end.
    pub fn level(&self, at: u64) -> f64 {
        let mut left = at;
        for stage in &self.stages {
            let length = nanos(stage.duration);
            if left < length {
                return stage.level(crate::num::float(left) / crate::num::float(SECOND));
            }
            left -= length;
        }
        0.0
    }

    /// When requests are due, the levels being rates.
    pub fn arrivals(&self, arrivals: Arrivals, seed: u64) -> Due {
        Due::new(self.stages.clone(), arrivals, seed)
    }
}

#[cfg(test)]
mod tests;

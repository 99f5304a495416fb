use std::fmt;
use std::vec;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::Stage;
use crate::num::{SECOND, count, float, nanos};

/// How requests follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// As those of many clients that know nothing of each other: distances are exponential.
    Poisson,
}

impl fmt::Display for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Constant => "constant",
            Self::Poisson => "poisson",
        })
    }
}

/// The times at which requests are due, in nanoseconds since the start, in order.
///
/// The stages' rates are summed up over time; the n-th request is due when that sum reaches n, or the sum of n
/// exponential distances.
#[derive(Clone, Debug)]
pub struct Due {
    stages: vec::IntoIter<Stage>,
    present: Option<Stage>,
    /// When the present stage began.
    began: u64,
    /// How much of the sum the present stage has used up.
    area: f64,
    random: Option<ChaCha8Rng>,
}

impl Due {
    pub(super) fn new(stages: Vec<Stage>, arrivals: Arrivals, seed: u64) -> Self {
        let mut stages = stages.into_iter();
        let mut due = Self {
            present: stages.next(),
            stages,
            began: 0,
            area: 0.0,
            random: match arrivals {
                Arrivals::Constant => None,
                Arrivals::Poisson => Some(ChaCha8Rng::seed_from_u64(seed)),
            },
        };
        if due.random.is_some() {
            due.area = due.distance();
        }
        due
    }

    fn distance(&mut self) -> f64 {
        self.random.as_mut().map_or(1.0, |random| {
            let uniform: f64 = random.random();
            -(1.0 - uniform).ln()
        })
    }
}

impl Iterator for Due {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        loop {
            let stage = self.present?;
            let whole = stage.area();
            if self.area < whole {
                let due = self.began + count(stage.when(self.area) * float(SECOND));
                self.area += self.distance();
                return Some(due);
            }
            self.area -= whole;
            self.began = self.began.saturating_add(nanos(stage.duration));
            self.present = self.stages.next();
        }
    }
}

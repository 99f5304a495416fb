use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A stretch of a run, in which the level goes evenly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Stage {
    /// How long it takes.
    pub duration: Duration,
    /// The level at its start: requests a second, or connections.
    pub from: f64,
    /// The level at its end.
    pub to: f64,
}

/// Why a text is no stage.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a stage is DURATION@LEVEL or DURATION@FROM..TO, as in 30s@100..1000, not {0:?}")]
pub struct StageError(String);

impl Stage {
    /// A stage at one level.
    pub const fn flat(duration: Duration, level: f64) -> Self {
        Self {
            duration,
            from: level,
            to: level,
        }
    }

    /// The level so many seconds after its start.
    pub(super) fn level(&self, seconds: f64) -> f64 {
        let part = seconds / self.duration.as_secs_f64();
        (self.to - self.from).mul_add(part, self.from)
    }

    /// How many requests are due in it, if the level is a rate.
    pub(super) fn area(&self) -> f64 {
        f64::midpoint(self.from, self.to) * self.duration.as_secs_f64()
    }

    /// After how many seconds `area` requests were due; `area` is less than that of the stage.
    pub(super) fn when(&self, area: f64) -> f64 {
        let slope = (self.to - self.from) / self.duration.as_secs_f64();
        // area = from * t + slope / 2 * t^2, solved in the form that stays exact where the slope is small.
        let root = slope
            .mul_add(2.0 * area, self.from * self.from)
            .max(0.0)
            .sqrt();
        let seconds = if area <= 0.0 {
            0.0
        } else {
            2.0 * area / (self.from + root)
        };
        seconds.clamp(0.0, self.duration.as_secs_f64())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { duration, from, to } = self;
        write!(f, "{}@{from}", Seconds(*duration))?;
        if (to - from).abs() > 0.0 {
            write!(f, "..{to}")?;
        }
        Ok(())
    }
}

/// A duration in seconds or, where it has a fraction of one, in milliseconds.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.subsec_nanos() {
            0 => write!(f, "{}s", self.0.as_secs()),
            _ => write!(f, "{}ms", self.0.as_secs_f64() * 1000.0),
        }
    }
}

impl FromStr for Stage {
    type Err = StageError;

    fn from_str(text: &str) -> Result<Self, StageError> {
        let parse = || {
            let (duration, levels) = text.split_once('@')?;
            let (from, to) = levels.split_once("..").unwrap_or((levels, levels));
            let (from, to): (f64, f64) = (from.parse().ok()?, to.parse().ok()?);
            let sane = |level: f64| (0.0..=MOST).contains(&level);
            let duration = seconds(duration)?;
            (sane(from) && sane(to) && from + to > 0.0).then_some(Self { duration, from, to })
        };
        parse().ok_or_else(|| StageError(text.to_owned()))
    }
}

/// Highest level: more requests a second than a network card has packets.
const MOST: f64 = 1e8;

fn seconds(text: &str) -> Option<Duration> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let unit = match unit {
        "ms" => 0.001,
        "s" | "" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let number: f64 = number.parse().ok()?;
    let duration = Duration::try_from_secs_f64(number * unit).ok()?;
    (!duration.is_zero()).then_some(duration)
}

impl TryFrom<String> for Stage {
    type Error = StageError;

    fn try_from(text: String) -> Result<Self, StageError> {
        text.parse()
    }
}

impl From<Stage> for String {
    fn from(stage: Stage) -> Self {
        stage.to_string()
    }
}

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use kmspec_wire::filetime::FileTime;

/// A client's clock: it may start at another time and run faster than that of the machine.
#[derive(Clone, Copy, Debug)]
pub struct ClientClock {
    started: Instant,
    at: FileTime,
    speed: u32,
}

impl ClientClock {
    /// The clock of the machine.
    pub fn system() -> Self {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let nanos = u64::try_from(since.as_nanos()).unwrap_or(u64::MAX);
        Self::starting_at(FileTime::from_unix_nanos(nanos))
    }

    /// A clock that shows this time now.
    pub fn starting_at(at: FileTime) -> Self {
        Self {
            started: Instant::now(),
            at,
            speed: 1,
        }
    }

    /// The same, running so many times as fast.
    #[must_use]
    pub fn times(self, speed: u32) -> Self {
        let at = self.now();
        Self {
            speed: speed.max(1),
            ..Self::starting_at(at)
        }
    }

    /// The time it shows.
    pub fn now(&self) -> FileTime {
        let passed = self.started.elapsed().saturating_mul(self.speed);
        self.at
            .plus(u64::try_from(passed.as_nanos() / 100).unwrap_or(u64::MAX))
    }

    /// How long until it shows this time; nothing if it does already.
    pub fn until(&self, time: FileTime) -> Duration {
        let units = time.minus(self.now().0).0;
        Duration::from_nanos(units.saturating_mul(100)) / self.speed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_clock_waits_less() {
        let start = FileTime(134_398_416_170_000_000);
        let clock = ClientClock::starting_at(start).times(3600);
        let wait = clock.until(start.plus(2 * FileTime::HOUR));
        assert!(
            wait <= Duration::from_secs(2) && wait > Duration::from_secs(1),
            "{wait:?}"
        );
        assert_eq!(clock.until(start), Duration::ZERO);
        assert!(clock.now() >= start);
    }
}

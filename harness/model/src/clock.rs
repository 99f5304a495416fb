use kmspec_wire::filetime::FileTime;

/// Where the host's time of day comes from. Deadlines always follow the caller's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// The time the caller gives.
    #[default]
    Given,
    /// This time at the first event, running as fast as the caller's.
    StartsAt(FileTime),
    /// Always this time.
    Fixed(FileTime),
}

/// A clock at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Running {
    clock: Clock,
    first: Option<FileTime>,
}

impl Running {
    pub(crate) const fn new(clock: Clock) -> Self {
        Self { clock, first: None }
    }

    /// The host's time when the caller's is `now`.
    pub(crate) fn at(&mut self, now: FileTime) -> FileTime {
        match self.clock {
            Clock::Given => now,
            Clock::Fixed(time) => time,
            Clock::StartsAt(start) => {
                let first = *self.first.get_or_insert(now);
                start.plus(now.minus(first.0).0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_clock_tells_its_own_time() {
        let (early, late, start) = (FileTime(1000), FileTime(1500), FileTime(7));
        for (clock, expected) in [
            (Clock::Given, [early, late]),
            (Clock::Fixed(start), [start, start]),
            (Clock::StartsAt(start), [start, FileTime(507)]),
        ] {
            let mut clock = Running::new(clock);
            assert_eq!([clock.at(early), clock.at(late)], expected);
        }
    }
}

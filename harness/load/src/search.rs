//! The highest rate at which a goal is met: doubled until it is missed, then halved in between. No clock and no socket;
//! whoever asks carries out the trials.

/// A search under way.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// The highest rate that met the goal.
    met: Option<f64>,
    /// The lowest that did not.
    missed: Option<f64>,
    next: f64,
    left: u32,
    ceiling: f64,
}

/// Where two rates are so close together that the search ends: 5 %.
pub const CLOSE: f64 = 1.05;
/// Lowest rate that is tried, in requests a second.
pub const LOWEST: f64 = 10.0;

impl Search {
    /// A search that begins at `start` requests a second, goes no higher than `ceiling`, and takes at most so many trials.
    pub fn new(start: f64, ceiling: f64, trials: u32) -> Self {
        Self {
            met: None,
            missed: None,
            next: start.clamp(LOWEST, ceiling.max(LOWEST)),
            left: trials,
            ceiling: ceiling.max(LOWEST),
        }
    }

    /// The rate to try next, unless the search is through.
    pub fn next(&self) -> Option<f64> {
        let close = match (self.met, self.missed) {
            (Some(met), Some(missed)) => missed / met <= CLOSE,
            (Some(met), None) => met >= self.ceiling,
            (None, Some(missed)) => missed <= LOWEST,
            (None, None) => false,
        };
        (self.left > 0 && !close).then_some(self.next)
    }

    /// Tells whether the goal was met at [`Self::next`].
    pub fn tell(&mut self, met: bool) {
        self.left = self.left.saturating_sub(1);
        if met {
            self.met = Some(self.next);
        } else {
            self.missed = Some(self.next);
        }
        self.next = match (self.met, self.missed) {
            // Halfway as people see rates, that is by their ratio.
            (Some(met), Some(missed)) => (met * missed).sqrt(),
            (Some(met), None) => (met * 2.0).min(self.ceiling),
            (None, Some(missed)) => (missed / 4.0).max(LOWEST),
            (None, None) => self.next,
        };
    }

    /// The highest rate that met the goal so far.
    pub const fn highest(&self) -> Option<f64> {
        self.met
    }

    /// The lowest that did not.
    pub const fn missed(&self) -> Option<f64> {
        self.missed
    }
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    fn find(capacity: f64, start: f64, ceiling: f64) -> (Search, u32) {
        let mut search = Search::new(start, ceiling, 40);
        let mut trials = 0;
        while let Some(rate) = search.next() {
            trials += 1;
            assert!((LOWEST..=ceiling).contains(&rate), "{rate}");
            search.tell(rate <= capacity);
        }
        (search, trials)
    }

    #[test]
    fn any_capacity_is_found_to_five_percent() {
        arbtest(|u| {
            let capacity = f64::from(u.int_in_range(11..=2_000_000)?);
            let start = f64::from(u.int_in_range(1..=1_000_000)?);
            let (search, trials) = find(capacity, start, 1e7);
            let highest = search.highest().unwrap();
            assert!(
                highest <= capacity && capacity <= highest * CLOSE,
                "{search:?}"
            );
            assert!(trials <= 30, "{trials}");
            Ok(())
        });
    }

    #[test]
    fn a_goal_that_is_never_met_or_always_ends_the_search() {
        let (never, trials) = find(0.0, 1000.0, 1e6);
        assert_eq!(
            (never.highest(), never.missed(), trials),
            (None, Some(LOWEST), 5)
        );
        let (always, _) = find(1e9, 1000.0, 5000.0);
        assert_eq!((always.highest(), always.missed()), (Some(5000.0), None));
    }

    #[test]
    fn trials_have_a_bound() {
        let mut search = Search::new(100.0, 1e9, 3);
        for _ in 0..3 {
            assert!(search.next().is_some());
            search.tell(true);
        }
        assert_eq!((search.next(), search.highest()), (None, Some(400.0)));
    }
}

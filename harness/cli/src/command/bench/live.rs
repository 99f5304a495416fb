//! How a run is getting on: a line that changes on a terminal, a line now and then elsewhere.

use std::io::{IsTerminal, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use kmspec_load::outcome::Second;
use kmspec_load::report::text;
use kmspec_load::{Plan, Watch};

use crate::output::tell;

pub(super) struct Live {
    /// Nothing is shown on it unless standard error is a terminal.
    bar: ProgressBar,
    /// Elsewhere every so many seconds have a line.
    every: Option<u64>,
}

/// How many lines a run has at most.
const LINES: u64 = 10;

impl Live {
    pub(super) fn new(plan: &Plan) -> Self {
        let schedule = plan.schedule();
        let seconds = Duration::from_nanos(schedule.end() - schedule.measured_from()).as_secs();
        if !stderr().is_terminal() {
            return Self {
                bar: ProgressBar::hidden(),
                every: Some(seconds.div_ceil(LINES).max(1)),
            };
        }
        let bar = ProgressBar::new(seconds);
        let style = ProgressStyle::with_template("{elapsed:>4} {bar:20} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message("warming up");
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, every: None }
    }

    /// Makes room for what else is to be written.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Live {
    fn second(&self, second: &Second) {
        match self.every {
            Some(every) if (second.second + 1).is_multiple_of(every) => tell(text::second(second)),
            Some(_) => {}
            None => {
                self.bar.set_position(second.second + 1);
                self.bar.set_message(text::second(second));
            }
        }
    }
}

use std::io::{IsTerminal, stderr};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use kmspec_runner::plan::Planned;
use kmspec_runner::{Observer, Row, Verdict};

use crate::output::tell;

/// Shows on standard error how a run is getting on: a bar on a terminal, a line now and then elsewhere.
pub(crate) struct Progress {
    /// Nothing is shown on it unless standard error is a terminal.
    bar: ProgressBar,
    lines: bool,
    total: AtomicUsize,
    judged: Mutex<Judged>,
}

#[derive(Default)]
struct Judged {
    rows: usize,
    broken: usize,
}

/// How many lines a run has at most.
const LINES: usize = 10;

impl Progress {
    /// For a run that is about to begin.
    pub(crate) fn new() -> Self {
        let terminal = stderr().is_terminal();
        let bar = if terminal {
            ProgressBar::no_length()
        } else {
            ProgressBar::hidden()
        };
        let form = "{elapsed:>4} {bar:30} {pos}/{len}  {msg}";
        let style =
            ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self {
            bar,
            lines: !terminal,
            total: AtomicUsize::new(0),
            judged: Mutex::default(),
        }
    }

    /// Makes room for what else is to be written.
    pub(crate) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Progress {
    fn began(&self, total: usize) {
        self.total.store(total, Ordering::Relaxed);
        self.bar
            .set_length(u64::try_from(total).unwrap_or(u64::MAX));
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn started(&self, planned: &Planned) {
        self.bar.set_message(planned.id.clone());
    }

    fn finished(&self, row: &Row) {
        self.bar.inc(1);
        let total = self.total.load(Ordering::Relaxed);
        let Ok(mut judged) = self.judged.lock() else {
            return;
        };
        judged.rows += 1;
        judged.broken += usize::from(matches!(row.verdict, Verdict::Fail | Verdict::Error));
        if self.lines && judged.rows % total.div_ceil(LINES).max(1) == 0 {
            tell(format_args!(
                "{} of {total} judged, {} failed or in error",
                judged.rows, judged.broken
            ));
        }
    }
}

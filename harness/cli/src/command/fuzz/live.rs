use std::io::{IsTerminal, stderr};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use kmspec_campaign::{Finding, Progress, Watch};

use crate::output::tell;

/// Shows on standard error how a campaign is getting on: a line that changes on a terminal, a line now and then elsewhere.
pub(super) struct Live {
    bar: ProgressBar,
    lines: bool,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    line: Option<Duration>,
    executions: u64,
    elapsed: Duration,
    rate: u64,
}

/// Between two lines of a log.
const BETWEEN: Duration = Duration::from_secs(10);

impl Live {
    pub(super) fn new() -> Self {
        let terminal = stderr().is_terminal();
        let bar = if terminal {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        let style = ProgressStyle::with_template("{spinner} {elapsed:>4} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        if terminal {
            bar.enable_steady_tick(Duration::from_millis(200));
        }
        Self {
            bar,
            lines: !terminal,
            last: Mutex::default(),
        }
    }

    /// Makes room for what else is to be written.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        if self.lines {
            tell(line);
        } else {
            self.bar.println(line);
        }
    }
}

impl Watch for Live {
    fn progress(&self, progress: &Progress) {
        let Ok(mut last) = self.last.lock() else {
            return;
        };
        let since = progress.elapsed.saturating_sub(last.elapsed);
        if since >= Duration::from_secs(1) {
            last.rate = super::rate(progress.executions - last.executions, since);
            (last.executions, last.elapsed) = (progress.executions, progress.elapsed);
        }
        let Progress {
            elapsed,
            executions,
            corpus,
            features,
            states,
            findings,
            since_news,
            doing,
        } = progress;
        let text = format!(
            "{executions} sessions, {}/s, {features} features, corpus {corpus}, {states} states, {findings} found, \
             news {} s ago{}",
            last.rate,
            since_news.as_secs(),
            doing
                .as_ref()
                .map(|doing| format!("; {doing}"))
                .unwrap_or_default()
        );
        if !self.lines {
            self.bar.set_message(text);
        } else if last.line.is_none_or(|line| *elapsed >= line + BETWEEN) {
            last.line = Some(*elapsed);
            tell(format_args!("{:>6.1} s  {text}", elapsed.as_secs_f64()));
        }
    }

    fn found(&self, finding: &Finding, folder: &Path) {
        let facts = &finding.facts;
        self.say(&format!(
            "found {} ({}): {}: {}",
            facts.kind,
            facts.standing.name(),
            facts.about,
            folder.display()
        ));
    }

    fn note(&self, text: &str) {
        self.say(text);
    }
}

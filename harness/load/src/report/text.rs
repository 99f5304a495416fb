//! For people, in a terminal.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Nanos, Number};
use crate::bottleneck::Bottleneck;
use crate::measure::{Latencies, PERCENTILES};
use crate::num::{count, float};
use crate::outcome::Outcome;
use crate::plan::{Pattern, Plan, Reuse};
use crate::schedule::Stage;

/// The whole report.
pub fn report(outcome: &Outcome) -> String {
    let mut text = String::new();
    head(&mut text, outcome);
    counts(&mut text, outcome);
    latencies(&mut text, outcome);
    generator(&mut text, outcome);
    text
}

/// What a plan does, in a line.
pub fn plan(plan: &Plan) -> String {
    let stages = stages(&plan.stages);
    let how = match plan.pattern {
        Pattern::Closed => format!("closed loop, connections {stages}"),
        Pattern::Open(arrivals) => format!(
            "open loop, {arrivals} arrivals, requests/s {stages}, at most {} connections",
            plan.connections
        ),
    };
    let reuse = match plan.reuse {
        Reuse::Kept => "connections kept",
        Reuse::New => "a new connection per request",
    };
    let mix = &plan.mix;
    format!(
        "{how}; {reuse}; pipeline {}; {}, {}, fragments {}; {} clients; {} % verified; seed {}",
        plan.pipeline,
        mix.versions,
        mix.syntaxes,
        mix.fragments,
        Number(crate::num::wide(plan.clients)),
        plan.verify * 100.0,
        plan.seed
    )
}

/// More stages than this are not told one by one: those of a fleet's week are 26.
const FEW_STAGES: usize = 8;

fn stages(stages: &[Stage]) -> String {
    if stages.len() <= FEW_STAGES {
        let each: Vec<String> = stages.iter().map(ToString::to_string).collect();
        return each.join(" ");
    }
    let time: Duration = stages.iter().map(|stage| stage.duration).sum();
    let levels = || stages.iter().flat_map(|stage| [stage.from, stage.to]);
    format!(
        "{:.0} to {:.0} in {} stages of {:.1} s together",
        levels().fold(f64::INFINITY, f64::min),
        levels().fold(0.0, f64::max),
        stages.len(),
        time.as_secs_f64()
    )
}

fn head(text: &mut String, outcome: &Outcome) {
    let _ = writeln!(text, "target       {}", outcome.target);
    let _ = writeln!(text, "plan         {}", plan(&outcome.plan));
    let runs = match outcome.runs {
        1 => String::new(),
        runs => format!(", {runs} runs merged"),
    };
    let early = if outcome.interrupted {
        ", ended before its time"
    } else {
        ""
    };
    let _ = writeln!(text, "measured     {:.2} s{runs}{early}", outcome.seconds());
}

fn counts(text: &mut String, outcome: &Outcome) {
    let counts = &outcome.total.counts;
    let octets = float(counts.octets_in + counts.octets_out) / outcome.seconds();
    let _ = writeln!(
        text,
        "throughput   {} answers/s, {:.1} MB/s",
        Number(count(outcome.throughput().round())),
        octets / 1e6
    );
    let _ = writeln!(
        text,
        "requests     {} due, {} sent, {} answered, {} verified, {} late, {} dropped",
        Number(counts.due),
        Number(counts.sent),
        Number(counts.answered),
        Number(counts.verified),
        Number(counts.late),
        Number(counts.dropped)
    );
    let _ = writeln!(
        text,
        "errors       {} ({:.3} %)",
        Number(outcome.errors()),
        outcome.error_rate() * 100.0
    );
    for (class, times) in &counts.errors {
        let _ = writeln!(
            text,
            "  {:10} {:>12}  {}",
            class.name(),
            Number(*times).to_string(),
            class.meaning()
        );
    }
    if counts.dropped > 0 {
        let _ = writeln!(
            text,
            "  {:10} {:>12}  never sent: {} were waiting already",
            "dropped",
            Number(counts.dropped).to_string(),
            Number(crate::num::wide(outcome.plan.backlog))
        );
    }
}

/// Both latencies side by side, each percentile with the number of answers that took longer.
fn latencies(text: &mut String, outcome: &Outcome) {
    let (corrected, uncorrected) = (&outcome.total.corrected, &outcome.total.uncorrected);
    if corrected.count() == 0 {
        return;
    }
    if outcome.is_open() {
        let _ = writeln!(text, "\nlatency         corrected  uncorrected      longer");
    } else {
        let _ = writeln!(
            text,
            "\nlatency         of answers                   longer"
        );
    }
    let row =
        |text: &mut String, name: &str, of: &dyn Fn(&Latencies) -> Nanos, longer: Option<u64>| {
            let second = if outcome.is_open() {
                of(uncorrected).to_string()
            } else {
                String::new()
            };
            let longer = longer.map_or_else(String::new, |longer| Number(longer).to_string());
            let line = format!(
                "  {name:10} {:>12} {second:>12} {longer:>11}",
                of(corrected)
            );
            let _ = writeln!(text, "{}", line.trim_end());
        };
    row(text, "min", &|l| Nanos::of(l.min()), None);
    row(text, "mean", &|l| Nanos(l.mean()), None);
    for percentile in PERCENTILES {
        let name = match percentile {
            100.0 => "max".to_owned(),
            percentile => format!("p{percentile}"),
        };
        let longer = corrected.longer_than(corrected.percentile(percentile));
        row(
            text,
            &name,
            &|l| Nanos::of(l.percentile(percentile)),
            Some(longer),
        );
    }
    let note = if outcome.is_open() {
        "corrected: from when a request was due; uncorrected: from when it was sent; longer: answers that took longer"
    } else {
        "closed loop: a slow answer delays the next request, which these figures do not show"
    };
    let _ = writeln!(text, "  {note}");
}

fn generator(text: &mut String, outcome: &Outcome) {
    let busy = outcome.generator.busy_words();
    let _ = write!(text, "\ngenerator    threads busy {busy}");
    if outcome.is_open() {
        let late = &outcome.lateness;
        let _ = write!(
            text,
            "; requests handed out late by p50 {}, p99 {}, max {}",
            Nanos::of(late.percentile(50.0)),
            Nanos::of(late.percentile(99.0)),
            Nanos::of(late.max())
        );
    }
    let load =
        |load: Option<f64>| load.map_or_else(|| "unknown".to_owned(), |load| format!("{load:.2}"));
    let machine = &outcome.machine;
    let _ = writeln!(
        text,
        "\nmachine      {} cores; load {} before, {} after",
        machine.cores,
        load(machine.load_before),
        load(machine.load_after)
    );
    for bottleneck in Bottleneck::of(outcome) {
        let _ = writeln!(text, "NOT JUDGED   {bottleneck}");
    }
}

/// What a second brought, in a line.
pub fn second(second: &crate::outcome::Second) -> String {
    if second.counts.answered == 0 {
        let errors = second.counts.failed() + second.counts.dropped;
        return format!(
            "{:>4} s  no answers, {} errors",
            second.second + 1,
            Number(errors)
        );
    }
    format!(
        "{:>4} s  {:>9} answers/s  p50 {:>8}  p99 {:>8}  max {:>8}  {} errors",
        second.second + 1,
        Number(second.counts.answered).to_string(),
        Nanos::of(second.p50_ns).to_string(),
        Nanos::of(second.p99_ns).to_string(),
        Nanos::of(second.max_ns).to_string(),
        Number(second.counts.failed() + second.counts.dropped)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ErrorClass;
    use crate::report::sample;

    #[test]
    fn an_open_loop_reports_both_latencies() {
        insta::assert_snapshot!("open", report(&sample::outcome()));
    }

    #[test]
    fn the_many_stages_of_a_week_are_told_in_short() {
        let week = crate::fleet::stages(Duration::from_secs(7), 200.0);
        let told = stages(&week);
        assert_eq!(told, "4 to 200 in 26 stages of 7.0 s together");
        assert_eq!(stages(&week[..1]), week[0].to_string());
    }

    #[test]
    fn a_closed_loop_says_what_it_does_not_show() {
        let mut outcome = sample::outcome();
        outcome.plan.pattern = Pattern::Closed;
        insta::assert_snapshot!("closed", report(&outcome));
    }

    #[test]
    fn errors_and_bottlenecks_are_told() {
        let mut outcome = sample::outcome();
        outcome.interrupted = true;
        outcome.runs = 2;
        let counts = &mut outcome.total.counts;
        counts.errors.insert(ErrorClass::Timeout, 12);
        counts.errors.insert(ErrorClass::Ports, 1234);
        counts.dropped = 5;
        counts.late = counts.due / 2;
        insta::assert_snapshot!("errors", report(&outcome));
    }

    #[test]
    fn nothing_measured_has_no_latencies() {
        let mut outcome = sample::outcome();
        outcome.total = crate::measure::Interval::default();
        let text = report(&outcome);
        assert!(!text.contains("latency"), "{text}");
    }
}

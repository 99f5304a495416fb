//! One page that needs nothing else: figures, plots of latency and throughput over time, the curve of percentiles.

mod plot;

use std::fmt::Write as _;

use super::{Nanos, Number, text};
use crate::bottleneck::Bottleneck;
use crate::measure::{Latencies, PERCENTILES};
use crate::num::{count, float};
use crate::outcome::{Outcome, Second};
use plot::{Axis, Line, Plot, Scale};

/// The page.
pub fn page(outcome: &Outcome) -> String {
    let mut page = String::with_capacity(64 * 1024);
    let title = format!("kmspec bench of {}", escaped(&outcome.target));
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<p>{}</p>\n",
        escaped(&text::plan(&outcome.plan))
    );
    notices(&mut page, outcome);
    page.push_str("</header>\n<main>\n");
    figures(&mut page, outcome);
    plots(&mut page, outcome);
    percentiles(&mut page, outcome);
    errors(&mut page, outcome);
    seconds(&mut page, &outcome.series);
    page.push_str("</main>\n");
    let _ = write!(
        page,
        "<footer><p>kmspec {}</p></footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    );
    page
}

fn notices(page: &mut String, outcome: &Outcome) {
    for bottleneck in Bottleneck::of(outcome) {
        let _ = writeln!(page, "<p class=\"bad\">Not judged: {bottleneck}.</p>");
    }
    if outcome.interrupted {
        page.push_str("<p class=\"bad\">The run was ended before its time.</p>\n");
    }
    if !outcome.is_open() {
        page.push_str(
            "<p>Closed loop: a slow answer delays the next request, which latencies of such a run do not show.</p>\n",
        );
    }
}

fn figures(page: &mut String, outcome: &Outcome) {
    let counts = &outcome.total.counts;
    let corrected = &outcome.total.corrected;
    page.push_str("<dl class=\"figures\">\n");
    let mut figure = |name: &str, value: String| {
        let _ = writeln!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    };
    figure(
        "answers a second",
        Number(count(outcome.throughput().round())).to_string(),
    );
    figure("answers", Number(counts.answered).to_string());
    figure(
        "errors",
        format!(
            "{} ({:.3} %)",
            Number(outcome.errors()),
            outcome.error_rate() * 100.0
        ),
    );
    for percentile in [50.0, 99.0, 99.99] {
        figure(
            &format!("p{percentile}"),
            Nanos::of(corrected.percentile(percentile)).to_string(),
        );
    }
    figure("max", Nanos::of(corrected.max()).to_string());
    figure(
        "late, dropped",
        format!("{}, {}", Number(counts.late), Number(counts.dropped)),
    );
    figure("generator busy", outcome.generator.busy_words());
    figure("measured", format!("{:.1} s", outcome.seconds()));
    page.push_str("</dl>\n");
}

fn plots(page: &mut String, outcome: &Outcome) {
    for plot in [over_time(outcome), answers(outcome), curve(outcome)] {
        page.push_str(&plot.svg());
    }
}

/// A line of a figure by seconds.
fn by_second(
    series: &[Second],
    name: &'static str,
    class: &'static str,
    of: fn(&Second) -> f64,
) -> Line {
    let point = |second: &Second| (float(second.second), of(second));
    Line::new(name, class, series.iter().map(point).collect()).by_ones()
}

fn seconds_axis(series: &[Second]) -> Axis {
    let last = series.last().map_or(1, |second| second.second.max(1));
    Axis {
        label: "seconds",
        scale: Scale::Linear {
            from: 0.0,
            to: float(last),
        },
        show: |value| format!("{value}"),
    }
}

fn latency_axis(lines: &[Line]) -> Axis {
    Axis {
        label: "latency",
        scale: Scale::around(lines),
        show: |value| Nanos(value).to_string(),
    }
}

fn over_time(outcome: &Outcome) -> Plot {
    // A second without answers has no latency; a line through 0 would say that it was the best of all.
    let some = outcome
        .series
        .iter()
        .filter(|second| second.counts.answered > 0);
    let series = &some.cloned().collect::<Vec<Second>>();
    let lines = vec![
        by_second(series, "max", "c4", |s| float(s.max_ns)),
        by_second(series, "p99", "c2", |s| float(s.p99_ns)),
        by_second(series, "p50", "c1", |s| float(s.p50_ns)),
    ];
    Plot {
        title: "Latency by second",
        x: seconds_axis(&outcome.series),
        y: latency_axis(&lines),
        lines,
    }
}

fn answers(outcome: &Outcome) -> Plot {
    let series = &outcome.series;
    let mut lines = vec![
        by_second(series, "answers", "c1", |s| float(s.counts.answered)),
        by_second(series, "errors", "c4", |s| {
            float(s.counts.failed() + s.counts.dropped)
        }),
    ];
    if outcome.is_open() {
        lines.insert(0, by_second(series, "planned", "c3", |s| s.level));
    }
    let points = lines.iter().flat_map(|line| &line.points);
    let top = points.map(|point| point.1).fold(1.0, f64::max);
    Plot {
        title: "Answers and errors by second",
        x: seconds_axis(series),
        y: Axis {
            label: "a second",
            scale: Scale::Linear {
                from: 0.0,
                to: top * 1.05,
            },
            show: |value| Number(count(value.round())).to_string(),
        },
        lines,
    }
}

fn curve(outcome: &Outcome) -> Plot {
    let total = &outcome.total;
    let mut lines = vec![Line::new("corrected", "c1", total.corrected.nines(200))];
    if outcome.is_open() {
        lines.push(Line::new("uncorrected", "c3", total.uncorrected.nines(200)));
    }
    Plot {
        title: "Latency by percentile",
        x: Axis {
            label: "percentile",
            scale: Scale::Linear { from: 0.0, to: 5.0 },
            show: |nines| format!("{}", 100.0 - 100.0 / 10f64.powf(nines)),
        },
        y: latency_axis(&lines),
        lines,
    }
}

fn percentiles(page: &mut String, outcome: &Outcome) {
    let (corrected, uncorrected) = (&outcome.total.corrected, &outcome.total.uncorrected);
    page.push_str(
        "<h2>Percentiles</h2>\n<p>Corrected counts from when a request was due, uncorrected from when it was sent.</p>\n\
         <div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">percentile</th><th scope=\"col\">corrected</th>\
         <th scope=\"col\">uncorrected</th><th scope=\"col\">answers that took longer</th></tr></thead>\n<tbody>\n",
    );
    let value = |latencies: &Latencies, percentile| Nanos::of(latencies.percentile(percentile));
    for percentile in PERCENTILES {
        let longer = corrected.longer_than(corrected.percentile(percentile));
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{percentile}</th><td>{}</td><td>{}</td><td>{}</td></tr>",
            value(corrected, percentile),
            value(uncorrected, percentile),
            Number(longer)
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn errors(page: &mut String, outcome: &Outcome) {
    let counts = &outcome.total.counts;
    if outcome.errors() == 0 {
        return;
    }
    page.push_str(
        "<h2>Errors</h2>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">class</th><th scope=\"col\">times</th>\
         <th scope=\"col\">meaning</th></tr></thead>\n<tbody>\n",
    );
    let rows = counts
        .errors
        .iter()
        .map(|(class, times)| (class.name(), *times, class.meaning()));
    let dropped = (
        "dropped",
        counts.dropped,
        "never sent: too many were waiting already",
    );
    for (name, times, meaning) in rows.chain([dropped]).filter(|row| row.1 > 0) {
        let times = Number(times);
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{name}</th><td>{times}</td><td class=\"text\">{meaning}</td></tr>"
        );
    }
    page.push_str("</tbody></table></div>\n");
}

fn seconds(page: &mut String, series: &[Second]) {
    page.push_str(
        "<details><summary>By second</summary>\n<div class=\"wide\"><table>\n<thead><tr><th scope=\"col\">second</th>\
         <th scope=\"col\">planned</th><th scope=\"col\">answers</th><th scope=\"col\">errors</th><th scope=\"col\">late</th>\
         <th scope=\"col\">p50</th><th scope=\"col\">p90</th><th scope=\"col\">p99</th><th scope=\"col\">p99.9</th>\
         <th scope=\"col\">max</th></tr></thead>\n<tbody>\n",
    );
    for second in series {
        let counts = &second.counts;
        let _ = write!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{:.0}</td><td>{}</td><td>{}</td><td>{}</td>",
            second.second,
            second.level,
            Number(counts.answered),
            Number(counts.failed() + counts.dropped),
            Number(counts.late)
        );
        for nanos in [
            second.p50_ns,
            second.p90_ns,
            second.p99_ns,
            second.p999_ns,
            second.max_ns,
        ] {
            let _ = write!(page, "<td>{}</td>", Nanos::of(nanos));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n</details>\n");
}

/// Text where markup is read.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const CSS: &str = include_str!("html/page.css");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::ErrorClass;
    use crate::report::sample;

    #[test]
    fn the_page_needs_nothing_else_and_has_its_plots() {
        let mut outcome = sample::outcome();
        outcome.target = "<script>alert(1)</script>".to_owned();
        outcome.total.counts.errors.insert(ErrorClass::Reset, 3);
        let page = page(&outcome);
        assert_eq!(page.matches("<svg").count(), 3);
        assert!(!page.contains("<script"), "a target's name is text");
        for outside in ["http://", "https://", "src=", "url(", "@import"] {
            assert!(
                !page
                    .replace("http://www.w3.org/2000/svg", "")
                    .contains(outside),
                "{outside}"
            );
        }
        assert!(
            !page.contains("NaN") && !page.contains("inf"),
            "a point is off the page"
        );
        assert!(page.contains("reset before the answer"));
    }

    #[test]
    fn a_page_of_nothing_is_a_page() {
        let mut outcome = sample::outcome();
        outcome.series.clear();
        outcome.total = crate::measure::Interval::default();
        let page = page(&outcome);
        assert!(!page.contains("NaN") && !page.contains("inf"), "{page}");
    }
}

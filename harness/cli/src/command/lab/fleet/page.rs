//! The report as a page: one file, light and dark, no script.

use std::fmt::Write as _;

use kmspec_model::fleet::{HostReport, Report, Sample, Scenario};
use kmspec_wire::filetime::FileTime;

use super::{answers, heading, served};

/// Size of a plot, in units of its view box.
const WIDTH: u64 = 960;
const HEIGHT: u64 = 260;
/// Room for the numbers left of it and below, and for what of the last one stands out to the right.
const LEFT: u64 = 70;
const BELOW: u64 = 30;
const RIGHT: u64 = 40;

/// The licence states from the bottom up: name, class, and how to take them from a sample.
type State = (&'static str, &'static str, fn(&Sample) -> u32);
const STATES: [State; 4] = [
    ("licensed", "licensed", |sample| sample.licensed),
    ("out-of-box grace", "grace", |sample| sample.oob_grace),
    ("out-of-tolerance grace", "tolerance", |sample| {
        sample.oot_grace
    }),
    ("reduced functionality", "reduced", |sample| {
        sample.notification
    }),
];

/// The page.
pub(super) fn page(scenario: &Scenario, report: &Report) -> String {
    let title = format!("Fleet: {}", heading(scenario));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{title}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n<h1>{title}</h1>\n",
        title = escaped(&title),
    );
    for answer in answers(scenario, report) {
        let _ = writeln!(page, "<p>{}.</p>", escaped(&answer));
    }
    states(&mut page, report);
    for host in &report.hosts {
        load(&mut page, host);
    }
    causes(&mut page, report);
    page.push_str("</body>\n</html>\n");
    page
}

/// Machines by licence state, one area on the other.
fn states(page: &mut String, report: &Report) {
    page.push_str("<h2>Machines by licence state</h2>\n<p class=\"legend\">");
    for (name, class, _) in STATES {
        let _ = write!(page, "<span class=\"{class}\">{name}</span> ");
    }
    page.push_str("</p>\n");
    let most = report.samples.iter().map(Sample::total).max().unwrap_or(0);
    let days = report
        .samples
        .last()
        .map_or(1, |sample| sample.at / FileTime::DAY);
    let scale = Scale::new(days, most.into());
    scale.open(page, "Machines by licence state over the days");
    let mut below = vec![0u64; report.samples.len()];
    for (name, class, of) in STATES {
        let tops: Vec<u64> = below
            .iter()
            .zip(&report.samples)
            .map(|(base, sample)| base + u64::from(of(sample)))
            .collect();
        if tops != below {
            let at = |sample: &Sample| sample.at / FileTime::DAY;
            let up = report
                .samples
                .iter()
                .zip(&tops)
                .map(|(sample, top)| scale.point(at(sample), *top));
            let back = report.samples.iter().zip(&below).rev();
            let back = back.map(|(sample, base)| scale.point(at(sample), *base));
            let points: Vec<String> = up.chain(back).collect();
            let _ = writeln!(
                page,
                "<polygon class=\"{class}\" points=\"{}\"><title>{name}</title></polygon>",
                points.join(" ")
            );
        }
        below = tops;
    }
    scale.close(page);
}

/// The busiest second of each day.
fn load(page: &mut String, host: &HostReport) {
    let name = escaped(&host.name);
    let load = &host.load;
    let _ = writeln!(
        page,
        "<h2>Requests to {name}</h2>\n<p>{}.</p>",
        served(load)
    );
    let days = u64::try_from(load.days.len()).unwrap_or(1);
    let scale = Scale::new(days, load.peak.into());
    scale.open(
        page,
        &format!("Requests in the busiest second of each day at {name}"),
    );
    for (day, (requests, busiest)) in (0u64..).zip(&load.days) {
        if *busiest > 0 {
            let (left, right) = (scale.x(day), scale.x(day + 1));
            let top = scale.y((*busiest).into());
            let _ = writeln!(
                page,
                "<rect class=\"bar\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\">\
                 <title>day {day}: {busiest} in the busiest second, {requests} in all</title></rect>",
                tenths(left),
                tenths(top),
                tenths((right - left).max(5)),
                tenths(HEIGHT * 10 - top)
            );
        }
    }
    scale.close(page);
}

fn causes(page: &mut String, report: &Report) {
    page.push_str(
        "<h2>Who lapses and why</h2>\n<table>\n<thead><tr><th scope=\"col\">Why</th>\
         <th scope=\"col\">Activation ran out</th><th scope=\"col\">Reduced functionality</th></tr></thead>\n<tbody>\n",
    );
    for ((why, expired), (_, lapsed)) in report.expired.named().iter().zip(report.lapsed.named()) {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{why}</th><td>{expired}</td><td>{lapsed}</td></tr>"
        );
    }
    let _ = writeln!(
        page,
        "<tr><th scope=\"row\">machines in all</th><td>{}</td><td>{}</td></tr>\n</tbody>\n</table>",
        report.expired.total(),
        report.lapsed.total()
    );
}

/// Days to the right and a number upwards; coordinates in tenths.
struct Scale {
    days: u64,
    most: u64,
}

impl Scale {
    fn new(days: u64, most: u64) -> Self {
        Self {
            days: days.max(1),
            most: most.max(1),
        }
    }

    fn x(&self, day: u64) -> u64 {
        LEFT * 10 + day * (WIDTH - LEFT) * 10 / self.days
    }

    fn y(&self, value: u64) -> u64 {
        HEIGHT * 10 - value.min(self.most) * (HEIGHT - 10) * 10 / self.most
    }

    fn point(&self, day: u64, value: u64) -> String {
        format!("{},{}", tenths(self.x(day)), tenths(self.y(value)))
    }

    fn open(&self, page: &mut String, title: &str) {
        let _ = writeln!(
            page,
            "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{title}\">",
            WIDTH + RIGHT,
            HEIGHT + BELOW
        );
        let mut values: Vec<u64> = (0..=4).map(|part| self.most * part / 4).collect();
        values.dedup();
        for value in values {
            let y = tenths(self.y(value));
            let _ = writeln!(
                page,
                "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{y}\" y2=\"{y}\"/>\
                 <text x=\"{}\" y=\"{y}\" class=\"left\">{value}</text>",
                LEFT - 8
            );
        }
    }

    fn close(&self, page: &mut String) {
        let mut days: Vec<u64> = (0..=6).map(|part| self.days * part / 6).collect();
        days.dedup();
        for day in days {
            let _ = writeln!(
                page,
                "<text x=\"{}\" y=\"{}\" class=\"below\">day {day}</text>",
                tenths(self.x(day)),
                HEIGHT + 20
            );
        }
        page.push_str("</svg>\n");
    }
}

fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// A host's name comes from a file.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

const CSS: &str = include_str!("page.css");

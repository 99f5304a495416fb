use kmspec_model::fleet::{Causes, HostReport, Report, Sample, Scenario};
use kmspec_wire::filetime::FileTime;
use serde_json::{Value, json};

use super::outage::{WithoutHost, explained};

/// The report for programs. The version changes when a field changes its meaning or goes.
pub(super) fn json(scenario: &Scenario, report: &Report) -> Value {
    json!({
        "version": 1,
        "clients": scenario.clients,
        "edition": scenario.edition.id,
        "days": scenario.days,
        "seed": scenario.seed,
        "states": report.samples.iter().map(state).collect::<Vec<_>>(),
        "hosts": report.hosts.iter().map(host).collect::<Vec<_>>(),
        "attempts": report.attempts,
        "unanswered": report.unanswered,
        "below_threshold": report.too_few,
        "expired": causes(&report.expired),
        "lapsed": causes(&report.lapsed),
        "first_lapse_s": report.first_lapse.map(|at| at / FileTime::SECOND),
        "without_host": explained(scenario).iter().map(without_host).collect::<Vec<_>>(),
    })
}

/// Why nobody lapses, or from when on machines would.
fn without_host(time: &WithoutHost) -> Value {
    json!({
        "from_s": time.span.from / FileTime::SECOND,
        "until_s": time.span.until / FileTime::SECOND,
        "first_expiry_s": time.expires / FileTime::SECOND,
        "first_lapse_s": time.lapses / FileTime::SECOND,
        "text": time.text,
    })
}

fn state(sample: &Sample) -> Value {
    json!({
        "day": sample.at / FileTime::DAY,
        "out_of_box_grace": sample.oob_grace,
        "licensed": sample.licensed,
        "out_of_tolerance_grace": sample.oot_grace,
        "notification": sample.notification,
    })
}

fn host(host: &HostReport) -> Value {
    let load = &host.load;
    let days = load
        .days
        .iter()
        .map(|(requests, busiest)| json!({"requests": requests, "peak_per_s": busiest}));
    json!({
        "name": host.name,
        "requests": load.requests,
        "seconds": load.seconds,
        "p50_per_s": load.rate_of(500_000),
        "p99_per_s": load.rate_of(990_000),
        "p99_9_per_s": load.rate_of(999_000),
        "peak_per_s": load.peak,
        "peak_at_s": load.peak_at,
        "days": days.collect::<Vec<_>>(),
    })
}

fn causes(causes: &Causes) -> Value {
    let Causes {
        no_host,
        too_few,
        refused,
        off,
    } = causes;
    json!({
        "total": causes.total(),
        "no_host": no_host,
        "below_threshold": too_few,
        "refused": refused,
        "off": off,
    })
}

//! How long machines outlive a time without any host, in words: why few lapse, or none.

use std::fmt::Write as _;

use kmspec_model::client::Licence;
use kmspec_model::fleet::{Scenario, Span};
use kmspec_wire::filetime::FileTime;

/// A time in which no host answers, and what becomes of machines that are always on if it does not end.
pub(super) struct WithoutHost {
    /// The time.
    pub(super) span: Span,
    /// When the first activations run out.
    pub(super) expires: u64,
    /// When the first machines lapse.
    pub(super) lapses: u64,
    /// All that in a sentence.
    pub(super) text: String,
}

/// Each time in which no host answers.
pub(super) fn explained(scenario: &Scenario) -> Vec<WithoutHost> {
    let explain = |span: &Span| explain(scenario, *span);
    without_host(scenario).iter().map(explain).collect()
}

/// The times within the simulated days in which no host answers.
fn without_host(scenario: &Scenario) -> Vec<Span> {
    let length = u64::from(scenario.days) * FileTime::DAY;
    let spans = scenario.hosts.iter().flat_map(|host| &host.outages);
    let ends = spans.flat_map(|outage| [outage.span.from, outage.span.until]);
    let mut changes: Vec<u64> = ends.chain([length]).filter(|at| *at <= length).collect();
    changes.sort_unstable();
    changes.dedup();
    let mut found: Vec<Span> = Vec::new();
    for (from, until) in changes.iter().zip(changes.iter().skip(1)) {
        let (from, until) = (*from, *until);
        if scenario.hosts.iter().any(|host| host.answers(from)) {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.until == from => last.until = until,
            _ => found.push(Span { from, until }),
        }
    }
    found
}

fn explain(scenario: &Scenario, span: Span) -> WithoutHost {
    let Span { from, until } = span;
    let renewals = scenario.hosts.iter().map(|host| host.renewal_interval);
    let renewal = renewals.map(|interval| u64::from(interval.minutes()) * FileTime::MINUTE);
    let renewal = renewal.max().unwrap_or_default();
    let (activation, life) = lifetimes(scenario);
    let expires = (from + activation).saturating_sub(renewal);
    let lapses = (from + life).saturating_sub(renewal);
    let mut text = format!(
        "No host answered from day {} to day {} ({} days). A machine that is always on was renewed at most {} days before, \
         and an activation lasts {} days: such machines run out of theirs from day {} on, and lapse from day {} on, if no \
         host is back by then",
        days(from),
        days(until),
        days(until - from),
        days(renewal),
        days(activation),
        days(expires),
        days(lapses),
    );
    if scenario.office_per_mille > 0 || scenario.away.is_some() {
        text.push_str(", those that were off before by as much earlier");
    }
    if scenario.joining > from {
        let grace = u64::from(scenario.edition.grace_days) * FileTime::DAY;
        let earliest = days(from + grace);
        let _ = write!(
            text,
            "; one that is set up meanwhile has its grace of {} days only, until day {earliest} or later",
            days(grace)
        );
    }
    WithoutHost {
        span,
        expires,
        lapses,
        text,
    }
}

/// How long a machine is activated by one answer, and how long it is until it lapses.
fn lifetimes(scenario: &Scenario) -> (u64, u64) {
    let start = FileTime::from_unix_nanos(0);
    let mut licence = Licence::installed(start, scenario.edition.grace_days);
    licence.activated(start, 0, 0);
    let since = |time: Option<FileTime>| time.map_or(0, |time| time.minus(start.0).0);
    (
        since(licence.standing(start).until),
        since(licence.lapses()),
    )
}

/// Days to a tenth, without one where they are whole.
fn days(time: u64) -> String {
    let tenths = time * 10 / FileTime::DAY;
    match (tenths / 10, tenths % 10) {
        (whole, 0) => whole.to_string(),
        (whole, tenth) => format!("{whole}.{tenth}"),
    }
}

#[cfg(test)]
mod tests {
    use kmspec_model::fleet::{HostPlan, Outage};

    use super::*;

    fn scenario(hosts: &[&[(u32, u32)]]) -> Scenario {
        let down = |(from, length): &(u32, u32)| Outage {
            span: Span::of_days(*from, *length),
            forgets: false,
        };
        let host = |outages: &&[(u32, u32)]| HostPlan {
            outages: outages.iter().map(down).collect(),
            ..HostPlan::named("kms")
        };
        Scenario {
            hosts: hosts.iter().map(host).collect(),
            ..Scenario::default()
        }
    }

    #[test]
    fn a_time_without_a_host_is_one_in_which_none_answers() {
        for (hosts, without) in [
            (&[&[(100, 20)][..]][..], vec![(100, 20)]),
            (&[&[(100, 20)], &[]], vec![]),
            (&[&[(100, 20)], &[(110, 30)]], vec![(110, 10)]),
            (&[&[(100, 20), (120, 5)]], vec![(100, 25)]),
            (&[&[(10, 5), (40, 5)], &[(0, 365)]], vec![(10, 5), (40, 5)]),
            (&[&[(360, 20)]], vec![(360, 5)]),
        ] {
            let spans: Vec<Span> = without
                .iter()
                .map(|(from, length)| Span::of_days(*from, *length))
                .collect();
            let found = without_host(&scenario(hosts));
            // One that lasts beyond the end is told as far as the days go.
            assert_eq!(found, spans, "{hosts:?}");
        }
    }

    #[test]
    fn it_says_why_nobody_lapses_and_from_when_on_machines_would() {
        let told = |outages: &[(u32, u32)]| explained(&scenario(&[outages])).remove(0).text;
        let line = told(&[(100, 20)]);
        assert_eq!(
            line,
            "No host answered from day 100 to day 120 (20 days). A machine that is always on was renewed at most 7 days \
             before, and an activation lasts 180 days: such machines run out of theirs from day 273 on, and lapse from day \
             303 on, if no host is back by then"
        );
        let line = told(&[(2, 20)]);
        let end =
            "; one that is set up meanwhile has its grace of 30 days only, until day 32 or later";
        assert!(line.ends_with(end), "{line}");
    }
}

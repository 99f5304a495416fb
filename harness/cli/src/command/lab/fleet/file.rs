use std::fs;
use std::ops::Range;
use std::path::Path;

use kmspec_model::Interval;
use kmspec_model::client::Edition;
use kmspec_model::fleet::{Away, HostPlan, Outage, Scenario, Span};
use serde::Deserialize;
use toml::Spanned;

use super::{days, set};
use crate::failure::Failure;

/// A scenario as a file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    clients: Option<u32>,
    days: Option<u32>,
    seed: Option<u64>,
    edition: Option<Spanned<String>>,
    join_days: Option<u32>,
    cloned: Option<u32>,
    leave_percent: Option<Spanned<u32>>,
    office_percent: Option<Spanned<u32>>,
    away: Option<WrittenAway>,
    #[serde(default)]
    host: Vec<WrittenHost>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAway {
    percent: Spanned<u32>,
    days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenHost {
    name: String,
    #[serde(default)]
    priority: u16,
    #[serde(default)]
    weight: u16,
    activation_interval: Option<Spanned<u32>>,
    renewal_interval: Option<Spanned<u32>>,
    #[serde(default)]
    down: Vec<WrittenOutage>,
    #[serde(default)]
    unpublished: Vec<WrittenSpan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenOutage {
    from: u32,
    days: u32,
    #[serde(default)]
    forgets: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSpan {
    from: u32,
    days: u32,
}

/// Where something is wrong, and what.
type Wrong = (Range<usize>, String);

/// Reads a scenario.
pub(super) fn read(path: &Path) -> Result<Scenario, Failure> {
    let text = fs::read_to_string(path).map_err(|source| Failure::Read {
        file: path.to_owned(),
        source,
    })?;
    let scenario = parse(&text);
    scenario.map_err(|(span, message)| Failure::at(path.to_owned(), &text, span.start, message))
}

fn parse(text: &str) -> Result<Scenario, Wrong> {
    let written: Written = toml::from_str(text)
        .map_err(|error| (error.span().unwrap_or_default(), error.message().to_owned()))?;
    let mut scenario = Scenario::default();
    set(&mut scenario.clients, written.clients);
    set(&mut scenario.days, written.days);
    set(&mut scenario.seed, written.seed);
    set(&mut scenario.joining, written.join_days.map(days));
    set(&mut scenario.cloned, written.cloned);
    if let Some(id) = written.edition {
        let found = Edition::named(id.get_ref());
        scenario.edition =
            found.ok_or_else(|| (id.span(), format!("there is no edition {:?}", id.get_ref())))?;
    }
    set(
        &mut scenario.leaving_per_mille,
        written.leave_percent.map(per_mille).transpose()?,
    );
    set(
        &mut scenario.office_per_mille,
        written.office_percent.map(per_mille).transpose()?,
    );
    if let Some(away) = written.away {
        scenario.away = Some(Away {
            per_mille: per_mille(away.percent)?,
            length: days(away.days),
        });
    }
    if !(1..=3_650).contains(&scenario.days) || !(1..=5_000_000).contains(&scenario.clients) {
        return Err((
            0..0,
            "1 to 5000000 clients and 1 to 3650 days can be simulated".to_owned(),
        ));
    }
    if !written.host.is_empty() {
        let hosts: Result<_, Wrong> = written.host.into_iter().map(host).collect();
        scenario.hosts = hosts?;
    }
    Ok(scenario)
}

fn host(written: WrittenHost) -> Result<HostPlan, Wrong> {
    let mut host = HostPlan {
        priority: written.priority,
        weight: written.weight,
        ..HostPlan::named(&written.name)
    };
    set(
        &mut host.activation_interval,
        written.activation_interval.map(interval).transpose()?,
    );
    set(
        &mut host.renewal_interval,
        written.renewal_interval.map(interval).transpose()?,
    );
    let outages = written.down.iter().map(|outage| Outage {
        span: Span::of_days(outage.from, outage.days),
        forgets: outage.forgets,
    });
    host.outages = outages.collect();
    host.outages.sort_by_key(|outage| outage.span.until);
    let unpublished = written
        .unpublished
        .iter()
        .map(|span| Span::of_days(span.from, span.days));
    host.unpublished = unpublished.collect();
    Ok(host)
}

fn interval(minutes: Spanned<u32>) -> Result<Interval, Wrong> {
    Interval::from_minutes(*minutes.get_ref()).map_err(|error| (minutes.span(), error.to_string()))
}

fn per_mille(percent: Spanned<u32>) -> Result<u32, Wrong> {
    match *percent.get_ref() {
        share @ 0..=100 => Ok(share * 10),
        more => Err((percent.span(), format!("{more} is not a percentage"))),
    }
}

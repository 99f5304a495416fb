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

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use arbtest::arbitrary::{Result, Unstructured};
    use kmspec_model::fleet::simulate;

    use super::*;

    /// A value that may be one of this key, and mostly is none.
    fn value(u: &mut Unstructured<'_>) -> Result<String> {
        Ok(match u.int_in_range(0..=6)? {
            0 => u.int_in_range(0..=20u8)?.to_string(),
            1 => u.arbitrary::<u32>()?.to_string(),
            2 => u.arbitrary::<i64>()?.to_string(),
            3 => format!("{:?}", u.arbitrary::<&str>()?),
            4 => "\"lab-client-v6\"".to_owned(),
            5 => "{ percent = 100, days = 4294967295 }".to_owned(),
            _ => "[{ from = 4294967295, days = 4294967295 }, { from = 0, days = 0 }]".to_owned(),
        })
    }

    fn written(u: &mut Unstructured<'_>) -> Result<String> {
        const KEYS: [&str; 7] = [
            "seed",
            "edition",
            "join-days",
            "cloned",
            "leave-percent",
            "office-percent",
            "away",
        ];
        const OF_A_HOST: [&str; 7] = [
            "name",
            "priority",
            "weight",
            "activation-interval",
            "renewal-interval",
            "down",
            "unpublished",
        ];
        let mut text = String::from("clients = 5\ndays = 3\n");
        for key in KEYS {
            if u.ratio(1, 4)? {
                let _ = writeln!(text, "{key} = {}", value(u)?);
            }
        }
        for _ in 0..u.int_in_range(0..=2)? {
            text.push_str("[[host]]\nname = \"a\"\n");
            for key in OF_A_HOST {
                if u.ratio(1, 3)? {
                    let _ = writeln!(text, "{key} = {}", value(u)?);
                }
            }
        }
        // Some octets that TOML has no use for.
        if u.ratio(1, 8)? {
            text.push_str(u.arbitrary()?);
        }
        Ok(text)
    }

    #[test]
    fn any_file_is_a_scenario_that_goes_through_or_an_error_with_its_place() {
        let mut read = 0;
        arbtest::arbtest(|u| {
            let text = written(u)?;
            match parse(&text) {
                Ok(scenario) if scenario.clients <= 20 && scenario.days <= 20 => {
                    simulate(&scenario);
                    read += 1;
                }
                Ok(_) => {}
                Err((span, message)) => {
                    assert!(span.start <= text.len() && !message.is_empty(), "{text}");
                }
            }
            Ok(())
        });
        assert!(read > 0);
    }
}

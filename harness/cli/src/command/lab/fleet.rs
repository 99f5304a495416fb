mod file;
mod json;
mod outage;
mod page;
mod text;

use std::fs;

use kmspec_model::fleet::{Away, HostPlan, Load, Outage, Report, Scenario, simulate};
use kmspec_wire::filetime::FileTime;

use crate::args::{FleetArgs, FleetFormat};
use crate::failure::Failure;
use crate::output::Output;
use kmspec_runner::Exit;

/// `kmspec lab fleet`.
pub(crate) fn fleet(args: &FleetArgs, output: &mut Output) -> Result<Exit, Failure> {
    let base = match &args.scenario {
        Some(path) => file::read(path)?,
        None => Scenario::default(),
    };
    let scenario = scenario(args, base)?;
    let report = simulate(&scenario);
    if let Some(path) = &args.html {
        let page = page::page(&scenario, &report);
        fs::write(path, page).map_err(|source| Failure::Write {
            file: path.clone(),
            source,
        })?;
    }
    match args.format {
        FleetFormat::Table => output.line(text::text(&scenario, &report).trim_end())?,
        FleetFormat::Json => output.json(&json::json(&scenario, &report))?,
    }
    Ok(Exit::Holds)
}

/// What the line adds to the file.
fn scenario(args: &FleetArgs, mut scenario: Scenario) -> Result<Scenario, Failure> {
    let machines = &args.machines;
    set(&mut scenario.clients, args.clients);
    set(&mut scenario.days, args.days);
    set(&mut scenario.seed, args.seed);
    set(&mut scenario.edition, machines.edition);
    set(&mut scenario.joining, machines.join_days.map(days));
    set(&mut scenario.cloned, machines.cloned);
    set(
        &mut scenario.leaving_per_mille,
        machines.leave.map(|share| share * 10),
    );
    set(
        &mut scenario.office_per_mille,
        machines.office.map(|share| share * 10),
    );
    if let Some((share, length)) = machines.away {
        scenario.away = Some(Away {
            per_mille: share * 10,
            length: days(length),
        });
    }
    scenario.wire |= args.wire;
    if let Some(number) = args.hosts.hosts {
        let named = |number| HostPlan::named(&format!("kms{number}"));
        scenario.hosts = (1..=number).map(named).collect();
    }
    for host in &mut scenario.hosts {
        set(
            &mut host.activation_interval,
            args.hosts.activation_interval,
        );
        set(&mut host.renewal_interval, args.hosts.renewal_interval);
    }
    if let Some(first) = scenario.hosts.first_mut() {
        let outages = args.hosts.down.iter().map(|span| Outage {
            span: *span,
            forgets: false,
        });
        first.outages.extend(outages);
        first.outages.sort_by_key(|outage| outage.span.until);
    }
    if scenario.cloned > scenario.clients {
        let Scenario {
            cloned, clients, ..
        } = scenario;
        return Err(Failure::Usage(format!(
            "{cloned} cloned machines are more than the {clients} there are"
        )));
    }
    Ok(scenario)
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// So many days in units of 100 ns.
fn days(count: u32) -> u64 {
    u64::from(count).saturating_mul(FileTime::DAY)
}

/// The day and the time of a second since the start: `day 12 08:05:00`.
fn moment(second: u64) -> String {
    let (day, rest) = (second / 86_400, second % 86_400);
    format!(
        "day {day} {:02}:{:02}:{:02}",
        rest / 3600,
        rest % 3600 / 60,
        rest % 60
    )
}

/// What a host had to do, in a line.
fn served(load: &Load) -> String {
    if load.requests == 0 {
        return "no request".to_owned();
    }
    let mostly = match load.rate_of(999_000) {
        0 => "none in 99.9 % of all seconds".to_owned(),
        rate => format!("{rate} a second suffice for 99.9 % of the time"),
    };
    format!(
        "{} requests, {} on average; {mostly}, {} in the busiest second ({})",
        load.requests,
        average(load.requests, load.seconds),
        load.peak,
        moment(load.peak_at)
    )
}

/// Requests a second on average, to a thousandth; where there is less than one, how long it is from one to the next.
fn average(requests: u64, seconds: u64) -> String {
    let seconds = seconds.max(1);
    if requests >= seconds {
        let thousandths = (requests * 1000).div_ceil(seconds);
        return format!("{}.{:03} a second", thousandths / 1000, thousandths % 1000);
    }
    let rounded = |unit: u64| (seconds + requests * unit / 2) / (requests * unit).max(1);
    let units = [
        (1, "seconds", 120),
        (60, "minutes", 120),
        (3600, "hours", 48),
    ];
    let fits = |(unit, _, most): &&(u64, &str, u64)| rounded(*unit) < *most;
    let (unit, name, _) = units.iter().find(fits).unwrap_or(&(86_400, "days", 0));
    match rounded(*unit) {
        1 => format!("one every {}", name.trim_end_matches('s')),
        number => format!("one every {number} {name}"),
    }
}

/// What was asked, in a line.
fn heading(scenario: &Scenario) -> String {
    let Scenario {
        clients,
        edition,
        days,
        seed,
        hosts,
        ..
    } = scenario;
    let hosts = match hosts.len() {
        1 => "1 host".to_owned(),
        number => format!("{number} hosts"),
    };
    format!("{clients} machines of {edition}, {hosts}, {days} days, seed {seed}")
}

/// How many lapse and how many expire, in a line each, and what each time without a host could have come to.
fn answers(scenario: &Scenario, report: &Report) -> Vec<String> {
    let all = scenario.clients;
    let lapsed = report.lapsed.total();
    let first = report
        .first_lapse
        .map(|at| format!(", the first on {}", moment(at / FileTime::SECOND)));
    let mut answers = vec![
        format!(
            "{} of {all} machines ran out of an activation{}",
            report.expired.total(),
            causes(&report.expired)
        ),
        format!(
            "{lapsed} of {all} machines lapsed to reduced functionality{}{}",
            first.unwrap_or_default(),
            causes(&report.lapsed)
        ),
    ];
    let without_host = outage::explained(scenario);
    answers.extend(without_host.into_iter().map(|time| time.text));
    answers
}

fn causes(causes: &kmspec_model::fleet::Causes) -> String {
    let named = causes.named();
    let named = named.iter().filter(|(_, count)| *count > 0);
    let named: Vec<String> = named
        .map(|(why, count)| format!("{why}: {count}"))
        .collect();
    match named.as_slice() {
        [] => String::new(),
        named => format!(" ({})", named.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_below_one_a_second_is_the_time_from_one_to_the_next() {
        let day = 86_400;
        for (requests, seconds, said) in [
            (day, day, "1.000 a second"),
            (day + 1, day, "1.001 a second"),
            (5 * day / 2, day, "2.500 a second"),
            (day * 9 / 10, day, "one every second"),
            (day / 2, day, "one every 2 seconds"),
            (720, day, "one every 2 minutes"),
            (24, day, "one every 60 minutes"),
            (12, day, "one every 2 hours"),
            (1, day, "one every 24 hours"),
            (1, 365 * day, "one every 365 days"),
        ] {
            assert_eq!(average(requests, seconds), said, "{requests} in {seconds}");
        }
    }

    #[test]
    fn a_host_that_nobody_asks_has_no_busiest_second() {
        assert_eq!(served(&Load::default()), "no request");
    }
}

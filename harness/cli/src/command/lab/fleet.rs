mod file;
mod json;
mod outage;
mod page;
mod text;

use std::fs;

use kmspec_model::fleet::{Away, HostPlan, Outage, Report, Scenario, simulate};
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
    u64::from(count) * FileTime::DAY
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

/// Requests a second on average, to a thousandth.
fn average(requests: u64, seconds: u64) -> String {
    let thousandths = (requests * 1000).div_ceil(seconds.max(1));
    format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
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
    answers.extend(outage::explained(scenario));
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

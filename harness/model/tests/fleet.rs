//! An organisation over months.

use kmspec_model::client::Edition;
use kmspec_model::fleet::{Away, Causes, HostPlan, Outage, Report, Scenario, Span, simulate};
use kmspec_wire::filetime::FileTime;

fn down(from: u32, days: u32, forgets: bool) -> Vec<Outage> {
    vec![Outage {
        span: Span::of_days(from, days),
        forgets,
    }]
}

fn with_host(host: HostPlan) -> Scenario {
    Scenario {
        hosts: vec![host],
        clients: 200,
        ..Scenario::default()
    }
}

fn only(outages: Vec<Outage>) -> Scenario {
    with_host(HostPlan {
        outages,
        ..HostPlan::named("kms1")
    })
}

fn last_licensed(report: &Report) -> u32 {
    report.samples.last().unwrap().licensed
}

#[test]
fn twenty_days_without_the_only_host_cost_nobody_the_licence() {
    let report = simulate(&only(down(100, 20, false)));
    assert_eq!(
        (report.expired, report.lapsed),
        (Causes::default(), Causes::default())
    );
    assert_eq!(last_licensed(&report), 200);
    // Each machine tries every two hours, from its renewal in the first week on.
    assert!(
        (35_000..48_000).contains(&report.unanswered),
        "{}",
        report.unanswered
    );
}

#[test]
fn half_a_year_without_it_expires_all_and_seven_months_lapse_all() {
    let report = simulate(&only(down(100, 200, false)));
    assert_eq!((report.expired.no_host, report.lapsed.total()), (200, 0));
    assert_eq!(last_licensed(&report), 200);
    let report = simulate(&only(down(100, 265, false)));
    assert_eq!((report.expired.no_host, report.lapsed.no_host), (200, 200));
    assert_eq!(last_licensed(&report), 0);
    // The last renewals were in the week before the outage: 93 to 100 days and 210 more.
    let first = report.first_lapse.unwrap() / FileTime::DAY;
    assert!((303..=304).contains(&first), "{first}");
}

#[test]
fn machines_that_are_set_up_during_an_outage_lapse_after_their_grace() {
    let mut scenario = only(down(0, 40, false));
    scenario.days = 60;
    for (edition, lapsed) in [("vista-business", 200), ("vista-business-rc1", 200)] {
        scenario.edition = Edition::named(edition).unwrap();
        let report = simulate(&scenario);
        assert_eq!(
            report.lapsed,
            Causes {
                no_host: lapsed,
                ..Causes::default()
            },
            "{edition}"
        );
        let grace = u64::from(scenario.edition.grace_days);
        assert_eq!(report.first_lapse.unwrap() / FileTime::DAY, grace);
        assert_eq!(last_licensed(&report), 200);
    }
    let report = simulate(&Scenario {
        days: 60,
        ..only(down(0, 20, false))
    });
    assert_eq!(report.lapsed.total(), 0);
}

#[test]
fn twenty_four_machines_never_activate_and_lapse() {
    let few = Scenario {
        clients: 24,
        days: 60,
        ..Scenario::default()
    };
    let report = simulate(&few);
    assert_eq!(
        report.lapsed,
        Causes {
            too_few: 24,
            ..Causes::default()
        }
    );
    assert_eq!(report.too_few, report.attempts);
    let enough = Scenario { clients: 25, ..few };
    let report = simulate(&enough);
    assert_eq!((report.lapsed.total(), last_licensed(&report)), (0, 25));
    // At least the first twenty-four tries fail, and no machine fails once the twenty-fifth has come.
    assert!(report.too_few >= 24);
}

#[test]
fn clones_of_one_disk_count_once() {
    let cloned = Scenario {
        clients: 100,
        cloned: 100,
        days: 60,
        ..Scenario::default()
    };
    let report = simulate(&cloned);
    assert_eq!(
        report.lapsed,
        Causes {
            too_few: 100,
            ..Causes::default()
        }
    );
    let mixed = Scenario {
        cloned: 75,
        ..cloned.clone()
    };
    assert_eq!(
        last_licensed(&simulate(&mixed)),
        100,
        "25 others and the clones as one more"
    );
    let mixed = Scenario {
        cloned: 77,
        ..cloned
    };
    assert_eq!(
        last_licensed(&simulate(&mixed)),
        0,
        "23 others and the clones as one more"
    );
}

#[test]
fn a_machine_that_is_off_for_too_long_lapses_by_itself() {
    let away = |days: u32| Scenario {
        away: Some(Away {
            per_mille: 1000,
            length: u64::from(days) * FileTime::DAY,
        }),
        clients: 100,
        days: 900,
        ..Scenario::default()
    };
    assert_eq!(simulate(&away(170)).expired.total(), 0);
    let report = simulate(&away(240));
    assert!(
        report.lapsed.off > 60 && report.lapsed.no_host == 0,
        "{:?}",
        report.lapsed
    );
}

#[test]
fn the_second_host_takes_over_and_dns_decides_who_finds_whom() {
    let first = HostPlan {
        outages: down(50, 30, false),
        ..HostPlan::named("kms1")
    };
    let second = HostPlan {
        priority: 10,
        ..HostPlan::named("kms2")
    };
    let both = Scenario {
        hosts: vec![first.clone(), second.clone()],
        ..only(Vec::new())
    };
    let report = simulate(&both);
    assert_eq!((report.unanswered, report.lapsed.total()), (0, 0));
    assert!(report.hosts.iter().all(|host| host.load.requests > 1000));
    assert_eq!(
        report.hosts[1].load.days[..50],
        [(0, 0); 50],
        "the second is asked by nobody before"
    );

    let hidden = HostPlan {
        unpublished: vec![Span::of_days(0, 365)],
        ..second
    };
    let report = simulate(&Scenario {
        hosts: vec![first, hidden],
        ..only(Vec::new())
    });
    assert_eq!(report.hosts[1].load.requests, 0);
    assert!(report.unanswered > 0);
}

#[test]
fn a_host_that_was_set_up_anew_counts_from_one_again() {
    let kept = simulate(&only(down(100, 1, false)));
    let anew = simulate(&only(down(100, 1, true)));
    assert!(
        anew.too_few >= kept.too_few + 24,
        "{} {}",
        anew.too_few,
        kept.too_few
    );
    assert_eq!(anew.lapsed.total(), 0);
}

#[test]
fn office_hours_and_departures_shape_the_load() {
    let scenario = Scenario {
        clients: 2000,
        days: 56,
        office_per_mille: 1000,
        ..Scenario::default()
    };
    let report = simulate(&scenario);
    let load = &report.hosts[0].load;
    let days: Vec<u64> = load.days.iter().map(|(requests, _)| *requests).collect();
    assert!(days.chunks(7).all(|week| week[5..] == [0, 0]), "{days:?}");
    let left = simulate(&Scenario {
        leaving_per_mille: 500,
        days: 365,
        ..scenario
    });
    let there = left.samples.last().unwrap().total();
    assert!((900..1100).contains(&there), "{there}");
}

#[test]
fn rates_add_up() {
    let report = simulate(&Scenario {
        clients: 5000,
        days: 28,
        ..Scenario::default()
    });
    let load = &report.hosts[0].load;
    assert_eq!(
        load.days.iter().map(|(requests, _)| requests).sum::<u64>(),
        load.requests
    );
    let seconds = (0..)
        .zip(&load.seconds_with)
        .map(|(rate, seconds): (u64, &u64)| rate * seconds);
    assert_eq!(seconds.sum::<u64>(), load.requests);
    assert_eq!(load.rate_of(1_000_000), load.peak);
    assert!(load.rate_of(500_000) <= load.rate_of(999_000));
    assert_eq!(
        load.days.iter().map(|(_, busiest)| *busiest).max(),
        Some(load.peak)
    );
    assert_eq!(report.attempts, load.requests + report.unanswered);
}

#[test]
fn the_same_seed_gives_the_same_report_and_so_does_the_wire() {
    let scenario = Scenario {
        clients: 60,
        days: 40,
        office_per_mille: 300,
        leaving_per_mille: 100,
        cloned: 5,
        hosts: vec![
            HostPlan {
                outages: down(3, 9, true),
                ..HostPlan::named("kms1")
            },
            HostPlan::named("kms2"),
        ],
        ..Scenario::default()
    };
    let report = simulate(&scenario);
    assert_eq!(report, simulate(&scenario));
    assert_ne!(
        report,
        simulate(&Scenario {
            seed: 2,
            ..scenario.clone()
        })
    );
    for edition in ["vista-enterprise", "lab-client-v5", "lab-client-v6"] {
        let edition = Edition::named(edition).unwrap();
        let plain = Scenario {
            edition,
            ..scenario.clone()
        };
        let wire = Scenario {
            wire: true,
            ..plain.clone()
        };
        assert_eq!(simulate(&plain), simulate(&wire), "{edition}");
    }
}

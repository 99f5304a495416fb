//! What `lab fleet` says and draws.

use std::fs;

use crate::kit::{folder, put, say};

/// Two hosts and machines that come and go.
const SCENARIO: &str = r#"
clients = 120
days = 90
seed = 7
edition = "vista-enterprise"
join-days = 14
cloned = 10
leave-percent = 20
office-percent = 50
away = { percent = 10, days = 60 }

[[host]]
name = "kms<1>"
down = [{ from = 20, days = 5 }, { from = 40, days = 1, forgets = true }]

[[host]]
name = "kms2"
priority = 10
renewal-interval = 1440
unpublished = [{ from = 0, days = 30 }]
"#;

#[test]
fn a_report_is_read_at_a_glance_and_comes_out_the_same_again() {
    let folder = folder();
    put(folder.path(), "scenario.toml", SCENARIO);
    let said = say(folder.path(), "lab fleet --scenario scenario.toml");
    assert_eq!(said.code, Some(0), "{said:?}");
    insta::assert_snapshot!("fleet-text", said.stdout);
    let again = say(folder.path(), "lab fleet --scenario scenario.toml");
    assert_eq!(said.stdout, again.stdout);
    let wire = say(
        folder.path(),
        "lab fleet --scenario scenario.toml --wire --days 30",
    );
    let plain = say(
        folder.path(),
        "lab fleet --scenario scenario.toml --days 30",
    );
    assert_eq!(wire.stdout, plain.stdout);
}

#[test]
fn the_only_host_may_be_down_for_twenty_days_but_not_for_a_year() {
    let folder = folder();
    for (down, expired, lapsed) in [("100+20", 0, 0), ("100+190", 100, 0), ("10+300", 100, 100)] {
        let line = format!("lab fleet --clients 100 --down {down} --format json");
        let said = say(folder.path(), &line);
        let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
        assert_eq!(report["lapsed"]["total"], lapsed, "{down}");
        assert_eq!(report["expired"]["no_host"], expired, "{down}");
        assert_eq!(report["states"].as_array().unwrap().len(), 366);
        assert_eq!(report["hosts"][0]["days"].as_array().unwrap().len(), 365);
        let [without] = report["without_host"].as_array().unwrap().as_slice() else {
            panic!("{}", report["without_host"]);
        };
        // 210 days of licence, but for the seven since the last renewal.
        let from = without["from_s"].as_u64().unwrap();
        assert_eq!(without["first_lapse_s"], from + 203 * 86_400);
        let text = without["text"].as_str().unwrap();
        assert!(text.starts_with("No host answered from day "), "{text}");
    }
}

#[test]
fn machines_lapse_when_the_report_says_that_they_would() {
    let folder = folder();
    for (down, lapses) in [(202, false), (204, true)] {
        let line = format!("lab fleet --clients 2000 --days 320 --down 100+{down}");
        let said = say(folder.path(), &line);
        assert!(said.stdout.contains("lapse from day 303 on"), "{said:?}");
        let nobody = "0 of 2000 machines lapsed to reduced functionality";
        assert_eq!(!said.stdout.contains(nobody), lapses, "{down}: {said:?}");
        assert_eq!(
            said.stdout.contains("the first on day 303 "),
            lapses,
            "{said:?}"
        );
    }
}

#[test]
fn a_page_needs_nothing_else() {
    let folder = folder();
    put(folder.path(), "scenario.toml", SCENARIO);
    let said = say(
        folder.path(),
        "lab fleet --scenario scenario.toml --html fleet.html",
    );
    assert_eq!(said.code, Some(0), "{said:?}");
    let page = fs::read_to_string(folder.path().join("fleet.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), 3, "the states and two hosts");
    assert!(page.contains("prefers-color-scheme: dark") && page.contains("kms&lt;1&gt;"));
    assert!(!page.contains("http://") && !page.contains("https://") && !page.contains("<script"));
    assert_eq!(page.matches('<').count(), page.matches('>').count());
    // Of three requests in the busiest second there are no quarters: each number stands once beside its plot.
    let (_, plot) = page
        .split_once("in the busiest second of each day at kms2")
        .unwrap();
    let (plot, _) = plot.split_once("</svg>").unwrap();
    let numbers = plot.matches("class=\"left\">").count();
    assert_eq!(numbers, 2, "{plot}");
}

#[test]
fn scenarios_that_make_no_sense_say_where() {
    let folder = folder();
    for (content, line) in [
        (
            "clients = 0",
            "1 to 5000000 clients and 1 to 3650 days can be simulated",
        ),
        (
            "machines = 1",
            "scenario.toml:1:1: unknown field `machines`",
        ),
        (
            "seed = 1\nedition = \"xp\"",
            "scenario.toml:2:11: there is no edition \"xp\"",
        ),
        (
            "office-percent = 101",
            "scenario.toml:1:18: 101 is not a percentage",
        ),
        (
            "[[host]]\nname = \"a\"\nrenewal-interval = 1",
            "scenario.toml:3:20: interval of 1 minutes is not within 15",
        ),
        (
            "clients = 1\ncloned = 2",
            "2 cloned machines are more than the 1 there are",
        ),
    ] {
        put(folder.path(), "scenario.toml", content);
        let said = say(folder.path(), "lab fleet --scenario scenario.toml");
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.stderr.contains(line) && said.stderr.lines().count() == 1,
            "{}",
            said.stderr
        );
    }
    let said = say(folder.path(), "lab fleet --down 20");
    assert_eq!(said.code, Some(2));
    assert!(
        said.stderr
            .contains("a time is a day and a number of days, as in 100+20"),
        "{}",
        said.stderr
    );
}

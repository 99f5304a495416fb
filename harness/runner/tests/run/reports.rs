//! Reports of runs.

use std::collections::BTreeMap;
use std::time::Duration;

use kmspec_capture::tcp::Limits;
use kmspec_runner::plan::{About, Plan};
use kmspec_runner::report::json::{Report, SCHEMA, Times};
use kmspec_runner::report::text::Style;
use kmspec_runner::report::{github, html, junit, sarif, text};
use kmspec_runner::verdict::Level;
use kmspec_runner::{RunResult, transcript};
use serde_json::Value;

use crate::cases::{ANSWERS, PANICS, SKIPS, SMALL_FRAGMENTS, VERSIONS, rows, rows_at};
use crate::fake::{Fake, Mood};
use crate::{go, options};

/// A run with every kind of verdict that a target which is there can have.
async fn varied(jobs: usize) -> RunResult {
    let fake = Fake::start(Mood::Honest).await;
    let mut plan = rows(&[&ANSWERS, &SMALL_FRAGMENTS, &VERSIONS, &SKIPS, &PANICS]);
    let mut lighter = rows_at(Level::Should, &SMALL_FRAGMENTS);
    "test.small-fragments/should".clone_into(&mut lighter[0].id);
    plan.extend(lighter);
    let plan = Plan {
        rows: plan,
        every_answer: vec![About {
            id: "rpc.header.version-in-replies".to_owned(),
            level: Level::Must,
            role: "host",
            title: "Every reply carries RPC version 5.0".to_owned(),
            source: "C706 12.6.1".to_owned(),
        }],
    };
    let mut options = options();
    options.jobs = jobs;
    let mut result = go(plan, &fake.target(), &options).await;
    // What is measured is no part of a snapshot.
    result.took = Duration::from_millis(2310);
    result
        .rows
        .iter_mut()
        .for_each(|row| row.took = Duration::ZERO);
    result
}

#[tokio::test]
async fn two_runs_differ_in_their_times_alone() {
    let reports = [varied(1).await, varied(8).await].map(|result| {
        let mut report = Report::of(&result);
        report.times = Times {
            client_time: 0,
            took_ms: 0,
            results_ms: Vec::new(),
            judged: BTreeMap::default(),
        };
        report.to_json()
    });
    assert_eq!(reports[0], reports[1]);
}

#[tokio::test]
async fn people_read_what_was_expected_and_what_came() {
    let result = varied(4).await;
    insta::assert_snapshot!(text::report(&result, &Style::default()));
}

#[tokio::test]
async fn colour_is_the_caller_s_to_choose() {
    let result = varied(4).await;
    let colour = Style {
        colour: true,
        ..Style::default()
    };
    assert!(text::report(&result, &colour).contains("\u{1b}[31mFAIL \u{1b}[0m"));
    assert!(!text::report(&result, &Style::default()).contains('\u{1b}'));
}

#[tokio::test]
async fn junit_has_a_case_for_each_row() {
    let mut xml = Vec::new();
    junit::write(&varied(4).await, &Style::default(), &mut xml).unwrap();
    insta::assert_snapshot!(String::from_utf8(xml).unwrap());
}

#[tokio::test]
async fn sarif_has_a_rule_and_a_finding_for_what_is_broken() {
    let log = sarif::report(&varied(4).await, &Style::default());
    insta::assert_json_snapshot!(log, { ".runs[].tool.driver.version" => "[version]" });
}

#[tokio::test]
async fn github_gets_few_annotations_and_a_summary_of_the_rest() {
    let mut result = varied(4).await;
    let text =
        github::annotations(&result) + "---\n" + &github::summary(&result, &Style::default());
    insta::assert_snapshot!(text);

    let failing = result.rows[1].clone();
    result.rows.extend(std::iter::repeat_n(failing, 20));
    assert_eq!(github::annotations(&result).lines().count(), 10);
    assert!(
        github::annotations(&result)
            .lines()
            .all(|line| line.starts_with("::error "))
    );
}

#[tokio::test]
async fn the_page_needs_nothing_else_and_trusts_nobody() {
    let mut result = varied(4).await;
    "<script>alert(1)</script>".clone_into(&mut result.target);
    result.log = "a & b </pre>".to_owned();
    let page = html::page(&result, &Style::default());
    for outside in ["http:", "https:", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(page.contains("kmspec on &lt;script&gt;alert(1)&lt;/script&gt;"));
    assert!(page.contains("a &amp; b &lt;/pre&gt;"));
    for row in &result.rows {
        assert!(
            page.contains(&format!("data-id=\"{}\"", row.id)),
            "{}",
            row.id
        );
    }
    assert!(page.contains("<mark>d0 16</mark>"));
    assert!(page.contains("Tester sent 72 octets") && page.contains("Target sent 60 octets"));
    assert_eq!(
        page.matches("<details").count(),
        page.matches("</details>").count()
    );
}

#[tokio::test]
async fn json_is_read_back_as_it_was_written() {
    let report = Report::of(&varied(4).await);
    assert_eq!(Report::from_json(&report.to_json()).unwrap(), report);
    let other = report.to_json().replace("\"version\": 1", "\"version\": 2");
    let error = Report::from_json(&other).unwrap_err().to_string();
    assert_eq!(error, "a report of version 2; this kmspec reads version 1");
}

#[tokio::test]
async fn json_keeps_its_schema() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let report: Value = serde_json::from_str(&Report::of(&varied(4).await).to_json()).unwrap();
    let mut problems = Vec::new();
    check(&schema, &schema, &report, "report", &mut problems);
    assert!(problems.is_empty(), "{problems:#?}");

    let mut damaged = report;
    damaged["results"][0]["verdict"] = "perhaps".into();
    damaged["surprise"] = 1.into();
    check(&schema, &schema, &damaged, "report", &mut problems);
    assert_eq!(problems.len(), 2, "{problems:#?}");
}

/// As much of JSON Schema as the report's uses.
fn check(root: &Value, schema: &Value, value: &Value, at: &str, problems: &mut Vec<String>) {
    if let Some(path) = schema["$ref"].as_str() {
        let named = root.pointer(path.trim_start_matches('#')).expect("defined");
        return check(root, named, value, at, problems);
    }
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_u64(),
        other => panic!("the schema uses the type {other}"),
    };
    let of_kind = schema["type"].as_str().is_none_or(is);
    let constant = schema.get("const").is_none_or(|wanted| wanted == value);
    let listed = schema["enum"]
        .as_array()
        .is_none_or(|all| all.contains(value));
    if !of_kind || !constant || !listed {
        problems.push(format!("{at}: {value}"));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let at = format!("{at}.{key}");
        let rest = schema
            .get("additionalProperties")
            .filter(|rest| rest.is_object());
        match schema["properties"].get(key).or(rest) {
            Some(schema) => check(root, schema, inner, &at, problems),
            None => problems.push(format!("{at}: not in the schema")),
        }
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        if value.get(key.as_str().unwrap()).is_none() {
            problems.push(format!("{at}: no {key}"));
        }
    }
    for (nth, inner) in value.as_array().into_iter().flatten().enumerate() {
        check(
            root,
            &schema["items"],
            inner,
            &format!("{at}[{nth}]"),
            problems,
        );
    }
}

#[tokio::test]
async fn a_transcript_is_a_capture_that_names_the_case() {
    let result = varied(4).await;
    let row = &result.rows[1];
    assert_eq!(transcript::file_name(row), "test.small-fragments.pcapng");
    let file = transcript::write(&result, row, Vec::new()).unwrap();
    let comment = b"test.small-fragments: fail: max_recv_frag: expected 1432, got 5840";
    assert!(file.windows(comment.len()).any(|window| window == comment));
    let outcome = kmspec_capture::read(&file[..], Limits::default(), &mut ());
    assert_eq!(outcome.summary.tcp_connections, 1);
}

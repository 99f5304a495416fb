//! SARIF 2.1.0, for whatever shows findings of analysers. Source: OASIS, SARIF version 2.1.0.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::text::{self, Style};
use crate::exit::Exit;
use crate::run::{Row, RunResult};
use crate::verdict::{Level, Verdict};

/// A rule for each requirement that is broken, a result for each row that breaks it, and a notification for all that
/// could not be judged.
pub fn report(result: &RunResult, style: &Style) -> Value {
    let broken = || result.rows.iter().filter(|row| is_broken(row));
    let rules: BTreeMap<&str, Value> = broken()
        .map(|row| (row.requirement.as_str(), rule(row)))
        .collect();
    let results: Vec<Value> = broken().map(|row| finding(row, result, style)).collect();
    let not_judged = result
        .rows
        .iter()
        .filter(|row| row.verdict == Verdict::Error)
        .map(|row| format!("{}: {}", row.id, row.reason.as_deref().unwrap_or_default()));
    let unable = result.unable.iter().cloned().chain(not_judged);
    document(rules.into_values(), results, unable, Some(result.exit()))
}

/// A document of one run of kmspec: rules, results, and a notification for all that could not be done, without which the
/// run was successful. The exit code is told where it is known.
pub fn document(
    rules: impl Iterator<Item = Value>,
    results: Vec<Value>,
    unable: impl Iterator<Item = String>,
    exit: Option<Exit>,
) -> Value {
    let notifications: Vec<Value> = unable
        .map(|text| json!({ "level": "error", "message": { "text": text } }))
        .collect();
    let mut invocation = json!({
        "executionSuccessful": notifications.is_empty(),
        "toolExecutionNotifications": notifications,
    });
    if let Some(exit) = exit {
        invocation["exitCode"] = exit.code().into();
    }
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kmspec",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.collect::<Vec<_>>(),
            }},
            "invocations": [invocation],
            "results": results,
        }],
    })
}

fn is_broken(row: &Row) -> bool {
    matches!(
        row.verdict,
        Verdict::Fail | Verdict::Warn | Verdict::Note | Verdict::Flaky
    )
}

fn rule(row: &Row) -> Value {
    json!({
        "id": row.requirement,
        "shortDescription": { "text": row.title },
        "fullDescription": { "text": format!("{}. Source: {}", row.title, row.source) },
        "defaultConfiguration": { "level": severity(row.level) },
        "properties": { "level": row.level, "role": row.role },
    })
}

fn finding(row: &Row, result: &RunResult, style: &Style) -> Value {
    let plain = Style {
        colour: false,
        ..style.clone()
    };
    let level = match row.verdict {
        Verdict::Fail | Verdict::Flaky => "error",
        Verdict::Warn => "warning",
        _ => "note",
    };
    json!({
        "ruleId": row.requirement,
        "level": level,
        "message": { "text": text::detail(row, result.seed, &plain) },
        "locations": [{
            // What is judged has no file; the case that judges it has a name.
            "physicalLocation": { "artifactLocation": { "uri": format!("kmspec/{}", row.id) } },
            "logicalLocations": [{ "fullyQualifiedName": row.id, "kind": "member" }],
        }],
        "partialFingerprints": { "kmspec/v1": format!("{} {}", result.target, row.id) },
    })
}

const fn severity(level: Level) -> &'static str {
    match level {
        Level::Must => "error",
        Level::Should => "warning",
        Level::May => "note",
    }
}

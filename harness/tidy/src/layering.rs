//! Who may import whom.

use serde_json::Value;

use crate::Problems;

/// Each crate of the workspace and the crates of ours it may use, development aside.
const ALLOWED: &[(&str, &[&str])] = &[
    ("kmspec-rounds", &[]),
    ("kmspec-wire", &["rounds"]),
    ("kmspec-captures", &[]),
    ("kmspec-tidy", &[]),
    ("kmspec-dns", &[]),
    ("kmspec-capture", &["wire"]),
    ("kmspec-slmgr", &["wire"]),
    ("kmspec-model", &["slmgr", "wire"]),
    ("kmspec-rules", &["wire"]),
    ("kmspec-lab", &["model", "slmgr", "dns", "capture", "wire"]),
    (
        "kmspec-runner",
        &["rules", "slmgr", "dns", "capture", "captures", "wire"],
    ),
    (
        "kmspec-conformance",
        &[
            "session", "runner", "rules", "slmgr", "dns", "capture", "captures", "wire",
        ],
    ),
    (
        "kmspec-embedded",
        &["runner", "lab", "model", "slmgr", "dns", "wire"],
    ),
    ("kmspec-session", &["rules", "model", "wire"]),
    (
        "kmspec-load",
        &["runner", "rules", "model", "capture", "wire"],
    ),
    (
        "kmspec-campaign",
        &[
            "session", "runner", "rules", "model", "capture", "captures", "wire",
        ],
    ),
    (
        "kmspec-cli",
        &[
            "campaign",
            "load",
            "embedded",
            "conformance",
            "session",
            "runner",
            "lab",
            "slmgr",
            "model",
            "rules",
            "dns",
            "capture",
            "captures",
            "wire",
        ],
    ),
    (
        "kmspec-benches",
        &[
            "lab", "load", "runner", "session", "model", "rules", "capture", "captures", "wire",
            "rounds",
        ],
    ),
];

/// Crates of ours that a crate may use in its tests only. The lab is one more target to the suites.
const ALLOWED_IN_TESTS: &[(&str, &[&str])] = &[
    ("kmspec-rounds", &[]),
    ("kmspec-wire", &["captures"]),
    ("kmspec-captures", &[]),
    ("kmspec-tidy", &[]),
    ("kmspec-dns", &[]),
    ("kmspec-capture", &["captures"]),
    ("kmspec-slmgr", &[]),
    ("kmspec-model", &["capture", "captures", "rules"]),
    ("kmspec-rules", &["capture", "captures", "model"]),
    ("kmspec-lab", &["captures", "rules"]),
    ("kmspec-runner", &["lab", "model"]),
    ("kmspec-conformance", &["embedded", "lab", "model"]),
    ("kmspec-embedded", &[]),
    ("kmspec-session", &["capture", "captures", "model"]),
    ("kmspec-load", &["lab", "model"]),
    (
        "kmspec-campaign",
        &[
            "embedded",
            "lab",
            "load",
            "model",
            "conformance",
            "dns",
            "slmgr",
        ],
    ),
    ("kmspec-cli", &[]),
    ("kmspec-benches", &[]),
];

/// Crates that may use an executor and sockets. The rest is reached with bytes and a time.
const ASYNC: &[&str] = &[
    "kmspec-dns",
    "kmspec-lab",
    "kmspec-embedded",
    "kmspec-runner",
    "kmspec-load",
    "kmspec-campaign",
    "kmspec-cli",
];

/// Crates that speak to nothing outside, with all they depend on.
pub const SANS_IO: &[&str] = &[
    "kmspec-rounds",
    "kmspec-wire",
    "kmspec-capture",
    "kmspec-rules",
    "kmspec-model",
    "kmspec-session",
    "kmspec-slmgr",
];

/// What a sans-IO crate must not reach: executors, sockets, randomness of its own.
const OUTSIDE: &[&str] = &["tokio", "mio", "socket2", "rand", "getrandom"];

/// Checks the output of `cargo metadata --no-deps` against the tables.
pub fn imports(metadata: &Value) -> Problems {
    let mut problems = Problems::new();
    for package in array(metadata, "packages") {
        let name = text(package, "name");
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            problems.push(format!("{name}: has no layer; add it to ALLOWED"));
            continue;
        };
        let in_tests = ALLOWED_IN_TESTS
            .iter()
            .find(|(known, _)| *known == name)
            .map_or(&[][..], |(_, list)| list);
        for dependency in array(package, "dependencies") {
            let used = text(dependency, "name");
            let in_test = dependency["kind"] == "dev";
            if let Some(short) = used.strip_prefix("kmspec-") {
                let may = allowed.contains(&short) || (in_test && in_tests.contains(&short));
                if !may {
                    let when = if in_test { " even in tests" } else { "" };
                    problems.push(format!("{name}: must not depend on {used}{when}"));
                }
            } else if used == "tokio" && !in_test && !ASYNC.contains(&name) {
                problems.push(format!("{name}: must not depend on tokio"));
            }
        }
    }
    problems
}

/// Checks the output of `cargo tree --prefix none` of a sans-IO crate.
pub fn sans_io(name: &str, tree: &str) -> Problems {
    let reached = |outside: &&&str| {
        tree.lines()
            .any(|line| line.split(' ').next() == Some(**outside))
    };
    OUTSIDE
        .iter()
        .filter(reached)
        .map(|outside| format!("{name}: reaches {outside}"))
        .collect()
}

fn array<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ALLOWED, ALLOWED_IN_TESTS, imports, sans_io};

    #[test]
    fn an_import_upwards_is_a_problem() {
        let table = [
            (
                "kmspec-wire",
                "kmspec-model",
                None,
                "kmspec-wire: must not depend on kmspec-model",
            ),
            (
                "kmspec-conformance",
                "kmspec-lab",
                None,
                "kmspec-conformance: must not depend on kmspec-lab",
            ),
            ("kmspec-conformance", "kmspec-lab", Some("dev"), ""),
            (
                "kmspec-lab",
                "kmspec-runner",
                Some("dev"),
                "kmspec-lab: must not depend on kmspec-runner even in tests",
            ),
            ("kmspec-lab", "kmspec-model", Some("build"), ""),
            (
                "kmspec-model",
                "tokio",
                None,
                "kmspec-model: must not depend on tokio",
            ),
            ("kmspec-runner", "tokio", None, ""),
            (
                "kmspec-new",
                "serde",
                None,
                "kmspec-new: has no layer; add it to ALLOWED",
            ),
        ];
        for (name, used, kind, expected) in table {
            let metadata = json!({"packages": [{"name": name, "dependencies": [{"name": used, "kind": kind}]}]});
            assert_eq!(
                imports(&metadata).join("\n"),
                expected,
                "{name} {used} {kind:?}"
            );
        }
    }

    #[test]
    fn both_tables_name_the_same_crates() {
        let names = |table: &[(&'static str, &[&str])]| {
            table.iter().map(|(name, _)| *name).collect::<Vec<_>>()
        };
        assert_eq!(names(ALLOWED), names(ALLOWED_IN_TESTS));
    }

    #[test]
    fn a_socket_below_a_sans_io_crate_is_a_problem() {
        let tree = "kmspec-wire v0.1.0\naes v0.9.0\nrand_core v0.10.0\nmio v1.0.0 (*)\n";
        assert_eq!(sans_io("kmspec-wire", tree), ["kmspec-wire: reaches mio"]);
    }
}

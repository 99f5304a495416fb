//! Finding cases and requirements by their names.

use kmspec_conformance::catalogue::catalogue;
use kmspec_conformance::suites;
use kmspec_runner::{Case, Suite};

/// All cases with their suites, in reading order.
pub(crate) fn all() -> impl Iterator<Item = (&'static Suite, &'static Case)> {
    suites()
        .iter()
        .flat_map(|suite| suite.cases.iter().map(move |case| (*suite, *case)))
}

/// The cases of a requirement.
pub(crate) fn of(requirement: &str) -> Vec<(&'static Suite, &'static Case)> {
    all()
        .filter(|(_, case)| case.requirement() == requirement)
        .collect()
}

/// The known name that a mistyped one is most like, if one is like it.
pub(crate) fn like<'n>(
    mistyped: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let near = mistyped.chars().count().div_ceil(3);
    let named = names.into_iter().map(|name| {
        // Whoever leaves out the area means its last part.
        let end = name.rsplit('.').next().unwrap_or(name);
        (distance(mistyped, name).min(distance(mistyped, end)), name)
    });
    let (distance, name) = named.min_by_key(|&(distance, _)| distance)?;
    (distance <= near).then_some(name)
}

/// The names of requirements, aliases and cases.
pub(crate) fn names() -> Vec<&'static str> {
    let requirements = catalogue().iter().map(|r| r.id.as_str());
    let aliases = catalogue().aliases().iter().map(|alias| alias.id.as_str());
    let cases = all().map(|(_, case)| case.id);
    requirements.chain(aliases).chain(cases).collect()
}

/// How many characters to insert, delete or replace.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistyped_name_finds_the_one_that_was_meant() {
        let names = [
            "rpc.bind.ack-basic",
            "policy.count-distinct",
            "message.hwid",
        ];
        for (mistyped, meant) in [
            ("rpc.bind.ack-basik", Some("rpc.bind.ack-basic")),
            ("count-distinkt", Some("policy.count-distinct")),
            ("mesage.hwid", Some("message.hwid")),
            ("something else altogether", None),
            ("", None),
        ] {
            assert_eq!(like(mistyped, names), meant, "{mistyped}");
        }
    }

    #[test]
    fn distances_are_counted_in_characters() {
        for (a, b, expected) in [
            ("", "", 0),
            ("a", "", 1),
            ("kitten", "sitting", 3),
            ("é", "e", 1),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}

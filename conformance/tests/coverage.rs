//! Every requirement has somebody who looks whether it is kept.

use kmspec_conformance::catalogue::{Requirement, Role, catalogue};
use kmspec_conformance::suites;

/// Whether somebody can be asked for it alone.
fn observable(requirement: &Requirement) -> bool {
    requirement.unobservable.is_none()
}

#[test]
fn every_requirement_on_clients_has_a_case_or_says_why_not() {
    let cases = || suites().iter().flat_map(|suite| suite.cases);
    let missing: Vec<&str> = catalogue()
        .iter()
        .filter(|requirement| requirement.binds(Role::Client) && observable(requirement))
        .filter(|requirement| {
            !cases().any(|case| {
                case.role() == kmspec_rules::Role::Client && case.requirement() == requirement.id
            })
        })
        .map(|requirement| requirement.id.as_str())
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_requirement_on_hosts_has_a_case_or_a_rule_or_says_why_not() {
    let cases = || suites().iter().flat_map(|suite| suite.cases);
    let missing: Vec<&str> = catalogue()
        .iter()
        .filter(|requirement| requirement.binds(Role::Host) && observable(requirement))
        .filter(|requirement| {
            let case = cases().any(|case| {
                case.role() == kmspec_rules::Role::Host && case.requirement() == requirement.id
            });
            let rule = kmspec_rules::RULES.iter().any(|rule| {
                rule.role == kmspec_rules::Role::Host && rule.requirement == requirement.id
            });
            !case && !rule
        })
        .map(|requirement| requirement.id.as_str())
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

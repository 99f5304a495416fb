//! The rules that judge every answer cite the catalogue.

use kmspec_conformance::catalogue::{Role, catalogue};

#[test]
fn every_rule_judges_a_requirement_that_binds_its_role() {
    for rule in kmspec_rules::RULES {
        let role = match rule.role {
            kmspec_rules::Role::Host => Role::Host,
            kmspec_rules::Role::Client => Role::Client,
        };
        let requirement = catalogue().get(rule.requirement);
        let binds = requirement.map(|requirement| requirement.binds(role));
        assert_eq!(binds, Some(true), "{role} {}", rule.requirement);
    }
}

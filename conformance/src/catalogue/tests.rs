use std::collections::BTreeSet;

use super::{
    Catalogue, CatalogueProblem, DEPLOYMENT, Glob, KMS_PROTOCOL, Level, Role, catalogue, embedded,
};

const ALIASES: super::parse::File = ("aliases.toml", "", "alias = []");
const TERMS: super::parse::File = ("terms.toml", "", "term = []");

const ENTRY: &str = r#"
[[requirement]]
id = "a.one"
role = "host"
level = "must"
title = "t"
stimulus = "s"
expect = "e"
tolerate = "None."
source = "x"
confidence = "sure"
set = "2026-1"
"#;

fn parse(text: &'static str) -> Result<Catalogue, super::CatalogueError> {
    Catalogue::parse(&[("a.toml", "a", text)], ALIASES, TERMS)
}

#[test]
fn the_embedded_catalogue_is_read() {
    let read = Catalogue::parse(embedded::FILES, embedded::ALIASES, embedded::TERMS);
    assert_eq!(read.map(|c| c.len()), Ok(catalogue().len()));
}

#[test]
fn every_area_has_as_many_entries_as_it_should() {
    let catalogue = catalogue();
    let counts: Vec<(&str, usize)> = catalogue
        .areas()
        .into_iter()
        .map(|area| (area, catalogue.iter().filter(|r| r.area == area).count()))
        .collect();
    let expected = [
        ("rpc.header", 18),
        ("rpc.bind", 32),
        ("rpc.nak", 2),
        ("rpc.btfn", 8),
        ("rpc.fragsize", 6),
        ("rpc.assoc", 4),
        ("rpc.alter", 8),
        ("rpc.state", 7),
        ("rpc.request", 13),
        ("rpc.response", 3),
        ("rpc.fault", 3),
        ("rpc.fragment", 13),
        ("rpc.cancel", 3),
        ("rpc.orphaned", 2),
        ("rpc.auth", 6),
        ("rpc.stream", 8),
        ("rpc.robust", 4),
        ("rpc.ndr", 9),
        ("rpc.ndr64", 5),
        ("rpc.stub", 1),
        ("message", 18),
        ("crypto", 10),
        ("policy", 12),
        ("deployment", 15),
        ("discovery", 13),
        ("replay", 2),
        ("rpc.client", 27),
        ("client", 11),
    ];
    assert_eq!(counts, expected);
}

#[test]
fn every_name_of_the_protocol_text_has_an_entry() {
    let catalogue = catalogue();
    let prefixes = ["message.", "crypto.", "policy.", "rpc.stub.", "client."];
    let names: BTreeSet<&str> = KMS_PROTOCOL
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| prefixes.iter().any(|prefix| name.starts_with(prefix)))
        .collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        assert!(!catalogue.resolve(name).is_empty(), "{name}");
    }
}

#[test]
fn every_row_of_the_deployment_has_its_entry() {
    let rows = DEPLOYMENT.lines().filter_map(|line| {
        let (row, _) = line.strip_prefix("| ")?.split_once(" |")?;
        let named = row.split_once(' ').map_or(row, |(_, name)| name);
        let numbered = row.starts_with(|c: char| c.is_ascii_digit()) || row == "support";
        numbered.then_some((row, named))
    });
    let mut count = 0;
    for (row, name) in rows {
        let requirement = catalogue().get(&format!("deployment.{name}")).expect(row);
        assert_eq!(requirement.source, format!("deployment: row {row}"));
        count += 1;
    }
    let entries = catalogue().iter().filter(|r| r.area == "deployment");
    assert_eq!(count, entries.count());
}

#[test]
fn every_section_that_is_cited_is_there() {
    for requirement in catalogue().iter() {
        for number in requirement
            .source
            .split("section ")
            .skip(1)
            .filter(|_| requirement.source.starts_with("kms-protocol"))
            .filter_map(|rest| rest.chars().next())
        {
            let heading = format!("\n## {number}. ");
            assert!(KMS_PROTOCOL.contains(&heading), "{}", requirement.id);
        }
    }
}

#[test]
fn every_entry_says_something_in_every_field() {
    for r in catalogue().iter() {
        let texts = [&r.title, &r.stimulus, &r.expect, &r.tolerate, &r.source];
        assert!(texts.iter().all(|text| text.len() > 3), "{}", r.id);
        assert!(
            !r.title.ends_with('.'),
            "{}: a title has no full stop",
            r.id
        );
    }
}

#[test]
fn references_to_other_requirements_lead_somewhere() {
    let catalogue = catalogue();
    for r in catalogue.iter() {
        for text in [&r.stimulus, &r.expect, &r.tolerate] {
            let ids = text
                .split(|c: char| !(c.is_ascii_alphanumeric() || ".-".contains(c)))
                .map(|word| word.trim_end_matches('.'))
                .filter(|word| word.starts_with("rpc.") && word.matches('.').count() == 2);
            for id in ids {
                assert!(catalogue.get(id).is_some(), "{}: {id}", r.id);
            }
        }
    }
}

#[test]
fn the_terms_of_an_entry_are_found() {
    let catalogue = catalogue();
    let call = catalogue.get("rpc.request.response-basic").unwrap();
    let names: Vec<&str> = catalogue
        .terms_of(call)
        .iter()
        .map(|term| term.name.as_str())
        .collect();
    assert_eq!(names, ["BOUND", "STD_CALL"]);
}

#[test]
fn a_case_with_a_variant_has_the_requirement_before_the_slash() {
    let id = "rpc.bind.no-contexts";
    let found = catalogue().get("rpc.bind.no-contexts/half-close").unwrap();
    assert_eq!((found.id.as_str(), found.level), (id, Level::Should));
    assert!(found.binds(Role::Host) && !found.binds(Role::Client));
}

#[test]
fn an_alias_stands_for_its_requirements() {
    let catalogue = catalogue();
    let named = catalogue.resolve("rpc.stub.referent-nonnull");
    let ids: Vec<&str> = named.iter().map(|r| r.id.as_str()).collect();
    assert_eq!(
        ids,
        ["rpc.ndr.response-layout", "rpc.ndr64.response-layout"]
    );
    assert!(catalogue.get("rpc.stub.referent-nonnull").is_none());
}

#[test]
fn patterns_select_ids_and_what_aliases_stand_for() {
    let catalogue = catalogue();
    assert_eq!(catalogue.select(&Glob::new("rpc.nak.*")).len(), 2);
    assert_eq!(catalogue.select(&Glob::new("rpc.stub.alloc-hint")).len(), 1);
    assert!(catalogue.select(&Glob::new("rpc.nak")).is_empty());
    assert_eq!(catalogue.select(&Glob::new("*")).len(), catalogue.len());
}

#[test]
fn a_frozen_set_has_what_is_not_newer() {
    let newer: &str = &ENTRY.replace("a.one", "a.two").replace("2026-1", "2026-10");
    let text: &'static str = Box::leak(format!("{ENTRY}{newer}").into_boxed_str());
    let catalogue = parse(text).unwrap();
    let sizes = ["2026-1", "2026-10", "2026-2"].map(|set| catalogue.set(set).len());
    assert_eq!(sizes, [1, 2, 0]);
    assert_eq!(catalogue.sets(), ["2026-1", "2026-10"]);
}

#[test]
fn what_is_wrong_is_named_with_file_and_line() {
    use CatalogueProblem::{DuplicateId, MalformedSet, OutsideArea};
    let twice = format!("{ENTRY}{ENTRY}");
    let table = [
        (twice, 15, DuplicateId("a.one".to_owned())),
        (
            ENTRY.replace("a.one", "b.one"),
            3,
            OutsideArea("b.one".to_owned()),
        ),
        (
            ENTRY.replace("2026-1", "soon"),
            12,
            MalformedSet("soon".to_owned()),
        ),
    ];
    for (text, line, problem) in table {
        let error = parse(Box::leak(text.into_boxed_str())).unwrap_err();
        assert_eq!((error.file, error.line), ("a.toml", line), "{error}");
        assert_eq!(error.problem, problem);
    }
    let text = Box::leak(ENTRY.replace("level", "lever").into_boxed_str());
    let error = parse(text).unwrap_err().to_string();
    assert!(
        error.starts_with("a.toml:5: unknown field `lever`"),
        "{error}"
    );
}

#[test]
fn an_alias_of_nothing_is_an_error() {
    let aliases = "\n[[alias]]\nid = \"b\"\ntitle = \"t\"\nof = [\"a.none\"]\n";
    let read = Catalogue::parse(
        &[("a.toml", "a", ENTRY)],
        ("aliases.toml", "", aliases),
        TERMS,
    );
    let error = read.unwrap_err();
    assert_eq!(
        error.problem,
        CatalogueProblem::UnknownId("a.none".to_owned())
    );
    assert_eq!((error.file, error.line), ("aliases.toml", 2));
}

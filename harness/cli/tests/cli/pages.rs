//! What `list` and `explain` say.

use crate::kit::{folder, kmspec, say};

#[test]
fn a_requirement_is_explained_on_a_page() {
    let folder = folder();
    let said = say(folder.path(), "explain message.too-short");
    insta::assert_snapshot!("explain-a-requirement", said.stdout);
}

#[test]
fn a_requirement_that_nobody_can_observe_says_why() {
    let folder = folder();
    let said = say(folder.path(), "list --format json");
    let list: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let unobservable = list["requirements"]
        .as_array()
        .unwrap()
        .iter()
        .find(|requirement| requirement["unobservable"].is_string());
    let Some(requirement) = unobservable else {
        return;
    };
    let page = say(
        folder.path(),
        &format!("explain {}", requirement["id"].as_str().unwrap()),
    );
    assert!(page.stdout.contains("\nno case     "), "{}", page.stdout);
}

#[test]
fn the_list_for_programs_has_a_version_and_every_requirement() {
    let folder = folder();
    let said = say(folder.path(), "list --format json");
    let list: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(list["version"], 1);
    let count = list["requirements"].as_array().unwrap().len();
    assert_eq!(count, kmspec_conformance::catalogue::catalogue().len());
    for requirement in list["requirements"].as_array().unwrap() {
        assert!(requirement["id"].is_string() && requirement["cases"].is_array());
    }
}

#[test]
fn the_list_for_people_has_a_line_a_requirement() {
    let folder = folder();
    let said = say(folder.path(), "list --only crypto.v6-*");
    assert_eq!(said.code, Some(0));
    for line in said.stdout.lines() {
        assert!(line.starts_with("crypto.v6-"), "{line}");
    }
    assert!(said.stderr.contains(" requirements, "), "{}", said.stderr);
}

#[test]
fn colours_are_for_terminals_unless_they_are_asked_for() {
    let folder = folder();
    let page = |arguments: &[&str], no_color: bool| {
        let mut command = kmspec(folder.path());
        command.args(["explain", "crypto.v6-hmac"]).args(arguments);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        String::from_utf8(command.output().unwrap().stdout).unwrap()
    };
    assert!(!page(&[], false).contains('\u{1b}'));
    assert!(page(&["--color", "always"], false).contains('\u{1b}'));
    assert!(!page(&["--color", "never"], false).contains('\u{1b}'));
    assert!(!page(&[], true).contains('\u{1b}'));
}

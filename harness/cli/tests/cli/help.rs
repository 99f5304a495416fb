//! What `--help` says.

use crate::kit::{folder, say};

#[test]
fn every_command_has_its_help() {
    let folder = folder();
    for command in [
        "",
        "run",
        "replay",
        "compare",
        "decode",
        "record",
        "list",
        "explain",
        "self-test",
        "vectors",
        "bench",
        "fuzz",
        "fuzz promote",
        "lab",
        "lab serve",
        "lab dns",
        "lab client",
        "lab slmgr",
        "lab fleet",
    ] {
        for (form, option) in [("long", "--help"), ("short", "-h")] {
            let said = say(folder.path(), &format!("{command} {option}"));
            assert_eq!(said.code, Some(0), "{said:?}");
            let name = format!("kmspec {command} {form}")
                .replace("  ", " ")
                .replace(' ', "-");
            insta::assert_snapshot!(name, said.stdout);
        }
    }
}

#[test]
fn help_is_the_same_by_either_name() {
    let folder = folder();
    let (by_option, by_command) = (
        say(folder.path(), "lab serve --help"),
        say(folder.path(), "help lab serve"),
    );
    assert_eq!(by_option.stdout, by_command.stdout);
}

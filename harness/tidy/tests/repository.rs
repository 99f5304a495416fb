//! This repository, held against every rule.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use kmspec_tidy::{Problems, Tree, documents, fuzzing, layering, manifests, sizes, sources, text};

static TREE: LazyLock<Tree> = LazyLock::new(|| Tree::read(&root()).unwrap());

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
        .to_owned()
}

/// What the cargo that runs these tests prints.
fn cargo(arguments: &[&str]) -> String {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(arguments)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn none(problems: &Problems) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

#[test]
fn crates_depend_only_downwards() {
    let metadata = cargo(&["metadata", "--no-deps", "--format-version=1"]);
    none(&layering::imports(
        &serde_json::from_str(&metadata).unwrap(),
    ));
}

#[test]
fn sans_io_crates_reach_no_executor_socket_or_randomness() {
    for name in layering::SANS_IO {
        let reached = cargo(&[
            "tree",
            "-p",
            name,
            "--edges=normal",
            "--all-features",
            "--prefix=none",
        ]);
        none(&layering::sans_io(name, &reached));
    }
}

/// A test that asks one rule about the whole tree.
macro_rules! holds {
    ($($name:ident: $rule:path;)*) => {
        $(#[test] fn $name() { none(&$rule(&TREE)); })*
    };
}

holds! {
    files_are_short: sizes::lengths;
    modules_are_named_after_themselves: sizes::module_names;
    captures_that_are_named_exist: sources::captures;
    observations_name_their_capture: sources::observations;
    no_text_names_a_path_of_one_machine: text::machine_paths;
    no_text_promises_work: text::promises;
    words_are_those_of_the_field: text::strange_words;
    all_code_is_checked: text::unchecked_code;
    lints_are_expected_and_not_allowed: text::bare_allows;
    members_take_lints_and_versions_from_the_workspace: manifests::inherited;
    the_root_names_a_toolchain_and_forbids_unchecked_code: manifests::root;
    required_documents_are_there: documents::present;
    the_architecture_names_every_member: documents::architecture_is_complete;
    paths_in_documents_exist: documents::paths_exist;
    the_readme_and_the_ci_run_the_same_commands: documents::readme_commands;
    the_changelog_says_something: documents::changelog;
    fuzz_targets_are_declared_and_have_seeds: fuzzing::targets;
    seeds_are_small: fuzzing::seed_sizes;
}

//! Documents that speak of the tree must fit it.

use std::collections::BTreeSet;

use crate::manifests::members;
use crate::{Problems, Tree};

/// Documents that must be there and say something.
const REQUIRED: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "SECURITY.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "captures/README.md",
];

/// Required documents that are missing or nearly empty.
pub fn present(tree: &Tree) -> Problems {
    let missing = REQUIRED
        .iter()
        .filter(|path| tree.get(path).is_none_or(|file| file.bytes < 200));
    missing
        .map(|path| format!("{path}: missing or empty"))
        .collect()
}

/// Members that the architecture does not name.
pub fn architecture_is_complete(tree: &Tree) -> Problems {
    let named = tree
        .get("ARCHITECTURE.md")
        .map(|file| quoted(&file.text))
        .unwrap_or_default();
    let unnamed = members(tree)
        .into_iter()
        .filter(|member| !named.contains(&format!("{member}/").as_str()));
    unnamed
        .map(|member| format!("ARCHITECTURE.md: does not name `{member}/`"))
        .collect()
}

/// Paths in the documents, in backquotes, that do not exist. A path has a `/` and no blank, placeholder or option.
pub fn paths_exist(tree: &Tree) -> Problems {
    let mut problems = Problems::new();
    for document in tree
        .with_extension("md")
        .filter(|file| !file.path.contains('/'))
    {
        for path in quoted(&document.text) {
            if is_path(path) && !tree.exists(path) {
                problems.push(format!("{}: `{path}` does not exist", document.path));
            }
        }
    }
    problems
}

/// Places that building and fuzzing write, which are not in the tree.
const OUTPUT: &[&str] = &[
    "target/",
    "fuzz/corpus",
    "fuzz/artifacts",
    "fuzz/target",
    "out/",
];

/// Commands of the first indented block of the readme that `.ci/run` does not run, and the reverse.
/// In `.ci/run` they are the lines that begin with `readme `.
pub fn readme_commands(tree: &Tree) -> Problems {
    let (Some(readme), Some(door)) = (tree.get("README.md"), tree.get(".ci/run")) else {
        return vec!["README.md, .ci/run: missing".to_owned()];
    };
    let block = readme
        .text
        .lines()
        .skip_while(|line| !line.starts_with("    "));
    let told: BTreeSet<_> = block
        .take_while(|line| line.starts_with("    "))
        .map(command)
        .collect();
    let run: BTreeSet<_> = door
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("readme "))
        .map(command)
        .collect();
    let mut problems = Problems::new();
    if told.is_empty() {
        problems.push("README.md: no commands".to_owned());
    }
    problems.extend(
        told.difference(&run)
            .map(|command| format!(".ci/run: does not run `{command}`")),
    );
    problems.extend(
        run.difference(&told)
            .map(|command| format!("README.md: does not tell `{command}`")),
    );
    problems
}

/// A changelog without a heading for what is not released yet, or with nothing under its first heading.
pub fn changelog(tree: &Tree) -> Problems {
    let text = tree
        .get("CHANGELOG.md")
        .map_or("", |file| file.text.as_str());
    let mut sections = text.split("\n## ").skip(1);
    match sections.next().and_then(|section| section.split_once('\n')) {
        Some((_, body)) if body.lines().any(|line| line.starts_with("- ")) => Problems::new(),
        _ => vec!["CHANGELOG.md: nothing under its first heading".to_owned()],
    }
}

/// Whether what stands between backquotes is a path of this repository.
fn is_path(quoted: &str) -> bool {
    let placeholder = |c: char| c.is_whitespace() || "<>*{}:$\\".contains(c);
    let elsewhere =
        quoted.starts_with(['/', '-']) || OUTPUT.iter().any(|output| quoted.starts_with(output));
    quoted.contains('/') && !quoted.contains(placeholder) && !elsewhere
}

/// A command without its indentation and its comment.
fn command(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim()
}

/// What stands between backquotes, code blocks aside.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text
        .lines()
        .filter(|line| !line.starts_with("    ") && !line.starts_with("```"));
    prose
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{architecture_is_complete, changelog, paths_exist, present, readme_commands};
    use crate::Tree;

    const ROOT: (&str, &str) = (
        "Cargo.toml",
        "workspace.members = ['harness/wire', 'captures']",
    );

    #[test]
    fn a_missing_document_is_a_problem() {
        assert!(
            present(&Tree::of(&[("README.md", "short")]))
                .iter()
                .any(|line| line.starts_with("README.md"))
        );
        assert!(
            !present(&Tree::of(&[("README.md", &"x".repeat(300))]))
                .iter()
                .any(|line| line.starts_with("README.md"))
        );
    }

    #[test]
    fn an_unnamed_member_is_a_problem() {
        let tree = Tree::of(&[
            ROOT,
            ("ARCHITECTURE.md", "`harness/wire/` holds the formats"),
        ]);
        assert_eq!(
            architecture_is_complete(&tree),
            ["ARCHITECTURE.md: does not name `captures/`"]
        );
    }

    #[test]
    fn a_path_that_is_gone_is_a_problem() {
        let text = "`harness/wire/src/lib.rs` `a/<b>.rs` `cargo run -- x/y` `gone/lib.rs` `target/ci`\n    `in/code`";
        let tree = Tree::of(&[("ARCHITECTURE.md", text), ("harness/wire/src/lib.rs", "")]);
        assert_eq!(
            paths_exist(&tree),
            ["ARCHITECTURE.md: `gone/lib.rs` does not exist"]
        );
    }

    #[test]
    fn commands_told_and_commands_run_are_the_same() {
        let readme = "# x\n\n    cargo test   # all\n    cargo run\n\ntext\n\n    other\n";
        let both = Tree::of(&[
            ("README.md", readme),
            (".ci/run", "readme cargo test\nreadme cargo run\nstage x\n"),
        ]);
        assert!(readme_commands(&both).is_empty());
        let one = Tree::of(&[
            ("README.md", readme),
            (".ci/run", "readme cargo test\nreadme cargo doc\n"),
        ]);
        assert_eq!(
            readme_commands(&one),
            [
                ".ci/run: does not run `cargo run`",
                "README.md: does not tell `cargo doc`"
            ]
        );
    }

    #[test]
    fn an_empty_changelog_is_a_problem() {
        assert!(
            changelog(&Tree::of(&[(
                "CHANGELOG.md",
                "# Changes\n\n## Unreleased\n\n- first\n"
            )]))
            .is_empty()
        );
        assert_eq!(
            changelog(&Tree::of(&[(
                "CHANGELOG.md",
                "# Changes\n\n## Unreleased\n\n## 0.1\n\n- x"
            )]))
            .len(),
            1
        );
    }
}

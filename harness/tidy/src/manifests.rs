//! What every manifest of ours has.

use toml::Table;

use crate::{Problems, Tree};

/// Paths of the workspace's members, as the root manifest lists them.
pub fn members(tree: &Tree) -> Vec<String> {
    let root = parse(tree, "Cargo.toml");
    let list = root
        .as_ref()
        .and_then(|root| root.get("workspace")?.get("members")?.as_array());
    list.into_iter()
        .flatten()
        .filter_map(|member| Some(member.as_str()?.to_owned()))
        .collect()
}

/// The one crate with lints of its own: it may deny what the others forbid. See [`crate::text::unchecked_code`].
const DENIES: &str = "harness/rounds";

/// Members that do not take the workspace's lints, toolchain or licence, or that name a version of a dependency
/// which should stand once, at the root.
pub fn inherited(tree: &Tree) -> Problems {
    let mut problems = Problems::new();
    for member in members(tree) {
        let path = format!("{member}/Cargo.toml");
        let Some(manifest) = parse(tree, &path) else {
            problems.push(format!("{path}: missing or not TOML"));
            continue;
        };
        if member != DENIES && !inherits(manifest.get("lints")) {
            problems.push(format!("{path}: no `lints.workspace = true`"));
        }
        for key in ["edition", "rust-version", "license"] {
            if !inherits(manifest.get("package").and_then(|package| package.get(key))) {
                problems.push(format!("{path}: no `{key}.workspace = true`"));
            }
        }
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            let table = manifest.get(section).and_then(toml::Value::as_table);
            for (name, dependency) in table.into_iter().flatten() {
                if !inherits(Some(dependency)) {
                    problems.push(format!("{path}: {name} has a version of its own"));
                }
            }
        }
    }
    problems
}

/// A root manifest without a minimum toolchain, or that allows code the compiler does not check.
pub fn root(tree: &Tree) -> Problems {
    let mut problems = Problems::new();
    let root = parse(tree, "Cargo.toml").unwrap_or_default();
    let workspace = root.get("workspace");
    if workspace
        .and_then(|workspace| workspace.get("package")?.get("rust-version"))
        .is_none()
    {
        problems.push("Cargo.toml: no rust-version".to_owned());
    }
    let lint = workspace.and_then(|workspace| {
        workspace
            .get("lints")?
            .get("rust")?
            .get("unsafe_code")?
            .as_str()
    });
    if lint != Some("forbid") {
        problems.push("Cargo.toml: unsafe_code is not forbidden".to_owned());
    }
    problems
}

fn parse(tree: &Tree, path: &str) -> Option<Table> {
    tree.get(path)?.text.parse().ok()
}

fn inherits(value: Option<&toml::Value>) -> bool {
    value.and_then(|value| value.get("workspace")?.as_bool()) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::{inherited, root};
    use crate::Tree;

    const GOOD: &str = "package.edition.workspace = true\npackage.rust-version.workspace = true\n\
        package.license.workspace = true\nlints.workspace = true\ndependencies.aes = { workspace = true }\n";

    fn member(manifest: &str) -> Tree {
        Tree::of(&[
            ("Cargo.toml", "workspace.members = ['a']"),
            ("a/Cargo.toml", manifest),
        ])
    }

    #[test]
    fn a_member_that_goes_its_own_way_is_a_problem() {
        assert!(inherited(&member(GOOD)).is_empty());
        let table = [
            (
                "lints.workspace = true\n",
                "",
                "a/Cargo.toml: no `lints.workspace = true`",
            ),
            (
                "package.license.workspace",
                "package.other",
                "a/Cargo.toml: no `license.workspace = true`",
            ),
            (
                "{ workspace = true }",
                "'1'",
                "a/Cargo.toml: aes has a version of its own",
            ),
            ("lints", "[", "a/Cargo.toml: missing or not TOML"),
        ];
        for (from, to, expected) in table {
            assert_eq!(inherited(&member(&GOOD.replace(from, to))), [expected]);
        }
    }

    #[test]
    fn a_root_without_a_toolchain_or_a_lint_is_a_problem() {
        let good =
            "workspace.package.rust-version = '1.89'\nworkspace.lints.rust.unsafe_code = 'forbid'";
        assert!(root(&Tree::of(&[("Cargo.toml", good)])).is_empty());
        assert_eq!(
            root(&Tree::of(&[(
                "Cargo.toml",
                &good.replace("forbid", "deny")
            )]))
            .len(),
            1
        );
        assert_eq!(root(&Tree::of(&[("Cargo.toml", "")])).len(), 2);
    }
}

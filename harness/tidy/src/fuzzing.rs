//! Fuzz targets, their seeds, and the list of them.

use std::collections::BTreeSet;

use crate::{Problems, Tree};

/// Largest seed, in bytes. Seeds are small and chosen; what a campaign gathers stays out of the tree.
pub const LARGEST_SEED: usize = 16 * 1024;

/// Targets without a declaration or seeds, and declarations or seeds without a target.
pub fn targets(tree: &Tree) -> Problems {
    let files = below(tree, "fuzz/fuzz_targets/")
        .filter_map(|path| path.strip_suffix(".rs"))
        .collect::<BTreeSet<_>>();
    let seeds = below(tree, "fuzz/seeds/")
        .filter_map(|path| Some(path.split_once('/')?.0))
        .collect::<BTreeSet<_>>();
    let manifest = tree
        .get("fuzz/Cargo.toml")
        .map_or("", |file| file.text.as_str());
    let manifest: toml::Table = manifest.parse().unwrap_or_default();
    let bins = manifest.get("bin").and_then(toml::Value::as_array);
    let bins: BTreeSet<_> = bins
        .into_iter()
        .flatten()
        .filter_map(|bin| bin.get("name")?.as_str())
        .collect();
    let mut problems = Problems::new();
    let mut compare = |what: &str, there: &BTreeSet<&str>| {
        problems.extend(
            files
                .difference(there)
                .map(|name| format!("fuzz: target {name} has no {what}")),
        );
        problems.extend(
            there
                .difference(&files)
                .map(|name| format!("fuzz: {what} {name} has no target")),
        );
    };
    compare("declaration", &bins);
    compare("seeds", &seeds);
    problems
}

/// Seeds that are too large.
pub fn seed_sizes(tree: &Tree) -> Problems {
    let large = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with("fuzz/seeds/") && file.bytes > LARGEST_SEED);
    large
        .map(|file| {
            format!(
                "{}: {} bytes, at most {LARGEST_SEED}",
                file.path, file.bytes
            )
        })
        .collect()
}

fn below<'a>(tree: &'a Tree, folder: &'a str) -> impl Iterator<Item = &'a str> {
    tree.files
        .iter()
        .filter_map(move |file| file.path.strip_prefix(folder))
}

#[cfg(test)]
mod tests {
    use super::{LARGEST_SEED, seed_sizes, targets};
    use crate::Tree;

    #[test]
    fn targets_declarations_and_seeds_go_together() {
        let good = [
            ("fuzz/Cargo.toml", "[[bin]]\nname = 'pdu'\n"),
            ("fuzz/fuzz_targets/pdu.rs", ""),
            ("fuzz/seeds/pdu/a", ""),
        ];
        assert!(targets(&Tree::of(&good)).is_empty());
        assert_eq!(
            targets(&Tree::of(&good[1..])),
            ["fuzz: target pdu has no declaration"]
        );
        assert_eq!(
            targets(&Tree::of(&good[..2])),
            ["fuzz: target pdu has no seeds"]
        );
        assert_eq!(
            targets(&Tree::of(&[good[0], good[2]])),
            [
                "fuzz: declaration pdu has no target",
                "fuzz: seeds pdu has no target"
            ]
        );
    }

    #[test]
    fn a_large_seed_is_a_problem() {
        let tree = Tree::of(&[
            ("fuzz/seeds/pdu/a", &"x".repeat(LARGEST_SEED + 1)),
            ("fuzz/seeds/pdu/b", "x"),
        ]);
        assert_eq!(seed_sizes(&tree).len(), 1);
    }
}

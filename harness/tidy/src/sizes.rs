//! How long a file may be, and how it may be named.

use crate::{Problems, Tree};

/// Longest source file, in lines.
pub const LONGEST: usize = 800;

/// Longest file of tests, in lines.
pub const LONGEST_OF_TESTS: usize = 1_200;

/// Source files that are too long.
pub fn lengths(tree: &Tree) -> Problems {
    let mut problems = Problems::new();
    for file in tree.with_extension("rs") {
        let of_tests =
            file.name() == "tests.rs" || file.path.split('/').any(|part| part == "tests");
        let longest = if of_tests { LONGEST_OF_TESTS } else { LONGEST };
        let lines = file.text.lines().count();
        if lines > longest {
            problems.push(format!("{}: {lines} lines, at most {longest}", file.path));
        }
    }
    problems
}

/// Modules named `mod.rs`, which all look alike in an editor; `name.rs` beside `name/` does not.
pub fn module_names(tree: &Tree) -> Problems {
    let named_mod = tree
        .with_extension("rs")
        .filter(|file| file.name() == "mod.rs");
    named_mod
        .map(|file| format!("{}: name it after its module", file.path))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, LONGEST_OF_TESTS, lengths, module_names};
    use crate::Tree;

    #[test]
    fn one_line_too_many_is_a_problem() {
        let lines = |count| "\n".repeat(count);
        let table = [
            ("a/src/b.rs", LONGEST, 0),
            ("a/src/b.rs", LONGEST + 1, 1),
            ("a/tests/b.rs", LONGEST_OF_TESTS, 0),
            ("a/tests/b.rs", LONGEST_OF_TESTS + 1, 1),
            ("a/src/b/tests.rs", LONGEST + 1, 0),
            ("a/b.md", LONGEST_OF_TESTS + 1, 0),
        ];
        for (path, count, expected) in table {
            assert_eq!(
                lengths(&Tree::of(&[(path, &lines(count))])).len(),
                expected,
                "{path} {count}"
            );
        }
    }

    #[test]
    fn a_file_named_mod_is_a_problem() {
        let tree = Tree::of(&[("a/src/b/mod.rs", ""), ("a/src/modern.rs", "")]);
        assert_eq!(
            module_names(&tree),
            ["a/src/b/mod.rs: name it after its module"]
        );
    }
}

//! What no text of the repository says.

use crate::{File, Problems, Tree};

/// This file, which has to name them.
const THIS: &str = "harness/tidy/src/text.rs";

/// Paths of one machine. The tree needs nothing outside itself.
const MACHINE_PATHS: &[&str] = &["/work/", "/root/", "/home/", "/Users/", "../shared"];

/// Promises instead of work.
const PROMISES: &[&str] = &["TODO", "FIXME", "HACK", "XXX:"];

/// Words for roles that are not the field's: there are hosts and clients.
const STRANGE_WORDS: &[&str] = &["agent", "agents", "subagent", "subagents"];

/// Paths that exist on one machine only, in any text.
pub fn machine_paths(tree: &Tree) -> Problems {
    find(tree.files.iter(), |line| {
        MACHINE_PATHS
            .iter()
            .copied()
            .find(|path| line.contains(path))
    })
}

/// Promises in code and documents.
pub fn promises(tree: &Tree) -> Problems {
    find(tree.files.iter(), |line| {
        PROMISES
            .iter()
            .copied()
            .find(|promise| line.contains(promise))
    })
}

/// Words that are not the field's.
pub fn strange_words(tree: &Tree) -> Problems {
    let is_strange = |word: &&str| {
        STRANGE_WORDS
            .iter()
            .any(|strange| word.eq_ignore_ascii_case(strange))
    };
    let texts = tree
        .files
        .iter()
        .filter(|file| ["rs", "md", "toml", "sh"].iter().any(|end| file.is(end)));
    find(texts, |line| {
        line.split(|c: char| !c.is_alphanumeric()).find(is_strange)
    })
}

/// The one file that may say it, and once: it calls the CPU's round instructions.
const CALLS_THE_CPU: &str = "harness/rounds/src/lib.rs";

/// Code that the compiler does not check. The workspace's lint forbids it; this covers what is outside the workspace, and
/// that the one exception stays one.
pub fn unchecked_code(tree: &Tree) -> Problems {
    let forms = [
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
        "unsafe extern",
        "unsafe trait",
    ];
    let mut problems = find(tree.with_extension("rs"), |line| {
        forms.into_iter().find(|form| line.contains(form))
    });
    let excepted = |problem: &String| problem.starts_with(CALLS_THE_CPU);
    if let Some(call) = problems.iter().position(excepted) {
        problems.remove(call);
    }
    problems
}

/// Lints that are switched off without being expected to fire.
pub fn bare_allows(tree: &Tree) -> Problems {
    let forms = ["#[allow(", "#![allow("];
    find(tree.with_extension("rs"), |line| {
        forms
            .into_iter()
            .find(|form| line.trim_start().starts_with(form))
    })
}

fn find<'a>(
    files: impl Iterator<Item = &'a File>,
    offence: impl for<'l> Fn(&'l str) -> Option<&'l str>,
) -> Problems {
    let mut problems = Problems::new();
    for file in files.filter(|file| file.path != THIS) {
        for (number, line) in file.lines() {
            if let Some(found) = offence(line) {
                problems.push(format!("{}:{number}: says `{found}`", file.path));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::{bare_allows, machine_paths, promises, strange_words, unchecked_code};
    use crate::{Problems, Tree};

    type Rule = fn(&Tree) -> Problems;

    #[test]
    fn each_rule_finds_its_offence_and_names_the_line() {
        let table: [(Rule, &str, &str); 6] = [
            (machine_paths, "cd /root/x", "/root/"),
            (machine_paths, "read ../shared/x", "../shared"),
            (promises, "// TODO: later", "TODO"),
            (strange_words, "the Agent answers", "Agent"),
            (unchecked_code, "    unsafe { f() }", "unsafe {"),
            (bare_allows, "#[allow(dead_code)]", "#[allow("),
        ];
        for (rule, line, word) in table {
            let tree = Tree::of(&[("a.rs", &format!("fn fine() {{}}\n{line}\n"))]);
            assert_eq!(rule(&tree), [format!("a.rs:2: says `{word}`")]);
        }
    }

    #[test]
    fn words_are_whole_and_lint_names_are_not_code() {
        let tree = Tree::of(&[(
            "a.rs",
            "#![forbid(unsafe_code)] // a reagent\n#[expect(dead_code)]\n",
        )]);
        for rule in [strange_words, unchecked_code, bare_allows] {
            assert_eq!(rule(&tree), Problems::new());
        }
    }

    #[test]
    fn the_one_call_of_the_cpu_may_not_become_two() {
        let says = |lines: &str| unchecked_code(&Tree::of(&[(super::CALLS_THE_CPU, lines)])).len();
        assert_eq!(says("unsafe { f() }\n"), 0);
        assert_eq!(says("unsafe { f() }\nunsafe { g() }\n"), 1);
    }
}

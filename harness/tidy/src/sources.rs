//! Where facts come from: every capture that is named must be there.

use crate::{File, Problems, Tree};

/// This file, whose tests name what is not there.
const THIS: &str = "harness/tidy/src/sources.rs";

/// Names of recordings, in any text, that are not in `captures/`.
pub fn captures(tree: &Tree) -> Problems {
    let mut problems = Problems::new();
    for file in texts(tree) {
        for (number, line) in file.lines() {
            for path in recordings(line) {
                if !tree.exists(path) {
                    problems.push(format!("{}:{number}: {path} does not exist", file.path));
                }
            }
        }
    }
    problems
}

/// Source notes of what was observed that name no recording.
pub fn observations(tree: &Tree) -> Problems {
    let mut problems = Problems::new();
    for file in texts(tree) {
        for (number, line) in file.lines() {
            let Some((_, note)) = line.split_once("Source: observed") else {
                continue;
            };
            let next = file.text.lines().nth(number).unwrap_or_default();
            if recordings(note).is_empty() && recordings(next).is_empty() {
                problems.push(format!(
                    "{}:{number}: observed where? name a file of captures/",
                    file.path
                ));
            }
        }
    }
    problems
}

fn texts(tree: &Tree) -> impl Iterator<Item = &File> {
    tree.files.iter().filter(|file| file.path != THIS)
}

/// Paths below `captures/` in a line that look like recordings.
fn recordings(line: &str) -> Vec<&str> {
    let folder = "captures/";
    let starts = line.match_indices(folder).map(|(at, _)| at);
    let paths = starts.map(|at| {
        let rest = &line[at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_./".contains(c)))
            .unwrap_or(rest.len());
        rest[..end].trim_end_matches('.')
    });
    paths
        .filter(|path| {
            [".pcap", ".pcapng", ".gz"]
                .iter()
                .any(|end| path.ends_with(end))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{captures, observations};
    use crate::Tree;

    fn tree(line: &str) -> Tree {
        Tree::of(&[("captures/01-a.pcap", ""), ("wire/src/a.rs", line)])
    }

    #[test]
    fn a_recording_that_is_not_there_is_a_problem() {
        assert!(captures(&tree("/// Source: observed, captures/01-a.pcap frame 12.")).is_empty());
        assert!(captures(&tree("see captures/README.md and captures/*.pcapng")).is_empty());
        assert_eq!(
            captures(&tree("/// Source: observed, captures/02-b.pcap.")),
            ["wire/src/a.rs:1: captures/02-b.pcap does not exist"]
        );
    }

    #[test]
    fn an_observation_names_its_recording_on_its_line_or_the_next() {
        assert!(observations(&tree("// Source: observed, captures/01-a.pcap")).is_empty());
        assert!(observations(&tree("// Source: observed,\n// captures/01-a.pcap")).is_empty());
        let lone = "// Source: observed on two hosts.";
        assert_eq!(observations(&tree(lone)).len(), 1);
    }
}

//! The files of a repository, read once.

use std::path::Path;
use std::{fs, io};

/// Folders that hold no source: build output, version control, what fuzzing leaves behind.
const SKIPPED: &[&str] = &[
    "target",
    ".git",
    "corpus",
    "artifacts",
    "coverage",
    "mutants.out",
];

/// A file of the tree.
#[derive(Clone, Debug)]
pub struct File {
    /// Path from the root, with `/`.
    pub path: String,
    /// The whole file; empty if it is not UTF-8.
    pub text: String,
    /// Length in bytes.
    pub bytes: usize,
}

impl File {
    /// Whether the name ends in `.extension`.
    pub fn is(&self, extension: &str) -> bool {
        Path::new(&self.path)
            .extension()
            .is_some_and(|found| found == extension)
    }

    /// The last part of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    /// The lines with their numbers, from 1.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

/// The files of a repository, sorted by path.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The files.
    pub files: Vec<File>,
}

impl Tree {
    /// Reads every file below `root`, build output aside.
    pub fn read(root: &Path) -> io::Result<Self> {
        let mut files = Vec::new();
        let mut folders = vec![root.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let entry = entry?;
                let path = entry.path();
                if entry.file_type()?.is_dir() {
                    if !SKIPPED.iter().any(|name| entry.file_name() == *name) {
                        folders.push(path);
                    }
                    continue;
                }
                let content = fs::read(&path)?;
                let below = path.strip_prefix(root).unwrap_or(&path);
                files.push(File {
                    path: below.to_string_lossy().replace('\\', "/"),
                    bytes: content.len(),
                    text: String::from_utf8(content).unwrap_or_default(),
                });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// A tree of files in memory: path and text.
    pub fn of(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|&(path, text)| File {
            path: path.to_owned(),
            text: text.to_owned(),
            bytes: text.len(),
        });
        Self {
            files: files.collect(),
        }
    }

    /// The file of that path.
    pub fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or a folder of that path.
    pub fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        let below = format!("{path}/");
        self.files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&below))
    }

    /// The files with that extension.
    pub fn with_extension<'a>(&'a self, extension: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.is(extension))
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    #[test]
    fn a_folder_exists_if_something_is_in_it() {
        let tree = Tree::of(&[("a/b.rs", "")]);
        for (path, there) in [
            ("a", true),
            ("a/", true),
            ("a/b.rs", true),
            ("a/b", false),
            ("b.rs", false),
        ] {
            assert_eq!(tree.exists(path), there, "{path}");
        }
    }

    #[test]
    fn this_crate_finds_itself_and_no_build_output() {
        let tree = Tree::read(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
        assert!(tree.get("src/tree.rs").is_some_and(|file| file.bytes > 0));
        assert!(tree.files.iter().all(|file| !file.path.contains("target/")));
    }
}

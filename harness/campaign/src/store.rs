//! Findings and corpora on disk. What is there is whole: files are written aside, brought to the disk and only then
//! given their names, so that no end of the process, however sudden, leaves half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use kmspec_session::Session;
use thiserror::Error;

use crate::finding::{Facts, Finding, Standing};

/// A file that could not be read or written.
#[derive(Debug, Error)]
#[error("{}: {problem}", path.display())]
pub struct StoreError {
    /// The file or folder.
    pub path: PathBuf,
    /// What stands in the way.
    pub problem: String,
}

/// A folder of findings, one folder each.
#[derive(Debug)]
pub struct Findings {
    folder: PathBuf,
}

/// What belongs to a finding beside its facts and sessions.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// What went over the wire, as pcapng.
    pub traffic: Option<Vec<u8>>,
    /// What the target wrote.
    pub log: String,
    /// The arguments that repeat it, behind `kmspec fuzz`.
    pub target: String,
}

impl Findings {
    /// Opens the folder, making it where there is none. Room for one finding is set aside, so that a disk that is full
    /// when it is made is no reason to lose it.
    ///
    /// # Errors
    /// The folder cannot be made or written.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        let findings = Self {
            folder: folder.to_owned(),
        };
        findings.reserve().map_err(|error| failed(folder, &error))?;
        Ok(findings)
    }

    /// Every finding that is there, by name.
    ///
    /// # Errors
    /// The folder cannot be read, or one of them is not as it was written.
    pub fn all(&self) -> Result<Vec<Finding>, StoreError> {
        let entries = fs::read_dir(&self.folder).map_err(|error| failed(&self.folder, &error))?;
        let mut folders: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.join(FACTS).is_file() && !is_hidden(path))
            .collect();
        folders.sort();
        folders.iter().map(|folder| read(folder)).collect()
    }

    /// The folder of a finding.
    pub fn folder(&self, finding: &Finding) -> PathBuf {
        self.folder.join(finding.name())
    }

    /// Writes a finding, or brings the one of that name up to date. When this returns it is on the disk.
    ///
    /// # Errors
    /// It cannot be written; what was there before is still there.
    pub fn put(&self, finding: &Finding, evidence: &Evidence) -> Result<PathBuf, StoreError> {
        match self.try_put(finding, evidence) {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                drop(fs::remove_file(self.folder.join(RESERVE)));
                self.try_put(finding, evidence)
            }
            other => other,
        }
        .map_err(|error| failed(&self.folder(finding), &error))
    }

    fn try_put(&self, finding: &Finding, evidence: &Evidence) -> io::Result<PathBuf> {
        let folder = self.folder(finding);
        let files = files(finding, evidence)?;
        if folder.is_dir() {
            for (name, octets) in files {
                write(&folder.join(name), &octets)?;
            }
            return Ok(folder);
        }
        let aside = self.folder.join(format!(".new-{}", unique()));
        fs::create_dir(&aside)?;
        let written = files.iter().try_for_each(|(name, octets)| {
            let mut file = File::create(aside.join(name))?;
            file.write_all(octets)?;
            file.sync_all()
        });
        if let Err(error) = written.and_then(|()| fs::rename(&aside, &folder)) {
            drop(fs::remove_dir_all(&aside));
            return Err(error);
        }
        sync(&self.folder);
        Ok(folder)
    }

    fn reserve(&self) -> io::Result<()> {
        let path = self.folder.join(RESERVE);
        if !path.exists() {
            fs::write(path, vec![0; RESERVED])?;
        }
        Ok(())
    }
}

/// Reads the finding of a folder.
///
/// # Errors
/// It is no such folder, or not as it was written.
pub fn read(folder: &Path) -> Result<Finding, StoreError> {
    let text = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).map_err(|error| failed(&path, &error))
    };
    let wrong = |name: &str, problem: String| StoreError {
        path: folder.join(name),
        problem,
    };
    let facts: Facts =
        serde_json::from_str(&text(FACTS)?).map_err(|e| wrong(FACTS, e.to_string()))?;
    let session = Session::parse(&text(SESSION)?).map_err(|e| wrong(SESSION, e.to_string()))?;
    let original = Session::parse(&text(ORIGINAL)?).map_err(|e| wrong(ORIGINAL, e.to_string()))?;
    Ok(Finding {
        facts,
        session,
        original,
    })
}

fn files(finding: &Finding, evidence: &Evidence) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let facts = serde_json::to_string_pretty(&finding.facts).map_err(io::Error::other)?;
    let mut files = vec![
        (ORIGINAL, finding.original.to_string().into_bytes()),
        (SESSION, finding.session.to_string().into_bytes()),
        (LOG, evidence.log.clone().into_bytes()),
        (PAGE, page(finding, evidence).into_bytes()),
    ];
    if let Some(traffic) = &evidence.traffic {
        files.push((TRAFFIC, traffic.clone()));
    }
    // Last: where the facts are, all is there.
    files.push((FACTS, format!("{facts}\n").into_bytes()));
    Ok(files)
}

fn page(finding: &Finding, evidence: &Evidence) -> String {
    let Facts {
        kind,
        about,
        detail,
        standing,
        showed,
        tried,
        target,
        seed,
        execution,
        ..
    } = &finding.facts;
    let name = finding.name();
    let again = match standing {
        Standing::Seen => "It was seen once and not tried again yet.".to_owned(),
        Standing::Stable => {
            format!("It showed each of the {tried} times it was tried again: it is stable.")
        }
        Standing::Flaky => {
            format!("It showed {showed} of the {tried} times it was tried again: it is flaky.")
        }
    };
    let traffic = match evidence.traffic {
        Some(_) => "\n- `traffic.pcapng`: what went over the wire when it showed",
        None => "",
    };
    let session = &finding.session;
    let target_word = &evidence.target;
    format!(
        "# {kind}: {about}\n\n{} {detail}\n\nTarget: {target}. Seed {seed}, execution {execution}. {again}\n\n\
         ## How to repeat it\n\n    kmspec fuzz{target_word} --repro {name}\n\n\
         Exit code 1 says that it shows again, 0 that it does not.\n\n\
         ## The session\n\n```text\n{session}```\n\n## Files\n\n\
         - `session.txt`: the smallest session that shows it; change it and repeat\n\
         - `original.txt`: the session that showed it first{traffic}\n\
         - `log.txt`: what the target wrote\n- `finding.json`: the same facts for programs\n",
        kind.sentence(),
    )
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, octets: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let aside = folder.join(format!(".new-{}", unique()));
    let mut file = File::create(&aside)?;
    let written = file
        .write_all(octets)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        drop(fs::remove_file(&aside));
    }
    written
}

/// Brings a folder's names to the disk; where that cannot be done, the system does it in its own time.
fn sync(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        drop(folder.sync_all());
    }
}

/// A name nobody else uses: several campaigns may share a folder.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!("{}-{number}", std::process::id())
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_some_and(|name| name.starts_with('.'))
}

pub(crate) fn failed(path: &Path, error: &io::Error) -> StoreError {
    StoreError {
        path: path.to_owned(),
        problem: error.to_string(),
    }
}

const FACTS: &str = "finding.json";
const SESSION: &str = "session.txt";
const ORIGINAL: &str = "original.txt";
const LOG: &str = "log.txt";
const PAGE: &str = "README.md";
const TRAFFIC: &str = "traffic.pcapng";
const RESERVE: &str = ".reserve";
/// Octets set aside for when the disk is full.
const RESERVED: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Kind;

    pub(crate) fn finding() -> Finding {
        let session = kmspec_session::templates().remove(0);
        Finding {
            facts: Facts {
                version: 1,
                kind: Kind::Crash,
                about: "exit status: 101".to_owned(),
                detail: "It ended.".to_owned(),
                signature: "crash".to_owned(),
                standing: Standing::Seen,
                showed: 0,
                tried: 0,
                target: "lab host".to_owned(),
                seed: 1,
                execution: 2,
                after_ms: 3,
                steps: session.steps.len(),
            },
            original: session.clone(),
            session,
        }
    }

    #[test]
    fn a_finding_is_read_as_it_was_written_and_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let findings = Findings::open(folder.path()).unwrap();
        let mut one = finding();
        let path = findings.put(&one, &Evidence::default()).unwrap();
        assert_eq!(read(&path).unwrap(), one);
        one.facts.standing = Standing::Stable;
        findings.put(&one, &Evidence::default()).unwrap();
        assert_eq!(findings.all().unwrap(), [one]);
    }

    #[test]
    fn what_is_left_of_a_sudden_end_is_no_finding() {
        let folder = tempfile::tempdir().unwrap();
        let findings = Findings::open(folder.path()).unwrap();
        fs::create_dir(folder.path().join(".new-1-1")).unwrap();
        fs::create_dir(folder.path().join("crash-half")).unwrap();
        assert_eq!(findings.all().unwrap(), []);
    }
}

//! State that outlives a process: written whole or not at all, and never thrown away for being damaged.

pub(crate) mod check;
mod host;

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use kmspec_wire::crypto::sha256;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use host::HostState;

/// What a state file keeps.
pub trait Kept: Serialize + DeserializeOwned {
    /// What it is the state of: `host`, `client`.
    const KIND: &'static str;
    /// The version of its form. A file of a newer one is left alone.
    const VERSION: u32;
}

/// A file that keeps the state of one process at a time.
///
/// A new state is written beside the old one, brought to the disk, and put in its place by renaming: whatever happens in
/// the middle of that, the file holds one state or the other.
///
/// ```
/// use kmspec_lab::state::{Kept, StateFile};
///
/// #[derive(serde::Serialize, serde::Deserialize, PartialEq, Debug)]
/// struct Counted(u32);
///
/// impl Kept for Counted {
///     const KIND: &'static str = "counted";
///     const VERSION: u32 = 1;
/// }
///
/// let folder = tempfile::tempdir().unwrap();
/// let file = StateFile::open(folder.path().join("counted.state")).unwrap();
/// assert_eq!(file.load().unwrap(), None);
/// file.save(&Counted(7)).unwrap();
/// assert_eq!(file.load().unwrap(), Some(Counted(7)));
/// ```
pub struct StateFile<T> {
    path: PathBuf,
    /// Held for as long as the file is ours.
    _lock: File,
    kind: PhantomData<fn() -> T>,
}

/// Why a state cannot be had or kept.
#[derive(Debug, Error)]
pub enum StateError {
    /// Another process has it.
    #[error("{}: in use by a process that runs; tell that one by --control", .0.display())]
    Busy(PathBuf),
    /// The file is not whole. It has been renamed.
    #[error("{}: damaged ({problem}); set aside as {}", file.display(), aside.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What it is called now.
        aside: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file is whole, but not one of these.
    #[error("{}: {problem}", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
        /// What it is.
        problem: String,
    },
    /// It cannot be read.
    #[error("{}: cannot read it: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It cannot be written.
    #[error("{}: cannot write it: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The first line of a state file; the rest is the state.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    kind: String,
    sha256: String,
}

/// What every state file says it is.
const FORMAT: &str = "kmspec-state";

impl<T: Kept> StateFile<T> {
    /// Takes a file for this process alone. It need not exist.
    ///
    /// # Errors
    /// Another process has it, or the folder cannot be written.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self, StateError> {
        let path = path.into();
        let lock = beside(&path, "lock");
        let taken = OpenOptions::new().create(true).append(true).open(&lock);
        let lock = taken.map_err(|source| StateError::Write { file: lock, source })?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path,
                _lock: lock,
                kind: PhantomData,
            }),
            Err(TryLockError::WouldBlock) => Err(StateError::Busy(path)),
            Err(TryLockError::Error(source)) => Err(StateError::Write { file: path, source }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The state; `None` if there is none yet. A damaged file is renamed and told of, and the next call finds none.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is of another kind or of a newer version.
    pub fn load(&self) -> Result<Option<T>, StateError> {
        let octets = match fs::read(&self.path) {
            Ok(octets) => octets,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => {
                let file = self.path.clone();
                return Err(StateError::Read { file, source });
            }
        };
        match parse::<T>(&octets) {
            Ok(state) => Ok(Some(state)),
            Err(Unfit::Foreign(problem)) => {
                let file = self.path.clone();
                Err(StateError::Foreign { file, problem })
            }
            Err(Unfit::Damaged(problem)) => Err(self.set_aside(problem)),
        }
    }

    /// Keeps a state in the place of the one before.
    ///
    /// # Errors
    /// It cannot be written; the one before is still there.
    pub fn save(&self, state: &T) -> Result<(), StateError> {
        let failed = |file: &Path| {
            let file = file.to_owned();
            move |source| StateError::Write { file, source }
        };
        let new = beside(&self.path, "new");
        let octets = print(state)
            .map_err(io::Error::from)
            .map_err(failed(&new))?;
        write_through(&new, &octets).map_err(failed(&new))?;
        fs::rename(&new, &self.path).map_err(failed(&self.path))?;
        sync_folder(&self.path).map_err(failed(&self.path))
    }

    /// Renames what cannot be read to a name that nothing has.
    fn set_aside(&self, problem: String) -> StateError {
        let names = (1_u32..).map(|number| match number {
            1 => beside(&self.path, "damaged"),
            number => beside(&self.path, &format!("damaged-{number}")),
        });
        let mut free = names.filter(|path| !path.exists());
        let file = self.path.clone();
        let aside = free.next().unwrap_or_else(|| file.clone());
        match fs::rename(&file, &aside).and_then(|()| sync_folder(&file)) {
            Ok(()) => StateError::Damaged {
                file,
                aside,
                problem,
            },
            Err(source) => StateError::Write { file, source },
        }
    }
}

/// The kind of state that a file keeps, if it is a state file that can be read.
pub fn kind_of(path: &Path) -> Option<String> {
    let octets = fs::read(path).ok()?;
    let line = octets.split(|octet| *octet == b'\n').next()?;
    let header: Header = serde_json::from_slice(line).ok()?;
    (header.format == FORMAT).then_some(header.kind)
}

/// Why a file does not give a state.
enum Unfit {
    Damaged(String),
    Foreign(String),
}

fn parse<T: Kept>(octets: &[u8]) -> Result<T, Unfit> {
    let damaged = |problem: &dyn fmt::Display| Unfit::Damaged(problem.to_string());
    let end = octets.iter().position(|octet| *octet == b'\n');
    let end = end.ok_or_else(|| damaged(&"it breaks off in its first line"))?;
    let (line, rest) = octets.split_at(end);
    let state = rest.get(1..).unwrap_or_default();
    let header: Header =
        serde_json::from_slice(line).map_err(|_| damaged(&"its first line is no header"))?;
    if header.format != FORMAT {
        return Err(damaged(&"its first line is no header"));
    }
    if hash(state) != header.sha256 {
        return Err(damaged(&"its checksum is wrong"));
    }
    if header.kind != T::KIND {
        let problem = format!(
            "this is the state of a {}, not of a {}",
            header.kind,
            T::KIND
        );
        return Err(Unfit::Foreign(problem));
    }
    if header.version > T::VERSION {
        let problem = format!(
            "its version is {}, and {} is the newest known",
            header.version,
            T::VERSION
        );
        return Err(Unfit::Foreign(problem));
    }
    serde_json::from_slice(state).map_err(|error| damaged(&error))
}

fn print<T: Kept>(state: &T) -> Result<Vec<u8>, serde_json::Error> {
    let mut state = serde_json::to_vec_pretty(state)?;
    state.push(b'\n');
    whole(T::KIND, T::VERSION, &state)
}

/// A state behind the first line that says what it is.
fn whole(kind: &str, version: u32, state: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let header = Header {
        format: FORMAT.to_owned(),
        version,
        kind: kind.to_owned(),
        sha256: hash(state),
    };
    let mut octets = serde_json::to_vec(&header)?;
    octets.push(b'\n');
    octets.extend_from_slice(state);
    Ok(octets)
}

fn hash(octets: &[u8]) -> String {
    let mut text = String::new();
    for octet in sha256(octets) {
        // Writing to a string does not fail.
        let _ = write!(text, "{octet:02x}");
    }
    text
}

/// A name of the same folder: the file's with one more ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".");
    name.push(ending);
    path.with_file_name(name)
}

/// Writes a file and waits until it is on the disk.
fn write_through(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(octets)?;
    file.sync_all()
}

/// Waits until the name of a file is on the disk, too.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

impl<T> fmt::Debug for StateFile<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateFile")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

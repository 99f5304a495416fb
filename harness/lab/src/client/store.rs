use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use kmspec_model::client::State;
use thiserror::Error;

use super::saved::{SavedError, from_text, to_text};

/// Where a client keeps what it remembers.
pub trait Store: Send + Sync {
    /// Keeps this state in place of the one before, all of it or nothing.
    ///
    /// # Errors
    /// It cannot be kept; the one before still is.
    fn save(&self, state: &State) -> Result<(), StoreError>;
}

/// A state that is neither kept nor read.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file cannot be read.
    #[error("{}: cannot read it: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("{}: cannot write it: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is no state of a client.
    #[error("{}: no state of a client: {error}; it is left as it is, and another file starts a machine anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: SavedError,
    },
}

/// Keeps nothing: the client ends with its process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Forget;

impl Store for Forget {
    fn save(&self, _: &State) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A file that is replaced as a whole: whoever reads it, even after a crash, sees one state or the other.
#[derive(Clone, Debug)]
pub struct StateFile {
    path: PathBuf,
}

impl StateFile {
    /// This file, which need not be there yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// The state in it; `None` if there is no such file.
    ///
    /// # Errors
    /// It cannot be read, or is no state of a client.
    pub fn load(&self) -> Result<Option<State>, StoreError> {
        let path = || self.path.clone();
        let text = match fs::read_to_string(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let error = SavedError::not_text();
                return Err(StoreError::Damaged {
                    path: path(),
                    error,
                });
            }
            Err(source) => {
                return Err(StoreError::Read {
                    path: path(),
                    source,
                });
            }
        };
        let state = from_text(&text);
        state.map(Some).map_err(|error| StoreError::Damaged {
            path: path(),
            error,
        })
    }
}

impl Store for StateFile {
    fn save(&self, state: &State) -> Result<(), StoreError> {
        replace(&self.path, to_text(state).as_bytes()).map_err(|source| StoreError::Write {
            path: self.path.clone(),
            source,
        })
    }
}

/// Writes beside the file, and moves into its place what has reached the disk.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    let mut file = File::create(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&beside, path)?;
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    // Not every system lets a folder be synced; the move has happened all the same.
    drop(File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()));
    Ok(())
}

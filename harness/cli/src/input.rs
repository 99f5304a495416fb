use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use kmspec_wire::keys::KeySet;

use crate::failure::Failure;

/// The whole of a text file.
pub(crate) fn text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file).map_err(|source| unreadable(file, source))
}

/// The key set of a file; the lab's without one.
pub(crate) fn keys(file: Option<&Path>) -> Result<KeySet, Failure> {
    let Some(file) = file else {
        return Ok(KeySet::lab());
    };
    KeySet::from_toml(&text(file)?).map_err(|error| Failure::Keys {
        file: file.to_owned(),
        error,
    })
}

/// A capture to read from; `-` is standard input.
pub(crate) fn capture(file: &Path) -> Result<Box<dyn Read>, Failure> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).and_then(|opened| {
        if opened.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(opened)
    });
    match opened {
        Ok(opened) => Ok(Box::new(opened)),
        Err(source) => Err(unreadable(file, source)),
    }
}

/// The beginning of a file; nothing if it cannot be read, which whoever reads it will tell.
pub(crate) fn beginning(file: &Path) -> Vec<u8> {
    let mut octets = Vec::new();
    // Standard input can be read once only.
    if file.as_os_str() != "-"
        && let Ok(opened) = File::open(file)
    {
        drop(opened.take(64).read_to_end(&mut octets));
    }
    octets
}

/// The octets of a small file.
pub(crate) fn small(file: &Path) -> Result<Vec<u8>, Failure> {
    let mut octets = Vec::new();
    File::open(file)
        .and_then(|opened| opened.take(MOST).read_to_end(&mut octets))
        .map_err(|source| unreadable(file, source))?;
    Ok(octets)
}

/// Octets of a small file that are read: one that is cut off there was none.
const MOST: u64 = 64 << 20;

fn unreadable(file: &Path, source: io::Error) -> Failure {
    Failure::Read {
        file: file.to_owned(),
        source,
    }
}

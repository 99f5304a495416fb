use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use kmspec_wire::crypto::sha256;
use thiserror::Error;

/// What whoever controls a lab host has to know: 64 hexadecimal digits in a file of their own.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// Why there is no token.
#[derive(Debug, Error)]
pub enum TokenError {
    /// The file cannot be read.
    #[error("{}: cannot read it: {source}", file.display())]
    Read {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be made.
    #[error("{}: cannot write it: {source}", file.display())]
    Write {
        /// The file.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is readable by others.
    #[error("{}: others can read this control token; make it your own with chmod 600", .0.display())]
    Open(PathBuf),
    /// The file holds something else.
    #[error("{}: this is no control token: it has 64 hexadecimal digits", .0.display())]
    Malformed(PathBuf),
}

/// Hexadecimal digits of a token.
const DIGITS: usize = 64;

impl Token {
    /// The token of a file.
    ///
    /// # Errors
    /// It cannot be read, is not its owner's alone, or holds something else.
    pub fn read(file: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Read {
            file: file.to_owned(),
            source,
        };
        if others_can_read(file).map_err(failed)? {
            return Err(TokenError::Open(file.to_owned()));
        }
        let text = fs::read_to_string(file).map_err(failed)?;
        let token = text.trim();
        let digits = token.bytes().all(|octet| octet.is_ascii_hexdigit());
        if token.len() != DIGITS || !digits {
            return Err(TokenError::Malformed(file.to_owned()));
        }
        Ok(Self(token.to_ascii_lowercase()))
    }

    /// The token of a file, which is made with a new one if it is not there, for its owner alone.
    ///
    /// # Errors
    /// As [`Self::read`], or it cannot be made.
    pub fn read_or_make(file: &Path) -> Result<Self, TokenError> {
        let failed = |source| TokenError::Write {
            file: file.to_owned(),
            source,
        };
        match private(file) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Self::read(file),
            Err(source) => Err(failed(source)),
            Ok(mut made) => {
                let token = Self::random().map_err(failed)?;
                writeln!(made, "{}", token.0).map_err(failed)?;
                Ok(token)
            }
        }
    }

    /// One of this digit alone, for what needs no secret.
    pub(super) fn fixed(digit: char) -> Self {
        Self(std::iter::repeat_n(digit, DIGITS).collect())
    }

    /// One that nobody can guess.
    fn random() -> io::Result<Self> {
        let mut octets = [0; DIGITS / 2];
        File::open("/dev/urandom")?.read_exact(&mut octets)?;
        let mut text = String::new();
        for octet in octets {
            // Writing to a string does not fail.
            let _ = write!(text, "{octet:02x}");
        }
        Ok(Self(text))
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether this is the token. Hashes are compared, so that the time it takes tells nothing.
    pub(super) fn is(&self, other: &str) -> bool {
        sha256(self.0.as_bytes()) == sha256(other.as_bytes())
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Makes a file that only its owner can read.
fn private(file: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

#[cfg(unix)]
fn others_can_read(file: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_can_read(file: &Path) -> io::Result<bool> {
    fs::metadata(file).map(|_| false)
}

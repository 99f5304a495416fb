//! A property of target files, as a plain function over octets: unit tests and the fuzz target call it.

use super::{ClientFile, FileError, HostFile, is_client};

/// A file that cannot be read is blamed at a place that it has, as one of a host and as one of a client; what has been
/// read has commands that say something, and is one or the other.
pub fn file(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else {
        return;
    };
    let host = HostFile::parse(text);
    let client = ClientFile::parse(text);
    assert!(host.is_err() || client.is_err(), "both a host and a client");
    match host {
        Err(error) => blamed(text, &error),
        Ok(host) => {
            assert!(!is_client(text));
            assert!(!host.control.values().any(Vec::is_empty), "{host:?}");
            assert!(!host.control.contains_key("reset"), "{host:?}");
        }
    }
    match client {
        Err(error) => blamed(text, &error),
        Ok(client) => {
            assert!(is_client(text));
            assert!(!client.start.is_empty(), "{client:?}");
            assert!(client.patience.is_none_or(|patience| !patience.is_zero()));
        }
    }
}

fn blamed(text: &str, error: &FileError) {
    let lines = text.split('\n').count();
    assert!((1..=lines).contains(&error.line), "{error}: {lines} lines");
    let line = text.split('\n').nth(error.line - 1).unwrap_or_default();
    let columns = line.chars().count() + 1;
    assert!((1..=columns).contains(&error.column), "{error}");
    assert!(!error.message.contains('\n'), "{error}");
}

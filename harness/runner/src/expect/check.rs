//! A property of files of expectations, as a plain function over octets: unit tests and the fuzz target call it.

use super::Expectations;

/// A file that cannot be read is blamed at a place that it has, and one that can has a reason for every entry.
pub fn file(octets: &[u8]) {
    let Ok(text) = str::from_utf8(octets) else {
        return;
    };
    match Expectations::from_toml(text) {
        Err(error) => {
            let lines = text.split('\n').count();
            assert!((1..=lines).contains(&error.line), "{error}: {lines} lines");
            assert!(error.column > 0 && !error.message.is_empty(), "{error}");
        }
        Ok(file) => {
            for entry in &file.entries {
                assert!(!entry.reason.trim().is_empty(), "{entry:?}");
            }
        }
    }
}

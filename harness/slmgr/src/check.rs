//! Properties of the texts, as plain functions over octets: unit tests and the fuzz target call them.

use crate::language::Language;
use crate::report::Report;
use crate::text::decode;

/// What is read as a report is written so that it reads the same, in both languages.
pub fn report(octets: &[u8]) {
    let Ok(text) = decode(octets) else { return };
    let Ok(read) = Report::read(&text) else {
        return;
    };
    for language in [Language::English, Language::Japanese] {
        let written = read.report.write(language);
        match Report::read(&written) {
            Ok(again) => assert_eq!(again.report, read.report, "{written}"),
            Err(errors) => assert!(errors.0.is_empty(), "{errors}\n{written}"),
        }
    }
}

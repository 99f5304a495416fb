//! Properties of the texts, as plain functions over octets: unit tests and the fuzz target call them.

use crate::command::Command;
use crate::ids::InstallationId;
use crate::key::ProductKey;
use crate::language::Language;
use crate::name::RegisteredHost;
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

/// Whatever words are typed, a command that is understood has a verb and a value that are understood again, and ids and
/// names that are read are written as they are read.
pub fn command(octets: &[u8]) {
    let Ok(text) = decode(octets) else { return };
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Ok(command) = Command::parse(&words) {
        // Not the word that was typed: `slui 4` stands for another.
        let verb = command.verb().to_owned();
        let again: Vec<String> = std::iter::once(verb).chain(command.value()).collect();
        assert_eq!(Command::parse(&again), Ok(command), "{again:?}");
    }
    for word in words {
        if let Ok(host) = word.parse::<RegisteredHost>() {
            assert_eq!(host.to_string().parse(), Ok(host));
        }
        if let Ok(key) = word.parse::<ProductKey>() {
            assert_eq!(key.to_string().parse(), Ok(key));
        }
        if let Ok(id) = word.parse::<InstallationId>() {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
    }
}

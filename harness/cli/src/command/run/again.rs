use std::fmt::Display;

use crate::args::RunArgs;

/// What to type to run the same again, without the case and the seed.
pub(crate) fn again(args: &RunArgs) -> String {
    let mut line = Line(String::from("kmspec run"));
    if let Some(target) = &args.target {
        line.word(target);
    }
    let subject = &args.subject;
    if let Some(keys) = &subject.keys {
        line.option("--keys", keys.display());
    }
    if let Some(interface) = subject.interface {
        let (uuid, major, minor) = (interface.uuid, interface.major, interface.minor);
        line.option("--interface", format_args!("{uuid}/{major}.{minor}"));
        if subject.opnum > 0 {
            line.option("--opnum", subject.opnum);
        }
    }
    if let Some(stub) = &subject.stub {
        line.option("--stub", stub);
    }
    if subject.no_clock {
        line.word("--no-clock");
    }
    if let Some(folder) = &args.evidence.transcripts {
        line.option("--transcripts", folder.display());
    }
    line.0
}

/// A command line that a shell reads as it is meant.
struct Line(String);

impl Line {
    fn word(&mut self, word: &str) {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:[]@%+=,".contains(c);
        self.0.push(' ');
        if !word.is_empty() && word.chars().all(plain) {
            self.0.push_str(word);
        } else {
            self.0 += "'";
            self.0 += &word.replace('\'', r"'\''");
            self.0 += "'";
        }
    }

    fn option(&mut self, name: &str, value: impl Display) {
        self.word(name);
        self.word(&value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::Line;

    #[test]
    fn a_shell_reads_every_word_as_it_is_meant() {
        for (word, expected) in [
            ("127.0.0.1:1688", " 127.0.0.1:1688"),
            ("", " ''"),
            ("my keys.toml", " 'my keys.toml'"),
            ("it's", r" 'it'\''s'"),
            ("$(rm)", " '$(rm)'"),
        ] {
            let mut line = Line(String::new());
            line.word(word);
            assert_eq!(line.0, expected);
        }
    }
}

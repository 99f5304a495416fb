use std::fmt::Display;

use kmspec_conformance::catalogue::Role;

use crate::args::{RunArgs, SubjectArgs};

/// What to type to run the same again, without the case and the seed.
pub(crate) fn again(args: &RunArgs) -> String {
    let mut line = Line::new("kmspec run");
    if let Some(target) = &args.target {
        line.word(target);
    }
    if let Some(address) = args.listen {
        line.option("--listen", address);
    }
    if args.target.is_none() && args.listen.is_none() && args.select.role == Some(Role::Client) {
        line.option("--role", Role::Client);
    }
    line.subject(&args.subject);
    if let Some(folder) = &args.evidence.transcripts {
        line.option("--transcripts", folder.display());
    }
    line.into()
}
/// A command line that a shell reads as it is meant.
pub(crate) struct Line(String);

impl Line {
    /// One that begins so.
    pub(crate) fn new(program: &str) -> Self {
        Self(program.to_owned())
    }

    pub(crate) fn word(&mut self, word: &str) {
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

    /// What is known of the target.
    pub(crate) fn subject(&mut self, subject: &SubjectArgs) {
        if let Some(keys) = &subject.keys {
            self.option("--keys", keys.display());
        }
        if let Some(interface) = subject.interface {
            let (uuid, major, minor) = (interface.uuid, interface.major, interface.minor);
            self.option("--interface", format_args!("{uuid}/{major}.{minor}"));
            if subject.opnum > 0 {
                self.option("--opnum", subject.opnum);
            }
        }
        if let Some(stub) = &subject.stub {
            self.option("--stub", stub);
        }
        if subject.no_clock {
            self.word("--no-clock");
        }
    }
}

impl From<Line> for String {
    fn from(line: Line) -> Self {
        line.0
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

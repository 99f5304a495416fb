//! What a run says to whoever started it.

use crate::run::RunResult;
use crate::verdict::Verdict;

/// What a run comes to. The numbers are a contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Everything required holds.
    Holds,
    /// Something required fails.
    Fails,
    /// It could not be judged, in part or as a whole. This outweighs a failure: what was not judged may hide others, and
    /// nobody should take the list of failures for complete.
    NotJudged,
}

impl Exit {
    /// The exit code of the process.
    pub const fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Fails => 1,
            Self::NotJudged => 2,
        }
    }

    /// What verdicts come to, where `whole` says that nothing stood in the way of the run as a whole.
    ///
    /// Nothing judged is never success: neither an empty plan nor one of which every row was skipped. A warning or a note
    /// is below the level that counts, and a deviation is known. A case that comes out differently when it is repeated does not hold.
    pub fn of(verdicts: impl IntoIterator<Item = Verdict>, whole: bool) -> Self {
        let (mut judged, mut broken, mut unknown) = (false, false, !whole);
        for verdict in verdicts {
            match verdict {
                Verdict::Pass | Verdict::Warn | Verdict::Note | Verdict::Deviation => judged = true,
                Verdict::Fail | Verdict::Flaky => broken = true,
                Verdict::Skip => {}
                Verdict::Error => unknown = true,
            }
        }
        match (unknown, broken, judged) {
            (true, ..) | (false, false, false) => Self::NotJudged,
            (false, true, _) => Self::Fails,
            (false, false, true) => Self::Holds,
        }
    }
}

impl RunResult {
    /// What the run comes to.
    pub fn exit(&self) -> Exit {
        let verdicts = self.rows.iter().map(|row| row.verdict);
        match Exit::of(verdicts, self.unable.is_empty()) {
            Exit::Holds if !self.broken_expectations.is_empty() => Exit::Fails,
            exit => exit,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Exit, Verdict};
    use Verdict::{Deviation, Error, Fail, Flaky, Note, Pass, Skip, Warn};

    #[test]
    fn every_situation_has_its_code() {
        #[rustfmt::skip]
        let situations: &[(&str, &[Verdict], bool, u8)] = &[
            ("one passes", &[Pass], true, 0),
            ("all pass", &[Pass, Pass, Pass], true, 0),
            ("a should below the level is broken", &[Pass, Warn], true, 0),
            ("a may below the level is broken", &[Pass, Note], true, 0),
            ("only warnings", &[Warn, Warn], true, 0),
            ("only notes", &[Note], true, 0),
            ("a known failure", &[Pass, Deviation], true, 0),
            ("a known failure and an unknown one", &[Deviation, Fail], true, 1),
            ("some do not apply", &[Pass, Skip], true, 0),
            ("everything short of a failure", &[Pass, Warn, Note, Skip], true, 0),
            ("one fails", &[Fail], true, 1),
            ("one of many fails", &[Pass, Fail, Pass], true, 1),
            ("the first fails and the rest is skipped", &[Fail, Skip, Skip], true, 1),
            ("a failure and a warning", &[Fail, Warn], true, 1),
            ("a failure and a note", &[Note, Fail], true, 1),
            ("all fail", &[Fail, Fail], true, 1),
            ("one is flaky", &[Pass, Flaky], true, 1),
            ("flaky and failing", &[Flaky, Fail], true, 1),
            ("nothing is selected", &[], true, 2),
            ("all is skipped", &[Skip, Skip], true, 2),
            ("one could not be judged", &[Pass, Error], true, 2),
            ("the only one could not be judged", &[Error], true, 2),
            ("a failure, and one could not be judged", &[Fail, Error], true, 2),
            ("the same the other way round", &[Error, Fail], true, 2),
            ("flaky, and one could not be judged", &[Flaky, Error], true, 2),
            ("skipped, and one could not be judged", &[Skip, Error], true, 2),
            ("the target is not there", &[Error, Error], false, 2),
            ("the target died at the end", &[Pass, Pass], false, 2),
            ("the target died at the end, and one failed", &[Pass, Fail], false, 2),
            ("interrupted after passes", &[Pass, Error], false, 2),
            ("interrupted after a failure", &[Fail, Error], false, 2),
            ("interrupted before anything", &[], false, 2),
        ];
        for (situation, verdicts, whole, code) in situations {
            let exit = Exit::of(verdicts.iter().copied(), *whole);
            assert_eq!(exit.code(), *code, "{situation}");
        }
    }
}

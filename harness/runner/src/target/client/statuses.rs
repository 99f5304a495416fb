use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use super::Status;

/// Exit statuses in a row: `1`, `2-9`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRange(RangeInclusive<u8>);

impl FromStr for StatusRange {
    type Err = StatusesError;

    fn from_str(text: &str) -> Result<Self, StatusesError> {
        let wrong = || StatusesError::Form(text.to_owned());
        let number = |text: &str| text.trim().parse().map_err(|_| wrong());
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        if first > last {
            return Err(wrong());
        }
        Ok(Self(first..=last))
    }
}

impl fmt::Display for StatusRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.start() == self.0.end() {
            write!(f, "{}", self.0.start())
        } else {
            write!(f, "{}-{}", self.0.start(), self.0.end())
        }
    }
}

/// What the exit statuses of a client mean. 89 is not to be given a meaning: it says that the client cannot do what it
/// was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statuses {
    accepted: Vec<StatusRange>,
    rejected: Vec<StatusRange>,
}

/// What is wrong with exit statuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatusesError {
    /// This is neither a status nor a range of them.
    #[error("{0:?} is no exit status: give a number from 0 to 255, or a range such as \"2-9\"")]
    Form(String),
    /// A status that has its meaning already.
    #[error(
        "exit status 89 says that the client cannot do what it is asked; it is neither accepted nor rejected"
    )]
    Reserved,
    /// A status that means both.
    #[error("exit status {0} is both accepted and rejected")]
    Both(u8),
    /// A list without a status.
    #[error("no exit status is {0}")]
    Empty(&'static str),
}

impl Default for Statuses {
    /// 0 is accepted; anything else that is no shell's word for a missing program or a signal is rejected.
    fn default() -> Self {
        Self {
            accepted: vec![StatusRange(0..=0)],
            rejected: vec![StatusRange(1..=88), StatusRange(90..=125)],
        }
    }
}

impl Statuses {
    /// These, where a list that is not given is the usual one without what the other list has.
    ///
    /// # Errors
    /// A list is empty, holds 89, or has a status in common with the other.
    pub fn new(
        accepted: Option<Vec<StatusRange>>,
        rejected: Option<Vec<StatusRange>>,
    ) -> Result<Self, StatusesError> {
        let usual = Self::default();
        let holds =
            |list: &[StatusRange], status| list.iter().any(|range| range.0.contains(&status));
        let without = |usual: Vec<StatusRange>, other: &[StatusRange]| {
            let all = usual.into_iter().flat_map(|range| range.0);
            let left = all.filter(|status| !holds(other, *status));
            left.map(|status| StatusRange(status..=status)).collect()
        };
        let (accepted, rejected) = match (accepted, rejected) {
            (Some(accepted), Some(rejected)) => (accepted, rejected),
            (Some(accepted), None) => {
                let rejected = without(usual.rejected, &accepted);
                (accepted, rejected)
            }
            (None, Some(rejected)) => (without(usual.accepted, &rejected), rejected),
            (None, None) => return Ok(usual),
        };
        for (list, name) in [(&accepted, "accepted"), (&rejected, "rejected")] {
            if list.is_empty() {
                return Err(StatusesError::Empty(name));
            }
            if holds(list, 89) {
                return Err(StatusesError::Reserved);
            }
        }
        let both =
            (0..=u8::MAX).find(|status| holds(&accepted, *status) && holds(&rejected, *status));
        match both {
            Some(status) => Err(StatusesError::Both(status)),
            None => Ok(Self { accepted, rejected }),
        }
    }

    /// What an end with this status means.
    pub(crate) fn meaning(&self, status: Status) -> Meaning {
        let Status::Exited(number) = status else {
            return Meaning::Crashed;
        };
        let holds = |list: &[StatusRange]| list.iter().any(|range| range.0.contains(&number));
        match number {
            _ if holds(&self.accepted) => Meaning::Accepted,
            _ if holds(&self.rejected) => Meaning::Rejected,
            89 => Meaning::Cannot,
            // A shell's word for a program that ended by a signal.
            129..=192 => Meaning::Crashed,
            _ => Meaning::Unknown,
        }
    }
}

/// What the end of a client means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It took our answer for good.
    Accepted,
    /// It did not.
    Rejected,
    /// It cannot do what it was asked.
    Cannot,
    /// It crashed.
    Crashed,
    /// Nobody has said what it means.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranges(list: &[&str]) -> Vec<StatusRange> {
        list.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn ranges_are_numbers_or_pairs_of_them() {
        for good in ["0", "255", "2-9", "7-7"] {
            let range: StatusRange = good.parse().unwrap();
            assert_eq!(range.to_string(), good.replace("7-7", "7"));
        }
        for bad in ["", "256", "-1", "9-2", "a", "1-", "1-2-3"] {
            let error = bad.parse::<StatusRange>().unwrap_err();
            assert_eq!(error, StatusesError::Form(bad.to_owned()));
        }
    }

    #[test]
    fn statuses_have_one_meaning_each() {
        let own = Statuses::new(Some(ranges(&["0", "3"])), Some(ranges(&["1", "4-9"]))).unwrap();
        let usual = Statuses::default();
        for (status, own_meaning, usual_meaning) in [
            (Status::Exited(0), Meaning::Accepted, Meaning::Accepted),
            (Status::Exited(1), Meaning::Rejected, Meaning::Rejected),
            (Status::Exited(2), Meaning::Unknown, Meaning::Rejected),
            (Status::Exited(3), Meaning::Accepted, Meaning::Rejected),
            (Status::Exited(89), Meaning::Cannot, Meaning::Cannot),
            (Status::Exited(127), Meaning::Unknown, Meaning::Unknown),
            (Status::Exited(139), Meaning::Crashed, Meaning::Crashed),
            (Status::Signalled(11), Meaning::Crashed, Meaning::Crashed),
        ] {
            assert_eq!(own.meaning(status), own_meaning, "{status}");
            assert_eq!(usual.meaning(status), usual_meaning, "{status}");
        }
    }

    #[test]
    fn what_is_wrong_with_statuses_is_told() {
        for (accepted, rejected, error) in [
            (&["0"][..], &["0-9"][..], StatusesError::Both(0)),
            (&["89"], &["1"], StatusesError::Reserved),
            (&["0"], &["80-90"], StatusesError::Reserved),
            (&[], &["1"], StatusesError::Empty("accepted")),
            (&["0"], &[], StatusesError::Empty("rejected")),
        ] {
            let made = Statuses::new(Some(ranges(accepted)), Some(ranges(rejected)));
            assert_eq!(made, Err(error));
        }
        let accepted = Statuses::new(Some(ranges(&["1"])), None).unwrap();
        assert_eq!(accepted.meaning(Status::Exited(1)), Meaning::Accepted);
        assert_eq!(accepted.meaning(Status::Exited(2)), Meaning::Rejected);
        let rejected = Statuses::new(None, Some(ranges(&["0"]))).unwrap_err();
        assert_eq!(rejected, StatusesError::Empty("accepted"));
    }
}

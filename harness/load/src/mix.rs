//! What requests there are, and how many of each.

use std::fmt;
use std::str::FromStr;

use kmspec_wire::kms::Version;
use kmspec_wire::ndr::TransferSyntax;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::num::{count, float};

/// What a run asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mix {
    /// Protocol versions, by request.
    pub versions: Weighted<Version>,
    /// Transfer syntaxes, by connection.
    pub syntaxes: Weighted<TransferSyntax>,
    /// Sizes of a request's fragments in octets, by request.
    pub fragments: Weighted<u16>,
}

impl Default for Mix {
    /// Version 6 in NDR32 and one fragment, which every host understands.
    fn default() -> Self {
        Self {
            versions: Weighted::only(Version::V6),
            syntaxes: Weighted::only(TransferSyntax::Ndr32),
            fragments: Weighted::only(5840),
        }
    }
}

/// Something of which there are several kinds.
pub trait Kind: Copy + PartialEq {
    /// What a list of them is called in messages, with an example.
    const FORM: &'static str;
    /// Reads one.
    fn read(text: &str) -> Option<Self>;
    /// Its name, as it is read.
    fn name(self) -> String;
}

impl Kind for Version {
    const FORM: &'static str = "versions are v4, v5 and v6, with weights as in v4=1,v6=9";

    fn read(text: &str) -> Option<Self> {
        match text {
            "v4" | "4" => Some(Self::V4),
            "v5" | "5" => Some(Self::V5),
            "v6" | "6" => Some(Self::V6),
            _ => None,
        }
    }

    fn name(self) -> String {
        match self {
            Self::V4 => "v4",
            Self::V5 => "v5",
            Self::V6 => "v6",
        }
        .to_owned()
    }
}

impl Kind for TransferSyntax {
    const FORM: &'static str =
        "transfer syntaxes are ndr32 and ndr64, with weights as in ndr32=1,ndr64=3";

    fn read(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|syntax| TransferSyntax::name(*syntax) == text)
    }

    fn name(self) -> String {
        TransferSyntax::name(self).to_owned()
    }
}

impl Kind for u16 {
    const FORM: &'static str =
        "fragment sizes are octets from 32 to 65535, with weights as in 64=1,5840=9";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok().filter(|size| *size >= 32)
    }

    fn name(self) -> String {
        self.to_string()
    }
}

/// Kinds with weights.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String", bound = "T: Kind")]
pub struct Weighted<T> {
    kinds: Vec<(T, u32)>,
}

/// Why a text is no list of kinds.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{form}, not {got:?}")]
pub struct MixError {
    form: &'static str,
    got: String,
}

impl<T: Kind> Weighted<T> {
    /// One kind alone.
    pub fn only(kind: T) -> Self {
        Self {
            kinds: vec![(kind, 1)],
        }
    }

    /// The kinds that have a weight.
    pub fn kinds(&self) -> impl Iterator<Item = T> + '_ {
        self.kinds.iter().map(|(kind, _)| *kind)
    }

    /// The kind at this point of all weights laid side by side, from 0 to below 1.
    pub(crate) fn at(&self, point: f64) -> Option<T> {
        let all: u64 = self
            .kinds
            .iter()
            .map(|(_, weight)| u64::from(*weight))
            .sum();
        let mut left = count(point * float(all));
        for (kind, weight) in &self.kinds {
            match left.checked_sub(u64::from(*weight)) {
                None => return Some(*kind),
                Some(rest) => left = rest,
            }
        }
        self.kinds.last().map(|(kind, _)| *kind)
    }
}

impl<T: Kind> FromStr for Weighted<T> {
    type Err = MixError;

    fn from_str(text: &str) -> Result<Self, MixError> {
        let parse = || {
            let mut kinds: Vec<(T, u32)> = Vec::new();
            for part in text.split(',') {
                let (kind, weight) = part.trim().split_once('=').unwrap_or((part.trim(), "1"));
                let (kind, weight) = (T::read(kind)?, weight.parse().ok()?);
                let twice = kinds.iter().any(|(known, _)| *known == kind);
                if twice || weight == 0 {
                    return None;
                }
                kinds.push((kind, weight));
            }
            Some(Self { kinds })
        };
        parse().ok_or_else(|| MixError {
            form: T::FORM,
            got: text.to_owned(),
        })
    }
}

impl<T: Kind> fmt::Display for Weighted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [(kind, 1)] = self.kinds.as_slice() {
            return f.write_str(&kind.name());
        }
        for (number, (kind, weight)) in self.kinds.iter().enumerate() {
            let comma = if number > 0 { "," } else { "" };
            write!(f, "{comma}{}={weight}", kind.name())?;
        }
        Ok(())
    }
}

impl<T: Kind> TryFrom<String> for Weighted<T> {
    type Error = MixError;

    fn try_from(text: String) -> Result<Self, MixError> {
        text.parse()
    }
}

impl<T: Kind> From<Weighted<T>> for String {
    fn from(weighted: Weighted<T>) -> Self {
        weighted.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_their_weights_are_read_and_written() {
        for (text, expected) in [
            ("v6", Some("v6")),
            ("v4,v6", Some("v4=1,v6=1")),
            ("v4=1, v6=9", Some("v4=1,v6=9")),
            ("6=2", Some("v6=2")),
            ("v7", None),
            ("v6=0", None),
            ("v6=-1", None),
            ("v6,v6", None),
            ("", None),
        ] {
            let read = text.parse::<Weighted<Version>>();
            assert_eq!(
                read.ok().map(|mix| mix.to_string()).as_deref(),
                expected,
                "{text}"
            );
        }
        let wrong = "16".parse::<Weighted<u16>>().unwrap_err().to_string();
        assert!(
            wrong.starts_with("fragment sizes are octets from 32"),
            "{wrong}"
        );
    }

    #[test]
    fn weights_are_kept() {
        let mix: Weighted<Version> = "v4=1,v5=2,v6=7".parse().unwrap();
        let mut counts = [0; 3];
        for point in 0..1000 {
            match mix.at(float(point) / 1000.0).unwrap() {
                Version::V4 => counts[0] += 1,
                Version::V5 => counts[1] += 1,
                Version::V6 => counts[2] += 1,
            }
        }
        assert_eq!(counts, [100, 200, 700]);
    }
}

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use toml::Spanned;
use zeroize::Zeroizing;

use super::{HmacTime, KeyMaterial};
use crate::crypto::Tweak;

/// What is wrong with a key file, and where. It never quotes key bytes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct KeyFileError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl KeyMaterial {
    /// Reads a key file; the form is described in [`crate::keys`].
    pub fn from_toml(text: &str) -> Result<Self, KeyFileError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            located(text, at, error.message().to_owned())
        })?;
        let tweaks = file.v6.round_key_xor.into_iter().map(|entry| {
            let at = entry.span().start;
            let tweak = entry.into_inner().tweak();
            tweak.map_err(|message| located(text, at, message))
        });
        Ok(Self {
            name: file.name,
            v4_mac_key: file.v4.mac_key.0,
            v5_aes_key: file.v5.aes_key.0,
            v6_aes_key: file.v6.aes_key.0,
            v6_round_key_xor: tweaks.collect::<Result<_, _>>()?,
            v6_hmac_time: HmacTime {
                divisor: file.v6.hmac_time.divisor.0,
                multiplier: file.v6.hmac_time.multiplier,
                addend: file.v6.hmac_time.addend,
            },
        })
    }
}

fn located(text: &str, at: usize, message: String) -> KeyFileError {
    let before = text.get(..at).unwrap_or(text);
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    KeyFileError {
        line: before.matches('\n').count().saturating_add(1),
        column: last_line.chars().count().saturating_add(1),
        message,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    v4: V4,
    v5: V5,
    v6: V6,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V4 {
    mac_key: Key<20>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V5 {
    aes_key: Key<16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct V6 {
    aes_key: Key<16>,
    #[serde(default)]
    round_key_xor: Vec<Spanned<RoundKeyXor>>,
    hmac_time: Time,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Time {
    divisor: Divisor,
    multiplier: u64,
    addend: u64,
}

#[derive(Deserialize)]
#[serde(try_from = "u64")]
struct Divisor(u64);

impl TryFrom<u64> for Divisor {
    type Error = &'static str;

    fn try_from(value: u64) -> Result<Self, Self::Error> {
        match value {
            0 => Err("divisor must not be 0"),
            _ => Ok(Self(value)),
        }
    }
}

/// One tweak of the schedule.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoundKeyXor {
    round: u8,
    byte: u8,
    value: u8,
}

impl RoundKeyXor {
    fn tweak(self) -> Result<Tweak, String> {
        let Self { round, byte, value } = self;
        Tweak::new(round, byte, value).ok_or_else(|| {
            if round > Tweak::LAST_ROUND {
                format!("round {round} is out of range: 0 to {}", Tweak::LAST_ROUND)
            } else {
                format!("byte {byte} is out of range: 0 to {}", Tweak::LAST_BYTE)
            }
        })
    }
}

/// Key bytes: `{ ascii = "…" }` or `{ hex = "…" }`.
struct Key<const N: usize>(Zeroizing<[u8; N]>);

impl<'de, const N: usize> Deserialize<'de> for Key<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KeyVisitor)
    }
}

struct KeyVisitor<const N: usize>;

impl<'de, const N: usize> Visitor<'de> for KeyVisitor<N> {
    type Value = Key<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{N} key bytes as {{ ascii = \"…\" }} or {{ hex = \"…\" }}"
        )
    }

    /// The default would quote the string, and the string is probably the key.
    fn visit_str<E: de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Err(E::custom(
            "a bare string is ambiguous: write { ascii = \"…\" } or { hex = \"…\" }",
        ))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Some(form) = map.next_key::<String>()? else {
            return Err(de::Error::custom(
                "no key bytes: write { ascii = \"…\" } or { hex = \"…\" }",
            ));
        };
        let key = match form.as_str() {
            "ascii" => map.next_value::<Ascii<N>>()?.0,
            "hex" => map.next_value::<Hex<N>>()?.0,
            _ => return Err(de::Error::unknown_field(&form, &["ascii", "hex"])),
        };
        match map.next_key::<String>()? {
            None => Ok(key),
            Some(_) => Err(de::Error::custom(
                "key bytes are written once, as ascii or as hex",
            )),
        }
    }
}

struct Ascii<const N: usize>(Key<N>);

impl<'de, const N: usize> Deserialize<'de> for Ascii<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        if !text.is_ascii() {
            return Err(de::Error::custom("not ASCII: write the bytes as hex"));
        }
        let bytes = text.as_bytes().try_into().map_err(|_| {
            de::Error::custom(format_args!("{} bytes where the key has {N}", text.len()))
        })?;
        Ok(Self(Key(Zeroizing::new(bytes))))
    }
}

struct Hex<const N: usize>(Key<N>);

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let mut bytes = Zeroizing::new([0; N]);
        if let Some(at) = text.chars().position(|c| !c.is_ascii_hexdigit()) {
            return Err(de::Error::custom(format_args!(
                "character {} is no hex digit",
                at.saturating_add(1)
            )));
        }
        let (pairs, odd) = text.as_bytes().as_chunks::<2>();
        if !odd.is_empty() || pairs.len() != N {
            return Err(de::Error::custom(format_args!(
                "{} hex digits where the key has {} ({N} bytes)",
                text.len(),
                N.saturating_mul(2)
            )));
        }
        for (byte, pair) in bytes.iter_mut().zip(pairs) {
            for digit in pair.map(|c| char::from(c).to_digit(16).unwrap_or_default()) {
                *byte = *byte << 4 | u8::try_from(digit).unwrap_or_default();
            }
        }
        Ok(Self(Key(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAB: &str = include_str!("../../examples/lab-keys.toml");

    const V4_KEY: &str = "{ ascii = \"KMS-LAB-ONLY-V4-KEY!\" }";

    /// What is replaced, by what, what the line that is pointed to holds, the message.
    const BAD: &[(&str, &str, &str, &str)] = &[
        (
            V4_KEY,
            "{ ascii = \"short\" }",
            "mac_key",
            "5 bytes where the key has 20",
        ),
        (
            V4_KEY,
            "{ ascii = \"KMS-LAB-ONLY-V4-KE£\" }",
            "mac_key",
            "not ASCII: write the bytes as hex",
        ),
        (
            V4_KEY,
            "{ hex = \"00\" }",
            "mac_key",
            "2 hex digits where the key has 40 (20 bytes)",
        ),
        (
            V4_KEY,
            "{ hex = \"0g\" }",
            "mac_key",
            "character 2 is no hex digit",
        ),
        (
            V4_KEY,
            "{ hex = \"0x00\" }",
            "mac_key",
            "character 2 is no hex digit",
        ),
        (
            V4_KEY,
            "{ base64 = \"AA==\" }",
            "mac_key",
            "unknown field `base64`, expected `ascii` or `hex`",
        ),
        (
            V4_KEY,
            "{}",
            "mac_key",
            "no key bytes: write { ascii = \"…\" } or { hex = \"…\" }",
        ),
        (
            V4_KEY,
            "\"KMS-LAB-ONLY-V4-KEY!\"",
            "mac_key",
            "a bare string is ambiguous: write { ascii = \"…\" } or { hex = \"…\" }",
        ),
        (
            V4_KEY,
            "20",
            "mac_key",
            "invalid type: integer `20`, expected 20 key bytes as { ascii = \"…\" } or { hex = \"…\" }",
        ),
        (
            "round = 7",
            "round = 11",
            "round = 11",
            "round 11 is out of range: 0 to 10",
        ),
        (
            "round = 7, byte = 0",
            "round = 7, byte = 16",
            "byte = 16",
            "byte 16 is out of range: 0 to 15",
        ),
        (
            "divisor = 144000000000",
            "divisor = 0",
            "divisor",
            "divisor must not be 0",
        ),
        (
            "name =",
            "colour = 1\nname =",
            "colour",
            "unknown field `colour`, expected one of `name`, `v4`, `v5`, `v6`",
        ),
        (
            "[v5]",
            "[v7]",
            "[v7]",
            "unknown field `v7`, expected one of `name`, `v4`, `v5`, `v6`",
        ),
    ];

    #[test]
    fn the_sample_file_is_the_lab_key_set() {
        assert_eq!(KeyMaterial::from_toml(LAB).unwrap(), KeyMaterial::lab());
    }

    #[test]
    fn every_bad_shape_is_named_and_located() {
        for &(from, to, line_text, message) in BAD {
            let text = LAB.replacen(from, to, 1);
            assert_ne!(text, LAB, "{from}");
            let error = KeyMaterial::from_toml(&text).unwrap_err();
            assert_eq!(error.message, message);
            let line = text.lines().nth(error.line - 1).unwrap();
            assert!(line.contains(line_text), "{error} points to {line:?}");
            assert!(error.column <= line.chars().count() + 1);
        }
    }

    #[test]
    fn an_error_never_quotes_a_key() {
        let text = LAB.replace("{ ascii = \"KMS-LAB-ONLY-V4-KEY!\" }", "\"SECRET\"");
        let error = KeyMaterial::from_toml(&text).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("SECRET"));
    }

    #[test]
    fn the_whole_range_of_64_bits_is_accepted() {
        let text = LAB.replace("0x4B4D532D4C41422D", "0xFFFFFFFFFFFFFFFF");
        let keys = KeyMaterial::from_toml(&text).unwrap();
        assert_eq!(keys.v6_hmac_time.addend, u64::MAX);
    }
}

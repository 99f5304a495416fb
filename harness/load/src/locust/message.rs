//! What master and worker say to each other: msgpack, an array of type, data and node id.

use std::collections::BTreeMap;

use rmpv::{Utf8String, Value};
use thiserror::Error;

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) kind: String,
    pub(crate) data: Value,
    pub(crate) node: String,
}

/// Why octets are no message.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("not a message of Locust: {0}")]
pub(crate) struct MessageError(String);

/// A user count for each class, and what else `spawn` says that matters here.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spawn {
    pub(crate) timestamp: f64,
    pub(crate) users: BTreeMap<String, usize>,
    pub(crate) host: Option<String>,
    pub(crate) stop_timeout: f64,
}

impl Message {
    pub(crate) fn new(kind: &str, data: Value, node: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            data,
            node: node.to_owned(),
        }
    }

    /// Text is always `str`, never `bin`: the master takes the latter for something else.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { kind, data, node } = self;
        let value = Value::Array(vec![
            kind.as_str().into(),
            data.clone(),
            node.as_str().into(),
        ]);
        let mut out = Vec::new();
        rmpv::encode::write_value(&mut out, &value).expect("memory takes all");
        out
    }

    pub(crate) fn from_bytes(octets: &[u8]) -> Result<Self, MessageError> {
        let wrong = |what: &str| MessageError(what.to_owned());
        let mut rest = octets;
        let value = rmpv::decode::read_value_with_max_depth(&mut rest, DEEPEST);
        let value = value.map_err(|error| MessageError(error.to_string()))?;
        let Value::Array(parts) = value else {
            return Err(wrong("no array"));
        };
        let Ok([kind, data, node]) = <[Value; 3]>::try_from(parts) else {
            return Err(wrong("not three parts"));
        };
        Ok(Self {
            kind: kind
                .as_str()
                .ok_or_else(|| wrong("its type is no text"))?
                .to_owned(),
            data,
            node: node.as_str().unwrap_or_default().to_owned(),
        })
    }
}

/// How deep a message may be nested.
const DEEPEST: usize = 64;

impl Spawn {
    /// Reads the data of a `spawn`.
    pub(crate) fn read(data: &Value) -> Result<Self, MessageError> {
        let wrong = || MessageError("a spawn without user_classes_count".to_owned());
        let counts = get(data, "user_classes_count")
            .and_then(Value::as_map)
            .ok_or_else(wrong)?;
        let users = counts.iter().filter_map(|(class, count)| {
            let count = usize::try_from(count.as_u64()?).ok()?;
            Some((class.as_str()?.to_owned(), count))
        });
        Ok(Self {
            timestamp: get(data, "timestamp")
                .and_then(Value::as_f64)
                .unwrap_or_default(),
            users: users.collect(),
            host: get(data, "host").and_then(Value::as_str).map(str::to_owned),
            stop_timeout: get(data, "stop_timeout")
                .and_then(Value::as_f64)
                .unwrap_or_default(),
        })
    }
}

fn get<'v>(map: &'v Value, key: &str) -> Option<&'v Value> {
    let found = map
        .as_map()?
        .iter()
        .find(|(name, _)| name.as_str() == Some(key));
    found.map(|(_, value)| value)
}

/// A map with text keys.
pub(crate) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let entries = entries.map(|(key, value)| (Value::String(Utf8String::from(key)), value));
    Value::Map(entries.into())
}

#[cfg(test)]
mod tests {
    use arbtest::arbtest;

    use super::*;

    /// Golden octets, as an unmodified master takes them.
    #[test]
    fn messages_have_the_octets_that_the_master_knows() {
        let heartbeat = map([
            ("state", "ready".into()),
            ("current_cpu_usage", 0.0.into()),
            ("current_memory_usage", 1_048_576.into()),
        ]);
        for (kind, data, expected) in [
            (
                "client_ready",
                (-1).into(),
                "93ac636c69656e745f7265616479ffa27731",
            ),
            ("spawning", Value::Nil, "93a8737061776e696e67c0a27731"),
            (
                "client_stopped",
                Value::Nil,
                "93ae636c69656e745f73746f70706564c0a27731",
            ),
            ("quit", Value::Nil, "93a471756974c0a27731"),
            (
                "heartbeat",
                heartbeat,
                "93a968656172746265617483a57374617465a57265616479b163757272656e745f6370755f7573616765cb0000000000000000\
                 b463757272656e745f6d656d6f72795f7573616765ce00100000a27731",
            ),
        ] {
            let message = Message::new(kind, data, "w1");
            let octets = message.to_bytes();
            let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 15]);
            let hex: String = digits
                .filter_map(|digit| char::from_digit(digit.into(), 16))
                .collect();
            assert_eq!(hex, expected, "{kind}");
            assert_eq!(Message::from_bytes(&octets), Ok(message));
        }
    }

    #[test]
    fn a_spawn_says_how_many_users_of_which_class() {
        let data = map([
            ("timestamp", 1.5.into()),
            (
                "user_classes_count",
                map([("KmsV4", 2.into()), ("Kms", 0.into())]),
            ),
            ("host", "127.0.0.1:1688".into()),
            ("stop_timeout", 0.0.into()),
            ("parsed_options", map([("num_users", 4.into())])),
        ]);
        let spawn = Spawn::read(&data).unwrap();
        assert_eq!(
            spawn.users,
            [("Kms".to_owned(), 0), ("KmsV4".to_owned(), 2)].into()
        );
        assert_eq!(spawn.host.as_deref(), Some("127.0.0.1:1688"));
        assert!(Spawn::read(&Value::Nil).is_err());
    }

    #[test]
    fn any_octets_are_a_message_or_an_error() {
        arbtest(|u| {
            let octets: Vec<u8> = u.arbitrary()?;
            if let Ok(message) = Message::from_bytes(&octets) {
                drop(Spawn::read(&message.data));
            }
            Ok(())
        });
        assert!(Message::from_bytes(&vec![0x91; 100_000]).is_err());
    }
}

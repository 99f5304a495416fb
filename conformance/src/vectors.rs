//! Test vectors for other implementations, in the manner of Wycheproof: files of groups of tests, each with a number, a
//! comment, flags and a result. Lab keys and published ones only. [`files`] makes the same octets every time.

mod cipher;
mod mac;
mod ndr;
mod pdu;
mod request;
mod response;
mod sample;

#[cfg(test)]
mod tests;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// One file of vectors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without a folder.
    pub name: &'static str,
    /// Its text.
    pub text: String,
    /// Tests of each group, by the group's type.
    pub groups: Vec<(&'static str, usize)>,
}

/// All files: the vectors and the JSON Schema they keep.
pub fn files() -> Vec<File> {
    let mut files: Vec<File> = books().iter().map(Book::file).collect();
    files.push(File {
        name: "schema.json",
        text: include_str!("../vectors/schema.json").to_owned(),
        groups: Vec::new(),
    });
    files
}

fn books() -> Vec<Book> {
    vec![
        cipher::aes_128(),
        cipher::tweaked(),
        cipher::rijndael_160(),
        mac::cbc_mac(),
        mac::hmac(),
        request::book(),
        response::book(),
        ndr::book(),
        pdu::book(),
    ]
}

/// What an implementation should make of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It must accept.
    Valid,
    /// It must refuse.
    Invalid,
    /// It may do either.
    Acceptable,
}

/// A value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Value {
    Number(u64),
    Text(String),
    List(Vec<Value>),
    Fields(Fields),
}

impl From<&[u8]> for Value {
    fn from(octets: &[u8]) -> Self {
        let digits = octets.iter().flat_map(|octet| [octet >> 4, octet & 0x0f]);
        Self::Text(
            digits
                .filter_map(|digit| char::from_digit(digit.into(), 16))
                .collect(),
        )
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {
        $(impl From<$number> for Value {
            fn from(number: $number) -> Self { Self::Number(number.into()) }
        })*
    };
}
numbers!(u8, u16, u32, u64);

/// Named values, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// One test; its number follows from its place.
#[derive(Clone, Debug)]
struct Test {
    comment: String,
    flags: Vec<&'static str>,
    data: Fields,
    result: Verdict,
}

/// Tests of one kind, with what they share.
#[derive(Clone, Debug)]
struct Group {
    kind: &'static str,
    shared: Fields,
    tests: Vec<Test>,
}

impl Group {
    fn new(kind: &'static str, shared: Fields) -> Self {
        let tests = Vec::new();
        Self {
            kind,
            shared,
            tests,
        }
    }

    fn add(
        &mut self,
        result: Verdict,
        comment: impl Into<String>,
        flags: &[&'static str],
        data: Fields,
    ) {
        self.tests.push(Test {
            comment: comment.into(),
            flags: flags.to_vec(),
            data,
            result,
        });
    }
}

/// One file before it is numbered and written.
#[derive(Clone, Debug)]
struct Book {
    name: &'static str,
    algorithm: &'static str,
    header: &'static [&'static str],
    notes: &'static [(&'static str, &'static str)],
    groups: Vec<Group>,
}

impl Book {
    fn file(&self) -> File {
        let mut text = serde_json::to_string_pretty(&self.written())
            .expect("strings, numbers and lists have a JSON form");
        text.push('\n');
        let groups = self
            .groups
            .iter()
            .map(|group| (group.kind, group.tests.len()));
        File {
            name: self.name,
            text,
            groups: groups.collect(),
        }
    }

    fn written(&self) -> Fields {
        let mut number = 0_u64;
        let groups = self
            .groups
            .iter()
            .map(|group| Value::Fields(group.written(&mut number)))
            .collect();
        let header = self.header.iter().map(|&line| line.into()).collect();
        let notes = Fields(
            self.notes
                .iter()
                .map(|&(flag, text)| (flag, text.into()))
                .collect(),
        );
        Fields::default()
            .with("algorithm", self.algorithm)
            .with("schema", "schema.json")
            .with("version", FORMAT)
            .with("numberOfTests", number)
            .with("header", Value::List(header))
            .with("notes", Value::Fields(notes))
            .with("testGroups", Value::List(groups))
    }
}

impl Group {
    fn written(&self, number: &mut u64) -> Fields {
        let mut fields = Fields::default().with("type", self.kind);
        fields.0.extend(self.shared.0.iter().cloned());
        let tests = self.tests.iter().map(|test| {
            *number += 1;
            Value::Fields(test.written(*number))
        });
        let tests = tests.collect();
        fields.with("tests", Value::List(tests))
    }
}

impl Test {
    fn written(&self, number: u64) -> Fields {
        let flags = self.flags.iter().map(|&flag| flag.into()).collect();
        let mut fields = Fields::default()
            .with("tcId", number)
            .with("comment", self.comment.as_str())
            .with("flags", Value::List(flags));
        fields.0.extend(self.data.0.iter().cloned());
        let result = match self.result {
            Verdict::Valid => "valid",
            Verdict::Invalid => "invalid",
            Verdict::Acceptable => "acceptable",
        };
        fields.with("result", result)
    }
}

impl From<Fields> for Value {
    fn from(fields: Fields) -> Self {
        Self::Fields(fields)
    }
}

impl From<Vec<Value>> for Value {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}

/// Version of the form of these files.
const FORMAT: u64 = 1;

//! The manifest as types. Unknown keys are errors, so that a misspelt fact cannot go unchecked.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer};

/// `manifest.toml`: the facts of every recording, in the order of the file names.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// One entry a recording.
    #[serde(rename = "capture")]
    pub captures: Vec<Facts>,
}

impl Manifest {
    /// Reads a manifest.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        toml::from_str(text).map_err(ManifestError)
    }

    /// The entry of that file name.
    pub fn get(&self, file: &str) -> Option<&Facts> {
        self.captures.iter().find(|facts| facts.file == file)
    }
}

/// What is known of one recording.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// File name, without a folder.
    pub file: String,
    /// SHA-256 of the file, 64 lower-case hex digits.
    pub sha256: String,
    /// Length of the file, in bytes.
    pub bytes: u64,
    /// What precedes the network header of each packet.
    pub link_type: LinkType,
    /// Format of the file.
    pub format: FileFormat,
    /// The implementations that asked.
    pub client: Vec<String>,
    /// The implementations that answered.
    pub server: Vec<String>,
    /// TCP ports the hosts listened on.
    pub server_ports: Vec<u16>,
    /// Name of the key set the recording was made under.
    pub keys: String,
    /// KMS versions asked for, `major.minor`.
    pub versions: Vec<String>,
    /// Packets in the file.
    pub packets: u64,
    /// TCP connections in the file.
    pub tcp_connections: u64,
    /// Requests answered with a KMS response and HRESULT 0; of a truncated recording, the response headers seen.
    pub exchanges: u64,
    /// PDUs of each type, by the names of C706 12.6.4 in lower case. Absent is none.
    pub pdus: BTreeMap<String, u64>,
    /// What the recording shows, in a sentence.
    pub description: String,
    /// The recording this one was made from.
    pub rewritten_from: Option<String>,
    /// True if every packet was cut when recording, so that no message is whole.
    #[serde(default)]
    pub truncated: bool,
    /// What opening every message must yield; nothing for a truncated recording.
    #[serde(default)]
    pub expected: Expected,
}

/// What the messages of a recording say when opened. An empty list or `None` is *not stated*, not *none*.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Every ePID answered, sorted, each once.
    pub epids: Vec<String>,
    /// How many different ePIDs were answered, where they are too many to list.
    pub distinct_epids: Option<u64>,
    /// Every hardware id answered, 16 upper-case hex digits in wire order, sorted, each once.
    pub hwids: Vec<String>,
    /// Every activation interval answered, in minutes.
    pub activation_intervals: Vec<u32>,
    /// Every renewal interval answered, in minutes.
    pub renewal_intervals: Vec<u32>,
    /// Every count answered, sorted, each once.
    pub counts: Vec<u32>,
    /// The count of each answer, in the order of the file.
    pub counts_in_order: Vec<u32>,
    /// The count of the first answer.
    pub count_first: Option<u32>,
    /// The count of the last answer.
    pub count_last: Option<u32>,
    /// HRESULTs other than 0, and how often each was answered.
    pub hresults: BTreeMap<Code, u64>,
    /// Status codes of fault PDUs, and how often each was answered.
    pub faults: BTreeMap<Code, u64>,
    /// Calls of which every applicable check passes.
    pub verified_calls: Option<u64>,
    /// Calls in each transfer syntax, `ndr32` or `ndr64`.
    pub transfer_syntaxes: BTreeMap<String, u64>,
    /// Whether NDR64 was agreed on.
    pub ndr64: Option<bool>,
    /// Whether bind-time feature negotiation was agreed on.
    pub btfn: Option<bool>,
}

/// Format of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FileFormat {
    /// pcap with microseconds.
    #[serde(rename = "pcap")]
    Pcap,
    /// pcap with nanoseconds.
    #[serde(rename = "nsecpcap")]
    NanosecondPcap,
    /// pcapng.
    #[serde(rename = "pcapng")]
    Pcapng,
}

/// Link type of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum LinkType {
    /// Ethernet, link type 1.
    #[serde(rename = "ether")]
    Ethernet,
    /// Linux cooked capture, link type 113.
    #[serde(rename = "linux-sll")]
    LinuxSll,
    /// Linux cooked capture version 2, link type 276.
    #[serde(rename = "linux-sll2")]
    LinuxSll2,
}

/// An HRESULT or a fault's status, written `0xC004F042`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Code(pub u32);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{:08X}", self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 8);
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        code.map(Self)
            .ok_or_else(|| de::Error::custom(format!("`{text}` is not 0x and eight hex digits")))
    }
}

/// Why a manifest could not be read; names line and column.
#[derive(Debug)]
pub struct ManifestError(toml::de::Error);

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "manifest: {}", self.0)
    }
}

impl std::error::Error for ManifestError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

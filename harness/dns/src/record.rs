//! Names and records as people write them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use hickory_proto::rr::rdata::{A, AAAA, CNAME, NS, PTR, SRV, TXT};
use hickory_proto::rr::{Name, RData, Record};
use thiserror::Error;

/// Seconds for which a record may be kept that does not say so itself.
pub(crate) const TTL: u32 = 3600;

/// Why a name or a record is not one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// The name has an empty or too long label, or is too long itself.
    #[error("{0:?} is not a domain name")]
    Name(String),
    /// The line does not have the parts of a record.
    #[error(
        "{0:?} is not a record; write NAME [TTL] [IN] TYPE DATA, as in \"_vlmcs._tcp SRV 0 100 1688 kms01\""
    )]
    Line(String),
    /// The type is none of those that can be written.
    #[error("{0:?} is not one of A, AAAA, CNAME, NS, PTR, SRV, TXT")]
    Type(String),
    /// The data do not fit the type.
    #[error("{data:?} is not the data of {kind}; write {wanted}")]
    Data {
        /// The record's type.
        kind: &'static str,
        /// What it needs.
        wanted: &'static str,
        /// What was written.
        data: String,
    },
    /// The name belongs to no zone that is served.
    #[error("{0} is not in a zone that is served")]
    OutsideZone(String),
    /// A name with a CNAME has nothing else, and the apex of a zone has none.
    #[error("{0} cannot have a CNAME beside other records")]
    Alias(String),
    /// The zone is full.
    #[error("a zone takes {0} records and no more")]
    Full(usize),
}

/// The fully qualified name that a text means. A last dot may be missing.
///
/// # Errors
/// It is not a domain name.
pub fn name(text: &str) -> Result<Name, RecordError> {
    let wrong = || RecordError::Name(text.to_owned());
    if text.is_empty()
        || !text.is_ascii()
        || text
            .chars()
            .any(|c| c.is_ascii_whitespace() || c.is_ascii_control())
    {
        return Err(wrong());
    }
    let mut name = Name::from_ascii(text).map_err(|_| wrong())?;
    name.set_fqdn(true);
    Ok(name)
}

/// A name of a zone: below `origin` unless it ends in a dot, `@` for the origin itself.
pub(crate) fn name_in(text: &str, origin: &Name) -> Result<Name, RecordError> {
    if text == "@" {
        return Ok(origin.clone());
    }
    let relative = name(text)?;
    if text.ends_with('.') {
        return Ok(relative);
    }
    let mut short = relative;
    short.set_fqdn(false);
    short
        .append_domain(origin)
        .map_err(|_| RecordError::Name(text.to_owned()))
}

/// The record that a line means: `NAME [TTL] [IN] TYPE DATA`.
///
/// # Errors
/// It is not a record.
pub(crate) fn record(line: &str, origin: &Name) -> Result<Record, RecordError> {
    let wrong = || RecordError::Line(line.to_owned());
    let mut words = line.split_ascii_whitespace().peekable();
    let owner = words.next().ok_or_else(wrong)?;
    let mut ttl = TTL;
    if let Some(number) = words.peek().and_then(|word| word.parse().ok()) {
        ttl = number;
        words.next();
    }
    if words
        .peek()
        .is_some_and(|word| word.eq_ignore_ascii_case("in"))
    {
        words.next();
    }
    let kind = words.next().ok_or_else(wrong)?;
    let rest: Vec<&str> = words.collect();
    let data = data(kind, &rest, origin)?;
    Ok(Record::from_rdata(name_in(owner, origin)?, ttl, data))
}

fn data(kind: &str, words: &[&str], origin: &Name) -> Result<RData, RecordError> {
    let kind = kind.to_ascii_uppercase();
    let wrong = |kind, wanted| RecordError::Data {
        kind,
        wanted,
        data: words.join(" "),
    };
    let one_name = |kind| match words {
        [target] => name_in(target, origin),
        _ => Err(wrong(kind, "a name")),
    };
    Ok(match (kind.as_str(), words) {
        ("A", _) => {
            let wrong = || wrong("A", "an IPv4 address");
            let address: Ipv4Addr = only(words).ok_or_else(wrong)?;
            RData::A(A(address))
        }
        ("AAAA", _) => {
            let wrong = || wrong("AAAA", "an IPv6 address");
            let address: Ipv6Addr = only(words).ok_or_else(wrong)?;
            RData::AAAA(AAAA(address))
        }
        ("CNAME", _) => RData::CNAME(CNAME(one_name("CNAME")?)),
        ("NS", _) => RData::NS(NS(one_name("NS")?)),
        ("PTR", _) => RData::PTR(PTR(one_name("PTR")?)),
        ("SRV", [priority, weight, port, target]) => {
            let number = |word: &str| word.parse().map_err(|_| wrong("SRV", SRV_DATA));
            let target = name_in(target, origin)?;
            RData::SRV(SRV::new(
                number(priority)?,
                number(weight)?,
                number(port)?,
                target,
            ))
        }
        ("SRV", _) => return Err(wrong("SRV", SRV_DATA)),
        ("TXT", [_, ..]) if words.iter().all(|word| word.len() <= 255) => RData::TXT(TXT::new(
            words
                .iter()
                .map(|word| word.trim_matches('"').to_owned())
                .collect(),
        )),
        ("TXT", _) => return Err(wrong("TXT", "words of at most 255 octets")),
        _ => return Err(RecordError::Type(kind)),
    })
}

const SRV_DATA: &str = "PRIORITY WEIGHT PORT TARGET, the numbers up to 65535";

fn only<T: FromStr>(words: &[&str]) -> Option<T> {
    match words {
        [word] => word.parse().ok(),
        _ => None,
    }
}

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// The port of a host unless another is named.
pub const PORT: u16 = 1688;

/// A host as it is registered or published.
///
/// ```
/// use kmspec_model::client::HostAddress;
///
/// for (text, host) in [
///     ("kms03.site5.contoso.com", "kms03.site5.contoso.com:1688"),
///     ("192.0.2.7:1700", "192.0.2.7:1700"),
///     ("[2001:db8::7]:1700", "[2001:db8::7]:1700"),
///     ("2001:db8::7", "[2001:db8::7]:1688"),
///     ("KMS03:1700", "KMS03:1700"),
/// ] {
///     assert_eq!(text.parse::<HostAddress>().unwrap().to_string(), host);
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostAddress {
    /// Name or address.
    pub host: HostName,
    /// TCP port, not 0.
    pub port: u16,
}

/// What a host is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HostName {
    /// A fully qualified name, or the NetBIOS name of a computer.
    Name(String),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

/// A text that registers no host.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddressError {
    /// No host at all.
    #[error("a host is a name or an address, with :PORT behind it if that is not {PORT}")]
    Empty,
    /// Not a TCP port.
    #[error("port {0:?} is not a number from 1 to 65535")]
    Port(String),
    /// Digits and dots, but no IPv4 address.
    #[error("{0:?} is not an IPv4 address")]
    Ipv4(String),
    /// Colons, but no IPv6 address.
    #[error("{0:?} is not an IPv6 address; with a port it is written [ADDRESS]:PORT")]
    Ipv6(String),
    /// Not a name.
    #[error(
        "{0:?} is not a host name: letters, digits and hyphens, at most 63 between dots and 253 in all"
    )]
    Name(String),
}

impl FromStr for HostAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, rest) = rest
                .split_once(']')
                .ok_or_else(|| AddressError::Ipv6(text.to_owned()))?;
            let host = HostName::V6(ipv6(address)?);
            let port = match rest.strip_prefix(':') {
                Some(port) => self::port(port)?,
                None if rest.is_empty() => PORT,
                None => return Err(AddressError::Ipv6(text.to_owned())),
            };
            return Ok(Self { host, port });
        }
        if text.matches(':').count() > 1 {
            let host = HostName::V6(ipv6(text)?);
            return Ok(Self { host, port: PORT });
        }
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host.parse()?, self::port(port)?),
            None => (text.parse()?, PORT),
        };
        Ok(Self { host, port })
    }
}

impl FromStr for HostName {
    type Err = AddressError;

    /// A name, an IPv4 address or an IPv6 address without brackets.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        if text.contains(':') {
            return ipv6(text).map(Self::V6);
        }
        if text
            .bytes()
            .all(|octet| octet.is_ascii_digit() || octet == b'.')
        {
            let address = text.parse();
            return address
                .map(Self::V4)
                .map_err(|_| AddressError::Ipv4(text.to_owned()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        let letter = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        let label = |label: &str| {
            matches!(label.len(), 1..=63) && label.bytes().all(letter) && !label.starts_with('-')
        };
        if name.len() <= 253 && name.split('.').all(label) {
            Ok(Self::Name(name.to_owned()))
        } else {
            Err(AddressError::Name(text.to_owned()))
        }
    }
}

fn ipv6(text: &str) -> Result<Ipv6Addr, AddressError> {
    text.parse()
        .map_err(|_| AddressError::Ipv6(text.to_owned()))
}

fn port(text: &str) -> Result<u16, AddressError> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or_else(|| AddressError::Port(text.to_owned()))
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host {
            HostName::V6(address) => write!(f, "[{address}]:{port}"),
            HostName::Name(_) | HostName::V4(_) => write!(f, "{host}:{port}"),
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_as_it_prints() {
        for text in [
            "kms03.site5.contoso.com:1688",
            "192.0.2.7:65535",
            "[::1]:1",
            "[2001:db8::7]:1688",
            "KMS_HOST-1:1688",
        ] {
            let host: HostAddress = text.parse().unwrap();
            assert_eq!(host.to_string(), text);
        }
        assert_eq!("[::1]".parse(), "::1".parse::<HostAddress>());
    }

    #[test]
    fn what_is_no_host_says_why() {
        for (text, why) in [
            (
                "",
                "a host is a name or an address, with :PORT behind it if that is not 1688",
            ),
            (
                ":1688",
                "a host is a name or an address, with :PORT behind it if that is not 1688",
            ),
            ("kms.test:", "port \"\" is not a number from 1 to 65535"),
            ("kms.test:0", "port \"0\" is not a number from 1 to 65535"),
            ("kms.test:+1", "port \"+1\" is not a number from 1 to 65535"),
            (
                "kms.test:65536",
                "port \"65536\" is not a number from 1 to 65535",
            ),
            ("300.0.2.7", "\"300.0.2.7\" is not an IPv4 address"),
            ("192.0.2", "\"192.0.2\" is not an IPv4 address"),
            (
                "1:2:3",
                "\"1:2:3\" is not an IPv6 address; with a port it is written [ADDRESS]:PORT",
            ),
            (
                "[::1",
                "\"[::1\" is not an IPv6 address; with a port it is written [ADDRESS]:PORT",
            ),
            (
                "[::1]1688",
                "\"[::1]1688\" is not an IPv6 address; with a port it is written [ADDRESS]:PORT",
            ),
            (
                "[kms.test]:1",
                "\"kms.test\" is not an IPv6 address; with a port it is written [ADDRESS]:PORT",
            ),
        ] {
            let error = text.parse::<HostAddress>().unwrap_err();
            assert_eq!(error.to_string(), why, "{text}");
        }
        for text in ["kms host", "a..b", "-kms", "kms/1", &"x".repeat(64)] {
            assert!(
                matches!(text.parse::<HostAddress>(), Err(AddressError::Name(_))),
                "{text}"
            );
        }
    }
}

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The port of a host that was registered without one. Source: kms-protocol 1.
pub const DEFAULT_PORT: u16 = 1688;

/// A host as `-skms` takes it: `FQDN[:port]`, `NAME[:port]`, `IPv4[:port]`, `[IPv6]:port` or a bare IPv6 address.
///
/// ```
/// use kmspec_slmgr::RegisteredHost;
///
/// let host: RegisteredHost = "kms03.site5.contoso.com:1689".parse().unwrap();
/// assert_eq!((host.to_string().as_str(), host.port_or_default()), ("kms03.site5.contoso.com:1689", 1689));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegisteredHost {
    /// The host.
    pub name: HostName,
    /// Its port, if one was given.
    pub port: Option<u16>,
}

/// What a host is called.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostName {
    /// By its address.
    Address(IpAddr),
    /// By its name in DNS, or its NetBIOS name.
    Name(String),
}

/// A text that names no host.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing.
    #[error("a host is missing: give FQDN[:port], NAME[:port], IPv4[:port] or [IPv6]:port")]
    Empty,
    /// The name.
    #[error("{0:?} is no host name and no address")]
    Name(String),
    /// What stands in brackets.
    #[error("{0:?} is no IPv6 address")]
    Brackets(String),
    /// The port.
    #[error("{0:?} is no port: ports are 1 to 65535")]
    Port(String),
}

/// A port, 1 to 65535.
pub(crate) fn port(text: &str) -> Result<u16, NameError> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let port = text.parse().ok().filter(|port| digits && *port > 0);
    port.ok_or_else(|| NameError::Port(text.to_owned()))
}

impl RegisteredHost {
    /// The port, or the default where none was given.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(DEFAULT_PORT)
    }
}

impl FromStr for RegisteredHost {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if let Ok(address) = text.parse::<Ipv6Addr>() {
            let name = HostName::Address(address.into());
            return Ok(Self { name, port: None });
        }
        if let Some(rest) = text.strip_prefix('[') {
            return bracketed(text, rest);
        }
        let (name, given) = match text.split_once(':') {
            Some((name, given)) => (name, Some(port(given)?)),
            None => (text, None),
        };
        let address = name.parse::<Ipv4Addr>().ok();
        let name = match address {
            Some(address) => HostName::Address(address.into()),
            None if is_name(name) => HostName::Name(name.to_owned()),
            None => return Err(NameError::Name(name.to_owned())),
        };
        Ok(Self { name, port: given })
    }
}

/// `[IPv6]` or `[IPv6]:port`, behind the bracket.
fn bracketed(whole: &str, rest: &str) -> Result<RegisteredHost, NameError> {
    let wrong = |text: &str| NameError::Brackets(text.to_owned());
    let (inside, behind) = rest.split_once(']').ok_or_else(|| wrong(whole))?;
    let address: Ipv6Addr = inside.parse().map_err(|_| wrong(inside))?;
    let given = match behind.strip_prefix(':') {
        Some(given) => Some(port(given)?),
        None if behind.is_empty() => None,
        None => return Err(wrong(whole)),
    };
    let name = HostName::Address(address.into());
    Ok(RegisteredHost { name, port: given })
}

/// Whether it is a name of DNS or NetBIOS: labels of letters, digits, hyphens and underscores, at most 253 characters,
/// the last label not all digits, as that would be a broken address. Source: RFC 1123 2.1.
fn is_name(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        let lawful = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(lawful)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = name.rsplit('.').next().unwrap_or_default();
    name.len() <= 253
        && name.split('.').all(label)
        && !last.bytes().all(|octet| octet.is_ascii_digit())
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

impl fmt::Display for RegisteredHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, self.port) {
            (HostName::Address(IpAddr::V6(address)), Some(port)) => write!(f, "[{address}]:{port}"),
            (name, Some(port)) => write!(f, "{name}:{port}"),
            (name, None) => name.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_a_host_is_read_and_written_back() {
        for (text, port) in [
            ("kms03.site5.contoso.com", None),
            ("kms03.site5.contoso.com:1688", Some(1688)),
            ("kms03.site5.contoso.com.:1", Some(1)),
            ("KMS_03", None),
            ("KMS-03:65535", Some(65535)),
            ("192.0.2.7", None),
            ("192.0.2.7:1689", Some(1689)),
            ("2001:db8::7", None),
            ("::1", None),
            ("[2001:db8::7]:1689", Some(1689)),
            ("7up", None),
        ] {
            let host: RegisteredHost = text.parse().unwrap();
            assert_eq!(host.port, port, "{text}");
            assert_eq!(host.to_string(), text);
        }
        let bare: RegisteredHost = "[::1]".parse().unwrap();
        assert_eq!(
            (bare.to_string().as_str(), bare.port_or_default()),
            ("::1", DEFAULT_PORT)
        );
    }

    #[test]
    fn what_names_no_host_says_why() {
        for (text, error) in [
            (
                "",
                "a host is missing: give FQDN[:port], NAME[:port], IPv4[:port] or [IPv6]:port",
            ),
            ("kms:", "\"\" is no port: ports are 1 to 65535"),
            ("kms:0", "\"0\" is no port: ports are 1 to 65535"),
            ("kms:65536", "\"65536\" is no port: ports are 1 to 65535"),
            ("kms:+1", "\"+1\" is no port: ports are 1 to 65535"),
            (":1688", "\"\" is no host name and no address"),
            ("300.1.1.1", "\"300.1.1.1\" is no host name and no address"),
            (
                "kms..contoso.com",
                "\"kms..contoso.com\" is no host name and no address",
            ),
            ("-kms", "\"-kms\" is no host name and no address"),
            ("kms 03", "\"kms 03\" is no host name and no address"),
            ("[::1", "\"[::1\" is no IPv6 address"),
            ("[192.0.2.7]:1688", "\"192.0.2.7\" is no IPv6 address"),
            ("[::1]1688", "\"[::1]1688\" is no IPv6 address"),
            (
                "2001:db8::7:x",
                "\"db8::7:x\" is no port: ports are 1 to 65535",
            ),
        ] {
            assert_eq!(
                text.parse::<RegisteredHost>().unwrap_err().to_string(),
                error
            );
        }
    }
}

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use kmspec_slmgr::{HostName, NameError, RegisteredHost};

/// A host to connect to: as it is registered or published, with its port.
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
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HostAddress {
    /// Name or address.
    pub host: HostName,
    /// TCP port, not 0.
    pub port: u16,
}

impl From<RegisteredHost> for HostAddress {
    fn from(registered: RegisteredHost) -> Self {
        Self {
            port: registered.port_or_default(),
            host: registered.name,
        }
    }
}

impl FromStr for HostAddress {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        text.parse::<RegisteredHost>().map(Self::from)
    }
}

impl fmt::Display for HostAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match host {
            HostName::Address(IpAddr::V6(address)) => write!(f, "[{address}]:{port}"),
            HostName::Name(_) | HostName::Address(IpAddr::V4(_)) => write!(f, "{host}:{port}"),
        }
    }
}

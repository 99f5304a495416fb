use std::net::SocketAddr;

/// What a client's machine knows of its network. A client that is given one is not told of the host: it has to find it,
/// as it would anywhere, unless one is registered with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The DNS server to ask.
    pub dns: SocketAddr,
    /// The primary DNS suffix of the machine.
    pub suffix: Option<String>,
    /// The Active Directory DNS domain it is a member of.
    pub domain: Option<String>,
    /// The domain that DHCP has assigned (option 15 of RFC 2132).
    pub dhcp_domain: Option<String>,
}

impl Network {
    /// A machine with this DNS server and primary DNS suffix.
    pub fn primary(dns: SocketAddr, suffix: &str) -> Self {
        Self {
            dns,
            suffix: Some(suffix.to_owned()),
            domain: None,
            dhcp_domain: None,
        }
    }

    /// What of it a command or an environment is given, by name; what it does not know is `None`.
    pub(crate) fn facts(&self) -> [(&'static str, Option<String>); 4] {
        [
            ("dns", Some(self.dns.to_string())),
            ("suffix", self.suffix.clone()),
            ("domain", self.domain.clone()),
            ("dhcp_domain", self.dhcp_domain.clone()),
        ]
    }
}

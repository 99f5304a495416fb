//! How a client finds a host, sans-IO: what is registered, what to look up, and whom to try next.
//!
//! A host that was registered by hand wins; it is the only one then. Otherwise the last host that answered is tried, and
//! then SRV records are asked for, suffix by suffix. [`Search`] says what to do next, one [`Step`] at a time.

mod address;
mod search;
mod srv;

pub use address::HostAddress;
pub use search::{Search, Step, Tried};
pub use srv::{Srv, in_order};
pub(super) use srv::{ordered, usable};

/// What a client knows of hosts before it looks for one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// The host registered by hand (`-skms`), which beats DNS until it is forgotten (`-ckms`).
    pub registered: Option<HostAddress>,
    /// The last host that DNS named and that answered.
    pub cached: Option<HostAddress>,
    /// Where DNS is asked.
    pub suffixes: Suffixes,
}

/// The DNS suffixes of a machine. Source: the deployment document, row 1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Suffixes {
    /// Its primary DNS suffix.
    pub primary: Option<String>,
    /// The Active Directory DNS domain, for a member of one.
    pub domain: Option<String>,
    /// The domain that DHCP assigned (option 15 of RFC 2132), heeded in a workgroup.
    pub dhcp: Option<String>,
}

impl Suffixes {
    /// The names to ask SRV records for, in order, none twice. A member of a domain does not heed DHCP.
    pub fn queries(&self) -> Vec<String> {
        let dhcp = self.dhcp.as_ref().filter(|_| self.domain.is_none());
        let mut queries: Vec<String> = Vec::new();
        for suffix in [self.primary.as_ref(), self.domain.as_ref(), dhcp]
            .into_iter()
            .flatten()
        {
            let suffix = suffix.trim_matches('.').to_ascii_lowercase();
            let query = format!("{SERVICE}.{suffix}");
            if !suffix.is_empty() && !queries.contains(&query) {
                queries.push(query);
            }
        }
        queries
    }
}

impl Discovery {
    /// Registers a host by hand; what DNS has told before is forgotten.
    pub fn register(&mut self, host: HostAddress) {
        self.registered = Some(host);
        self.cached = None;
    }

    /// Forgets the registered host: DNS is asked again.
    pub fn forget(&mut self) {
        self.registered = None;
        self.cached = None;
    }

    /// Remembers that this host answered, unless it was registered anyway.
    pub fn answered(&mut self, host: &HostAddress) {
        if self.registered.is_none() {
            self.cached = Some(host.clone());
        }
    }
}

/// The service by which hosts publish themselves. Source: the deployment document, row 1.
pub const SERVICE: &str = "_vlmcs._tcp";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffixes_are_asked_in_the_documents_order() {
        let some = |text: &str| Some(text.to_owned());
        let asked = |primary, domain, dhcp| {
            let suffixes = Suffixes {
                primary,
                domain,
                dhcp,
            };
            suffixes.queries().join(" ")
        };
        for (got, expected) in [
            (asked(None, None, None), ""),
            (
                asked(some("a.test"), some("b.test"), None),
                "_vlmcs._tcp.a.test _vlmcs._tcp.b.test",
            ),
            (
                asked(some("a.test"), None, some("c.test.")),
                "_vlmcs._tcp.a.test _vlmcs._tcp.c.test",
            ),
            (asked(None, None, some("c.test")), "_vlmcs._tcp.c.test"),
            (
                asked(None, some("b.test"), some("c.test")),
                "_vlmcs._tcp.b.test",
            ),
            (
                asked(some("a.test"), some("A.Test"), None),
                "_vlmcs._tcp.a.test",
            ),
            (asked(some("."), None, None), ""),
        ] {
            assert_eq!(got, expected);
        }
    }
}

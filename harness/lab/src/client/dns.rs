use std::net::IpAddr;

use kmspec_dns::Resolver;
use kmspec_model::client::Srv;

use super::lookup::{Lookup, LookupError, SystemLookup};

/// A DNS server that is asked for services, and for the addresses of their machines before the system is.
#[derive(Clone, Copy, Debug)]
pub struct DnsLookup {
    resolver: Resolver,
}

/// A server if one was named, the system's resolver alone otherwise.
impl Lookup for Option<DnsLookup> {
    async fn srv(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        match self {
            Some(server) => server.srv(name).await,
            None => SystemLookup.srv(name).await,
        }
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        match self {
            Some(server) => server.addresses(host).await,
            None => SystemLookup.addresses(host).await,
        }
    }
}

impl DnsLookup {
    /// Asks this server.
    pub const fn of(resolver: Resolver) -> Self {
        Self { resolver }
    }
}

impl Lookup for DnsLookup {
    async fn srv(&self, name: &str) -> Result<Vec<Srv>, LookupError> {
        let records = self.resolver.srv(name).await;
        let records = records.map_err(|error| LookupError(error.to_string()))?;
        let records = records.into_iter().map(|record| Srv {
            priority: record.priority,
            weight: record.weight,
            port: record.port,
            target: record.target.to_string(),
        });
        Ok(records.collect())
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        match self.resolver.addresses(host).await {
            Ok(addresses) if !addresses.is_empty() => Ok(addresses),
            Ok(_) => SystemLookup.addresses(host).await,
            // What the server says of a name that nobody knows is worth more than what the system says.
            Err(error) => {
                let system = SystemLookup.addresses(host).await;
                system.map_err(|_| LookupError(error.to_string()))
            }
        }
    }
}

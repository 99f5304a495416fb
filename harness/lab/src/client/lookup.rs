use std::io;
use std::net::IpAddr;

use kmspec_model::client::Srv;
use thiserror::Error;

/// Where a client looks names up.
pub trait Lookup: Send + Sync {
    /// The SRV records of this name; none is an answer too.
    fn srv(&self, name: &str) -> impl Future<Output = Result<Vec<Srv>, LookupError>> + Send;

    /// The addresses of this host, at least one.
    fn addresses(
        &self,
        host: &str,
    ) -> impl Future<Output = Result<Vec<IpAddr>, LookupError>> + Send;
}

/// A name that was looked up in vain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{0}")]
pub struct LookupError(pub String);

/// The resolver of the system: it knows addresses, but no services.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    async fn srv(&self, _: &str) -> Result<Vec<Srv>, LookupError> {
        Err(LookupError("no DNS server was named to ask".to_owned()))
    }

    async fn addresses(&self, host: &str) -> Result<Vec<IpAddr>, LookupError> {
        let failed = |error: io::Error| LookupError(format!("the name does not resolve: {error}"));
        let found = tokio::net::lookup_host((host, 0)).await.map_err(failed)?;
        let addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
        if addresses.is_empty() {
            return Err(LookupError("the name has no address".to_owned()));
        }
        Ok(addresses)
    }
}

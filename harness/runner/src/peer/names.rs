//! A DNS server of the tester's own, for targets that publish themselves.

use std::net::SocketAddr;
use std::time::Duration;

use kmspec_dns::{Asked, Authority, DnsServer, Fault, SERVICE, Srv, Zone};
use tokio::net::UdpSocket;

use super::Peer;
use crate::verdict::Stop;

/// The zone that the tester serves. Source: RFC 2606 for its name.
const SUFFIX: &str = "kms.test";

/// A zone that takes dynamic updates while a case lasts.
#[derive(Debug)]
pub struct Names {
    server: DnsServer,
    patience: Duration,
}

impl Peer {
    /// A DNS server with a zone of these records, at the address of ours by which the target is reached.
    ///
    /// # Errors
    /// An error verdict: there is none to be had.
    pub async fn names(&self, records: &[&str]) -> Result<Names, Stop> {
        let failed = |why: String| Stop::Error(format!("cannot run a DNS server: {why}"));
        let mut zone = Zone::new(SUFFIX).map_err(|error| failed(error.to_string()))?;
        for record in records {
            let added = zone.add_line(record);
            added.map_err(|error| failed(error.to_string()))?;
        }
        let own = own_address(self.endpoint().address).await;
        let own = own.map_err(|error| failed(error.to_string()))?;
        let server = DnsServer::start(own, Authority::new([zone])).await;
        Ok(Names {
            server: server.map_err(|error| failed(error.to_string()))?,
            patience: self.endpoint().timing.answer,
        })
    }
}

/// The address by which we reach another one; any port. Nothing is sent.
async fn own_address(other: SocketAddr) -> std::io::Result<SocketAddr> {
    let any: SocketAddr = if other.is_ipv4() {
        ([0, 0, 0, 0], 0).into()
    } else {
        ([0_u16; 8], 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(other).await?;
    let mut own = socket.local_addr()?;
    own.set_port(0);
    Ok(own)
}

impl Names {
    /// Where a target is to publish itself: `SUFFIX@IP:PORT`, the value of the control verb `publish`.
    pub fn place(&self) -> String {
        format!("{SUFFIX}@{}", self.server.address())
    }

    /// Makes the server misbehave from now on.
    pub fn misbehave(&self, fault: Fault) {
        self.server.set_faults(vec![fault]);
    }

    /// The hosts that are published once that is `enough`, or what there is when patience ends.
    pub async fn hosts(&self, enough: impl Fn(&[Srv]) -> bool) -> Vec<Srv> {
        let owner = format!("{SERVICE}.{SUFFIX}");
        let look = |server: &DnsServer| Some(server.srv(&owner)).filter(|hosts| enough(hosts));
        let found = self.server.until(self.patience, look).await;
        found.unwrap_or_else(|| self.server.srv(&owner))
    }

    /// Waits until an update has come; false if none does before patience ends.
    pub async fn was_told(&self) -> bool {
        let update = |server: &DnsServer| {
            let (_, events) = server.events(0);
            let mut updates = events
                .iter()
                .filter(|event| matches!(event.asked, Asked::Update { .. }));
            updates.next().map(drop)
        };
        self.server.until(self.patience, update).await.is_some()
    }
}

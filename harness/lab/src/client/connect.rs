use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use kmspec_model::client::{Activation, HostAddress};
use kmspec_slmgr::HostName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{error::Elapsed, timeout};

use super::Timeouts;
use super::lookup::Lookup;

/// Asks one host. What it answers, the activation knows; why it did not, is the error.
pub(super) async fn ask(
    lookup: &impl Lookup,
    timeouts: Timeouts,
    host: &HostAddress,
    activation: &mut Activation,
) -> Result<(), String> {
    let addresses = match &host.host {
        HostName::Address(address) => vec![*address],
        HostName::Name(name) => {
            let found = lookup.addresses(name).await;
            found.map_err(|error| error.to_string())?
        }
    };
    let stream = connect(&addresses, host.port, timeouts.connect).await?;
    talk(stream, timeouts.answer, activation).await
}

/// Connects to the first address that lets it.
async fn connect(addresses: &[IpAddr], port: u16, limit: Duration) -> Result<TcpStream, String> {
    let mut why = "the name has no address".to_owned();
    for address in addresses {
        let address = SocketAddr::new(*address, port);
        why = match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => format!("cannot connect to {address}: {error}"),
            Err(Elapsed { .. }) => format!("cannot connect to {address} within {limit:?}"),
        };
    }
    Err(why)
}

/// Hands octets to and fro until the activation has had enough of this host.
async fn talk(
    mut stream: TcpStream,
    limit: Duration,
    activation: &mut Activation,
) -> Result<(), String> {
    let mut out = Vec::new();
    activation.connected(&mut out);
    let mut octets = vec![0; 0x4000];
    loop {
        let waits_for = activation.waits_for();
        let broken = |error: io::Error| format!("the connection broke before {waits_for}: {error}");
        let exchange = async {
            stream.write_all(&out).await?;
            stream.read(&mut octets).await
        };
        let read = match timeout(limit, exchange).await {
            Ok(read) => read.map_err(broken)?,
            Err(Elapsed { .. }) => {
                return Err(format!("{waits_for} did not come within {limit:?}"));
            }
        };
        if read == 0 {
            return Err(format!("the host closed before {waits_for}"));
        }
        out.clear();
        let came = octets.get(..read).unwrap_or_default();
        if !activation.receive(came, &mut out) {
            return Ok(());
        }
    }
}

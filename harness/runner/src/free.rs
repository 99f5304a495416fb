//! Free ports, found quickly.

use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU16, Ordering};

use tokio::net::TcpListener;

/// The first port that is tried, and how many there are: below those that systems give to whoever connects.
const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;
/// Ports that are tried before the system is asked for one.
const TRIES: u16 = 16;

/// How many were tried so far.
static TRIED: AtomicU16 = AtomicU16::new(0);

/// Listens on a free port of this address.
///
/// A system that is asked for any port looks through those which closed connections still hold, and takes milliseconds once
/// these are tens of thousands: as many as a self-test makes in a minute. So some others are tried before.
///
/// # Errors
/// The address cannot be listened on.
pub async fn listen(address: IpAddr) -> io::Result<TcpListener> {
    for _ in 0..TRIES {
        match TcpListener::bind((address, next())).await {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            done => return done,
        }
    }
    TcpListener::bind((address, 0)).await
}

/// A port of this address that nobody listens on now.
///
/// # Errors
/// As [`listen`].
pub async fn port(address: IpAddr) -> io::Result<u16> {
    Ok(listen(address).await?.local_addr()?.port())
}

/// The next port to try: each process begins elsewhere.
fn next() -> u16 {
    let begin = std::process::id().wrapping_mul(499) % u32::from(COUNT);
    let nth = TRIED.fetch_add(1, Ordering::Relaxed) % COUNT;
    let place = (begin + u32::from(nth)) % u32::from(COUNT);
    FIRST + u16::try_from(place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn whoever_asks_gets_a_port_of_his_own() {
        let mut sockets = Vec::new();
        for _ in 0..40 {
            sockets.push(listen(Ipv4Addr::LOCALHOST.into()).await.unwrap());
        }
        let ports = sockets.iter().map(|it| it.local_addr().unwrap().port());
        assert_eq!(ports.collect::<BTreeSet<u16>>().len(), 40);
    }

    #[test]
    fn no_port_is_outside_of_those_that_are_tried() {
        for _ in 0..2 * u32::from(COUNT) {
            assert!((FIRST..FIRST + COUNT).contains(&next()));
        }
    }
}

//! Messages over UDP, and over TCP where UDP does not do.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use hickory_proto::op::Message;
use hickory_proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, timeout, timeout_at};

use super::{LookupError, Patience, Question, Taken};
use crate::record::RecordError;

/// Asks once, with as many attempts as patience allows.
pub(super) async fn ask(
    server: SocketAddr,
    patience: Patience,
    name: &Name,
    kind: RecordType,
) -> Result<Taken, LookupError> {
    let failed = |source| LookupError::Unreachable { server, source };
    for _ in 0..patience.tries.max(1) {
        // An id that cannot be guessed, and a port of its own, for each attempt.
        let question = Question::new(Message::query().metadata.id, name.clone(), kind);
        let octets = question
            .encode()
            .ok_or_else(|| RecordError::Name(name.to_string()))?;
        let taken = datagram(server, patience, &octets, |octets| question.take(octets)).await;
        match taken.map_err(failed)? {
            None => {}
            Some(Taken::Truncated) => {
                let answer = match timeout(patience.each, stream(server, &octets)).await {
                    Ok(answer) => answer.map_err(failed)?,
                    Err(_) => continue,
                };
                return question.take(&answer).ok_or(LookupError::NoAnswer(server));
            }
            Some(taken) => return Ok(taken),
        }
    }
    Err(LookupError::Silence { server, patience })
}

/// Sends a datagram, and takes the first answer that `take` makes something of; `None` if none comes in time.
pub(crate) async fn datagram<T>(
    server: SocketAddr,
    patience: Patience,
    octets: &[u8],
    take: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Option<T>> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let socket = UdpSocket::bind(any).await?;
    // Whoever else sends something is not heard.
    socket.connect(server).await?;
    socket.send(octets).await?;
    let Some(end) = Instant::now().checked_add(patience.each) else {
        return Ok(None);
    };
    let mut buffer = vec![0; usize::from(u16::MAX)];
    loop {
        match timeout_at(end, socket.recv(&mut buffer)).await {
            Err(_) => return Ok(None),
            Ok(len) => {
                let answer = buffer.get(..len?).unwrap_or_default();
                if let Some(taken) = take(answer) {
                    return Ok(Some(taken));
                }
            }
        }
    }
}

/// Sends a message on a connection of its own, and gives the first that comes back. Source: RFC 1035 4.2.2.
pub(crate) async fn stream(server: SocketAddr, octets: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let len = u16::try_from(octets.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut framed = len.to_be_bytes().to_vec();
    framed.extend_from_slice(octets);
    stream.write_all(&framed).await?;
    let len = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(len)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

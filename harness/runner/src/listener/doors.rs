//! Where clients can connect.

use std::future::{pending, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use tokio::net::{TcpListener, TcpStream};

/// The sockets on which a case plays hosts; the first is the one that the client may be told of. A closed one is `None`.
#[derive(Debug, Default)]
pub(super) struct Doors(Vec<Option<Arc<TcpListener>>>);

/// A connection that came.
#[derive(Debug)]
pub(super) struct Caller {
    /// The number of the door.
    pub(super) door: usize,
    /// The connection.
    pub(super) stream: TcpStream,
    /// Whose it is.
    pub(super) from: SocketAddr,
}

impl Doors {
    /// One.
    pub(super) fn one(socket: Arc<TcpListener>) -> Self {
        Self(vec![Some(socket)])
    }

    /// Another one; its number.
    pub(super) fn add(&mut self, socket: TcpListener) -> usize {
        self.0.push(Some(Arc::new(socket)));
        self.0.len().saturating_sub(1)
    }

    /// Whoever connects there is refused from now on.
    pub(super) fn shut(&mut self, number: usize) {
        if let Some(door) = self.0.get_mut(number) {
            *door = None;
        }
    }

    /// Whether nobody can connect.
    pub(super) fn are_shut(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// The next connection, at whichever door; never, if all are shut. Cancelling loses nothing.
    pub(super) async fn accept(&self) -> io::Result<Caller> {
        if self.are_shut() {
            return pending().await;
        }
        poll_fn(|context| {
            for (door, socket) in self.0.iter().enumerate() {
                let Some(socket) = socket else { continue };
                if let Poll::Ready(accepted) = socket.poll_accept(context) {
                    return Poll::Ready(accepted.map(|(stream, from)| Caller {
                        door,
                        stream,
                        from,
                    }));
                }
            }
            Poll::Pending
        })
        .await
    }
}

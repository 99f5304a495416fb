use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{Instrument, debug, debug_span, warn};

use crate::connection;
use crate::shared::{Shared, State, no_longer_running};

/// How long to leave the listener alone after an error that will not go away at once.
const PAUSE: Duration = Duration::from_millis(20);
/// How long connections may take to send what is to be sent when the host stops.
const FAREWELL: Duration = Duration::from_secs(2);

/// The service is to be restarted.
#[derive(Debug)]
pub(crate) struct Restart {
    /// Where to listen from then on; `None` for where it listens.
    pub(crate) listener: Option<TcpListener>,
    /// Told once the old connections are gone and nobody listens at the old place.
    pub(crate) done: oneshot::Sender<()>,
}

/// Accepts connections until the host stops, then waits for them to end.
pub(crate) async fn serve(
    mut listener: TcpListener,
    shared: Arc<Shared>,
    mut restarts: mpsc::UnboundedReceiver<Restart>,
) {
    let mut connections = JoinSet::new();
    let mut state = shared.watch();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let span = debug_span!("connection", %peer);
                    let port = shared.address().port();
                    connections.spawn(run(stream, port, Arc::clone(&shared)).instrument(span));
                }
                Err(error) => recover(&error, &shared).await,
            },
            Some(_) = connections.join_next() => {}
            Some(restart) = restarts.recv() => {
                if let Some(elsewhere) = restart.listener {
                    listener = elsewhere;
                }
                shared.registry.clear();
                if timeout(FAREWELL, drain(&mut connections)).await.is_err() {
                    debug!(left = connections.len(), "connections cut off");
                }
                connections.shutdown().await;
                // Whoever asked may have lost interest.
                let _ = restart.done.send(());
            }
            _ = no_longer_running(&mut state) => break,
        }
    }
    drop(listener);
    shared.registry.clear();
    let crashed = shared.state() == State::Crashed;
    if !crashed && timeout(FAREWELL, drain(&mut connections)).await.is_err() {
        debug!(left = connections.len(), "connections cut off");
    }
    connections.shutdown().await;
}

async fn run(stream: TcpStream, port: u16, shared: Arc<Shared>) {
    if let Err(error) = connection::serve(stream, port, &shared).await {
        debug!(%error, "connection failed");
    }
}

async fn drain(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

/// A connection that was gone before it was accepted is nobody's loss; running out of files costs the connection that
/// was idle longest its place.
async fn recover(error: &io::Error, shared: &Shared) {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    if matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    ) {
        debug!(%error, "connection lost before it was accepted");
        return;
    }
    let evicted = shared.registry.evict();
    warn!(%error, evicted, "cannot accept a connection");
    sleep(PAUSE).await;
}

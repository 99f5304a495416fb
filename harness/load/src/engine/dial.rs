use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Makes connections.
pub(crate) trait Dial: Clone + 'static {
    /// A connection.
    type Stream: AsyncRead + AsyncWrite + Unpin + 'static;

    /// Makes one.
    fn dial(&self) -> impl Future<Output = io::Result<Self::Stream>>;

    /// Ends one with a reset. Its port can be used again at once, which after an orderly end takes a minute.
    fn reset(stream: Self::Stream);
}

/// Over TCP.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tcp(pub(crate) SocketAddr);

impl Dial for Tcp {
    type Stream = TcpStream;

    async fn dial(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(self.0).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn reset(stream: TcpStream) {
        // Where it cannot be set the connection ends in order, and costs a port for a while.
        drop(stream.set_zero_linger());
    }
}

//! Another service behind the console's port. A client says in the first octets of its handshake whom it means, so a browser is never
//! asked for a certificate and sees nothing of it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::server::ClientHello;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

/// A connection that the other service looks after.
pub type Attended = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The other service.
pub trait Beside: Send + Sync {
    /// Says whether a client means this service.
    fn is_meant(&self, hello: &ClientHello<'_>) -> bool;

    /// Returns what the handshake is made with.
    fn config(&self) -> Arc<ServerConfig>;

    /// Is told that a handshake failed.
    fn handshake_failed(&self, from: IpAddr, error: &std::io::Error);

    /// Attends to a connection until it is over. It ends soon after `stop` says true.
    fn attend(&self, stream: TlsStream<TcpStream>, stop: watch::Receiver<bool>) -> Attended;
}

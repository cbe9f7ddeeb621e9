//! How the two streams travel: HTTP/2 over TLS, one POST whose body goes up while the body of its answer comes down.
//!
//! HTTP gives framing, flow control and a way past anybody who looks at ports; nothing of the transfer hangs on it. The rules of
//! time are the protocol's own (`crate::proto`): what is silent or drips is ended there.

mod address;
mod body;
mod door;
mod line;

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::net::sockopt;

pub use address::{Address, AddressError};
pub use body::{Outgoing, Stream, piece};
pub use door::{Conversation, Converses, Door, House, Renewal};
pub use line::{Line, LineError};

/// The transfer itself.
pub(crate) const TRANSFER: &str = "/transfer/v1";
/// A new certificate, asked for under the old one.
pub(crate) const RENEW: &str = "/renew/v1";
/// Enrolment: GET says how the code becomes a key, POST is the question.
pub(crate) const ENROL: &str = "/enrol/v1";

/// Octets that may be under way on a stream before this side has taken them.
const STREAM_WINDOW: u32 = 4 << 20;
/// On all streams of a connection.
const CONNECTION_WINDOW: u32 = 8 << 20;
/// A frame: a chunk of the protocol in one piece.
const FRAME: u32 = 512 << 10;
/// The longest head of a request or an answer.
const HEAD: u32 = 16 << 10;
/// Octets that wait for the socket.
const SEND_BUFFER: usize = 1 << 20;

/// A line through a firewall that forgets is noticed within two minutes, and kept from being forgotten.
fn kept_alive(socket: &impl AsFd) -> std::io::Result<()> {
    sockopt::set_tcp_nodelay(socket, true)?;
    sockopt::set_socket_keepalive(socket, true)?;
    sockopt::set_tcp_keepidle(socket, Duration::from_secs(60))?;
    sockopt::set_tcp_keepintvl(socket, Duration::from_secs(15))?;
    sockopt::set_tcp_keepcnt(socket, 4)?;
    Ok(())
}

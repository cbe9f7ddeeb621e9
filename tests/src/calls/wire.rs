//! The wire of the signalling: one SIP message at a time over a UDP or a TCP socket, with a deadline.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use super::sip;

/// How the signalling travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transport {
    /// One message per datagram.
    #[default]
    Udp,
    /// A stream, cut by Content-Length.
    Tcp,
}

impl Transport {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// An open way to the other party.
pub(super) enum Wire {
    Udp {
        socket: UdpSocket,
        peer: Option<SocketAddr>,
    },
    /// A listener that nobody has called yet.
    Waiting(TcpListener),
    Tcp {
        stream: TcpStream,
        unread: Vec<u8>,
    },
}

impl Wire {
    /// Opens the callee's end.
    pub(super) fn listen(transport: Transport, at: SocketAddr) -> io::Result<Self> {
        match transport {
            Transport::Udp => Ok(Self::Udp { socket: UdpSocket::bind(at)?, peer: None }),
            Transport::Tcp => {
                let listener = TcpListener::bind(at)?;
                listener.set_nonblocking(true)?;
                Ok(Self::Waiting(listener))
            }
        }
    }

    /// Opens the caller's end. Over TCP the system chooses the port that we call from, as telephones let it.
    pub(super) fn connect(transport: Transport, from: SocketAddr, to: SocketAddr) -> io::Result<Self> {
        match transport {
            Transport::Udp => Ok(Self::Udp { socket: UdpSocket::bind(from)?, peer: Some(to) }),
            Transport::Tcp => {
                let stream = connect_patiently(to, Instant::now() + Duration::from_secs(5))?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp { stream, unread: Vec::new() })
            }
        }
    }

    /// True if a lost message must be said again by us.
    pub(super) fn may_lose(&self) -> bool {
        matches!(self, Self::Udp { .. })
    }

    pub(super) fn send(&mut self, message: &str) -> io::Result<()> {
        match self {
            Self::Udp { socket, peer: Some(peer) } => socket.send_to(message.as_bytes(), *peer).map(|_| ()),
            Self::Tcp { stream, .. } => stream.write_all(message.as_bytes()),
            Self::Udp { peer: None, .. } | Self::Waiting(_) => Err(io::Error::other("nobody has called yet")),
        }
    }

    /// The next message, or `None` at the deadline.
    pub(super) fn receive(&mut self, deadline: Instant) -> io::Result<Option<String>> {
        if let Self::Waiting(listener) = self {
            let Some(stream) = accept(listener, deadline)? else { return Ok(None) };
            *self = Self::Tcp { stream, unread: Vec::new() };
        }
        match self {
            Self::Udp { socket, peer } => {
                let Some(patience) = left(deadline) else { return Ok(None) };
                socket.set_read_timeout(Some(patience))?;
                let mut datagram = [0; 8192];
                match socket.recv_from(&mut datagram) {
                    Ok((length, from)) => {
                        *peer = Some(from);
                        Ok(Some(
                            String::from_utf8_lossy(datagram.get(..length).unwrap_or_default()).into_owned(),
                        ))
                    }
                    Err(e) => none_if_late(e),
                }
            }
            Self::Tcp { stream, unread } => next_of_stream(stream, unread, deadline),
            Self::Waiting(_) => Ok(None),
        }
    }
}

fn next_of_stream(
    stream: &mut TcpStream,
    unread: &mut Vec<u8>,
    deadline: Instant,
) -> io::Result<Option<String>> {
    loop {
        if let Some(length) = whole_message(unread) {
            let message: Vec<u8> = unread.drain(..length).collect();
            return Ok(Some(String::from_utf8_lossy(&message).into_owned()));
        }
        let Some(patience) = left(deadline) else { return Ok(None) };
        stream.set_read_timeout(Some(patience))?;
        let mut some = [0; 4096];
        match stream.read(&mut some) {
            Ok(0) => {
                return Err(io::Error::new(
                    ErrorKind::UnexpectedEof,
                    "the other party closed the connection",
                ));
            }
            Ok(n) => unread.extend_from_slice(some.get(..n).unwrap_or_default()),
            Err(e) => return none_if_late(e),
        }
    }
}

/// The callees may be another process that is a moment later than we are.
fn connect_patiently(to: SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    loop {
        match TcpStream::connect_timeout(&to, Duration::from_secs(5)) {
            Err(e) if e.kind() == ErrorKind::ConnectionRefused && left(deadline).is_some() => {
                thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

fn accept(listener: &TcpListener, deadline: Instant) -> io::Result<Option<TcpStream>> {
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false)?;
                stream.set_nodelay(true)?;
                return Ok(Some(stream));
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {
                if left(deadline).is_none() {
                    return Ok(None);
                }
                thread::sleep(Duration::from_millis(5));
            }
            Err(e) => return Err(e),
        }
    }
}

/// Length of the message at the beginning, once all of it is there.
fn whole_message(unread: &[u8]) -> Option<usize> {
    let head = unread.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(unread.get(..head)?);
    let body: usize = sip::header(&text, "Content-Length")?.parse().ok()?;
    (unread.len() >= head + body).then_some(head + body)
}

fn left(deadline: Instant) -> Option<Duration> {
    deadline.checked_duration_since(Instant::now()).filter(|d| !d.is_zero())
}

fn none_if_late(e: io::Error) -> io::Result<Option<String>> {
    let late = matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted);
    if late { Ok(None) } else { Err(e) }
}

//! A small HTTPS client that trusts one server: what the suite talks to `amethyst serve` with.
//!
//! HTTP/1.1, a connection for each request, cookies and the CSRF value kept as a browser would, and `WebSockets` (RFC 6455) as
//! far as listening needs them. No browser: the walks through the console use a real one.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;

/// How long a server may take for one answer before the test fails.
const PATIENCE: Duration = Duration::from_secs(60);

/// A person with a browser: knows the server's certificate, keeps a session.
#[derive(Clone, Debug)]
pub struct Person {
    address: SocketAddr,
    tls: Arc<ClientConfig>,
    cookie: Option<String>,
    csrf: Option<String>,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Answer {
    /// Returns a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as JSON, or what stands there instead as a string.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_no_json| Value::String(String::from_utf8_lossy(&self.body).into_owned()))
    }
}

/// A connection over TLS.
pub type Line = StreamOwned<ClientConnection, TcpStream>;

impl Person {
    /// Somebody who trusts the certificate in `pem` and nobody else, and is not signed in.
    ///
    /// # Errors
    /// A sentence: the certificate is none.
    pub fn new(address: SocketAddr, pem: &[u8]) -> Result<Self, String> {
        let certificate = CertificateDer::from_pem_slice(pem).map_err(|e| format!("no certificate: {e}"))?;
        let mut roots = RootCertStore::empty();
        roots.add(certificate).map_err(|e| e.to_string())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = builder.map_err(|e| e.to_string())?.with_root_certificates(roots).with_no_client_auth();
        Ok(Self { address, tls: Arc::new(tls), cookie: None, csrf: None })
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// The system's, or TLS'.
    pub fn connect(&self) -> std::io::Result<Line> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(&self.tls), name).map_err(std::io::Error::other)?;
        Ok(StreamOwned::new(connection, stream))
    }

    /// Sends a request and reads the whole answer; cookies are kept.
    ///
    /// # Errors
    /// The connection's.
    pub fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> std::io::Result<Answer> {
        let mut line = self.connect()?;
        line.write_all(&self.request(method, path, headers, body))?;
        line.flush()?;
        let mut bytes = Vec::new();
        match line.read_to_end(&mut bytes) {
            Ok(_) => {}
            // A server that shuts the door without TLS' good-bye has said all it wanted.
            Err(e) if e.kind() == ErrorKind::UnexpectedEof && !bytes.is_empty() => {}
            Err(e) => return Err(e),
        }
        let answer = answer(&bytes).ok_or_else(|| std::io::Error::other("no HTTP answer"))?;
        for (_, cookie) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
            let pair = cookie.split(';').next().unwrap_or_default();
            self.cookie = (!pair.ends_with('=')).then(|| pair.to_owned());
        }
        Ok(answer)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
        let mut text = format!("{method} {path} HTTP/1.1\r\nhost: localhost:{}\r\n", self.address.port());
        let websocket = headers.iter().any(|(name, _)| *name == "upgrade");
        if !websocket {
            text.push_str("connection: close\r\n");
        }
        for proof in self.proofs() {
            text.push_str(&format!("{proof}\r\n"));
        }
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() || method == "POST" {
            text.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        text.push_str("\r\n");
        [text.as_bytes(), body].concat()
    }

    /// The headers that prove who we are, for another program that asks in our name.
    #[must_use]
    pub fn proofs(&self) -> Vec<String> {
        let mine = [("cookie", &self.cookie), ("x-csrf-token", &self.csrf)];
        mine.iter().filter_map(|(name, value)| Some(format!("{name}: {}", value.as_deref()?))).collect()
    }

    /// Gets a path.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], &[]).unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    /// Sends JSON.
    ///
    /// # Panics
    /// When there is no answer.
    #[must_use]
    pub fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.ask(method, path, &[("content-type", "application/json")], body.as_bytes())
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"))
    }

    /// Signs in with a one-time link (its path) and sets `password`; authenticators must be optional on the site.
    ///
    /// # Panics
    /// When the server does not let us in.
    pub fn enter_by_link(&mut self, link: &str, password: &str) {
        let token = link.rsplit(['=', '/', '#']).next().unwrap_or_default();
        let linked = self.send("POST", "/api/v1/sign-in/link", &serde_json::json!({ "token": token }));
        assert_eq!(linked.status, 200, "{}", linked.json());
        let set = self.send("POST", "/api/v1/sign-in/password", &serde_json::json!({ "password": password }));
        assert_eq!(set.status, 200, "{}", set.json());
        self.remember_csrf();
    }

    /// Signs in by name and password.
    ///
    /// # Panics
    /// When the server does not let us in.
    pub fn enter(&mut self, name: &str, password: &str) {
        let body = serde_json::json!({ "name": name, "password": password });
        let answer = self.send("POST", "/api/v1/sign-in", &body);
        assert_eq!((answer.status, answer.json()["next"].as_str()), (200, Some("done")), "{}", answer.json());
        self.remember_csrf();
    }

    /// Asks who we are and keeps the value that writes want.
    ///
    /// # Panics
    /// When we are not signed in.
    pub fn remember_csrf(&mut self) {
        let me = self.get("/api/v1/me");
        assert_eq!(me.status, 200, "{}", me.json());
        self.csrf = me.json()["csrf"].as_str().map(str::to_owned);
    }

    /// Opens a stream of server-sent events; the reader gets the raw octets of the answer.
    ///
    /// # Errors
    /// The connection's.
    pub fn event_stream(&mut self, path: &str) -> std::io::Result<Line> {
        let mut line = self.connect()?;
        line.write_all(&self.request("GET", path, &[("accept", "text/event-stream")], &[]))?;
        line.flush()?;
        Ok(line)
    }

    /// Opens a WebSocket.
    ///
    /// # Errors
    /// The connection's, or the server's refusal with its status.
    pub fn socket(&self, path: &str) -> std::io::Result<Socket> {
        let mut line = self.connect()?;
        let origin = format!("https://localhost:{}", self.address.port());
        let headers = [
            ("upgrade", "websocket"),
            ("connection", "Upgrade"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("origin", origin.as_str()),
        ];
        line.write_all(&self.request("GET", path, &headers, &[]))?;
        line.flush()?;
        let mut head = Vec::new();
        let mut octet = [0];
        while !head.ends_with(b"\r\n\r\n") && head.len() < 16_384 {
            line.read_exact(&mut octet)?;
            head.extend(octet);
        }
        let text = String::from_utf8_lossy(&head).into_owned();
        if !text.starts_with("HTTP/1.1 101") {
            return Err(std::io::Error::other(text.lines().next().unwrap_or_default().to_owned()));
        }
        Ok(Socket { line })
    }
}

/// One message of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Text.
    Text(String),
    /// Octets.
    Binary(Vec<u8>),
    /// The server closes.
    Close,
}

/// A WebSocket that only listens.
#[derive(Debug)]
pub struct Socket {
    line: Line,
}

impl Socket {
    /// Waits for the next message.
    ///
    /// # Errors
    /// The connection's.
    pub fn next_message(&mut self) -> std::io::Result<Message> {
        loop {
            let mut head = [0; 2];
            self.line.read_exact(&mut head)?;
            let [first, length] = head;
            let length = match length & 0x7f {
                126 => {
                    let mut more = [0; 2];
                    self.line.read_exact(&mut more)?;
                    usize::from(u16::from_be_bytes(more))
                }
                127 => return Err(std::io::Error::other("a message over 64 KiB")),
                short => usize::from(short),
            };
            let mut body = vec![0; length];
            self.line.read_exact(&mut body)?;
            match first & 0x0f {
                1 => return Ok(Message::Text(String::from_utf8_lossy(&body).into_owned())),
                2 => return Ok(Message::Binary(body)),
                8 => return Ok(Message::Close),
                _ => {} // pings and pongs
            }
        }
    }
}

fn answer(bytes: &[u8]) -> Option<Answer> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let head = std::str::from_utf8(bytes.get(..end)?).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = bytes.get(end + 4..)?;
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    let body = if chunked { dechunk(body)? } else { body.to_vec() };
    Some(Answer { status, headers, body })
}

fn dechunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    loop {
        let end = bytes.windows(2).position(|w| w == b"\r\n")?;
        let length = usize::from_str_radix(std::str::from_utf8(bytes.get(..end)?).ok()?.trim(), 16).ok()?;
        let chunk = bytes.get(end + 2..end + 2 + length)?;
        if length == 0 {
            return Some(out);
        }
        out.extend_from_slice(chunk);
        bytes = bytes.get(end + 4 + length..)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let read =
            answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
                .unwrap();
        assert_eq!((read.status, read.body.as_slice()), (200, b"abcde".as_slice()));
    }
}

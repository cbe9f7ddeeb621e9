//! The satellite's end: a connection to central, and what is asked over it.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::body::{Outgoing, Stream, stream, whole};
use super::{
    Address, CONNECTION_WINDOW, FRAME, HEAD, RENEW, SEND_BUFFER, STREAM_WINDOW, TRANSFER, kept_alive,
};
use crate::tls::{self, CENTRAL_NAME};

/// For each address of a host, and for the handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// For a question and its answer.
const ANSWER: Duration = Duration::from_secs(30);
/// The longest sentence of a refusal.
const REFUSAL_MAX: usize = 4 << 10;
const CERTIFICATE_MAX: usize = 64 << 10;

/// Why there is no connection, or no answer.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// The host has no address, or nobody answers there.
    #[error("central is not reached at {0}: {1}")]
    Unreached(Address, std::io::Error),
    /// Nobody answers in time.
    #[error("central at {0} does not answer")]
    Silent(Address),
    /// TLS failed: who answers is not this site's central, or does not want us.
    #[error("no trust with whoever answers at {0}: {1}")]
    Untrusted(Address, std::io::Error),
    /// TLS cannot be set up here.
    #[error(transparent)]
    Tls(#[from] tls::TlsError),
    /// The connection broke.
    #[error("the connection to central broke: {0}")]
    Broken(#[from] hyper::Error),
    /// It was said no, and why.
    #[error("central refuses: {0}")]
    Refused(String),
}

/// A connection to central. It ends when this is dropped.
pub struct Line {
    send: SendRequest<Outgoing>,
    binding: [u8; 32],
    driver: JoinHandle<()>,
    address: Address,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Line({})", self.address)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Line {
    /// Connects.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn open(address: &Address, config: Arc<ClientConfig>) -> Result<Self, LineError> {
        let stream = dial(address).await?;
        let name = ServerName::try_from(CENTRAL_NAME).expect("a constant that is a name");
        let untrusted = |e| LineError::Untrusted(address.clone(), e);
        let handshake = timeout(PATIENCE, TlsConnector::from(config).connect(name, stream)).await;
        let stream = handshake.map_err(|_late| LineError::Silent(address.clone()))?.map_err(untrusted)?;
        let session = stream.get_ref().1;
        if session.alpn_protocol() != Some(tls::ALPN) {
            let what = "it is no central that takes satellites";
            return Err(untrusted(std::io::Error::other(what)));
        }
        let binding = tls::binding(session)?;
        let (send, connection) = Builder::new(TokioExecutor::new())
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_frame_size(FRAME)
            .max_header_list_size(HEAD)
            .max_send_buf_size(SEND_BUFFER)
            .handshake(TokioIo::new(stream))
            .await?;
        let driver = tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "the connection to central ended");
            }
        });
        Ok(Self { send, binding, driver, address: address.clone() })
    }

    /// What only the two ends of this connection know.
    #[must_use]
    pub const fn binding(&self) -> &[u8; 32] {
        &self.binding
    }

    /// Begins the transfer: the end where it is written, and the body that comes down.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn transfer(&mut self) -> Result<(Stream, Incoming), LineError> {
        let (write, body) = stream();
        let answer = self.send.send_request(request(Method::POST, TRANSFER, body));
        let answer = timeout(ANSWER, answer).await.map_err(|_late| self.silent())??;
        if answer.status() != StatusCode::OK {
            return Err(refused(answer.into_body()).await);
        }
        Ok((write, answer.into_body()))
    }

    /// Asks for a certificate for another key. Returns it in PEM form.
    ///
    /// # Errors
    /// [`LineError`].
    pub async fn renew(&mut self, question: Vec<u8>) -> Result<String, LineError> {
        let answer = self.ask(Method::POST, RENEW, question, CERTIFICATE_MAX).await?;
        String::from_utf8(answer.to_vec())
            .map_err(|_binary| LineError::Refused("its answer is no certificate".into()))
    }

    /// Asks, and waits for the whole answer.
    ///
    /// # Errors
    /// [`LineError`].
    pub(crate) async fn ask(
        &mut self,
        method: Method,
        path: &'static str,
        question: Vec<u8>,
        max: usize,
    ) -> Result<Bytes, LineError> {
        let request = request(method, path, Outgoing::whole(question));
        let send = self.send.send_request(request);
        let exchange = async {
            let answer = send.await?;
            if answer.status() != StatusCode::OK {
                return Err(refused(answer.into_body()).await);
            }
            whole(answer.into_body(), max)
                .await
                .ok_or_else(|| LineError::Refused("its answer is too long, or was cut".into()))
        };
        timeout(ANSWER, exchange).await.map_err(|_late| LineError::Silent(self.address.clone()))?
    }

    fn silent(&self) -> LineError {
        LineError::Silent(self.address.clone())
    }
}

async fn dial(address: &Address) -> Result<TcpStream, LineError> {
    let unreached = |e| LineError::Unreached(address.clone(), e);
    let mut last = std::io::Error::other("the host has no address");
    for place in tokio::net::lookup_host(address.parts()).await.map_err(unreached)? {
        match timeout(PATIENCE, TcpStream::connect(place)).await {
            Ok(Ok(stream)) => {
                kept_alive(&stream).map_err(unreached)?;
                return Ok(stream);
            }
            Ok(Err(error)) => last = error,
            Err(_late) => last = std::io::ErrorKind::TimedOut.into(),
        }
    }
    Err(unreached(last))
}

fn request(method: Method, path: &'static str, body: Outgoing) -> Request<Outgoing> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    let uri = format!("https://{CENTRAL_NAME}{path}");
    *request.uri_mut() = uri.parse().expect("a constant that is an address");
    request
}

async fn refused(body: Incoming) -> LineError {
    let text = whole(body, REFUSAL_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let text: String = text.chars().filter(|c| !c.is_control()).take(600).collect();
    LineError::Refused(if text.is_empty() { "it does not say why".to_owned() } else { text })
}

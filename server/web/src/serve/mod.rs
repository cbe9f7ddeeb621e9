//! Letting browsers in: TLS, HTTP/1.1, and a door that nobody can block by standing in it.
//!
//! A connection is *waiting* until its request has arrived whole (handshake, header), and again between two requests; it is
//! *busy* while it is answered. Each step has a time of its own. Waiting connections are bounded: when there are too many, the
//! oldest of the address that holds most of them goes. So however many half-open connections somebody piles up, a listener who
//! comes is the youngest and gets in; whoever is being answered is never pushed out.

mod beside;
mod table;
mod watched;

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use crate::guard::Peer;
use crate::problem::Refusal;
pub use beside::{Attended, Beside};
use table::{Table, Ticket};
use watched::{Tracked, Watched};

/// Octets of a request's head: what is longer is refused by the transport.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// How long connections may take, and how many there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the TLS handshake.
    pub handshake: Duration,
    /// For the head of a request; also between two requests of one connection.
    pub head: Duration,
    /// Without the other side taking a single octet of an answer.
    pub stall: Duration,
    /// For requests under way when the program ends.
    pub farewell: Duration,
    /// Connections at once; keep it well under the limit of open files.
    pub connections_max: usize,
    /// Of these, how many may be waiting.
    pub waiting_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            stall: Duration::from_secs(120),
            farewell: Duration::from_secs(5),
            connections_max: 3_072,
            waiting_max: 1_024,
        }
    }
}

/// How the connections of a listener begin.
#[derive(Clone)]
pub struct Tls {
    /// What browsers are answered with.
    pub console: Arc<rustls::ServerConfig>,
    /// Who else is served behind the same port.
    pub beside: Option<Arc<dyn Beside>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tls {{ beside: {} }}", self.beside.is_some())
    }
}

impl From<Arc<rustls::ServerConfig>> for Tls {
    /// Browsers only.
    fn from(console: Arc<rustls::ServerConfig>) -> Self {
        Self { console, beside: None }
    }
}

/// Serves `app` until `shutdown` is done, then lets requests under way end.
///
/// Without `tls` it speaks plain HTTP: only for [`redirect`] and for a proxy on the same machine.
pub async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    app: Router,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) {
    let table = Table::new(limits.connections_max, limits.waiting_max);
    let (stop, stopped) = watch::channel(false);
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let Some(ticket) = table.admit(peer.ip()) else { continue };
                let (tls, app, stopped) = (tls.clone(), app.clone(), stopped.clone());
                tokio::spawn(async move {
                    let pushed_out = ticket.pushed_out();
                    tokio::select! {
                        () = pushed_out => {}
                        () = attend(stream, peer, tls, app, limits, &ticket, stopped) => {}
                    }
                });
            }
            Err(error) => {
                // Out of descriptors, as a rule: let one go and breathe.
                tracing::warn!(%error, "a connection could not be accepted");
                table.push_one_out();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    stop.send_replace(true);
    if timeout(limits.farewell, table.empty()).await.is_err() {
        table.push_all_out();
    }
}

/// Serves plain HTTP that does nothing but send browsers to HTTPS on `https_port`, until `shutdown` is done.
pub async fn redirect(listener: TcpListener, https_port: u16, shutdown: impl Future<Output = ()>) {
    let app = Router::new().fallback(move |request: Request| async move { elsewhere(&request, https_port) });
    serve(listener, None, app, Limits::default(), shutdown).await;
}

fn elsewhere(request: &Request, https_port: u16) -> Response {
    let host = request.headers().get(header::HOST).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => format!("[{address}]"),
        None => host.split(':').next().unwrap_or_default().to_owned(),
    };
    let odd = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']'));
    if name.is_empty() || name.contains(odd) {
        return Refusal::bad("The header Host is missing or odd.").into_response();
    }
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    let port = if https_port == 443 { String::new() } else { format!(":{https_port}") };
    match HeaderValue::from_str(&format!("https://{name}{port}{path}")) {
        Ok(place) => (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, place)]).into_response(),
        Err(_odd) => Refusal::bad("The address is odd.").into_response(),
    }
}

async fn attend(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<Tls>,
    app: Router,
    limits: Limits,
    ticket: &Ticket,
    stopped: watch::Receiver<bool>,
) {
    let told = stream.set_nodelay(true);
    if let Err(error) = told {
        tracing::debug!(%error, "a connection was gone before it began");
        return;
    }
    let Some(tls) = tls else { return converse(stream, peer, app, limits, ticket, stopped).await };
    match timeout(limits.handshake, shake_hands(stream, peer, &tls)).await {
        Ok(Ok((stream, None))) => converse(stream, peer, app, limits, ticket, stopped).await,
        Ok(Ok((stream, Some(beside)))) => {
            // Who showed a certificate is nobody to be pushed out by a crowd; who did not keeps waiting like everybody.
            let _busy = stream.get_ref().1.peer_certificates().is_some().then(|| ticket.busy());
            beside.attend(stream, stopped).await;
        }
        Ok(Err(error)) => tracing::debug!(%error, "a handshake failed"),
        Err(_elapsed) => tracing::debug!("a handshake took too long"),
    }
}

/// Reads the greeting of a client and answers with the certificate of whom it means.
async fn shake_hands(
    stream: TcpStream,
    peer: SocketAddr,
    tls: &Tls,
) -> std::io::Result<(TlsStream<TcpStream>, Option<Arc<dyn Beside>>)> {
    let greeted = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), stream).await?;
    let beside = tls.beside.as_ref().filter(|beside| beside.is_meant(&greeted.client_hello()));
    let Some(beside) = beside else {
        return Ok((greeted.into_stream(Arc::clone(&tls.console)).await?, None));
    };
    match greeted.into_stream(beside.config()).await {
        Ok(stream) => Ok((stream, Some(Arc::clone(beside)))),
        Err(error) => {
            beside.handshake_failed(peer.ip(), &error);
            Err(error)
        }
    }
}

async fn converse<S>(
    stream: S,
    peer: SocketAddr,
    app: Router,
    limits: Limits,
    ticket: &Ticket,
    mut stopped: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let inner = TowerToHyperService::new(app);
    let service = service_fn(|mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        let busy = ticket.busy();
        let answer = hyper::service::Service::call(&inner, request);
        async move {
            let answer: Response = answer.await?;
            Ok::<_, Infallible>(answer.map(|body| Body::new(Tracked::new(body, busy))))
        }
    });
    let mut connection = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.head)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Watched::new(stream, limits.stall)), service)
            .with_upgrades()
    );
    let stop = async { drop(stopped.wait_for(|stop| *stop).await) };
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

//! Central's end: who comes in, and to what. One connection carries one satellite's transfer, or one machine's enrolment.
//!
//! Without a certificate there is enrolment and nothing else. With one there are the transfer and a new certificate, as long as
//! the house says that its recorder is wanted: asked at each request, and again every few seconds while a transfer goes on.

use std::collections::HashMap;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{CertificateError, ServerConfig};
use serde::{Deserialize, Serialize};
use shared::{RecorderId, Stamp, UtcMicros};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{interval, sleep, timeout};
use tokio_rustls::server::TlsStream;

use super::body::{Outgoing, Stream, stream, whole};
use super::{CONNECTION_WINDOW, ENROL, FRAME, HEAD, RENEW, SEND_BUFFER, STREAM_WINDOW, TRANSFER, kept_alive};
use crate::enrol::{self, QUESTION_MAX, Refused, Registrar};
use crate::tls::{self, Authority, CentralTls, Issued, POINT, Peer, TlsError};

/// How often it is asked whether a satellite is still wanted.
const LOOK: Duration = Duration::from_secs(5);
/// A connection on which nothing goes on is closed after so many looks.
const IDLE_LOOKS: u32 = 6;
/// For last words.
const FAREWELL: Duration = Duration::from_secs(2);
/// Central's own certificate is issued anew after thirty days.
const RENEW_US: i64 = 30 * 86_400_000_000;

/// A transfer under way.
pub type Conversation = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What the door asks of the house.
pub trait House: Registrar + 'static {
    /// Both clocks.
    fn now(&self) -> Stamp;

    /// Says whether this satellite may connect with this certificate; if not, why, in words that it may be told.
    ///
    /// # Errors
    /// It may not.
    fn allowed(&self, peer: &Peer) -> Result<(), Refused>;

    /// Keeps the certificate that a satellite is about to be given.
    ///
    /// # Errors
    /// It cannot be kept: the satellite goes on with the old one.
    fn renewed(&self, who: RecorderId, issued: &Issued) -> Result<(), Refused>;

    /// Tells people; `of`: the satellite that it is about.
    fn alarm(&self, of: Option<RecorderId>, text: &str);
}

/// Who receives behind the door.
pub trait Converses: Send + Sync + 'static {
    /// Receives from a satellite until its stream or `end` says that it is over; a text in `end` is its last word.
    fn converse(
        self: Arc<Self>,
        peer: Peer,
        up: Incoming,
        down: Stream,
        end: watch::Receiver<Option<String>>,
    ) -> Conversation;
}

/// The question for a new certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renewal {
    /// The public key, P-256 in its long form, as hexadecimal digits.
    certificate_key: String,
}

impl Renewal {
    /// Asks for a certificate for this key.
    #[must_use]
    pub fn of(point: &[u8; POINT]) -> Self {
        Self { certificate_key: seal::fields::hex(point) }
    }

    /// Writes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a text is always JSON")
    }

    /// Reads it; returns the key.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<[u8; POINT]> {
        let body: Self = serde_json::from_slice(bytes).ok()?;
        seal::fields::unhex(&body.certificate_key)?.try_into().ok()
    }
}

/// Central's end.
pub struct Door {
    authority: Arc<Authority>,
    house: Arc<dyn House>,
    behind: Arc<dyn Converses>,
    tls: Mutex<(CentralTls, UtcMicros)>,
    /// Who transfers now: the number of the visit, and how it is ended.
    present: Mutex<HashMap<RecorderId, (u64, watch::Sender<Option<String>>)>>,
    visits: AtomicU64,
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Door")
    }
}

impl Door {
    /// Opens the door of a house.
    ///
    /// # Errors
    /// No certificate can be made for central.
    pub fn new(
        authority: Arc<Authority>,
        house: Arc<dyn House>,
        behind: Arc<dyn Converses>,
    ) -> Result<Self, TlsError> {
        let now = house.now().utc;
        let tls = Mutex::new((CentralTls::new(&authority, now)?, now));
        Ok(Self { authority, house, behind, tls, present: Mutex::default(), visits: AtomicU64::new(0) })
    }

    /// Says whether a client that greets like this means this door and not the console's.
    #[must_use]
    pub fn is_meant(name: Option<&str>, mut protocols: impl Iterator<Item = Vec<u8>>) -> bool {
        let (only, more) = (protocols.next(), protocols.next());
        name == Some(tls::CENTRAL_NAME) && only.as_deref() == Some(tls::ALPN) && more.is_none()
    }

    /// What handshakes are made with. Central's certificate is issued anew in good time.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        let now = self.house.now().utc;
        let mut current = held(&self.tls);
        if now > current.1.plus(RENEW_US) || now < current.1 {
            match CentralTls::new(&self.authority, now) {
                Ok(new) => *current = (new, now),
                Err(error) => {
                    tracing::error!(%error, "central's certificate for satellites stays the old one");
                }
            }
        }
        Arc::clone(&current.0.config)
    }

    /// Tells that a handshake failed although this door was meant: an expired certificate, another site's.
    pub fn handshake_failed(&self, from: IpAddr, error: &std::io::Error) {
        // Which second it is stands in what TLS says: told so, it would be another alarm each time.
        let why = match error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            Some(rustls::Error::InvalidCertificate(
                CertificateError::Expired | CertificateError::ExpiredContext { .. },
            )) => "its certificate is over. Enrol it again with a new code".to_owned(),
            _ => error.to_string(),
        };
        self.house.alarm(None, &format!("somebody at {from} was not let in as a satellite: {why}"));
    }

    /// Attends to a connection until it ends, or `stop` says true.
    pub async fn attend(self: Arc<Self>, stream: TlsStream<TcpStream>, mut stop: watch::Receiver<bool>) {
        let (socket, session) = stream.get_ref();
        let Ok(binding) = tls::binding(session) else { return };
        if session.alpn_protocol() != Some(tls::ALPN) || kept_alive(socket).is_err() {
            return;
        }
        let (peer, certified) = (Peer::of(session), session.peer_certificates().is_some());
        let Ok(from) = socket.peer_addr().map(|from| from.ip().to_canonical()) else { return };
        if certified && peer.is_none() {
            let text = "a certificate of this site that names no satellite was shown and refused";
            self.house.alarm(None, text);
            return;
        }
        let number = self.visits.fetch_add(1, Ordering::Relaxed);
        let (end, ending) = watch::channel(None);
        let visit = Arc::new(Visit {
            door: Arc::clone(&self),
            peer,
            from,
            binding,
            number,
            end,
            busy: AtomicBool::new(false),
        });
        let service = service_fn(|request| {
            let visit = Arc::clone(&visit);
            async move { Ok::<_, std::convert::Infallible>(visit.answer(request).await) }
        });
        let mut connection = std::pin::pin!(
            Builder::new(TokioExecutor::new())
                .initial_stream_window_size(STREAM_WINDOW)
                .initial_connection_window_size(CONNECTION_WINDOW)
                .max_frame_size(FRAME)
                .max_header_list_size(HEAD)
                .max_send_buf_size(SEND_BUFFER)
                .max_concurrent_streams(4)
                .serve_connection(TokioIo::new(stream), service)
        );
        let mut ending = ending;
        let over = async {
            tokio::select! {
                () = visit.watched() => {}
                _told = ending.wait_for(Option::is_some) => {}
                _asked = stop.wait_for(|stop| *stop) => {
                    visit.end.send_replace(Some("central stops; it will be back".to_owned()));
                }
            }
        };
        let ended = tokio::select! {
            ended = connection.as_mut() => Some(ended),
            () = over => None,
        };
        if ended.is_none() {
            connection.as_mut().graceful_shutdown();
            drop(timeout(FAREWELL, connection).await);
        }
        // Whatever the stream still does, its owner hears that it is over.
        visit.end.send_if_modified(|word| word.is_none().then(|| *word = Some(String::new())).is_some());
    }

    fn judge(&self, peer: &Peer) -> Result<(), Refused> {
        if !held(&self.tls).0.is_good(peer, self.house.now().utc) {
            let text = "this satellite's certificate is over: enrol it again with a new code";
            return Err(Refused(text.to_owned()));
        }
        self.house.allowed(peer)
    }

    /// Lets a satellite begin a transfer. One that is here already goes: after a cut line the new connection is the true one.
    fn enter(&self, who: RecorderId, number: u64, end: watch::Sender<Option<String>>) {
        let before = held(&self.present).insert(who, (number, end));
        if let Some((_, end)) = before {
            end.send_replace(Some("this satellite connected again".to_owned()));
        }
    }

    fn leave(&self, who: RecorderId, number: u64) {
        let mut present = held(&self.present);
        if present.get(&who).is_some_and(|(of, _)| *of == number) {
            present.remove(&who);
        }
    }
}

/// One connection.
struct Visit {
    door: Arc<Door>,
    peer: Option<Peer>,
    /// Where it comes from.
    from: IpAddr,
    binding: [u8; 32],
    number: u64,
    end: watch::Sender<Option<String>>,
    /// A transfer goes on.
    busy: AtomicBool,
}

impl Visit {
    /// Ends when this connection has to: nothing goes on, or its satellite is not wanted any more.
    async fn watched(&self) {
        let (mut looks, mut every) = (0_u32, interval(LOOK));
        loop {
            every.tick().await;
            looks = if self.busy.load(Ordering::Relaxed) { 0 } else { looks.saturating_add(1) };
            if looks > IDLE_LOOKS {
                return;
            }
            let Some(peer) = &self.peer else { continue };
            if let Err(Refused(why)) = self.judged(peer).await {
                if self.busy.load(Ordering::Relaxed) {
                    self.end.send_replace(Some(why.clone()));
                    let text = format!("a transfer was ended: {why}");
                    self.door.house.alarm(Some(peer.recorder_id), &text);
                    sleep(FAREWELL).await;
                }
                return;
            }
        }
    }

    /// Judges on a thread that may wait for the books.
    async fn judged(&self, peer: &Peer) -> Result<(), Refused> {
        let (door, peer) = (Arc::clone(&self.door), peer.clone());
        apart(move || door.judge(&peer)).await
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Outgoing> {
        let (head, body) = request.into_parts();
        let answered = match (head.method, head.uri.path()) {
            (Method::GET, ENROL) => self.refusals_told(self.greet().await),
            (Method::POST, ENROL) => self.refusals_told(self.enrol(body).await),
            (Method::POST, RENEW) => self.renew(body).await,
            (Method::POST, TRANSFER) => self.transfer(body).await,
            _ => Err(Refused("there is nothing here".to_owned())),
        };
        answered.map_or_else(
            |Refused(why)| {
                let mut answer = Response::new(Outgoing::whole(why));
                *answer.status_mut() = StatusCode::FORBIDDEN;
                answer
            },
            Response::new,
        )
    }

    /// A code that is not open is mistyped by somebody who is told so, or tried by somebody who found it: people hear of both.
    fn refusals_told(&self, enrolled: Result<Outgoing, Refused>) -> Result<Outgoing, Refused> {
        if let Err(Refused(why)) = &enrolled {
            let text = format!("somebody at {} tried to enrol a satellite and was refused: {why}", self.from);
            self.door.house.alarm(None, &text);
        }
        enrolled
    }

    async fn greet(&self) -> Result<Outgoing, Refused> {
        let house = Arc::clone(&self.door.house);
        apart(move || enrol::greeting(&*as_registrar(&house)).map(Outgoing::whole)).await
    }

    async fn enrol(&self, body: Incoming) -> Result<Outgoing, Refused> {
        let question = question(body).await?;
        let (house, binding) = (Arc::clone(&self.door.house), self.binding);
        apart(move || enrol::hear(&*as_registrar(&house), &question, &binding).map(Outgoing::whole)).await
    }

    async fn renew(&self, body: Incoming) -> Result<Outgoing, Refused> {
        let peer = self.known()?;
        self.judged(peer).await?;
        let point = Renewal::parse(&question(body).await?);
        let point = point.ok_or_else(|| Refused("the question is none of this version".to_owned()))?;
        let (door, who) = (Arc::clone(&self.door), peer.recorder_id);
        apart(move || {
            let issued = door.authority.for_satellite(who, &point, door.house.now().utc);
            let issued = issued.map_err(|e| Refused(e.to_string()))?;
            door.house.renewed(who, &issued)?;
            Ok(Outgoing::whole(issued.certificate_pem))
        })
        .await
    }

    async fn transfer(self: &Arc<Self>, up: Incoming) -> Result<Outgoing, Refused> {
        let peer = self.known()?.clone();
        if let Err(refused) = self.judged(&peer).await {
            let Refused(why) = &refused;
            let text = format!("satellite {} was not let in: {why}", peer.recorder_id);
            self.door.house.alarm(Some(peer.recorder_id), &text);
            return Err(refused);
        }
        if self.busy.swap(true, Ordering::Relaxed) {
            return Err(Refused("a transfer goes on over this connection already".to_owned()));
        }
        let (down, body) = stream();
        let (visit, who) = (Arc::clone(self), peer.recorder_id);
        self.door.enter(who, self.number, self.end.clone());
        let conversation = Arc::clone(&self.door.behind).converse(peer, up, down, self.end.subscribe());
        tokio::spawn(async move {
            conversation.await;
            visit.door.leave(who, visit.number);
            visit.busy.store(false, Ordering::Relaxed);
        });
        Ok(body)
    }

    fn known(&self) -> Result<&Peer, Refused> {
        self.peer.as_ref().ok_or_else(|| Refused("show the certificate that enrolment gave".to_owned()))
    }
}

fn as_registrar(house: &Arc<dyn House>) -> Arc<dyn Registrar> {
    Arc::<dyn House>::clone(house)
}

async fn question(body: Incoming) -> Result<Vec<u8>, Refused> {
    let question = timeout(Duration::from_secs(10), whole(body, QUESTION_MAX)).await.ok().flatten();
    question
        .map(Vec::from)
        .ok_or_else(|| Refused("the question is too long, or did not come whole".to_owned()))
}

/// Runs what may wait for a disk on a thread that may.
async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|_panic| Err(Refused("central failed; its log says why".to_owned())))
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

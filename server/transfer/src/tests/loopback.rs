//! The carrier and the enrolment over real sockets on loopback: a central's door, and machines that come to it. What the house keeps
//! in its books is kept here in memory; what travels, and who is let in, is the real thing.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use archive::SiteJson;
use archive::certs::{Cert, Certs, Claim, Role};
use bytes::Bytes;
use hyper::body::Incoming;
use seal::{DayKey, DayKeyList, RecipientSecret, RecipientType, SigningKey};
use shared::{Day, RecorderId, SiteId, Stamp, TimeQuality, UtcMicros, Zone};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::carrier::{Address, Conversation, Converses, Door, House, Line, LineError, Renewal, Stream};
use crate::document::{Configuration, Document, DocumentError, Trust};
use crate::enrol::{
    Answer, Code, EnrolError, Enrolled, Invitation, Refused, Registrar, Request, Secret, Wanted, enrol,
};
use crate::tls::{self, Authority, CertificateKey, Issued, Peer};

pub(super) const SITE: SiteId = SiteId([6; 16]);
const SALT: [u8; 16] = [9; 16];
pub(super) const DAY_US: i64 = 86_400_000_000;

fn dice() -> impl rand_core::CryptoRng {
    rand_core::UnwrapErr(getrandom::SysRng)
}

pub(super) fn now() -> Stamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Stamp {
        mono_ns: since.as_nanos() as u64,
        utc: UtcMicros(since.as_micros() as i64),
        quality: TimeQuality::Free,
    }
}

pub(super) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

const ROOT: u8 = 1;
const CENTRAL: u8 = 2;

/// What the house knows.
pub(super) struct Books {
    authority: Arc<Authority>,
    open: Mutex<Vec<([u8; 16], Secret)>>,
    wrong: Mutex<u32>,
    revoked: AtomicBool,
    enrolled: Mutex<Vec<RecorderId>>,
    /// Certificates are issued as if it were so many microseconds earlier.
    pub(super) aged_us: AtomicI64,
    alarms: Mutex<Vec<String>>,
}

fn site() -> SiteJson {
    SiteJson {
        site_id: SITE,
        zone: Zone::named("Africa/Johannesburg").unwrap(),
        root_key: key(ROOT).verifying_key(),
        recovery_key: RecipientSecret::from_seed(RecipientType::XWing, [5; 32]).public().unwrap(),
        min_suite: RecipientType::XWing,
        commissioned: Day::from_yyyymmdd(20_261_122).unwrap(),
    }
}

fn certs(who: RecorderId, key_of: seal::VerifyingKey) -> Certs {
    let claim = |role, subject, key| {
        let (not_before, not_after) = (UtcMicros(0), UtcMicros(i64::MAX));
        Claim { role, subject, name: "x".to_owned(), key, not_before, not_after }
    };
    let central = claim(Role::Central, RecorderId([6; 16]), key(CENTRAL).verifying_key());
    let all = vec![
        Cert::sign(central, &SITE, &key(ROOT)),
        Cert::sign(claim(Role::Recorder, who, key_of), &SITE, &key(CENTRAL)),
    ];
    Certs::new(SITE, 2, all, &key(ROOT).verifying_key()).unwrap()
}

fn day_keys(signer: &SigningKey) -> String {
    let key = RecipientSecret::from_seed(RecipientType::XWing, [7; 32]).public().unwrap();
    let keys = vec![DayKey { day: Day::from_yyyymmdd(20_261_123).unwrap(), key }];
    let list = DayKeyList { site_id: SITE, generation: 1, created: UtcMicros(0), keys };
    String::from_utf8(list.sign(signer).unwrap()).unwrap()
}

fn configuration(who: RecorderId, signer: &SigningKey) -> String {
    let settings = "format = 1\n".to_owned();
    String::from_utf8(Configuration::new(&SITE, who, 1, settings).sign(signer).unwrap()).unwrap()
}

impl Registrar for Books {
    fn site(&self) -> SiteId {
        SITE
    }

    fn invitations(&self) -> Result<Vec<Invitation>, Refused> {
        let open = self.open.lock().unwrap();
        Ok(open.iter().map(|(id, secret)| Invitation { id: *id, secret: secret.clone() }).collect())
    }

    fn take(&self, invitation: [u8; 16], request: &Request) -> Result<Answer, Refused> {
        self.open.lock().unwrap().retain(|(id, _)| *id != invitation);
        let who = request.recorder_id;
        let issued_at = now().utc.plus(-self.aged_us.load(Ordering::Relaxed));
        let issued = self.authority.for_satellite(who, &request.point, issued_at).unwrap();
        Ok(Answer {
            site: String::from_utf8(site().to_bytes()).unwrap(),
            certs: String::from_utf8(certs(who, request.signing_key).to_bytes()).unwrap(),
            authority: self.authority.certificate_pem().to_owned(),
            certificate: issued.certificate_pem,
            name: request.host.clone(),
            letter: 'B',
            day_keys: day_keys(&key(CENTRAL)),
            configuration: configuration(who, &key(CENTRAL)),
        })
    }

    fn wrong_proof(&self) {
        let mut wrong = self.wrong.lock().unwrap();
        *wrong += 1;
        if *wrong >= 5 {
            self.open.lock().unwrap().clear();
        }
    }

    fn enrolled(&self, who: RecorderId) {
        self.enrolled.lock().unwrap().push(who);
    }
}

impl House for Books {
    fn now(&self) -> Stamp {
        now()
    }

    fn allowed(&self, _peer: &Peer) -> Result<(), Refused> {
        if self.revoked.load(Ordering::Relaxed) { Err(Refused("revoked".to_owned())) } else { Ok(()) }
    }

    fn renewed(&self, _who: RecorderId, _issued: &Issued) -> Result<(), Refused> {
        Ok(())
    }

    fn alarm(&self, _of: Option<RecorderId>, text: &str) {
        self.alarms.lock().unwrap().push(text.to_owned());
    }
}

impl Converses for Books {
    /// Says back what it hears; its last word is the reason for the end.
    fn converse(
        self: Arc<Self>,
        _peer: Peer,
        mut up: Incoming,
        down: Stream,
        mut end: watch::Receiver<Option<String>>,
    ) -> Conversation {
        Box::pin(async move {
            loop {
                let piece = tokio::select! {
                    piece = crate::carrier::piece(&mut up) => piece,
                    _word = end.changed() => None,
                };
                let word = end.borrow().clone();
                if let Some(word) = word {
                    drop(down.send(Bytes::from(word)).await);
                    return;
                }
                let Some(piece) = piece else { return };
                if down.send(piece).await.is_err() {
                    return;
                }
            }
        })
    }
}

pub(super) struct Central {
    pub(super) books: Arc<Books>,
    address: SocketAddr,
    _stop: watch::Sender<bool>,
}

fn authority_for(site: &SiteId) -> Authority {
    let made = Authority::make(site, now().utc).unwrap();
    Authority::open(site, &made.certificate_pem, &made.key_pem).unwrap()
}

pub(super) async fn central() -> Central {
    let books = Arc::new(Books {
        authority: Arc::new(authority_for(&SITE)),
        open: Mutex::default(),
        wrong: Mutex::default(),
        revoked: AtomicBool::new(false),
        enrolled: Mutex::default(),
        aged_us: AtomicI64::new(0),
        alarms: Mutex::default(),
    });
    let pem = books.authority.certificate_pem().to_owned();
    assert!(pem.contains("BEGIN CERTIFICATE"));
    let house: Arc<dyn House> = Arc::<Books>::clone(&books);
    let door = Arc::new(Door::new(Arc::clone(&books.authority), house, Arc::<Books>::clone(&books)).unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(async move {
        while let Ok((stream, from)) = listener.accept().await {
            let (door, stopped) = (Arc::clone(&door), stopped.clone());
            tokio::spawn(async move {
                match TlsAcceptor::from(door.config()).accept(stream).await {
                    Ok(stream) => door.attend(stream, stopped).await,
                    Err(error) => door.handshake_failed(from.ip(), &error),
                }
            });
        }
    });
    Central { books, address, _stop: stop }
}

impl Central {
    pub(super) fn invite(&self, id: u8) -> Code {
        let code = Code::draw(&mut dice());
        let secret = Secret::of(&code, &SITE, SALT).unwrap();
        self.books.open.lock().unwrap().push(([id; 16], secret));
        code
    }

    pub(super) fn at(&self) -> Address {
        format!("https://{}", self.address).parse().unwrap()
    }

    pub(super) async fn enrol(&self, code: &Code, who: u8) -> Result<Enrolled, EnrolError> {
        self.enrol_at(&self.at(), code, who).await
    }

    async fn enrol_at(&self, at: &Address, code: &Code, who: u8) -> Result<Enrolled, EnrolError> {
        let signing_key = key(who);
        let (recorder_id, interfaces) = (RecorderId([who; 16]), vec!["eth1".to_owned()]);
        let wanted = Wanted { recorder_id, signing_key: &signing_key, host: "south".to_owned(), interfaces };
        enrol(at, code, wanted, now().utc).await
    }
}

pub(super) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Says this over a transfer and returns what comes back.
async fn echoed(line: &mut Line, said: &'static [u8]) -> Result<Vec<u8>, LineError> {
    let (up, mut down) = line.transfer().await?;
    up.send(Bytes::from_static(said)).await.unwrap();
    Ok(crate::carrier::piece(&mut down).await.unwrap_or_default().to_vec())
}

fn refused<T: std::fmt::Debug>(answer: Result<T, EnrolError>, words: &str) {
    match answer {
        Err(EnrolError::Line(LineError::Refused(why))) => assert!(why.contains(words), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_machine_with_the_code_becomes_a_satellite_and_gets_through_its_own_door() {
    runtime().block_on(async {
        let central = central().await;
        let code = central.invite(1);
        let typed: Code = code.shown().to_lowercase().parse().unwrap();
        let home = central.enrol(&typed, 7).await.unwrap();
        assert_eq!((home.letter, home.name.as_str(), home.configuration.0.version), ('B', "south", 1));
        assert_eq!(*central.books.enrolled.lock().unwrap(), [RecorderId([7; 16])]);
        let config = tls::for_satellite(&home.authority, &home.identity).unwrap();
        let mut line = Line::open(&central.at(), config).await.unwrap();
        assert_eq!(echoed(&mut line, b"a second of a call").await.unwrap(), b"a second of a call");

        // Under the old certificate it gets a new one, for a key that never left it.
        let key = CertificateKey::draw().unwrap();
        let question = Renewal::of(&key.point().unwrap()).to_bytes();
        let renewed = key.with(&line.renew(question).await.unwrap()).unwrap();
        let config = tls::for_satellite(&home.authority, &renewed).unwrap();
        let mut line = Line::open(&central.at(), config).await.unwrap();
        assert_eq!(echoed(&mut line, b"and on").await.unwrap(), b"and on");
    });
}

#[test]
fn a_code_is_good_once_and_five_wrong_ones_close_every_door() {
    runtime().block_on(async {
        let central = central().await;
        refused(central.enrol(&Code::draw(&mut dice()), 7).await, "the code is not open");
        let code = central.invite(1);
        central.enrol(&code, 7).await.unwrap();
        refused(central.enrol(&code, 8).await, "the code is not open");
        let code = central.invite(2);
        for _ in 0..5 {
            refused(central.enrol(&Code::draw(&mut dice()), 8).await, "the code is not open");
        }
        refused(central.enrol(&code, 8).await, "the code is not open");
        assert_eq!(central.books.enrolled.lock().unwrap().len(), 1);
    });
}

/// Stands between both and passes on what each says, over two connections of its own.
async fn man_in_the_middle(central: &Central) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at: Address = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let his = authority_for(&SITE);
    let (config, to) = (tls::CentralTls::new(&his, now().utc).unwrap().config, central.address);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut near = TlsAcceptor::from(config).accept(stream).await.unwrap();
        let name = rustls::pki_types::ServerName::try_from(tls::CENTRAL_NAME).unwrap();
        let far = TcpStream::connect(to).await.unwrap();
        let connector = tokio_rustls::TlsConnector::from(tls::for_stranger().unwrap());
        let mut far = connector.connect(name, far).await.unwrap();
        drop(tokio::io::copy_bidirectional(&mut near, &mut far).await);
    });
    at
}

#[test]
fn somebody_in_the_middle_who_passes_everything_on_gains_nothing() {
    runtime().block_on(async {
        let central = central().await;
        let code = central.invite(1);
        let middle = man_in_the_middle(&central).await;
        refused(central.enrol_at(&middle, &code, 7).await, "the code is not open");
        assert_eq!(*central.books.wrong.lock().unwrap(), 1);
        assert!(central.books.enrolled.lock().unwrap().is_empty());
    });
}

#[test]
fn without_a_certificate_there_is_no_transfer() {
    runtime().block_on(async {
        let central = central().await;
        let mut line = Line::open(&central.at(), tls::for_stranger().unwrap()).await.unwrap();
        let refused = line.transfer().await;
        assert!(
            matches!(&refused, Err(LineError::Refused(why)) if why.contains("certificate")),
            "{refused:?}"
        );
        let point = CertificateKey::draw().unwrap().point().unwrap();
        assert!(line.renew(Renewal::of(&point).to_bytes()).await.is_err());
    });
}

#[test]
fn a_revoked_an_expired_and_a_foreign_certificate_are_refused() {
    runtime().block_on(async {
        let central = central().await;
        let open = |authority: &str, pem: String, key: CertificateKey| {
            let config = tls::for_satellite(authority, &key.with(&pem).unwrap()).unwrap();
            let at = central.at();
            async move {
                let mut line = Line::open(&at, config).await?;
                echoed(&mut line, b"x").await
            }
        };
        let ours = central.books.authority.certificate_pem();
        let of = |authority: &Authority, when: UtcMicros| {
            let key = CertificateKey::draw().unwrap();
            let point = key.point().unwrap();
            (authority.for_satellite(RecorderId([7; 16]), &point, when).unwrap().certificate_pem, key)
        };
        let (pem, key) = of(&central.books.authority, now().utc);
        assert_eq!(open(ours, pem, key).await.unwrap(), b"x");
        let (pem, key) = of(&central.books.authority, now().utc.plus(-100 * DAY_US));
        let expired = open(ours, pem, key).await;
        assert!(expired.is_err(), "{expired:?}");
        let (pem, key) = of(&authority_for(&SITE), now().utc);
        let foreign = open(ours, pem, key).await;
        assert!(foreign.is_err(), "{foreign:?}");
        assert_eq!(central.books.alarms.lock().unwrap().len(), 2, "both are told");
        let other = authority_for(&SITE);
        let (pem, key) = of(&central.books.authority, now().utc);
        let elsewhere = open(other.certificate_pem(), pem, key).await;
        assert!(
            matches!(elsewhere, Err(LineError::Untrusted(..))),
            "another's central is not ours: {elsewhere:?}"
        );
        central.books.revoked.store(true, Ordering::Relaxed);
        let (pem, key) = of(&central.books.authority, now().utc);
        let revoked = open(ours, pem, key).await;
        assert!(matches!(&revoked, Err(LineError::Refused(why)) if why == "revoked"), "{revoked:?}");
    });
}

#[test]
fn a_transfer_under_way_ends_when_its_satellite_is_revoked_or_comes_again() {
    runtime().block_on(async {
        let central = central().await;
        let home = central.enrol(&central.invite(1), 7).await.unwrap();
        let config = tls::for_satellite(&home.authority, &home.identity).unwrap();
        let mut line = Line::open(&central.at(), Arc::clone(&config)).await.unwrap();
        let (_up, mut down) = line.transfer().await.unwrap();
        let mut again = Line::open(&central.at(), config).await.unwrap();
        let (_up_again, mut down_again) = again.transfer().await.unwrap();
        let word = crate::carrier::piece(&mut down).await.unwrap();
        assert_eq!(word, "this satellite connected again");
        assert!(crate::carrier::piece(&mut down).await.is_none(), "and it is closed");
        central.books.revoked.store(true, Ordering::Relaxed);
        assert_eq!(crate::carrier::piece(&mut down_again).await.unwrap(), "revoked");
        assert!(crate::carrier::piece(&mut down_again).await.is_none());
        assert!(central.books.alarms.lock().unwrap().iter().any(|a| a.contains("ended: revoked")));
    });
}

#[test]
fn what_the_root_did_not_certify_is_not_followed() {
    let who = RecorderId([7; 16]);
    let trust = Trust { site: site(), certs: certs(who, key(7).verifying_key()), who };
    assert!(matches!(trust.open(day_keys(&key(CENTRAL)).as_bytes()), Ok(Document::DayKeys(_))));
    let captured = key(66);
    for forged in [
        day_keys(&captured),
        configuration(who, &captured),
        configuration(RecorderId([8; 16]), &key(CENTRAL)),
    ] {
        assert!(matches!(trust.open(forged.as_bytes()), Err(DocumentError::Unproven { .. })), "{forged}");
    }
    assert!(matches!(trust.open(b"{\"format\":\"x\"}"), Err(DocumentError::Unknown(_))));
}

#[test]
fn a_browser_on_this_door_is_nobody() {
    runtime().block_on(async {
        let central = central().await;
        let mut plain = TcpStream::connect(central.address).await.unwrap();
        plain.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        drop(plain.read_to_end(&mut answer).await);
        assert!(!answer.starts_with(b"HTTP"), "no word without TLS");
    });
    let protocols =
        |names: &[&str]| names.iter().map(|n| n.as_bytes().to_vec()).collect::<Vec<_>>().into_iter();
    assert!(Door::is_meant(Some(tls::CENTRAL_NAME), protocols(&["h2"])));
    assert!(
        !Door::is_meant(Some(tls::CENTRAL_NAME), protocols(&["h2", "http/1.1"])),
        "a browser offers both"
    );
    assert!(!Door::is_meant(Some("central.example"), protocols(&["h2"])));
    assert!(!Door::is_meant(None, protocols(&["h2"])));
}

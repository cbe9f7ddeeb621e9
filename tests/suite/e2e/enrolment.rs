//! Who comes to the central as a satellite and is none: somebody in the middle of an enrolment, and certificates that are over or of another
//! authority. Each is refused and told. Needs root for a network namespace of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use transfer::carrier::Line;
use transfer::tls::{self, Authority, CertificateKey, Identity};

use super::outpost::{House, enrol, invited};
use super::rogue::{Rogue, now};
use super::serve::{in_background, inside, until};

const DAY_US: i64 = 86_400_000_000;

#[test]
fn somebody_in_the_middle_of_an_enrolment_gains_nothing_and_is_told_of() {
    if !inside("enrolment", "somebody_in_the_middle_of_an_enrolment_gains_nothing_and_is_told_of") {
        return;
    }
    let house = House::new();
    let central = house.central.as_ref().unwrap();
    let code = invited(&house.site, "north");
    let (impostor, heard) = impostor(house.port);
    let data = house.site.path("north");
    enrol(impostor, &code, data).refused(4, &["the code is not open", "somebody stands between"]);
    assert!(!Path::new(data).join("keys").exists(), "nothing was written");
    let told = "tried to enrol a satellite and was refused: the code is not open";
    until("an alarm", || central.said().contains(told).then_some(()));

    // What he has is a proof for another connection: the code does not stand in it, and the same words again open nothing.
    let heard = heard.lock().unwrap().clone();
    let has = |words: &str| heard.windows(words.len()).any(|w| w.eq_ignore_ascii_case(words.as_bytes()));
    assert!(has("\"proof\""), "he heard all of it: {}", String::from_utf8_lossy(&heard));
    assert!(!has(&code) && !has(&code.replace('-', "")), "but not the code");
    let answer = said_again(house.port, &heard);
    assert!(answer.contains("the code is not open"), "{answer}");

    // The code was not used up by it, and is by whoever it was made for.
    let enrolled = enrol(house.relay.address, &code, data).json();
    assert_eq!(enrolled["name"], "north");
    let before = central.said().matches(told).count();
    enrol(house.relay.address, &code, house.site.path("again")).refused(4, &["the code is not open"]);
    assert!(before >= 1, "{}", central.said());
    let answer = said_again(house.port, &heard);
    assert!(answer.contains("the code is not open"), "{answer}");
}

#[test]
fn a_certificate_that_is_over_or_of_another_authority_is_refused_and_told() {
    if !inside("enrolment", "a_certificate_that_is_over_or_of_another_authority_is_refused_and_told") {
        return;
    }
    let house = House::new();
    let central = house.central.as_ref().unwrap();
    let rogue = Rogue::enrolled(house.port, &invited(&house.site, "west"), 0x55);
    let site = rogue.site();
    // Whoever had the authority's own files could do no more on the network than this.
    let read = |name: &str| fs::read_to_string(Path::new(house.site.data()).join(name)).unwrap();
    let (public, secret) = (read("site/satellites.pem"), read("keys/satellites.key"));
    let ours = Authority::open(&site, &public, &secret).unwrap();
    let made = Authority::make(&site, now()).unwrap();
    let theirs = Authority::open(&site, &made.certificate_pem, &made.key_pem).unwrap();
    let of = |authority: &Authority, age_us: i64| {
        let key = CertificateKey::draw().unwrap();
        let issued = authority.for_satellite(rogue.who, &key.point().unwrap(), now().plus(-age_us)).unwrap();
        key.with(&issued.certificate_pem).unwrap()
    };
    let transfers = |identity: &Identity| {
        rogue.runtime.block_on(async {
            let config = tls::for_satellite(&public, identity).unwrap();
            let mut line = Line::open(&format!("https://{}", house.port).parse().unwrap(), config).await?;
            line.transfer().await.map(drop)
        })
    };
    transfers(&of(&ours, 0)).unwrap();
    for (identity, words) in
        [(of(&ours, 100 * DAY_US), "its certificate is over"), (of(&theirs, 0), "invalid peer certificate")]
    {
        assert!(transfers(&identity).is_err(), "{words}");
        let words = format!("was not let in as a satellite: {words}");
        until(&words, || central.said().contains(&words).then_some(()));
    }
}

/// Listens with a certificate of his own, passes on what both sides say, and keeps what the new machine said.
fn impostor(central: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let keep = Arc::clone(&heard);
    let (tell, told) = std::sync::mpsc::channel();
    in_background("impostor", move || {
        runtime().block_on(async {
            let site = shared::SiteId([6; 16]);
            let made = Authority::make(&site, now()).unwrap();
            let his = Authority::open(&site, &made.certificate_pem, &made.key_pem).unwrap();
            let acceptor = TlsAcceptor::from(tls::CentralTls::new(&his, now()).unwrap().config);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap()).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let near = acceptor.accept(stream).await.unwrap();
            let (mut from_near, mut to_near) = tokio::io::split(near);
            let (mut from_far, mut to_far) = tokio::io::split(stranger(central).await);
            let up = async {
                let mut piece = vec![0; 16 << 10];
                while let Ok(n @ 1..) = from_near.read(&mut piece).await {
                    keep.lock().unwrap().extend_from_slice(&piece[..n]);
                    if to_far.write_all(&piece[..n]).await.is_err() || to_far.flush().await.is_err() {
                        return;
                    }
                }
            };
            let down = tokio::io::copy(&mut from_far, &mut to_near);
            tokio::select! { () = up => {} _ended = down => {} }
        });
    });
    (told.recv().unwrap(), heard)
}

/// Says the very same bytes on a connection of his own, and returns what comes back.
fn said_again(central: SocketAddr, bytes: &[u8]) -> String {
    runtime().block_on(async {
        let mut line = stranger(central).await;
        line.write_all(bytes).await.unwrap();
        line.flush().await.unwrap();
        let (mut answer, mut piece) = (Vec::new(), vec![0; 16 << 10]);
        while let Ok(Ok(n @ 1..)) = tokio::time::timeout(Duration::from_secs(3), line.read(&mut piece)).await
        {
            answer.extend_from_slice(&piece[..n]);
        }
        String::from_utf8_lossy(&answer).into_owned()
    })
}

/// Connects as a machine does that is not enrolled yet.
async fn stranger(central: SocketAddr) -> TlsStream<TcpStream> {
    let name = rustls::pki_types::ServerName::try_from(tls::CENTRAL_NAME).unwrap();
    let connector = TlsConnector::from(tls::for_stranger().unwrap());
    connector.connect(name, TcpStream::connect(central).await.unwrap()).await.unwrap()
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

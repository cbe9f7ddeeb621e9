//! The door itself, over real sockets: TLS, slow visitors, crowds, farewells.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::house::{House, T0};
use crate::{Limits, fingerprint, redirect, self_signed, serve, tls};

struct Door {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
    client: TlsConnector,
}

async fn door(limits: Limits) -> Door {
    let made = self_signed(&["localhost".to_owned()], "test", T0).unwrap();
    assert_eq!(fingerprint(&made.certificate_pem).unwrap().len(), 95);
    let config = tls(&made.certificate_pem, &made.key_pem).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(made.certificate_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let app = House::new().app;
    let task = tokio::spawn(async move {
        serve(listener, Some(config.into()), app, limits, async { drop(stopped.await) }).await;
    });
    Door { address, stop, task, client: TlsConnector::from(Arc::new(client)) }
}

impl Door {
    async fn connect(&self) -> std::io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.address).await?;
        self.client.connect(ServerName::try_from("localhost").unwrap(), stream).await
    }

    async fn page(&self) -> std::io::Result<String> {
        ask(
            &mut self.connect().await?,
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n",
        )
        .await
    }
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), request: &str) -> std::io::Result<String> {
    stream.write_all(request.as_bytes()).await?;
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await?;
    Ok(String::from_utf8_lossy(&all).into_owned())
}

#[tokio::test]
async fn the_handshake_is_hybrid_and_the_page_arrives() {
    let door = door(Limits::default()).await;
    let mut stream = door.connect().await.unwrap();
    let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap().name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
    let page =
        ask(&mut stream, "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n"), "{page}");
    assert!(page.contains("x-content-type-options: nosniff"), "{page}");
}

#[tokio::test]
async fn two_thousand_half_open_connections_keep_no_listener_out() {
    let limits = Limits { waiting_max: 256, connections_max: 512, ..Limits::default() };
    let door = door(limits).await;
    let mut crowd = Vec::new();
    for n in 0..2_000 {
        let Ok(mut stream) = TcpStream::connect(door.address).await else {
            panic!("connection {n} was refused")
        };
        if n % 2 == 0 {
            // A byte of a handshake that never goes on; the other half says nothing at all.
            drop(stream.write_all(&[22]).await);
        }
        crowd.push(stream);
        if n % 500 == 499 {
            assert!(door.page().await.unwrap().starts_with("HTTP/1.1 200"), "a listener among {n}");
        }
    }
    assert!(door.page().await.unwrap().starts_with("HTTP/1.1 200"), "and after all of them");
    let mut gone = 0;
    for stream in &mut crowd {
        let mut byte = [0];
        let read = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
        gone += usize::from(read.is_ok());
    }
    assert!(gone >= 1_700, "only {gone} of 2,000 were let go");
}

#[tokio::test]
async fn who_sends_a_head_too_slowly_is_let_go() {
    let limits = Limits {
        head: Duration::from_millis(200),
        handshake: Duration::from_millis(200),
        ..Limits::default()
    };
    let door = door(limits).await;
    let mut silent = TcpStream::connect(door.address).await.unwrap();
    let mut byte = [0];
    assert_eq!(silent.read(&mut byte).await.unwrap_or(0), 0, "no handshake");
    let mut slow = door.connect().await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    let mut rest = Vec::new();
    drop(slow.read_to_end(&mut rest).await);
    assert!(!String::from_utf8_lossy(&rest).contains(" 200 "), "half a head is no request");
}

#[tokio::test]
async fn an_address_of_a_megabyte_is_refused_by_the_transport() {
    let door = door(Limits::default()).await;
    let mut stream = door.connect().await.unwrap();
    let request = format!("GET /api/v1/recordings?q={} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(1_000_000));
    let (mut reader, mut writer) = tokio::io::split(&mut stream);
    let write = async { drop(writer.write_all(request.as_bytes()).await) };
    let read = async {
        let mut all = Vec::new();
        drop(reader.read_to_end(&mut all).await);
        String::from_utf8_lossy(&all).into_owned()
    };
    let ((), told) = tokio::join!(write, read);
    assert!(told.starts_with("HTTP/1.1 414"), "{told}");
    assert!(told.contains("about:amethyst/too-long") && told.contains("content-security-policy"), "{told}");
}

#[tokio::test]
async fn what_is_no_http_is_told_so() {
    let door = door(Limits::default()).await;
    let told = ask(&mut door.connect().await.unwrap(), "EHLO mail\r\n\r\n").await.unwrap();
    assert!(told.starts_with("HTTP/1.1 400") && told.contains("This is no HTTP request."), "{told}");
}

#[tokio::test]
async fn the_plain_port_only_sends_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let task = tokio::spawn(redirect(listener, 8443, std::future::pending()));
    let send = async |host: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        ask(&mut stream, &format!("GET /a?b=c HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n"))
            .await
            .unwrap()
    };
    let told = send("site.example:8080").await;
    assert!(told.starts_with("HTTP/1.1 308"), "{told}");
    assert!(told.contains("location: https://site.example:8443/a?b=c\r\n"), "{told}");
    assert!(
        send("[::1]:80").await.contains("location: https://[::1]:8443/a?b=c\r\n"),
        "an address in brackets"
    );
    assert!(send("evil/@x").await.starts_with("HTTP/1.1 400"), "an odd host");
    task.abort();
}

#[tokio::test]
async fn a_farewell_waits_for_nobody_who_is_idle() {
    let door = door(Limits::default()).await;
    let mut idle = door.connect().await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut some = [0; 512];
    assert!(idle.read(&mut some).await.unwrap() > 0, "answered and kept open");
    door.stop.send(()).unwrap();
    door.task.await.unwrap();
    assert!(TcpStream::connect(door.address).await.is_err(), "nobody listens any more");
}

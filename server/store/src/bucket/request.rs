//! One request: the client, the signature's time, and readers whose errors say what happened.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rusty_s3::{Method, S3Action};
use shared::UtcMicros;
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, Body};

use super::{Account, Bucket, BucketError, Fault};

/// An answer whose body was not read yet.
pub(super) type Answer = Response<Body>;

/// So long a signature counts: a large object on a slow line is checked when its request begins.
pub(super) const VALID: Duration = Duration::from_secs(3_600);

/// Makes the client.
///
/// # Errors
/// Certificates that are none.
pub(super) fn agent(account: &Account) -> Result<Agent, BucketError> {
    let patience = Some(account.patience);
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .user_agent(concat!("amethyst/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(patience)
        .timeout_connect(patience)
        .timeout_send_request(patience)
        .timeout_recv_response(patience)
        .timeout_per_read(patience)
        .timeout_per_write(patience)
        .tls_config(tls(&account.roots)?)
        .build();
    Ok(config.new_agent())
}

fn tls(pem: &[u8]) -> Result<TlsConfig, BucketError> {
    let mut roots: Vec<Certificate<'static>> = Vec::new();
    for item in parse_pem(pem) {
        let item = item.map_err(|e| {
            BucketError::new(Fault::Address, format!("the certificates to trust cannot be read: {e}"))
        })?;
        if let PemItem::Certificate(certificate) = item {
            roots.push(certificate);
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    Ok(TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .root_certs(RootCerts::from(roots.into_iter()))
        .unversioned_rustls_crypto_provider(provider)
        .build())
}

/// The time as signatures and locks say it.
pub(super) fn time(at: UtcMicros) -> Timestamp {
    Timestamp::from_microsecond(at.0).unwrap_or_default()
}

/// Returns a header of an answer.
pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    answer.headers().get(name)?.to_str().ok()
}

impl Bucket {
    /// Signs and makes a request without a body.
    pub(super) fn ask<'a, A: S3Action<'a>>(
        &self,
        action: A,
        what: &'static str,
        name: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, BucketError> {
        let url = action.sign_with_time(VALID, &time((self.now)()));
        let mut request = match A::METHOD {
            Method::Head => self.agent.head(url.as_str()),
            Method::Delete => self.agent.delete(url.as_str()),
            Method::Get | Method::Put | Method::Post => self.agent.get(url.as_str()),
        };
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.call().map_err(|e| BucketError::of(e, what, name))
    }
}

/// The bytes of an object; an error says of which.
pub(super) struct Told<R> {
    bytes: R,
    name: String,
}

impl<R> Told<R> {
    pub(super) fn new(bytes: R, name: &str) -> Self {
        Self { bytes, name: name.to_owned() }
    }
}

impl<R: Read> Read for Told<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.bytes.read(out).map_err(|e| io::Error::other(BucketError::of(e.into(), "read", &self.name)))
    }
}

//! TLS between a satellite and its central: 1.3 only, X25519MLKEM768 only, certificates of both sides from the site's own authority.
//!
//! Nothing here trusts the names and authorities of the web: a satellite trusts what its site made ([`Authority`]), and before
//! it knows the site, at enrolment, it trusts no certificate at all but the proof that both know the code (`crate::enrol`).
//! Sessions are not resumed: each connection shows its certificate.

mod authority;
mod identity;
mod stranger;

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::kx_group;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{ClientConfig, ConnectionCommon, RootCertStore, ServerConfig, version};
use sha2::{Digest as _, Sha256};
use shared::{RecorderId, UtcMicros};

pub use authority::{Authority, Issued, Made, POINT};
pub use identity::{CertificateKey, Identity};

/// The name of every central in its certificate: satellites know their site by its authority, not by an address.
pub const CENTRAL_NAME: &str = "central.amethyst.internal";
/// What follows a recorder's identity in the name of its certificate.
pub const SATELLITE_SUFFIX: &str = ".satellite.amethyst.internal";
/// The one protocol that is offered, and by which central tells a satellite from a browser.
pub const ALPN: &[u8] = b"h2";
/// RFC 9266.
const BINDING: &[u8] = b"EXPORTER-Channel-Binding";

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is no PEM of the kind that is wanted.
    #[error("{0} is not in PEM form")]
    NotPem(&'static str),
    /// Certificate and key do not belong together, or cannot be used.
    #[error("certificate and key cannot be used: {0}")]
    Refused(#[from] rustls::Error),
    /// The authority is none that certificates can be judged by.
    #[error("the site's authority for satellites cannot be used: {0}")]
    Authority(#[from] rustls::client::VerifierBuilderError),
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    NotMade(#[from] rcgen::Error),
    /// A public key that is no point of P-256 in its long form.
    #[error("the public key is none of the curve P-256")]
    NoPoint,
}

/// Who is at the other end, by the certificate that was verified.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// The recorder that the certificate names.
    pub recorder_id: RecorderId,
    /// SHA-256 of the certificate.
    pub fingerprint: [u8; 32],
    certificate: CertificateDer<'static>,
}

/// Central's end, with the judge of certificates that were good when a connection began.
#[derive(Clone, Debug)]
pub struct CentralTls {
    /// For the handshake.
    pub config: Arc<ServerConfig>,
    judge: Arc<dyn ClientCertVerifier>,
}

impl CentralTls {
    /// Makes central's end. Its own key is drawn here and never leaves memory; certificates of satellites are asked for, and a
    /// connection without one may only enrol.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn new(authority: &Authority, now: UtcMicros) -> Result<Self, TlsError> {
        let provider = provider();
        let roots = Arc::new(roots(authority.certificate_pem())?);
        let judge = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&provider))
            .allow_unauthenticated()
            .build()?;
        let (chain, key) = authority.for_central(now)?;
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&version::TLS13])?
            .with_client_cert_verifier(Arc::clone(&judge))
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Ok(Self { config: Arc::new(config), judge })
    }

    /// Says whether the certificate is good at `now`: a connection may outlive it.
    #[must_use]
    pub fn is_good(&self, peer: &Peer, now: UtcMicros) -> bool {
        self.judge.verify_client_cert(&peer.certificate, &[], unix(now)).is_ok()
    }
}

/// Says whether a satellite's certificate is still good at `at`, as central will judge it.
///
/// # Errors
/// [`TlsError`].
pub fn holds_at(authority_pem: &str, identity: &Identity, at: UtcMicros) -> Result<bool, TlsError> {
    let roots = Arc::new(roots(authority_pem)?);
    let judge = WebPkiClientVerifier::builder_with_provider(roots, provider()).build()?;
    let (chain, _key) = identity.chain_and_key()?;
    let own = chain.first().ok_or(TlsError::NotPem("the satellite's certificate"))?;
    Ok(judge.verify_client_cert(own, &[], unix(at)).is_ok())
}

fn unix(at: UtcMicros) -> UnixTime {
    let seconds = u64::try_from(at.0.div_euclid(1_000_000)).unwrap_or(0);
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

impl Peer {
    /// Reads who showed a certificate; `None` without one, or with one that names no recorder.
    #[must_use]
    pub fn of<D>(connection: &ConnectionCommon<D>) -> Option<Self> {
        let certificate = connection.peer_certificates()?.first()?.clone().into_owned();
        let recorder_id = recorder_of(&certificate)?;
        Some(Self { recorder_id, fingerprint: Sha256::digest(&certificate).into(), certificate })
    }
}

/// Reads the recorder that a satellite's certificate names.
fn recorder_of(certificate: &CertificateDer<'_>) -> Option<RecorderId> {
    let parsed = webpki::EndEntityCert::try_from(certificate).ok()?;
    let mut names = parsed.valid_dns_names();
    let (name, more) = (names.next()?, names.next());
    let digits = name.strip_suffix(SATELLITE_SUFFIX).filter(|_| more.is_none())?;
    (digits.len() == 32).then(|| digits.parse().ok()).flatten()
}

/// Makes a satellite's end: it shows its certificate and accepts central's alone.
///
/// # Errors
/// [`TlsError`].
pub fn for_satellite(authority_pem: &str, identity: &Identity) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let judge = rustls::client::WebPkiServerVerifier::builder_with_provider(
        Arc::new(roots(authority_pem)?),
        Arc::clone(&provider),
    )
    .build()?;
    let builder = client(provider, judge)?;
    let (chain, key) = identity.chain_and_key()?;
    Ok(finished(builder.with_client_auth_cert(chain, key)?))
}

/// Makes the end of a machine that is not enrolled yet. It accepts any certificate: whether central is at the other end is
/// proven over this connection's binding, and nothing is believed before.
///
/// # Errors
/// [`TlsError`].
pub fn for_stranger() -> Result<Arc<ClientConfig>, TlsError> {
    let provider = provider();
    let judge = Arc::new(stranger::Anybody::new(&provider));
    Ok(finished(client(provider, judge)?.with_no_client_auth()))
}

/// Returns what only the two ends of this connection can compute: a person in the middle has two connections, and two of these
/// (RFC 9266).
///
/// # Errors
/// The handshake is not over.
pub fn binding<D>(connection: &ConnectionCommon<D>) -> Result<[u8; 32], TlsError> {
    Ok(connection.export_keying_material([0; 32], BINDING, None)?)
}

type Wanting = rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>;

fn client(
    provider: Arc<CryptoProvider>,
    judge: Arc<dyn ServerCertVerifier>,
) -> Result<Wanting, rustls::Error> {
    Ok(ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(judge))
}

fn finished(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Arc::new(config)
}

/// Both ends are ours: there is nobody to fall back for.
fn provider() -> Arc<CryptoProvider> {
    let usual = rustls::crypto::aws_lc_rs::default_provider();
    Arc::new(CryptoProvider { kx_groups: vec![kx_group::X25519MLKEM768], ..usual })
}

fn roots(authority_pem: &str) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authority_pem.as_bytes()) {
        roots.add(certificate.map_err(|_no_pem| TlsError::NotPem("the authority's certificate"))?)?;
    }
    if roots.is_empty() {
        return Err(TlsError::NotPem("the authority's certificate"));
    }
    Ok(roots)
}

//! Certificates: TLS 1.3 with the hybrid X25519MLKEM768 first; a self-signed one for a site that has none of its own.

use std::sync::Arc;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, version};
use sha2::{Digest as _, Sha256};
use shared::{UtcMicros, Zone};
use zeroize::Zeroizing;

/// Days for which a self-signed certificate is made: browsers that learn it once should not have to again and again.
const SELF_SIGNED_YEARS: i32 = 10;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file holds no certificate.
    #[error(
        "the certificate file holds no certificate in PEM form: give the server's certificate, then those above it"
    )]
    NoCertificate,
    /// The file holds no key.
    #[error("the key file holds no private key in PEM form (PKCS#8, SEC 1 or PKCS#1)")]
    NoKey,
    /// They do not fit.
    #[error("certificate and key cannot be used: {0}")]
    Refused(#[from] rustls::Error),
    /// None could be made.
    #[error("no self-signed certificate could be made for these names: {0}")]
    NotMade(#[from] rcgen::Error),
}

/// A certificate and its key, both in PEM form.
pub struct SelfSigned {
    /// The certificate: public.
    pub certificate_pem: String,
    /// Its private key.
    pub key_pem: Zeroizing<String>,
}

impl std::fmt::Debug for SelfSigned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SelfSigned")
    }
}

/// Makes a certificate for host names and addresses, valid from a day before `now`. The dice are the crypto library's.
///
/// # Errors
/// [`TlsError::NotMade`]: a name that no certificate can carry.
pub fn self_signed(names: &[String], site: &str, now: UtcMicros) -> Result<SelfSigned, TlsError> {
    let mut params = CertificateParams::new(names)?;
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, format!("AMETHYST {site}").chars().take(60).collect::<String>());
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let (year, month, day) = date(now.plus(-86_400_000_000));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    params.not_after = rcgen::date_time_ymd(year.saturating_add(SELF_SIGNED_YEARS), month, day.min(28));
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned { certificate_pem: certificate.pem(), key_pem: Zeroizing::new(key.serialize_pem()) })
}

/// Makes what [`serve`](crate::serve()) needs from a certificate chain and its key.
///
/// # Errors
/// [`TlsError`].
pub fn tls(certificate_pem: &str, key_pem: &str) -> Result<Arc<ServerConfig>, TlsError> {
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(certificate_pem.as_bytes()).filter_map(Result::ok).collect();
    if chain.is_empty() {
        return Err(TlsError::NoCertificate);
    }
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_no_key| TlsError::NoKey)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Returns the SHA-256 of the first certificate as browsers show it: pairs of digits with colons.
///
/// # Errors
/// [`TlsError::NoCertificate`].
pub fn fingerprint(certificate_pem: &str) -> Result<String, TlsError> {
    let first = CertificateDer::pem_slice_iter(certificate_pem.as_bytes()).find_map(Result::ok);
    let digest = Sha256::digest(first.ok_or(TlsError::NoCertificate)?.as_ref());
    Ok(digest.iter().map(|b| format!("{b:02X}")).collect::<Vec<_>>().join(":"))
}

fn date(at: UtcMicros) -> (i32, u8, u8) {
    let day = Zone::named("UTC").map_or(19_700_101, |utc| utc.day_of(at).yyyymmdd());
    let part = |n: u32| u8::try_from(n % 100).unwrap_or(1);
    (i32::try_from(day / 10_000).unwrap_or(1970), part(day / 100), part(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_self_signed_certificate_serves() {
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let made = self_signed(&names, "Town hall", UtcMicros(1_795_298_399_000_000)).unwrap();
        let config = tls(&made.certificate_pem, &made.key_pem).unwrap();
        assert_eq!(config.alpn_protocols, [b"http/1.1"]);
        let print = fingerprint(&made.certificate_pem).unwrap();
        assert_eq!((print.len(), print.matches(':').count()), (95, 31), "{print}");
    }

    #[test]
    fn what_is_no_certificate_is_told() {
        assert!(matches!(tls("", ""), Err(TlsError::NoCertificate)), "empty files");
        let made = self_signed(&["a".to_owned()], "x", UtcMicros(0)).unwrap();
        assert!(matches!(tls(&made.certificate_pem, "x"), Err(TlsError::NoKey)), "no key");
        let other = self_signed(&["a".to_owned()], "x", UtcMicros(0)).unwrap();
        assert!(
            matches!(tls(&made.certificate_pem, &other.key_pem), Err(TlsError::Refused(_))),
            "another's key"
        );
    }
}

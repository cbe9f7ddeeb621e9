//! A satellite's key and certificate on the network: one PEM text, so that both are replaced in one step.

use rcgen::{KeyPair, PublicKeyData as _};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::TlsError;
use super::authority::POINT;

/// A key that has no certificate yet.
pub struct CertificateKey(KeyPair);

/// A key with its certificate.
pub struct Identity {
    pem: Zeroizing<String>,
}

impl std::fmt::Debug for CertificateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CertificateKey")
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl CertificateKey {
    /// Draws a key of P-256; the dice are the crypto library's.
    ///
    /// # Errors
    /// [`TlsError::NotMade`].
    pub fn draw() -> Result<Self, TlsError> {
        Ok(Self(KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?))
    }

    /// Returns its public half: 4, x, y.
    ///
    /// # Errors
    /// Never: all keys of P-256 have this form.
    pub fn point(&self) -> Result<[u8; POINT], TlsError> {
        self.0.der_bytes().try_into().map_err(|_length| TlsError::NoPoint)
    }

    /// Puts the certificate that was issued to it.
    ///
    /// # Errors
    /// A certificate of another key, or none.
    pub fn with(self, certificate_pem: &str) -> Result<Identity, TlsError> {
        let pem = Zeroizing::new(self.0.serialize_pem());
        Identity::from_pem(&format!("{}\n{}", pem.trim_end(), certificate_pem.trim_start()))
    }
}

impl Identity {
    /// Reads key and certificate.
    ///
    /// # Errors
    /// One of both is missing, or they do not belong together.
    pub fn from_pem(pem: &str) -> Result<Self, TlsError> {
        let identity = Self { pem: Zeroizing::new(pem.to_owned()) };
        let (chain, key) = identity.chain_and_key()?;
        rustls::sign::CertifiedKey::from_der(chain, key, &super::provider())?.keys_match()?;
        Ok(identity)
    }

    /// Returns both as they are kept in a file: it is a secret.
    #[must_use]
    pub fn expose_pem(&self) -> &str {
        &self.pem
    }

    pub(super) fn chain_and_key(
        &self,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(self.pem.as_bytes()).collect();
        let chain = chain.ok().filter(|chain| !chain.is_empty());
        let key = PrivateKeyDer::from_pem_slice(self.pem.as_bytes());
        match (chain, key) {
            (Some(chain), Ok(key)) => Ok((chain, key)),
            (None, _) | (_, Err(_)) => Err(TlsError::NotPem("the satellite's key with its certificate")),
        }
    }
}

//! The site's own authority for satellites: it issues central's certificate and those of the satellites, and nobody else's.
//!
//! What it certifies is who may connect. Whose recordings are genuine and to which keys is sealed hangs on the site's root
//! (`archive::certs`), not on this: whoever steals this key can pose as a satellite or as central on the network, and still
//! reads nothing, forges no recording and no receipt.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SignatureAlgorithm,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use shared::{RecorderId, SiteId, UtcMicros, Zone};
use zeroize::Zeroizing;

use super::{CENTRAL_NAME, SATELLITE_SUFFIX, TlsError};

const DAY_US: i64 = 86_400_000_000;
/// The authority itself.
const AUTHORITY_DAYS: i64 = 30 * 366;
/// Each certificate that it issues.
const CERTIFICATE_DAYS: i64 = 90;
/// Bytes of a public key of P-256 in its long form: 4, x, y.
pub const POINT: usize = 65;

/// The authority, opened.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate_pem: String,
}

/// A new authority, both halves in PEM form.
pub struct Made {
    /// Its certificate: public.
    pub certificate_pem: String,
    /// Its private key.
    pub key_pem: Zeroizing<String>,
}

/// A certificate that was issued to a satellite.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issued {
    /// The certificate.
    pub certificate_pem: String,
    /// SHA-256 of it.
    pub fingerprint: [u8; 32],
    /// It holds until then.
    pub not_after: UtcMicros,
}

/// A public key that somebody else keeps the private half of.
struct Point<'a>(&'a [u8; POINT]);

impl PublicKeyData for Point<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Made")
    }
}

impl Authority {
    /// Makes a new authority for a site, valid from a day before `now` for thirty years.
    ///
    /// # Errors
    /// [`TlsError::NotMade`].
    pub fn make(site: &SiteId, now: UtcMicros) -> Result<Made, TlsError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = of_site(site);
        valid(&mut params, now, AUTHORITY_DAYS);
        let certificate_pem = params.self_signed(&key)?.pem();
        Ok(Made { certificate_pem, key_pem: Zeroizing::new(key.serialize_pem()) })
    }

    /// Opens what [`Self::make`] gave.
    ///
    /// # Errors
    /// Not PEM, or a key that is not of this certificate.
    pub fn open(site: &SiteId, certificate_pem: &str, key_pem: &str) -> Result<Self, TlsError> {
        let key = KeyPair::from_pem(key_pem)?;
        let certificate = CertificateDer::from_pem_slice(certificate_pem.as_bytes())
            .map_err(|_no_pem| TlsError::NotPem("the authority's certificate"))?;
        let of_rustls = PrivateKeyDer::from_pem_slice(key_pem.as_bytes())
            .map_err(|_no_pem| TlsError::NotPem("the authority's key"))?;
        CertifiedKey::from_der(vec![certificate], of_rustls, &super::provider())?.keys_match()?;
        Ok(Self { issuer: Issuer::new(of_site(site), key), certificate_pem: certificate_pem.to_owned() })
    }

    /// Returns the certificate that satellites know central by.
    #[must_use]
    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// Issues a certificate to a satellite, for ninety days. `point` is its public key of P-256; that it has the private half it
    /// shows when it connects.
    ///
    /// # Errors
    /// [`TlsError::NoPoint`], [`TlsError::NotMade`].
    pub fn for_satellite(
        &self,
        who: RecorderId,
        point: &[u8; POINT],
        now: UtcMicros,
    ) -> Result<Issued, TlsError> {
        if point.first() != Some(&4) {
            return Err(TlsError::NoPoint);
        }
        let digits = seal::fields::hex(who.bytes());
        let mut params = CertificateParams::new([format!("{digits}{SATELLITE_SUFFIX}")])?;
        named(&mut params, &digits);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let not_after = valid(&mut params, now, CERTIFICATE_DAYS);
        let certificate = params.signed_by(&Point(point), &self.issuer)?;
        let fingerprint = Sha256::digest(certificate.der()).into();
        Ok(Issued { certificate_pem: certificate.pem(), fingerprint, not_after })
    }

    /// Draws a key for central and issues its certificate, for ninety days.
    pub(super) fn for_central(
        &self,
        now: UtcMicros,
    ) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params = CertificateParams::new([CENTRAL_NAME.to_owned()])?;
        named(&mut params, "AMETHYST central");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        valid(&mut params, now, CERTIFICATE_DAYS);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok((vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into()))
    }
}

fn of_site(site: &SiteId) -> CertificateParams {
    let mut params = CertificateParams::default();
    named(&mut params, &format!("AMETHYST satellites of {site}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn named(params: &mut CertificateParams, name: &str) {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
}

/// From a day before, since clocks differ. Returns the end.
fn valid(params: &mut CertificateParams, now: UtcMicros, days: i64) -> UtcMicros {
    let end = now.plus(days.saturating_mul(DAY_US));
    let (year, month, day) = date(now.plus(-DAY_US));
    params.not_before = rcgen::date_time_ymd(year, month, day);
    let (year, month, day) = date(end);
    params.not_after = rcgen::date_time_ymd(year, month, day);
    // Whole days: it ends with the midnight before.
    UtcMicros(end.0.saturating_sub(end.0.rem_euclid(DAY_US)))
}

fn date(at: UtcMicros) -> (i32, u8, u8) {
    let day = Zone::named("UTC").map_or(19_700_101, |utc| utc.day_of(at).yyyymmdd());
    let part = |n: u32| u8::try_from(n % 100).unwrap_or(1);
    (i32::try_from(day / 10_000).unwrap_or(1970), part(day / 100), part(day))
}

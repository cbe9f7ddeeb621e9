//! Seals a file key to a public key by HPKE, base mode (RFC 9180): HKDF-SHA256 (0x0001), `ChaCha20Poly1305` (0x0003), and
//! as KEM X25519 (0x0020) or X-Wing (0x647A, draft-ietf-hpke-pq).
//!
//! X-Wing is a draft: its vectors in `tests/vectors/seal` are frozen, and a crate update that changes one is refused.

use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::{X25519HkdfSha256, XWing};
use hpke::{
    Deserializable as _, Kem, OpModeR, OpModeS, Serializable as _, single_shot_open,
    single_shot_seal_with_rng,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::keys::{RecipientKey, RecipientSecret, RecipientType};
use crate::{Result, SealError};

/// Seals `plain`; returns the encapsulated key followed by the ciphertext.
pub(crate) fn seal(
    to: &RecipientKey,
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>> {
    match to.kind() {
        RecipientType::X25519 => seal_by::<X25519HkdfSha256>(to.public(), info, aad, plain, rng),
        RecipientType::XWing => seal_by::<XWing>(to.public(), info, aad, plain, rng),
    }
}

/// Opens what [`seal`] made. `None` if the key does not fit or anything was altered.
pub(crate) fn open(
    with: &RecipientSecret,
    info: &[u8],
    aad: &[u8],
    sealed: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let (enc, ct) = sealed.split_at_checked(with.kind().enc_len())?;
    match with.kind() {
        RecipientType::X25519 => open_by::<X25519HkdfSha256>(with.expose(), enc, info, aad, ct),
        RecipientType::XWing => open_by::<XWing>(with.expose(), enc, info, aad, ct),
    }
}

pub(crate) fn public_of(kind: RecipientType, seed: &[u8; 32]) -> Result<Vec<u8>> {
    match kind {
        RecipientType::X25519 => public_by::<X25519HkdfSha256>(seed),
        RecipientType::XWing => public_by::<XWing>(seed),
    }
}

pub(crate) fn is_public_key(kind: RecipientType, public: &[u8]) -> bool {
    match kind {
        RecipientType::X25519 => <X25519HkdfSha256 as Kem>::PublicKey::from_bytes(public).is_ok(),
        RecipientType::XWing => <XWing as Kem>::PublicKey::from_bytes(public).is_ok(),
    }
}

fn seal_by<K: Kem>(
    public: &[u8],
    info: &[u8],
    aad: &[u8],
    plain: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>> {
    let key = K::PublicKey::from_bytes(public).map_err(|_no_key| SealError::BadKey)?;
    let (enc, ct) = single_shot_seal_with_rng::<ChaCha20Poly1305, HkdfSha256, K>(
        &OpModeS::Base,
        &key,
        info,
        plain,
        aad,
        rng,
    )
    .map_err(|_refused| SealError::Cipher("HPKE could not seal the file key"))?;
    let mut out = enc.to_bytes().to_vec();
    out.extend_from_slice(&ct);
    Ok(out)
}

fn open_by<K: Kem>(
    seed: &[u8; 32],
    enc: &[u8],
    info: &[u8],
    aad: &[u8],
    ct: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let key = K::PrivateKey::from_bytes(seed).ok()?;
    let enc = K::EncappedKey::from_bytes(enc).ok()?;
    single_shot_open::<ChaCha20Poly1305, HkdfSha256, K>(&OpModeR::Base, &key, &enc, info, ct, aad)
        .ok()
        .map(Zeroizing::new)
}

fn public_by<K: Kem>(seed: &[u8; 32]) -> Result<Vec<u8>> {
    let key = K::PrivateKey::from_bytes(seed).map_err(|_no_key| SealError::BadKey)?;
    Ok(K::sk_to_pk(&key).to_bytes().to_vec())
}

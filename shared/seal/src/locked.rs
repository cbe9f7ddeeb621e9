//! A few bytes locked away beside the key store: what a site must keep secret but may lose.
//!
//! `AMXLOCK1 | nonce 24, random | XChaCha20-Poly1305 ciphertext and tag`, AAD = the first 32 bytes. Its key is
//! HKDF-SHA256-Expand(key, "amethyst/seal/locked/v1" || 00 || context, 32): the same bytes say nothing under another context.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{Tag, XChaCha20Poly1305};
use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::fields::Fields;
use crate::{Result, SealError};

const MAGIC: [u8; 8] = *b"AMXLOCK1";
const NONCE_LEN: usize = 24;
const HEAD_LEN: usize = 32;
const TAG_LEN: usize = 16;
const LABEL: &[u8] = b"amethyst/seal/locked/v1\0";

/// Locks bytes. `context` says what they are and whose.
///
/// # Errors
/// Never for fewer than 256 GiB.
pub fn lock(key: &[u8; 32], context: &[u8], plain: &[u8], rng: &mut impl CryptoRng) -> Result<Vec<u8>> {
    let mut nonce = [0; NONCE_LEN];
    rng.fill_bytes(&mut nonce);
    let head = [MAGIC.as_slice(), &nonce].concat();
    let mut body = Zeroizing::new(plain.to_vec());
    let cipher = cipher(key, context)?;
    let tag = cipher.encrypt_inout_detached(&nonce.into(), &head, body.as_mut_slice().into());
    let tag = tag.map_err(|_too_long| SealError::Cipher("too long to be locked"))?;
    Ok([head.as_slice(), &body, &tag].concat())
}

/// Opens what was locked under the same key and context.
///
/// # Errors
/// Anything else.
pub fn unlock(key: &[u8; 32], context: &[u8], locked: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let wrong = || SealError::Cipher("locked under another key, or altered");
    let mut fields = Fields(locked);
    let head = fields.bytes(HEAD_LEN).ok_or_else(wrong)?;
    let nonce: [u8; NONCE_LEN] = match head.split_first_chunk::<8>() {
        Some((magic, nonce)) if *magic == MAGIC => nonce.try_into().map_err(|_length| wrong())?,
        _ => return Err(wrong()),
    };
    let len = fields.0.len().checked_sub(TAG_LEN).ok_or_else(wrong)?;
    let mut body = Zeroizing::new(fields.bytes(len).ok_or_else(wrong)?.to_vec());
    let tag: [u8; TAG_LEN] = fields.array().ok_or_else(wrong)?;
    let cipher = cipher(key, context)?;
    let opened =
        cipher.decrypt_inout_detached(&nonce.into(), head, body.as_mut_slice().into(), &Tag::from(tag));
    opened.map_err(|_tag| wrong())?;
    Ok(body)
}

fn cipher(key: &[u8; 32], context: &[u8]) -> Result<XChaCha20Poly1305> {
    let derive = Hkdf::<Sha256>::from_prk(key).map_err(|_short| SealError::Cipher("no key"))?;
    let mut derived = Zeroizing::new([0; 32]);
    derive
        .expand_multi_info(&[LABEL, context], derived.as_mut_slice())
        .map_err(|_long| SealError::Cipher("no key"))?;
    Ok(XChaCha20Poly1305::new((&*derived).into()))
}

//! X-Wing and HPKE by a second way: the `x-wing` crate's KEM under a key schedule written out here from RFC 9180, and the
//! KEM itself put together from ML-KEM-768, X25519 and SHA3-256 by draft-connolly-cfrg-xwing-kem.
//!
//! `tests/tools/xwing_check.py` does the same outside Rust.

use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Tag};
use hkdf::Hkdf;
use seal::{Header, RecipientType};
use sha2::Sha256;
use x_wing::{Decapsulate as _, DecapsulationKey};

use crate::build::{Sealing, day_key, day_secret, spec};

/// RFC 9180, 4: `LabeledExtract`.
fn labeled_extract(suite: &[u8], salt: &[u8], label: &str, ikm: &[u8]) -> [u8; 32] {
    let ikm = [b"HPKE-v1", suite, label.as_bytes(), ikm].concat();
    Hkdf::<Sha256>::extract(Some(salt), &ikm).0.into()
}

/// RFC 9180, 4: `LabeledExpand`.
fn labeled_expand<const N: usize>(suite: &[u8], prk: &[u8], label: &str, info: &[u8]) -> [u8; N] {
    let info = [&(N as u16).to_be_bytes(), b"HPKE-v1".as_slice(), suite, label.as_bytes(), info].concat();
    let mut out = [0; N];
    Hkdf::<Sha256>::from_prk(prk).unwrap().expand(&info, &mut out).unwrap();
    out
}

/// RFC 9180, 5.1 in base mode, then 5.2 for the first message.
fn open_by_hand(kem_id: u16, shared_secret: &[u8], info: &[u8], aad: &[u8], ct: &[u8]) -> Option<Vec<u8>> {
    let suite =
        [b"HPKE".as_slice(), &kem_id.to_be_bytes(), &1_u16.to_be_bytes(), &3_u16.to_be_bytes()].concat();
    let psk_id_hash = labeled_extract(&suite, b"", "psk_id_hash", b"");
    let info_hash = labeled_extract(&suite, b"", "info_hash", info);
    let context = [[0].as_slice(), &psk_id_hash, &info_hash].concat();
    let secret = labeled_extract(&suite, shared_secret, "secret", b"");
    let key: [u8; 32] = labeled_expand(&suite, &secret, "key", &context);
    let nonce: [u8; 12] = labeled_expand(&suite, &secret, "base_nonce", &context);
    let (body, tag) = ct.split_at(ct.len() - 16);
    let mut plain = body.to_vec();
    let tag = Tag::try_from(tag).unwrap();
    let cipher = ChaCha20Poly1305::new(&key.into());
    cipher.decrypt_inout_detached(&nonce.into(), aad, plain.as_mut_slice().into(), &tag).ok()?;
    Some(plain)
}

#[test]
fn the_file_key_opens_by_a_key_schedule_written_from_rfc_9180() {
    let bytes = Sealing::begin(&spec(), RecipientType::XWing, 1).bytes;
    let header = Header::parse(&bytes).unwrap();
    let (enc, ct) = header.recipients[0].sealed.split_at(1_120);
    let secret = DecapsulationKey::from(*day_secret(RecipientType::XWing).expose());
    let shared_secret = secret.decapsulate(&x_wing::Ciphertext::try_from(enc).unwrap());
    let info = [b"amethyst/seal/recipient/v1".as_slice(), &[0xaa; 16]].concat();
    let dek = open_by_hand(0x647a, &shared_secret, &info, &bytes[..176], ct).expect("opens");

    // The key is the right one if the header commits to it (section 2.2).
    let okm_info = [b"amethyst/seal/payload/v1\0".as_slice(), &bytes[..144]].concat();
    let mut okm = [0; 88];
    Hkdf::<Sha256>::from_prk(&dek).unwrap().expand(&okm_info, &mut okm).unwrap();
    assert_eq!(okm[56..], header.commitment);
    assert!(open_by_hand(0x0020, &shared_secret, &info, &bytes[..176], ct).is_none(), "another KEM id");
}

#[test]
fn the_public_key_is_that_of_the_other_implementation() {
    use x_wing::{Decapsulator as _, KeyExport as _};
    let secret = DecapsulationKey::from(*day_secret(RecipientType::XWing).expose());
    assert_eq!(secret.encapsulation_key().to_bytes().as_slice(), day_key(RecipientType::XWing).public());
}

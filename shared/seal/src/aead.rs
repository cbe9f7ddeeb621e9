//! ChaCha20-Poly1305 (RFC 8439), detached and in place, behind one small type with two bodies.
//!
//! The usual body is RustCrypto's, in Rust alone. With the feature `assembly` it is AWS-LC's, which encrypts and
//! authenticates in one pass and needs half the time; it also needs a C compiler, so programs that must be built without
//! one leave the feature off. Both give the same bytes: the test below holds them to a third.
//!
//! What must hold: the key is wiped when the type is dropped, and bytes whose tag does not fit are never plain.

use crate::{Result, SealError};

/// Octets of the key.
pub(crate) const KEY_LEN: usize = 32;
/// Octets of the nonce.
pub(crate) const NONCE_LEN: usize = 12;
/// Octets of the tag.
pub(crate) const TAG_LEN: usize = 16;

#[cfg(feature = "assembly")]
pub(crate) use assembly::Aead;
#[cfg(not(feature = "assembly"))]
pub(crate) use rust::Aead;

fn too_long() -> SealError {
    SealError::Cipher("frame too long")
}

#[cfg(any(test, not(feature = "assembly")))]
mod rust {
    use chacha20poly1305::aead::{AeadInOut as _, KeyInit as _};
    use chacha20poly1305::{ChaCha20Poly1305, Tag};
    use zeroize::ZeroizeOnDrop;

    use super::{KEY_LEN, NONCE_LEN, Result, TAG_LEN, too_long};

    /// The cipher in Rust. It wipes its key itself.
    pub(crate) struct Aead(ChaCha20Poly1305);

    const _: () = {
        const fn wiped<T: ZeroizeOnDrop>() {}
        wiped::<ChaCha20Poly1305>();
    };

    impl Aead {
        #[allow(clippy::unnecessary_wraps, reason = "the other body may refuse")]
        pub(crate) fn new(key: &[u8; KEY_LEN]) -> Result<Self> {
            Ok(Self(ChaCha20Poly1305::new(key.into())))
        }

        /// Encrypts in place and returns the tag.
        pub(crate) fn seal(
            &self,
            nonce: [u8; NONCE_LEN],
            aad: &[u8],
            plain: &mut [u8],
        ) -> Result<[u8; TAG_LEN]> {
            let tag = self.0.encrypt_inout_detached(&nonce.into(), aad, plain.into());
            tag.map(Into::into).map_err(|_too_long| too_long())
        }

        /// Decrypts in place; returns whether the tag fits. If not, the bytes stay encrypted.
        pub(crate) fn open(
            &self,
            nonce: [u8; NONCE_LEN],
            aad: &[u8],
            bytes: &mut [u8],
            tag: &[u8; TAG_LEN],
        ) -> bool {
            let tag: &Tag = tag.into();
            self.0.decrypt_inout_detached(&nonce.into(), aad, bytes.into(), tag).is_ok()
        }
    }
}

#[cfg(feature = "assembly")]
mod assembly {
    use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
    use zeroize::Zeroize as _;

    use super::{KEY_LEN, NONCE_LEN, Result, SealError, TAG_LEN, too_long};

    /// The cipher of AWS-LC. Its context lies in memory of `OPENSSL_malloc`, which `OPENSSL_free` overwrites
    /// (`OPENSSL_cleanse`) before it gives it back: so the key is wiped when this is dropped.
    pub(crate) struct Aead(LessSafeKey);

    impl Aead {
        pub(crate) fn new(key: &[u8; KEY_LEN]) -> Result<Self> {
            let key = UnboundKey::new(&CHACHA20_POLY1305, key);
            key.map(|key| Self(LessSafeKey::new(key)))
                .map_err(|_refused| SealError::Cipher("no memory for a key"))
        }

        /// Encrypts in place and returns the tag.
        pub(crate) fn seal(
            &self,
            nonce: [u8; NONCE_LEN],
            aad: &[u8],
            plain: &mut [u8],
        ) -> Result<[u8; TAG_LEN]> {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), plain);
            let tag = tag.map_err(|_too_long| too_long())?;
            tag.as_ref().try_into().map_err(|_length| SealError::Cipher("a tag of another length"))
        }

        /// Decrypts in place; returns whether the tag fits. If not, the bytes are wiped.
        pub(crate) fn open(
            &self,
            nonce: [u8; NONCE_LEN],
            aad: &[u8],
            bytes: &mut [u8],
            tag: &[u8; TAG_LEN],
        ) -> bool {
            let nonce = Nonce::assume_unique_for_key(nonce);
            let opened = self.0.open_in_place_separate_tag(nonce, Aad::from(aad), tag, bytes).is_ok();
            if !opened {
                bytes.zeroize(); // it decrypts while it authenticates
            }
            opened
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::arithmetic_side_effects,
        clippy::indexing_slicing,
        reason = "tests"
    )]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whichever_body_is_built_gives_the_bytes_of_the_one_in_rust(
            key: [u8; KEY_LEN], nonce: [u8; NONCE_LEN], aad: Vec<u8>, mut plain: Vec<u8>, more in 0_usize..9_000,
        ) {
            plain.resize(plain.len() + more, 0x5a);
            let (built, rust) = (Aead::new(&key).unwrap(), rust::Aead::new(&key).unwrap());
            let (mut a, mut b) = (plain.clone(), plain.clone());
            let tag = built.seal(nonce, &aad, &mut a).unwrap();
            prop_assert_eq!(tag, rust.seal(nonce, &aad, &mut b).unwrap());
            prop_assert_eq!(&a, &b);
            prop_assert!(rust.open(nonce, &aad, &mut a, &tag));
            prop_assert!(built.open(nonce, &aad, &mut b, &tag));
            prop_assert_eq!((&a, &b), (&plain, &plain));
        }
    }

    #[test]
    fn bytes_whose_tag_does_not_fit_are_not_plain() {
        let cipher = Aead::new(&[1; KEY_LEN]).unwrap();
        let plain = [0x55; 8_160];
        let mut bytes = plain;
        let mut tag = cipher.seal([2; NONCE_LEN], b"head", &mut bytes).unwrap();
        tag[0] ^= 1;
        assert!(!cipher.open([2; NONCE_LEN], b"head", &mut bytes, &tag));
        assert!(!bytes.windows(16).any(|w| w == &plain[..16]));
    }

    #[test]
    fn the_vector_of_rfc_8439_2_8_2() {
        let key: [u8; KEY_LEN] = std::array::from_fn(|n| 0x80 + u8::try_from(n).unwrap());
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let aad = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let mut text =
            *b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, \
                          sunscreen would be it.";
        let tag = Aead::new(&key).unwrap().seal(nonce, &aad, &mut text).unwrap();
        assert_eq!(text[..8], [0xd3, 0x1a, 0x8d, 0x34, 0x64, 0x8e, 0x60, 0xdb]);
        assert_eq!(tag, 0x1ae1_0b59_4f09_e26a_7e90_2ecb_d060_0691_u128.to_be_bytes());
    }
}

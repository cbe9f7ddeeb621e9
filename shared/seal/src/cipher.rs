//! The cipher of one part: from the file key to frames, and the code over the header.
//!
//! XChaCha20-Poly1305 whose 24-byte nonce is `base_nonce` with its last eight bytes XOR the frame's number. The first
//! sixteen never change within a part, so HChaCha20 is taken once per part and each frame costs one IETF
//! ChaCha20-Poly1305 (draft-irtf-cfrg-xchacha, 2.3; equal byte for byte, see the test).

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;
use zeroize::{Zeroize as _, Zeroizing};

use crate::aead::{Aead, NONCE_LEN, TAG_LEN};
use crate::{Result, SealError};

/// Length of the header's start, on which the payload keys depend.
pub(crate) const KEYED_HEADER: usize = 144;
const PAYLOAD_LABEL: &[u8] = b"amethyst/seal/payload/v1\0";
const MAC_LABEL: &[u8] = b"amethyst/seal/header-mac/v1";

/// The random key of one part. Wiped when dropped; never printed, never copied.
pub(crate) struct FileKey(Zeroizing<[u8; 32]>);

impl FileKey {
    pub(crate) fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self::new)
    }

    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Derives payload key, base nonce and commitment from this key and the header's first 144 bytes.
    pub(crate) fn derive(&self, header_start: &[u8]) -> Result<Derived> {
        let mut okm = Zeroizing::new([0_u8; 88]);
        self.expand(&[PAYLOAD_LABEL, header_start], okm.as_mut_slice())?;
        let cut = SealError::Cipher("derived keys are short");
        let (key, rest) = okm.split_first_chunk::<32>().ok_or(SealError::Cipher("derived keys are short"))?;
        let (nonce, rest) =
            rest.split_first_chunk::<24>().ok_or(SealError::Cipher("derived keys are short"))?;
        let commitment = *rest.first_chunk::<32>().ok_or(cut)?;
        Ok(Derived { key: Zeroizing::new(*key), nonce: *nonce, commitment })
    }

    /// Computes the header's code over everything before it.
    pub(crate) fn header_mac(&self, before_mac: &[u8]) -> Result<[u8; 32]> {
        Ok(self.keyed_mac(before_mac)?.finalize().into_bytes().into())
    }

    /// Tells whether `mac` is the header's code, in constant time.
    pub(crate) fn header_mac_fits(&self, before_mac: &[u8], mac: &[u8; 32]) -> Result<bool> {
        Ok(self.keyed_mac(before_mac)?.verify_slice(mac).is_ok())
    }

    fn keyed_mac(&self, before_mac: &[u8]) -> Result<Hmac<Sha256>> {
        let mut key = Zeroizing::new([0_u8; 32]);
        self.expand(&[MAC_LABEL], key.as_mut_slice())?;
        let mac = Hmac::<Sha256>::new_from_slice(key.as_slice());
        Ok(mac.map_err(|_length| SealError::Cipher("code key"))?.chain_update(before_mac))
    }

    fn expand(&self, info: &[&[u8]], out: &mut [u8]) -> Result<()> {
        let hkdf = Hkdf::<Sha256>::from_prk(self.0.as_slice());
        let hkdf = hkdf.map_err(|_length| SealError::Cipher("file key"))?;
        hkdf.expand_multi_info(info, out).map_err(|_length| SealError::Cipher("derived length"))
    }
}

/// What the file key and the header's start give.
pub(crate) struct Derived {
    key: Zeroizing<[u8; 32]>,
    nonce: [u8; 24],
    pub(crate) commitment: [u8; 32],
}

impl Derived {
    /// Tells whether `commitment` is the derived one, in constant time.
    pub(crate) fn commits_to(&self, commitment: &[u8; 32]) -> bool {
        self.commitment.ct_eq(commitment).into()
    }

    /// Makes the cipher of the frames under a header with this code.
    pub(crate) fn into_cipher(self, header_mac: [u8; 32]) -> Result<FrameCipher> {
        let (prefix, _) = self.nonce.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
        let (_, tail) = self.nonce.split_last_chunk::<8>().unwrap_or((&[], &[0; 8]));
        let mut subkey = chacha20::hchacha::<chacha20::R20>((&*self.key).into(), prefix.into());
        let cipher = Aead::new(subkey.as_ref());
        subkey.zeroize();
        Ok(FrameCipher { cipher: cipher?, nonce_tail: u64::from_be_bytes(*tail), header_mac })
    }
}

impl Drop for Derived {
    fn drop(&mut self) {
        self.nonce.zeroize();
    }
}

/// Encrypts and decrypts the frames of one part. The keys inside wipe themselves when dropped.
pub(crate) struct FrameCipher {
    cipher: Aead,
    nonce_tail: u64,
    header_mac: [u8; 32],
}

impl FrameCipher {
    /// Encrypts in place and returns the tag.
    pub(crate) fn seal(&self, seq: u32, head: &[u8; 28], plain: &mut [u8]) -> Result<[u8; TAG_LEN]> {
        self.cipher.seal(self.nonce(seq), &self.aad(head), plain)
    }

    /// Decrypts in place; returns whether the tag fits. If not, the bytes are of no use to anyone.
    pub(crate) fn open(&self, seq: u32, head: &[u8; 28], bytes: &mut [u8], tag: &[u8; TAG_LEN]) -> bool {
        self.cipher.open(self.nonce(seq), &self.aad(head), bytes, tag)
    }

    fn nonce(&self, seq: u32) -> [u8; NONCE_LEN] {
        let [a, b, c, d, e, f, g, h] = (self.nonce_tail ^ u64::from(seq)).to_be_bytes();
        [0, 0, 0, 0, a, b, c, d, e, f, g, h]
    }

    fn aad(&self, head: &[u8; 28]) -> [u8; 60] {
        let mut out = [0; 60];
        let (mac, rest) = out.split_at_mut(32);
        mac.copy_from_slice(&self.header_mac);
        rest.copy_from_slice(head);
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use chacha20poly1305::XChaCha20Poly1305;
    use chacha20poly1305::aead::AeadInOut as _;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_subkey_gives_the_bytes_of_xchacha20_poly1305(
            key: [u8; 32], nonce: [u8; 24], seq: u32, mac: [u8; 32], head: [u8; 28], plain: Vec<u8>,
        ) {
            let mut full = nonce;
            for (n, s) in full.iter_mut().rev().zip(u64::from(seq).to_be_bytes().iter().rev()) {
                *n ^= s;
            }
            let aad = [mac.as_slice(), head.as_slice()].concat();
            let mut expected = plain.clone();
            let tag = XChaCha20Poly1305::new(&key.into())
                .encrypt_inout_detached(&full.into(), &aad, expected.as_mut_slice().into())
                .unwrap();

            let derived = Derived { key: Zeroizing::new(key), nonce, commitment: [0; 32] };
            let cipher = derived.into_cipher(mac).unwrap();
            let mut bytes = plain.clone();
            let ours = cipher.seal(seq, &head, &mut bytes).unwrap();
            prop_assert_eq!(&bytes, &expected);
            prop_assert_eq!(ours.as_slice(), tag.as_slice());
            prop_assert!(cipher.open(seq, &head, &mut bytes, &ours));
            prop_assert_eq!(bytes, plain);
        }
    }

    #[test]
    fn another_number_head_or_header_does_not_open() {
        let cipher = |mac| {
            Derived { key: Zeroizing::new([1; 32]), nonce: [2; 24], commitment: [0; 32] }
                .into_cipher(mac)
                .unwrap()
        };
        let mut bytes = *b"one";
        let tag = cipher([7; 32]).seal(5, &[9; 28], &mut bytes).unwrap();
        assert!(!cipher([7; 32]).open(6, &[9; 28], &mut bytes.clone(), &tag));
        assert!(!cipher([7; 32]).open(5, &[8; 28], &mut bytes.clone(), &tag));
        assert!(!cipher([6; 32]).open(5, &[9; 28], &mut bytes.clone(), &tag));
        assert!(cipher([7; 32]).open(5, &[9; 28], &mut bytes, &tag));
    }
}

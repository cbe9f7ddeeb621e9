//! Labelled derivations, as the design's section 3 writes them.

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// HKDF (RFC 5869) with salt and input key; the parts of `info` stand one behind the other.
pub(crate) fn derive<const N: usize>(salt: &[u8], ikm: &[u8], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::new(Some(salt), ikm)
        .expand_multi_info(info, out.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8,160 bytes");
    out
}

/// HKDF-Expand from a key that is uniform already.
pub(crate) fn expand<const N: usize>(prk: &[u8; 32], info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    Hkdf::<Sha256>::from_prk(prk)
        .expect("32 bytes are as long as SHA-256")
        .expand_multi_info(info, out.as_mut_slice())
        .expect("HKDF-SHA256 gives up to 8,160 bytes");
    out
}

/// HKDF-Extract.
pub(crate) fn extract(salt: &[u8], ikm: &[u8]) -> Zeroizing<[u8; 32]> {
    let (prk, _) = Hkdf::<Sha256>::extract(Some(salt), ikm);
    Zeroizing::new(prk.into())
}

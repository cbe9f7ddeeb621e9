//! Reading numbers from wire bytes: every read says `None` when the bytes are not there.

/// Reads two octets at `at`, most significant first.
#[inline]
pub(super) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|b| u16::from_be_bytes(*b))
}

/// Reads four octets at `at`, most significant first.
#[inline]
pub(super) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|b| u32::from_be_bytes(*b))
}

/// Returns what follows the first `octets`.
#[inline]
pub(super) fn skip(bytes: &[u8], octets: usize) -> Option<&[u8]> {
    bytes.get(octets..)
}

/// Returns at most the first `octets`.
#[inline]
pub(super) fn at_most(bytes: &[u8], octets: usize) -> &[u8] {
    bytes.get(..octets).unwrap_or(bytes)
}

//! All digests of one file in one reading: of the whole, of what comes before its trailer, and of each piece.

use archive::Pieces;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a file is, in digests.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Digests {
    /// Of the whole file, in bytes.
    pub size: u64,
    /// Of the whole file.
    #[serde(with = "crate::wire::digest")]
    pub sha256: [u8; 32],
    /// Of the whole file.
    #[serde(with = "crate::wire::digest")]
    pub blake3: [u8; 32],
    /// Of everything before the trailer; of the whole file if it has none.
    #[serde(with = "crate::wire::digest")]
    pub content_sha256: [u8; 32],
    /// The same by BLAKE3.
    #[serde(with = "crate::wire::digest")]
    pub content_blake3: [u8; 32],
    /// Of each piece of 1 MiB, if there is more than one ([`Pieces`]).
    #[serde(with = "crate::wire::digests")]
    pub pieces: Vec<[u8; 32]>,
}

/// Digests under way.
pub(crate) struct Digesting {
    sha256: Sha256,
    pieces: Pieces,
    size: u64,
    /// Where the trailer begins.
    content: u64,
    at_content: Option<([u8; 32], [u8; 32])>,
}

impl Digesting {
    /// Begins; `content` bytes come before the trailer.
    pub(crate) fn new(content: u64) -> Self {
        Self { sha256: Sha256::new(), pieces: Pieces::default(), size: 0, content, at_content: None }
    }

    /// Takes the next bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let before = usize::try_from(self.content.saturating_sub(self.size)).unwrap_or(usize::MAX);
        match bytes.split_at_checked(before) {
            Some((content, rest)) if self.at_content.is_none() => {
                self.take(content);
                self.at_content = Some((self.sha256.clone().finalize().into(), self.pieces.whole()));
                self.take(rest);
            }
            _ => self.take(bytes),
        }
    }

    /// Returns the digests of all bytes taken.
    pub(crate) fn finish(self) -> Digests {
        let (blake3, pieces) = self.pieces.finish();
        let sha256 = self.sha256.finalize().into();
        let (content_sha256, content_blake3) = self.at_content.unwrap_or((sha256, blake3));
        Digests { size: self.size, sha256, blake3, content_sha256, content_blake3, pieces }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.pieces.update(bytes);
        self.size = self.size.saturating_add(seal::fields::len64(bytes));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]
    use super::*;

    fn digests(bytes: &[u8], content: u64, step: usize) -> Digests {
        let mut digesting = Digesting::new(content);
        bytes.chunks(step).for_each(|chunk| digesting.update(chunk));
        digesting.finish()
    }

    #[test]
    fn they_are_the_same_however_the_bytes_come() {
        let bytes: Vec<u8> = (0..2_500_000_u32).map(|n| (n % 251) as u8).collect();
        let content = bytes.len() - 256;
        let all = digests(&bytes, content as u64, bytes.len());
        assert_eq!(all.sha256, <[u8; 32]>::from(Sha256::digest(&bytes)));
        assert_eq!(all.content_sha256, <[u8; 32]>::from(Sha256::digest(&bytes[..content])));
        assert_eq!(all.content_blake3, *blake3::hash(&bytes[..content]).as_bytes());
        let pieces: Vec<[u8; 32]> =
            (0..).zip(bytes.chunks(1 << 20)).map(|(n, piece)| archive::piece_digest(n, piece)).collect();
        assert_eq!((all.size, &all.pieces), (2_500_000, &pieces));
        for step in [1, 1_000, 1 << 20, content, content + 1] {
            assert_eq!(digests(&bytes[..], content as u64, step), all, "steps of {step}");
        }
    }

    #[test]
    fn a_file_of_one_piece_has_no_list_of_pieces_and_one_without_trailer_is_all_content() {
        for len in [0, 1, 1 << 20] {
            let bytes = vec![7; len];
            let d = digests(&bytes, u64::MAX, 4_096);
            assert!(d.pieces.is_empty(), "{len}");
            assert_eq!((d.content_sha256, d.content_blake3), (d.sha256, d.blake3), "{len}");
        }
    }
}

//! BLAKE3 of a file and of its pieces, in one reading.
//!
//! BLAKE3 hashes a file as a tree, and 1 MiB from a multiple of 1 MiB is a whole branch of it. The digest of a piece is that branch's
//! chaining value, so the digest of the file follows from those of its pieces: they cost nothing besides, and a list of pieces that
//! does not belong to its file's digest shows by itself. It is not what `b3sum` says of the piece alone, which does not know where
//! in the file it lies. A file of one piece has none.

use blake3::Hasher;
use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};

use crate::manifest::PIECE;

/// A file being digested.
#[derive(Clone, Default, Debug)]
pub struct Pieces {
    done: Vec<ChainingValue>,
    piece: Hasher,
    /// Bytes in the piece under way.
    len: u64,
}

impl Pieces {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            // Not before more comes: a file that ends with a piece ends with that piece.
            if self.len == PIECE {
                self.end_piece();
            }
            let room = usize::try_from(PIECE.saturating_sub(self.len)).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.piece.update(now);
            self.len = self.len.saturating_add(seal::fields::len64(now));
            bytes = later;
        }
    }

    fn end_piece(&mut self) {
        self.done.push(self.piece.finalize_non_root());
        self.piece = begun(seal::fields::len64(&self.done));
        self.len = 0;
    }

    /// Returns the BLAKE3 of all bytes taken so far.
    #[must_use]
    pub fn whole(&self) -> [u8; 32] {
        if self.done.is_empty() {
            return self.piece.finalize().into();
        }
        root(&self.all())
    }

    /// Returns the BLAKE3 of all bytes taken, and the digests of the pieces if there is more than one.
    #[must_use]
    pub fn finish(self) -> ([u8; 32], Vec<[u8; 32]>) {
        if self.done.is_empty() { (self.whole(), Vec::new()) } else { (self.whole(), self.all()) }
    }

    fn all(&self) -> Vec<ChainingValue> {
        let mut all = self.done.clone();
        all.push(self.piece.finalize_non_root());
        all
    }
}

/// Returns the digest of the `nth` piece, counted from 0, of a file of more than one; `bytes` are at most 1 MiB, not none.
///
/// What is longer, or empty, is no piece: it gets a digest that none has.
#[must_use]
pub fn piece_digest(nth: u64, bytes: &[u8]) -> [u8; 32] {
    if bytes.is_empty() || seal::fields::len64(bytes) > PIECE {
        return [0; 32];
    }
    begun(nth).update(bytes).finalize_non_root()
}

fn begun(nth: u64) -> Hasher {
    let mut hasher = Hasher::new();
    // Behind 2^64 bytes there is no file.
    hasher.set_input_offset(nth.min(u64::MAX / PIECE).saturating_mul(PIECE));
    hasher
}

/// Joins branches as BLAKE3 does: on the left the largest power of two of them that leaves something to the right.
fn joined(pieces: &[ChainingValue]) -> ChainingValue {
    match pieces {
        [] => [0; 32],
        [one] => *one,
        _ => {
            let (left, right) = halves(pieces);
            merge_subtrees_non_root(&joined(left), &joined(right), Mode::Hash)
        }
    }
}

fn root(pieces: &[ChainingValue]) -> [u8; 32] {
    let (left, right) = halves(pieces);
    merge_subtrees_root(&joined(left), &joined(right), Mode::Hash).into()
}

fn halves(pieces: &[ChainingValue]) -> (&[ChainingValue], &[ChainingValue]) {
    let left = pieces.len().div_ceil(2).checked_next_power_of_two().unwrap_or(1);
    pieces.split_at_checked(left).unwrap_or((pieces, &[]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).map(|n| u8::try_from(n % 251).unwrap_or(0)).collect()
    }

    fn taken(bytes: &[u8], step: usize) -> Pieces {
        let mut all = Pieces::default();
        bytes.chunks(step).for_each(|chunk| all.update(chunk));
        all
    }

    #[test]
    fn the_whole_is_what_blake3_says_however_the_bytes_come() {
        const MIB: usize = 1 << 20;
        for len in
            [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB, 3 * MIB + 1, 5 * MIB, 7 * MIB + 1_025, 8 * MIB]
        {
            let bytes = bytes(len);
            for step in [4_093, MIB, MIB + 1, 9 * MIB] {
                let taken = taken(&bytes, step);
                assert_eq!(taken.whole(), *blake3::hash(&bytes).as_bytes(), "{len} by {step}");
                let (whole, pieces) = taken.finish();
                assert_eq!(whole, *blake3::hash(&bytes).as_bytes(), "{len} by {step}");
                let expected: Vec<[u8; 32]> =
                    (0..).zip(bytes.chunks(MIB)).map(|(n, piece)| piece_digest(n, piece)).collect();
                assert_eq!(pieces, if len > MIB { expected } else { Vec::new() }, "{len} by {step}");
            }
        }
    }

    #[test]
    fn a_piece_knows_its_place_and_what_is_none_has_no_digest() {
        let piece = bytes(1 << 20);
        assert_ne!(piece_digest(0, &piece), piece_digest(1, &piece));
        assert_eq!(piece_digest(3, &[]), [0; 32]);
        assert_eq!(piece_digest(3, &bytes((1 << 20) + 1)), [0; 32]);
        assert_ne!(piece_digest(u64::MAX, &piece), [0; 32], "far behind any file, but no panic");
    }
}

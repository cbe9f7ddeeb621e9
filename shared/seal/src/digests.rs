//! BLAKE3 and SHA-256 of everything written so far, in little memory: thousands of recordings grow at once.
//!
//! BLAKE3 hashes eight chunks of 1 KiB side by side, but only where they begin at a multiple of 8 KiB. Frames of audio are
//! a little longer than 8,000 bytes and begin anywhere, so what does not fill such a stretch waits for the next frame: half the
//! cost. Where more than 4 KiB would wait, half a stretch is hashed by itself, four side by side. What waits takes little more
//! memory than its length.
//!
//! The library's own state has room for files of 2^64 bytes, 1.9 KB of it. Here the tree above the stretches is kept by hand: one
//! value of 32 bytes for each one in the binary number of their halves, eighteen of them in a part of 1 GiB at most.

use blake3::hazmat::{ChainingValue, HasherExt as _, Mode, merge_subtrees_non_root, merge_subtrees_root};
use sha2::{Digest as _, Sha256};

use crate::trailer::TrailerFacts;

/// Eight chunks of BLAKE3.
const STRETCH: usize = 8 << 10;

/// Four chunks: the least that is hashed at once, but for the end.
const HALF: usize = STRETCH / 2;

/// The most that is hashed at once.
const STRETCHES: usize = 64 << 10;

/// Memory for what waits is taken in steps of this.
const STEP: usize = 1 << 10;

/// Both digests.
#[derive(Clone, Default)]
pub(crate) struct Digests {
    blake3: Tree,
    sha256: Sha256,
}

/// BLAKE3 of what was written so far. What was hashed is a multiple of [`HALF`], and something always waits behind it, so that
/// none of the values is the root's.
#[derive(Clone, Default)]
struct Tree {
    /// Bytes hashed.
    done: u64,
    /// Values of subtrees, from the left, each larger than the next.
    values: Vec<ChainingValue>,
    /// What comes next: at most [`HALF`].
    waiting: Vec<u8>,
}

impl Digests {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.blake3.update(bytes);
    }

    pub(crate) fn facts(&self, frames: u32, final_offset: u64, body_len: u64) -> TrailerFacts {
        let blake3 = self.blake3.root();
        let sha256 = self.sha256.clone().finalize().into();
        TrailerFacts { frames, final_offset, body_len, blake3, sha256 }
    }
}

impl Tree {
    fn update(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        if !self.waiting.is_empty() {
            let len = self.next_len(self.waiting.len().saturating_add(rest.len())).min(STRETCH);
            let mut stretch = [0; STRETCH];
            let Some(((begun, room), (head, tail))) = stretch.get_mut(..len).and_then(|stretch| {
                let (begun, room) = stretch.split_at_mut_checked(self.waiting.len())?;
                let halves = rest.split_at_checked(room.len())?;
                Some(((begun, room), halves))
            }) else {
                self.waiting.reserve_exact(rest.len());
                self.waiting.extend_from_slice(rest);
                return;
            };
            begun.copy_from_slice(&self.waiting);
            room.copy_from_slice(head);
            self.hash(stretch.get(..len).unwrap_or_default());
            rest = tail;
        }
        while let Some((now, later)) =
            rest.split_at_checked(self.next_len(rest.len())).filter(|(now, _)| !now.is_empty())
        {
            self.hash(now);
            rest = later;
        }
        // In steps, so that what one recording gives back fits the next.
        let mut waiting = Vec::with_capacity(rest.len().next_multiple_of(STEP));
        waiting.extend_from_slice(rest);
        self.waiting = waiting;
    }

    /// Returns how much of `len` bytes is the next whole subtree that is not the last; 0 if there is none.
    fn next_len(&self, len: usize) -> usize {
        let begins = |size: usize| u64::try_from(size).is_ok_and(|size| self.done.is_multiple_of(size));
        let fits = |size: &usize| *size < len && begins(*size);
        [STRETCHES, STRETCHES / 2, STRETCHES / 4, STRETCH, HALF].into_iter().find(fits).unwrap_or(0)
    }

    /// Hashes one subtree and joins what is complete. More bytes will follow.
    fn hash(&mut self, subtree: &[u8]) {
        self.values.push(value_at(self.done, subtree));
        self.done = self.done.saturating_add(crate::fields::len64(subtree));
        // As many as there are ones in the number of halves, which is `done` without its last twelve zeros.
        while self.values.len() > usize::try_from(self.done.count_ones()).unwrap_or(usize::MAX) {
            let (Some(right), Some(left)) = (self.values.pop(), self.values.pop()) else { return };
            self.values.push(merge_subtrees_non_root(&left, &right, Mode::Hash));
        }
    }

    fn root(&self) -> [u8; 32] {
        let Some((first, inner)) = self.values.split_first() else {
            return blake3::hash(&self.waiting).into();
        };
        let last = value_at(self.done, &self.waiting);
        let right = inner.iter().rfold(last, |right, left| merge_subtrees_non_root(left, &right, Mode::Hash));
        merge_subtrees_root(first, &right, Mode::Hash).into()
    }
}

/// Returns the value of a subtree that begins at `offset` and is not the whole tree.
fn value_at(offset: u64, subtree: &[u8]) -> ChainingValue {
    blake3::Hasher::new().set_input_offset(offset).update(subtree).finalize_non_root()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_near_a_whole_number_of_stretches_gives_the_digest_of_the_whole() {
        let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        for len in (0..36).flat_map(|n| [0, 1, 8_191].map(|more| n * STRETCH + more)) {
            let whole = bytes.get(..len).unwrap_or_default();
            for size in [len.max(1), 8_118, 20_000] {
                let mut digests = Digests::default();
                whole.chunks(size).for_each(|piece| digests.update(piece));
                assert_eq!(digests.facts(0, 0, 0).blake3, *blake3::hash(whole).as_bytes(), "{len} in {size}");
                assert!(digests.blake3.waiting.capacity() <= HALF, "{len} in {size}");
            }
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_digests_of_the_whole() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let whole = (*blake3::hash(&bytes).as_bytes(), <[u8; 32]>::from(Sha256::digest(&bytes)));
        for size in [1, 63, 1_024, 4_096, 8_118, 8_191, 8_192, 8_193, 16_384, 40_000, 65_536, 65_537, 100_000]
        {
            let mut digests = Digests::default();
            bytes.chunks(size).for_each(|piece| digests.update(piece));
            let facts = digests.facts(0, 0, 0);
            assert_eq!((facts.blake3, facts.sha256), whole, "pieces of {size}");
        }
    }
}
